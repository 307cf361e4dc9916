"""How a version moves: from the state and the policy to the transition that would be recorded."""

from __future__ import annotations

from modelreg.domain.names import Alias, ModelName, Stage
from modelreg.domain.policy import Policy
from modelreg.domain.stages import Stages
from modelreg.domain.transition import Displaced, Kind, Transition
from modelreg.domain.version import Version
from modelreg.errors import DeniedError, NotFoundError


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
) -> Transition:
    """The record of moving a version to a stage: whom it displaces, which aliases follow or are dropped.

    Whether it is allowed is the gate's to say. Raises NotFoundError for an unknown stage.
    """
    check_stage(policy, to)
    holders = stages.holders.get(to, ()) if policy.stages[to].exclusive else ()
    displaced = tuple(Displaced(v, policy.displaced_to(to)) for v in holders if v != version)
    return Transition(
        number=number,
        kind=_kind(policy, to),
        model=model,
        version=version,
        manifest_sha256=manifest_sha256,
        from_=stages.stage_of(version, policy.initial),
        to=to,
        by=by,
        at=at,
        reason=reason,
        policy_serial=policy.serial,
        displaces=displaced,
        aliases=_alias_changes(stages, policy, version, to, displaced),
    )


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
    """`archive` for a stage that displaced holders go to, unless it is where versions begin."""
    retired = {rule.displaced_to for rule in policy.stages.values() if rule.exclusive}
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
