"""The policy: stages in lifecycle order, gates, who may do what. Parsed once; rules are asked of the parsed value."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from modelreg.domain.names import Alias, Stage, parse_alias, parse_stage
from modelreg.domain.notification import NotificationRule


@dataclass(frozen=True, slots=True)
class StageRule:
    """What the policy says of one stage. `from_` names the stages that a version may come from."""

    name: Stage
    from_: tuple[Stage, ...]
    exclusive: bool = False
    displaced_to: Stage | None = None
    protected: bool = False
    via: Literal["any", "pull-request"] = "any"
    signed: bool = False
    announce: bool = False
    rollback: Literal["direct", "propose"] = "direct"


@dataclass(frozen=True, slots=True)
class Gate:
    """What is required of a version that enters `stage`, where `match` fits; `origin` says which file asks."""

    stage: Stage
    match: Mapping[str, Any]
    require: Mapping[str, Any]
    origin: str

    def matches(self, model: str, task: str, tags: Mapping[str, Any]) -> bool:
        """Every key of `match` must fit; one that is not known fits always, so that a gate never falls away."""
        wanted_tags = self.match.get("tags") or {}
        return (
            self.match.get("task", task) == task
            and fnmatch.fnmatchcase(model, self.match.get("model", "*"))
            and all(tags.get(key) == value for key, value in wanted_tags.items())
        )


@dataclass(frozen=True, slots=True)
class LiveRule:
    """An entry of `rollback_when`: where `expr` (CEL) holds of live metrics, the holder of `stage` is rolled back."""

    name: str
    stage: Stage
    expr: str


@dataclass(frozen=True, slots=True)
class Permission:
    """An entry of `access`: persons of `role` may do `actions` on models that match a glob; `stages` None: all."""

    role: str
    actions: frozenset[str]
    models: tuple[str, ...]
    stages: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy that has passed its schema.

    `people` maps a person to accounts by forge; `change` is how many approvals of which role a change of the policy,
    the signers or a model's gates needs (None: none). `stage_settings` are the stages as the file writes them,
    `versioning` what it lays over the table of `domain.bump`.
    """

    serial: int
    initial: Stage
    stages: Mapping[Stage, StageRule]
    gates: tuple[Gate, ...]
    alias_requires: Mapping[Alias, Stage] = field(default_factory=dict)
    access: tuple[Permission, ...] = ()
    limits: Mapping[str, int] = field(default_factory=dict)
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)
    people: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    change: tuple[int, str] | None = None
    rollback_when: tuple[LiveRule, ...] = ()
    notifications: tuple[NotificationRule, ...] = ()
    stage_settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    versioning: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_mapping(cls, body: Mapping[str, Any]) -> Policy:
        """Raises InvalidError for a bad name."""
        stages = {parse_stage(name): _stage_rule(name, rule or {}) for name, rule in body["stages"].items()}
        aliases = body.get("aliases") or {}
        change = body.get("change")
        return cls(
            serial=body["serial"],
            initial=parse_stage(body["initial"]),
            stages=stages,
            gates=parse_gates(body.get("gates") or (), "policy.yaml"),
            alias_requires={
                parse_alias(name): parse_stage(rule["requires"])
                for name, rule in aliases.items()
                if rule and rule.get("requires")
            },
            access=tuple(_permission(entry) for entry in body.get("access") or ()),
            limits=body.get("limits") or {},
            roles={name: frozenset(members) for name, members in (body.get("roles") or {}).items()},
            people=body.get("people") or {},
            change=(change["approvals"], change["role"]) if change else None,
            rollback_when=tuple(
                LiveRule(rule["name"], parse_stage(rule["stage"]), rule["expr"])
                for rule in body.get("rollback_when") or ()
            ),
            notifications=tuple(NotificationRule.from_mapping(rule) for rule in body.get("notifications") or ()),
            stage_settings={name: rule or {} for name, rule in body["stages"].items()},
            versioning=body.get("versioning") or {},
        )

    @property
    def exclusive(self) -> frozenset[Stage]:
        return frozenset(name for name, rule in self.stages.items() if rule.exclusive)

    @property
    def announced(self) -> frozenset[Stage]:
        return frozenset(name for name, rule in self.stages.items() if rule.announce)

    def members(self, role: str | None) -> frozenset[str]:
        """The persons of a role; nobody for a role that the policy does not define."""
        return self.roles.get(role, frozenset()) if role else frozenset()

    def person_of(self, forge: str, account: str) -> str | None:
        """Whose account it is; None where it is mapped to nobody, or to several."""
        wanted = account.casefold()
        found = [p for p, accounts in self.people.items() if wanted and accounts.get(forge, "").casefold() == wanted]
        return found[0] if len(found) == 1 else None

    def also(self, person: str) -> frozenset[str]:
        """All names of a person, this one included: those that the policy maps to one same account."""
        names = {person}
        while True:
            accounts = {
                (forge, account.lower()) for name in names for forge, account in self.people.get(name, {}).items()
            }
            found = names | {
                other
                for other, held in self.people.items()
                if any((forge, account.lower()) in accounts for forge, account in held.items())
            }
            if found == names:
                return frozenset(names)
            names = found

    def distinct(self, names: Iterable[str]) -> tuple[str, ...]:
        """Names of persons, each person once, in order."""
        kept: list[str] = []
        for name in sorted(set(names)):
            if not self.also(name).intersection(kept):
                kept.append(name)
        return tuple(kept)

    def may(self, person: str | None, action: str, model: str, stage: str | None) -> bool:
        """Whether some permission covers it. A policy without `access` lets everybody do everything."""
        if not self.access:
            return True
        return person is not None and any(
            person in self.members(entry.role)
            and action in entry.actions
            and any(fnmatch.fnmatchcase(model, glob) for glob in entry.models)
            and (stage is None or entry.stages is None or stage in entry.stages)
            for entry in self.access
        )

    def displaced_to(self, stage: Stage) -> Stage:
        """Where a holder goes that makes room in an exclusive stage."""
        return self.stages[stage].displaced_to or self.initial


def parse_gates(entries: Sequence[Mapping[str, Any]], origin: str) -> tuple[Gate, ...]:
    """Gates as the policy or a model.yaml lists them, in file order."""
    return tuple(Gate(parse_stage(e["stage"]), e.get("match") or {}, e.get("require") or {}, origin) for e in entries)


def _permission(entry: Mapping[str, Any]) -> Permission:
    stages = entry.get("stages")
    return Permission(
        entry["role"], frozenset(entry["may"]), tuple(entry["models"]), None if stages is None else frozenset(stages)
    )


def _stage_rule(name: str, rule: Mapping[str, Any]) -> StageRule:
    displaced_to = rule.get("displaced_to")
    return StageRule(
        name=parse_stage(name),
        from_=tuple(parse_stage(item) for item in rule.get("from") or ()),
        exclusive=rule.get("exclusive", False),
        displaced_to=parse_stage(displaced_to) if displaced_to else None,
        protected=rule.get("protected", False),
        via=rule.get("via", "any"),
        signed=rule.get("signed", False),
        announce=rule.get("announce", False),
        rollback=rule.get("rollback", "direct"),
    )
