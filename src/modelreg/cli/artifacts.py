"""`modelreg pull` and `modelreg announce`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelreg.cli.options import HERE, Address, DryRun, Json, Push, Ref, RegistryPath
from modelreg.cli.output import emit_json, next_step, note, result


def add_to(app: typer.Typer) -> None:
    app.command()(pull)
    app.command()(announce)


def pull(
    address: Address,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", help="A folder; MODEL-VERSION here unless said otherwise."),
    ] = None,
    registry: RegistryPath = HERE,
    ref: Ref = None,
    as_json: Json = False,
) -> None:
    """Fetch a version's artifacts into a folder, each checked against its sha256."""
    from modelreg.cli.progress import Bar
    from modelreg.domain.address import Address as Parsed
    from modelreg.registry.pull import pull as perform
    from modelreg.registry.resolve import resolve
    from modelreg.wiring import open_workspace

    workspace = open_workspace(registry)
    parsed = Parsed.parse(address)
    target = to or Path(f"{parsed.model}-{resolve(workspace.snapshot(ref), parsed)}")
    done = perform(workspace, parsed, target, ref=ref, progress=Bar())
    if as_json:
        emit_json(done.to_mapping())
        return
    for artifact in done.artifacts:
        result(f"{done.path / artifact.path}")
    note(f"{done.model}@{done.version}: {len(done.artifacts)} artifacts, every sha256 as recorded")


def announce(
    registry: RegistryPath = HERE,
    push: Push = False,
    since: Annotated[
        str | None, typer.Option("--since", metavar="COMMIT", help="Also say what landed after this commit.")
    ] = None,
    github_output: Annotated[
        Path | None,
        typer.Option("--github-output", metavar="FILE", help="Set a step's outputs tags and landed, as JSON lists."),
    ] = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make the tags that landings call for and that are missing (gto and DVC read them)."""
    from modelreg.registry.announce import announce as perform
    from modelreg.registry.announce import landed
    from modelreg.wiring import open_workspace

    workspace = open_workspace(registry)
    done = perform(workspace, push=push, dry_run=dry_run)
    events = landed(workspace, since) if since is not None else []
    if github_output is not None:
        _set_outputs(github_output, tags=done.created, landed=events)
    if as_json:
        created, pushed = list(done.created), list(done.pushed)
        emit_json({"created": created, "existing": done.existing, "pushed": pushed, "landed": events, "commit": None})
        return
    for name in done.created:
        result(f"{'would tag' if dry_run else 'tagged'} {name}")
    for name in done.pushed:
        result(f"pushed {name}")
    note(f"{len(done.created)} tags {'to make' if dry_run else 'made'}, {done.existing} stood already")
    if done.created and not push and not dry_run:
        next_step("modelreg announce --push, or git push --tags")


def _set_outputs(file: Path, **values: object) -> None:
    import json

    from modelreg.integrations.actions import set_output

    for name, value in values.items():
        set_output(file, name, json.dumps(value, separators=(",", ":")))
