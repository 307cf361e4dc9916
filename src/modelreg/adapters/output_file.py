"""A file that a user asked for by name."""

from __future__ import annotations

import os
from pathlib import Path

from modelreg.adapters.staging import refuse_existing, staging
from modelreg.errors import InvalidError


def write_file(target: Path, data: bytes, *, force: bool = False) -> None:
    """All of `data` at `target`, or nothing; through no symlink. With `force` a plain file there is replaced.

    Raises InvalidError where something else is there, UnavailableError for what the file system refuses.
    """
    if not force:
        refuse_existing(target)
    elif os.path.lexists(target) and (target.is_symlink() or not target.is_file()):
        hint = "name another target, or remove it"
        raise InvalidError("is no plain file; it is not replaced", file=str(target), hint=hint)
    with staging(target) as folder:
        made = folder / "file"
        with made.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        made.replace(target)
