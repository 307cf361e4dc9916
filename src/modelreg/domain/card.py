"""What a list and a history show of a document: plain data that JSON carries without loss."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from modelreg.domain.manifest import values_in
from modelreg.domain.metric import MAPPING
from modelreg.domain.transition import Transition

Card = Mapping[str, Any]


def manifest_card(body: Mapping[str, Any]) -> dict[str, Any]:
    """`created`, `metrics` (value by name), `tags`; and of the registration `by` and `reason`.

    Raises as `Manifest.from_mapping` where the manifest is none.
    """
    metrics = values_in(body)
    tags = dict(body.get("tags") or {})
    return {"created": body.get("created"), "metrics": metrics, "tags": tags} | registration_card(body)


def annotations_card(body: Any) -> dict[str, Any]:
    """The `tags` of a version's annotations, which may change. Raises TypeError where it is no such document."""
    tags = (body.get("tags") or {}) if isinstance(body, dict) else None
    if not isinstance(tags, dict) or not all(isinstance(item, str) for pair in tags.items() for item in pair):
        raise TypeError("tags")
    return {"tags": dict(tags)}


def annotated(body: Mapping[str, Any], annotations: Card | None) -> Mapping[str, Any]:
    """A manifest, or its card, with the tags that its annotations add or set anew."""
    if annotations is None or not annotations["tags"]:
        return body
    return {**body, "tags": {**(body.get("tags") or {}), **annotations["tags"]}}


def registration_card(body: Any) -> dict[str, Any]:
    """By whom, as git said, and the reasons of the version's number; empty texts where they are not recorded."""
    body = body if isinstance(body, MAPPING) else {}
    author, bump = body.get("author"), body.get("bump")
    reasons = bump.get("reasons") if isinstance(bump, MAPPING) else None
    return {
        "by": author.get("email", "") if isinstance(author, MAPPING) else "",
        "reason": "; ".join(str(r) for r in reasons) if isinstance(reasons, list) else "",
    }


def transition_card(transition: Transition) -> Card:
    """All that a history says of a move."""
    return {
        "kind": transition.kind,
        "model": transition.model,
        "number": transition.number,
        "version": str(transition.version) if transition.version else None,
        "from": transition.from_,
        "to": transition.to,
        "by": transition.by,
        "reason": transition.reason,
        "displaced": [str(d.version) for d in transition.displaces],
        "alias": next(iter(transition.aliases)) if transition.kind == "alias" else None,
        "cause": transition.cause,
    }


def evidence_card(body: Any) -> dict[str, Any]:
    """Type and author; of an approval also what it allows: the stage and how often that was entered before."""
    body = body if isinstance(body, MAPPING) else {}
    said = {"type": str(body.get("type", "evidence")), "by": str(body.get("by", ""))}
    return said | {"to": body.get("to"), "entry": body.get("entry")}


def approvers(approvals: Iterable[Card], to: str | None, entry: int) -> tuple[str, ...]:
    """Whose approvals are of the move into `to` that was the stage's entry number `entry` (from 0)."""
    return tuple(sorted({card["by"] for card in approvals if card["to"] == to and card["entry"] == entry}))
