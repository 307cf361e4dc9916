"""The work tree beside a landing: dirt is refused before, touched paths are brought up to date after.

Only the touched paths of files and index change; whatever else the user has staged, edited or left lying stays. Bytes
and ids are modelreg's own: no filter that a repository's config and attributes name is run (A21).
"""

from __future__ import annotations

import os
import secrets
import stat
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from modelreg.adapters.door import Door
from modelreg.adapters.failpoints import fail_point
from modelreg.adapters.git_index import IndexUpdate, look, stage
from modelreg.adapters.paths import folders_of
from modelreg.adapters.trees import WorkTree, blob_id
from modelreg.domain.plan import CommitId
from modelreg.errors import ConflictError, InvalidError, UnavailableError
from modelreg.registry.ports import Entry

INDEX_WAIT_S = 2.0
"""How long another git process may hold the index before a landing gives up."""
_NAMES = {"040000": "a folder", "120000": "a symlink", "160000": "a submodule", "100755": "an executable file"}


def refuse_shape(git: Door, base: CommitId | None, files: Iterable[str]) -> None:
    """Raises InvalidError where the commit to build on has anything but a plain file at a touched path, or anything
    but a folder above it: a landing would silently replace it."""
    files = list(files)
    folders = folders_of(files)
    landed = tree_entries(git, base, [*files, *folders])
    for path in files:
        entry = landed.get(path)
        if entry is not None and entry.mode != "100644":
            what = _NAMES.get(entry.mode, "no plain file")
            hint = "git update-index --chmod=-x, and commit" if entry.mode == "100755" else None
            raise InvalidError(
                f"is {what} on the branch, and a plain file is to be written there", file=path, hint=hint
            )
    for folder in sorted(folders):
        if folder in landed and landed[folder].mode != "040000":
            raise InvalidError("is no folder on the branch, and files are to be written below it", file=folder)


def refuse_dirt(git: Door, base: CommitId | None, files: Mapping[str, bytes]) -> bool:
    """Raises ConflictError naming touched paths that are staged, edited, removed, or in the way.

    Whether git would take the new files as they will lie there, for `bring_up_to_date`.
    """
    if git.top is None:
        return False
    landed_all = tree_entries(git, base, [*files, *folders_of(files)])
    index = look(git, landed_all, files)
    dirty = index.staged_folders
    work = WorkTree(git)
    below = {folder for path in index.entries if path not in files for folder in folders_of([path])}
    for path, new in files.items():
        landed = landed_all.get(path)
        left_out = path in index.skipped and not os.path.lexists(git.top / path)
        as_expected = left_out or _as_expected(git, work, path, landed, new)
        if index.entries.get(path) != landed or path in below or not as_expected:
            dirty.append(path)
    if dirty:
        listed = ", ".join(dirty[:5]) + (f" and {len(dirty) - 5} more" if len(dirty) > 5 else "")
        raise ConflictError(
            f"uncommitted changes in the way: {listed}", hint="commit, stash or move them, and try again"
        )
    return index.plain


def refuse_file(git: Door, landed: Entry | None, path: str, new: bytes) -> None:
    """Raises ConflictError where the file on disk is neither what landed last nor what is about to land."""
    if not _as_expected(git, WorkTree(git), path, landed, new):
        raise ConflictError(f"uncommitted changes in the way: {path}")


def wait_for_index(git: Door, wait_s: float = INDEX_WAIT_S) -> None:
    """Until no other git process holds the index. Raises ConflictError naming the lock and its age."""
    if git.top is None:
        return
    lock = git.git_dir / "index.lock"
    until = time.monotonic() + wait_s
    while True:
        try:
            age = time.time() - os.lstat(lock).st_mtime
        except FileNotFoundError:
            return
        if time.monotonic() > until:
            raise ConflictError(
                f"the index is locked for {age:.0f} s: {lock}",
                hint="wait for the git command that holds it; if there is none: modelreg repair --locks",
            )
        time.sleep(0.05)


def tree_entries(git: Door, commit: CommitId | None, paths: Iterable[str]) -> dict[str, Entry]:
    """What a commit holds at `paths` and on the way there (folders have mode 040000); nothing before the first one."""
    found: dict[str, Entry] = {}
    if commit is None:
        return found
    root = git.objects.root(commit)
    for path in paths:
        folder, place = root, ""
        for name in path.split("/"):
            here = git.objects.entry(folder, os.fsencode(name))
            if here is None:
                break
            place = f"{place}/{name}" if place else name
            found[place] = Entry(here.mode, here.id)
            if here.mode != "040000":
                break
            folder = here.id
    return found


def bring_up_to_date(git: Door, files: Mapping[str, bytes], update: IndexUpdate | None = None) -> None:
    """Write the files, each by a temporary file and a rename, then their index entries, through an `update` if it can.

    Raises ConflictError for a locked index, UnavailableError where a file cannot be written; it may be run again.
    """
    if git.top is None or not files:
        return
    for path, data in files.items():
        _write(git.top, path, data)
        fail_point("between-files")
    fail_point("before-index")
    if update is None or not update.add(files):
        wait_for_index(git)
        stage(git, files)


def _as_expected(git: Door, work: WorkTree, path: str, landed: Entry | None, new: bytes) -> bool:
    """Whether the file on disk is what landed last, or already what is about to land, and not executable."""
    found = work.read(path)
    if found is None:
        return landed is None and not os.path.lexists((git.top or Path()) / path) and _way_is_free(git, path)
    if _is_executable(git, path):
        return False
    if found == new:
        return True
    if landed is None:
        return False
    # With core.autocrlf a clean file may lie there with CR LF.
    return landed.blob in (blob_id(found, git.object_format), blob_id(found.replace(b"\r\n", b"\n"), git.object_format))


def _is_executable(git: Door, path: str) -> bool:
    """As `git diff` sees it: not where core.fileMode is off, as on file systems that have no such bit."""
    if not os.lstat((git.top or Path()) / path).st_mode & stat.S_IXUSR:
        return False
    return (git.git.setting("core.filemode") or "true").lower() not in ("false", "no", "off", "0")


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


def _write(top: Path, path: str, data: bytes) -> None:
    """Folder by folder, so that no symlink on the way is followed."""
    *folders, name = path.split("/")
    opened = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    try:
        folder = os.open(top, opened)
        try:
            for part in folders:
                _make_folder(part, folder)
                deeper = os.open(part, opened | os.O_NOFOLLOW, dir_fd=folder)
                os.close(folder)
                folder = deeper
            _replace(folder, name, data)
        finally:
            os.close(folder)
    except OSError as error:
        raise UnavailableError(f"cannot be written: {error.strerror}", file=path, hint="modelreg repair") from error


def _make_folder(name: str, folder: int) -> None:
    try:
        os.mkdir(name, dir_fd=folder)
    except FileExistsError:
        return


def _replace(folder: int, name: str, data: bytes) -> None:
    temporary = f".modelreg-{secrets.token_hex(8)}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(descriptor, 0o644)
            os.fsync(descriptor)
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.unlink(temporary, dir_fd=folder)
        raise
