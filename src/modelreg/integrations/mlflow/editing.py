"""What MLflow's edits do to model.yaml and annotations.yaml: pure, from what a document says to what it shall say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Body = Mapping[str, Any]
Change = Callable[[Body], Body]


def described(text: str | None) -> Change:
    """With this description, which may be empty; None: without any."""
    return lambda body: _with(body, "description", text)


def tagged(key: str, value: str) -> Change:
    return lambda body: _with(body, "tags", {**(body.get("tags") or {}), key: value})


def untagged(key: str) -> Change:
    return lambda body: _with(body, "tags", {k: v for k, v in (body.get("tags") or {}).items() if k != key} or None)


def renamed(name: str, folder: str) -> Change:
    """With this name for people; without one where it is the folder's."""
    return lambda body: _with(body, "display_name", None if name == folder else name)


def alias_named(alias: str, name: str) -> Change:
    """With what MLflow calls an alias, where that is another name."""
    if alias == name:
        return lambda body: body
    return lambda body: _with(body, "alias_names", {**(body.get("alias_names") or {}), alias: name})


def _with(body: Body, key: str, value: Any) -> Body:
    changed = {k: v for k, v in body.items() if k != key}
    return changed if value is None else {**body, key: value}
