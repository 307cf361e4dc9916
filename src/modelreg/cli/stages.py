"""`modelreg stage set|get|list` and `modelreg alias set|remove`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelreg.cli.changes import answer_change, change_mapping
from modelreg.cli.options import (
    HERE,
    Branch,
    DryRun,
    Json,
    Key,
    Model,
    ProposeOption,
    Push,
    Reason,
    Ref,
    RegistryPath,
    Sign,
    StageName,
    Version,
    command_group,
)
from modelreg.cli.output import emit_json, result, short, table
from modelreg.cli.proposals import perform

if TYPE_CHECKING:
    from modelreg.domain.version import Version as VersionType

AliasName = Annotated[str, typer.Argument(metavar="ALIAS", show_default=False)]

stage = command_group("stage", "Move versions between stages; ask who stands where.")
alias = command_group("alias", "Names that point at a version.")


def add_to(app: typer.Typer) -> None:
    app.add_typer(stage)
    app.add_typer(alias)


@stage.command("set")
def stage_set(
    model: Model,
    version: Version,
    to: StageName,
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
    """Move a version to a stage, if the policy's gate allows it; one commit with the record. Or propose it."""
    from modelreg.domain.names import parse_model, parse_stage
    from modelreg.domain.version import Version as Parsed
    from modelreg.registry.stage import set_stage
    from modelreg.wiring import open_workspace, signing_key

    workspace = open_workspace(registry, branch)
    name, parsed, stage_ = parse_model(model), Parsed.parse(version), parse_stage(to)
    signer = signing_key(registry, key, wanted=sign)
    if propose:
        perform(workspace, name, parsed, stage_, reason, signer, push=push, dry_run=dry_run, as_json=as_json)
        return
    change = set_stage(workspace, name, parsed, stage_, reason=reason, key=signer, push=push, dry_run=dry_run)
    answer_change(name, parsed, change, dry_run=dry_run, as_json=as_json)


@stage.command("get")
def stage_get(
    model: Model, name: StageName, registry: RegistryPath = HERE, ref: Ref = None, as_json: Json = False
) -> None:
    """Which version is in a stage; the one that answers first."""
    from modelreg.domain.names import parse_model, parse_stage
    from modelreg.registry.listing import stage_get as get
    from modelreg.wiring import open_workspace

    answer = get(open_workspace(registry).snapshot(ref), parse_model(model), parse_stage(name))
    if as_json:
        emit_json(answer.to_mapping())
    else:
        for version in answer.versions:
            result(version)


@stage.command("list")
def stage_list(model: Model, registry: RegistryPath = HERE, ref: Ref = None, as_json: Json = False) -> None:
    """All stages of a model, and its aliases."""
    from modelreg.domain.names import parse_model
    from modelreg.registry.listing import stage_list as listed
    from modelreg.wiring import open_workspace

    answer = listed(open_workspace(registry).snapshot(ref), parse_model(model))
    if as_json:
        emit_json(answer)
        return
    table(("stage", "versions"), [(name, ", ".join(held) or "-") for name, held in answer["stages"].items()])
    for name, version in answer["aliases"].items():
        result(f"alias {name} -> {version}")


@alias.command("set")
def alias_set(
    model: Model,
    name: AliasName,
    version: Version,
    reason: Reason = "",
    registry: RegistryPath = HERE,
    branch: Branch = None,
    push: Push = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Point an alias at a version."""
    from modelreg.domain.version import Version as Parsed

    pointed_at = Parsed.parse(version)
    _alias(model, name, pointed_at, reason, registry, branch, push=push, dry_run=dry_run, as_json=as_json)


@alias.command("remove")
def alias_remove(
    model: Model,
    name: AliasName,
    reason: Reason = "",
    registry: RegistryPath = HERE,
    branch: Branch = None,
    push: Push = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Remove an alias; the record stays."""
    _alias(model, name, None, reason, registry, branch, push=push, dry_run=dry_run, as_json=as_json)


def _alias(
    model: str,
    name: str,
    version: VersionType | None,
    reason: str,
    registry: RegistryPath,
    branch: str | None,
    *,
    push: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    from modelreg.domain.names import parse_alias, parse_model
    from modelreg.registry.stage import set_alias
    from modelreg.wiring import open_workspace

    workspace = open_workspace(registry, branch)
    parsed, label = parse_model(model), parse_alias(name)
    change = set_alias(workspace, parsed, label, version, reason=reason, push=push, dry_run=dry_run)
    if as_json:
        emit_json(change_mapping(parsed, version, change))
    elif change.transition is None:
        result(f"{parsed}@{label} is {version} already")
    elif dry_run:
        for path in change.files:
            result(f"would write {path}")
    else:
        result(f"{parsed}@{label} -> {version or 'nothing'} in commit {short(change.commit)}")
