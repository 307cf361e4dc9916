"""Which addresses are a forge's, and what is said of them."""

from __future__ import annotations

import pytest

from modelreg.integrations.pull_request import Hosted

GITHUB = Hosted("github.com", "acme/models")


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/models",
        "https://github.com/acme/models.git",
        "https://x-access-token:ghs_secret@github.com/acme/models.git",
        "git@github.com:acme/models.git",
        "github.com:acme/models",
        "ssh://git@github.com/acme/models.git",
        "ssh://git@GitHub.com:22/acme/models.git/",
    ],
)
def test_addresses_of_github(url: str) -> None:
    hosted = Hosted.parse(url)
    assert hosted == GITHUB
    assert hosted.is_github


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "/srv/git/models.git",
        "../models",
        "file:///srv/git/models.git",
        "https://github.com/acme",
        "https://github.com/acme/../models",
        "https://github.com/acme/mo dels",
        "https://github.com/--repo/x;y",
    ],
)
def test_what_is_none(url: str | None) -> None:
    assert Hosted.parse(url) is None


def test_other_forges(monkeypatch: pytest.MonkeyPatch) -> None:
    gitlab = Hosted.parse("git@gitlab.example.org:ml/team/models.git")
    assert gitlab is not None
    assert not gitlab.is_github
    form = gitlab.form("promote/churn/1.0.0/production", "main")
    assert form is not None
    assert form.startswith("https://gitlab.example.org/ml/team/models/-/merge_requests/new?merge_request%5Bsource")
    assert Hosted("git.example.org", "ml/models").form("a", "main") is None
    enterprise = Hosted("git.example.org", "ml/models")
    assert not enterprise.is_github
    monkeypatch.setenv("GH_HOST", "git.example.org")
    assert enterprise.is_github
    lookalike = Hosted.parse("https://github.com.evil.example/acme/models")
    assert lookalike is not None
    assert not lookalike.is_github
