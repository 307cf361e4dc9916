"""How data sets changed between two versions: by digest, and by how much, as far as rows and columns are recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class DataChange:
    """One data set of `lineage.data` that differs, as it was and as it is; None: not there."""

    name: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    text: str


def data_changes(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> tuple[DataChange, ...]:
    """Data sets by name, compared by their digests; where neither records one, by version, size and source.

    A set whose digest is the same is the same, wherever it lies and whatever else is said of it.
    """
    old, new = ({entry["name"]: entry for entry in side} for side in (before, after))
    return tuple(
        DataChange(name, old.get(name), new.get(name), _text(name, old.get(name), new.get(name)))
        for name in sorted({*old, *new})
        if not _same(old.get(name), new.get(name))
    )


def _same(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> bool:
    if before is None or after is None:
        return False
    for key in ("sha256", "md5"):
        if before.get(key) and after.get(key):
            return bool(before[key] == after[key])
    return all(before.get(key) == after.get(key) for key in ("sha256", "md5", "version", "size_bytes", "source"))


def _text(name: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    label = f"data {_shown(name)}"
    if before is None:
        return f"{label} added{_size(after or {})}"
    if after is None:
        return f"{label} removed{_size(before)}"
    told = [*_counts(before, after), *_schema(before.get("schema"), after.get("schema"))]
    return f"{label} changed: {'; '.join(told)}" if told else f"{label} changed, with as many rows and columns"


def _size(entry: Mapping[str, Any]) -> str:
    rows, columns = entry.get("rows"), entry.get("columns")
    return f" ({rows} rows, {columns} columns)" if rows is not None and columns is not None else ""


def _counts(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for key, word in (("rows", "rows"), ("columns", "columns"), ("files", "files"), ("size_bytes", "bytes")):
        old, new = before.get(key), after.get(key)
        if key == "size_bytes" and before.get("rows") is not None and after.get("rows") is not None:
            continue  # rows say it better
        if old is not None and new is not None and old != new:
            yield f"{old} -> {new} {word}"


def _schema(before: Sequence[Mapping[str, Any]] | None, after: Sequence[Mapping[str, Any]] | None) -> Iterator[str]:
    if before is None or after is None:
        return
    old, new = ({column["name"]: column["type"] for column in side} for side in (before, after))
    for word, names in (
        ("added", [name for name in new if name not in old]),
        ("removed", [name for name in old if name not in new]),
    ):
        if names:
            yield f"columns {word}: {_listed(names)}"
    retyped = [f"{_shown(name)} {old[name]} -> {new[name]}" for name in old if name in new and old[name] != new[name]]
    if retyped:
        yield f"types changed: {_listed(retyped)}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(_shown(name) for name in names[:_SHOWN]) + more


def _shown(text: str) -> str:
    return ascii(text[:80])[1:-1]
