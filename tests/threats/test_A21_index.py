"""A21: the index is a file of the git directory, which a hostile repository may bring. It decides nothing."""

from __future__ import annotations

import ast
import random
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

import modelreg
from modelreg.adapters import index_file
from modelreg.adapters.index_file import IndexFile
from modelreg.registry.search import query_of, search
from modelreg.wiring import open_index, open_workspace
from tests.cli.runner import modelreg as run
from tests.histories import History
from tests.support import Repo

ROOT = Path(modelreg.__file__).parent

READERS = {
    "cli/lineage.py": {"lineage"},
    "cli/reading.py": {"list_", "search", "history"},
    "cli/checking.py": {"validate"},
    "auditing.py": {"_known"},
}
"""The only functions that may open an index: reads for people, and `validate` (docs/decisions/0006)."""


def mentions(name: str) -> dict[str, set[str]]:
    """Functions, by module, in which `name` stands: imported, called, or as an attribute."""
    found: dict[str, set[str]] = {}
    for path in ROOT.rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef):
                for node in ast.walk(function):
                    names = {getattr(node, key, None) for key in ("id", "attr", "name")}
                    if name in names and function.name != name:
                        found.setdefault(path.relative_to(ROOT).as_posix(), set()).add(function.name)
    return found


def test_A21_only_reads_for_people_open_an_index() -> None:
    assert mentions("open_index") == READERS
    asked = {module: names for module, names in mentions("_known").items() if "/" not in module}
    assert asked == {
        "sdk.py": {"search"},
        "auditing.py": {"history", "validate"},
        "registered_model.py": {"history"},
    }


def test_A21_the_index_is_made_in_one_place() -> None:
    assert mentions("SqliteIndex") == {"wiring.py": {"open_index"}}
    importers = {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        if "modelreg.adapters.index" in path.read_text()
    }
    allowed = {"wiring.py", *(f"adapters/{name}.py" for name in ("index", "index_rows", "index_tree", "index_update"))}
    assert importers <= allowed


def test_A21_the_writers_workspace_has_no_index() -> None:
    from modelreg.registry.workspace import Workspace

    assert not [name for name in Workspace.__annotations__ if "index" in name.lower()]


@pytest.fixture
def past(tmp_path: Path) -> History:
    past = History(Repo.init(tmp_path / "repo"), random.Random(3))
    past.found()
    for _ in range(4):
        past.register(past.trees["main"])
    past.commit("main")
    past.repo.git("reset", "-q", "--hard")
    return past


def lie(git_dir: Path) -> None:
    """The best lie that can be told by who knows modelreg's code: an index as it would be, with other numbers."""
    with IndexFile(git_dir).writing() as connection:
        connection.execute("UPDATE value SET value = 0.999 WHERE typeof(value) = 'real'")
        connection.execute("""UPDATE document SET card = '{"created": null, "metrics": {}, "tags": {}}'
            WHERE kind = 'manifest'""")


def test_A21_an_index_that_came_with_the_repository_is_not_opened(
    past: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search(open_workspace(past.repo.path).snapshot(), query_of(None), open_index(open_workspace(past.repo.path)))
    lie(past.repo.path / ".git")
    shutil.copytree(past.repo.path, tmp_path / "received", symlinks=True)  # names, contents, times, owner
    opened: list[str] = []
    real = sqlite3.connect

    def connect(*database: Any, **options: Any) -> Any:
        opened.append((tmp_path / "received/.git/modelreg" / index_file.NAME).read_bytes()[:16].decode())
        return real(*database, **options)

    monkeypatch.setattr(sqlite3, "connect", connect)
    workspace = open_workspace(tmp_path / "received")
    query = query_of("metrics.f1 = 0.999 or metrics.accuracy = 0.999")
    assert list(search(workspace.snapshot(), query, open_index(workspace))) == []
    assert opened[0] == ""  # what SQLite is given first is an empty file of our own


def test_A21_nothing_that_decides_believes_it(past: History) -> None:
    """An index with a true seal that lies (a hostile process of the same user): writers and judges do not look."""
    path = past.repo.path
    workspace = open_workspace(path)
    search(workspace.snapshot(), query_of(None), open_index(workspace))
    lie(path / ".git")
    with IndexFile(path / ".git").writing() as connection:
        connection.execute("UPDATE file SET version = '9.9.' || document WHERE kind = 'manifest'")
    with IndexFile(path / ".git").reading() as connection:
        assert connection is not None
        model, number = connection.execute("SELECT model, document FROM file WHERE kind = 'manifest'").fetchone()
    assert "9.9." in run("search", "model like '%'", registry=path).out  # the lie is well told
    before = (path / ".git/modelreg/index.sqlite").read_bytes()
    lists = ("show", f"{model}@latest"), ("verify", "--offline"), ("stage", "list", model), ("gate", "--base", "main~1")
    for command in lists:
        assert "9.9." not in run(*command, registry=path).out
    assert run("stage", "set", str(model), f"9.9.{number}", "staging", registry=path).code == 1
    assert (path / ".git/modelreg/index.sqlite").read_bytes() == before


def test_A21_validate_can_be_asked_to_believe_nothing(past: History) -> None:
    path = past.repo.path
    run("validate", registry=path)
    with IndexFile(path / ".git").writing() as connection:
        connection.execute("UPDATE sound SET paths = '[]'")
    manifest = next(path.glob("registry/*/*/manifest.yaml"))
    manifest.write_text(manifest.read_text().replace("1", "x", 1))
    assert run("validate", "--no-index", registry=path).out == run("validate", registry=path).out
