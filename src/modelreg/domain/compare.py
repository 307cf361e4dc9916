"""Versions side by side: the first is the baseline, the others are told against it.

Numbers are called better or worse in their own direction, and only where they compare: metrics on the same data,
split and slice (`comparison`), benchmarks on the same hardware. Everything else differs, or does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelreg.domain.comparison import Word, compare_metrics, flat, same_value, size_bytes
from modelreg.domain.data_change import data_changes
from modelreg.domain.manifest import Manifest
from modelreg.domain.metric import Direction, number
from modelreg.domain.signature import incompatibilities

BENCHMARKS: Mapping[str, Direction] = {
    "latency_p50_ms": "lower",
    "latency_p90_ms": "lower",
    "latency_p95_ms": "lower",
    "latency_p99_ms": "lower",
    "throughput_rows_per_s": "higher",
    "peak_memory_bytes": "lower",
}
"""What a benchmark measures (milliseconds, rows per second, bytes), and which way is better."""

_DATA = ("sha256", "md5", "version", "role", "rows", "columns", "files", "size_bytes")


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


@dataclass(frozen=True, slots=True)
class Row:
    """One value of all versions, as the manifests hold it; None: not recorded."""

    name: str
    values: tuple[Any, ...]
    differs: bool


@dataclass(frozen=True, slots=True)
class DataRow:
    """One data set of all versions: digest, size and role, or None; `changes` says how it differs from the
    baseline's (domain/data_change.py), None where it does not."""

    name: str
    values: tuple[Mapping[str, Any] | None, ...]
    changes: tuple[str | None, ...]

    @property
    def differs(self) -> bool:
        return any(self.changes)


@dataclass(frozen=True, slots=True)
class Callers:
    """Whether a service of the baseline can call a version unchanged, and why not; `same`: nothing differs at all.
    Two that are not recorded are the same, and not known to be compatible."""

    same: bool
    reasons: tuple[str, ...]

    @property
    def compatible(self) -> bool:
        return not self.reasons


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything of `versions`, the first of which is the baseline; whatever is a tuple per version is in their order.

    `signature` is None for the baseline. `size` is in bytes, of all artifacts together.
    """

    versions: tuple[Manifest, ...]
    metrics: tuple[Measured, ...]
    params: tuple[Row, ...]
    data: tuple[DataRow, ...]
    signature: tuple[Callers | None, ...]
    environment: tuple[Row, ...]
    setup: tuple[Row, ...]
    size: Row
    benchmarks: tuple[Measured, ...]
    importance: tuple[Row, ...]

    @property
    def one_model(self) -> bool:
        return len({manifest.model for manifest in self.versions}) == 1

    @property
    def differs(self) -> bool:
        numbers = (*self.metrics, *self.benchmarks)
        rows = (*self.params, *self.environment, *self.setup, self.size, *self.importance)
        return (
            any(row.differs for row in numbers)
            or any(row.differs for row in rows)
            or any(row.differs for row in self.data)
            or any(told is not None and not told.same for told in self.signature)
        )


def compare(versions: Sequence[Manifest]) -> Comparison:
    """Two versions or more, of one registry. Manifests have passed their schema."""
    bodies = [manifest.body for manifest in versions]
    return Comparison(
        versions=tuple(versions),
        metrics=_metrics(versions),
        params=_rows([flat(body.get("params") or {}) for body in bodies]),
        data=_data([_lineage(body, "data") or () for body in bodies]),
        signature=tuple(None if place == 0 else _callers(bodies[0], body) for place, body in enumerate(bodies)),
        environment=_environment([_lineage(body, "environment") or {} for body in bodies]),
        setup=_rows([_setup(manifest) for manifest in versions]),
        size=_row("size_bytes", [size_bytes(manifest) for manifest in versions]),
        benchmarks=_benchmarks(versions),
        importance=_importance([body.get("feature_importance") or {} for body in bodies]),
    )


def name_of(manifest: Manifest) -> str:
    """`churn@1.3.0`: an address that names the version for ever."""
    return f"{manifest.model}@{manifest.version}"


# --- numbers that are better or worse


def _metrics(versions: Sequence[Manifest]) -> tuple[Measured, ...]:
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


def _benchmarks(versions: Sequence[Manifest]) -> tuple[Measured, ...]:
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


# --- what differs, or does not


def _rows(sides: Sequence[Mapping[str, Any]]) -> tuple[Row, ...]:
    names = sorted({name for side in sides for name in side})
    return tuple(_row(name, [side.get(name) for side in sides]) for name in names)


def _row(name: str, values: Sequence[Any]) -> Row:
    return Row(name, tuple(values), not all(same_value(value, values[0]) for value in values))


def _lineage(body: Mapping[str, Any], key: str) -> Any:
    return (body.get("lineage") or {}).get(key)


def _data(sides: Sequence[Sequence[Mapping[str, Any]]]) -> tuple[DataRow, ...]:
    listed = [{entry["name"]: entry for entry in side} for side in sides]
    changed = [{change.name: change.text for change in data_changes(sides[0], side)} for side in sides]
    return tuple(
        DataRow(
            name,
            tuple(_shown_data(each.get(name)) for each in listed),
            tuple(each.get(name) for each in changed),
        )
        for name in sorted({name for each in listed for name in each})
    )


def _shown_data(entry: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return None if entry is None else {key: entry[key] for key in _DATA if entry.get(key) is not None}


def _callers(base: Mapping[str, Any], other: Mapping[str, Any]) -> Callers:
    old, new = base.get("signature"), other.get("signature")
    return Callers(old == new, incompatibilities(old, new))


def _environment(sides: Sequence[Mapping[str, Any]]) -> tuple[Row, ...]:
    about = _rows(
        [
            {
                "python": side.get("python"),
                "platform": side.get("platform"),
                "container": side.get("container"),
                "lock": (side.get("lock") or {}).get("sha256"),
            }
            for side in sides
        ]
    )
    packages = [side.get("packages") or {} for side in sides]
    listed = [each for each in packages if each]  # who lists none says nothing of what was installed
    return (
        *(row for row in about if any(value is not None for value in row.values)),
        *(
            Row(f"package {name}", tuple(each.get(name) for each in packages), len({e.get(name) for e in listed}) > 1)
            for name in sorted({name for each in packages for name in each})
        ),
    )


def _setup(manifest: Manifest) -> dict[str, Any]:
    """What made it, beside parameters, data and environment."""
    body = manifest.body
    code, pipeline = _lineage(body, "code") or {}, _lineage(body, "pipeline") or {}
    parents = [f"{p['model']}@{p['version']}" for p in _lineage(body, "parents") or ()]
    facts = {
        "architecture": body.get("architecture"),
        "framework": " ".join(map(str, (body.get("framework") or {}).values())) or None,
        "format": manifest.primary.format,
        "code commit": code.get("commit"),
        "uncommitted changes": code.get("diff_sha256"),
        "entry point": code.get("entry_point"),
        "command": pipeline.get("command"),
        "parents": ", ".join(parents) or None,
        **{f"seed {name}": value for name, value in (pipeline.get("seeds") or {}).items()},
        **{f"transformation {entry['name']}": _transformed(entry) for entry in _lineage(body, "features") or ()},
    }
    return {name: value for name, value in facts.items() if value is not None}


def _transformed(entry: Mapping[str, Any]) -> str:
    """`StandardScaler from plan, tenure`."""
    how = " ".join(str(entry[key]) for key in ("transformation", "code") if entry.get(key)) or "unnamed"
    return f"{how} from {', '.join(entry['from'])}" if entry.get("from") else how


def _importance(sides: Sequence[Mapping[str, Any]]) -> tuple[Row, ...]:
    """What matters most to the first version that says so comes first."""
    values = [side.get("values") or {} for side in sides]
    rows = _rows(values)
    told = next((each for each in values if each), {})
    ordered = sorted(rows, key=lambda row: -abs(told.get(row.name, 0.0)))
    method = _row("(method)", [side.get("method") for side in sides])
    return (method, *ordered) if rows else ()
