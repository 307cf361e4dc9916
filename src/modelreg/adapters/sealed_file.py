"""A file of SQLite in the git directory that only modelreg writes: who may use it now, and whether it is that file.

It lies where a stranger's archive may put one too (threat model A21), and where it may be cut short or overwritten. A
seal beside it says which file it is: inode, size and times as the last writer left them, and the code that wrote it.
The time of the last change of an inode (ctime) is the kernel's: it cannot be set, so that a file that came with an
archive, was copied, or was touched by anybody else is never opened, but made again.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from modelreg.adapters.locking import state_folder

WAIT_S = 0.5
"""No reader waits longer for one that writes: it answers without the file."""


class SealedFile:
    """`STEM.sqlite` in the folder `modelreg` of the common git directory; `code` names what wrote it.

    Everything here raises OSError or sqlite3.Error where it cannot be done; the caller then answers without the file.
    """

    def __init__(self, common_dir: Path, stem: str, tables: str, code: Callable[[], str]) -> None:
        self._common_dir = common_dir
        self._folder = common_dir / "modelreg"
        self.path = self._folder / f"{stem}.sqlite"
        self._seal = self._folder / f"{stem}.seal"
        self._held = self._folder / f"{stem}.held"
        self._tables = tables
        self._code = code

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection | None]:
        """The file as it stands, with nobody writing; None where there is none that can be believed."""
        if not self._held.exists():
            yield None
            return
        with self._locked(fcntl.LOCK_SH):
            if not self._sealed():
                yield None
                return
            with closing(self._connect()) as connection:
                connection.execute("PRAGMA query_only = ON")
                yield connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The file, alone: one transaction, made anew where there is none to believe, sealed where all went well."""
        with self._locked(fcntl.LOCK_EX):
            if not self._sealed():
                self._make()
            with closing(self._connect()) as connection:
                # Until it is sealed again it is nobody's: a writer that is killed leaves a file that is made anew.
                self._seal.unlink(missing_ok=True)
                connection.execute("BEGIN")
                try:
                    yield connection
                except sqlite3.Error:
                    raise  # what the file holds now is not known
                except BaseException:
                    connection.rollback()
                    self._close(connection)
                    raise
                connection.commit()
                self._close(connection)

    def discard(self) -> None:
        """Believe it no more."""
        with suppress(OSError):
            self._seal.unlink()

    def _close(self, connection: sqlite3.Connection) -> None:
        connection.close()
        with _opened(self.path, os.O_RDWR) as descriptor:
            os.fsync(descriptor)
        # A time of our own, to the nanosecond: the kernel's tick is too coarse to tell a write that follows at once.
        now = time.time_ns() // 1_000_000 * 1_000_000 + int.from_bytes(os.urandom(8), "big") % 1_000_000
        os.utime(self.path, ns=(now, now), follow_symlinks=False)
        told = json.dumps(self._identity()).encode()
        temporary = self._seal.with_name(f"{self._seal.name}.{os.getpid()}")
        temporary.unlink(missing_ok=True)
        with _opened(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as descriptor:
            os.write(descriptor, told)
        temporary.replace(self._seal)

    def _sealed(self) -> bool:
        """Whether the file is wholly the one that the last writer left."""
        try:
            with _opened(self._seal, os.O_RDONLY) as descriptor:
                told = json.loads(os.read(descriptor, 4096))
            return bool(told == self._identity()) and not any(p.exists() for p in self._journals())
        except (OSError, ValueError):
            return False

    def _identity(self) -> list[object]:
        status = os.lstat(self.path)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1 or status.st_uid != os.geteuid():
            raise OSError("not a file of one's own")
        return [self._code(), status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]

    def _journals(self) -> list[Path]:
        return [self.path.with_name(f"{self.path.name}-{ending}") for ending in ("journal", "wal", "shm")]

    def _make(self) -> None:
        for path in (self._seal, self.path, *self._journals()):
            path.unlink(missing_ok=True)
        with _opened(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL):
            pass
        with closing(self._connect()) as connection:
            connection.executescript(f"PRAGMA page_size = 8192; {self._tables}")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(f"file:{_quoted(self.path)}?mode=rw", uri=True, isolation_level=None)
        # The lock keeps others out and the seal tells a write that was cut short, so that SQLite need do neither.
        for pragma in ("journal_mode = MEMORY", "synchronous = OFF", "trusted_schema = OFF", "cache_size = -32000"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        return connection

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        if how == fcntl.LOCK_EX:
            state_folder(self._common_dir)
            flags = os.O_RDWR | os.O_CREAT
        else:
            flags = os.O_RDONLY
            if self._folder.is_symlink():
                raise OSError("a symlink, which modelreg never makes")
        with _opened(self._held, flags) as descriptor:
            until = time.monotonic() + WAIT_S
            while True:
                try:
                    fcntl.flock(descriptor, how | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > until:
                        raise
                    time.sleep(0.005)
            yield


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        yield descriptor
    finally:
        with suppress(OSError):
            os.close(descriptor)


def _quoted(path: Path) -> str:
    from urllib.parse import quote

    return quote(os.fsencode(path))
