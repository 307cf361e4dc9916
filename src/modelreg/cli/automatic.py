"""`modelreg promote --auto` and `modelreg monitor`: what a scheduler calls."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelreg.cli.changes import change_mapping, proposal_mapping, tell_change, tell_proposal
from modelreg.cli.options import HERE, Branch, DryRun, Json, Key, Model, ProposeOption, Push, Reason, RegistryPath, Sign
from modelreg.cli.output import emit_json, next_step, note, result, short
from modelreg.cli.proposals import opened_for

if TYPE_CHECKING:
    from modelreg.domain.names import ModelName
    from modelreg.domain.version import Version
    from modelreg.integrations.pull_request import Opened
    from modelreg.registry.monitor import Monitored
    from modelreg.registry.promote import Promotion
    from modelreg.registry.propose import Proposed
    from modelreg.registry.stage import StageChange
    from modelreg.registry.workspace import Workspace

Auto = Annotated[bool, typer.Option("--auto", help="Take the newest version whose gate is met.")]
ToStage = Annotated[str, typer.Option("--to", metavar="STAGE", help="The stage to fill.", show_default=False)]
Live = Annotated[
    Path,
    typer.Option("--metrics", metavar="FILE", help="Live metrics, JSON or YAML: name: number.", show_default=False),
]
MeasuredOf = Annotated[
    str | None,
    typer.Option("--of", metavar="VERSION", help="The version that was measured; refuse if another serves now."),
]
Watched = Annotated[str, typer.Option("--stage", metavar="STAGE", help="The stage whose holder serves.")]


def add_to(app: typer.Typer) -> None:
    app.command()(promote)
    app.command()(monitor)


def promote(
    model: Model,
    to: ToStage,
    auto: Auto = False,
    reason: Reason = "",
    registry: RegistryPath = HERE,
    branch: Branch = None,
    propose: ProposeOption = False,
    sign: Sign = False,
    key: Key = None,
    push: Push = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Promote the newest version whose gate is met, set or proposed as the policy says; exit 1 where none is met."""
    from modelreg import notifying
    from modelreg.domain.names import parse_model, parse_stage
    from modelreg.errors import UsageError
    from modelreg.registry.promote import promote as perform
    from modelreg.wiring import open_workspace, signing_key

    if not auto:
        raise UsageError(
            "which version?", hint=f"--auto takes the newest that is met; else: modelreg stage set {model} …"
        )
    workspace = open_workspace(registry, branch)
    done = perform(
        workspace,
        parse_model(model),
        parse_stage(to),
        proposed=propose,
        reason=reason,
        key=signing_key(registry, key, wanted=sign),
        push=push,
        dry_run=dry_run,
    )
    change = _acted(workspace, done.change, dry_run=dry_run)
    if as_json:
        emit_json(_promotion_mapping(done, change.mapping(done.model, done.version)))
    else:
        _tell_promotion(done)
        change.tell(done.model, done.version, dry_run=dry_run)
    if done.version is None and not done.nothing_new:
        if not dry_run:
            notifying.refuse(workspace, done)
        raise typer.Exit(1)


def monitor(
    model: Model,
    metrics: Live,
    stage: Watched = "production",
    of: MeasuredOf = None,
    registry: RegistryPath = HERE,
    branch: Branch = None,
    sign: Sign = False,
    key: Key = None,
    push: Push = False,
    as_json: Json = False,
) -> None:
    """Ask the policy's rollback_when rules of live metrics: a breach is recorded and rolled back, else nothing is written.

    Exit 0 where all is well, or what the policy allows was done; 1 where a breach finds nobody to roll back to; 4 where
    a rule cannot be evaluated; 5 where the metrics are of a version that serves no more.
    """
    from modelreg.domain.names import parse_model, parse_stage
    from modelreg.domain.version import Version as Parsed
    from modelreg.errors import InvalidError, NotFoundError, UnavailableError
    from modelreg.registry.inputs import read_metrics
    from modelreg.registry.monitor import monitor as perform
    from modelreg.wiring import open_workspace, signing_key

    workspace = open_workspace(registry, branch)
    try:
        live = read_metrics(workspace.documents, metrics)
    except (InvalidError, NotFoundError) as error:
        raise UnavailableError(
            f"nothing was judged: {error.message}", hint=error.hint, file=error.file, line=error.line, field=error.field
        ) from error
    signer = signing_key(registry, key, wanted=sign)
    measured = Parsed.parse(of) if of is not None else None
    done = perform(workspace, parse_model(model), parse_stage(stage), live, of=measured, key=signer, push=push)
    change = _acted(workspace, done.change, dry_run=False)
    if as_json:
        emit_json(_monitored_mapping(done, change.mapping(done.model, done.rolled_back_to)))
    else:
        _tell_monitored(done)
        change.tell(done.model, done.rolled_back_to, dry_run=False)
    if done.breach is not None and done.rolled_back_to is None:
        raise typer.Exit(1)


@dataclass(frozen=True)
class _Acted:
    """What was done, in either way, for JSON and for people."""

    change: StageChange | None = None
    proposed: Proposed | None = None
    opened: Opened | None = None

    def mapping(self, model: ModelName, version: Version | None) -> dict[str, Any] | None:
        if self.proposed is not None:
            return proposal_mapping(self.proposed, self.opened)
        return None if self.change is None else change_mapping(model, version, self.change)

    def tell(self, model: ModelName, version: Version | None, *, dry_run: bool) -> None:
        if self.proposed is not None:
            tell_proposal(self.proposed, self.opened, dry_run=dry_run)
        elif self.change is not None and version is not None:
            tell_change(model, version, self.change, dry_run=dry_run)


def _acted(workspace: Workspace, done: StageChange | Proposed | None, *, dry_run: bool) -> _Acted:
    from modelreg.registry.propose import Proposed

    if isinstance(done, Proposed):
        return _Acted(proposed=done, opened=opened_for(workspace, done, dry_run=dry_run))
    return _Acted(done)


def _promotion_mapping(done: Promotion, change: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "model": done.model,
        "to": done.to,
        "holder": str(done.holder) if done.holder else None,
        "version": str(done.version) if done.version else None,
        "nothing_new": done.nothing_new,
        "considered": [
            {"version": str(c.version), "candidate": c.candidate, "met": c.met, "reasons": list(c.reasons)}
            for c in done.considered
        ],
        "change": change,
    }


def _tell_promotion(done: Promotion) -> None:
    for item in done.considered:
        if not item.met:
            word = "is not met" if item.candidate else "is passed over"
            note(f"{done.model}@{item.version} {word}: {'; '.join(item.reasons)}")
    if done.version is not None:
        return
    if done.nothing_new:
        result(
            f"nothing to promote: no version of {done.model} newer than {done.holder or 'nothing'} can enter {done.to}"
        )
    else:
        result(f"no version of {done.model} meets the gate of {done.to}")
        next_step(f"modelreg policy test {done.model}@{done.considered[0].version} {done.to}")


def _monitored_mapping(done: Monitored, change: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "model": done.model,
        "version": str(done.version),
        "stage": done.stage,
        "breach": done.breach is not None,
        "rule": done.breach.name if done.breach else None,
        "rules": [{"name": a.rule.name, "broken": a.broken, "found": a.told} for a in done.answers],
        "evidence": done.evidence,
        "rolled_back_to": str(done.rolled_back_to) if done.rolled_back_to else None,
        "commit": done.commit,
        "change": change,
    }


def _tell_monitored(done: Monitored) -> None:
    for answer in done.answers:
        word = "cannot be evaluated" if answer.broken is None else "BROKEN" if answer.broken else "ok"
        result(f"{answer.rule.name}: {word} ({answer.told})")
    name = f"{done.model}@{done.version}"
    if done.breach is None:
        result(f"{name} in {done.stage} is well: nothing was written")
    elif done.rolled_back_to is None:
        where = f"in commit {short(done.commit)}" if done.commit else "before"
        result(f"{name} breaks {done.breach.name}, recorded {where}; there is nobody to roll back to")
        next_step(f"modelreg history {done.model}, and rollback --to VERSION or stage set of another")
