"""Versions side by side: the first is the baseline, the others are told against it.

Numbers are called better or worse in their own direction, and only where they compare: metrics on the same data,
split and slice (`comparison`), benchmarks on the same hardware. Everything else differs, or does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelreg.domain.comparison import flat, same_value, size_bytes
from modelreg.domain.data_change import data_changes
from modelreg.domain.manifest import Manifest
from modelreg.domain.measured import Measured, benchmarks_of_all, metrics_of_all
from modelreg.domain.signature import incompatibilities

_DATA = ("sha256", "md5", "version", "role", "rows", "columns", "files", "size_bytes")


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
        metrics=metrics_of_all(versions),
        params=_rows([flat(body.get("params") or {}) for body in bodies]),
        data=_data([_lineage(body, "data") or () for body in bodies]),
        signature=tuple(None if place == 0 else _callers(bodies[0], body) for place, body in enumerate(bodies)),
        environment=_environment([_lineage(body, "environment") or {} for body in bodies]),
        setup=_rows([_setup(manifest) for manifest in versions]),
        size=_row("size_bytes", [size_bytes(manifest) for manifest in versions]),
        benchmarks=benchmarks_of_all(versions),
        importance=_importance([body.get("feature_importance") or {} for body in bodies]),
    )


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
        "format": manifest.primary.format if manifest.content else None,
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
