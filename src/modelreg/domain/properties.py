"""What can be asked of a version: the part of its manifest that `search` and the lineage look at, by type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from modelreg.domain.metric import MAPPING, number, values_of

_SCALARS = (str, bool)
Value = float | str | bool
"""A value that can be compared. Numbers are 64-bit floats; a number, a text and a truth value never compare."""


class Properties(NamedTuple):
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
    data = [_mapping(entry) for entry in _list(lineage.get("data"))]
    parents = [_mapping(entry) for entry in _list(lineage.get("parents"))]
    named = [(entry.get("model"), entry.get("version")) for entry in parents]
    return Properties(
        created=_text(body.get("created")),
        authors=tuple([t for t in (author.get("email"), author.get("name")) if isinstance(t, str)]),
        framework=_text(_mapping(body.get("framework")).get("name")),
        architecture=_text(body.get("architecture")),
        metrics=values_of(_mapping(body.get("metrics"))),
        params=_comparable(_mapping(body.get("params"))),
        tags={k: v for k, v in _mapping(body.get("tags")).items() if isinstance(v, str)},
        data=tuple([(_text(e.get("name")), _text(e.get("sha256")), _text(e.get("md5"))) for e in data]),
        commit=_text(_mapping(lineage.get("code")).get("commit")),
        parents=tuple([(m, v) for m, v in named if isinstance(m, str) and isinstance(v, str)]),
        lock=_text(lock.get("sha256")),
        run=_text(_mapping(lineage.get("run")).get("id")),
    )


def _comparable(params: Mapping[str, Any]) -> dict[str, Value]:
    found = {}
    for name, value in params.items():
        known = value if isinstance(value, _SCALARS) else number(value)
        if known is not None:
            found[name] = known
    return found


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, MAPPING) else {}


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
