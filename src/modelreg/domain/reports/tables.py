"""Tables in GitHub's Markdown, for reports that stand in pull requests; strangers' text in code spans (markdown)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modelreg.domain.reports.markdown import code

ROWS = 50
"""How many rows of a table are shown."""


def section(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], ours: frozenset[str]) -> str:
    """A heading and a table. The title is ours."""
    return f"#### {title}\n\n{table(columns, rows, ours)}"


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], ours: frozenset[str] = frozenset(("",))) -> str:
    """At most ROWS rows. Columns are ours, or code spans already; so are cells that are in `ours`."""
    listed = list(rows)
    lines = [_line(columns), "|" + "---|" * len(columns)]
    lines += [_line([_cell(cell, ours) for cell in row]) for row in listed[:ROWS]]
    if len(listed) > ROWS:
        lines.append(_line([f"and {len(listed) - ROWS} more", *([""] * (len(columns) - 1))]))
    return "\n".join(lines) + "\n"


def number(value: float | None, *, sign: bool = False) -> str:
    """Six digits, as people read them."""
    return "not recorded" if value is None else f"{value:+.6g}" if sign else f"{value:.6g}"


def _cell(cell: object, ours: frozenset[str]) -> str:
    return cell if isinstance(cell, str) and cell in ours else code(cell)


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
