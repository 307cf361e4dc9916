"""A private folder for files on their way. What a killed process left of such, the next one removes."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

PREFIX = "modelreg-scratch-"
_YOUNG_S = 60
"""Who makes a folder has so long to take its lock."""


@contextmanager
def scratch() -> Iterator[Path]:
    """A fresh folder (0700) where temporary files go (TMPDIR), gone afterwards. Its lock says that somebody lives."""
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock(handle)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


@cache
def _sweep() -> None:
    """Once in a process: remove folders of one's own that no process holds any more."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            handle = os.open(left, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            found = os.fstat(handle)
            old = time.time() - found.st_mtime > _YOUNG_S
            if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) == stat.S_IRWXU and old and _lock(handle):
                shutil.rmtree(left, ignore_errors=True)
        finally:
            os.close(handle)


def _lock(handle: int) -> bool:
    """Whether it is ours now; the kernel drops it with its owner. False also where the file system has no locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
