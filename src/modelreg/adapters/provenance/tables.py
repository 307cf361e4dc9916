"""Rows, columns and types of CSV and Parquet files, read as a stream: memory does not grow with the file.

CSV is RFC 4180 (line ends inside quotes belong to the value) in UTF-8, with a header; where the header has no comma but
semicolons or tabs, those separate. A type is what all values of a column are: bool (true, false), int64, float64,
else string; null where all are missing. Empty values and NA, N/A, NaN, nan, null, NULL, None are missing. Lines
without anything are no rows. pyarrow reads where it is installed, else the standard library, by the same rules: what
Python's csv module makes of the file counts.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

BLOCK_BYTES = 1024 * 1024
MAX_LINE = 16 * 1024 * 1024
_BATCH_ROWS = 20_000

SUFFIXES = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".pq": "parquet"}

_MISSING = "|NA|N/A|NaN|nan|null|NULL|None"
_NUMBER = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
# In the order in which they are tried; each ends with what may be missing, the empty value first. Nineteen digits that
# begin with a 9 may not fit into 64 bits.
_KINDS = {
    "null": rf"(?:{_MISSING})",
    "bool": rf"(?:true|false|True|False|TRUE|FALSE|{_MISSING})",
    "int64": rf"(?:[+-]?(?:[0-9]{{1,18}}|[1-8][0-9]{{18}})|{_MISSING})",
    "float64": rf"(?:[+-]?{_NUMBER}|[+-]?inf|{_MISSING})",
}
_COMPILED = {kind: re.compile(pattern) for kind, pattern in _KINDS.items()}


class NotATableError(Exception):
    """The file is not what its name says, or cannot be told here; `str` is the reason."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows (the header is none), and (name, type) of each column in order."""

    rows: int
    columns: tuple[tuple[str, str], ...]


def read(path: Path, kind: str) -> Table:
    """A `kind` ("csv" or "parquet") file. Raises NotATableError."""
    try:
        return _parquet(path) if kind == "parquet" else _csv(path)
    except (UnicodeDecodeError, csv.Error, OSError, OverflowError) as error:
        raise NotATableError(_reason(error)) from None


def merged(tables: Sequence[Table]) -> Table:
    """The table that files of one folder make. Raises NotATableError where their columns have different names."""
    first = tables[0]
    names = [name for name, _ in first.columns]
    types = [kind for _, kind in first.columns]
    for table in tables[1:]:
        if [name for name, _ in table.columns] != names:
            raise NotATableError("its files have different columns")
        types = [_wider(old, new) for old, (_, new) in zip(types, table.columns, strict=True)]
    return Table(sum(table.rows for table in tables), tuple(zip(names, types, strict=True)))


def _wider(old: str, new: str) -> str:
    """The type of a column that holds values of both."""
    if new in (old, "null"):
        return old
    if old == "null":
        return new
    return "float64" if {old, new} == {"int64", "float64"} else "string"


def _csv(path: Path) -> Table:
    with path.open(encoding="utf-8-sig", newline="") as file:
        line = next(filter(str.strip, _lines(file)), "")
        separator = next((c for c in (",", ";", "\t") if c in line), ",")
        file.seek(0)
        header = next(filter(None, csv.reader(_lines(file), delimiter=separator)), None)
    if header is None:
        raise NotATableError("it is empty")
    try:
        return _csv_arrow(path, header, separator)
    except (ImportError, _ArrowError):  # not installed; or stricter than it has to be: values longer than a block
        return _csv_plain(path, separator)


class _ArrowError(Exception):
    pass


def _csv_arrow(path: Path, header: Sequence[str], separator: str) -> Table:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.csv as reader

    names = [str(n) for n in range(len(header))]

    def all_match(column: Any, kind: str) -> bool:
        return bool(pc.all(pc.match_substring_regex(column, f"^{_KINDS[kind]}$")).as_py())

    rows, types, first = 0, ["null"] * len(names), True
    try:
        with pa.OSFile(str(path)) as source:
            stream = reader.open_csv(
                source,
                read_options=reader.ReadOptions(block_size=BLOCK_BYTES, column_names=names),
                parse_options=reader.ParseOptions(delimiter=separator, newlines_in_values=True),
                convert_options=reader.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
            )
            for batch in stream:
                part = batch.slice(1) if first and batch.num_rows else batch  # the header
                first = first and not batch.num_rows
                rows += part.num_rows
                if part.num_rows:
                    types = [_kind(kind, part.column(n), all_match) for n, kind in enumerate(types)]
    except (pa.ArrowException, OSError) as error:
        raise _ArrowError(str(error)) from error
    return Table(rows, tuple(zip(header, types, strict=True)))


def _csv_plain(path: Path, separator: str) -> Table:
    def all_match(column: Any, kind: str) -> bool:
        return all(map(_COMPILED[kind].fullmatch, column))

    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = filter(None, csv.reader(_lines(file), delimiter=separator))
        header = next(lines)
        rows, types = 0, ["null"] * len(header)
        for batch in _batches(lines):
            for line in batch:
                if len(line) != len(header):
                    raise NotATableError(f"a row has {len(line)} values, the header {len(header)}")
            rows += len(batch)
            columns = zip(*batch, strict=True)
            types = [_kind(kind, set(column), all_match) for kind, column in zip(types, columns, strict=True)]
    return Table(rows, tuple(zip(header, types, strict=True)))


def _lines(file: TextIO) -> Iterator[str]:
    """Lines with their ends. Raises NotATableError for one that a table would hardly have."""
    while line := file.readline(MAX_LINE):
        if len(line) == MAX_LINE:
            raise NotATableError(f"a line has {MAX_LINE} characters or more")
        yield line


def _batches(lines: Iterator[list[str]]) -> Iterator[list[list[str]]]:
    while batch := list(islice(lines, _BATCH_ROWS)):
        yield batch


def _kind(before: str, column: Any, all_match: Any) -> str:
    """The type of a column that was `before` up to here and goes on with these values."""
    if before == "string" or all_match(column, before):
        return before
    return _wider(before, next((kind for kind in _KINDS if kind != before and all_match(column, kind)), "string"))


def _parquet(path: Path) -> Table:
    try:
        import pyarrow as pa
        import pyarrow.parquet as reader
    except ImportError:
        raise NotATableError("pyarrow is not installed: pip install 'modelreg[parquet]'") from None
    try:
        with reader.ParquetFile(path) as file:
            schema = file.schema_arrow
            columns = tuple((field.name, str(field.type)) for field in schema)
            return Table(file.metadata.num_rows, columns)
    except pa.ArrowException as error:
        raise NotATableError(_reason(error)) from None


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
