"""The index as a file: whatever becomes of it, the answer is the documents'."""

from __future__ import annotations

import fcntl
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from modelreg.adapters import index_file, index_rows, index_update, sealed_file
from modelreg.adapters.index_file import IndexFile
from modelreg.domain.layout import Place
from modelreg.domain.names import Stage
from modelreg.domain.search import Query
from modelreg.errors import UnavailableError
from modelreg.registry.history import history
from modelreg.registry.index_port import Index
from modelreg.registry.listing import list_versions
from modelreg.registry.search import query_of, search
from modelreg.registry.workspace import Workspace
from modelreg.wiring import open_index, open_workspace
from tests.histories import MODELS, VERSIONS, History
from tests.support import Repo, run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> History:
    past = History(Repo.init(tmp_path_factory.mktemp("made") / "repo"), random.Random(7))
    past.found()
    for step in range(14):
        (past.move if step % 3 == 2 else past.register)(past.trees["main"])
        past.commit("main")
    past.repo.git("reset", "-q", "--hard")
    return past


@pytest.fixture
def past(made: History, tmp_path: Path) -> History:
    repo = made.repo.copy(tmp_path / "repo")
    return History(repo, random.Random(8), trees={"main": dict(made.trees["main"])}, commits=made.commits)


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The documents that an update parsed, as they come."""
    seen: list[str] = []
    real = index_rows.made_of

    def counted(place: Place, body: Any) -> Any:
        seen.append(place.path)
        return real(place, body)

    monkeypatch.setattr(index_update, "made_of", counted)
    return seen


def opened(past: History) -> tuple[Workspace, Index]:
    workspace = open_workspace(past.repo.path)
    return workspace, open_index(workspace)


def opening(index: Index | None) -> Callable[[], Index] | None:
    """As `list` wants it."""
    if index is None:
        return None
    opened = index
    return lambda: opened


def ask(workspace: Workspace, index: Index | None) -> list[Any]:
    """Every kind of answer."""
    snapshot = workspace.snapshot()
    query = query_of("metrics.f1 > 0.1 or stage = staging or data = train", ["metrics.accuracy desc"])
    return [
        *list_versions(snapshot, index=opening(index)),
        *search(snapshot, query, index),
        *history(workspace, index=index),
    ]


def answers(workspace: Workspace, index: Index) -> bool:
    """Whether the index answers by itself."""
    return index.versions(workspace.tip(), Query(), initial=Stage("development")) is not None


def state(past: History) -> Path:
    return past.repo.path / ".git" / "modelreg"


def test_only_what_is_new_is_parsed(past: History, parsed: list[str]) -> None:
    workspace, index = opened(past)
    ask(workspace, index)
    total = len(parsed)
    assert total > 10
    ask(*opened(past))
    assert len(parsed) == total
    past.trees["main"]["registry/churn/9.0.0/manifest.yaml"] = past.trees["main"][
        next(path for path in past.trees["main"] if path.endswith("manifest.yaml"))
    ].replace('"f1"', '"f2"')
    past.commit("main")
    workspace, index = opened(past)
    assert ask(workspace, index) == ask(workspace, None)
    assert parsed[total:] == ["registry/churn/9.0.0/manifest.yaml"]


def test_a_branch_and_back_parses_nothing_again(past: History, parsed: list[str]) -> None:
    first = past.repo.head
    past.register(past.trees["main"])
    past.commit("main")
    workspace, index = opened(past)
    for ref in ("main", first, "main", first):
        known = len(parsed)
        snapshot = workspace.snapshot(ref)
        assert list(list_versions(snapshot, index=lambda: index)) == list(list_versions(snapshot))
    assert len(parsed) == known


@pytest.mark.parametrize("size", [0, 1, 100, 4096, 8192, 9000, 20000])
def test_a_file_that_was_cut_short(past: History, size: int) -> None:
    workspace, index = opened(past)
    expected = ask(workspace, index)
    os.truncate(state(past) / index_file.NAME, size)
    assert ask(workspace, index) == expected
    assert answers(workspace, index)  # made anew


@pytest.mark.parametrize("seed", range(10))
def test_bytes_that_somebody_else_wrote(past: History, seed: int) -> None:
    """Also where SQLite would not notice: a digit of a number."""
    choice = random.Random(seed)
    workspace, index = opened(past)
    expected = ask(workspace, index)
    file = state(past) / index_file.NAME
    data = bytearray(file.read_bytes())
    for _ in range(choice.choice((1, 200))):
        data[choice.randrange(len(data))] ^= 1 << choice.randrange(8)
    with file.open("r+b") as handle:
        handle.write(data)
    assert ask(workspace, index) == expected
    assert answers(workspace, index)


@pytest.mark.parametrize("ending", ["sqlite", "seal", "held"])
def test_each_of_its_files_may_be_gone(past: History, ending: str) -> None:
    workspace, index = opened(past)
    expected = ask(workspace, index)
    (state(past) / f"index.{ending}").unlink()
    assert ask(workspace, index) == expected
    assert answers(workspace, index)


def test_a_journal_beside_it_is_not_replayed(past: History) -> None:
    workspace, index = opened(past)
    expected = ask(workspace, index)
    for ending in ("journal", "wal"):
        (state(past) / f"{index_file.NAME}-{ending}").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" * 100)
        assert ask(workspace, index) == expected
        assert not (state(past) / f"{index_file.NAME}-{ending}").exists()


def test_a_copy_of_a_repository_makes_its_own(past: History, tmp_path: Path) -> None:
    workspace, index = opened(past)
    ask(workspace, index)
    shutil.copytree(past.repo.path, tmp_path / "copy", symlinks=True)  # copies times too
    with IndexFile(tmp_path / "copy" / ".git").reading() as connection:
        assert connection is None
    with IndexFile(past.repo.path / ".git").reading() as connection:
        assert connection is not None


def test_another_version_of_the_code_makes_its_own(past: History, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, index = opened(past)
    ask(workspace, index)
    monkeypatch.setattr(index_file, "written_by", lambda: "another")
    with IndexFile(past.repo.path / ".git").reading() as connection:
        assert connection is None
    assert ask(workspace, index) == ask(workspace, None)


@pytest.fixture
def unwritable(past: History) -> Iterator[Path]:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    folder = state(past)
    folder.mkdir(exist_ok=True)
    folder.chmod(0o500)
    yield folder
    folder.chmod(0o700)


def test_where_nothing_can_be_written(past: History, unwritable: Path) -> None:
    workspace, index = opened(past)
    assert not answers(workspace, index)
    assert ask(workspace, index) == ask(workspace, None)


def test_where_the_folder_cannot_be_made(past: History) -> None:
    state(past).write_text("a file")
    workspace, index = opened(past)
    assert not answers(workspace, index)
    assert ask(workspace, index) == ask(workspace, None)


@pytest.mark.parametrize("name", ["", "index.sqlite", "index.seal", "index.held"])
def test_a_symlink_is_not_followed(past: History, tmp_path: Path, name: str) -> None:
    target = tmp_path / "elsewhere"
    if name:
        target.write_text("mine")
        state(past).mkdir()
    else:
        target.mkdir()
    (state(past) / name if name else state(past)).symlink_to(target)
    workspace, index = opened(past)
    assert ask(workspace, index) == ask(workspace, None)
    assert (target.read_text() == "mine") if name else not list(target.iterdir())


@pytest.mark.parametrize("name", ["index.sqlite", "index.seal", "index.held"])
def test_nothing_is_made_through_a_symlink(past: History, tmp_path: Path, name: str) -> None:
    state(past).mkdir()
    (state(past) / name).symlink_to(tmp_path / "elsewhere")
    workspace, index = opened(past)
    assert ask(workspace, index) == ask(workspace, None)
    assert not (tmp_path / "elsewhere").exists()


def test_the_index_of_another_repository_is_not_read(past: History, tmp_path: Path) -> None:
    ask(*opened(past))
    other = History(past.repo.clone(tmp_path / "other"), past.choice)
    state(other).symlink_to(state(past))
    workspace, index = opened(other)
    assert not answers(workspace, index)


@pytest.mark.parametrize("after", [1, 5, 40])
def test_a_disk_that_fills_up(past: History, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    workspace, index = opened(past)
    real = IndexFile._connect

    def small(self: IndexFile) -> sqlite3.Connection:
        connection = real(self)
        connection.execute(f"PRAGMA max_page_count = {after}")  # SQLITE_FULL, as from a disk
        return connection

    monkeypatch.setattr(IndexFile, "_connect", small)
    expected = ask(workspace, None)
    assert ask(workspace, index) == expected
    monkeypatch.undo()
    assert ask(workspace, index) == expected
    assert answers(workspace, index)


def test_no_reader_waits_for_long(past: History) -> None:
    workspace, index = opened(past)
    expected = ask(workspace, index)
    held = os.open(state(past) / "index.held", os.O_RDWR)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        start = time.monotonic()
        assert not answers(workspace, index)
        assert time.monotonic() - start < 2 * sealed_file.WAIT_S + 1
        assert ask(workspace, index) == expected
    finally:
        os.close(held)


def test_readers_do_not_wait_for_readers(past: History) -> None:
    workspace, index = opened(past)
    ask(workspace, index)
    with IndexFile(past.repo.path / ".git").reading():
        assert answers(workspace, index)


def test_a_writer_that_fails_half_way_leaves_no_half(past: History, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, index = opened(past)
    before = past.repo.head
    ask(workspace, index)
    past.register(past.trees["main"])
    past.register(past.trees["main"])
    past.commit("main")

    def interrupted(self: index_update.Update, commit: str) -> None:
        self._db.execute("DELETE FROM file")
        raise KeyboardInterrupt

    monkeypatch.setattr(index_update.Update, "to", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ask(workspace, index)
    monkeypatch.undo()
    snapshot = workspace.snapshot(before)
    assert list(list_versions(snapshot, index=lambda: index)) == list(list_versions(snapshot))
    assert ask(workspace, index) == ask(workspace, None)


def test_a_writer_that_is_killed_leaves_none(past: History) -> None:
    workspace, index = opened(past)
    expected = ask(workspace, index)
    code = """
import os, sys
from pathlib import Path
from modelreg.adapters.index_file import IndexFile
with IndexFile(Path(sys.argv[1])).writing() as connection:
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("UPDATE document SET card = replace(card, '0', '1'), created = card")
    os.kill(os.getpid(), 9)
"""
    run(sys.executable, "-c", code, past.repo.path / ".git", check=False)
    with IndexFile(past.repo.path / ".git").reading() as connection:
        assert connection is None
    assert ask(workspace, index) == expected


def test_many_processes_at_once(past: History, tmp_path: Path) -> None:
    """Some that search while commits land: each gives what its commit holds."""
    command = [sys.executable, "-m", "modelreg", "search", "metrics.f1 >= 0 or model like '%'", "--json"]
    expected = []
    running = []
    for _ in range(3):
        past.register(past.trees["main"])
        past.commit("main")
        tip = past.repo.rev("refs/heads/main") or ""
        workspace, _ = opened(past)
        expected.append(search(workspace.snapshot(), query_of("model like '%'")))
        for _ in range(2):
            ask_one = [*command, "--ref", tip, "--registry", str(past.repo.path)]
            running.append(subprocess.Popen(ask_one, stdout=subprocess.PIPE, text=True))
    for number, process in enumerate(running):
        out, _ = process.communicate(timeout=120)
        assert process.returncode == 0
        assert json.loads(out)["versions"] == [row.to_mapping() for row in expected[number // 2]]


@pytest.mark.parametrize("options", [("--bare",), ("--filter=blob:none",), ("--bare", "--filter=blob:none")])
def test_bare_and_partial_clones(past: History, tmp_path: Path, options: tuple[str, ...]) -> None:
    past.repo.git("config", "uploadpack.allowFilter", "true")
    past.repo.git("config", "uploadpack.allowAnySHA1InWant", "true")
    clone = History(past.repo.clone(tmp_path / "clone", *options), past.choice)
    workspace, index = opened(clone)
    assert ask(workspace, index) == ask(opened(past)[0], None)
    assert answers(workspace, index)


@pytest.mark.parametrize("indexed", [True, False])
def test_what_a_partial_clone_lacks_is_fetched_in_one_go(past: History, tmp_path: Path, indexed: bool) -> None:
    past.repo.git("config", "uploadpack.allowFilter", "true")
    past.repo.git("config", "uploadpack.allowAnySHA1InWant", "true")
    clone = History(past.repo.clone(tmp_path / "clone", "--bare", "--filter=blob:none"), past.choice)
    workspace, index = opened(clone)
    workspace.snapshot().policy()

    def fetched() -> int:
        return len(list(clone.repo.path.glob("objects/pack/*.promisor")))

    before = fetched()
    if indexed:
        assert answers(workspace, index)
    else:
        tree = workspace.snapshot().tree
        assert len(tree.read_many(path for path in tree.paths("registry/") if path.endswith("manifest.yaml"))) > 5
    assert fetched() == before + 1


def test_a_shallow_clone_lists_and_has_no_history(past: History, tmp_path: Path) -> None:
    clone = History(past.repo.clone(tmp_path / "clone", "--depth=1"), past.choice)
    workspace, index = opened(clone)
    assert answers(workspace, index)
    with pytest.raises(UnavailableError, match="shallow"):
        history(workspace, index=index)


@pytest.mark.parametrize("rows", [0, 1, 249, 250, 251, 1000, 1001])
def test_rows_are_written_many_at_a_time(rows: int) -> None:
    """However many: all of them, in order, none twice."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (a, b)")
        given = [(number, f"x{number}") for number in range(rows)]
        index_rows.insert_all(connection, "INSERT INTO t VALUES", 2, [value for row in given for value in row])
        assert connection.execute("SELECT * FROM t ORDER BY rowid").fetchall() == given


def test_a_name_may_be_of_several_fields(past: History) -> None:
    """A parameter, a metric and a tag that are called the same are three things."""
    body = json.loads(next(text for path, text in past.trees["main"].items() if path.endswith("manifest.yaml")))
    body |= {"model": "churn", "version": "9.0.0", "params": {"f1": 7}, "tags": {"f1": "b"}}
    body["metrics"] = {"f1": {"value": 0.25, "direction": "higher"}}
    past.trees["main"]["registry/churn/9.0.0/manifest.yaml"] = json.dumps(body)
    past.commit("main")
    workspace, index = opened(past)
    for text in ("metrics.f1 = 0.25", "params.f1 = 7", 'tags.f1 = "b"'):
        query = query_of(f"{text} and version = 9.0.0")
        assert len(search(workspace.snapshot(), query, index)) == 1
        assert answers(workspace, index)


def test_who_cites_what(past: History) -> None:
    workspace, index = opened(past)
    snapshot = workspace.snapshot()
    for field, name in (("data", "train"), ("data", "ab" * 32), ("parent", f"{MODELS[0]}@{VERSIONS[0]}")):
        found = index.citing(workspace.tip(), field, [name])
        expected = [(str(row.model), str(row.version)) for row in search(snapshot, query_of(f"{field} = '{name}'"))]
        assert found is not None
        assert sorted(found) == sorted(expected)
    assert index.citing(workspace.tip(), "lock", ["ab" * 32]) == []
