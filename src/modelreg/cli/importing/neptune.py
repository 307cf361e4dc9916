"""`modelreg import neptune`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelreg.cli.options import HERE, Branch, DryRun, Json, Push, RegistryPath
from modelreg.cli.transfers import As, Counted, NoFiles, Stages, answer_brought

Data = Annotated[
    Path, typer.Option("--data", metavar="PATH", help="neptune-exporter's --data-path.", show_default="exports/data")
]
FilesFolder = Annotated[
    Path | None, typer.Option("--files", metavar="PATH", help="Its --files-path; without, `files` beside the data.")
]
Models = Annotated[
    list[str], typer.Option("--model", metavar="ID", help="Only this model, by its id there; again for more.")
]
Runs = Annotated[
    list[str], typer.Option("--run", metavar="ID=MODEL", help="A run as a version of a model; again for more.")
]


def add_to(group: typer.Typer) -> None:
    group.command("neptune")(import_neptune)


def import_neptune(
    data: Data = Path("exports/data"),
    files: FilesFolder = None,
    model: Models = [],
    run: Runs = [],
    called: As = [],
    stage: Stages = [],
    no_files: NoFiles = False,
    registry: RegistryPath = HERE,
    branch: Branch = None,
    push: Push = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Models and model versions of an export by neptune-exporter; with --run, runs instead. Run again to go on.

    Exit code 1 where something could not be brought in, which is listed. Needs modelreg[parquet].
    """
    from modelreg.registry.import_git import Wanted
    from modelreg.registry.import_neptune import import_neptune as perform
    from modelreg.registry.inputs import parse_pairs
    from modelreg.services import open_neptune_export
    from modelreg.wiring import open_workspace

    workspace = open_workspace(registry, branch)
    export = open_neptune_export(data, files or data.parent / "files")
    names = parse_pairs(called, "--as", "CHURN-MOD=churn")
    stages = parse_pairs(stage, "--stage", "production=live")
    runs = parse_pairs(run, "--run", "CHURN-42=churn")
    wanted = Wanted(push, dry_run, not no_files, names=model, models=names, stages=stages)
    done = perform(workspace, export, runs, wanted, Counted("versions"))
    answer_brought(export.name, done, dry_run=dry_run, as_json=as_json)
