"""Who stands where: what stages.yaml says, and what the transitions sum up to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from modelreg.domain.names import Alias, Stage, parse_alias, parse_stage
from modelreg.domain.transition import Transition
from modelreg.domain.version import Version


@dataclass(frozen=True, slots=True)
class Stages:
    """Holders by stage, the last of a stage answers for it. A version listed nowhere is in the initial stage.

    Stages that nobody holds are left out, so that equal states are equal values.
    """

    holders: Mapping[Stage, tuple[Version, ...]] = field(default_factory=dict)
    aliases: Mapping[Alias, Version] = field(default_factory=dict)

    @classmethod
    def from_mapping(cls, body: Mapping[str, Any]) -> Stages:
        """From stages.yaml, which has passed its schema. Raises InvalidError for a bad version."""
        holders: dict[Stage, tuple[Version, ...]] = {}
        for name, value in body.items():
            if name in ("format", "aliases"):
                continue
            listed = [value] if isinstance(value, str) else value or []
            if listed:
                holders[parse_stage(name)] = tuple(Version.parse(item) for item in listed)
        aliases = {parse_alias(k): Version.parse(v) for k, v in (body.get("aliases") or {}).items()}
        return cls(holders, aliases)

    def to_mapping(self, order: Iterable[Stage], exclusive: frozenset[Stage]) -> dict[str, Any]:
        """For stages.yaml: stages by `order` (unknown ones last), one version for an exclusive stage, else a list."""
        body: dict[str, Any] = {"format": 1}
        for stage in [*order, *sorted(set(self.holders) - set(order))]:
            versions = [str(v) for v in self.holders.get(stage, ())]
            if stage in exclusive and len(versions) <= 1:
                if versions:
                    body[stage] = versions[0]
            elif versions:
                body[stage] = versions
        body["aliases"] = {alias: str(version) for alias, version in sorted(self.aliases.items())}
        return body

    def answer(self, stage: Stage) -> Version | None:
        """Which version a service gets that asks for the stage."""
        versions = self.holders.get(stage)
        return versions[-1] if versions else None

    def stage_of(self, version: Version, initial: Stage) -> Stage:
        """Where a version stands."""
        for stage, versions in self.holders.items():
            if version in versions:
                return stage
        return initial

    def aliases_of(self, version: Version) -> tuple[Alias, ...]:
        return tuple(sorted(alias for alias, named in self.aliases.items() if named == version))


def apply(stages: Stages, transition: Transition, initial: Stage) -> Stages:
    """The state after one transition. Pure; unknown stages are taken as they come (validate reports them)."""
    holders = {stage: list(versions) for stage, versions in stages.holders.items()}
    moves: list[tuple[Version, Stage | None]] = [(d.version, d.to) for d in transition.displaces]
    if transition.kind != "alias" and transition.version is not None:
        moves.append((transition.version, transition.to))
    for version, to in moves:
        for versions in holders.values():
            if version in versions:
                versions.remove(version)
        if to is not None and to != initial:
            holders.setdefault(to, []).append(version)
    aliases = dict(stages.aliases)
    for alias, named in transition.aliases.items():
        if named is None:
            aliases.pop(alias, None)
        else:
            aliases[alias] = named
    return Stages({s: tuple(v) for s, v in holders.items() if v}, aliases)


def fold(transitions: Iterable[Transition], initial: Stage, start: Stages | None = None) -> Stages:
    """The sum of transitions in order; `fold(b, start=fold(a)) == fold(a + b)`."""
    return reduce(lambda state, t: apply(state, t, initial), transitions, start or Stages())
