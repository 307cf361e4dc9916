"""`modelreg import gto`."""

from __future__ import annotations

import typer

from modelreg.cli.options import HERE, Branch, DryRun, Json, Push, RegistryPath
from modelreg.cli.transfers import As, Counted, From, Names, NoFiles, Stages, answer_brought


def add_to(group: typer.Typer) -> None:
    group.command("gto")(import_gto)


def import_gto(
    source: From = None,
    artifact: Names = [],
    called: As = [],
    stage: Stages = [],
    no_files: NoFiles = False,
    registry: RegistryPath = HERE,
    branch: Branch = None,
    push: Push = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """A GTO repository's tags as versions, stage changes and withdrawals; run again to go on, or to catch up.

    Exit code 1 where something could not be brought in, which is listed.
    """
    from modelreg.locating import here
    from modelreg.registry.import_git import Wanted
    from modelreg.registry.import_gto import import_gto as perform
    from modelreg.registry.inputs import parse_pairs
    from modelreg.services import open_origin
    from modelreg.wiring import open_workspace

    workspace = open_workspace(registry, branch)
    origin = open_origin(source or here(registry, "import gto without --from"))
    names = parse_pairs(called, "--as", "ml/team:churn=churn")
    stages = parse_pairs(stage, "--stage", "prod=production")
    wanted = Wanted(push, dry_run, not no_files, names=artifact, models=names, stages=stages)
    done = perform(workspace, origin, wanted, Counted("tags"))
    answer_brought(origin.name, done, dry_run=dry_run, as_json=as_json)
