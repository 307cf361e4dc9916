"""`history`: what happened to a model, in order of landing: who, when, why, in which commit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from modelreg.domain.card import Card, approvers, evidence_card, registration_card, transition_card
from modelreg.domain.clock import stamp
from modelreg.domain.history import Landing
from modelreg.domain.layout import Place
from modelreg.domain.names import ModelName
from modelreg.domain.plan import CommitId
from modelreg.domain.transition import Transition
from modelreg.registry.index_port import Added, Index
from modelreg.registry.landings import landings_in_parts
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.workspace import Workspace

Item = TypeVar("Item")
_ORDER = {"manifest": 0, "evidence": 1, "transition": 2}
"""What a history tells of, in the order of one landing."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that landed. `at` is the landing's commit time (UTC); `by` as the record says, unauthenticated.

    `approved_by` are the persons whose approvals of a promotion are on record.
    """

    kind: str
    model: str
    version: str | None
    from_: str | None
    to: str | None
    at: str
    by: str
    reason: str
    landing: str
    transition: int | None
    displaced: tuple[str, ...] = ()
    alias: str | None = None
    cause: str | None = None
    approved_by: tuple[str, ...] = ()

    def to_mapping(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "model": self.model,
            "version": self.version,
            "from": self.from_,
            "to": self.to,
            "displaced": list(self.displaced),
            "alias": self.alias,
            "at": self.at,
            "by": self.by,
            "reason": self.reason,
            "cause": self.cause,
            "approved_by": list(self.approved_by),
            "landing": self.landing,
            "transition": self.transition,
        }


def history(
    workspace: Workspace,
    model: ModelName | None = None,
    ref: str | None = None,
    since: str | None = None,
    index: Index | None = None,
) -> list[Event]:
    """Events, oldest first; of all models when none is named, only of landings after `since` where it is given.

    Raises NotFoundError, UnavailableError (shallow).
    """
    tip = workspace.tip(ref)
    after = workspace.tip(since) if since is not None else None
    snapshot = workspace.at(tip)
    if model is not None:
        snapshot.require_model(model)
    known = index.history(tip, model) if index is not None and after is None else None
    if known is None:
        return [_event(one) for one in _added(workspace, snapshot, model, after)]
    return [_event(one) for one in drained(known)]


def drained(items: list[Item]) -> Iterator[Item]:
    """Each in its turn, and no longer kept: of a hundred thousand only one form is held at a time."""
    items.reverse()
    while items:
        yield items.pop()


def _added(
    workspace: Workspace, snapshot: Snapshot, model: ModelName | None, after: CommitId | None
) -> Iterator[Added]:
    layout = workspace.layout
    prefix = layout.prefix if model is None else layout.model_folder(model)
    tip = snapshot.commit or workspace.tip()
    for landings in landings_in_parts(workspace.repository, tip, prefix, after):
        part = workspace.at(tip)  # the documents of one part need not be kept for the next
        places = {
            landing.commit: [place for c in landing.changes if c.status == "A" and (place := layout.place(c.path))]
            for landing in landings
        }
        part.load_many(p.path for landed in places.values() for p in landed if p.kind in _ORDER)
        for landing in landings:
            told = (place for place in places[landing.commit] if place.kind in _ORDER)
            for place in sorted(told, key=lambda p: _ORDER[p.kind]):
                yield _one(part, landing, place)


def _one(snapshot: Snapshot, landing: Landing, place: Place) -> Added:
    approved_by: tuple[str, ...] = ()
    document = snapshot.document(place.path)
    body = document.value if document else None
    if place.kind == "transition":
        transition = snapshot.transition(ModelName(str(place.model)), place.number or 0)
        card: Card = transition_card(transition)
        approved_by = _approved_by(snapshot, transition)
    else:
        card = registration_card(body) if place.kind == "manifest" else evidence_card(body)
    return Added(place.kind, str(place.model), place.version, card, landing.commit, landing.at, approved_by)


def _event(added: Added) -> Event:
    card = added.card
    at = stamp(added.at)
    if added.kind == "transition" and card is not None:
        return Event(
            kind=card["kind"],
            model=card["model"],
            version=card["version"],
            from_=card["from"],
            to=card["to"],
            at=at,
            by=card["by"],
            reason=card["reason"],
            landing=added.landing,
            transition=card["number"],
            displaced=tuple(card["displaced"]),
            alias=card["alias"],
            cause=card["cause"],
            approved_by=added.approved_by,
        )
    kind, reason = ("register", "reason") if added.kind == "manifest" else ("evidence", "type")
    card = card or (registration_card(None) if added.kind == "manifest" else evidence_card(None))
    by, why = card["by"], card[reason]
    return Event(kind, added.model, added.version, None, None, at, by, why, added.landing, None)


def _approved_by(snapshot: Snapshot, transition: Transition) -> tuple[str, ...]:
    """Whose approvals of this very move are on record; nobody's: nobody else looked, or on a forge, which keeps that.

    Whether they are signed, by whom and in time, `verify` says.
    """
    if transition.kind != "promote" or transition.version is None:
        return ()
    folder = snapshot.layout.version(transition.model, transition.version, "evidence/approval-")
    paths = [p for p in snapshot.files(transition.model) if p.startswith(folder) and p.endswith(".yaml")]
    snapshot.load_many(paths)
    earlier = (t for t in snapshot.transitions(transition.model) if t.number < transition.number)
    entry = sum(1 for t in earlier if t.to == transition.to)
    cards = [evidence_card(document.value) for path in paths if (document := snapshot.document(path))]
    return approvers(cards, transition.to, entry)
