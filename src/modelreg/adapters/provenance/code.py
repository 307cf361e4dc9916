"""The state of the code: the repository's commit, and what differs from it."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from modelreg.adapters.door import Door
from modelreg.adapters.processes import Result, Running
from modelreg.adapters.provenance.place import Place
from modelreg.adapters.refs import head_ref
from modelreg.errors import ModelregError

MAX_FILES = 100
_NAMED = 5
_COMMITS_ONLY = "--ignore-submodules=dirty"
"""Git itself would start another one in each submodule, which heeds what that one's configuration names (A21)."""
_STATUS = (
    *("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=no", "--no-renames", "--no-ahead-behind"),
    _COMMITS_ONLY,
)
"""Where it lists no file, `git diff HEAD` has nothing to show."""
_DIFF = ("--no-ext-diff", "--no-textconv", _COMMITS_ONLY)


Told = tuple[dict[str, Any] | None, list[str]]
"""lineage.code, None outside a repository and before the first commit; and notes."""


def code(place: Place, script: Path | None = None) -> Told:
    """lineage.code as it is now.

    `diff_sha256` is the digest of `git -c core.quotePath=false diff --binary --ignore-submodules=dirty HEAD` and, after
    it, the same of each submodule whose files differ from its own HEAD; `dirty_files` has their paths, of a submodule
    its own. A `script` that git does not track counts as differing, since nobody finds it at the commit: its diff from
    nothing (`git diff --no-index /dev/null`) comes last. No file is exempt: what modelreg writes below registry/ it
    commits itself.
    """
    return begin(place, script)()


def begin(place: Place, script: Path | None = None) -> Callable[[], Told]:
    """As `code`, while something else goes on: what is given waits for the answer. Nothing may change files meanwhile
    that is not to be seen."""
    git = place.git
    if git is None:
        return lambda: (None, [f"the code is not recorded: {place.why}"])
    try:
        status = git.git.begin(_STATUS) if git.top is not None else None
    except ModelregError as error:
        reason = error.message
        return lambda: (None, [f"the code is not recorded: {reason}"])
    return partial(_answer, place, git, script, status)


def _answer(place: Place, git: Door, script: Path | None, status: Running | None) -> Told:
    try:
        return _state(place, git, script, _Status.read(git, status.result()) if status else _Status.bare(git))
    except ModelregError as error:
        return None, [f"the code is not recorded: {error.message}"]


def without_credentials(url: str) -> str:
    """A URL without user and password; a path of this machine is no address for others: left out."""
    if url.startswith(("/", ".", "file:")):
        return ""
    return re.sub(r"^([a-z+]+://)[^/@]*@", r"\1", url)


@dataclass(frozen=True, slots=True)
class _Status:
    """What git says at once: the commit and branch that HEAD is on, and how files differ from the commit and from the
    index, by path (`XY` of git-status(1); "" where it takes more than that to tell)."""

    commit: str | None
    branch: str
    differing: Mapping[bytes, str]

    @classmethod
    def read(cls, git: Door, done: Result) -> _Status:
        """From `--porcelain=v2 --branch -z` (git-status(1), PORCELAIN FORMAT VERSION 2)."""
        if done.code:
            raise git.git.failure(_STATUS, done)
        commit, branch, differing = None, "", {}
        for record in done.out.split(b"\0"):
            kind, _, rest = record.partition(b" ")
            if kind == b"#":
                key, _, value = rest.partition(b" ")
                if key == b"branch.oid":
                    commit = None if value == b"(initial)" else value.decode()
                elif key == b"branch.head":
                    branch = "" if value == b"(detached)" else value.decode("utf-8", "replace")
            elif kind == b"1":
                xy, submodule, *_, path = rest.split(b" ", 7)
                differing[path] = xy.decode() if submodule == b"N..." else ""
            elif kind == b"u":
                differing[rest.split(b" ", 9)[-1]] = ""
        return cls(commit, branch, differing)

    @classmethod
    def bare(cls, git: Door) -> _Status:
        """Of a repository without a work tree: nothing can differ."""
        return cls(git.objects.commit("HEAD"), head_ref(git).removeprefix("refs/heads/"), {})

    @property
    def names(self) -> list[bytes] | None:
        """The files that differ from the commit, in git's order; None where only a difference tells: one that is
        staged, and changed again, may be what it was."""
        plain = all("." in xy and xy != ".A" for xy in self.differing.values())
        return list(self.differing) if plain else None


def _state(place: Place, git: Door, script: Path | None, status: _Status) -> Told:
    if status.commit is None:
        return None, ["the code is not recorded: its repository has no commit"]
    tree = git.objects.root(status.commit)
    remote = git.git.setting("remote.origin.url") or ""
    entry_point = place.inside(script) if script else None
    diff, files = _differs(git, status, tree, entry_point) if git.top else (b"", [])
    body: dict[str, Any] = {
        "repository": without_credentials(remote.strip()) or None,
        "commit": status.commit,
        "tree": tree,
        "branch": status.branch or None,
        "dirty": bool(diff),
        "diff_sha256": hashlib.sha256(diff).hexdigest() if diff else None,
    }
    if files:
        body["dirty_files"] = files[:MAX_FILES]
    if entry_point:
        body["entry_point"] = entry_point
    return body, [_told(files)] if files else []


def _differs(git: Door, status: _Status, tree: str, entry_point: str | None) -> tuple[bytes, list[str]]:
    diff, names = b"", status.names
    if status.differing:
        diff = git.run(["diff", "--binary", *_DIFF, "HEAD"])
    if names is None:
        names = git.run(["diff", "--name-only", "--no-renames", "-z", *_DIFF, "HEAD"]).split(b"\0")
    files = [name.decode("utf-8", "replace") for name in names if name]
    for path, inner in _submodules(git):
        if more := inner.run(["diff", "--binary", *_DIFF, "HEAD"]):
            diff += more
            files += [path] if path not in files else []
    if entry_point and not _tracked(git, status, tree, entry_point):
        # Exit code 1 says that they differ.
        diff += git.attempt(["diff", "--binary", *_DIFF, "--no-index", "--", "/dev/null", entry_point]).out
        files.append(entry_point)
    return diff, files


def _submodules(git: Door, above: str = "") -> Iterator[tuple[str, Door]]:
    """The submodules that are checked out, theirs too, by path: each asked as a repository of its own."""
    if git.top is None or not (git.top / ".gitmodules").is_file():
        return
    for record in git.run(["ls-files", "--stage", "-z"]).split(b"\0"):
        folder = git.top / os.fsdecode(record.partition(b"\t")[2])
        if record.startswith(b"160000 ") and (folder / ".git").exists():
            inner = Door.open(folder)
            if inner.top == folder:
                path = f"{above}{folder.relative_to(git.top).as_posix()}"
                yield path, inner
                yield from _submodules(inner, f"{path}/")


def _tracked(git: Door, status: _Status, tree: str, path: str) -> bool:
    """Whether the index has a file: it is the commit's, but for what differs."""
    name = os.fsencode(path)
    if name in status.differing:
        xy = status.differing[name]
        return not xy.startswith("D") if xy else bool(git.run(["ls-files", "-z", "--", path]))
    *folders, last = name.split(b"/")
    for folder in folders:
        entry = git.objects.entry(tree, folder)
        if entry is None or entry.mode != "040000":
            return False
        tree = entry.id
    return git.objects.entry(tree, last) is not None


def _told(files: list[str]) -> str:
    named = ", ".join(ascii(name)[1:-1] for name in files[:_NAMED])
    more = f" and {len(files) - _NAMED} more" if len(files) > _NAMED else ""
    verb = "differs" if len(files) == 1 else "differ"
    return f"{named}{more} {verb} from the commit, which is recorded: the commit alone does not make this version again"
