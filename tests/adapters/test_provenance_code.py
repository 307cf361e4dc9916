"""The state of the code: what one `git status` tells is what git's other commands say, at each time that it is asked."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from modelreg.adapters.git import Git
from modelreg.adapters.provenance.code import begin, code
from modelreg.adapters.provenance.place import Place
from tests.support import Repo, run

FILES: Mapping[str, str | bytes] = {
    "a.py": "1\n",
    "b ö.py": "2\n",
    "sub/c.py": "3\n",
    "sub/d\ttab.py": "4\n",
    "bytes.bin": bytes(range(256)),
}


def said(repo: Repo, script: str | None = None) -> dict[str, Any] | None:
    found, _ = code(Place.around(repo.path, repo.path), repo.path / script if script else None)
    return found


def by_git(repo: Repo, script: str | None = None) -> dict[str, Any]:
    """The same by the commands that the documentation names."""

    def git(*args: str) -> bytes:
        # The paths of the difference as they are, whatever the machine's configuration says.
        options = ["-c", "core.quotePath=false", "-c", "diff.renames=true"]
        return subprocess.run(["git", *options, *args], cwd=repo.path, capture_output=True, check=False).stdout

    diff = git("diff", "--binary", "--ignore-submodules=dirty", "HEAD")
    options = ("--no-renames", "--ignore-submodules=dirty")
    files = [name.decode() for name in git("diff", "--name-only", *options, "-z", "HEAD").split(b"\0") if name]
    for module in git("submodule", "--quiet", "foreach", "--recursive", "echo $displaypath").decode().splitlines():
        inner = git("-C", module, "diff", "--binary", "--ignore-submodules=dirty", "HEAD")
        diff += inner
        files += [module] if inner and module not in files else []
    if script and not git("ls-files", "-z", "--", script):
        diff += git("diff", "--binary", "--no-index", "--", "/dev/null", script)
        files.append(script)
    body: dict[str, Any] = {
        "repository": git("config", "remote.origin.url").decode().strip() or None,
        "commit": git("rev-parse", "HEAD").decode().strip(),
        "tree": git("rev-parse", "HEAD^{tree}").decode().strip(),
        "branch": git("symbolic-ref", "-q", "--short", "HEAD").decode().strip() or None,
        "dirty": bool(diff),
        "diff_sha256": hashlib.sha256(diff).hexdigest() if diff else None,
    }
    return body | ({"dirty_files": files} if files else {}) | ({"entry_point": script} if script else {})


def staged_and_taken_back(repo: Repo) -> None:
    repo.write("a.py", "other\n")
    repo.git("add", "a.py")
    repo.write("a.py", "1\n")


def linked(repo: Repo) -> None:
    (repo.path / "a.py").unlink()
    (repo.path / "a.py").symlink_to("b ö.py")


def conflict(repo: Repo) -> None:
    for branch, text in (("theirs", "t\n"), ("ours", "o\n")):
        repo.git("switch", "-q", "-C", branch, "main")
        repo.commit(branch, {"b ö.py": text})
    repo.git("merge", "-q", "theirs", check=False)


def submodule(repo: Repo) -> None:
    inner = Repo.init(repo.path.parent / "inner")
    inner.commit("inner", {"x.py": "x\n"})
    repo.git("submodule", "add", "-q", str(inner.path), "module")
    repo.commit("module", all=True)


def changed_submodule(repo: Repo) -> None:
    submodule(repo)
    repo.git("config", "diff.ignoreSubmodules", "none")
    repo.write("module/x.py", "changed\n")


def submodule_of_a_submodule(repo: Repo) -> None:
    submodule(repo)
    inner, deep = Repo(repo.path / "module"), Repo.init(repo.path.parent / "deep")
    deep.commit("deep", {"z.py": "z\n"})
    inner.git("submodule", "add", "-q", str(deep.path), "deep")
    inner.commit("deep", all=True)
    repo.commit("deeper", all=True)
    repo.write("module/deep/z.py", "changed\n")


def moved_submodule(repo: Repo) -> None:
    submodule(repo)
    Repo(repo.path / "module").commit("more", {"y.py": "y\n"})


CHANGES: dict[str, Callable[[Repo], object]] = {
    "clean": lambda r: r.write("untracked.txt", "no part of it"),
    "touched": lambda r: os.utime(r.path / "a.py", (1, 1)),
    "changed": lambda r: (r.write("sub/d\ttab.py", "x\n"), r.write("b ö.py", "x\n"), r.write("bytes.bin", b"\0x")),
    "staged": lambda r: (r.write("b ö.py", "x\n"), r.write("new.py", "n\n"), r.git("add", "-A")),
    "staged and changed": lambda r: (r.write("a.py", "x\n"), r.git("add", "a.py"), r.write("a.py", "y\n")),
    "staged and taken back": staged_and_taken_back,
    "deleted": lambda r: (r.path / "a.py").unlink(),
    "removed": lambda r: r.git("rm", "-q", "a.py"),
    "removed but kept": lambda r: r.git("rm", "-q", "--cached", "sub/c.py"),
    "renamed": lambda r: r.git("mv", "a.py", "sub/z.py"),
    "executable": lambda r: (r.path / "a.py").chmod(0o755),
    "a link": linked,
    "to be added": lambda r: (r.write("new.py", "n\n"), r.git("add", "-N", "new.py")),
    "overlooked": lambda r: (r.git("update-index", "--assume-unchanged", "a.py"), r.write("a.py", "hidden\n")),
    "conflict": conflict,
    "submodule": submodule,
    "changed submodule": changed_submodule,
    "moved submodule": moved_submodule,
    "submodule of a submodule": submodule_of_a_submodule,
    "detached": lambda r: r.git("checkout", "-q", "--detach"),
    "a branch with a slash": lambda r: r.git("switch", "-q", "-c", "topic/ö"),
    "with a remote": lambda r: r.git("remote", "add", "origin", "https://example.org/x.git"),
    "without renames": lambda r: (r.git("config", "status.renames", "copies"), r.git("mv", "a.py", "z.py")),
}


@pytest.mark.parametrize("script", [None, "a.py", "sub/c.py", "new.py", "sub/none.py"])
@pytest.mark.parametrize("change", CHANGES)
def test_the_state_of_the_code_is_what_git_says(repo: Repo, change: str, script: str | None) -> None:
    repo.commit("code", FILES)
    CHANGES[change](repo)
    assert said(repo, script) == by_git(repo, script)


def test_a_worktree_says_its_own(repo: Repo, tmp_path: Path) -> None:
    repo.commit("code", FILES)
    repo.git("worktree", "add", "-q", "-b", "topic", tmp_path / "tree")
    other = Repo(tmp_path / "tree")
    other.write("a.py", "there\n")
    assert (said(repo), said(other)) == (by_git(repo), by_git(other))


def test_a_bare_repository_has_a_commit_and_no_files(repo: Repo, tmp_path: Path) -> None:
    repo.commit("code", FILES)
    bare = repo.clone(tmp_path / "bare.git", "--bare")
    found = said(bare)
    assert found is not None
    assert (found["commit"], found["branch"], found["dirty"]) == (repo.head, "main", False)


def test_each_time_it_is_asked_anew(repo: Repo) -> None:
    """In one process everything may change between two registrations."""
    repo.commit("code", FILES)
    seen = []
    for change in (
        lambda: None,
        lambda: repo.write("a.py", "dirty\n"),
        lambda: repo.write("a.py", "1\n"),
        lambda: repo.commit("next", {"b ö.py": "next\n"}),
        lambda: repo.git("switch", "-q", "-c", "topic"),
        lambda: repo.git("remote", "add", "origin", "https://one.example/x.git"),
        lambda: repo.git("remote", "set-url", "origin", "https://two.example/x.git"),
        lambda: (repo.write("new.py", "n\n"), repo.commit("new", {"new.py": "n\n"})),
        lambda: repo.git("rm", "-q", "--cached", "new.py"),
    ):
        change()
        assert said(repo, "new.py") == by_git(repo, "new.py")
        seen.append(str(said(repo, "new.py")))
    assert len(set(seen)) == len(seen) - 1, "only the second time it was clean it is what it was the first time"


def test_another_repository_in_between_is_found(repo: Repo, tmp_path: Path) -> None:
    repo.commit("code", FILES)
    script = repo.path / "sub/c.py"

    def top() -> Path | None:
        return Place.around(script, repo.path).top

    assert top() == repo.path.resolve()
    Repo.init(repo.path / "sub").commit("inner", {"c.py": "3\n"})
    assert top() == repo.path.resolve() / "sub"
    (repo.path / "sub/.git").rename(tmp_path / "aside")
    assert top() == repo.path.resolve()
    (repo.path / ".git").rename(tmp_path / "aside-too")
    assert top() is None
    assert "in no git repository" in Place.around(script, repo.path).why
    (tmp_path / "aside-too").rename(repo.path / ".git")
    assert top() == repo.path.resolve()


def test_a_repository_that_is_made_later_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "code"
    folder.mkdir()
    assert Place.around(folder).git is None
    repo = Repo.init(folder)
    repo.commit("code", FILES)
    assert said(repo) == by_git(repo)


def test_a_filter_that_is_named_later_does_not_run_either(repo: Repo, tmp_path: Path) -> None:
    """A21: what a repository's own configuration names is looked at again when it is another one."""
    repo.commit("code", FILES)
    said(repo)
    mark = tmp_path / "mark"
    for name in ("clean", "process"):
        repo.git("config", f"filter.evil.{name}", f"touch {mark}")
    (repo.path / ".git/info").mkdir(exist_ok=True)
    (repo.path / ".git/info/attributes").write_text("* filter=evil\n")
    repo.write("a.py", "dirty\n")
    found = said(repo)
    assert found is not None
    assert found["dirty"] is True
    assert not mark.exists()


def test_included_configuration_is_read_each_time(repo: Repo, tmp_path: Path) -> None:
    repo.commit("code", FILES)
    other = tmp_path / "included"
    repo.git("config", "include.path", str(other))
    for url in ("https://one.example/x.git", "https://two.example/x.git"):
        other.write_text(f'[remote "origin"]\n\turl = {url}\n')
        found = said(repo)
        assert found is not None
        assert found["repository"] == url


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What git is started for."""
    started: list[str] = []
    real = subprocess.Popen.__init__

    def init(self: subprocess.Popen[bytes], args: list[str], *rest: Any, **options: Any) -> None:
        started.append(args[1])
        real(self, args, *rest, **options)

    monkeypatch.setattr(subprocess.Popen, "__init__", init)
    return started


def test_of_what_stays_nothing_is_asked_again(repo: Repo, processes: list[str]) -> None:
    repo.commit("code", FILES)
    found = said(repo, "a.py")
    del processes[:]
    assert said(repo, "a.py") == found
    assert processes == ["status"]
    repo.write("a.py", "dirty\n")
    del processes[:]
    assert said(repo, "a.py") != found
    assert processes == ["status", "diff"]


def test_outside_of_every_repository_git_is_asked_once(tmp_path: Path, processes: list[str]) -> None:
    for _ in range(3):
        assert Place.around(tmp_path).git is None
    assert processes == ["rev-parse"]


def test_an_answer_that_nobody_waits_for_leaves_no_process(repo: Repo) -> None:
    repo.commit("code", FILES)
    running = Git(repo.path).begin(["cat-file", "--batch-all-objects", "--batch"])
    process = running._process
    del running
    assert process.returncode is not None
    begin(Place.around(repo.path))  # a registration that is refused before it is asked for


def test_a_status_that_fails_is_said(repo: Repo) -> None:
    repo.commit("code", FILES)
    (repo.path / ".git/index").write_bytes(b"no index")
    found, notes = code(Place.around(repo.path))
    assert found is None
    assert notes[0].startswith("the code is not recorded: git status failed")


def test_processes_that_were_forked_have_a_git_of_their_own(repo: Repo) -> None:
    """Else they would read each other's answers, and know folders by what others asked for."""
    repo.commit("code", {f"f{n}/g{n}/{n}.py": f"{n}\n" for n in range(60)})
    program = (
        "import os\nfrom pathlib import Path\nfrom modelreg.adapters.provenance.code import code\n"
        "from modelreg.adapters.provenance.place import Place\n"
        "def asked(n):\n    return code(Place.around(Path()), Path(f'f{n}/g{n}/{n}.py'))[0]['dirty']\n"
        "asked(0)\nchildren = []\n"
        "for _ in range(4):\n"
        "    child = os.fork()\n"
        "    if not child:\n        os._exit(any(asked(n) for n in range(60)))\n"
        "    children.append(child)\n"
        "assert all(os.waitpid(child, 0)[1] == 0 for child in children)\n"
    )
    run(sys.executable, "-c", program, cwd=repo.path)
