"""DVC's local cache, version 3 layout: `files/md5/ab/cdef…`, read-only, folders as `….dir` objects.

Format source: `dvc_data.hashfile.db.local.LocalHashFileDB`. Every write is a temporary file on the same file system,
fsync, rename. Names come from manifests: they are checked before they become paths.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from modelreg.adapters.hashing import Digests, digest_file, open_regular
from modelreg.errors import IntegrityError, InvalidError, NotFoundError, UnavailableError

QUARANTINE = "modelreg-quarantine"
DIR_LIMIT_BYTES = 256 * 1024 * 1024
"""No `.dir` object is read beyond this: some two million files."""

_OBJECT = re.compile(r"[0-9a-f]{32}(\.dir)?")
_MODE = 0o444


def check_md5(md5: str) -> str:
    """The name of a DVC object: 32 hex digits, `.dir` after them for a folder. Raises InvalidError."""
    if not _OBJECT.fullmatch(md5):
        raise InvalidError(f"{md5[:80]!a} is not an MD5 as DVC writes it")
    return md5


def object_path(md5: str) -> str:
    """Where an object lies below a cache or a remote, `/`-separated. Raises InvalidError."""
    check_md5(md5)
    return f"files/md5/{md5[:2]}/{md5[2:]}"


def parse_dir(data: bytes, md5: str) -> dict[str, str]:
    """A `.dir` object as path → MD5. Raises IntegrityError for anything that DVC would not write."""
    try:
        entries = json.loads(data)
        files = {entry["relpath"]: check_md5(entry["md5"]) for entry in entries}
    except (ValueError, TypeError, KeyError, RecursionError, InvalidError):
        raise IntegrityError(f"the folder object {md5} is not what DVC writes") from None
    odd = len(files) != len(entries) or any(name.endswith(".dir") for name in files.values())
    if odd or not all(isinstance(path, str) for path in files):
        raise IntegrityError(f"the folder object {md5} is not what DVC writes")
    return files


@dataclass(frozen=True, slots=True)
class Cache:
    """The cache below `folder`. `shared`: DVC's `cache.shared = group`, folders are writable for the group."""

    folder: Path
    shared: bool = False

    def path(self, md5: str) -> Path:
        return self.folder / object_path(md5)

    def holds(self, md5: str) -> bool:
        """Whether something lies at the object's place, good or bad."""
        return os.path.lexists(self.path(md5))

    def size(self, md5: str) -> int | None:
        """Size in bytes of a cached object; None where there is no regular file (a symlink is none)."""
        try:
            with open_regular(self.path(md5)) as source:
                return os.fstat(source.fileno()).st_size
        except (NotFoundError, InvalidError):
            return None

    def mark(self, md5: str) -> tuple[int, ...] | None:
        """What tells that an object was written to, or replaced, since it was looked at; None where there is none."""
        try:
            found = os.lstat(self.path(md5))
        except OSError:
            return None
        return found.st_dev, found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns

    def open(self, md5: str) -> BinaryIO:
        """Raises UnavailableError where the cache lacks it, IntegrityError where something else lies there."""
        try:
            return open_regular(self.path(md5))
        except NotFoundError:
            raise UnavailableError(
                f"the cache does not hold the object {md5}", hint="modelreg pull fetches it"
            ) from None
        except InvalidError as error:
            raise IntegrityError(f"the cached object {error.message}", file=error.file) from None

    def read_dir(self, md5: str) -> dict[str, str]:
        """A cached folder object as path → MD5. Raises as `open`, IntegrityError for a bad one."""
        with self.open(md5) as source:
            data = source.read(DIR_LIMIT_BYTES + 1)
        if len(data) > DIR_LIMIT_BYTES:
            raise IntegrityError(f"the folder object {md5} is too large", file=str(self.path(md5)))
        return parse_dir(data, md5)

    def put(self, write: Callable[[BinaryIO], Digests], suffix: str = "") -> Digests:
        """Store what `write` writes, under the MD5 that it returns and `suffix`; nothing stays when it raises.

        An object that is there is kept if it is the same, replaced if it is corrupt. Raises IntegrityError for other
        bytes of the same MD5: one of the two could never be had again.
        """
        with self._temporary() as (temporary, stream):
            found = write(stream)
            stream.flush()
            os.fchmod(stream.fileno(), _MODE)
            md5 = found.md5 + suffix
            if not self._kept(md5, found):  # a lock is the same at nearly every registration
                os.fsync(stream.fileno())
                target = self.path(md5)
                self._make(target.parent)
                temporary.rename(target)
                _sync(target.parent)
        return found

    def quarantine(self, md5: str) -> Path:
        """Move a bad object out of the way, where it can be looked at; where it is then."""
        folder = self._make(self.folder / QUARANTINE)
        room = Path(tempfile.mkdtemp(prefix=f"{check_md5(md5)}-", dir=folder))
        with suppress(FileNotFoundError):  # another process was quicker
            self.path(md5).rename(room / "object")
        return room / "object"

    def _kept(self, md5: str, new: Digests) -> bool:
        """Whether the object that is there stays; a corrupt one is moved away."""
        if not self.holds(md5):
            return False
        if self.size(md5) == new.size_bytes:
            old = digest_file(self.path(md5))
            if old.sha256 == new.sha256:
                return True
            if old.md5 == new.md5:
                raise IntegrityError(
                    f"other bytes with the same MD5 are in the cache: {md5}; this is a collision made on purpose",
                    file=str(self.path(md5)),
                )
        self.quarantine(md5)
        return False

    @contextmanager
    def _temporary(self) -> Iterator[tuple[Path, BinaryIO]]:
        try:
            folder = self._make(self.folder / "modelreg-tmp")
            descriptor, name = tempfile.mkstemp(dir=folder)
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        try:
            with os.fdopen(descriptor, "wb") as stream:
                yield Path(name), stream
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        finally:
            with suppress(OSError):
                os.unlink(name)

    def _make(self, folder: Path) -> Path:
        if not folder.is_dir():
            if folder != self.folder:
                self._make(folder.parent)
            folder.mkdir(parents=folder == self.folder, exist_ok=True)
            if self.shared:
                folder.chmod(0o2775)
        return folder


def _unwritable(folder: Path, error: OSError) -> UnavailableError:
    return UnavailableError(
        f"cannot write into DVC's cache: {error.strerror or error}",
        file=str(folder),
        hint="free some space or name another place: dvc cache dir PATH",
    )


def _sync(folder: Path) -> None:
    """The rename itself survives a power loss only when the folder is synced."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
