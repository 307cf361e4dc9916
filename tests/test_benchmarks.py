"""The benchmarks run: all of them once, small and without peers; what they write is the same for the same figures."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.__main__ import GROUPS
from benchmarks.large import make
from benchmarks.measure import Row
from benchmarks.report import markdown, points, shown, svg
from benchmarks.results import Results
from benchmarks.settings import Settings

from tests.cli.runner import done
from tests.support import run

TOP = Path(__file__).parents[1]
ROWS = [
    Row("`stage set`", 100, 0.1, "`gto assign`", 0.5, 0.2, 0.5),
    Row("`stage set`", 1000, 0.2, "`gto assign`", 2.0, 0.1),
    Row("`stage set`", 1000, 0.2, "the same at 100", 0.1, 2.0, 1.2),
    Row("`modelreg --help`", None, 0.07, "`import typer, rich`", 0.075, 0.9, 1.5),
    Row("index", 1000, 0.09, "opening it", 0.02, 0.07, 0.05, "more"),
    Row("`list`", 1000, 250, "git's processes", 90, 250, 300, "figure", "MB"),
    Row("`validate`, warm", 1000, 1.5, goal=1.0, how="figure"),
]


def test_the_quick_run() -> None:
    page = run(sys.executable, "-m", "benchmarks", "--quick", cwd=TOP).stdout
    for work in ("modelreg --help", "stage set", "SDK: registration", "stage get", "gate", "register` of 16 MiB"):
        assert work in page
    assert all(f"### {about[:1].upper()}{about[1:]}" in page for about, _ in GROUPS.values())
    assert "| MLflow" not in page


def test_a_generated_registry_is_a_sound_one(tmp_path: Path) -> None:
    registry = make(tmp_path / "registry", 30)
    assert "all sound" in done("validate", registry=registry).err
    assert "0 tags to make, 30 stood already" in done("announce", "--dry-run", registry=registry).err
    assert done("stage", "set", "model-00007", "1.1.0", "staging", registry=registry).code == 0
    assert run("git", "fsck", "--strict", cwd=registry).returncode == 0


def test_a_registry_is_as_it_was_made_for_the_next_group(tmp_path: Path) -> None:
    settings = Settings(tmp_path, (20,), 1, 0, quick=True)
    registry = settings.registry(20)
    before = run("git", "for-each-ref", cwd=registry).stdout
    done("stage", "set", "model-00007", "1.1.0", "staging", registry=registry)
    (registry / "new").touch()
    assert settings.registry(20) == registry
    assert run("git", "for-each-ref", cwd=registry).stdout == before
    assert run("git", "status", "--porcelain", cwd=registry).stdout == ""
    assert not (registry / ".git/modelreg").exists()


def test_figures_are_kept_once_a_group_is_at_its_end(tmp_path: Path) -> None:
    def stopped() -> Iterator[Row]:
        yield ROWS[0]
        raise KeyboardInterrupt

    results = Results(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        results.keep("stage", stopped(), {})
    assert not results.has("stage")
    results.keep("stage", ROWS, {"machine": "this one"})
    with pytest.raises(KeyboardInterrupt):
        results.keep("stage", stopped(), {})
    assert results.read("stage") == ({"machine": "this one"}, ROWS)


def test_the_page_says_what_was_reached_and_what_was_missed() -> None:
    page = markdown({"changes": ROWS}, "a machine", {"GTO": "1.9.0"})
    assert "### Changes" in page
    assert "| `stage set` | 100 | 100 ms | `gto assign` | 500 ms | 0.20 | ≤ 0.5 | reached |" in page
    assert "| 2.00 | ≤ 1.2 | missed by 1.67 |" in page
    assert "| index | 1,000 | 90.0 ms | opening it | 20.0 ms | +70.0 ms | ≤ +50.0 ms | missed by 1.40 |" in page
    assert "| `list` | 1,000 | 250 MB | git's processes | 90.0 MB | 250 MB | ≤ 300 MB | reached |" in page
    assert "| `validate`, warm | 1,000 | 1.50 s |  |  |  | ≤ 1.00 s | missed by 1.50 |" in page
    assert [shown(s) for s in (0.0123, 1.5, 61.2, 0.00051)] == ["12.3 ms", "1.50 s", "61.2 s", "0.510 ms"]


def test_the_picture_is_the_same_for_the_same_figures() -> None:
    lines = points(ROWS[:4])
    assert lines == {"`stage set`": {100: 0.1, 1000: 0.2}, "`gto assign`": {100: 0.5, 1000: 2.0}}
    assert svg(lines) == svg(dict(reversed(lines.items())))
    assert svg(lines).count("<circle") == 4
    assert svg({}).startswith("<svg")
