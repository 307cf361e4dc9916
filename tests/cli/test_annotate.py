"""`annotate` and `retire` on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelreg.adapters.index import SqliteIndex
from tests.cli.runner import artifact, done, everything, founded, modelreg
from tests.support import Repo


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    folder = tmp_path_factory.mktemp("made")
    repo = founded(folder / "repo", "--policy", "open")
    done("register", "churn", artifact(folder, "a model"), registry=repo.path)
    return repo


@pytest.fixture
def repo(made: Repo, tmp_path: Path) -> Repo:
    return made.copy(tmp_path / "repo")


def annotate(repo: Repo, *arguments: str) -> Any:
    return done("annotate", *arguments, "--json", registry=repo.path).json("annotate")


def test_a_version_is_described_and_tagged(repo: Repo) -> None:
    told = annotate(repo, "churn@latest", "--description", "of May", "--tag", "team=risk", "--tag", "eu=yes=no")
    assert told == {"changed": "churn@1.0.0", "commit": repo.head, "files": ["registry/churn/1.0.0/annotations.yaml"]}
    shown = done("show", "churn@1.0.0", "--json", registry=repo.path).json("show")
    assert shown["annotations"] == {"description": "of May", "tags": {"team": "risk", "eu": "yes=no"}}
    annotate(repo, "churn@1.0.0", "--untag", "eu", "--description", "")
    shown = done("show", "churn@1.0.0", "--json", registry=repo.path).json("show")
    assert shown["annotations"] == {"tags": {"team": "risk"}}
    assert annotate(repo, "churn@1.0.0", "--tag", "team=risk")["commit"] is None
    done("validate", registry=repo.path)


@pytest.mark.parametrize("index", [True, False])
def test_tags_that_changed_are_found_and_shown(repo: Repo, index: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not index:
        monkeypatch.setattr(SqliteIndex, "_ask", lambda *_, **__: None)
    files = repo.path.parent / "files"
    done("register", "churn", artifact(files, "another"), "--tag", "team=growth", "--tag", "eu=yes", registry=repo.path)
    annotate(repo, "churn@latest", "--tag", "team=risk")

    def found(expression: str) -> list[str]:
        rows = done("search", expression, "--json", registry=repo.path).json("list")["versions"]
        return [row["version"] for row in rows]

    assert found('tags.team = "risk"') == ["1.0.1"]
    assert found('tags.team = "growth"') == []
    assert found('tags.eu = "yes" and tags.team like "%sk"') == ["1.0.1"]
    row = done("list", "churn", "--json", registry=repo.path).json("list")["versions"][0]
    assert row["tags"] == {"team": "risk", "eu": "yes"}
    assert "team=risk, eu=yes" in " ".join(done("show", "churn@latest", registry=repo.path).out.split())


def test_a_model_gets_a_name_for_people(repo: Repo) -> None:
    annotate(repo, "churn", "--display-name", "Churn (EU)", "--tag", "team=risk")
    text = repo.read("registry/churn/model.yaml")
    assert "display_name: Churn (EU)\n" in text
    assert "tags: {team: risk}\n" in text
    assert done("annotate", "churn", "--untag", "team", "--dry-run", registry=repo.path).out.startswith("churn: would")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["churn@1.0.0"], 2, "nothing is to change"),
        (["churn@1.0.0", "--tag", "team"], 1, "is not KEY=VALUE"),
        (["churn@1.0.0", "--tag", "=x"], 1, "is not KEY=VALUE"),
        (["churn@1.0.0", "--display-name", "x"], 2, "no name but its number"),
        (["churn@2.0.0", "--tag", "a=b"], 1, "has no version 2.0.0"),
        (["nobody", "--tag", "a=b"], 1, "there is no model nobody"),
        (["churn", "--tag", f"{'k' * 251}=b"], 1, "1 to 250 characters"),
        (["churn", "--description", "x" * 5001], 1, "5000"),
    ],
)
def test_what_is_refused(repo: Repo, arguments: list[str], code: int, says: str) -> None:
    before = everything(repo)
    told = modelreg("annotate", *arguments, registry=repo.path)
    assert (told.code, says in told.err) == (code, True), told.err
    assert everything(repo) == before


def test_a_model_is_retired(repo: Repo) -> None:
    told = done("retire", "churn", "-m", "nobody asks it", "--json", registry=repo.path).json("retire")
    assert told["commit"] == repo.head
    assert "registry/churn/1.0.0/withdrawn.yaml" in told["files"]
    assert "was retired already" in done("retire", "churn", registry=repo.path).out
    assert modelreg("retire", "nobody", registry=repo.path).code == 1
