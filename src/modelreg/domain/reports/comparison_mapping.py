"""A comparison for programs: schemas/output/compare.v1.json."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from modelreg.domain.compare import Comparison, Row
from modelreg.domain.measured import Measured, name_of


def mapping(comparison: Comparison, *, every: bool = False) -> dict[str, Any]:
    """All metrics and benchmarks; of the rest what differs, with `every` row also what does not."""
    names = [name_of(manifest) for manifest in comparison.versions]
    return {
        "versions": names,
        "one_model": comparison.one_model,
        "differs": comparison.differs,
        "metrics": [_measured(names, row) for row in comparison.metrics],
        "benchmarks": [_measured(names, row) for row in comparison.benchmarks],
        "params": _rows(comparison.params, every=every),
        "data": [
            {
                "name": row.name,
                "values": [dict(value) if value is not None else None for value in row.values],
                "differs": row.differs,
                "changes": list(row.changes),
            }
            for row in comparison.data
            if every or row.differs
        ],
        "signature": {
            "compatible": all(told is None or told.compatible for told in comparison.signature),
            "against_baseline": [
                None
                if told is None
                else {"same": told.same, "compatible": told.compatible, "reasons": list(told.reasons)}
                for told in comparison.signature
            ],
        },
        "setup": _rows(comparison.setup, every=every),
        "environment": _rows(comparison.environment, every=every),
        "size_bytes": list(comparison.size.values),
        "feature_importance": _rows(comparison.importance, every=every),
    }


def _measured(names: list[str], row: Measured) -> dict[str, Any]:
    last, best = row.against[-1], row.best
    return {
        "name": row.name,
        "direction": row.direction,
        "values": list(row.values),
        "better": next((name for name, marked in zip(names, best, strict=True) if marked), None),
        "difference": last.difference if last else None,
        "comparable": row.comparable,
        "best": list(best),
        "against_baseline": [
            None if told is None else {"word": told.word, "difference": told.difference, "why": told.why}
            for told in row.against
        ],
        "about": [dict(about) for about in row.about],
    }


def _rows(rows: Iterable[Row], *, every: bool) -> list[dict[str, Any]]:
    return [
        {"name": row.name, "values": list(row.values), "differs": row.differs} for row in rows if every or row.differs
    ]
