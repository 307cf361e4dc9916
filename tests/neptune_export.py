"""Exports as neptune-exporter writes them, for tests.

The service is retired and the exporter needs it, so its files are made here from what its sources say, as of 2026:
columns and types by `SCHEMA` in src/neptune_exporter/model.py; folders and names by storage/parquet_writer.py,
utils.py (`sanitize_path_part`) and model_registry_export_manager.py of github.com/neptune-ai/neptune-exporter; file
paths by exporters/neptune2.py; attributes of models and versions (`sys/stage`, `sys/model_id`, …) by Neptune 2's client.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

TIME = pa.timestamp("ms", tz="UTC")
COLUMNS: Mapping[str, Any] = {
    "project_id": pa.string(),
    "run_id": pa.string(),
    "attribute_path": pa.string(),
    "attribute_type": pa.string(),
    "step": pa.decimal128(18, 6),
    "timestamp": TIME,
    "int_value": pa.int64(),
    "float_value": pa.float64(),
    "string_value": pa.string(),
    "bool_value": pa.bool_(),
    "datetime_value": TIME,
    "string_set_value": pa.list_(pa.string()),
    "file_value": pa.struct([("path", pa.string())]),
    "histogram_value": pa.struct(
        [("type", pa.string()), ("edges", pa.list_(pa.float64())), ("values", pa.list_(pa.float64()))]
    ),
}
SCHEMA = pa.schema(list(COLUMNS.items()))
CREATED = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
Row = dict[str, Any]


def safe(part: str) -> str:
    """A name as the exporter makes it safe for a path: other characters are `_`, then a digest."""
    digest = hashlib.blake2b(part.encode(), digest_size=8).hexdigest()
    return "".join(c if c.isalnum() or c in "_-" else "_" for c in part) + f"-{digest}"


def single(path: str, value: Any, kind: str | None = None) -> list[Row]:
    """One value: a parameter, a result, a text, a set of tags."""
    kinds = {bool: "bool", int: "int", float: "float", str: "string", datetime: "datetime", list: "string_set"}
    kind = kind or kinds[type(value)]
    return [{"attribute_path": path, "attribute_type": kind, f"{kind}_value": value}]


def series(path: str, *values: float | str) -> list[Row]:
    """A series, its steps counting from 0."""
    kind = "string" if isinstance(values[0], str) else "float"
    return [
        {
            "attribute_path": path,
            "attribute_type": f"{kind}_series",
            "step": Decimal(step),
            "timestamp": CREATED,
            f"{kind}_value": value,
        }
        for step, value in enumerate(values)
    ]


@dataclass(frozen=True)
class Export:
    """An export below `folder`, of one project."""

    folder: Path
    project: str = "acme/churn"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def write(self, scope: str, id_: str, *rows: Iterable[Row], parts: int = 1) -> None:
        """The Parquet files of a model (`models`), a version (`model_versions`) or a run (``)."""
        flat = [row for some in rows for row in some]
        folder = self.data / safe(self.project) / scope
        folder.mkdir(parents=True, exist_ok=True)
        size = -(-len(flat) // parts)
        for part in range(parts):
            filled = [
                dict.fromkeys(COLUMNS) | {"project_id": self.project, "run_id": id_} | row
                for row in flat[part * size : (part + 1) * size]
            ]
            table = pa.Table.from_pylist(filled, schema=SCHEMA)
            parquet.write_table(table, folder / f"{safe(id_)}_part_{part}.parquet", compression="snappy")

    def file(self, scope: str, id_: str, attribute: str, content: bytes, ending: str = "") -> list[Row]:
        """A file of an entity, beside the data."""
        path = "/".join(part for part in (scope, id_, f"{attribute}{ending}") if part)
        target = self.folder / "files" / safe(self.project) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        return [{"attribute_path": attribute, "attribute_type": "file", "file_value": {"path": path}}]

    def version(self, id_: str, stage: str, *rows: Iterable[Row], parts: int = 1) -> None:
        """A model version with what Neptune says of each."""
        known = [
            *single("sys/id", id_),
            *single("sys/model_id", id_.rpartition("-")[0]),
            *single("sys/stage", stage),
            *single("sys/owner", "ann"),
            *single("sys/creation_time", CREATED),
            *single("sys/tags", ["weekly", "blue"]),
            *single("sys/description", f"what {id_} is"),
        ]
        self.write("model_versions", id_, known, *rows, parts=parts)
