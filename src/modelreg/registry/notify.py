"""What is to be told of landings, by the rules of the branch that they landed on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from modelreg.domain.clock import stamp
from modelreg.domain.notification import Message, messages
from modelreg.domain.plan import CommitId
from modelreg.registry.history import history
from modelreg.registry.workspace import Workspace

if TYPE_CHECKING:
    from modelreg.registry.promote import Promotion


def messages_since(workspace: Workspace, since: str) -> tuple[Message, ...]:
    """Of all that landed on the protected branch after the commit `since`; of nothing for the zeros that a forge names
    before the first push of a branch. Raises NotFoundError, UnavailableError."""
    if not since.strip("0"):
        return ()
    events = [event.to_mapping() for event in history(workspace, since=since)]
    return messages(workspace.snapshot().policy().notifications, events)


def messages_of(
    workspace: Workspace, landings: Sequence[CommitId], refused: Collection[Promotion] = ()
) -> tuple[Message, ...]:
    """Of landings of one command, oldest first, and of promotions that no gate let pass."""
    tip = landings[-1] if landings else workspace.tip()
    rules = workspace.at(tip).policy().notifications
    if not rules:
        return ()
    events: list[dict[str, Any]] = []
    if landings:
        first = workspace.repository.first_parent(landings[0])
        told = history(workspace, ref=tip, since=first)
        events += [event.to_mapping() for event in told if event.landing in set(landings)]
    return messages(rules, [*events, *(_refusal(promotion, workspace.clock()) for promotion in refused)])


def _refusal(promotion: Promotion, now: int) -> dict[str, Any]:
    """The event of a promotion that no gate let pass, with what was not met."""
    unmet = [item for item in promotion.considered if item.candidate]
    return {
        "kind": "refuse",
        "model": promotion.model,
        "version": None,
        "from": None,
        "to": promotion.to,
        "displaced": [],
        "alias": None,
        "at": stamp(now),
        "by": "",
        "reason": "; ".join(f"{item.version}: {', '.join(item.reasons)}" for item in unmet),
        "cause": None,
        "approved_by": [],
        "landing": "",
        "transition": None,
    }
