"""`history`: what happened to a model, in order of landing: who, when, why, in which commit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from modelreg.domain.clock import stamp
from modelreg.domain.history import Landing
from modelreg.domain.layout import Place
from modelreg.domain.names import ModelName
from modelreg.domain.transition import Transition
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.workspace import Workspace


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
    workspace: Workspace, model: ModelName | None = None, ref: str | None = None, since: str | None = None
) -> list[Event]:
    """Events, oldest first; of all models when none is named, only of landings after `since` where it is given.

    Raises NotFoundError, UnavailableError (shallow).
    """
    tip = workspace.tip(ref)
    after = workspace.tip(since) if since else None
    snapshot = workspace.at(tip)
    layout = workspace.layout
    if model is not None:
        snapshot.require_model(model)
    prefix = layout.prefix if model is None else layout.model_folder(model)
    landings = workspace.repository.landings(tip, prefix, after)
    added = [c.path for landing in landings for c in landing.changes if c.status == "A"]
    kinds = {path: layout.place(path) for path in added}
    snapshot.load_many(
        p for p, place in kinds.items() if place and place.kind in ("transition", "manifest", "evidence")
    )
    return [event for landing in landings for event in _events(snapshot, landing)]


def _events(snapshot: Snapshot, landing: Landing) -> Iterator[Event]:
    places = [(change, snapshot.layout.place(change.path)) for change in landing.changes]
    order = {"manifest": 0, "evidence": 1, "transition": 2}
    for change, place in sorted(places, key=lambda pair: order.get(pair[1].kind if pair[1] else "", 3)):
        if place is None or change.status != "A":
            continue
        if place.kind == "manifest":
            yield _registered(snapshot, landing, place)
        elif place.kind == "evidence":
            yield _evidence(snapshot, landing, place)
        elif place.kind == "transition":
            yield _moved(snapshot, landing, place)


def _registered(snapshot: Snapshot, landing: Landing, place: Place) -> Event:
    document = snapshot.document(place.path)
    body = document.value if document and isinstance(document.value, dict) else {}
    author = body.get("author")
    by = author.get("email", "") if isinstance(author, dict) else ""
    bump = body.get("bump")
    reasons = bump.get("reasons") if isinstance(bump, dict) else None
    reason = "; ".join(str(r) for r in reasons) if isinstance(reasons, list) else ""
    model, version = str(place.model), place.version
    return Event("register", model, version, None, None, stamp(landing.at), by, reason, landing.commit, None)


def _evidence(snapshot: Snapshot, landing: Landing, place: Place) -> Event:
    document = snapshot.document(place.path)
    body = document.value if document and isinstance(document.value, dict) else {}
    by, kind = str(body.get("by", "")), str(body.get("type", "evidence"))
    return Event(
        "evidence",
        str(place.model),
        place.version,
        None,
        None,
        stamp(landing.at),
        by,
        kind,
        landing.commit,
        None,
    )


def _moved(snapshot: Snapshot, landing: Landing, place: Place) -> Event:
    transition = snapshot.transition(ModelName(str(place.model)), place.number or 0)
    alias = next(iter(transition.aliases)) if transition.kind == "alias" else None
    return Event(
        kind=transition.kind,
        model=transition.model,
        version=str(transition.version) if transition.version else None,
        from_=transition.from_,
        to=transition.to,
        at=stamp(landing.at),
        by=transition.by,
        reason=transition.reason,
        landing=landing.commit,
        transition=transition.number,
        displaced=tuple(str(d.version) for d in transition.displaces),
        alias=alias,
        cause=transition.cause,
        approved_by=_approved_by(snapshot, transition),
    )


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
    wanted = {"to": transition.to, "entry": sum(1 for t in earlier if t.to == transition.to)}
    bodies = [document.value for path in paths if (document := snapshot.document(path))]
    said = {str(b["by"]): None for b in bodies if all(b.get(key) == value for key, value in wanted.items())}
    return tuple(sorted(said))
