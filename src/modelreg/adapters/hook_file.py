"""The hook as a file of a git server: a line of shell that starts this very modelreg."""

from __future__ import annotations

import os
import shlex
import tempfile
from pathlib import Path

from modelreg.adapters.door import Door
from modelreg.errors import ConflictError, UnavailableError, UsageError

_MARK = "# written by modelreg hook install"


def install(path: Path, interpreter: Path, *, force: bool = False) -> Path:
    """Write `hooks/pre-receive` of a bare repository. Raises UsageError for a repository with a work tree (nobody
    pushes to it), ConflictError for a hook that somebody else wrote (unless `force`), UnavailableError where it cannot
    be written."""
    door = Door.open(path)
    if door.top is not None:
        raise UsageError(f"{path} has a work tree: the hook belongs on the server", hint="name the bare repository")
    if (elsewhere := door.git.setting("core.hookspath")) is not None:
        raise UnavailableError(
            f"git looks for hooks in {elsewhere!a} (core.hooksPath), where this one would guard other repositories too",
            hint="unset core.hooksPath for whoever runs the server, then install again",
        )
    hook = door.git_dir / "hooks" / "pre-receive"
    if hook.exists() and _MARK not in hook.read_text(errors="replace") and not force:
        raise ConflictError(f"{hook} is there already, and not modelreg's", hint="--force replaces it")
    text = f"#!/bin/sh\n{_MARK}\nexec {shlex.quote(str(interpreter))} -P -m modelreg hook pre-receive\n"
    try:
        hook.parent.mkdir(exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=hook.parent, prefix=".pre-receive-")
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            os.fchmod(descriptor, 0o755)
            os.fsync(descriptor)
        Path(temporary).rename(hook)
    except OSError as error:
        raise UnavailableError(f"{hook} cannot be written: {error.strerror}") from error
    return hook
