"""Writing where nothing is yet: a private folder beside the target, then one rename; and a meter for progress."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelreg.adapters.hashing import Advance
from modelreg.errors import InvalidError, UnavailableError
from modelreg.registry.artifact_port import Progress


def refuse_existing(target: Path) -> None:
    """Raises InvalidError where anything is at `target`, a dangling symlink included."""
    if os.path.lexists(target):
        raise InvalidError("exists; nothing is overwritten", file=str(target), hint="name another target, or remove it")


@contextmanager
def staging(target: Path) -> Iterator[Path]:
    """A fresh folder (0700) beside `target`, gone afterwards; parents of `target` are made.

    Raises UnavailableError for what the file system refuses (disk full, read-only).
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with_room = Path(tempfile.mkdtemp(prefix=".modelreg-", dir=target.parent))
    except OSError as error:
        raise _unwritable(target, error) from error
    try:
        yield with_room
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        shutil.rmtree(with_room, ignore_errors=True)


@contextmanager
def metered(progress: Progress | None, what: str, total_bytes: int) -> Iterator[Advance]:
    """Tell `progress` of bytes done; safe to be called from several threads."""
    if progress is None:
        yield lambda _: None
        return
    lock = threading.Lock()

    def advance(done_bytes: int) -> None:
        with lock:
            progress.advance(done_bytes)

    progress.start(what, total_bytes)
    try:
        yield advance
    finally:
        progress.finish()


def _unwritable(target: Path, error: OSError) -> UnavailableError:
    return UnavailableError(f"cannot be written: {error.strerror or error}", file=str(target))
