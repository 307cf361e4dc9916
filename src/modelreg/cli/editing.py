"""`annotate` and `retire`: what may change about models and versions, and the end of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelreg.cli.options import HERE, Branch, DryRun, Json, Model, Push, Reason, RegistryPath
from modelreg.cli.output import emit_json, result, short

if TYPE_CHECKING:
    from modelreg.registry.editing import Edited

What = Annotated[
    str,
    typer.Argument(metavar="MODEL|ADDRESS", help="A model, or a version as MODEL@1.3.0, MODEL#STAGE or MODEL@ALIAS."),
]
Description = Annotated[
    str | None, typer.Option("--description", metavar="TEXT", help="What it is, for people; an empty one is removed.")
]
Tags = Annotated[list[str] | None, typer.Option("--tag", metavar="KEY=VALUE", help="Set a tag. Repeatable.")]
Untag = Annotated[list[str] | None, typer.Option("--untag", metavar="KEY", help="Remove a tag. Repeatable.")]
DisplayName = Annotated[
    str | None, typer.Option("--display-name", metavar="TEXT", help="A model's name for people and other tools.")
]


def add_to(app: typer.Typer) -> None:
    app.command()(annotate)
    app.command()(retire)


def annotate(
    what: What,
    description: Description = None,
    tag: Tags = None,
    untag: Untag = None,
    display_name: DisplayName = None,
    registry: RegistryPath = HERE,
    branch: Branch = None,
    push: Push = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Change what may change about a model or a version: its description and its tags."""
    from modelreg.domain.address import Address
    from modelreg.domain.names import parse_model
    from modelreg.errors import UsageError
    from modelreg.registry.editing import annotate as annotate_version
    from modelreg.registry.editing import changing, edit_model
    from modelreg.registry.inputs import parse_pairs
    from modelreg.registry.resolve import resolve
    from modelreg.wiring import open_workspace

    is_version = "@" in what or "#" in what
    if is_version and display_name is not None:
        raise UsageError("a version has no name but its number", hint=f"modelreg annotate {what.split('@')[0]}")
    tags = parse_pairs(tag or [], "--tag")
    change = changing(description=description, tags=tags, untag=untag or (), display_name=display_name)
    workspace = open_workspace(registry, branch)
    if not is_version:
        done = edit_model(workspace, parse_model(what), change, push=push, dry_run=dry_run)
    else:
        address = Address.parse(what)
        version = resolve(workspace.snapshot(), address)
        done = annotate_version(workspace, address.model, version, change, push=push, dry_run=dry_run)
        what = f"{address.model}@{version}"
    _tell(what, "said so already", done, dry_run=dry_run, as_json=as_json)


def retire(
    model: Model,
    reason: Reason = "",
    registry: RegistryPath = HERE,
    branch: Branch = None,
    push: Push = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take a model out of service for ever: all of its versions are withdrawn, in one commit."""
    from modelreg.domain.names import parse_model
    from modelreg.registry.editing import retire as retire_model
    from modelreg.wiring import open_workspace

    name = parse_model(model)
    done = retire_model(open_workspace(registry, branch), name, reason=reason, push=push, dry_run=dry_run)
    _tell(name, "was retired already", done, dry_run=dry_run, as_json=as_json)


def _tell(what: str, unchanged: str, done: Edited, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        emit_json({"changed": what, "commit": done.commit, "files": list(done.files)})
    elif dry_run:
        result(f"{what}: would change {', '.join(done.files) or 'nothing'}")
    elif done.commit is None:
        result(f"{what} {unchanged}")
    else:
        result(f"{what}: in commit {short(done.commit)}")
