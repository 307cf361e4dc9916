"""What a command costs before it does anything: whole processes against importing what they stand on."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from benchmarks.measure import MODELREG, Row, compare, process
from benchmarks.settings import Settings

_LIBRARIES = "import typer, rich"


def measure(settings: Settings) -> Iterator[Row]:
    limit = process([sys.executable, "-c", _LIBRARIES])
    for name, command, goal in (
        ("`modelreg --help`", [*MODELREG, "--help"], 1.5),
        ("`import modelreg`", [sys.executable, "-c", "import modelreg"], None),
    ):
        yield compare(name, process(command), f"`{_LIBRARIES}`", limit, settings.runs, goal=goal)
