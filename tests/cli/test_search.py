"""`modelreg search`, with the index and without, and the session of docs/search.md."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from modelreg import Registry
from modelreg.adapters.index import SqliteIndex
from modelreg.errors import UsageError
from modelreg.registry import listing
from tests.cli.runner import artifact, done, founded, modelreg
from tests.support import Repo
from tests.test_docs import TOP, play, sessions

PAGE = (TOP / "docs" / "search.md").read_text()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    folder = tmp_path_factory.mktemp("made")
    repo = founded(folder / "repo")
    (folder / "model.yaml").write_text("x")
    for number, (f1, loss, version) in enumerate(((0.7, 0.25, "1.0.0"), (0.82, 0.15, "1.0.1"), (0.85, 0.2, "1.1.0"))):
        measured = folder / "metrics.json"
        measured.write_text(json.dumps({"f1": f1, "loss": loss}))
        what = artifact(folder, str(number))
        options = ("--metrics", measured, "--version", version, "--tag", f"team={'risk' if number else 'growth'}")
        done("register", "churn", what, "--primary-metric", "f1", *options, registry=repo.path)
    for version in ("1.0.0", "1.1.0"):
        for stage in ("staging", "production"):
            done("stage", "set", "churn", version, stage, registry=repo.path)
    done("alias", "set", "churn", "champion", "1.1.0", registry=repo.path)
    return repo


@pytest.fixture
def repo(made: Repo, tmp_path: Path) -> Repo:
    return made.copy(tmp_path / "repo")


def names(*arguments: str, registry: Path) -> list[str]:
    found: dict[str, Any] = done("search", *arguments, "--json", registry=registry).json("list")
    return [row["version"] for row in found["versions"]]


def test_the_session_of_the_page(repo: Repo) -> None:
    today = done("list", registry=repo.path).out.split()[-1]
    play(re.sub(r"2026-11-25", today, sessions(PAGE)["search"]), repo.path)


def test_with_the_index_and_without(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    questions = (
        ("stage = production",),
        ("version > 1.0.0", "--order-by", "version"),
        ("metrics.f1 > 0 and not alias = champion", "--order-by", "metrics.f1 desc", "--limit", "1"),
        (),
    )
    with_index = [names(*question, registry=repo.path) for question in questions]
    assert with_index == [["1.1.0"], ["1.0.1", "1.1.0"], ["1.0.1"], ["1.1.0", "1.0.1", "1.0.0"]]
    monkeypatch.setattr(SqliteIndex, "_ask", lambda *_, **__: None)
    assert [names(*question, registry=repo.path) for question in questions] == with_index


def test_no_version_is_an_answer(repo: Repo) -> None:
    said = done("search", "metrics.f1 > 1", registry=repo.path)
    assert (said.out, said.err) == ("", "no version meets that\n")
    assert names("metrics.f1 > 1", registry=repo.path) == []


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("metrics.f1 >",), 2, "column 13: a value is missing"),
        (("stage = prodution",), 1, "no stage prodution"),
        (("stage not in (staging, nowhere)",), 1, "no stage nowhere"),
        (("model = churn", "--limit", "0"), 2, "one version or more"),
        (("model = churn", "--order-by", "alias"), 2, "nothing can be put in order"),
    ],
)
def test_what_is_refused(repo: Repo, arguments: tuple[str, ...], code: int, word: str) -> None:
    said = modelreg("search", *arguments, registry=repo.path)
    assert said.code == code
    assert word in said.err


def test_a_fault_as_json_has_its_column(repo: Repo) -> None:
    said = modelreg("search", "metrics.f1 >", "--json", registry=repo.path)
    assert json.loads(said.err)["error"]["field"] == "column 13"


def test_the_sdk(repo: Repo) -> None:
    registry = Registry(repo.path)
    best = registry.search("metrics.f1 > 0.5", order_by=["metrics.f1 desc"], limit=2)
    assert [(str(row.version), row.stage, row.metrics["f1"]) for row in best] == [
        ("1.1.0", "production", 0.85), ("1.0.1", "development", 0.82),
    ]  # fmt: skip
    assert best[0].tags == {"team": "risk"}
    assert best[0].aliases == ("champion",)
    with pytest.raises(UsageError):
        registry.search("f1 > 1")


def test_few_versions_of_one_model_open_no_index(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    state = repo.path / ".git" / "modelreg"
    for path in state.glob("index.*"):
        path.unlink()
    done("list", "churn", registry=repo.path)
    done("stage", "get", "churn", "production", registry=repo.path)
    done("show", "churn@latest", registry=repo.path)
    assert not list(state.glob("index.*"))
    monkeypatch.setattr(listing, "FEW", 2)
    done("list", "churn", registry=repo.path)
    assert list(state.glob("index.*"))


def test_hundreds_of_rows_are_a_table_too() -> None:
    import contextlib
    import io

    from modelreg.cli.output import table

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        table(("a", "number"), ((f"x\x1b[3{n}", n) for n in range(600)))
    lines = out.getvalue().splitlines()
    assert len(lines) == 601
    assert lines[0] == "a        number"
    assert lines[1] == "x\ufffd[30    0"
