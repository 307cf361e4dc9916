"""How data sets changed between two versions: by digest, and by how much, as far as rows and columns are recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelreg.domain.names import printable

_SHOWN = 5
_NAME = 60
_TEXT = 500

_Sets = dict[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class DataChange:
    """One data set of `lineage.data` that differs, as it was and as it is; None: not there."""

    name: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    text: str

    @property
    def what(self) -> str:
        """`text` without the name: `added`, `removed`, `changed: 10 -> 20 rows`."""
        return self.text.removeprefix(f"data {printable(self.name, _NAME)} ")


def data_changes(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> tuple[DataChange, ...]:
    """Data sets by name, compared by their digests; where neither records one, by version, size and source.

    A set whose digest and role are the same is the same, wherever it lies and whatever it is called now. Of several
    that share a name, the second is `name (2)`.
    """
    old, new = _named(before), _named(after)
    _drop_renamed(old, new)
    return tuple(
        DataChange(name, old.get(name), new.get(name), _text(name, old.get(name), new.get(name)))
        for name in sorted({*old, *new})
        if not _same(old.get(name), new.get(name))
    )


def _named(entries: Sequence[Mapping[str, Any]]) -> _Sets:
    found: _Sets = {}
    for entry in entries:
        name, count = entry["name"], 1
        while name in found:
            count += 1
            name = f"{entry['name']} ({count})"
        found[name] = entry
    return found


def _drop_renamed(old: _Sets, new: _Sets) -> None:
    """Take away, on both sides, sets of one digest and role that stand under different names: one for one."""
    for name in sorted(old.keys() - new.keys()):
        digest = _digest(old[name])
        twins = (n for n in sorted(new.keys() - old.keys()) if digest and _digest(new[n]) == digest)
        twin = next((n for n in twins if not _recast(old[name], new[n])), None)
        if twin is not None:
            del old[name], new[twin]


def _digest(entry: Mapping[str, Any]) -> tuple[str, str] | None:
    return next(((key, entry[key]) for key in ("sha256", "md5") if entry.get(key)), None)


def _same(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> bool:
    if before is None or after is None:
        return False
    return _same_content(before, after) and not _recast(before, after)


def _same_content(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    for key in ("sha256", "md5"):
        if before.get(key) and after.get(key):
            return bool(before[key] == after[key])
    return all(before.get(key) == after.get(key) for key in ("sha256", "md5", "version", "size_bytes", "source"))


def _recast(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether both say what the set was used for, and not the same."""
    return bool(before.get("role") and after.get("role") and before["role"] != after["role"])


def _text(name: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    label = f"data {printable(name, _NAME)}"
    if before is None:
        return f"{label} added{_size(after or {})}"
    if after is None:
        return f"{label} removed{_size(before)}"
    told = [*_roles(before, after)]
    if not _same_content(before, after):
        told += [*_counts(before, after), *_schema(before.get("schema"), after.get("schema"))] or [
            _alike(before, after)
        ]
    return printable(f"{label} changed: {'; '.join(told)}", _TEXT)


def _alike(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """What a change looks like of which no count and no column tells: only what both record is claimed."""
    known = {key for key in before.keys() & after.keys() if None not in (before[key], after[key])}
    if not known & {"sha256", "md5"}:
        return "no digest says that it is the same"
    if "rows" in known:
        return "other content, as many rows" + (" and columns" if "columns" in known else "")
    return "other content of the same size" if "size_bytes" in known else "other content"


def _size(entry: Mapping[str, Any]) -> str:
    rows, columns = entry.get("rows"), entry.get("columns")
    if rows is None:
        return ""
    return f" ({rows} rows, {columns} columns)" if columns is not None else f" ({rows} rows)"


def _roles(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    if _recast(before, after):
        yield f"used as {printable(after['role'], _NAME)}, was {printable(before['role'], _NAME)}"


def _counts(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    if before.get("version") and after.get("version") and before["version"] != after["version"]:
        yield f"version {printable(before['version'], _NAME)} -> {printable(after['version'], _NAME)}"
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
            yield f"columns {word}: {_listed([printable(name, _NAME) for name in names])}"
    retyped = [
        f"{printable(name, _NAME)} {printable(old[name], _NAME)} -> {printable(new[name], _NAME)}"
        for name in old
        if name in new and old[name] != new[name]
    ]
    if retyped:
        yield f"types changed: {_listed(retyped)}"
    if old == new and list(old) != list(new):
        yield "columns in another order"


def _listed(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more
