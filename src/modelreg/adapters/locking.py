"""One writer per repository, all its worktrees included."""

from __future__ import annotations

import fcntl
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelreg.errors import ConflictError, UnavailableError

WAIT_S = 10.0


def state_folder(common_dir: Path) -> Path:
    """`modelreg/` in the common git directory; made where it is missing. Raises UnavailableError, naming it."""
    folder = common_dir / "modelreg"
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise UnavailableError(f"cannot write to {folder}: {error.strerror}") from error
    if folder.is_symlink():
        raise UnavailableError(f"{folder} is a symlink, which modelreg never makes", hint="remove it")
    return folder


@contextmanager
def locked(common_dir: Path, wait_s: float = WAIT_S) -> Iterator[None]:
    """Hold the repository's lock. The kernel drops it with its owner, so a dead one blocks nobody.

    Raises ConflictError where another process holds it for longer than `wait_s` seconds.
    """
    with held(state_folder(common_dir) / "lock", wait_s, "writing"):
        yield


@contextmanager
def held(path: Path, wait_s: float, doing: str) -> Iterator[None]:
    """Hold a lock file, which is made where it is missing. Raises as `locked`; `doing` is what the other one does."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    except OSError as error:
        raise UnavailableError(f"cannot open {path}: {error.strerror}") from error
    try:
        until = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise ConflictError(
                        f"another modelreg command has been {doing} for {wait_s:.0f} s", hint="try again"
                    ) from None
                time.sleep(random.uniform(0.005, 0.03))  # noqa: S311
        yield
    finally:
        os.close(handle)
