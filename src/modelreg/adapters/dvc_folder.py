"""A DVC remote that is a folder of this machine, or a share that is mounted: no library is needed to use it.

Format source: `dvc_data.hashfile.db.local.LocalHashFileDB`, as in dvc_cache. Whatever else a remote may be is
`dvc_remote`'s.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from modelreg.adapters.copying import copy
from modelreg.adapters.dvc_cache import object_path
from modelreg.adapters.hashing import Advance
from modelreg.adapters.parallel import each
from modelreg.errors import UnavailableError

JOBS = 4
_MODE = 0o444


@dataclass(frozen=True)
class FolderRemote:
    """The remote `name` at `folder`, which its configuration calls `shown`. See `dvc_remote.Remote`."""

    name: str
    folder: Path
    url: str

    @property
    def shown(self) -> str:
        return f"the remote {self.name} ({self.url})"

    def sizes(self, md5s: Iterable[str]) -> dict[str, int | None]:
        """Size in bytes of each object; None where there is no regular file. Raises UnavailableError."""
        with self._talk():
            return {md5: _size(self._path(md5)) for md5 in md5s}

    @contextmanager
    def open(self, md5: str) -> Iterator[BinaryIO]:
        """Read an object as a stream. Raises UnavailableError, also while it is read."""
        path = self._path(md5)
        with self._talk():
            try:
                stream = path.open("rb")
            except FileNotFoundError:
                message = f"{self.shown} does not hold the object"
                raise UnavailableError(message, hint="dvc push, from where it still is") from None
            with stream:
                yield stream

    def upload(self, objects: Sequence[tuple[str, Path]], advance: Advance) -> None:
        """Put files there under their MD5s, over what may be there, each whole or not at all. Raises
        UnavailableError."""
        with self._talk():
            each(JOBS, self._put, ((md5, path, advance) for md5, path in objects))

    def _put(self, md5: str, source: Path, advance: Advance) -> None:
        target = self._path(md5)
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=".modelreg-", dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb") as sink, source.open("rb") as stream:
                copy(stream, sink, advance)
                os.fchmod(sink.fileno(), _MODE)
            os.rename(name, target)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise

    def _path(self, md5: str) -> Path:
        return self.folder / object_path(md5)

    @contextmanager
    def _talk(self) -> Iterator[None]:
        """Turn what the file system says into an error that names the remote."""
        try:
            yield
        except OSError as error:
            reason = f"{type(error).__name__}: {error.strerror or error}"
            hint = "is its disk there, with some space, and may you write to it?"
            raise UnavailableError(f"{self.shown} cannot be used: {reason}", hint=hint) from error


def _size(path: Path) -> int | None:
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None
