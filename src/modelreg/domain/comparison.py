"""A candidate beside the present holder of a stage: what differs, and in whose favour."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from modelreg.domain.checks_metrics import incomparable
from modelreg.domain.manifest import Manifest, datasets_of
from modelreg.domain.metric import number, worse_by

Word = Literal["better", "worse", "equal", "not comparable"]


@dataclass(frozen=True, slots=True)
class ComparedMetric:
    """One metric of both; a value of None is not recorded. `difference` is candidate minus holder, in the metric's
    unit, and None where the two do not compare (`why` says then what stands against it) or it is no finite number."""

    name: str
    candidate: float | None
    holder: float | None
    word: Word
    difference: float | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that differs. None is not recorded."""

    name: str
    candidate: Any
    holder: Any


def compare_metrics(
    candidate: Manifest, holder: Manifest, called: tuple[str, str] = ("the candidate", "the holder")
) -> tuple[ComparedMetric, ...]:
    """All metrics of either, by name: better and worse in the metric's own direction, on the same data only.
    `called` is what `why` calls the two."""
    names = sorted({*candidate.metrics, *holder.metrics})
    return tuple(_compared(name, candidate, holder, called) for name in names)


def _compared(name: str, candidate: Manifest, holder: Manifest, called: tuple[str, str]) -> ComparedMetric:
    mine, theirs = candidate.metrics.get(name), holder.metrics.get(name)
    if mine is None or theirs is None:
        which = called[0] if mine is None else called[1]
        values = (mine.value if mine else None, theirs.value if theirs else None)
        return ComparedMetric(name, *values, "not comparable", why=f"{which} does not record it")
    if why := incomparable(mine, theirs):
        return ComparedMetric(name, mine.value, theirs.value, "not comparable", why=why)
    worse = worse_by(mine, theirs)
    word: Word = "worse" if worse > 0 else "better" if worse < 0 else "equal"
    return ComparedMetric(name, mine.value, theirs.value, word, number(mine.value - theirs.value))


def params_that_differ(candidate: Manifest, holder: Manifest) -> tuple[Difference, ...]:
    return _differing(flat(candidate.body.get("params") or {}), flat(holder.body.get("params") or {}))


def data_that_differ(candidate: Manifest, holder: Manifest) -> tuple[Difference, ...]:
    """Data sets by name, with their sha256."""
    return _differing(datasets_of(candidate.body), datasets_of(holder.body))


def flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as dotted names."""
    found: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, Mapping) and item:
            found |= flat(item, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = item
    return found


def size_bytes(manifest: Manifest) -> int:
    """Of all artifacts together."""
    return sum(artifact.size_bytes for artifact in manifest.artifacts)


def _differing(candidate: Mapping[str, Any], holder: Mapping[str, Any]) -> tuple[Difference, ...]:
    names = sorted({*candidate, *holder})
    pairs = (Difference(name, candidate.get(name), holder.get(name)) for name in names)
    return tuple(pair for pair in pairs if not same_value(pair.candidate, pair.holder))


def same_value(one: Any, other: Any) -> bool:
    """1 and 1.0 are equal to Python, and so are 1 and True: a type that changed is a change, in a list as well."""
    return _form(one) == _form(other)


def _form(value: Any) -> str | bytes:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=repr).encode()
