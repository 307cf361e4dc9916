"""Rollback: a former holder of a stage brought back, directly or as a proposal, as the policy says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from modelreg.domain.lifecycle import check_stage, former_holder
from modelreg.domain.names import ModelName, Stage
from modelreg.domain.version import Version
from modelreg.errors import DeniedError, InvalidError
from modelreg.registry.moving import Wish
from modelreg.registry.propose import Proposed, propose
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.stage import StageChange, make
from modelreg.registry.workspace import Workspace

Beside = Callable[[Snapshot, Wish], dict[str, bytes]]


def roll_back(
    workspace: Workspace,
    model: ModelName,
    stage: Stage,
    to: Version | None,
    *,
    cause: str,
    reason: str = "",
    proposed: bool = False,
    key: Path | str | None = None,
    push: bool = False,
    dry_run: bool = False,
    beside: Beside | None = None,
) -> tuple[Version, StageChange | Proposed]:
    """Bring back `to`, or the last former holder; a stage whose policy says `rollback: propose` gets a proposal.

    `beside` are files that come in the same commit. Raises DeniedError where there is nobody to bring back,
    GateDeniedError with all failed checks, NotFoundError for an unknown model, version or stage.
    """
    if not cause.strip():
        raise InvalidError("a rollback says what made it necessary", field="cause", hint='--cause "live accuracy fell"')
    by = workspace.repository.identity().email

    def wish(snapshot: Snapshot) -> Wish:
        version = to or whom(snapshot, model, stage)
        return Wish(model, version, stage, by, reason, cause=cause, key=key)

    tip = workspace.snapshot()
    if proposed or is_proposed(tip, stage):
        wished = wish(tip)
        return wished.version, propose(workspace, wished, push=push, dry_run=dry_run, beside=beside)
    brought: list[Version] = []

    def remembered(snapshot: Snapshot) -> Wish:
        wished = wish(snapshot)
        brought[:] = [wished.version]
        return wished

    hint = f"modelreg rollback {model} --stage {stage} --dry-run shows every check"
    change = make(workspace, remembered, hint=hint, push=push, dry_run=dry_run, extra=beside)
    return brought[0], change


def is_proposed(snapshot: Snapshot, stage: Stage) -> bool:
    """Whether the policy wants rollbacks of a stage argued about first."""
    policy = snapshot.policy(check=True)
    check_stage(policy, stage)
    return policy.stages[stage].rollback == "propose"


def whom(snapshot: Snapshot, model: ModelName, stage: Stage) -> Version:
    """The last former holder in good standing. Raises DeniedError where there is none."""
    snapshot.require_model(model)
    check_stage(snapshot.policy(), stage)
    present = snapshot.stages(model).holders.get(stage, ())
    found = former_holder(snapshot.transitions(model), stage, present, snapshot.withdrawn(model))
    if found is None:
        raise DeniedError(
            f"nobody can be brought back to {stage} of {model}: no former holder is left that is in good standing "
            "and was not itself rolled back from",
            hint=f"modelreg history {model} shows who was there; --to VERSION names one",
        )
    return found
