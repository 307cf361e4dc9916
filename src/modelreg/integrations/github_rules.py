"""What GitHub enforces on a repository, read through its API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from modelreg.domain.enforcement import ForgeState
from modelreg.errors import UnavailableError
from modelreg.integrations.github_api import Api, segment

T = TypeVar("T")


def forge_state(api: Api, branch: str) -> ForgeState:
    """Rules, rulesets, settings and Actions' permissions; None for each that the token may not read.

    Raises UnavailableError where not even the rules of the branch can be read: the name or the token is wrong then.
    """
    return ForgeState(
        rules=api.get_all(f"rules/branches/{segment(branch)}"),
        rulesets=_maybe(lambda: _rulesets(api)),
        settings=_maybe(lambda: _mapping(api.get(""))),
        actions=_maybe(lambda: _mapping(api.get("actions/permissions/workflow"))),
    )


def _rulesets(api: Api) -> Sequence[Mapping[str, Any]]:
    """In full: the list leaves out rules, conditions and who may bypass."""
    numbers = [item.get("id") for item in api.get_all("rulesets?includes_parents=true")]
    return [_mapping(api.get(f"rulesets/{number}")) for number in numbers if type(number) is int]


def _maybe(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except UnavailableError:
        return None


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise UnavailableError("the forge's answer is no mapping")
    return value
