"""The benchmarks run: all of them once, small and without peers; what they write is the same for the same figures."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.large import make
from benchmarks.measure import Row
from benchmarks.report import markdown, points, shown, svg

from tests.cli.runner import done
from tests.support import run

TOP = Path(__file__).parents[1]
ROWS = [
    Row("`stage set`", 100, 0.1, "`gto assign`", 0.5, 0.2, 0.5),
    Row("`stage set`", 1000, 0.2, "`gto assign`", 2.0, 0.1),
    Row("`stage set`", 1000, 0.2, "the same at 100", 0.1, 2.0, 1.2),
    Row("`modelreg --help`", None, 0.07, "`import typer, rich`", 0.075, 0.9, 1.5),
]


def test_the_quick_run() -> None:
    page = run(sys.executable, "-m", "benchmarks", "--quick", cwd=TOP).stdout
    for work in ("modelreg --help", "stage set", "SDK: registration", "stage get", "gate", "register` of 16 MiB"):
        assert work in page
    assert "MLflow" not in page


def test_a_generated_registry_is_a_sound_one(tmp_path: Path) -> None:
    registry = make(tmp_path / "registry", 30)
    assert "all sound" in done("validate", registry=registry).err
    assert "0 tags to make, 30 stood already" in done("announce", "--dry-run", registry=registry).err
    assert done("stage", "set", "model-00007", "1.1.0", "staging", registry=registry).code == 0


def test_the_page_says_what_was_reached_and_what_was_missed() -> None:
    page = markdown(ROWS, "a machine", {"GTO": "1.9.0"})
    assert "| `stage set` | 100 | 100 ms | `gto assign` | 500 ms | 0.20 | ≤ 0.5 | reached |" in page
    assert "| 2.00 | ≤ 1.2 | missed by 1.67 |" in page
    assert [shown(s) for s in (0.0123, 1.5, 61.2, 0.00051)] == ["12.3 ms", "1.50 s", "61.2 s", "0.510 ms"]


def test_the_picture_is_the_same_for_the_same_figures() -> None:
    lines = points(ROWS)
    assert lines == {"`stage set`": {100: 0.1, 1000: 0.2}, "`gto assign`": {100: 0.5, 1000: 2.0}}
    assert svg(lines) == svg(dict(reversed(lines.items())))
    assert svg(lines).count("<circle") == 4
    assert svg({}).startswith("<svg")
