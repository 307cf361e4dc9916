"""The output door: results on standard output, all else on standard error, strangers' text made harmless."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

# C0 and C1 controls but tab and newline, and the characters that reorder or hide text (Unicode bidi, zero width).
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


_WRAPPED = 500
"""So many rows are laid out in an instant."""
_NARROWEST = 20
"""So narrow a pipe is nobody's wish."""
_READABLE = 8
"""In a column of fewer characters hardly a word is left whole."""


def clean(value: object) -> str:
    """Text that cannot steer a terminal; in a workflow nor its runner, which obeys `::name::` at a line's start and
    `##[name]` anywhere (actions/runner, ActionCommand.cs)."""
    text = _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", str(value))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        text = re.sub(":(?=:)", ": ", text).replace("##[", "## [")
    return text


def result(text: object = "") -> None:
    """A line of the answer."""
    sys.stdout.write(f"{clean(text)}\n")


def note(text: object) -> None:
    """A line beside the answer: what was done, what comes next. It follows what was answered before, in a pipe too."""
    sys.stdout.flush()
    sys.stderr.write(f"{clean(text)}\n")


def workflow_commands(lines: Iterable[str]) -> None:
    """Lines that a workflow's runner shall obey, encoded already (domain/reports/annotations.py)."""
    sys.stdout.writelines(f"{line}\n" for line in lines)


def next_step(text: str) -> None:
    note(f"next: {text}")


def emit_json(value: Mapping[str, Any]) -> None:
    """JSON for programs: ASCII, so that no terminal and no log is steered by it."""
    sys.stdout.write(_json(value))


def emit_json_lines(values: Iterable[Mapping[str, Any]]) -> None:
    """JSON for programs, one value a line (https://jsonlines.org)."""
    sys.stdout.writelines(_json(value, indent=None) for value in values)


def emit_json_list(key: str, items: Iterable[Mapping[str, Any]]) -> None:
    """`{key: [...]}` as by `emit_json`, an item at a time: a list of a hundred thousand is never held as a whole."""
    emit_json_streamed({key: iter(items)})


def emit_json_streamed(value: Mapping[str, Any]) -> None:
    """As `emit_json`; what is an iterator is written as a list, an item at a time."""
    import json

    before = "{"
    for key, item in value.items():
        sys.stdout.write(f"{before}\n  {json.dumps(key)}: ")
        before = ","
        if isinstance(item, Iterator):
            _emit_items(item, "    ")
        else:
            sys.stdout.write(_indented(item, "  "))
    sys.stdout.write("\n}\n")


def _emit_items(items: Iterable[Any], indent: str) -> None:
    before = "["
    for item in items:
        sys.stdout.write(f"{before}\n{indent}{_indented(item, indent)}")
        before = ","
    sys.stdout.write("[]" if before == "[" else f"\n{indent[2:]}]")


def _indented(value: Any, indent: str) -> str:
    return _json(value).rstrip("\n").replace("\n", f"\n{indent}")


def emit_json_error(value: Mapping[str, Any]) -> None:
    sys.stdout.flush()
    sys.stderr.write(_json(value))


def _json(value: Any, indent: int | None = 2) -> str:
    import json

    # In a workflow's log `##[` would begin a command, wherever it stands; in JSON it stands in texts only.
    return json.dumps(value, indent=indent).replace("##[", "\\u0023#[") + "\n"


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: frozenset[str] = frozenset()) -> None:
    """A table; no colour and a fixed width unless standard output is a terminal.

    rich takes longer to import than most answers to find: it is asked where a terminal or long cells want it, and
    not for very many rows, whose columns are as wide as their widest cell.
    """
    cells = [[clean(cell) for cell in row] for row in rows]
    if len(cells) > _WRAPPED:
        widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
        for line in (columns, *cells):
            result("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
        return
    if not sys.stdout.isatty() and (lines := _plain(columns, cells, right)):
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        return
    from rich.table import Table
    from rich.text import Text

    widest = (max(map(len, column)) for column in zip(columns, *cells, strict=True))
    least = sum(min(width, _READABLE) + 2 for width in widest)
    grid = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        grid.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in cells:
        grid.add_row(*(Text(cell) for cell in row))
    console(least).print(grid)


def _plain(columns: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[str]) -> list[str]:
    """The lines of a table as rich sets it; none where a cell is not one line of ASCII without space
    around it, a column is empty, or something must be folded."""
    text = [list(columns), *rows]
    if not all(cell.isascii() and cell.isprintable() and cell == cell.strip() for row in text for cell in row):
        return []
    widths = [max(len(row[number]) for row in text) for number in range(len(columns))]
    if 0 in widths or sum(widths) + 2 * len(widths) - 2 > _width():
        return []
    wide = zip(widths, (column in right for column in columns), strict=True)
    sides = [f"{{:{'>' if of_numbers else '<'}{width}}}" for width, of_numbers in wide]
    return ["  ".join(side.format(cell) for side, cell in zip(sides, row, strict=True)) for row in text]


def console(least: int) -> Console:
    """At least so wide: a terminal that is narrower wraps what a column could not hold."""
    from rich.console import Console

    made = Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else _width(), soft_wrap=False)
    made.width = max(made.width, least)
    return made


def _width() -> int:
    """Of what is no terminal: as COLUMNS says, if it says a width that a table can have."""
    asked = os.environ.get("COLUMNS", "")
    return int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 and int(asked) >= _NARROWEST else 100


def counted(number: int, what: str) -> str:
    """`1 version`, `2 versions`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def short(commit: str | None) -> str:
    """A commit id as people read it."""
    return commit[:10] if commit else ""
