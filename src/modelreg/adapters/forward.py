"""A checked out branch brought forward to where its remote is, without `git merge`.

`git merge` and `git checkout` run the smudge filters that a repository's own config names (A21). Here none runs, not
even the user's: where a path that changes has one, the branch is left to the user's own `git pull`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence

from modelreg.adapters import ranges, refresh
from modelreg.adapters.door import Door
from modelreg.adapters.git_index import index_entries
from modelreg.adapters.locking import state_folder
from modelreg.domain.plan import CommitId
from modelreg.errors import ConflictError

_HINT = "git pull --ff-only, and try again"


def bring_forward(git: Door, branch: str, old: CommitId, new: CommitId) -> None:
    """Index, files and ref from `old` to its descendant `new`. Whatever else the user has staged or edited stays.

    Raises ConflictError, and changes nothing, where local changes or files are in the way or a filter would have to
    run. Killed in between, it can be run again.
    """
    behind = f"{branch} is behind origin/{branch}"
    refresh.wait_for_index(git)
    changes = ranges.diff(git, old, new, "")
    paths = [change.path for change in changes]
    if filtered := _filtered(git, new, paths):
        raise ConflictError(f"{behind}, and bringing it forward would run a filter on {filtered[0]}", hint=_HINT)
    added = [change.path for change in changes if change.status == "A"]
    top = git.top or git.git_dir
    there = [path for path in added if os.path.lexists(top / path)]
    index = index_entries(git, there)
    if in_the_way := [path for path in there if path not in index]:
        raise ConflictError(f"{behind}, and a file of yours is in the way: {in_the_way[0]}", hint=_HINT)
    if not (_read(git, old, new) or (_refreshed(git) and _read(git, old, new))):
        raise ConflictError(f"{behind}, and local changes are in the way of bringing it forward", hint=_HINT)
    command = ["update-ref", "-m", "modelreg: forward", f"refs/heads/{branch}", new, old]
    if git.attempt(command, write=True).code:
        raise ConflictError(f"{branch} moved while it was brought forward", hint="try again")


def _read(git: Door, old: CommitId, new: CommitId) -> bool:
    """Index and files from `old` to `new`; False, with nothing changed, where git takes a file for edited."""
    command = ["read-tree", "-m", "-u", old, new]
    return not git.git.run(command, config=git.git.filters_off(), write=True, check=False).code


def _refreshed(git: Door) -> bool:
    """What was only touched, or copied with its folder, is no edit once git has looked at it."""
    git.git.run(["update-index", "-q", "--refresh"], config=git.git.filters_off(), write=True, check=False)
    return True


def _filtered(git: Door, commit: CommitId, paths: Sequence[str]) -> list[str]:
    """Those paths for which a filter is configured, by the attributes that `commit` itself brings."""
    drivers = git.git.filters()
    if not drivers or not paths:
        return []
    with tempfile.TemporaryDirectory(prefix="scratch-", dir=state_folder(git.common_dir)) as scratch:
        env = {"GIT_INDEX_FILE": os.path.join(scratch, "index")}
        git.run(["read-tree", commit], write=True, env=env)
        names = b"".join(os.fsencode(path) + b"\0" for path in paths)
        fields = git.run(["check-attr", "--cached", "-z", "--stdin", "filter"], data=names, env=env).split(b"\0")
    pairs = zip(fields[::3], fields[2::3], strict=False)
    return [os.fsdecode(path) for path, value in pairs if os.fsdecode(value) in drivers]
