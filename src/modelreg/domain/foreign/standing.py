"""Where imported versions should stand, and which aliases name them: what is still to do, as plain data.

Three states are compared: theirs now, ours now, and what was imported last, which the transitions tell. What did not
change there since is left as it is here, so that a move made here is not undone by the next import.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from modelreg.domain.foreign.entities import NO_STAGE
from modelreg.domain.names import Alias, Stage
from modelreg.domain.policy import Policy
from modelreg.domain.stages import Stages
from modelreg.domain.transition import Transition
from modelreg.domain.version import Version

IMPORTED = "imported from "
"""How the reason of every record begins that an import makes."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An imported version: its number and stage there, its version here."""

    number: int
    version: Version
    stage: str


@dataclass(frozen=True, slots=True)
class Move:
    """A version is to enter a stage."""

    version: Version
    to: Stage


@dataclass(frozen=True, slots=True)
class Point:
    """An alias is to name a version, or (None) to go."""

    alias: Alias
    version: Version | None


@dataclass(frozen=True, slots=True)
class Refused:
    """What cannot be as it is there, and why."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Base:
    """What was imported last: the stage of each version that an import moved, the version of each alias."""

    stages: Mapping[Version, Stage]
    aliases: Mapping[Alias, Version | None]


def imported_last(transitions: Iterable[Transition]) -> Base:
    """The sum of the records that imports made; `transitions` are all of one model, in order."""
    stages: dict[Version, Stage] = {}
    aliases: dict[Alias, Version | None] = {}
    for transition in transitions:
        if not transition.reason.startswith(IMPORTED):
            continue
        stages |= {displaced.version: displaced.to for displaced in transition.displaces}
        if transition.to is not None and transition.version is not None:
            stages[transition.version] = transition.to
        aliases |= transition.aliases
    return Base(stages, aliases)


def stage_here(theirs: str, policy: Policy) -> Stage | None:
    """The policy's stage for one of MLflow's; None where it has none of that name."""
    if theirs in ("", NO_STAGE):
        return policy.initial
    return next((stage for stage in policy.stages if stage == theirs.lower()), None)


def stage_there(ours: Stage, policy: Policy) -> str | None:
    """MLflow's stage for one of the policy's; None for a stage that MLflow cannot name."""
    if ours == policy.initial:
        return NO_STAGE
    return ours.capitalize() if ours in ("staging", "production", "archived") else None


def moves(
    there: Sequence[Standing], here: Stages, base: Base, policy: Policy
) -> tuple[tuple[Move, ...], tuple[Refused, ...]]:
    """The moves that are still to make, those into exclusive stages first (they displace holders in the same record),
    and what this policy has no place for. In an exclusive stage stands the highest number, as MLflow answers."""
    wanted: list[tuple[Standing, Stage]] = []
    refused: list[Refused] = []
    for one in sorted(there, key=lambda one: one.number):
        stage = stage_here(one.stage, policy)
        if stage is None:
            refused.append(Refused(f"version {one.number} in {one.stage}", f"the policy has no stage {one.stage!a}"))
        else:
            wanted.append((one, stage))
    last = {stage: one for one, stage in wanted if policy.stages[stage].exclusive}
    found = []
    for one, stage in wanted:
        holder = last.get(stage, one)
        if holder != one:
            why = f"this policy has one version in {stage}, and version {holder.number} stands there too"
            refused.append(Refused(f"version {one.number} in {one.stage}", why))
        elif here.stage_of(one.version, policy.initial) != stage != base.stages.get(one.version, policy.initial):
            found.append(Move(one.version, stage))
    found.sort(key=lambda move: not policy.stages[move.to].exclusive)
    return tuple(found), tuple(refused)


def points(there: Mapping[Alias, Version], here: Stages, base: Base) -> tuple[Point, ...]:
    """The aliases that are still to be set or removed; those that no import ever set and nobody has there stay."""
    found = []
    for alias in sorted({*there, *base.aliases}):
        wanted = there.get(alias)
        if here.aliases.get(alias) != wanted != base.aliases.get(alias):
            found.append(Point(alias, wanted))
    return tuple(found)
