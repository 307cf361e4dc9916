"""python -m benchmarks: how long starting takes, against what it is made of, and a gate in registries of two sizes.

Medians of whole processes, in turn.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.large import make

RUNS = 15
CASES = {
    "modelreg --help": [sys.executable, "-m", "modelreg", "--help"],
    "import modelreg": [sys.executable, "-c", "import modelreg"],
}
LIMIT = [sys.executable, "-c", "import typer, rich"]


GATE = [sys.executable, "-m", "modelreg", "gate", "--base", "main", "--head", "topic"]
SMALL, LARGE = 100, 10_000
GATE_RUNS = 9


def seconds(command: list[str], cwd: Path | None = None) -> float:
    """Wall time of one process."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=cwd)
    return time.perf_counter() - start


def main() -> None:
    start_up()
    gate()


def gate() -> None:
    """A pull request that moves five versions, among a hundred versions and among ten thousand."""
    with tempfile.TemporaryDirectory() as folder:
        small, large = (make(Path(folder) / str(size), size) for size in (SMALL, LARGE))
        for place in (small, large):
            seconds(GATE, place)
        pairs = [(seconds(GATE, large), seconds(GATE, small)) for _ in range(GATE_RUNS)]
    mine, limit = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"\n| work | {LARGE:,} versions, ms | {SMALL} versions, ms | ratio |")
    print("|---|---|---|---|")
    print(f"| gate of five moves | {mine * 1e3:.0f} | {limit * 1e3:.0f} | {ratio:.2f} |")


def start_up() -> None:
    for command in (LIMIT, *CASES.values()):
        seconds(command)  # a warm-up: byte code, page cache
    print("| work | median, ms | `import typer, rich`, ms | ratio |")
    print("|---|---|---|---|")
    for name, command in CASES.items():
        pairs = [(seconds(command), seconds(LIMIT)) for _ in range(RUNS)]
        mine, limit = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(a / b for a, b in pairs)
        print(f"| {name} | {mine * 1e3:.0f} | {limit * 1e3:.0f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
