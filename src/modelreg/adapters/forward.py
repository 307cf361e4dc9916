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
    index = index_entries(git, added)
    top = git.top or git.git_dir
    in_the_way = [path for path in added if path not in index and os.path.lexists(top / path)]
    if in_the_way:
        raise ConflictError(f"{behind}, and a file of yours is in the way: {in_the_way[0]}", hint=_HINT)
    off = git.git.filters_off()
    git.git.run(["update-index", "-q", "--refresh"], config=off, write=True, check=False)
    done = git.git.run(["read-tree", "-m", "-u", old, new], config=off, write=True, check=False)
    if done.code:
        raise ConflictError(f"{behind}, and local changes are in the way of bringing it forward", hint=_HINT)
    command = ["update-ref", "-m", "modelreg: forward", f"refs/heads/{branch}", new, old]
    if git.attempt(command, write=True).code:
        raise ConflictError(f"{branch} moved while it was brought forward", hint="try again")


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
