"""Questions: who stands where, which versions there are, is everything valid."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.index import loaders, switched
from benchmarks.large import ASKED
from benchmarks.measure import MODELREG, TOP, Row, Work, compare, paired, process
from benchmarks.settings import MOST_FOR_MINUTES, Settings

_LIBRARIES = "import typer, rich, yaml"
_MODEL = f"model-{ASKED:05d}"


def questions(settings: Settings) -> Iterator[Row]:
    limit = process([sys.executable, "-c", _LIBRARIES])
    for size in settings.sizes[-1:] if settings.quick else settings.sizes:
        registry = settings.registry(size)
        process([*MODELREG, "stage", "set", _MODEL, "1.0.0", "staging"], registry)()
        for name, command in (
            ("`stage get`", ["stage", "get", _MODEL, "staging"]),
            ("`list MODEL`", ["list", _MODEL]),
        ):
            mine = process([*MODELREG, *command], registry)
            yield compare(name, mine, f"`{_LIBRARIES}`", limit, settings.runs, versions=size, goal=2.0)
        if settings.peers.gto and (size <= 1000 or (size <= MOST_FOR_MINUTES and settings.full)):
            mine = process([*MODELREG, "list", _MODEL], registry)
            theirs = process([settings.peers.gto, "show", _MODEL], registry)
            few = settings.few(size) if size <= 100 else 1  # 20 s at 1,000
            yield compare("`list MODEL`", mine, "`gto show`", theirs, few, versions=size)


def validate(settings: Settings) -> Iterator[Row]:
    """Every manifest by its schema, and by what a schema cannot say: all anew, and what is not known yet."""
    for size in settings.sizes[-1:] if settings.quick else settings.sizes:
        if size > MOST_FOR_MINUTES and not settings.full:
            continue
        registry = settings.registry(size)
        yield from _validate(settings, registry, size)


def _validate(settings: Settings, registry: Path, size: int) -> Iterator[Row]:
    cold = [
        (name, process([*MODELREG, "validate", "--no-index"], registry, env=switched(fast=fast)))
        for name, fast in loaders()
    ]
    works = [work for _, work in cold]
    if settings.peers.check_jsonschema:
        schema = registry / "manifest.v1.json"
        schema.write_bytes((TOP / "schemas" / schema.name).read_bytes())
        files = sorted(str(path.relative_to(registry)) for path in registry.glob("registry/*/*/manifest.yaml"))
        files_at_once = [files[start : start + 20_000] for start in range(0, len(files), 20_000)]
        command = [settings.peers.check_jsonschema, "--schemafile", schema.name]
        parts = [process([*command, *some], registry) for some in files_at_once]
        works.append(lambda: sum(part() for part in parts))
    runs = 1 if size > 1000 else min(3, settings.few(size))  # minutes, on both sides
    rounds = [[work() for work in works] for _ in range(runs)]
    for number, (name, _) in enumerate(cold):
        what = f"`validate --no-index`{name}"
        if settings.peers.check_jsonschema:
            pairs = [(taken[number], taken[-1]) for taken in rounds]
            yield paired(what, pairs, "`check-jsonschema`", versions=size, goal=0.2)
        else:
            yield Row(what, size, statistics.median(taken[number] for taken in rounds))
    warm = process([*MODELREG, "validate"], registry)
    warm()
    goal = 1.0 if size <= MOST_FOR_MINUTES else None
    seconds = statistics.median(warm() for _ in range(settings.few(size)))
    yield Row("`validate`, warm", size, seconds, goal=goal, how="figure")


def gate(settings: Settings) -> Iterator[Row]:
    """A pull request that moves five versions, in each registry and in the smallest."""
    small, *larger = settings.sizes

    def judging(size: int) -> Work:
        registry = settings.registry(size)
        base = ["git", "merge-base", "main", "topic"]  # other groups may have moved main in the meantime
        found = subprocess.run(base, cwd=registry, check=True, capture_output=True, text=True).stdout.strip()
        return process([*MODELREG, "gate", "--base", found, "--head", "topic"], registry)

    for size in larger[-2:]:
        what, against = "`gate` of five moves", f"the same at {small:,}"
        yield compare(what, judging(size), against, judging(small), settings.runs, versions=size, goal=1.5)
