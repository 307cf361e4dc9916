"""The files that neptune-exporter wrote (https://github.com/neptune-ai/neptune-exporter): Parquet, and files beside it.

    data/PROJECT/RUN_part_0.parquet, …                   runs
    data/PROJECT/models/MODEL_part_0.parquet, …          models
    data/PROJECT/model_versions/VERSION_part_0.parquet   their versions
    files/PROJECT/…                                      what `file_value.path` names

Names of folders and files are made safe there; what they stand for is in the columns project_id and run_id. A part
whose name ends in .tmp was never finished.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from modelreg.domain.clock import stamp
from modelreg.domain.neptune import SERIES, Attribute, Entity
from modelreg.errors import InvalidError, NotFoundError, UnavailableError

_COLUMNS = (
    *("project_id", "run_id", "attribute_path", "attribute_type", "step"),
    *("int_value", "float_value", "string_value", "bool_value", "datetime_value", "string_set_value", "file_value"),
)
_VALUES = {"float_series": "float_value"} | dict.fromkeys(("file_series", "file_set", "artifact"), "file_value")
_PART = re.compile(r"(.+)_part_([0-9]+)\.parquet")


class NeptuneExport:
    """An export below `data` and `files`. Raises NotFoundError where there is none, UnavailableError: no pyarrow."""

    def __init__(self, data: Path, files: Path) -> None:
        try:
            import pyarrow as pa  # noqa: F401 - asked for here, so that nothing is done half
        except ImportError:
            hint = "pip install 'modelreg[parquet]'"
            raise UnavailableError("Parquet needs pyarrow, which is not installed", hint=hint) from None
        if not data.is_dir():
            hint = "the folder that neptune-exporter was given as --data-path"
            raise NotFoundError("there is no such folder", file=str(data), hint=hint)
        self._data, self._files = data, files

    @property
    def name(self) -> str:
        return self._data.resolve().name

    def models(self) -> Iterator[Entity]:
        """In order of their names on disk."""
        yield from self._entities("models")

    def versions(self) -> Iterator[Entity]:
        yield from self._entities("model_versions")

    def runs(self, wanted: frozenset[str]) -> Iterator[Entity]:
        """The runs with these ids."""
        names = {_safe(id_) for id_ in wanted}
        yield from (run for run in self._entities("", names) if run.id in wanted) if wanted else ()

    def file(self, entity: Entity, path: str) -> Path:
        """A file or folder of an export. Raises NotFoundError, InvalidError for a path that leads out of it."""
        root = (self._files / _safe(entity.project)).resolve()
        found = root / path
        if not found.resolve().is_relative_to(root) or found.is_symlink():
            raise InvalidError(f"the path {path[:80]!a} leads out of the export")
        if not os.path.lexists(found):
            raise NotFoundError(f"the export holds no file {path[:80]!a}")
        return found

    def _entities(self, scope: str, only: Collection[str] | None = None) -> Iterator[Entity]:
        """`only`: of files that are called so."""
        for project in sorted(path for path in self._data.iterdir() if path.is_dir()):
            parts: dict[str, list[tuple[int, Path]]] = {}
            for path in (project / scope).glob("*.parquet") if (project / scope).is_dir() else ():
                match = _PART.fullmatch(path.name)
                if match is not None and (only is None or match[1] in only):
                    parts.setdefault(match[1], []).append((int(match[2]), path))
            for _, numbered in sorted(parts.items()):
                yield from _read([path for _, path in sorted(numbered)])


def _safe(part: str) -> str:
    """What folders and files are called: the name, made safe for a path, and a digest of it."""
    digest = hashlib.blake2b(part.encode(errors="replace"), digest_size=8).hexdigest()
    return "".join(c if c.isalnum() or c in "_-" else "_" for c in part) + f"-{digest}"


def _read(paths: list[Path]) -> Iterator[Entity]:
    """The entities of the parts of one file. Raises InvalidError for what is no file of the exporter's."""
    import pyarrow as pa
    from pyarrow import parquet

    found: dict[tuple[str, str], dict[str, Attribute]] = {}
    steps: dict[tuple[str, str, str], Decimal] = {}
    for path in paths:
        try:
            file = parquet.ParquetFile(path)
            for batch in file.iter_batches(columns=list(_COLUMNS)):
                for row in batch.to_pylist():
                    _take(found, steps, row)
        except (pa.ArrowException, KeyError, ValueError, OSError, TypeError) as error:
            message = f"is no Parquet file as neptune-exporter writes it ({type(error).__name__})"
            raise InvalidError(message, file=path.name) from None
    for (project, id_), attributes in found.items():
        yield Entity(project, id_, attributes)


def _take(
    found: dict[tuple[str, str], dict[str, Attribute]],
    steps: dict[tuple[str, str, str], Decimal],
    row: dict[str, Any],
) -> None:
    """Keep the row's value, unless that of a later step is kept."""
    project, id_, path, kind = row["project_id"], row["run_id"], row["attribute_path"], row["attribute_type"]
    if not all(isinstance(text, str) and text for text in (project, id_, path, kind)):
        return
    attributes = found.setdefault((project, id_), {})
    if kind in SERIES:
        step = row["step"] if row["step"] is not None else Decimal(0)
        if step < steps.get((project, id_, path), step):
            return
        steps[project, id_, path] = step
    attributes[path] = Attribute(kind, _value(row, kind))


def _value(row: dict[str, Any], kind: str) -> Any:
    value = row.get(_VALUES.get(kind, f"{kind}_value"))
    if isinstance(value, datetime):
        return stamp(int(value.timestamp()))
    return value.get("path") if isinstance(value, dict) else value
