"""Questions: who stands where, which versions there are, is everything valid."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.large import ASKED
from benchmarks.measure import MODELREG, Row, Settings, compare, process
from benchmarks.peers import Peers

_LIBRARIES = "import typer, rich, yaml"
_MODEL = f"model-{ASKED:05d}"


def measure(settings: Settings, registries: dict[int, Path], peers: Peers) -> Iterator[Row]:
    limit = process([sys.executable, "-c", _LIBRARIES])
    for size, registry in list(registries.items())[-1 if settings.quick else 0 :]:
        for name, command in (
            ("`stage get`", ["stage", "get", _MODEL, "staging"]),
            ("`list MODEL`", ["list", _MODEL]),
        ):
            mine = process([*MODELREG, *command], registry)
            yield compare(name, mine, f"`{_LIBRARIES}`", limit, settings.runs, versions=size, goal=2.0)
        if peers.gto and (size <= 1000 or settings.full):
            mine, theirs = (
                process([*MODELREG, "list", _MODEL], registry),
                process([peers.gto, "show", _MODEL], registry),
            )
            yield compare("`list MODEL`", mine, "`gto show`", theirs, _few(settings, size), versions=size)
    yield from _validate(settings, registries, peers)
    yield from _gate(settings, registries)


def _validate(settings: Settings, registries: dict[int, Path], peers: Peers) -> Iterator[Row]:
    """Every manifest by its schema, and by what a schema cannot say; where it is installed against check-jsonschema."""
    for size, registry in registries.items():
        if not peers.check_jsonschema or (size > 10_000 and not settings.full):
            continue
        schema = registry / "manifest.v1.json"
        schema.write_bytes((Path(__file__).parents[1] / "schemas" / "manifest.v1.json").read_bytes())
        files = sorted(str(path.relative_to(registry)) for path in registry.glob("registry/*/*/manifest.yaml"))
        theirs = process([peers.check_jsonschema, "--schemafile", schema.name, *files], registry)
        cold, warm = (
            process([*MODELREG, "validate", "--no-index"], registry),
            process([*MODELREG, "validate"], registry),
        )
        runs = 1 if size > 1000 else min(3, _few(settings, size))  # minutes, on both sides
        yield compare("`validate --no-index`", cold, "`check-jsonschema`", theirs, runs, versions=size, goal=0.2)
        warm()
        yield compare("`validate`, warm", warm, "`validate --no-index`", cold, runs, versions=size)
        schema.unlink()


def _gate(settings: Settings, registries: dict[int, Path]) -> Iterator[Row]:
    """A pull request that moves five versions, in the largest registry and in the smallest."""
    small, large = min(registries), max(size for size in registries if size <= 10_000)
    if small == large:
        return
    command = [*MODELREG, "gate", "--base", "main", "--head", "topic"]
    mine, other = process(command, registries[large]), process(command, registries[small])
    yield compare(
        "`gate` of five moves", mine, f"the same at {small:,}", other, settings.runs, versions=large, goal=1.5
    )


def _few(settings: Settings, size: int) -> int:
    """What takes seconds is done less often."""
    return settings.runs if size <= 100 else max(1, min(5, settings.runs))
