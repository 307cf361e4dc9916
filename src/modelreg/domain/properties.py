"""What can be asked of a version: the part of its manifest that `search` and the lineage look at, by type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelreg.domain.metric import number

_MAPPING = (dict, Mapping)  # a dict is told at once, an abstract class is asked for half a microsecond
Value = float | str | bool
"""A value that can be compared. Numbers are 64-bit floats; a number, a text and a truth value never compare."""


@dataclass(frozen=True, slots=True)
class Properties:
    """Of one manifest. `data` holds name, sha256 and md5 of each data set, as far as they are recorded; `commit` is
    that of the code, `parents` are model and version, `lock` is the sha256 of the environment's lock file, `run` is the
    id of the tracker's run."""

    created: str | None
    authors: tuple[str, ...]
    framework: str | None
    architecture: str | None
    metrics: Mapping[str, float]
    params: Mapping[str, Value]
    tags: Mapping[str, str]
    data: tuple[tuple[str | None, str | None, str | None], ...]
    commit: str | None
    parents: tuple[tuple[str, str], ...]
    lock: str | None
    run: str | None


def properties_of(body: Mapping[str, Any]) -> Properties:
    """From a manifest's mapping, which need not have passed its schema: what has another type is left out."""
    author, lineage = _mapping(body.get("author")), _mapping(body.get("lineage"))
    lock = _mapping(_mapping(lineage.get("environment")).get("lock"))
    metrics = {str(k): number(_mapping(v).get("value")) for k, v in _mapping(body.get("metrics")).items()}
    params = {str(k): _value(v) for k, v in _mapping(body.get("params")).items()}
    data = [_mapping(entry) for entry in _list(lineage.get("data"))]
    parents = [_mapping(entry) for entry in _list(lineage.get("parents"))]
    return Properties(
        created=_text(body.get("created")),
        authors=tuple(t for t in (_text(author.get("email")), _text(author.get("name"))) if t is not None),
        framework=_text(_mapping(body.get("framework")).get("name")),
        architecture=_text(body.get("architecture")),
        metrics={k: v for k, v in metrics.items() if v is not None},
        params={k: v for k, v in params.items() if v is not None},
        tags={str(k): v for k, v in _mapping(body.get("tags")).items() if isinstance(v, str)},
        data=tuple((_text(e.get("name")), _text(e.get("sha256")), _text(e.get("md5"))) for e in data),
        commit=_text(_mapping(lineage.get("code")).get("commit")),
        parents=tuple(
            (e["model"], e["version"])
            for e in parents
            if isinstance(e.get("model"), str) and isinstance(e.get("version"), str)
        ),
        lock=_text(lock.get("sha256")),
        run=_text(_mapping(lineage.get("run")).get("id")),
    )


def _value(value: object) -> Value | None:
    return value if isinstance(value, str | bool) else number(value)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, _MAPPING) else {}


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
