"""A comparison for people: tables for a terminal, and the same ones as Markdown for a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from modelreg.domain.compare import Comparison, DataRow, Row
from modelreg.domain.measured import Measured, name_of
from modelreg.domain.reports.harmless import one_line
from modelreg.domain.reports.markdown import code, within
from modelreg.domain.reports.tables import number, section

_SHOWN = 60
_DIGEST = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_MARKS = {"better": "✅", "worse": "❌"}
BEST = "*"
"""Stands behind the best value of a row, of those that compare."""


@dataclass(frozen=True, slots=True)
class Table:
    """A part of the comparison. The first cell of a row is its name; the others are a version's each. `judged` has
    the word of each row's cell, where there is one. `notes` are lines that belong to it."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    judged: tuple[tuple[str, ...], ...] = ()


def labels(comparison: Comparison) -> tuple[str, ...]:
    """What the versions are called: by version alone where all are of one model."""
    if comparison.one_model:
        return tuple(str(manifest.version) for manifest in comparison.versions)
    return tuple(name_of(manifest) for manifest in comparison.versions)


def headline(comparison: Comparison) -> str:
    """`churn@1.0.0 (baseline) against churn@1.1.0`, and that models differ where they do."""
    base, *others = (name_of(manifest) for manifest in comparison.versions)
    told = "" if comparison.one_model else " (different models: equal names need not mean the same)"
    return f"{base} (baseline) against {', '.join(others)}{told}"


def tables(comparison: Comparison, *, every: bool = False) -> list[Table]:
    """What differs, part by part; with `every` row, also what does not. Empty where nothing does."""
    found = (
        _measured("Metrics", "metric", comparison, comparison.metrics, every=every),
        _measured("Benchmarks", "benchmark", comparison, comparison.benchmarks, every=every),
        _plain("Parameters", "parameter", comparison, comparison.params, every=every),
        _data(comparison, every=every),
        _signature(comparison, every=every),
        _plain("Set-up", "", comparison, comparison.setup, every=every),
        _plain("Environment", "", comparison, comparison.environment, every=every),
        _size(comparison, every=every),
        _plain("Feature importance", "feature", comparison, comparison.importance, every=every),
    )
    return [_one_lined(table) for table in found if table.rows or table.notes]


def _one_lined(table: Table) -> Table:
    rows = tuple(tuple(one_line(cell) for cell in row) for row in table.rows)
    return replace(table, rows=rows, notes=tuple(one_line(note) for note in table.notes))


def markdown(comparison: Comparison, *, every: bool = False) -> str:
    """For a pull request: at most LIMIT characters, strangers' text in code spans."""
    base, *others = (code(name_of(manifest)) for manifest in comparison.versions)
    head = f"### modelreg: {', '.join(others)} against {base}\n"
    if not comparison.one_model:
        head += "\nDifferent models: equal names need not mean the same.\n"
    parts = [head, *(_markdown_table(table) for table in tables(comparison, every=every))]
    if len(parts) == 1:
        parts.append("Nothing differs.\n")
    return within(parts, "modelreg compare --json --all")


def _markdown_table(table: Table) -> str:
    if not table.rows:
        return "\n".join([f"#### {table.title}", "", *(f"- {code(note)}" for note in table.notes), ""])
    marked: list[Sequence[object]] = []
    ours = {""}
    for row, words in zip(table.rows, table.judged or ((),) * len(table.rows), strict=True):
        cells = [code(row[0]), *(_marked(c, words[n] if words else "") for n, c in enumerate(row[1:]))]
        ours.update(cells)
        marked.append(cells)
    columns = [table.columns[0], *(code(column) for column in table.columns[1:])]
    text = section(table.title, columns, marked, frozenset(ours))
    return text + "".join(f"\n- {code(note)}" for note in table.notes) + ("\n" if table.notes else "")


def _marked(cell: str, word: str) -> str:
    mark = _MARKS.get(word, "")
    return f"{mark} {code(cell)}" if mark else code(cell)


# --- the parts


def _measured(title: str, what: str, comparison: Comparison, rows: Iterable[Measured], *, every: bool) -> Table:
    names = labels(comparison)
    shown = [row for row in rows if every or row.differs]
    cells = tuple((_named(row), *(_number(row, place) for place in range(len(names)))) for row in shown)
    words = tuple(tuple(told.word if told else "" for told in row.against) for row in shown)
    return Table(title, (what, *names), cells, tuple(_not_comparable(names, shown)), words)


def _named(row: Measured) -> str:
    unit = next((about["unit"] for about in row.about if about.get("unit")), None)
    return f"{_short(row.name)}{f' [{_short(unit)}]' if unit else ''} ({row.direction} is better)"


def _number(row: Measured, place: int) -> str:
    told, interval = row.against[place], row.about[place].get("interval")
    text = number(row.values[place])
    if interval:
        text += f" [{number(interval['low'])}, {number(interval['high'])}] at {100 * interval['level']:g} %"
    if told is not None and told.word in ("better", "worse"):
        text += f" ({number(told.difference, sign=True)}, {told.word})" if told.difference is not None else told.word
    elif told is not None:
        text += f" ({told.word})"
    return f"{text} {BEST}" if row.best[place] else text


def _not_comparable(names: Sequence[str], rows: Iterable[Measured]) -> Iterator[str]:
    """`not comparable: 1.1.0: f1, recall: was measured on other data, split or slice`."""
    by_reason: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for name, told in zip(names, row.against, strict=True):
            if told is not None and told.word == "not comparable":
                by_reason.setdefault((name, told.why), []).append(_short(row.name))
    for (name, why), metrics in by_reason.items():
        more = f" and {len(metrics) - 5} more" if len(metrics) > 5 else ""
        yield f"{name} not comparable in {', '.join(metrics[:5])}{more}: {why}"


def _plain(title: str, what: str, comparison: Comparison, rows: Iterable[Row], *, every: bool) -> Table:
    shown = [row for row in rows if every or row.differs]
    cells = tuple((_short(row.name), *(_short(value) for value in row.values)) for row in shown)
    return Table(title, (what, *labels(comparison)), cells)


def _data(comparison: Comparison, *, every: bool) -> Table:
    names = labels(comparison)
    shown = [row for row in comparison.data if every or row.differs]
    rows = tuple((_short(row.name), *(_set(value) for value in row.values)) for row in shown)
    return Table("Data", ("data set", *names), rows, tuple(_changes(names, shown)))


def _set(entry: Mapping[str, Any] | None) -> str:
    if entry is None:
        return "none"
    digest = next((str(entry[key])[:12] for key in ("sha256", "md5", "version") if key in entry), "no digest")
    size = (
        f"{entry['rows']} rows" if "rows" in entry else f"{entry['size_bytes']} bytes" if "size_bytes" in entry else ""
    )
    return ", ".join(part for part in (digest, size, _short(entry.get("role") or "")) if part)


def _changes(names: Sequence[str], rows: Iterable[DataRow]) -> Iterator[str]:
    for row in rows:
        yield from (f"{name}: {text}" for name, text in zip(names, row.changes, strict=True) if text)


def _signature(comparison: Comparison, *, every: bool) -> Table:
    names, notes = labels(comparison), []
    for name, told in zip(names, comparison.signature, strict=True):
        if told is None or (told.same and not every):
            continue
        if told.same and told.compatible:
            notes.append(f"{name}: the same")
        elif told.compatible:
            notes.append(f"{name}: compatible: callers of {names[0]} may call it unchanged")
        else:
            notes.append(f"{name}: not known to be compatible: {'; '.join(told.reasons[:5])}")
            notes += [f"{name}: and {len(told.reasons) - 5} more"] if len(told.reasons) > 5 else []
    return Table("Signature", ("", *names), (), tuple(notes))


def _size(comparison: Comparison, *, every: bool) -> Table:
    row = comparison.size
    if not (every or row.differs):
        return Table("Size", (), ())
    base = row.values[0]
    cells = (f"{value} ({value - base:+d})" if value != base else str(value) for value in row.values)
    return Table("Size", ("", *labels(comparison)), (("bytes of all artifacts", *cells),))


def _short(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, str) and _DIGEST.fullmatch(value):
        return value[:12]
    return f"{value:.6g}" if isinstance(value, float) else one_line(value, _SHOWN)
