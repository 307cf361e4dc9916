"""`modelreg import mlflow`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelreg.cli.options import HERE, Branch, DryRun, Json, Push, RegistryPath
from modelreg.cli.progress import Count
from modelreg.cli.transfers import RegistryUri, TrackingUri, answer, tell_imported

if TYPE_CHECKING:
    from modelreg.registry.transfer import Imported

Models = Annotated[
    list[str], typer.Option("--model", metavar="NAME", help="Only this model, by its name there; again for more.")
]
NoArtifacts = Annotated[
    bool, typer.Option("--no-artifacts", help="Record where the files are, and fetch none: that cannot be made up for.")
]
TrustPaths = Annotated[
    bool,
    typer.Option(
        "--trust-paths", help="Read files at paths of this machine, and at other hosts by HTTP, where a server says so."
    ),
]


def add_to(group: typer.Typer) -> None:
    group.command("mlflow")(import_mlflow)


def import_mlflow(
    tracking_uri: TrackingUri,
    registry_uri: RegistryUri = None,
    model: Models = [],
    no_artifacts: NoArtifacts = False,
    trust_paths: TrustPaths = False,
    registry: RegistryPath = HERE,
    branch: Branch = None,
    push: Push = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Models of an MLflow with their versions, runs, files, tags, stages and aliases; run again to go on, or to catch up.

    Exit code 1 where something could not be brought in, which is listed. Needs modelreg[mlflow].
    """
    from modelreg.registry.transfer import Options
    from modelreg.services import import_mlflow as perform
    from modelreg.wiring import open_workspace

    workspace = open_workspace(registry, branch)
    options = Options(push=push, dry_run=dry_run, artifacts=not no_artifacts)
    name, done = perform(workspace, (tracking_uri, registry_uri), model, options, Count(), trust_paths=trust_paths)

    def tell(one: Imported) -> None:
        would = "would be " if dry_run else ""
        tell_imported(one, len(one.landed), [f"{would}brought up to date: {c}" for c in one.changes], dry_run=dry_run)

    nothing = f"{name} has no models"
    answer({"from": name}, done, tell, nothing, then="modelreg list", dry_run=dry_run, as_json=as_json)
