"""Who is told of what: rules of the policy, which name targets, and the messages that they make of events.

An event is a mapping as `history` has it (schemas/output/history.v1.json). Where a target is, no rule says: addresses
hold secrets, and a repository must not be able to send anything anywhere.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Event = Mapping[str, Any]

PREFIX = "MODELREG_NOTIFY_"
CONFIG = PREFIX + "CONFIG"
"""The variable that names a file of targets; so no target is called config."""

EVENTS: Mapping[str, str] = {
    "registered": "register",
    "promoted": "promote",
    "rolled-back": "rollback",
    "archived": "archive",
    "withdrawn": "withdraw",
    "aliased": "alias",
    "evidence": "evidence",
    "refused": "refuse",
}
"""What a rule may be `on`, and the kind of such an event. `refuse` is in no history: nothing landed."""
_WARNINGS = frozenset(("rollback", "withdraw", "refuse"))
_TARGET = re.compile(r"[a-z]([a-z0-9-]{0,29}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class NotificationRule:
    """An entry of `notifications`. `kinds` are of events, `models` globs; `stages` None: all."""

    name: str
    kinds: frozenset[str]
    to: tuple[str, ...]
    models: tuple[str, ...] = ("*",)
    stages: frozenset[str] | None = None

    @classmethod
    def from_mapping(cls, body: Mapping[str, Any]) -> NotificationRule:
        stages = body.get("stages")
        return cls(
            name=body["name"],
            kinds=frozenset(EVENTS[word] for word in body["on"]),
            to=tuple(body["to"]),
            models=tuple(body.get("models") or ("*",)),
            stages=None if stages is None else frozenset(stages),
        )

    def fits(self, event: Event) -> bool:
        """Whether it is told. `stages` are those that a move leaves or enters; what is no move has none, and fits."""
        moved = {event["from"], event["to"]} - {None}
        return (
            event["kind"] in self.kinds
            and any(fnmatch.fnmatchcase(event["model"], glob) for glob in self.models)
            and (self.stages is None or not moved or bool(moved & self.stages))
        )


@dataclass(frozen=True, slots=True)
class Message:
    """What one target is told of: `events` in order of landing, by which rules."""

    target: str
    rules: tuple[str, ...]
    events: tuple[Event, ...]

    @property
    def title(self) -> str:
        from modelreg.domain.reports.notice import title_of  # every command reads the policy; few send anything

        return title_of(self.events)

    @property
    def body(self) -> str:
        from modelreg.domain.reports.notice import body_of

        return body_of(self.events)

    @property
    def severity(self) -> Literal["info", "warning"]:
        return "warning" if any(event["kind"] in _WARNINGS for event in self.events) else "info"


def messages(rules: Sequence[NotificationRule], events: Iterable[Event]) -> tuple[Message, ...]:
    """One for each target that a rule with a fitting event names, in order of the rules; an event is told it once."""
    told = list(events)
    found: dict[str, tuple[dict[str, None], set[int]]] = {}
    for rule in rules:
        fitting = [number for number, event in enumerate(told) if rule.fits(event)]
        for target in rule.to if fitting else ():
            names, numbers = found.setdefault(target, ({}, set()))
            names[rule.name] = None
            numbers.update(fitting)
    return tuple(
        Message(target, tuple(names), tuple(told[number] for number in sorted(numbers)))
        for target, (names, numbers) in found.items()
    )


def variable(target: str) -> str:
    """The environment variable that holds a target's address: `team-chat` is in MODELREG_NOTIFY_TEAM_CHAT."""
    return PREFIX + target.upper().replace("-", "_")


def is_target(name: object) -> bool:
    """Whether it can name a target, as in policy.v1.json."""
    return isinstance(name, str) and _TARGET.fullmatch(name) is not None and name != "config"
