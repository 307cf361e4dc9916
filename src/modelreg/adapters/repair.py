"""What killed commands leave behind, put right: a landing half done, lock files, scratch folders."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from modelreg.adapters import journal
from modelreg.adapters.door import Door
from modelreg.adapters.locking import locked, state_folder
from modelreg.errors import ConflictError, UnavailableError
from modelreg.registry.ports import LockFile, Repaired

if TYPE_CHECKING:
    from modelreg.adapters.repository import GitRepository

WAIT_S = 1.0
_PLACES = ("*.lock", "objects/*.lock", "objects/info/**/*.lock", "refs/**/*.lock", "worktrees/*/**/*.lock")


def repair(repository: GitRepository, *, remove_locks: bool, dry_run: bool = False) -> Repaired:
    """See `registry.ports.Repository.repair`."""
    git = repository.git
    with locked(git.common_dir, WAIT_S):
        found = tuple(_locks(git))
        if remove_locks and found:
            _refuse_living(git)
        if dry_run:
            return Repaired(journal.read(git) is not None, found, removed=remove_locks)
        if remove_locks:
            for lock in found:
                _remove(lock.path)
        completed = journal.recover(repository)
        for scratch in state_folder(git.common_dir).glob("scratch-*"):
            shutil.rmtree(scratch, ignore_errors=True)  # nobody's: whoever makes one holds the lock
    return Repaired(completed, found, removed=remove_locks)


def _locks(git: Door) -> Iterator[LockFile]:
    """Git's own lock files (gitrepository-layout, `lockfile.h`): no ref, branch or object is named like that."""
    for path in sorted({path for place in _PLACES for path in git.common_dir.glob(place)}):
        try:
            yield LockFile(path, max(0, int(time.time() - os.lstat(path).st_mtime)))
        except FileNotFoundError:
            continue  # its owner lives, and is done


def _refuse_living(git: Door) -> None:
    """Raises ConflictError where a git process runs in this repository: the lock may be its own. Linux only."""
    folders = [folder.resolve() for folder in (git.top, git.git_dir, git.common_dir) if folder is not None]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            name = (process / "comm").read_text().strip()
            cwd = Path(os.readlink(process / "cwd"))
        except OSError:
            continue  # gone, or another user's
        if (name == "git" or name.startswith("git-")) and any(cwd.is_relative_to(folder) for folder in folders):
            raise ConflictError(f"git is at work here (process {process.name})", hint="let it finish, and try again")


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise UnavailableError(f"cannot be removed: {error.strerror}", file=str(path)) from error
