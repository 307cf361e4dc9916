"""The work tree beside a landing: dirt is refused before, touched paths are brought up to date after.

Only the touched paths of files and index change; whatever else the user has staged, edited or left lying stays.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from modelreg.adapters.door import Door
from modelreg.adapters.failpoints import fail_point
from modelreg.adapters.trees import WorkTree, blob_id
from modelreg.domain.plan import CommitId
from modelreg.errors import ConflictError
from modelreg.registry.ports import Entry


def refuse_dirt(git: Door, base: CommitId | None, files: Mapping[str, bytes]) -> None:
    """Raises ConflictError naming touched paths that are staged, edited, removed, or in the way."""
    if git.top is None:
        return
    index, landed_all = index_entries(git, files), tree_entries(git, base, files)
    work = WorkTree(git)
    dirty = []
    for path, new in files.items():
        landed = landed_all.get(path)
        if index.get(path) != landed or not _as_expected(git, work, path, landed, new):
            dirty.append(path)
    if dirty:
        listed = ", ".join(dirty[:5]) + (f" and {len(dirty) - 5} more" if len(dirty) > 5 else "")
        raise ConflictError(
            f"uncommitted changes in the way: {listed}", hint="commit, stash or move them, and try again"
        )


def refuse_file(git: Door, landed: Entry | None, path: str, new: bytes) -> None:
    """Raises ConflictError where the file on disk is neither what landed last nor what is about to land."""
    if not _as_expected(git, WorkTree(git), path, landed, new):
        raise ConflictError(f"uncommitted changes in the way: {path}")


def tree_entries(git: Door, commit: CommitId | None, paths: Iterable[str]) -> dict[str, Entry]:
    """What a commit holds of `paths`; nothing before the first commit."""
    found = {}
    command = ["ls-tree", "-r", "-z", "--full-tree", str(commit), "--", *paths]
    for record in git.run(command).split(b"\0") if commit else ():
        if record:
            head, _, name = record.partition(b"\t")
            mode, _, blob = head.decode().split(" ")
            found[os.fsdecode(name)] = Entry(mode, blob)
    return found


def index_entries(git: Door, paths: Iterable[str]) -> dict[str, Entry]:
    """What the index holds of `paths`."""
    found = {}
    for record in git.run(["ls-files", "--stage", "-z", "--", *paths]).split(b"\0"):
        if record:
            head, _, name = record.partition(b"\t")
            mode, blob, step = head.decode().split(" ")
            found[os.fsdecode(name)] = Entry(mode if step == "0" else "conflict", blob)
    return found


def bring_up_to_date(git: Door, files: Mapping[str, bytes]) -> None:
    """Write the files, each by a temporary file and a rename, then their index entries."""
    if git.top is None or not files:
        return
    for path, data in files.items():
        _write(git.top / path, data)
        fail_point("between-files")
    fail_point("before-index")
    update_index(git, files)


def update_index(git: Door, files: Mapping[str, bytes]) -> None:
    """Stage exactly these contents. Where a filter attribute is set, git must not read the file: it would run it."""
    names = b"".join(os.fsencode(path) + b"\0" for path in files)
    attributes = git.run(["check-attr", "-z", "--stdin", "filter"], data=names).split(b"\0")
    if any(value not in (b"unspecified", b"unset") for value in attributes[2::3]):
        lines = (b"100644 %s\t%s\0" % (_id(git, data), os.fsencode(path)) for path, data in files.items())
        git.run(["update-index", "-z", "--index-info"], data=b"".join(lines), write=True)
    else:
        git.run(["update-index", "--add", "-z", "--stdin"], data=names, write=True)


def _id(git: Door, data: bytes) -> bytes:
    return blob_id(data, git.object_format).encode()


def _as_expected(git: Door, work: WorkTree, path: str, landed: Entry | None, new: bytes) -> bool:
    """Whether the file on disk is what landed last, or already what is about to land."""
    found = work.read(path)
    if found is None:
        return landed is None and not os.path.lexists((git.top or Path()) / path) and _way_is_free(git, path)
    if found == new:
        return True
    if landed is None:
        return False
    # With core.autocrlf a clean file may lie there with CR LF.
    return landed.blob in (blob_id(found, git.object_format), blob_id(found.replace(b"\r\n", b"\n"), git.object_format))


def _way_is_free(git: Door, path: str) -> bool:
    """Every folder on the way is a folder, or not there yet: no file, no symlink."""
    place = git.top or Path()
    for part in path.split("/")[:-1]:
        place = place / part
        try:
            mode = os.lstat(place).st_mode
        except FileNotFoundError:
            return True
        if not stat.S_ISDIR(mode):
            return False
    return True


def _write(target: Path, data: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".modelreg-", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(descriptor, 0o644)
            os.fsync(descriptor)
        os.rename(name, target)
    except BaseException:
        os.unlink(name)
        raise
