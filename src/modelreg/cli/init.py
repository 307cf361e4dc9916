"""`modelreg init`."""

from __future__ import annotations

from typing import Annotated

import typer

from modelreg.cli.options import HERE, Branch, DryRun, Json, RegistryPath
from modelreg.cli.output import emit_json, next_step, note, result, short


def add_to(app: typer.Typer) -> None:
    app.command()(init)


def init(
    registry: RegistryPath = HERE,
    policy: Annotated[
        str, typer.Option("--policy", metavar="NAME", help="open, standard, team or strict.")
    ] = "standard",
    remote: Annotated[
        str | None,
        typer.Option("--remote", metavar="URL", help="Where artifacts go: s3://…, gs://…, or a folder."),
    ] = None,
    embedded: Annotated[bool, typer.Option("--embedded", help="Commit artifacts to git; for small ones.")] = False,
    branch: Branch = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make a git repository, or a folder of one, a registry."""
    from modelreg.errors import UsageError
    from modelreg.wiring import init as initialise

    if remote is not None and embedded:
        raise UsageError("--remote and --embedded exclude each other", hint="give one of them")
    done = initialise(registry, policy=policy, remote=remote, embedded=embedded, branch=branch, dry_run=dry_run)
    where = "embedded in git (.dvc/remote)" if embedded else remote or "a local folder (.dvc/storage)"
    if as_json:
        emit_json(
            {
                "registry": "registry",
                "root": done.root,
                "commit": done.commit,
                "created": list(done.created),
                "remote": where,
            }
        )
        return
    if not done.created:
        result("a registry already: nothing to do")
        next_step("modelreg list")
        return
    verb = "would write" if dry_run else "wrote"
    for path in done.created:
        result(f"{verb} {path}")
    if not dry_run:
        note(f"one commit on {done.branch}: {short(done.commit)}; artifacts go to {where}")
        if not embedded and remote is None:
            note("that folder is on this machine only: nobody else can pull from it. --remote URL names a shared one")
        if policy in ("team", "strict"):
            note("you are in every role of the policy: `modelreg policy check` says where others are needed")
        next_step("modelreg register MODEL ARTIFACT --metrics metrics.json")
