"""How things are measured: in pairs, in turn, so that what else the machine does meets both; medians."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

MODELREG = (sys.executable, "-m", "modelreg")

Work = Callable[[], float]
"""Does something once; the seconds that it took."""


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison: median seconds of both, the median of the pairs' ratios, and what the ratio should not exceed.

    `versions` is the size of the registry, None where it has no say.
    """

    work: str
    versions: int | None
    seconds: float
    against: str
    against_seconds: float
    ratio: float
    goal: float | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What to measure and how often. `full`: peers at 10,000 versions too, where they take minutes."""

    folder: Path
    sizes: Sequence[int]
    runs: int
    artifact_bytes: int
    quick: bool = False
    full: bool = False


def compare(
    work: str,
    mine: Work,
    against: str,
    other: Work,
    runs: int,
    *,
    versions: int | None = None,
    goal: float | None = None,
) -> Row:
    """Both in turn, `runs` times. Where it is more than one, one of each goes before (byte code, page cache)."""
    if runs > 1:
        mine()
        other()
    pairs = [(mine(), other()) for _ in range(runs)]
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"{work}: {ours * 1e3:.1f} ms, {against}: {theirs * 1e3:.1f} ms, {ratio:.2f}", file=sys.stderr, flush=True)
    return Row(work, versions, ours, against, theirs, ratio, goal)


def process(command: Sequence[str], folder: Path | None = None, *, data: bytes | None = None) -> Work:
    """One process from start to end. Raises CalledProcessError with what it said."""

    def run() -> float:
        start = time.perf_counter()
        done = subprocess.run(
            list(command), cwd=folder, input=data, capture_output=True, env=environment(), check=False
        )
        took = time.perf_counter() - start
        if done.returncode:
            raise RuntimeError(f"{command} exited {done.returncode}: {(done.stderr or done.stdout).decode()[-800:]}")
        return took

    return run


def each(make: Callable[[], Sequence[str]], folder: Path) -> Work:
    """As `process`, another command every time: what writes cannot be done twice."""

    def run() -> float:
        return process(make(), folder)()

    return run


def timed(call: Callable[[], object]) -> Work:
    """One call in this process."""

    def run() -> float:
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    return run


@cache
def environment() -> dict[str, str]:
    """That of a user: byte code is kept (in a folder of this run), and git knows who acts."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "MODELREG_"))}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    names = {f"GIT_{role}_{part}" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    who = {name: "Ann" if name.endswith("NAME") else "ann@example.org" for name in names}
    quiet = {"DVC_NO_ANALYTICS": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet"}
    return kept | who | quiet | {"PYTHONPYCACHEPREFIX": _byte_code()}


@cache
def _byte_code() -> str:
    return mkdtemp(prefix="modelreg-benchmarks-")
