"""A stage change that makes room: the version comes into the stage, and whoever else stands there leaves it."""

from __future__ import annotations

from collections.abc import Iterable

from modelreg.domain.lifecycle import check_stage
from modelreg.domain.names import ModelName, Stage
from modelreg.domain.plan import CommitId, Plan
from modelreg.domain.policy import Policy
from modelreg.domain.stages import Stages, apply
from modelreg.domain.tags import Moved, Step
from modelreg.domain.transition import Transition
from modelreg.domain.version import Version
from modelreg.registry.announce import announcing_all
from modelreg.registry.judging import Circumstances, Judge
from modelreg.registry.moving import Wish, record_of
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.stage import denied, title_of
from modelreg.registry.workspace import Workspace
from modelreg.registry.writing import land, message, next_number, transition_files


def set_stage_alone(
    workspace: Workspace,
    model: ModelName,
    version: Version,
    to: Stage,
    *,
    others_to: Stage,
    reason: str = "",
    push: bool = False,
) -> CommitId | None:
    """Move a version to a stage and every other holder of it to `others_to`, in one commit; None: it was so already.

    A record each, judged in their order: first the version that comes, beside the holders that it is compared with,
    then those that leave. An exclusive stage displaces its holder in the first record. Raises GateDeniedError where
    one of the moves is refused (nothing is changed then), NotFoundError for an unknown stage or version.
    """
    by = workspace.repository.identity().email

    def plan(snapshot: Snapshot, base: CommitId) -> Plan | None:
        policy, at = snapshot.policy(check=True), workspace.clock()
        check_stage(policy, others_to)
        check_stage(policy, to)
        state = snapshot.stages(model)
        others = _others(state, policy.initial, version, to)
        wishes = [
            Wish(model, version, to, by, reason),
            *(Wish(model, other, others_to, by, reason) for other in others),
        ]
        moves, files = _moves(workspace, snapshot, policy, state, wishes, at)
        if not moves:
            return None

        def steps(commit: CommitId) -> list[Step]:
            return [Moved(made, commit, at, policy.announced, policy.initial) for made in moves]

        title = title_of(moves[0]) + (f", and others to {others_to}" if len(moves) > 1 else "")
        trailers = {"Modelreg-Model": str(model), "Modelreg-Version": str(version)}
        trailers["Modelreg-Transition"] = ", ".join(str(made.number) for made in moves)
        said = message(title, trailers, reason)
        return Plan(workspace.settings.branch, base, files, said, at, announcing_all(workspace, base, model, steps))

    _, landed = land(workspace, plan, push=push, dry_run=False)
    return landed.commit if landed else None


def _others(stages: Stages, initial: Stage, version: Version, to: Stage) -> list[Version]:
    """Who else stands there; nobody in the initial stage, where whoever has not been moved stands."""
    return [held for held in stages.holders.get(to, ()) if held != version] if to != initial else []


def _moves(
    workspace: Workspace, snapshot: Snapshot, policy: Policy, state: Stages, wishes: Iterable[Wish], at: int
) -> tuple[list[Transition], dict[str, bytes]]:
    """The records of these moves of one model, each judged on what those before it leave of `state`, and their files.

    Raises GateDeniedError for the first that may not be.
    """
    judge = Judge(workspace, snapshot, snapshot, Circumstances(at))
    moves, files = list[Transition](), dict[str, bytes]()
    for wish in wishes:
        model, moved = wish.model, wish.version
        if state.stage_of(moved, policy.initial) == wish.to:
            continue  # from the start, or displaced to it by the first
        made = record_of(workspace, snapshot, wish, policy, state, next_number(snapshot, model) + len(moves), at)
        report = judge.judge(made, state)
        if not report.allowed:
            raise denied(wish, report, f"modelreg stage set {model} {moved} {wish.to} --dry-run shows every check")
        files |= transition_files(workspace, policy, state, made)
        state = apply(state, made, policy.initial)
        moves.append(made)
    return moves, files
