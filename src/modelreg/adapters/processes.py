"""A git process: what it left, or one that still runs."""

from __future__ import annotations

import subprocess
import weakref
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Result:
    """What a git process left: exit code, standard output as bytes, standard error as text."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """Standard output without the last line end; bytes that are not UTF-8 survive as surrogates."""
        return self.out.decode("utf-8", "surrogateescape").removesuffix("\n")


class Running:
    """A git that was begun. One that reads and that nobody waits for is ended; one that writes is told nothing, so that
    it does nothing."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._end = weakref.finalize(self, _ended, process)

    def result(self, told: bytes = b"") -> Result:
        """What it left, when it has been told all and is done. To be called once."""
        out, err = self._process.communicate(told)
        self._end.detach()
        return Result(self._process.returncode, out, err.decode("utf-8", "replace"))

    def end(self) -> None:
        """Where nobody has waited for it. May be called at any time."""
        self._end()


def _ended(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is None:
        process.kill()
    process.communicate()
