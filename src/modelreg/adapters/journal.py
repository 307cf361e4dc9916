"""The journal of a landing: written before its refs move, gone when its files and index entries have followed.

It lies in the repository, so it may be damaged or forged (A21). Nothing is done on its word alone: it names no ref to
move, and files only in a work tree of this repository, that shows the branch, at paths that the landing wrote.
"""

from __future__ import annotations

import json
import os
import re
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modelreg.adapters import ranges, refresh
from modelreg.adapters.door import Door
from modelreg.adapters.git import check_ref
from modelreg.adapters.git_index import index_entries
from modelreg.adapters.locking import state_folder
from modelreg.adapters.paths import check_paths
from modelreg.domain.plan import CommitId
from modelreg.errors import ConflictError, InvalidError, NotARegistryError, UnavailableError

if TYPE_CHECKING:
    from modelreg.adapters.repository import GitRepository

LIMIT_BYTES = 64 * 2**20
_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Journal:
    """A landing under way: the branch's ref, its commit before and after, the work tree (None: none), the paths."""

    ref: str
    old: CommitId | None
    new: CommitId
    top: Path | None
    paths: tuple[str, ...]


def path_of(git: Door) -> Path:
    return git.common_dir / "modelreg" / "journal.json"


def write(git: Door, journal: Journal) -> None:
    """On disk, by a temporary file and a rename, before it returns. Raises UnavailableError where that cannot be."""
    folder = state_folder(git.common_dir)
    body = {
        "ref": journal.ref,
        "old": journal.old,
        "new": journal.new,
        "top": str(journal.top) if journal.top else None,
        "paths": list(journal.paths),
    }
    try:
        descriptor, name = tempfile.mkstemp(prefix="journal-", dir=folder)
        with os.fdopen(descriptor, "w") as file:
            json.dump(body, file)
            file.flush()
            os.fsync(file.fileno())
        os.rename(name, path_of(git))
    except OSError as error:
        raise UnavailableError(f"cannot be written: {error.strerror}", file=str(path_of(git))) from error


def remove(git: Door) -> None:
    with suppress(FileNotFoundError):
        path_of(git).unlink()


def read(git: Door) -> Journal | None:
    """None where there is none. Raises UnavailableError naming the file where it cannot be one of ours."""
    try:
        descriptor = os.open(path_of(git), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _damaged(git, str(error.strerror)) from error
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _damaged(git, "it is no file")
        data = file.read(LIMIT_BYTES + 1)
    if len(data) > LIMIT_BYTES:
        raise _damaged(git, "it is too large")
    try:
        return _parsed(json.loads(data))
    except (ValueError, KeyError, TypeError, RecursionError, InvalidError) as error:
        raise _damaged(git, "it is not what modelreg writes") from error


def recover(repository: GitRepository) -> bool:
    """From the journal: a landing whose refs moved gets its files and index entries; any other never happened.

    Whether there was one. The caller holds the lock. Raises UnavailableError for a journal that cannot be true.
    """
    git = repository.git
    journal = read(git)
    if journal is None:
        return False
    if journal.top is not None and repository.resolve(journal.ref) == journal.new:
        if ranges.first_parent(git, journal.new) != journal.old:
            raise _damaged(git, f"{journal.new[:12]} does not follow {(journal.old or 'nothing')[:12]}")
        there = _work_tree(git, journal.top)
        head = there.run(["symbolic-ref", "--quiet", "HEAD"], check=False).decode().strip() if there else None
        if there is not None and head == journal.ref:
            _finish(repository, there, journal)
    remove(git)
    return True


def _parsed(body: dict[str, object]) -> Journal:
    """Raises ValueError, KeyError, TypeError or InvalidError for what is no journal."""
    ref, old, new, top, paths = (body[key] for key in ("ref", "old", "new", "top", "paths"))
    if not isinstance(ref, str) or not ref.startswith("refs/heads/"):
        raise ValueError(ref)
    check_ref(ref.removeprefix("refs/heads/"))
    if not isinstance(new, str) or not _ID.fullmatch(new):
        raise ValueError(new)
    if old is not None and not (isinstance(old, str) and _ID.fullmatch(old)):
        raise ValueError(old)
    if top is not None and not (isinstance(top, str) and os.path.isabs(top) and "\0" not in top):
        raise ValueError(top)
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise TypeError(paths)
    check_paths(paths)
    return Journal(ref, CommitId(old) if old else None, CommitId(new), Path(top) if top else None, tuple(paths))


def _work_tree(git: Door, top: Path) -> Door | None:
    """The work tree at `top`, which must be one of this repository; None where the folder is gone."""
    if git.top is not None and top == git.top:
        return git
    if not top.is_dir():
        return None
    try:
        there = Door.open(top)
        ours = there.top is not None and os.path.samefile(there.common_dir, git.common_dir)
    except (NotARegistryError, OSError):
        ours = False
    if not ours or there.top != top:
        raise _damaged(git, f"{top} is no work tree of this repository")
    return there


def _finish(repository: GitRepository, git: Door, journal: Journal) -> None:
    """Bring those files forward that are still as they were before the landing, or as it left them."""
    refresh.wait_for_index(git)
    before = refresh.tree_entries(git, journal.old, journal.paths)
    after = refresh.tree_entries(git, journal.new, journal.paths)
    contents = repository.tree(journal.new).read_many(journal.paths)
    for path in journal.paths:
        if path not in contents:
            continue
        try:
            index = index_entries(git, [path]).get(path)
            if index in (before.get(path), after.get(path)):
                refresh.refuse_file(git, before.get(path), path, contents[path])
                refresh.bring_up_to_date(git, {path: contents[path]})
        except ConflictError:
            continue  # edited since: the user's work stays, git status shows it


def _damaged(git: Door, why: str) -> UnavailableError:
    return UnavailableError(
        f"the journal of an interrupted landing is damaged: {why}",
        file=str(path_of(git)),
        hint="compare git status and git log with what you expect, then remove that file",
    )
