"""`modelreg propose` and `modelreg proposals`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelreg.cli.changes import proposal_mapping, tell_proposal
from modelreg.cli.options import (
    HERE,
    DryRun,
    Json,
    Key,
    Model,
    Push,
    Reason,
    RegistryPath,
    Sign,
    StageName,
    Version,
)
from modelreg.cli.output import emit_json, next_step, note, result, table

if TYPE_CHECKING:
    from modelreg.domain.names import ModelName, Stage
    from modelreg.domain.version import Version as VersionType
    from modelreg.integrations.pull_request import Opened
    from modelreg.registry.proposals import Proposal
    from modelreg.registry.propose import Proposed
    from modelreg.registry.workspace import Workspace

Refresh = Annotated[
    bool, typer.Option("--refresh", help="Make an open proposal again on the protected branch as it is now.")
]
MaybeModel = Annotated[str | None, typer.Argument(metavar="[MODEL]", show_default=False)]


def add_to(app: typer.Typer) -> None:
    app.command()(propose)
    app.command()(proposals)


def propose(
    model: Model,
    version: Version,
    to: StageName,
    reason: Reason = "",
    registry: RegistryPath = HERE,
    refresh: Refresh = False,
    sign: Sign = False,
    key: Key = None,
    push: Push = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Propose a stage change: a branch with the record, for a pull request; the same as stage set --propose."""
    from modelreg.domain.names import parse_model, parse_stage
    from modelreg.domain.version import Version as Parsed
    from modelreg.wiring import open_workspace, signing_key

    workspace = open_workspace(registry)
    signer = signing_key(registry, key, wanted=sign)
    perform(
        workspace,
        parse_model(model),
        Parsed.parse(version),
        parse_stage(to),
        reason,
        signer,
        refresh=refresh,
        push=push,
        dry_run=dry_run,
        as_json=as_json,
    )


def perform(
    workspace: Workspace,
    model: ModelName,
    version: VersionType,
    to: Stage,
    reason: str,
    key: Path | str | None,
    *,
    refresh: bool = False,
    push: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Propose, open the pull request where that was asked for and can be done, and say so."""
    from modelreg.registry.moving import Wish
    from modelreg.registry.propose import propose as make

    wish = Wish(model, version, to, workspace.repository.identity().email, reason, key=key)
    tell(
        workspace, make(workspace, wish, refresh=refresh, push=push, dry_run=dry_run), dry_run=dry_run, as_json=as_json
    )


def tell(workspace: Workspace, proposed: Proposed, *, dry_run: bool, as_json: bool) -> None:
    """The answer to whoever proposed; exit 1 for a dry run of what can never land."""
    opened = opened_for(workspace, proposed, dry_run=dry_run)
    if as_json:
        emit_json(proposal_mapping(proposed, opened))
        for line in opened.steps if opened is not None else ():
            note(line)
    else:
        tell_proposal(proposed, opened, dry_run=dry_run)
    if dry_run and proposed.hopeless:
        raise typer.Exit(1)


def opened_for(workspace: Workspace, proposed: Proposed, *, dry_run: bool) -> Opened | None:
    """The pull request of a proposal that was pushed; None for any other."""
    from modelreg.services import open_pull_request

    if dry_run or proposed.stale or not proposed.pushed or proposed.commit is None:
        return None
    return open_pull_request(workspace, proposed)


def proposals(model: MaybeModel = None, registry: RegistryPath = HERE, as_json: Json = False) -> None:
    """Open proposals: whose, how old, and what each waits for."""
    from modelreg.domain.names import parse_model
    from modelreg.registry.proposals import open_proposals, proposals_mapping
    from modelreg.wiring import open_workspace

    workspace = open_workspace(registry)
    found, now = open_proposals(workspace, None if model is None else parse_model(model)), workspace.clock()
    if as_json:
        emit_json({"proposals": proposals_mapping(found, now)})
        return
    if not found:
        note("no proposal is open")
    _tell_open(found, now)
    if not workspace.repository.always_pushes and workspace.repository.remote_url() is not None:
        note("that is as far as was fetched: git fetch origin")


def _tell_open(found: Sequence[Proposal], now: int) -> None:
    from modelreg.registry.proposals import told_age

    rows = []
    for item in found:
        name, by = item.name, item.transition.by if item.transition else "-"
        state = "may land" if item.may_land else "STALE" if item.state == "stale" else "waits"
        rows.append((name.model, name.version, name.stage, by, told_age(item.since, now), state))
    if rows:
        table(("model", "version", "to", "by", "age", "state"), rows)
    for item in found:
        for line in item.waits_for:
            result(f"{item.name}: {line}")
    for item in found:
        if item.state == "stale":
            next_step(f"modelreg propose {item.name.model} {item.name.version} {item.name.stage} --refresh")
