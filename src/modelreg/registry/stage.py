"""Stage changes and aliases: judged, recorded as a transition, landed in one commit."""

from __future__ import annotations

from dataclasses import dataclass

from modelreg.domain.clock import stamp
from modelreg.domain.gate import Candidate, Context, Facts, Report, judge
from modelreg.domain.lifecycle import check_stage, move, name_alias
from modelreg.domain.names import Alias, ModelName, Stage
from modelreg.domain.plan import CommitId, Plan
from modelreg.domain.policy import Policy
from modelreg.domain.stages import Stages
from modelreg.domain.tags import Moved
from modelreg.domain.transition import Transition
from modelreg.domain.version import Version
from modelreg.errors import DeniedError, GateDeniedError
from modelreg.registry.announce import announcing
from modelreg.registry.facts import artifact_level
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.workspace import Workspace
from modelreg.registry.writing import land, manifest_sha256, message, next_number, paths_of, transition_files


@dataclass(frozen=True, slots=True)
class StageChange:
    """What a stage change did, or would do. Without `commit` nothing landed (dry run, or it stood there already)."""

    transition: Transition | None
    report: Report
    commit: CommitId | None
    files: tuple[str, ...]
    stage: Stage


def set_stage(
    workspace: Workspace,
    model: ModelName,
    version: Version,
    to: Stage,
    *,
    reason: str = "",
    push: bool = False,
    dry_run: bool = False,
) -> StageChange:
    """Move a version to a stage. Raises GateDeniedError with all failed checks; nothing is changed then.

    A version that stands there already is no error: the change has no transition and no commit.
    """
    by = workspace.repository.identity().email
    made: dict[str, StageChange] = {}

    def plan(snapshot: Snapshot, base: CommitId) -> Plan | None:
        policy = snapshot.policy(check=True)
        check_stage(policy, to)
        snapshot.manifest(model, version, check=True)
        stages = snapshot.stages(model)
        if stages.stage_of(version, policy.initial) == to:
            made["last"] = StageChange(None, Report(()), None, (), to)
            return None
        digest = manifest_sha256(snapshot, workspace.layout.manifest(model, version))
        at = workspace.clock()
        transition = move(
            stages,
            policy,
            model=model,
            version=version,
            manifest_sha256=digest,
            to=to,
            number=next_number(snapshot, model),
            by=by,
            at=stamp(at),
            reason=reason,
        )
        report = _judge(workspace, snapshot, policy, stages, transition)
        made["last"] = StageChange(transition, report, None, (), to)
        if not report.allowed and not dry_run:
            raise GateDeniedError(
                f"{model}@{version} may not enter {to}: {_failures(report)}",
                report.to_mapping(),
                hint=f"modelreg stage set {model} {version} {to} --dry-run shows every check",
            )
        return _plan(workspace, base, policy, stages, transition, at)

    planned, landed = land(workspace, plan, push=push, dry_run=dry_run)
    change = made["last"]
    files = tuple(paths_of(planned))
    return StageChange(change.transition, change.report, landed.commit if landed else None, files, to)


def set_alias(
    workspace: Workspace,
    model: ModelName,
    alias: Alias,
    version: Version | None,
    *,
    reason: str = "",
    push: bool = False,
    dry_run: bool = False,
) -> StageChange:
    """Point an alias at a version, or (None) remove it. Raises DeniedError where the policy asks for another stage."""
    by = workspace.repository.identity().email
    made: dict[str, Transition] = {}

    def plan(snapshot: Snapshot, base: CommitId) -> Plan | None:
        policy = snapshot.policy(check=True)
        stages = snapshot.stages(model)
        if stages.aliases.get(alias) == version and version is not None:
            return None
        digest = None
        if version is not None:
            snapshot.manifest(model, version, check=True)
            if version in snapshot.withdrawn(model):
                raise DeniedError(f"{model}@{version} is withdrawn", hint="name a version in good standing")
            digest = manifest_sha256(snapshot, workspace.layout.manifest(model, version))
        at = workspace.clock()
        made["last"] = name_alias(
            stages,
            policy,
            model=model,
            alias=alias,
            version=version,
            manifest_sha256=digest,
            number=next_number(snapshot, model),
            by=by,
            at=stamp(at),
            reason=reason,
        )
        return _plan(workspace, base, policy, stages, made["last"], at)

    planned, landed = land(workspace, plan, push=push, dry_run=dry_run)
    commit = landed.commit if landed else None
    return StageChange(made.get("last"), Report(()), commit, tuple(paths_of(planned)), Stage(""))


def record_plan(
    workspace: Workspace,
    base: CommitId,
    policy: Policy,
    stages: Stages,
    transition: Transition,
    at: int,
    title: str,
    extra: dict[str, bytes] | None = None,
) -> Plan:
    """The plan of one transition: record, new sum, commit message, and what announces it."""
    trailers = {"Modelreg-Model": transition.model, "Modelreg-Transition": str(transition.number)}
    if transition.version is not None:
        trailers["Modelreg-Version"] = str(transition.version)

    def step(commit: CommitId) -> Moved:
        return Moved(transition, commit, at, policy.announced, policy.initial)

    return Plan(
        branch=workspace.settings.branch,
        base=base,
        files=transition_files(workspace, policy, stages, transition) | (extra or {}),
        message=message(title, trailers, transition.reason),
        at=at,
        announce=announcing(workspace, base, transition.model, step),
    )


def _plan(
    workspace: Workspace,
    base: CommitId,
    policy: Policy,
    stages: Stages,
    transition: Transition,
    at: int,
) -> Plan:
    model, version = transition.model, transition.version
    if transition.kind == "alias":
        alias = next(iter(transition.aliases))
        title = f"Point {model}@{alias} at {version}" if version else f"Remove alias {alias} of {model}"
    else:
        title = f"{transition.kind.capitalize()} {model} {version} to {transition.to}"
    return record_plan(workspace, base, policy, stages, transition, at, title)


def _judge(workspace: Workspace, snapshot: Snapshot, policy: Policy, stages: Stages, transition: Transition) -> Report:
    """Gather the facts that the gate asks for, then ask it."""
    model, version, to = transition.model, transition.version, transition.to
    if version is None or to is None:
        raise ValueError("only a move between stages is judged")
    document = snapshot.model(model)
    gates = snapshot.gates(model, policy)
    withdrawn = snapshot.withdrawn(model)
    holder = stages.answer(to)
    context = Context(
        candidate=Candidate(snapshot.manifest(model, version), version in withdrawn),
        holder=Candidate(snapshot.manifest(model, holder)) if holder else None,
        transition=transition,
        facts=Facts(artifact_level=artifact_level(workspace, snapshot, gates, model, version, to)),
        primary_metric=document.value.get("primary_metric"),
    )
    return judge(policy, gates, context, document.value.get("task", "other"), document.value.get("tags") or {})


def _failures(report: Report) -> str:
    return "; ".join(f"{verdict.check}: {verdict.reason}" for verdict in report.failures)
