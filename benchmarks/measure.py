"""How things are measured: in pairs, in turn, so that what else the machine does meets both; medians."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Literal

MODELREG = (sys.executable, "-m", "modelreg")
TOP = Path(__file__).parents[1]

Work = Callable[[], float]
"""Does something once; the seconds that it took."""

How = Literal["ratio", "more", "figure"]
"""What a goal is about: the ratio of both figures, by how much the first exceeds the second, the first alone."""


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison: median seconds of both (MB where `unit` says so), the median of the pairs' ratios (or
    differences), and what that should not exceed.

    `versions` is the size of the registry, None where it has no say.
    """

    work: str
    versions: int | None
    figure: float
    against: str = ""
    against_figure: float | None = None
    compared: float | None = None
    goal: float | None = None
    how: How = "ratio"
    unit: Literal["s", "MB"] = "s"


def compare(
    work: str,
    mine: Work,
    against: str,
    other: Work,
    runs: int,
    *,
    versions: int | None = None,
    goal: float | None = None,
    how: How = "ratio",
) -> Row:
    """Both in turn, `runs` times. Where it is more than one, one of each goes before (byte code, page cache)."""
    if runs > 1:
        mine()
        other()
    return paired(work, [(mine(), other()) for _ in range(runs)], against, versions=versions, goal=goal, how=how)


def paired(
    work: str,
    pairs: Sequence[tuple[float, float]],
    against: str,
    *,
    versions: int | None = None,
    goal: float | None = None,
    how: How = "ratio",
) -> Row:
    """The row of what was measured in pairs already."""
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    compared = statistics.median(a - b if how == "more" else a / b for a, b in pairs)
    return Row(work, versions, ours, against, theirs, compared, goal, how)


def process(
    command: Sequence[str],
    folder: Path | None = None,
    *,
    data: bytes | None = None,
    env: Mapping[str, str] | None = None,
) -> Work:
    """One process from start to end. Raises RuntimeError with what it said."""

    def run() -> float:
        start = time.perf_counter()
        _done(command, folder, data, env)
        return time.perf_counter() - start

    return run


def told(command: Sequence[str], folder: Path | None = None, *, env: Mapping[str, str] | None = None) -> Any:
    """What a process prints on its last line, as JSON: figures that it took itself."""
    return json.loads(_done(command, folder, None, env).splitlines()[-1])


def _done(command: Sequence[str], folder: Path | None, data: bytes | None, env: Mapping[str, str] | None) -> bytes:
    done = subprocess.run(
        list(command), cwd=folder, input=data, capture_output=True, env=environment() | dict(env or {}), check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command} exited {done.returncode}: {(done.stderr or done.stdout).decode()[-800:]}")
    return done.stdout


def each(make: Callable[[], Sequence[str]], folder: Path, *, env: Mapping[str, str] | None = None) -> Work:
    """As `process`, another command every time: what writes cannot be done twice."""

    def run() -> float:
        return process(make(), folder, env=env)()

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
    paths = os.pathsep.join([str(TOP), *filter(None, [kept.get("PYTHONPATH")])])
    return kept | who | quiet | {"PYTHONPYCACHEPREFIX": _byte_code(), "PYTHONPATH": paths}


@cache
def _byte_code() -> str:
    return mkdtemp(prefix="modelreg-benchmarks-")
