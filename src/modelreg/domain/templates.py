"""The policies that `init` offers. Data, in the order that a reader of policy.yaml should meet it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from modelreg.domain.signers import is_principal
from modelreg.errors import UsageError

TEMPLATES = ("open", "standard", "team", "strict")
_FORMATS = ["skops", "onnx", "safetensors", "csv", "json"]

_LIFECYCLE: dict[str, Any] = {
    "development": {"from": ["staging", "archived"]},
    "staging": {"from": ["development", "archived"], "announce": True},
    "production": {
        "from": ["staging"],
        "exclusive": True,
        "displaced_to": "archived",
        "protected": True,
        "announce": True,
    },
    "archived": {"from": ["development", "staging", "production"]},
}

_OPEN_STAGES = ["development", "staging", "production", "archived"]


def _open() -> dict[str, Any]:
    def others(name: str) -> list[str]:
        return [stage for stage in _OPEN_STAGES if stage != name]

    stages: dict[str, Any] = {name: {"from": others(name)} for name in _OPEN_STAGES}
    stages["staging"] |= {"announce": True}
    # As MLflow has it: several versions may stand in production, the last to come answers for it.
    stages["production"] |= {"displaced_to": "archived", "announce": True}
    return {"format": 1, "serial": 1, "initial": "development", "stages": stages, "gates": []}


def _standard() -> dict[str, Any]:
    return {
        "format": 1,
        "serial": 1,
        "initial": "development",
        "stages": _LIFECYCLE,
        "aliases": {"champion": {"requires": "production"}},
        "gates": [
            {"stage": "staging", "require": {"artifacts": {"formats": _FORMATS, "at_least": "recorded"}}},
            {
                "stage": "production",
                "require": {
                    "artifacts": {"formats": _FORMATS, "at_least": "recorded"},
                    "champion": {"primary": {"not_worse_by": 0.0}, "where_comparable": True},
                },
            },
        ],
    }


def _team(owner: str) -> dict[str, Any]:
    policy = _standard()
    policy["stages"] = _LIFECYCLE | {"production": _LIFECYCLE["production"] | {"via": "pull-request"}}
    # A review by another person: it counts once that person is a reviewer, and has an account or a key.
    policy["gates"][1]["require"]["approvals"] = {"count": 1, "role": "reviewer", "from": ["forge", "signature"]}
    return policy | {
        "change": {"approvals": 1, "role": "maintainer"},
        "people": {},
        "roles": {"reviewer": [owner], "maintainer": [owner]},
    }


def _strict(owner: str) -> dict[str, Any]:
    """All that a policy can ask. Floors of metrics are a start: what is good enough is the owner's to say."""
    production = _LIFECYCLE["production"] | {"via": "pull-request", "rollback": "propose", "signed": True}
    return {
        "format": 1,
        "serial": 1,
        "initial": "development",
        "stages": _LIFECYCLE | {"production": production},
        "aliases": {"champion": {"requires": "production"}},
        "gates": [*_STRICT_STAGING, _STRICT_PRODUCTION],
        "rollback_when": [
            {
                "stage": "production",
                "name": "live-accuracy",
                "expr": "has(live.metrics.accuracy) && has(metrics.accuracy) "
                "&& live.metrics.accuracy < metrics.accuracy - 0.05",
            }
        ],
        "change": {"approvals": 1, "role": "maintainer"},
        "people": {},
        "roles": {role: [owner] for role in ("trainer", "experimenter", "reviewer", "maintainer")},
        "access": [
            {"role": "trainer", "may": ["register", "evidence", "annotate", "propose"], "models": ["*"]},
            {"role": "experimenter", "may": ["evidence"], "models": ["*"]},
            {"role": "reviewer", "may": ["approve", "evidence"], "models": ["*"]},
            {"role": "maintainer", "may": ["promote", "rollback", "archive", "withdraw", "alias"], "models": ["*"]},
        ],
        "limits": {"artifact_max_bytes": 5 * 2**30, "version_max_bytes": 10 * 2**30},
        "retention": {"keep_stages": ["staging", "production"], "keep_latest": 5, "keep_days": 365},
    }


_STRICT_STAGING: list[dict[str, Any]] = [
    {
        "stage": "staging",
        "match": {"task": "classification"},
        "require": {
            "metrics": {"accuracy": {"min": 0.85}, "precision": {"min": 0.8}, "recall": {"min": 0.75}},
            "rules": [{"name": "not-overfitted", "expr": "metrics.train_accuracy - metrics.accuracy <= 0.15"}],
        },
    },
    {"stage": "staging", "match": {"task": "regression"}, "require": {"metrics": {"r2": {"min": 0.4}}}},
    {
        "stage": "staging",
        "require": {
            "provenance": ["code", "data", "environment"],
            "artifacts": {"formats": _FORMATS, "at_least": "present"},
        },
    },
]
_STRICT_PRODUCTION: dict[str, Any] = {
    "stage": "production",
    "require": {
        "champion": {"primary": {"not_worse_by": 0.0}},
        "transition": {"from": ["staging"]},
        "soak": {"stage": "staging", "at_least_hours": 24},
        "provenance": ["code", "data", "environment", "reproduced"],
        "signature": "compatible",
        "artifacts": {"formats": _FORMATS, "at_least": "verified"},
        "ab_test": {"metric": "conversion", "alpha": 0.05, "min_per_arm": 5000, "by": "experimenter"},
        "compliance": {"attestations": ["privacy-review", "fairness-review"], "by": "reviewer"},
        "approvals": {"count": 1, "role": "reviewer", "valid_days": 14, "from": ["signature"]},
    },
}

_COMMENTS = {
    "open": "template open: any transition, nothing asked. `standard` asks for more.",
    "standard": "template standard: lifecycle order, safe formats, not worse than the champion where comparable.",
    "team": "template team: as standard, production by pull request with a review. Next: name your people and roles.",
    "strict": "template strict: every check, signed approvals. Next: name your people, raise floors and counts.",
}


def needs_owner(name: str) -> bool:
    """Whether a template names people."""
    return name in ("team", "strict")


def template(name: str, owner: str | None = None) -> tuple[dict[str, Any], str]:
    """The policy's mapping and a comment for its top.

    `owner` is who sets the registry up, in every role of `team` and `strict` until others are named: `policy check`
    says which roles want more people. Raises UsageError for a name that is not offered, or an owner who cannot be a
    person of a policy.
    """
    if name not in TEMPLATES:
        raise UsageError(f"there is no policy template {name!a}", hint=f"choose one of {', '.join(TEMPLATES)}")
    if not needs_owner(name):
        return deepcopy({"open": _open, "standard": _standard}[name]()), _COMMENTS[name]
    if owner is None or not is_principal(owner):
        raise UsageError(
            f"the {name} template names you in its roles, and {(owner or '')[:60]!a} cannot be a person's name there",
            hint="git config user.email ann@example.org",
        )
    return deepcopy({"team": _team, "strict": _strict}[name](owner)), _COMMENTS[name]
