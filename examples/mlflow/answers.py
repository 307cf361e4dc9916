"""What MLflow's registry answers, in a form that can be compared between two registries.

Left out, since no two registries have it alike: ids of runs and models (numbered as they come up), times, where files
are kept, who registered a version (a database alone does not know), tags that a registry adds by itself, and the words
of a database after MLflow's.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from mlflow.entities._mlflow_object import _MlflowObject
from mlflow.exceptions import MlflowException
from mlflow.store.entities import PagedList

OWN_TAGS = ("modelreg.",)
"""How the names of tags begin that a registry adds: the semantic version, for one."""

_ID = re.compile(r"\b(m-)?[0-9a-f]{32}\b")
_FILES = re.compile(r"(file://)?/[^\s'\"]*?/(mlruns|mlartifacts|modelreg)/[^\s'\"]*")
_TEMPORARY = re.compile(re.escape(tempfile.gettempdir()) + r"/tmp\w+")
_DATABASE = re.compile(r" Error: \(.*", re.DOTALL)
_TIME = 10**12
"""Milliseconds since 1970 are above this, versions and counts below."""


@dataclass
class Normal:
    """Makes answers comparable; one for all answers of one registry, since ids are numbered as they come up."""

    ids: dict[str, str] = field(default_factory=dict)

    def __call__(self, answer: Any) -> Any:
        """Entities as mappings, pages as lists, errors as their code and message."""
        if isinstance(answer, MlflowException):
            return {"error": answer.error_code, "message": self._text(answer.message)}
        if isinstance(answer, _MlflowObject):
            return {"a": type(answer).__name__} | {key: self._named(key, value) for key, value in answer}
        if isinstance(answer, PagedList):
            return {"page": [self(each) for each in answer], "more": bool(answer.token)}
        if isinstance(answer, dict):
            return {key: self._named(str(key), value) for key, value in sorted(answer.items())}
        if isinstance(answer, str):
            return self._text(answer)
        if isinstance(answer, Iterable):
            return [self(each) for each in answer]
        if isinstance(answer, int) and answer > _TIME:
            return "<time>"
        return answer

    def _named(self, key: str, value: Any) -> Any:
        if key == "user_id":
            return "<who>"
        if key == "tags" and isinstance(value, dict):
            value = {name: text for name, text in value.items() if not name.startswith(OWN_TAGS)}
        return self(value)

    def _text(self, text: str) -> str:
        text = _DATABASE.sub("", _TEMPORARY.sub("<temporary>", _FILES.sub("<files>", text)))
        return _ID.sub(lambda found: self.ids.setdefault(found[0], f"<id {len(self.ids) + 1}>"), text)


@dataclass
class Calls:
    """Calls of MLflow's API in the order they were made, each with its answer."""

    made: list[tuple[str, Any]] = field(default_factory=list)
    normal: Normal = field(default_factory=Normal)

    def __call__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call, note, and give the answer on; where MLflow refuses, the refusal is the answer, and is not raised."""
        try:
            answer = function(*args, **kwargs)
        except MlflowException as refused:
            answer = refused
        self.note(function.__name__, args, kwargs, answer)
        return answer

    def note(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], answer: Any) -> None:
        given = [repr(self.normal(each)) for each in args]
        given += [f"{key}={self.normal(value)!r}" for key, value in kwargs.items()]
        self.made.append((f"{name}({', '.join(given)})", self.normal(answer)))
