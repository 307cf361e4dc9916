"""Stage changes and aliases: judged, recorded as a transition, landed in one commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from modelreg.domain.names import Alias, ModelName, Stage
from modelreg.domain.plan import CommitId, Plan
from modelreg.domain.policy import Policy
from modelreg.domain.tags import Moved
from modelreg.domain.transition import Transition
from modelreg.domain.verdict import Report
from modelreg.domain.version import Version
from modelreg.errors import GateDeniedError
from modelreg.registry.announce import announcing
from modelreg.registry.judging import Circumstances
from modelreg.registry.moving import Draft, Wish, draft
from modelreg.registry.naming import named
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.workspace import Workspace
from modelreg.registry.writing import land, message, paths_of


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
    key: Path | str | None = None,
    push: bool = False,
    dry_run: bool = False,
) -> StageChange:
    """Move a version to a stage. Raises GateDeniedError with all failed checks; nothing is changed then.

    A version that stands there already is no error: the change has no transition and no commit.
    """
    by = workspace.repository.identity().email
    wish = Wish(model, version, to, by, reason, key=key)
    hint = f"modelreg stage set {model} {version} {to} --dry-run shows every check"
    return make(workspace, lambda _: wish, hint=hint, push=push, dry_run=dry_run)


def make(
    workspace: Workspace,
    wish: Callable[[Snapshot], Wish | None],
    *,
    hint: str,
    push: bool = False,
    dry_run: bool = False,
    extra: Callable[[Snapshot, Wish], dict[str, bytes]] | None = None,
) -> StageChange:
    """Land what is wished for on the branch's tip, if the gate allows it; asked again on every new tip.

    `extra` are files that land in the same commit. A wish of None is nothing to do.
    """
    made: dict[str, tuple[Draft, Wish]] = {}

    def plan(snapshot: Snapshot, base: CommitId) -> Plan | None:
        made.clear()
        wished = wish(snapshot)
        if wished is None:
            return None
        at = workspace.clock()
        drafted = draft(workspace, snapshot, wished, Circumstances(at))
        made["last"] = (drafted, wished)
        transition = drafted.transition
        if transition is None:
            return None
        if not drafted.report.allowed and not dry_run:
            raise denied(wished, drafted.report, hint)
        files = drafted.files | (extra(snapshot, wished) if extra else {})
        title = title_of(transition)
        return record_plan(workspace, base, drafted.policy, transition, files, at, title, looked(drafted.report))

    planned, landed = land(workspace, plan, push=push, dry_run=dry_run)
    if not made:
        return StageChange(None, Report(()), None, (), Stage(""))
    drafted, wished = made["last"]
    commit = landed.commit if landed else None
    return StageChange(drafted.transition, drafted.report, commit, tuple(paths_of(planned)), wished.to)


def denied(wish: Wish, report: Report, hint: str) -> GateDeniedError:
    """The gate's no, with every verdict."""
    failures = "; ".join(f"{verdict.check}: {verdict.reason}" for verdict in report.failures)
    verb = "enter" if wish.cause is None else "be brought back to"
    text = f"{wish.model}@{wish.version} may not {verb} {wish.to}: {failures}"
    return GateDeniedError(text, report.to_mapping(), hint=hint)


def set_alias(
    workspace: Workspace,
    model: ModelName,
    alias: Alias,
    version: Version | None,
    *,
    reason: str = "",
    push: bool = False,
    dry_run: bool = False,
    extra: Callable[[Snapshot], Mapping[str, bytes]] | None = None,
) -> StageChange:
    """Point an alias at a version, or (None) remove it. Raises DeniedError where the policy asks for another stage.

    `extra` are files that land in the same commit.
    """
    by = workspace.repository.identity().email
    made: dict[str, Transition] = {}

    def plan(snapshot: Snapshot, base: CommitId) -> Plan | None:
        made.clear()
        at = workspace.clock()
        done = named(workspace, snapshot, model, [alias], version, by=by, at=at, reason=reason, dry_run=dry_run)
        if not done.transitions:
            return None
        made["last"] = done.transitions[0]
        files = {**done.files, **(extra(snapshot) if extra else {})}
        return record_plan(workspace, base, done.policy, made["last"], files, at, title_of(made["last"]))

    planned, landed = land(workspace, plan, push=push, dry_run=dry_run)
    commit = landed.commit if landed else None
    return StageChange(made.get("last"), Report(()), commit, tuple(paths_of(planned)), Stage(""))


def record_plan(
    workspace: Workspace,
    base: CommitId,
    policy: Policy,
    transition: Transition,
    files: dict[str, bytes],
    at: int,
    title: str,
    approvals: str | None = None,
) -> Plan:
    """The plan of one transition: its files, commit message, and what announces it."""

    def step(commit: CommitId) -> Moved:
        return Moved(transition, commit, at, policy.announced, policy.initial)

    return Plan(
        branch=workspace.settings.branch,
        base=base,
        files=files,
        message=message(title, trailers(transition, approvals), transition.reason),
        at=at,
        announce=announcing(workspace, base, transition.model, step),
    )


def trailers(transition: Transition, approvals: str | None = None) -> dict[str, str]:
    """What a commit says of the record that it brings, for people."""
    found = {"Modelreg-Model": str(transition.model), "Modelreg-Transition": str(transition.number)}
    if transition.version is not None:
        found["Modelreg-Version"] = str(transition.version)
    return found if approvals is None else found | {"Modelreg-Approvals": approvals}


def looked(report: Report) -> str:
    """Who approved a change that lands at once; where nothing asks for approvals, that nobody else looked."""
    counted = next((verdict.actual for verdict in report.verdicts if verdict.check == "approvals"), None)
    return counted or "none asked: nobody else looked"


def title_of(transition: Transition) -> str:
    """The subject of the commit that records it."""
    model, version = transition.model, transition.version
    if transition.kind == "alias":
        alias = next(iter(transition.aliases))
        return f"Point {model}@{alias} at {version}" if version else f"Remove alias {alias} of {model}"
    if transition.kind == "rollback":
        return f"Roll {transition.to} of {model} back to {version}"
    return f"{transition.kind.capitalize()} {model} {version} to {transition.to}"
