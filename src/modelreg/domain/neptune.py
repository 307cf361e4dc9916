"""What neptune-exporter's files say of a model, a model version or a run, as a manifest has it.

An attribute has a path, one of the exporter's types and a value (neptune-exporter, src/neptune_exporter/model.py). Of a
series the last value counts. Nothing says which single numbers were parameters and which results: those below a group
that is called so (`metrics/…`, `eval/…`) are metrics here, all others parameters.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modelreg.domain.names import metric_name
from modelreg.errors import InvalidError

SERIES = frozenset(("float_series", "file_series", "string_series", "histogram_series"))
_RESULTS = frozenset(
    ("metric", "metrics", "score", "scores", "eval", "evaluation", "result", "results", "val", "validation", "test")
)
_NOT_KEPT = ("sys/", "monitoring/", "source_code/")
"""What Neptune keeps for itself, the machine's load, and the code, which git has."""
_LIKE_A_MODEL = re.compile(r"(^|[/_.-])(model|weights|checkpoint|estimator)", re.IGNORECASE)
_LONGEST_METRIC = 128


@dataclass(frozen=True, slots=True)
class Attribute:
    """The last value of an attribute; of a file its path below the project's files."""

    type: str
    value: Any


@dataclass(frozen=True, slots=True)
class Entity:
    """A model, a model version or a run: `id` is its `sys/id` (`CHURN-MOD-3`)."""

    project: str
    id: str
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    def text(self, path: str) -> str:
        """A text of `sys/…`; empty where there is none."""
        found = self.attributes.get(path)
        return found.value if found is not None and isinstance(found.value, str) else ""

    @property
    def model_id(self) -> str:
        """The id of the model that a version is of."""
        return self.text("sys/model_id") or self.id.rpartition("-")[0]

    @property
    def number(self) -> int:
        """The version's number, which ends its id; 0 where it has none."""
        last = self.id.rpartition("-")[2]
        return int(last) if last.isascii() and last.isdecimal() else 0

    @property
    def tags(self) -> tuple[str, ...]:
        found = self.attributes.get("sys/tags")
        return tuple(sorted(map(str, found.value))) if found is not None and isinstance(found.value, list) else ()


@dataclass(frozen=True, slots=True)
class EntityFacts:
    """`metrics` as `Request.metrics`, `params` flat by path; `files` by path of the attribute, the model first."""

    metrics: Mapping[str, Any]
    params: Mapping[str, Any]
    files: Mapping[str, str]
    notes: tuple[str, ...]


def entity_facts(entity: Entity) -> EntityFacts:
    """What a manifest says of it."""
    metrics: dict[str, Any] = {}
    params: dict[str, Any] = {}
    files: dict[str, str] = {}
    left: dict[str, int] = {}
    notes = []
    for path, attribute in sorted(entity.attributes.items()):
        if path.startswith(_NOT_KEPT):
            continue
        kind, value = attribute.type, attribute.value
        if kind == "float_series" or (kind in ("float", "int") and _RESULTS & set(path.lower().split("/")[:-1])):
            note = _add_metric(metrics, path, value)
            notes += [note] if note else []
        elif kind in ("file", "file_series", "file_set", "artifact") and isinstance(value, str):
            files[path] = value
        elif kind in ("float", "int", "bool", "string", "datetime", "string_set") and _plain(value):
            params[path] = value
        else:
            left[kind] = left.get(kind, 0) + 1
    notes += [f"{count} of type {kind} are left out" for kind, count in sorted(left.items())]
    ordered = sorted(files, key=lambda path: (not _LIKE_A_MODEL.search(path), path))
    return EntityFacts(metrics, params, {path: files[path] for path in ordered}, tuple(notes))


def _add_metric(metrics: dict[str, Any], path: str, value: Any) -> str | None:
    """A note where there is no such metric here."""
    if type(value) not in (int, float) or not math.isfinite(value):
        return f"the metric {path[:60]!a} is no finite number: left out"
    for text in (path, f"m_{path}"):
        try:
            name = metric_name(text)[:_LONGEST_METRIC].rstrip("_")
        except InvalidError:
            continue
        if name in metrics:
            return f"the metric {path[:60]!a} is left out: another is called {name} too"
        metrics[name] = {"value": value} | ({"source_name": path[:500]} if name != path else {})
        return None
    return f"the metric {path[:60]!a} is left out: its name has nothing to show"


def _plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, str) for item in value)
    return isinstance(value, (bool, int, str)) or (isinstance(value, float) and math.isfinite(value))
