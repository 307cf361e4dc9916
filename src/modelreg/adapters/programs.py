"""Programs that are not git: started in a session of their own, listened to line by line, ended with all they began."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from modelreg.errors import UnavailableError
from modelreg.registry.sandbox import Ran

TAIL_LINES = 20
_LINE_LIMIT = 2000
_GRACE_S = 3.0
_TICK_S = 0.2


def run(
    args: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str],
    tell: Callable[[str], None],
    limit_s: float | None = None,
) -> Ran:
    """Run a program to its end, or for `limit_s` seconds. Standard input is empty, both outputs are one stream.

    Raises UnavailableError where it cannot be started. Whatever ends this (Ctrl-C too) ends its whole process group.
    """
    try:
        process = subprocess.Popen(
            list(map(str, args)), cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise UnavailableError(f"{Path(str(args[0])).name} cannot be started: {error.strerror}") from error
    lines = _Lines(tell)
    deadline = None if limit_s is None else time.monotonic() + limit_s
    try:
        in_time = _listen(process, lines, deadline)
        code = process.wait() if in_time else None
    finally:
        _end(process)
    lines.finish()
    return Ran(code, tuple(lines.tail))


def _listen(process: subprocess.Popen[bytes], lines: _Lines, deadline: float | None) -> bool:
    """Read until the program has ended; False where its time is up before. A child may keep the pipe open for ever."""
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if deadline is not None and time.monotonic() > deadline:
                return False
            if selector.select(_TICK_S):
                data = os.read(process.stdout.fileno(), 65536)
                if not data:
                    break
                lines.feed(data)
            elif process.poll() is not None:
                return True
    while process.poll() is None:  # it closed its output, and goes on
        if deadline is not None and time.monotonic() > deadline:
            return False
        time.sleep(_TICK_S / 4)
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what is left of the process group: first asked, then killed."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_S)
            if number is signal.SIGTERM and not _alive(process.pid):
                break
    if process.stdout is not None:
        process.stdout.close()


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


class _Lines:
    """Output as text, a line at a time; a line without end is cut."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._tell = tell
        self._rest = b""

    def feed(self, data: bytes) -> None:
        *whole, self._rest = (self._rest + data).replace(b"\r\n", b"\n").split(b"\n")
        for line in whole:
            self._say(line)
        if len(self._rest) > _LINE_LIMIT:
            self.finish()

    def finish(self) -> None:
        if self._rest:
            self._say(self._rest)
            self._rest = b""

    def _say(self, line: bytes) -> None:
        # A progress bar writes over its line: its last state says enough.
        text = line.rstrip(b"\r").rpartition(b"\r")[2][:_LINE_LIMIT].decode("utf-8", "replace")
        self.tail.append(text)
        self._tell(text)
