"""Commands on a registry at a URL, by people of a team that have no clone; and those that ask more than one version."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.runner import Result, artifact, done, metrics, modelreg
from tests.support import Repo
from tests.team import Team, person


@pytest.fixture
def url(team: Team, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MODELREG_CACHE", str(team.folder / "cache"))
    team.server.git("config", "uploadpack.allowFilter", "true")
    return f"file://{team.server.path}"


def as_(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_EMAIL", person(name))


def test_a_proposal_is_made_approved_and_landed_without_a_clone(
    team: Team, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def approve(name: str) -> Result:
        as_(monkeypatch, name)
        return done("approve", "churn", "1.0.0", "staging", "--key", team.keys[name].path, "--json", "--registry", url)

    branch = "promote/churn/1.0.0/staging"
    as_(monkeypatch, "dan")
    done("propose", "churn", "1.0.0", "staging", "-m", "good", "--registry", url)
    assert approve("bo").json("approve")["branch"] == branch
    first = team.server.rev(branch)
    assert approve("cy").json("approve")["branch"] == branch
    assert team.server.git("rev-parse", f"{branch}~1") == first
    listed = done("approval", "list", "churn@1.0.0", "--json", "--registry", url).json("approvals")["approvals"]
    assert [row["counts"] for row in listed] == [True, True]
    assert "1.0.0" in done("proposals", "--registry", url).out
    team.fetch()
    team.land(branch)
    assert done("stage", "get", "churn", "staging", "--registry", url).out == "1.0.0\n"


def test_approvals_of_what_stage_set_would_record(team: Team, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    move = ("churn", "1.0.0", "staging", "--registry", url)
    as_(monkeypatch, "dan")
    refused = modelreg("stage", "set", *move)
    assert refused.code == 1
    for name in ("bo", "cy"):
        as_(monkeypatch, name)
        done("approve", *move, "--key", team.keys[name].path)
    as_(monkeypatch, "dan")
    done("stage", "set", *move)
    assert done("stage", "get", "churn", "staging", "--registry", url).out == "1.0.0\n"


@pytest.mark.parametrize(
    "words",
    [
        ("validate",),
        ("verify",),
        ("doctor",),
        ("policy", "check"),
        ("policy", "test", "churn@1.0.0", "staging"),
        ("export", "model-card", "churn@1.0.0"),
        ("announce",),
        ("announce", "--since", "HEAD~1", "--json"),
        ("list", "--ref", "HEAD~1"),
        ("gate", "--base", "HEAD", "--head", "HEAD"),
        ("promote", "churn", "--auto", "--to", "staging"),
        ("stage", "set", "churn", "1.0.0", "staging", "--dry-run"),
    ],
    ids=" ".join,
)
def test_what_else_is_asked(words: tuple[str, ...], by_url: tuple[str, Repo]) -> None:
    url, server = by_url
    before = server.git("rev-parse", "main")
    done(*words, "--registry", url)
    landed = server.git("log", "--format=%s", f"{before}..main").splitlines()
    assert landed == (["Promote churn 1.0.0 to staging"] if words[0] == "promote" else [])


def test_repair_is_of_what_is_cached(by_url: tuple[str, Repo]) -> None:
    url, _ = by_url
    refused = modelreg("repair", "--registry", url)
    assert (refused.code, "was never fetched" in refused.err) == (4, True)
    done("list", "--registry", url)
    done("repair", "--registry", url)


@pytest.fixture(scope="module")
def one_server(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    folder = tmp_path_factory.mktemp("one")
    repo = Repo.init(folder / "repo")
    done("init", "--remote", folder / "storage", registry=repo.path)
    done("register", "churn", artifact(folder, "one"), "--metrics", metrics(folder, 0.9), registry=repo.path)
    server = repo.bare(folder / "server.git")
    server.git("config", "uploadpack.allowFilter", "true")
    return server


@pytest.fixture
def by_url(one_server: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Repo]:
    monkeypatch.setenv("MODELREG_CACHE", str(tmp_path / "cache"))
    server = one_server.copy(tmp_path / "server.git")
    return f"file://{server.path}", server
