"""`modelreg rollback`."""

from __future__ import annotations

from typing import Annotated

import typer

from modelreg.cli.changes import answer_change
from modelreg.cli.options import HERE, Branch, DryRun, Json, Key, Model, ProposeOption, Push, Reason, RegistryPath, Sign
from modelreg.cli.output import note
from modelreg.cli.proposals import tell

StageOption = Annotated[str, typer.Option("--stage", metavar="STAGE", help="The stage whose holder is replaced.")]
ToVersion = Annotated[
    str | None,
    typer.Option("--to", metavar="VERSION", help="Whom to bring back; without, the last former holder."),
]
Cause = Annotated[str, typer.Option("--cause", metavar="TEXT", help="What made it necessary; goes into the record.")]


def add_to(app: typer.Typer) -> None:
    app.command()(rollback)


def rollback(
    model: Model,
    cause: Cause,
    stage: StageOption = "production",
    to: ToVersion = None,
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
    """Bring back a former holder of a stage; proposed where the policy wants that."""
    from modelreg.domain.names import parse_model, parse_stage
    from modelreg.domain.version import Version
    from modelreg.registry.propose import Proposed
    from modelreg.registry.rollback import roll_back
    from modelreg.wiring import open_workspace, signing_key

    workspace = open_workspace(registry, branch)
    name, wanted = parse_model(model), None if to is None else Version.parse(to)
    version, done = roll_back(
        workspace,
        name,
        parse_stage(stage),
        wanted,
        cause=cause,
        reason=reason,
        proposed=propose,
        key=signing_key(registry, key, wanted=sign),
        push=push,
        dry_run=dry_run,
    )
    if isinstance(done, Proposed):
        if not propose:
            note(f"the policy wants rollbacks of {stage} proposed: this is one")
        tell(workspace, done, dry_run=dry_run, as_json=as_json)
        return
    answer_change(name, version, done, dry_run=dry_run, as_json=as_json)
