"""Landing in places that are dirty, locked, busy, misshapen or hostile: refused with the right error, nothing changed."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from modelreg.adapters import refresh, remote
from modelreg.adapters.door import Door
from modelreg.adapters.git_index import IndexUpdate
from modelreg.adapters.journal import Journal
from modelreg.adapters.journal import write as write_journal
from modelreg.adapters.paths import why_not
from modelreg.adapters.repository import GitRepository
from modelreg.domain.plan import CommitId, Plan
from modelreg.errors import ConflictError, InvalidError, ModelregError, UnavailableError
from modelreg.registry.ports import Landed
from tests.support import Repo

AT = 1_700_000_000
DEEP = "registry/churn/1.0.0/manifest.yaml"


def land(
    repo: Repo, files: Mapping[str, bytes], *, push: bool = False, force_branch: bool = False, branch: str = "main"
) -> Landed | None:
    def planner(base: CommitId | None) -> Plan:
        return Plan(branch, base, files, "landing", AT)

    repository = GitRepository.open(repo.path)
    return repository.land(planner, branch, push=push, force_branch=force_branch)


def objects(repo: Repo) -> list[str]:
    return sorted(str(path) for path in (repo.path / repo.git("rev-parse", "--git-path", "objects")).glob("*/*"))


def picture(repo: Repo) -> object:
    """All that a refusal must leave: refs, objects, index, every file with mode and bytes."""
    files = {
        str(path): (path.lstat().st_mode, os.readlink(path) if path.is_symlink() else path.read_bytes())
        for path in sorted(repo.path.rglob("*"))
        if ".git" not in path.parts and (path.is_symlink() or path.is_file())
    }
    index = repo.git("ls-files", "--stage")
    return repo.git("for-each-ref"), objects(repo), index, files, repo.git("symbolic-ref", "-q", "HEAD", check=False)


def refused(repo: Repo, error: type[ModelregError], match: str, files: Mapping[str, bytes] | None = None) -> None:
    before = picture(repo)
    with pytest.raises(error, match=match):
        land(repo, files if files is not None else {DEEP: b"new\n"})
    assert picture(repo) == before


# --- paths

BAD_PATHS = (
    "",
    "../x",
    "a/../../x",
    "a/../x",
    "./x",
    "a/./x",
    "/etc/x",
    "a//x",
    "a/",
    ".git/config",
    ".GIT/config",
    "a/.git/hooks/x",
    ".git",
    "git~1/config",
    ".git./config",
    ".git /config",
    ".git::$INDEX_ALLOCATION/config",
    ".g\u200cit/config",
    "a\\b",
    "a\nb",
    "a\x00b",
    "a\x1bb",
    "a\x7fb",
    "a\tb",
)


@pytest.mark.parametrize("path", BAD_PATHS)
def test_A16_a_path_that_leads_elsewhere(repo: Repo, path: str) -> None:
    refused(repo, InvalidError, "is|holds|leads", {"good.txt": b"1", path: b"2"})
    assert not (repo.path / ".git/modelreg/journal.json").exists()


@pytest.mark.parametrize("path", ["a", "a/b.yaml", ".gitignore", "a/.gitattributes", "é/ü", "a b", "git", "..a", "a:b"])
def test_a_plain_path_lands(repo: Repo, path: str) -> None:
    assert why_not(path) is None
    land(repo, {path: b"x\n"})
    assert repo.git("show", f"HEAD:{path}") == "x"
    assert repo.state().strip() == ""


def test_a_path_that_is_a_folder_of_another(repo: Repo) -> None:
    refused(repo, InvalidError, "needs a folder", {"a/b": b"1", "a/b/c": b"2"})


# --- what lies on the branch


@pytest.mark.parametrize("bare", [False, True])
def test_a_file_on_the_branch_where_a_folder_is_needed(repo: Repo, tmp_path: Path, *, bare: bool) -> None:
    repo.commit("file", {"registry/churn": "a file\n"})
    here = repo.clone(tmp_path / "bare.git", "--bare") if bare else repo
    with pytest.raises(InvalidError, match="no folder on the branch"):
        land(here, {DEEP: b"new\n"})
    assert here.rev("main:registry/churn") is not None
    if not bare:
        refused(repo, InvalidError, "no folder on the branch")


@pytest.mark.parametrize("bare", [False, True])
def test_a_folder_on_the_branch_where_a_file_is_to_be(repo: Repo, tmp_path: Path, *, bare: bool) -> None:
    repo.commit("folder", {f"{DEEP}/deeper": "a file\n"})
    here = repo.clone(tmp_path / "bare.git", "--bare") if bare else repo
    with pytest.raises(InvalidError, match="is a folder on the branch"):
        land(here, {DEEP: b"new\n"})
    assert here.rev(f"main:{DEEP}/deeper") is not None


@pytest.mark.parametrize(("mode", "what"), [("120000", "a symlink"), ("100755", "an executable")])
def test_A01_a_touched_path_of_another_mode_on_the_branch(repo: Repo, tmp_path: Path, mode: str, what: str) -> None:
    blob = repo.git("hash-object", "-w", "--stdin", input="README.md")
    repo.git("update-index", "--add", "--cacheinfo", f"{mode},{blob},{DEEP}")
    repo.commit("odd")
    repo.git("checkout", "-q", "-f", "HEAD")
    refused(repo, InvalidError, what)
    bare = repo.clone(tmp_path / "bare.git", "--bare")
    with pytest.raises(InvalidError, match=what):
        land(bare, {DEEP: b"new\n"})


# --- what lies in the work tree and the index


def _mode_on_disk(repo: Repo) -> None:
    (repo.path / DEEP).chmod(0o755)


def _mode_in_index(repo: Repo) -> None:
    repo.git("update-index", "--chmod=+x", DEEP)


def _folder_in_the_way(repo: Repo) -> None:
    (repo.path / DEEP).unlink()
    repo.write(f"{DEEP}/mine", "x")


def _symlink_in_the_way(repo: Repo) -> None:
    (repo.path / DEEP).unlink()
    (repo.path / DEEP).symlink_to("../../../README.md")


def _edited(repo: Repo) -> None:
    repo.write(DEEP, "edited\n")


def _staged(repo: Repo) -> None:
    repo.write(DEEP, "staged\n")
    repo.git("add", DEEP)
    repo.write(DEEP, "old\n")


def _removed(repo: Repo) -> None:
    (repo.path / DEEP).unlink()


@pytest.mark.parametrize(
    "dirt", [_mode_on_disk, _mode_in_index, _folder_in_the_way, _symlink_in_the_way, _edited, _staged, _removed]
)
def test_F13_dirt_on_a_touched_path(repo: Repo, dirt: Callable[[Repo], None]) -> None:
    repo.commit("there", {DEEP: "old\n"})
    dirt(repo)
    refused(repo, ConflictError, "manifest.yaml")


def _file_for_folder(repo: Repo) -> None:
    repo.write("registry/churn", "mine\n")


def _link_for_folder(repo: Repo) -> None:
    (repo.path / "elsewhere").mkdir()
    (repo.path / "registry").mkdir()
    (repo.path / "registry/churn").symlink_to("../elsewhere")


def _staged_file_for_folder(repo: Repo) -> None:
    _file_for_folder(repo)
    repo.git("add", "registry/churn")
    (repo.path / "registry/churn").unlink()


def _staged_below(repo: Repo) -> None:
    repo.write(f"{DEEP}/mine", "x")
    repo.git("add", DEEP)
    (repo.path / DEEP / "mine").unlink()
    (repo.path / DEEP).rmdir()


@pytest.mark.parametrize("dirt", [_file_for_folder, _link_for_folder, _staged_file_for_folder, _staged_below])
def test_F13_something_in_the_way_of_a_new_file(repo: Repo, dirt: Callable[[Repo], None]) -> None:
    dirt(repo)
    refused(repo, ConflictError, "in the way: registry/churn")


def test_F13_a_folder_of_the_branch_that_the_index_has_as_a_file(repo: Repo) -> None:
    """The index no longer knows any file of the folder, so that it has to be asked about the folder itself."""
    repo.commit("there", {"registry/churn/model.yaml": "old\n", "registry/policy.yaml": "old\n"})
    repo.git("rm", "-rq", "--cached", "registry/churn")
    blob = repo.git("hash-object", "-w", "--stdin", input="mine\n")
    repo.git("update-index", "--add", "--cacheinfo", f"100644,{blob},registry/churn")
    refused(repo, ConflictError, "in the way: registry/churn$")


def test_a_folder_that_the_index_does_not_know_is_not_in_the_way(repo: Repo) -> None:
    repo.commit("there", {"registry/churn/model.yaml": "old\n"})
    repo.git("rm", "-rq", "--cached", "registry/churn")
    land(repo, {DEEP: b"new\n"})
    assert repo.git("status", "--porcelain", "--", DEEP) == ""
    assert repo.git("diff", "--cached", "--name-status").split() == ["D", "registry/churn/model.yaml"]


def test_a_mode_bit_that_git_does_not_watch_is_no_dirt(repo: Repo) -> None:
    repo.commit("there", {DEEP: "old\n"})
    repo.git("config", "core.fileMode", "false")
    (repo.path / DEEP).chmod(0o755)
    land(repo, {DEEP: b"new\n"})
    assert repo.state().strip() == ""


def test_F02_a_locked_index_is_named_before_anything_happens(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refresh, "INDEX_WAIT_S", 0.1)
    lock = repo.path / ".git/index.lock"
    lock.touch()
    os.utime(lock, (time.time() - 3600,) * 2)
    refused(repo, ConflictError, "the index is locked for 360. s: .*index.lock")
    lock.unlink()
    land(repo, {DEEP: b"new\n"})
    assert repo.state().strip() == ""


# --- a branch that is busy


def _conflict(repo: Repo) -> None:
    repo.commit("common", {"a": "0\n"})
    repo.git("switch", "-q", "-c", "topic")
    repo.commit("theirs", {"a": "1\n"})
    repo.git("switch", "-q", "main")
    repo.commit("ours", {"a": "2\n"})


@pytest.mark.parametrize("verb", ["merge", "cherry-pick"])
def test_F13_a_merge_in_progress(repo: Repo, verb: str) -> None:
    _conflict(repo)
    repo.git(verb, "topic", check=False)
    refused(repo, UnavailableError, "in progress")


@pytest.mark.parametrize("backend", ["--merge", "--apply"])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_F13_a_rebase_of_the_branch_in_progress(repo: Repo, tmp_path: Path, backend: str, *, elsewhere: bool) -> None:
    _conflict(repo)
    busy = repo
    if elsewhere:
        repo.git("switch", "-q", "topic")
        repo.git("worktree", "add", "-q", tmp_path / "there", "main")
        busy = Repo(tmp_path / "there")
    busy.git("rebase", backend, "topic", check=False)
    assert busy.git("symbolic-ref", "-q", "HEAD", check=False) == ""
    before = picture(repo)
    with pytest.raises(UnavailableError, match="rebase or bisect of main"):
        land(repo, {DEEP: b"new\n"}, force_branch=True)
    assert picture(repo) == before
    busy.git("rebase", "--abort")


def test_F13_a_bisect_that_comes_back_to_the_branch(repo: Repo) -> None:
    for number in range(4):
        repo.commit("more", {"a": f"{number}\n"})
    repo.git("bisect", "start")
    repo.git("bisect", "bad")
    repo.git("bisect", "good", "HEAD~3")
    with pytest.raises(UnavailableError, match="rebase or bisect of main"):
        land(repo, {DEEP: b"new\n"}, force_branch=True)


def test_F14_the_branch_of_a_bare_repository_that_a_worktree_shows(repo: Repo, tmp_path: Path) -> None:
    bare = repo.clone(tmp_path / "bare.git", "--bare")
    bare.git("worktree", "add", "-q", tmp_path / "tree", "main")
    before = bare.git("for-each-ref")
    with pytest.raises(UnavailableError, match="checked out in the worktree"):
        land(bare, {DEEP: b"new\n"})
    assert bare.git("for-each-ref") == before
    land(Repo(tmp_path / "tree"), {DEEP: b"new\n"})
    assert Repo(tmp_path / "tree").state().strip() == ""


def test_F03_a_commit_made_while_planning_is_not_lost(repo: Repo) -> None:
    made: list[str] = []

    def planner(base: CommitId | None) -> Plan:
        if not made:
            made.append(repo.commit("meanwhile", {"b": "1\n"}))
        return Plan("main", base, {"a": b"1\n"}, "landing", AT)

    landed = GitRepository.open(repo.path).land(planner, "main")
    assert landed is not None
    assert repo.rev("HEAD~1") == made[0]
    assert repo.state().strip() == ""


def test_a_merge_commit_keeps_the_tree_of_its_base(repo: Repo) -> None:
    base = repo.head
    repo.git("switch", "-q", "-c", "topic")
    side = repo.commit("side", {"side": "1\n"})
    repo.git("switch", "-q", "main")

    def planner(base: CommitId | None) -> Plan:
        return Plan("main", base, {"a": b"1\n"}, "landing", AT, merges=CommitId(side))

    GitRepository.open(repo.path).land(planner, "main")
    assert (repo.rev("HEAD^1"), repo.rev("HEAD^2")) == (base, side)
    assert repo.git("ls-tree", "--name-only", "HEAD").split() == ["README.md", "a"]


# --- A21: filters


def trap(repo: Repo, tmp_path: Path, where: str, *, config: str = "local") -> Path:
    """A repository whose filters leave a mark; the mark's path."""
    mark = tmp_path / "mark"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho ran >> {mark}\ncat\n")
    program.chmod(0o755)
    for key in ("clean", "smudge"):
        repo.git("config", f"--{config}", f"filter.evil.{key}", str(program))
    repo.git("config", f"--{config}", "filter.evil.required", "true")
    repo.git("config", f"--{config}", "filter.evil process.process", str(program))
    lines = "* filter=evil\n*.yaml filter=evil\n"
    if where == "info":
        (repo.path / ".git/info").mkdir(exist_ok=True)
        (repo.path / ".git/info/attributes").write_text(lines)
    else:
        repo.write(".gitattributes", lines)
    return mark


@pytest.mark.parametrize("where", ["info", "tree"])
@pytest.mark.parametrize("config", ["local", "global"])
def test_A21_no_filter_runs_at_a_landing(repo: Repo, tmp_path: Path, where: str, config: str) -> None:
    repo.commit("there", {DEEP: "old\n"})
    mark = trap(repo, tmp_path, where, config=config)
    land(repo, {DEEP: b"new\n", "other.yaml": b"more\n"})
    land(repo, {DEEP: b"newer\n"})
    assert not mark.exists()
    assert repo.read(DEEP) == "newer\n"
    assert repo.git("ls-files", "-s", DEEP).split()[1] == repo.rev(f"HEAD:{DEEP}")


def test_A21_no_process_filter_runs_at_a_landing(repo: Repo, tmp_path: Path) -> None:
    mark = trap(repo, tmp_path, "info")
    for key in ("clean", "smudge"):
        repo.git("config", "--unset", f"filter.evil.{key}")
    repo.git("config", "filter.evil.process", str(tmp_path / "program"))
    land(repo, {DEEP: b"new\n"})
    assert not mark.exists()


def test_A21_no_filter_runs_when_the_state_of_code_is_recorded(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modelreg.adapters.provenance.code import code
    from modelreg.adapters.provenance.place import Place

    mark = trap(repo, tmp_path, "info")
    repo.write("README.md", "edited\n")
    monkeypatch.chdir(repo.path)
    found, _ = code(Place.around(repo.path))
    assert found is not None
    assert found["dirty"] is True
    assert not mark.exists()


@pytest.mark.parametrize("key", ["filter.evil.clean", "filter.evil.process", "core.fsmonitor"])
def test_A21_no_program_of_a_submodule_runs_when_the_state_of_code_is_recorded(
    repo: Repo, tmp_path: Path, key: str
) -> None:
    from modelreg.adapters.provenance.code import code
    from modelreg.adapters.provenance.place import Place

    inner = Repo.init(tmp_path / "inner")
    inner.commit("inner", {"x.py": "x\n", ".gitattributes": "* filter=evil\n"})
    repo.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner.path), "module")
    repo.commit("module", all=True)
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/mark\n")
    program.chmod(0o755)
    repo.git("-C", "module", "config", key, str(program))
    repo.write("module/x.py", "edited\n")
    found, _ = code(Place.around(repo.path, repo.path))
    assert found is not None
    assert found["dirty_files"] == ["module"]
    assert not (tmp_path / "mark").exists()


def behind(repo: Repo, tmp_path: Path, files: Mapping[str, str | bytes], *, removed: str | None = None) -> Repo:
    """The repository, behind its server by one commit of somebody else."""
    server = repo.bare(tmp_path / "server.git")
    other = server.clone(tmp_path / "other")
    if removed:
        other.git("rm", "-q", removed)
    other.commit("theirs", files)
    other.git("push", "-q", "origin", "main")
    return server


def test_A21_a_branch_is_brought_forward_without_a_filter(repo: Repo, tmp_path: Path) -> None:
    repo.commit("there", {"old.txt": "1\n", "gone.txt": "1\n", "edited.txt": "1\n"})
    server = behind(repo, tmp_path, {"old.txt": "2\n", "deep/new.txt": "2\n"}, removed="gone.txt")
    mark = trap(repo, tmp_path, "none")
    (repo.path / ".gitattributes").unlink()
    repo.write("edited.txt", "mine\n")
    repo.write("untracked.txt", "mine\n")
    before = repo.state()
    land(repo, {DEEP: b"new\n"}, push=True)
    assert repo.state() == before
    assert (repo.read("old.txt"), repo.read("deep/new.txt")) == ("2\n", "2\n")
    assert not (repo.path / "gone.txt").exists()
    assert server.rev("main") == repo.head
    assert repo.git("rev-list", "--count", "HEAD") == "4"
    assert not mark.exists()


@pytest.mark.parametrize("where", ["info", "tree", "incoming"])
@pytest.mark.parametrize("config", ["local", "global"])
def test_A21_a_branch_whose_files_have_a_filter_is_left_to_git(
    repo: Repo, tmp_path: Path, where: str, config: str
) -> None:
    files = {"old.txt": "2\n"}
    if where == "incoming":
        files[".gitattributes"] = "* filter=evil\n"
    repo.commit("there", {"old.txt": "1\n"} | ({".gitattributes": "* filter=evil\n"} if where == "tree" else {}))
    server = behind(repo, tmp_path, files)
    mark = trap(repo, tmp_path, "info", config=config)
    if where != "info":
        (repo.path / ".git/info/attributes").unlink()
    before, there = repo.head, server.rev("main")
    with pytest.raises(ConflictError, match="would run a filter") as error:
        land(repo, {DEEP: b"new\n"}, push=True)
    assert error.value.hint is not None
    assert "git pull" in error.value.hint
    assert (repo.head, server.rev("main"), repo.read("old.txt")) == (before, there, "1\n")
    assert not mark.exists()


@pytest.mark.parametrize("dirt", ["edited", "staged", "untracked", "ignored"])
def test_F13_dirt_in_the_way_of_bringing_a_branch_forward(repo: Repo, tmp_path: Path, dirt: str) -> None:
    repo.commit("there", {"old.txt": "1\n", ".gitignore": "*.log\n"})
    behind(repo, tmp_path, {"old.txt": "2\n", "new.txt": "2\n", "new.log": "2\n"})
    name = {"edited": "old.txt", "staged": "old.txt", "untracked": "new.txt", "ignored": "new.log"}[dirt]
    repo.write(name, "mine\n")
    if dirt == "staged":
        repo.git("add", name)
    before = repo.head, repo.state()
    with pytest.raises(ConflictError, match="in the way"):
        land(repo, {DEEP: b"new\n"}, push=True)
    assert (repo.head, repo.state()) == before
    assert repo.read(name) == "mine\n"


def test_a_branch_half_brought_forward_is_finished(repo: Repo, tmp_path: Path) -> None:
    behind(repo, tmp_path, {"new.txt": "2\n"})
    repo.git("fetch", "-q")
    repo.git("read-tree", "-m", "-u", "HEAD", "origin/main")  # as far as a killed landing came
    land(repo, {DEEP: b"new\n"}, push=True)
    assert repo.state().strip() == ""
    assert repo.git("rev-list", "--count", "HEAD") == "3"


def test_F15_bytes_land_as_they_are_whatever_git_converts(repo: Repo) -> None:
    repo.commit("attributes", {".gitattributes": "*.txt text=auto eol=crlf ident\n"})
    repo.git("config", "core.autocrlf", "true")
    data = b"a\r\nb\r\n$Id$\r\n"
    land(repo, {"a.txt": data, "b.bin": data})
    for path in ("a.txt", "b.bin"):
        assert (repo.path / path).read_bytes() == data
        assert repo.git("ls-files", "-s", path).split()[1] == repo.rev(f"HEAD:{path}")


_UTF16 = "*.yaml working-tree-encoding=UTF-16LE-BOM\n"


def _attributes_committed(repo: Repo) -> None:
    repo.commit("attributes", {"registry/.gitattributes": _UTF16})


def _attributes_untracked(repo: Repo) -> None:
    repo.write("registry/churn/.gitattributes", _UTF16)


def _attributes_of_the_clone(repo: Repo) -> None:
    (repo.path / ".git" / "info").mkdir(exist_ok=True)
    (repo.path / ".git" / "info" / "attributes").write_text(_UTF16)


def _attributes_only_in_the_index(repo: Repo) -> None:
    _attributes_committed(repo)
    (repo.path / "registry" / ".gitattributes").unlink()


def _attributes_of_the_user(repo: Repo) -> None:
    (repo.path / ".git" / "mine").write_text(_UTF16)
    repo.git("config", "core.attributesFile", str(repo.path / ".git" / "mine"))


def _attributes_of_the_landing(repo: Repo) -> None:
    """See `EXTRA`."""


def _assumed_unchanged(repo: Repo) -> None:
    repo.commit("there", {DEEP: "old\n"})
    repo.git("update-index", "--assume-unchanged", DEEP)


def _skipped(repo: Repo) -> None:
    repo.commit("there", {DEEP: "old\n"})
    repo.git("update-index", "--skip-worktree", DEEP)


def _safe_line_ends(repo: Repo) -> None:
    repo.git("config", "core.autocrlf", "true")
    repo.git("config", "core.safecrlf", "true")


EXTRA: dict[Callable[[Repo], None], dict[str, bytes]] = {
    _attributes_of_the_landing: {".gitattributes": _UTF16.encode(), "z.yaml": b"z\n"}
}


@pytest.mark.parametrize(
    "prepare",
    [
        _attributes_committed,
        _attributes_untracked,
        _attributes_of_the_clone,
        _attributes_only_in_the_index,
        _attributes_of_the_user,
        _attributes_of_the_landing,
        _assumed_unchanged,
        _skipped,
        _safe_line_ends,
    ],
)
def test_F15_the_index_has_what_landed_whatever_git_would_make_of_the_file(
    repo: Repo, prepare: Callable[[Repo], None]
) -> None:
    repo.commit("there", {"registry/policy.yaml": "1\n"})
    prepare(repo)
    # Little-endian UTF-16 with its mark is what git would be asked to recode without an error.
    files = {DEEP: "new\n".encode("utf-16"), "registry/churn/a.yaml": b"a\n"} | EXTRA.get(prepare, {})
    land(repo, files)
    for path, data in files.items():
        assert (repo.path / path).read_bytes() == data
        assert repo.git("ls-files", "-s", path).split()[1] == repo.rev(f"HEAD:{path}")


def test_the_index_is_read_once_and_written_once(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is all that grows with the tree."""
    repo.commit("there", {"registry/churn/model.yaml": "1\n", ".gitattributes": "* text=auto\n"})
    _safe_line_ends(repo)
    ran: list[str] = []
    real = subprocess.Popen

    def start(command: list[str], *arguments: Any, **options: Any) -> Any:
        ran.append(command[1])
        return real(command, *arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", start)
    land(repo, {DEEP: b"new\n", "registry/churn/model.yaml": b"2\n"})
    touching = [name for name in ran if name in ("add", "cat-file", "ls-files", "update-index", "read-tree", "status")]
    assert sorted(touching) == ["cat-file", "ls-files", "update-index"]
    assert len(ran) <= 9  # rev-parse, version, var, config, fast-import, update-ref beside them
    assert repo.git("diff-files") == repo.git("diff-index", "--cached", "HEAD") == ""


def _index_is_held(repo: Repo) -> bool:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if (repo.path / ".git/index.lock").exists():
            return True
        time.sleep(0.005)
    return False


def test_nobody_else_changes_the_index_while_a_landing_is_made(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[bool] = []

    def looked(git: Door, landed: Journal) -> None:
        held.append(_index_is_held(repo))
        write_journal(git, landed)

    monkeypatch.setattr("modelreg.adapters.journal.write", looked)
    land(repo, {DEEP: b"new\n"})
    assert held == [True]
    assert not _left_over(repo)


def test_the_index_is_free_while_the_network_is_used(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.bare(tmp_path / "server.git")
    held: list[bool] = []
    push = remote.push

    def looked(git: Door, refs: Mapping[str, str]) -> bool:
        held.append((repo.path / ".git/index.lock").exists())
        return push(git, refs)

    monkeypatch.setattr(remote, "push", looked)
    land(repo, {DEEP: b"new\n"}, push=True)
    assert held == [False]
    assert not _left_over(repo)


def test_an_index_that_is_locked_in_the_middle(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody was quicker than the update; it is done again when the lock is gone."""
    lock, start = repo.path / ".git/index.lock", IndexUpdate.start

    def late(update: IndexUpdate) -> None:
        lock.touch()
        start(update)

    def let_go(git: Door, landed: Journal) -> None:
        write_journal(git, landed)
        time.sleep(0.2)  # the update has met the lock
        lock.unlink(missing_ok=True)

    monkeypatch.setattr(IndexUpdate, "start", late)
    monkeypatch.setattr("modelreg.adapters.journal.write", let_go)
    land(repo, {DEEP: b"new\n"})
    assert not _left_over(repo)


def _left_over(repo: Repo) -> str:
    """What is not as it should be after a landing; nothing is."""
    return repo.git("status", "--porcelain", "-uall") + "".join(map(str, (repo.path / ".git").glob("*.lock")))


def test_what_a_sparse_checkout_leaves_out_is_not_in_the_way(repo: Repo) -> None:
    """What lands is on disk then, as git itself does it; all else stays out."""
    other = "registry/spam/model.yaml"
    repo.commit("there", {DEEP: "1\n", other: "1\n", "train/x.py": "1\n"})
    repo.git("sparse-checkout", "set", "train")
    assert not (repo.path / DEEP).exists()
    land(repo, {DEEP: b"2\n", "registry/churn/transitions/0001.yaml": b"1\n"})
    assert repo.git("status", "--porcelain", "-uall") == ""
    assert (repo.path / DEEP).read_text() == "2\n"
    assert not (repo.path / other).exists()
    land(repo, {DEEP: b"3\n"})
    assert repo.git("status", "--porcelain", "-uall") == ""
    repo.write(other, "edited\n")
    refused(repo, ConflictError, "in the way: registry/spam/model.yaml", {other: b"2\n"})


def test_files_are_known_as_clean_without_being_read(repo: Repo) -> None:
    land(repo, {DEEP: b"new\n"})
    assert repo.git("diff-files") == ""  # plumbing: trusts the times in the index, reads no file
    assert stat.S_IMODE((repo.path / DEEP).stat().st_mode) == 0o644


# --- A21: the journal

FORGERIES: dict[str, Callable[[dict[str, object]], object]] = {
    "not a mapping": lambda body: [body],
    "empty": lambda body: {},
    "paths leave the tree": lambda body: body | {"paths": ["../outside"]},
    "paths are absolute": lambda body: body | {"paths": ["/tmp/outside"]},
    "paths go into .git": lambda body: body | {"paths": [".git/hooks/post-commit"]},
    "paths are no list": lambda body: body | {"paths": "a"},
    "paths are no text": lambda body: body | {"paths": [1]},
    "a ref that is no branch": lambda body: body | {"ref": "HEAD"},
    "a ref with an option": lambda body: body | {"ref": "refs/heads/--upload-pack=x"},
    "ids are names": lambda body: body | {"new": "main"},
    "ids are options": lambda body: body | {"old": "--output=x"},
    "top is relative": lambda body: body | {"top": "repo"},
    "top has a NUL": lambda body: body | {"top": "/a\0b"},
    "old is another commit": lambda body: body | {"old": body["new"]},
    "there was nothing before": lambda body: body | {"old": None},
}


def journal(repo: Repo, **changed: object) -> tuple[Path, dict[str, object]]:
    """The journal of a landing whose refs moved, the files not yet."""
    repo.commit("before", {DEEP: "old\n"})
    repo.commit("after", {DEEP: "new\n"})
    repo.write(DEEP, "old\n")
    blob = repo.rev(f"HEAD~1:{DEEP}")
    repo.git("update-index", "--cacheinfo", f"100644,{blob},{DEEP}")
    body: dict[str, object] = {
        "ref": "refs/heads/main",
        "old": repo.rev("HEAD~1"),
        "new": repo.head,
        "top": str(repo.path),
        "paths": [DEEP],
    }
    path = repo.path / ".git/modelreg/journal.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(body | changed))
    return path, body


def recover(repo: Repo) -> None:
    GitRepository.open(repo.path).recover()


def test_F01_a_sound_journal_is_followed(repo: Repo) -> None:
    path, _ = journal(repo)
    recover(repo)
    assert repo.read(DEEP) == "new\n"
    assert repo.state().strip() == ""
    assert not path.exists()


def damaged(repo: Repo, path: Path) -> None:
    before = picture(repo)
    for act in (recover, lambda repo: land(repo, {"a": b"1"})):
        with pytest.raises(UnavailableError, match="damaged") as error:
            act(repo)
        assert error.value.file == str(path)
        assert picture(repo) == before
    assert path.is_symlink() or path.exists()


@pytest.mark.parametrize("forgery", FORGERIES)
def test_A21_a_forged_journal(repo: Repo, forgery: str) -> None:
    path, body = journal(repo)
    path.write_text(json.dumps(FORGERIES[forgery](body)))
    damaged(repo, path)


@pytest.mark.parametrize("data", [b"", b"{", b'{"ref": "refs/he', b"\xff\xfe", b"[" * 100_000, b"null"])
def test_A21_a_damaged_journal(repo: Repo, data: bytes) -> None:
    path, _ = journal(repo)
    path.write_bytes(data)
    damaged(repo, path)


def test_A21_a_journal_that_is_no_file(repo: Repo, tmp_path: Path) -> None:
    path, _ = journal(repo)
    path.rename(tmp_path / "elsewhere.json")
    path.symlink_to(tmp_path / "elsewhere.json")
    damaged(repo, path)
    path.unlink()
    os.mkfifo(path)
    damaged(repo, path)


def test_A21_a_journal_that_names_another_repository(repo: Repo, tmp_path: Path) -> None:
    path, body = journal(repo)
    other = repo.clone(tmp_path / "other")
    path.write_text(json.dumps(body | {"top": str(other.path)}))
    before = picture(other)
    damaged(repo, path)
    assert picture(other) == before
    plain = tmp_path / "plain"
    plain.mkdir()
    path.write_text(json.dumps(body | {"top": str(plain)}))
    damaged(repo, path)
    assert list(plain.iterdir()) == []


def test_A21_a_journal_for_a_work_tree_that_shows_another_branch(repo: Repo) -> None:
    path, _ = journal(repo)
    repo.git("checkout", "-q", "-f", "main")
    repo.git("switch", "-q", "-c", "other", "HEAD~1")
    before = picture(repo)
    recover(repo)
    assert picture(repo) == before
    assert not path.exists()


def test_A21_a_journal_moves_no_ref(repo: Repo) -> None:
    _, body = journal(repo)
    repo.git("reset", "-q", "--hard", "HEAD~1")
    before = picture(repo)
    recover(repo)
    assert picture(repo) == before
    assert repo.rev("main") == body["old"]


def test_A21_a_journal_through_a_symlinked_folder(repo: Repo, tmp_path: Path) -> None:
    path, _ = journal(repo)
    outside = tmp_path / "outside"
    (repo.path / "registry/churn/1.0.0").rename(outside)
    (repo.path / "registry/churn/1.0.0").symlink_to(outside)
    recover(repo)
    assert (outside / "manifest.yaml").read_text() == "old\n"
    assert not path.exists()


def test_A21_a_state_folder_that_leads_outside(repo: Repo, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (repo.path / ".git/modelreg").symlink_to(outside)
    refused(repo, UnavailableError, "symlink")
    assert list(outside.iterdir()) == []


def test_A21_a_temporary_file_of_the_journal_that_leads_outside(repo: Repo, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("precious\n")
    (repo.path / ".git/modelreg").mkdir()
    (repo.path / ".git/modelreg/journal.tmp").symlink_to(outside)
    land(repo, {DEEP: b"new\n"})
    assert outside.read_text() == "precious\n"
