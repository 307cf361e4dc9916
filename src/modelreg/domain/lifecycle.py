"""How a version moves: from the state and the policy to the transition that would be recorded."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from modelreg.domain.names import Alias, ModelName, Stage
from modelreg.domain.policy import Policy
from modelreg.domain.stages import Stages
from modelreg.domain.transition import Displaced, Kind, Transition
from modelreg.domain.verdict import Verdict
from modelreg.domain.version import Version
from modelreg.errors import DeniedError, ModelregError, NotFoundError


def check_stage(policy: Policy, stage: Stage) -> None:
    """Raises NotFoundError for a stage that the policy does not name."""
    if stage not in policy.stages:
        raise NotFoundError(
            f"the policy has no stage {stage}",
            hint=f"its stages are {', '.join(policy.stages)}: see policy.yaml",
        )


def move(
    stages: Stages,
    policy: Policy,
    *,
    model: ModelName,
    version: Version,
    manifest_sha256: str,
    to: Stage,
    number: int,
    by: str,
    at: str,
    reason: str,
    cause: str | None = None,
) -> Transition:
    """The record of moving a version to a stage: whom it displaces, which aliases follow or are dropped.

    With a `cause` it is that of bringing back a former holder. Whether it is allowed is the gate's to say. Raises
    NotFoundError for an unknown stage.
    """
    check_stage(policy, to)
    holders = stages.holders.get(to, ()) if policy.stages[to].exclusive else ()
    displaced = tuple(Displaced(v, policy.displaced_to(to)) for v in holders if v != version)
    return Transition(
        number=number,
        kind=_kind(policy, to) if cause is None else "rollback",
        model=model,
        version=version,
        manifest_sha256=manifest_sha256,
        from_=stages.stage_of(version, policy.initial),
        to=to,
        by=by,
        at=at,
        reason=reason,
        policy_serial=policy.serial,
        cause=cause,
        displaces=displaced,
        aliases=_alias_changes(stages, policy, version, to, displaced),
    )


def recorded_rightly(transition: Transition, stages: Stages, policy: Policy) -> Iterator[Verdict]:
    """Whether a record says what modelreg would have written on this state and policy: a hand-made one may not.

    A verdict for each field that differs; none where all is as it should be.
    """
    expected = _expected(transition, stages, policy)
    if expected is None:
        yield Verdict("record", False, "a stage of the policy", str(transition.to), "the policy has no such stage")
        return
    for name in ("kind", "from_", "to", "displaces", "aliases", "policy_serial"):
        mine, theirs = getattr(transition, name), getattr(expected, name)
        if mine != theirs:
            told = name.rstrip("_")
            reason = f"{told} differs from what modelreg records on this base: modelreg propose --refresh writes it"
            yield Verdict(f"record.{told}", False, _told(theirs), _told(mine), reason)


def _expected(transition: Transition, stages: Stages, policy: Policy) -> Transition | None:
    common: dict[str, Any] = {
        "model": transition.model,
        "version": transition.version,
        "manifest_sha256": transition.manifest_sha256,
        "number": transition.number,
        "by": transition.by,
        "at": transition.at,
        "reason": transition.reason,
    }
    if transition.kind == "alias":
        alias = next(iter(transition.aliases))
        try:
            return name_alias(stages, policy, alias=alias, **common)
        except ModelregError:
            return None
    if transition.kind == "withdraw":
        return withdraw(stages, policy, **common)
    if transition.to is None or transition.to not in policy.stages:
        return None
    cause = (transition.cause or "") if transition.kind == "rollback" else None
    return move(stages, policy, to=transition.to, cause=cause, **common)


def _told(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(f"{d.version} to {d.to}" for d in value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name}: {version}" for name, version in sorted(value.items())) or "none"
    return str(value)


def withdraw(
    stages: Stages,
    policy: Policy,
    *,
    model: ModelName,
    version: Version,
    manifest_sha256: str,
    number: int,
    by: str,
    at: str,
    reason: str,
) -> Transition:
    """The record of taking a version out of every stage and from every alias."""
    return Transition(
        number=number,
        kind="withdraw",
        model=model,
        version=version,
        manifest_sha256=manifest_sha256,
        from_=stages.stage_of(version, policy.initial),
        to=None,
        by=by,
        at=at,
        reason=reason,
        policy_serial=policy.serial,
        aliases=dict.fromkeys(stages.aliases_of(version)),
    )


def name_alias(
    stages: Stages,
    policy: Policy,
    *,
    model: ModelName,
    alias: Alias,
    version: Version | None,
    manifest_sha256: str | None,
    number: int,
    by: str,
    at: str,
    reason: str,
) -> Transition:
    """The record of an alias set or (version None) removed. Raises DeniedError where the policy asks for a stage."""
    if version is None and alias not in stages.aliases:
        raise NotFoundError(f"{model} has no alias {alias}", hint=f"modelreg stage list {model} shows them")
    required = policy.alias_requires.get(alias)
    if version is not None and required and version not in stages.holders.get(required, ()):
        raise DeniedError(
            f"alias {alias} requires stage {required}, and {model}@{version} is in "
            f"{stages.stage_of(version, policy.initial)}",
            hint=f"modelreg stage set {model} {version} {required}",
        )
    return Transition(
        number=number,
        kind="alias",
        model=model,
        version=version,
        manifest_sha256=manifest_sha256,
        from_=None,
        to=None,
        by=by,
        at=at,
        reason=reason,
        policy_serial=policy.serial,
        aliases={alias: version},
    )


def _kind(policy: Policy, to: Stage) -> Kind:
    """`archive` for a stage that the policy names for holders that make room, unless it is where versions begin."""
    retired = {rule.displaced_to for rule in policy.stages.values()}
    return "archive" if to in retired and to != policy.initial else "promote"


def _alias_changes(
    stages: Stages, policy: Policy, version: Version, to: Stage, displaced: tuple[Displaced, ...]
) -> dict[Alias, Version | None]:
    """An alias that requires a stage follows its new holder in the same record, or is dropped."""
    leaving = {d.version for d in displaced}
    changes: dict[Alias, Version | None] = {}
    for alias, required in policy.alias_requires.items():
        named = stages.aliases.get(alias)
        if named is None:
            continue
        if to == required and named in leaving:
            changes[alias] = version
        elif (named == version and to != required) or (named in leaving and to != required):
            changes[alias] = None
    return changes


def former_holder(
    transitions: Iterable[Transition], stage: Stage, present: Collection[Version], withdrawn: Collection[Version]
) -> Version | None:
    """Whom a rollback brings back: the last former holder of a stage in good standing; None where there is none.

    `transitions` in order, `present` who holds the stage now. Holders are an undo stack: an entry is pushed; a rollback
    takes off what stands above the version that it brings back, and every trace of it below. So a version that was
    rolled back from is not brought back by the next rollback; only a new promotion puts it there again.
    """
    stack: list[Version] = []
    for transition in transitions:
        version = transition.version
        if transition.to != stage or version is None or transition.kind == "alias":
            continue
        if transition.kind == "rollback":
            above = stack[len(stack) - stack[::-1].index(version) :] if version in stack else ()
            left = {*above, *(displaced.version for displaced in transition.displaces)}
            stack = [known for known in stack if known not in left and known != version]
        stack.append(version)
    return next((v for v in reversed(stack) if v not in present and v not in withdrawn), None)
