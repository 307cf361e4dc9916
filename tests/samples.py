"""Small domain values for tests, each from what the test cares about."""

from __future__ import annotations

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
