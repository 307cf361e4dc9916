"""The policies that `init` offers. Data, in the order that a reader of policy.yaml should meet it."""

from __future__ import annotations

from typing import Any

from modelreg.errors import UsageError

LATER = ("team", "strict")

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
    stages["production"] |= {"exclusive": True, "displaced_to": "archived", "announce": True}
    return {"format": 1, "serial": 1, "initial": "development", "stages": stages, "gates": []}


def _standard() -> dict[str, Any]:
    formats = ["skops", "onnx", "safetensors", "csv", "json"]
    return {
        "format": 1,
        "serial": 1,
        "initial": "development",
        "stages": _LIFECYCLE,
        "aliases": {"champion": {"requires": "production"}},
        "gates": [
            {"stage": "staging", "require": {"artifacts": {"formats": formats, "at_least": "recorded"}}},
            {
                "stage": "production",
                "require": {
                    "artifacts": {"formats": formats, "at_least": "recorded"},
                    "champion": {"primary": {"not_worse_by": 0.0}, "where_comparable": True},
                },
            },
        ],
    }


_COMMENTS = {
    "open": "template open: any transition, nothing asked. `standard` asks for more.",
    "standard": "template standard: lifecycle order, safe formats, not worse than the champion where comparable.",
}


def template(name: str) -> tuple[dict[str, Any], str]:
    """The policy's mapping and a comment for its top. Raises UsageError for a name that is not offered (yet)."""
    if name in LATER:
        raise UsageError(
            f"the {name} template needs approvals and pull requests, which this version does not have yet",
            hint="take --policy standard now; policy.yaml can be tightened later",
        )
    makers = {"open": _open, "standard": _standard}
    if name not in makers:
        raise UsageError(f"there is no policy template {name!a}", hint=f"choose one of {', '.join(makers)}")
    return makers[name](), _COMMENTS[name]
