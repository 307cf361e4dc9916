"""python -m benchmarks: how long starting takes, against what it is made of. Medians of whole processes, in turn."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

RUNS = 15
CASES = {
    "modelreg --help": [sys.executable, "-m", "modelreg", "--help"],
    "import modelreg": [sys.executable, "-c", "import modelreg"],
}
LIMIT = [sys.executable, "-c", "import typer, rich"]


def seconds(command: list[str]) -> float:
    """Wall time of one process."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
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
