"""`modelreg stage set|get|list` and `modelreg alias set|remove`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelreg.cli.options import HERE, Branch, DryRun, Json, Model, Push, Reason, Ref, RegistryPath, Version
from modelreg.cli.output import emit_json, next_step, result, short, table

if TYPE_CHECKING:
    from modelreg.domain.names import ModelName
    from modelreg.domain.version import Version as VersionType
    from modelreg.registry.stage import StageChange

StageName = Annotated[str, typer.Argument(metavar="STAGE", show_default=False)]
AliasName = Annotated[str, typer.Argument(metavar="ALIAS", show_default=False)]

stage = typer.Typer(
    name="stage",
    help="Move versions between stages; ask who stands where.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
alias = typer.Typer(name="alias", help="Names that point at a version.", no_args_is_help=True, rich_markup_mode=None)


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
    push: Push = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Move a version to a stage, if the policy's gate allows it; one commit with the record."""
    from modelreg.domain.names import parse_model, parse_stage
    from modelreg.domain.version import Version as Parsed
    from modelreg.registry.stage import set_stage
    from modelreg.wiring import open_workspace

    workspace = open_workspace(registry, branch)
    name, parsed = parse_model(model), Parsed.parse(version)
    change = set_stage(workspace, name, parsed, parse_stage(to), reason=reason, push=push, dry_run=dry_run)
    if as_json:
        emit_json(_change_mapping(name, parsed, change))
    else:
        _tell(name, parsed, change, dry_run=dry_run)
    if dry_run and change.transition is not None and not change.report.allowed:
        raise typer.Exit(1)


def _change_mapping(model: ModelName, version: VersionType | None, change: StageChange) -> dict[str, object]:
    transition = change.transition
    return {
        "model": model,
        "version": str(version) if version else None,
        "from": transition.from_ if transition else change.stage,
        "to": transition.to if transition else change.stage,
        "displaced": [str(d.version) for d in transition.displaces] if transition else [],
        "transition": transition.number if transition else None,
        "commit": change.commit,
        "report": change.report.to_mapping(),
    }


def _tell(model: ModelName, version: VersionType, change: StageChange, *, dry_run: bool) -> None:
    transition = change.transition
    if transition is None:
        result(f"{model}@{version} is in {change.stage} already")
        return
    if dry_run:
        rows = [("yes" if v.passed else "NO", v.check, v.expected, v.actual, v.reason) for v in change.report.verdicts]
        table(("passed", "check", "expected", "actual", "reason"), rows)
        verb = "would move" if change.report.allowed else "may not move"
        result(f"{verb} {model}@{version} from {transition.from_} to {transition.to}")
        for path in change.files if change.report.allowed else ():
            result(f"would write {path}")
    else:
        result(f"{model}@{version}: {transition.from_} -> {transition.to} in commit {short(change.commit)}")
    for displaced in transition.displaces if change.report.allowed else ():
        result(f"{'would displace' if dry_run else 'displaced'} {model}@{displaced.version} to {displaced.to}")
    if not dry_run:
        next_step(f"modelreg pull {model}#{transition.to}")


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

    _alias(
        model,
        name,
        Parsed.parse(version),
        reason,
        registry,
        branch,
        push=push,
        dry_run=dry_run,
        as_json=as_json,
    )


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
        emit_json(_change_mapping(parsed, version, change))
    elif change.transition is None:
        result(f"{parsed}@{label} is {version} already")
    elif dry_run:
        for path in change.files:
            result(f"would write {path}")
    else:
        result(f"{parsed}@{label} -> {version or 'nothing'} in commit {short(change.commit)}")
