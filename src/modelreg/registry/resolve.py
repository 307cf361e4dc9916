"""From an address to a version."""

from __future__ import annotations

from modelreg.domain.address import Address
from modelreg.domain.names import ModelName
from modelreg.domain.version import Version
from modelreg.errors import NotFoundError
from modelreg.registry.snapshot import Snapshot


def resolve(snapshot: Snapshot, address: Address) -> Version:
    """The version that an address names. Raises NotFoundError, saying what there is instead."""
    model = address.model
    if address.version is not None:
        snapshot.manifest(model, address.version)
        return address.version
    if address.stage is not None:
        return _in_stage(snapshot, address)
    if address.alias is not None:
        named = snapshot.stages(model).aliases.get(address.alias)
        if named is None:
            hint = f"modelreg stage list {model} shows its aliases; a stage is written {model}#{address.alias}"
            raise NotFoundError(f"{model} has no alias {address.alias}", hint=hint)
        return named
    return latest(snapshot, model)


def latest(snapshot: Snapshot, model: ModelName) -> Version:
    """The highest version in good standing; a pre-release only where there is nothing else. Raises NotFoundError."""
    snapshot.require_model(model)
    good = [v for v in snapshot.versions(model) if v not in snapshot.withdrawn(model)]
    if not good:
        raise NotFoundError(f"{model} has no version in good standing", hint=f"modelreg list {model}")
    return max([v for v in good if not v.is_prerelease] or good)


def _in_stage(snapshot: Snapshot, address: Address) -> Version:
    model, stage = address.model, address.stage
    if stage is None:
        raise NotFoundError(f"{address} names no stage")
    policy = snapshot.policy()
    if stage not in policy.stages:
        hint = f"its stages are {', '.join(policy.stages)}: see policy.yaml"
        raise NotFoundError(f"the policy has no stage {stage}", hint=hint)
    stages = snapshot.stages(model)
    if stage == policy.initial:
        gone = snapshot.withdrawn(model)
        free = [v for v in snapshot.versions(model) if stages.stage_of(v, stage) == stage and v not in gone]
        answer = free[-1] if free else None
    else:
        answer = stages.answer(stage)
    if answer is None:
        raise NotFoundError(f"no version of {model} is in {stage}", hint=f"modelreg stage list {model}")
    return answer
