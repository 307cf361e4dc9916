"""Numbers of several versions, metrics and benchmarks, beside the first one's: better or worse, where they compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelreg.domain.comparison import Word, compare_metrics
from modelreg.domain.manifest import Manifest
from modelreg.domain.metric import Direction, number

BENCHMARKS: Mapping[str, Direction] = {
    "latency_p50_ms": "lower",
    "latency_p90_ms": "lower",
    "latency_p95_ms": "lower",
    "latency_p99_ms": "lower",
    "throughput_rows_per_s": "higher",
    "peak_memory_bytes": "lower",
}
"""What a benchmark measures (milliseconds, rows per second, bytes), and which way is better."""


@dataclass(frozen=True, slots=True)
class Against:
    """A number beside the baseline's. `difference` is it minus the baseline's, in its own unit; None where the two do
    not compare (`why` says what stands against it), or where it is no finite number."""

    word: Word
    difference: float | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """One number of all versions; None: not recorded. `against` is None for the baseline. `about` is what else the
    manifests say of it: interval, n, unit, data set, split, slice; of a benchmark batch size and hardware."""

    name: str
    direction: Direction
    values: tuple[float | None, ...]
    against: tuple[Against | None, ...]
    about: tuple[Mapping[str, Any], ...]

    @property
    def comparable(self) -> bool:
        """Whether all versions compare with the baseline."""
        return all(self._compares(place) for place in range(len(self.values)))

    @property
    def differs(self) -> bool:
        """Whether a value is another, or stands for something else."""
        return any(told is not None and told.word != "equal" for told in self.against)

    @property
    def best(self) -> tuple[bool, ...]:
        """Which values are the best of those that compare with the baseline; none where all of them are equal."""
        compared = {place: value for place, value in enumerate(self.values) if self._compares(place)}
        known = {place: value for place, value in compared.items() if value is not None}
        if len(set(known.values())) < 2:
            return (False,) * len(self.values)
        top = max(known.values()) if self.direction == "higher" else min(known.values())
        return tuple(known.get(place) == top for place in range(len(self.values)))

    def _compares(self, place: int) -> bool:
        told = self.against[place]
        return told is None or told.word != "not comparable"


def name_of(manifest: Manifest) -> str:
    """`churn@1.3.0`: an address that names the version for ever."""
    return f"{manifest.model}@{manifest.version}"


def metrics_of_all(versions: Sequence[Manifest]) -> tuple[Measured, ...]:
    """By name, of every metric that one of them records; the first version is the baseline (`comparison`)."""
    base = versions[0]
    told = [
        {row.name: row for row in compare_metrics(other, base, (name_of(other), name_of(base)))} for other in versions
    ]
    found = []
    for name in sorted({name for manifest in versions for name in manifest.metrics}):
        recorded = [manifest.metrics.get(name) for manifest in versions]
        against: list[Against | None] = [None]
        for other, rows in zip(versions[1:], told[1:], strict=True):
            row = rows.get(name)
            if _same(other, base):
                against.append(Against("equal", 0.0))
            elif row is None:
                against.append(Against("not comparable", why=f"{name_of(base)} does not record it"))
            else:
                against.append(Against(row.word, row.difference, row.why))
        found.append(
            Measured(
                name,
                next(metric.direction for metric in recorded if metric is not None),
                tuple(metric.value if metric else None for metric in recorded),
                tuple(against),
                tuple(_about(manifest.body.get("metrics") or {}, name) for manifest in versions),
            )
        )
    return tuple(found)


def _about(metrics: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return {key: value for key, value in (metrics.get(name) or {}).items() if key not in ("value", "direction")}


def benchmarks_of_all(versions: Sequence[Manifest]) -> tuple[Measured, ...]:
    """By name, batch size and quantity; they compare on the same, recorded hardware."""
    measured = [_benchmarks_of(manifest) for manifest in versions]
    found = []
    for name, quantity in sorted({key for each in measured for key in each}):
        entries = [each.get((name, quantity)) for each in measured]
        values = tuple(number(entry[quantity]) if entry else None for entry in entries)
        direction = BENCHMARKS[quantity]
        against: list[Against | None] = [None]
        for place in range(1, len(versions)):
            if _same(versions[place], versions[0]):
                against.append(Against("equal", 0.0))
            else:
                why = _other_machine(entries[0], entries[place], name_of(versions[0]), name_of(versions[place]))
                against.append(_judged(values[0], values[place], direction, why))
        about = tuple(
            {key: entry[key] for key in ("hardware", "n") if key in entry} if entry else {} for entry in entries
        )
        found.append(Measured(f"{name}.{quantity}", direction, values, tuple(against), about))
    return tuple(found)


def _benchmarks_of(manifest: Manifest) -> dict[tuple[str, str], Mapping[str, Any]]:
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for entry in manifest.body.get("benchmarks") or ():
        name = f"{entry['name']}[{entry['batch_size']}]" if "batch_size" in entry else entry["name"]
        for quantity in BENCHMARKS:
            if number(entry.get(quantity)) is not None:
                found.setdefault((name, quantity), entry)
    return found


def _other_machine(base: Mapping[str, Any] | None, other: Mapping[str, Any] | None, first: str, second: str) -> str:
    if base is None or other is None:
        return f"{first if base is None else second} does not record it"
    if not base.get("hardware") or not other.get("hardware"):
        return "names no hardware"
    return "was measured on other hardware" if base["hardware"] != other["hardware"] else ""


def _judged(base: float | None, value: float | None, direction: Direction, why: str) -> Against:
    if why or base is None or value is None:
        return Against("not comparable", why=why)
    better: Callable[[float, float], bool] = float.__gt__ if direction == "higher" else float.__lt__
    word: Word = "equal" if value == base else "better" if better(value, base) else "worse"
    return Against(word, number(value - base))


def _same(one: Manifest, other: Manifest) -> bool:
    """A version is equal to itself, whatever its numbers were measured on."""
    return name_of(one) == name_of(other)
