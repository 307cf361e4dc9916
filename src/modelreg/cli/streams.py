"""Standard input, output and error as a process finds them: closed, full, or read by nobody any more; and how it is
stopped. Imports little: Ctrl-C may come while the rest is loaded."""

from __future__ import annotations

import io
import os
import signal
import sys
from types import FrameType
from typing import Any, TextIO


class Outlet(io.FileIO):
    """A standard stream that refuses nothing. A reader who has left (`| head -1`) misses the rest, and the exit code
    stays what the command makes it; any other refusal is kept in `refused`, for the end."""

    refused: OSError | None = None

    def write(self, data: object, /) -> int:
        whole = memoryview(data)  # type: ignore[arg-type]
        try:
            return super().write(whole)
        except BrokenPipeError:
            return whole.nbytes
        except OSError as error:
            self.refused = error
            return whole.nbytes


def prepare() -> None:
    """Make the standard streams usable, and Ctrl-C and SIGTERM an exit code. For a process of one's own, at its start."""
    signal.signal(signal.SIGINT, interrupted)
    signal.signal(signal.SIGTERM, interrupted)
    for number in range(3):  # what is closed is opened by nobody else: the next file would become standard output
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115 - as long as the process lives
    sys.stdout, sys.stderr = _outlet(1, sys.stdout), _outlet(2, sys.stderr)


def _outlet(number: int, found: TextIO | None) -> io.TextIOWrapper:
    """In the stream's own encoding; what that cannot say is written as an escape."""
    stream = found if isinstance(found, io.TextIOWrapper) else None
    outlet: Any = Outlet(number, "w", closefd=False)
    return io.TextIOWrapper(
        outlet if stream is not None and stream.write_through else io.BufferedWriter(outlet),  # as `python -u` wants it
        encoding=stream.encoding if stream else "utf-8",
        errors="backslashreplace",
        line_buffering=stream.line_buffering if stream else False,
        write_through=stream.write_through if stream else False,
    )


def refused() -> OSError | None:
    """Why standard output did not take all that was written, if it is for another reason than that nobody reads it."""
    try:
        sys.stdout.flush()
    except OSError as error:
        return error
    buffer = getattr(sys.stdout, "buffer", None)
    outlet = getattr(buffer, "raw", buffer)
    return outlet.refused if isinstance(outlet, Outlet) else None


def interrupted(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
