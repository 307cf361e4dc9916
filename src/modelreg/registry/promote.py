"""Automated promotion: the newest version whose gate is met, set or proposed as the policy says. Made for a scheduler.

What somebody has taken out of a stage is never put back by a machine: only versions that stand before the stage in the
policy's order, and that never held it, are candidates.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from modelreg.domain.lifecycle import check_stage
from modelreg.domain.names import ModelName, Stage
from modelreg.domain.policy import Policy
from modelreg.domain.proposal import ProposalName, unmet
from modelreg.domain.version import Version
from modelreg.registry.judging import Circumstances
from modelreg.registry.moving import Wish, draft
from modelreg.registry.proposals import look
from modelreg.registry.propose import Proposed, propose
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.stage import StageChange, set_stage
from modelreg.registry.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Considered:
    """A version newer than the holder. `candidate` False: a machine passes it over; `reasons` say why it is not met."""

    version: Version
    candidate: bool
    reasons: tuple[str, ...]

    @property
    def met(self) -> bool:
        return self.candidate and not self.reasons


@dataclass(frozen=True, slots=True)
class Promotion:
    """What came of it. `version` is the chosen one; None where no candidate is met, or there is none (`nothing_new`).

    `considered` are the versions newer than `holder`, newest first, up to the one that was chosen.
    """

    model: ModelName
    to: Stage
    holder: Version | None
    considered: tuple[Considered, ...]
    version: Version | None = None
    change: StageChange | Proposed | None = None

    @property
    def nothing_new(self) -> bool:
        return not any(item.candidate for item in self.considered)


def promote(
    workspace: Workspace,
    model: ModelName,
    to: Stage,
    *,
    proposed: bool = False,
    reason: str = "",
    key: Path | str | None = None,
    push: bool = False,
    dry_run: bool = False,
) -> Promotion:
    """Set the newest version whose gate is met, or propose it: asked for, or where the stage is `via: pull-request`.

    A proposal may still lack approvals, which it is there to gather. Raises NotFoundError for an unknown model or
    stage, GateDeniedError where the branch moved and the gate says no since.
    """
    snapshot = workspace.snapshot()
    policy = snapshot.policy(check=True)
    snapshot.require_model(model)
    check_stage(policy, to)
    proposed = proposed or policy.stages[to].via == "pull-request"
    holder = snapshot.stages(model).answer(to)
    by = workspace.repository.identity().email
    considered = []
    for version in _newer(snapshot, model, holder):
        wish = Wish(model, version, to, by, reason or "promoted automatically: its gate is met", key=key)
        item = _consider(workspace, snapshot, policy, wish, proposed=proposed)
        considered.append(item)
        if item.met:
            change = _act(workspace, wish, proposed=proposed, push=push, dry_run=dry_run)
            return Promotion(model, to, holder, tuple(considered), version, change)
    return Promotion(model, to, holder, tuple(considered))


def _act(workspace: Workspace, wish: Wish, *, proposed: bool, push: bool, dry_run: bool) -> StageChange | Proposed:
    if proposed:
        return propose(workspace, wish, push=push, dry_run=dry_run)
    return set_stage(
        workspace,
        wish.model,
        wish.version,
        wish.to,
        reason=wish.reason,
        key=wish.key,
        push=push,
        dry_run=dry_run,
    )


def _newer(snapshot: Snapshot, model: ModelName, holder: Version | None) -> list[Version]:
    """Versions in good standing after the holder, newest first (SemVer 2.0.0, section 11)."""
    gone = snapshot.withdrawn(model)
    found = [v for v in snapshot.versions(model) if v not in gone and (holder is None or v > holder)]
    return sorted(found, reverse=True)


def _consider(workspace: Workspace, snapshot: Snapshot, policy: Policy, wish: Wish, *, proposed: bool) -> Considered:
    order = list(policy.stages)
    stands = snapshot.stages(wish.model).stage_of(wish.version, policy.initial)
    if stands not in order or order.index(stands) >= order.index(wish.to):
        return Considered(wish.version, False, (f"it stands in {stands}",))
    if any((t.version, t.to) == (wish.version, wish.to) for t in snapshot.transitions(wish.model)):
        return Considered(wish.version, False, (f"it was taken out of {wish.to} before: a person may bring it back",))
    base = workspace.tip()
    name = ProposalName(wish.model, wish.version, wish.to)
    tip = workspace.repository.branch_tip(str(name)) if proposed else None
    if tip is not None and look(workspace, name, tip, base, workspace.clock()).state != "landed":
        return Considered(wish.version, True, ())  # proposed already: said so by `propose`
    circumstances = Circumstances(workspace.clock(), via="pull-request" if proposed else "direct")
    verdicts = draft(workspace, snapshot, wish, circumstances).report.verdicts
    missing = unmet(verdicts) if proposed else tuple(verdict for verdict in verdicts if not verdict.passed)
    return Considered(wish.version, True, tuple(f"{verdict.check}: {verdict.reason}" for verdict in missing))
