"""`modelreg import dvc`."""

from __future__ import annotations

from typing import Annotated

import typer

from modelreg.cli.options import HERE, Branch, DryRun, Json, Push, RegistryPath
from modelreg.cli.transfers import As, Counted, From, Names, NoFiles, answer_brought

Revisions = Annotated[
    list[str],
    typer.Option("--rev", metavar="REV", help="A commit, tag or branch: a version each, in this order; without, HEAD."),
]
All = Annotated[bool, typer.Option("--all", help="Artifacts of every type, not of type model only.")]


def add_to(group: typer.Typer) -> None:
    group.command("dvc")(import_dvc)


def import_dvc(
    source: From = None,
    rev: Revisions = [],
    artifact: Names = [],
    every: All = False,
    called: As = [],
    no_files: NoFiles = False,
    registry: RegistryPath = HERE,
    branch: Branch = None,
    push: Push = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """The artifacts that a repository's dvc.yaml files declare, with their metrics and parameters, as versions.

    A revision that is named as a version, as v1.2.0, gives that version; another is numbered by what differs. Exit code
    1 where something could not be brought in, which is listed.
    """
    from modelreg.locating import here
    from modelreg.registry.import_dvc import import_dvc as perform
    from modelreg.registry.import_git import Wanted
    from modelreg.registry.inputs import parse_pairs
    from modelreg.services import open_origin
    from modelreg.wiring import open_workspace

    workspace = open_workspace(registry, branch)
    origin = open_origin(source or here(registry, "import dvc without --from"))
    names = parse_pairs(called, "--as", "ml/team:churn=churn")
    wanted = Wanted(push, dry_run, not no_files, names=artifact, models=names)
    done = perform(workspace, origin, rev or ["HEAD"], wanted, Counted("versions"), every_type=every)
    answer_brought(origin.name, done, dry_run=dry_run, as_json=as_json)
