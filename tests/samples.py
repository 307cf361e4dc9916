"""Small domain values for tests, each from what the test cares about."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from modelreg.domain.manifest import Manifest
from modelreg.domain.names import Alias, ModelName, Stage
from modelreg.domain.policy import Policy
from modelreg.domain.templates import template
from modelreg.domain.transition import Displaced, Kind, Transition
from modelreg.domain.version import Version

MODEL = ModelName("churn")
SHA = "a" * 64
AT = "2026-11-24T12:30:00Z"
DEVELOPMENT, STAGING, PRODUCTION, ARCHIVED = (Stage(n) for n in ("development", "staging", "production", "archived"))
CHAMPION = Alias("champion")


def v(text: str) -> Version:
    return Version.parse(text)


def standard(**changes: Any) -> Policy:
    """The standard policy, with some of its keys replaced."""
    body, _ = template("standard")
    return Policy.from_mapping(body | changes)


def transition(
    version: str | None,
    to: str | None,
    *,
    kind: Kind = "promote",
    number: int = 1,
    from_: str | None = "development",
    displaces: Mapping[str, str] | None = None,
    aliases: Mapping[str, str | None] | None = None,
) -> Transition:
    return Transition(
        number=number,
        kind=kind,
        model=MODEL,
        version=None if version is None else v(version),
        manifest_sha256=None if version is None else SHA,
        from_=None if from_ is None or kind == "alias" else Stage(from_),
        to=None if to is None else Stage(to),
        by="Ada <ada@example.com>",
        at=AT,
        reason="because",
        policy_serial=1,
        displaces=tuple(Displaced(v(a), Stage(b)) for a, b in (displaces or {}).items()),
        aliases={Alias(a): None if b is None else v(b) for a, b in (aliases or {}).items()},
    )


def manifest(
    version: str = "1.0.0",
    metrics: Mapping[str, Any] | None = None,
    formats: tuple[str, ...] = ("skops",),
    lineage: Mapping[str, Any] | None = None,
) -> Manifest:
    """A manifest; a metric is its value, or its whole mapping."""
    entries = {n: dict(e) if isinstance(e, Mapping) else {"value": e} for n, e in (metrics or {}).items()}
    artifacts = [
        {"path": f"a{i}.{f}", "role": "model", "format": f, "size_bytes": 1, "sha256": SHA, "md5": "b" * 32}
        for i, f in enumerate(formats)
    ]
    body = {"format": 1, "model": MODEL, "version": version, "artifacts": artifacts, "metrics": entries}
    return Manifest.from_mapping(body | ({"lineage": dict(lineage)} if lineage is not None else {}))


BODY: dict[str, Any] = {
    "format": 1,
    "model": "churn",
    "version": "1.2.0",
    "created": AT,
    "author": {"name": "Ada", "email": "ada@example.com"},
    "framework": {"name": "scikit-learn", "version": "1.9.1"},
    "architecture": "sklearn.ensemble.RandomForestClassifier",
    "artifacts": [
        {"path": "model.skops", "role": "model", "format": "skops", "size_bytes": 9, "sha256": SHA, "md5": "a" * 32},
        {
            "path": "report.html",
            "role": "report",
            "format": "html",
            "size_bytes": 9,
            "sha256": "1" * 64,
            "md5": "1" * 32,
        },
    ],
    "signature": {
        "inputs": [{"name": "age", "type": "int64"}],
        "outputs": [{"name": "y", "type": "int64"}],
        "parameters": [],
    },
    "params": {
        "max_depth": 6,
        "bootstrap": True,
        "layers": [64, 32],
        "nested": {"a": {"b": 1}},
        "text": "x" * 100,
        "random_state": 7,
        "n_jobs": 1,
    },
    "metrics": {"f1": {"value": 0.8, "direction": "higher"}},
    "lineage": {
        "code": {"commit": "c" * 40, "dirty": False, "diff_sha256": None, "entry_point": "train.py"},
        "data": [
            {"name": "customers", "role": "train", "path": "c.csv", "size_bytes": 9, "sha256": "d" * 64, "rows": 1000}
        ],
        "features": [{"name": "age", "transformation": "standard"}],
        "environment": {
            "python": "3.11.7",
            "platform": "linux-x86_64",
            "packages": {"numpy": "2.0"},
            "lock": {"path": "uv.lock", "sha256": "e" * 64},
        },
        "parents": [{"model": "base", "version": "2.0.0", "relation": "fine-tuned"}],
        "pipeline": {"command": "python train.py", "seeds": {"numpy": 1}},
    },
}
"""A manifest's body with something of everything."""


def changed(changes: Mapping[str, Any], body: Mapping[str, Any] = BODY) -> dict[str, Any]:
    """A body with values put at dotted paths (`lineage.data.0.rows`); None takes the value away."""
    made: dict[str, Any] = copy.deepcopy(dict(body))
    for path, value in changes.items():
        place: Any = made
        keys: list[Any] = [int(key) if key.isdigit() else key for key in path.split(".")]
        *folders, last = keys
        for key in folders:
            place = place[key] if isinstance(place, list) else place.setdefault(key, {})
        if value is None:
            del place[last]
        elif last == len(place) and isinstance(place, list):
            place.append(value)
        else:
            place[last] = value
    return made


def ab_test(
    control: Mapping[str, Any],
    treatment: Mapping[str, Any],
    *,
    versions: tuple[str, str] = ("1.2.0", "1.3.0"),
    started: str = "2026-11-10T00:00:00Z",
    ended: str = "2026-11-24T00:00:00Z",
    at: str = "2026-11-24T11:00:00Z",
    **design: Any,
) -> dict[str, Any]:
    """Evidence of an A/B test of conversion; a part of the design that is None is left out."""
    planned = {"kind": "proportions", "two_sided": True, "looks": 1} | design
    return {
        "format": 1,
        "type": "ab-test",
        "registry": "0" * 32,
        "model": MODEL,
        "version": versions[1],
        "manifest_sha256": SHA,
        "by": "ann@example.org",
        "at": at,
        "metric": "conversion",
        "design": {key: value for key, value in planned.items() if value is not None},
        "arms": {
            "control": {"version": versions[0], **control},
            "treatment": {"version": versions[1], **treatment},
        },
        "started": started,
        "ended": ended,
    }


def rates(x1: int, n1: int, x2: int, n2: int, **rest: Any) -> dict[str, Any]:
    """An A/B test of proportions: successes and units of control, then of treatment."""
    return ab_test({"n": n1, "successes": x1}, {"n": n2, "successes": x2}, **rest)


def moments(control: Mapping[str, Any], treatment: Mapping[str, Any], **rest: Any) -> dict[str, Any]:
    """An A/B test of means."""
    return ab_test(control, treatment, **{"kind": "means"} | rest)
