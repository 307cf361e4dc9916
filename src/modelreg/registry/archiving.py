"""A stage change that makes room: the version comes into the stage, and whoever else stands there leaves it."""

from __future__ import annotations

from modelreg.domain.clock import stamp
from modelreg.domain.lifecycle import check_stage, move
from modelreg.domain.names import ModelName, Stage
from modelreg.domain.plan import CommitId, Plan
from modelreg.domain.stages import Stages, apply
from modelreg.domain.tags import Moved, Step
from modelreg.domain.transition import Transition
from modelreg.domain.version import Version
from modelreg.registry.announce import announcing_all
from modelreg.registry.judging import Circumstances, Judge
from modelreg.registry.moving import Wish
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.stage import denied, title_of
from modelreg.registry.workspace import Workspace
from modelreg.registry.writing import land, manifest_sha256, message, next_number, transition_files


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
        judge = Judge(workspace, snapshot, snapshot, Circumstances(at))
        state, files, moves = snapshot.stages(model), dict[str, bytes](), list[Transition]()
        for moved, target in _wanted(state, policy.initial, version, to, others_to):
            if state.stage_of(moved, policy.initial) == target:
                continue  # an exclusive stage has displaced it
            made = move(
                state,
                policy,
                model=model,
                version=moved,
                manifest_sha256=manifest_sha256(snapshot, workspace.layout.manifest(model, moved)),
                to=target,
                number=next_number(snapshot, model) + len(moves),
                by=by,
                at=stamp(at),
                reason=reason,
            )
            report = judge.judge(made, state)
            if not report.allowed:
                hint = f"modelreg stage set {model} {moved} {target} --dry-run shows every check"
                raise denied(Wish(model, moved, target, by, reason), report, hint)
            files |= transition_files(workspace, policy, state, made)
            state = apply(state, made, policy.initial)
            moves.append(made)
        if not moves:
            return None

        def steps(commit: CommitId) -> list[Step]:
            return [Moved(made, commit, at, policy.announced, policy.initial) for made in moves]

        trailers = {"Modelreg-Model": str(model), "Modelreg-Version": str(version)}
        trailers["Modelreg-Transition"] = ", ".join(str(made.number) for made in moves)
        title = title_of(moves[0])
        if len(moves) > 1:
            title += f", and others to {others_to}"
        said = message(title, trailers, reason)
        announce = announcing_all(workspace, base, model, steps)
        return Plan(workspace.settings.branch, base, files, said, at, announce)

    _, landed = land(workspace, plan, push=push, dry_run=False)
    return landed.commit if landed else None


def _wanted(
    stages: Stages, initial: Stage, version: Version, to: Stage, others_to: Stage
) -> list[tuple[Version, Stage]]:
    others = [held for held in stages.holders.get(to, ()) if held != version] if to != initial else []
    return [(version, to), *((other, others_to) for other in others)]
