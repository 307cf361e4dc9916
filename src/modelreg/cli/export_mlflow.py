"""`modelreg export mlflow`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelreg.cli.options import HERE, DryRun, Json, RegistryPath
from modelreg.cli.output import counted
from modelreg.cli.progress import Count
from modelreg.cli.transfers import RegistryUri, TrackingUri, answer, tell_transferred

if TYPE_CHECKING:
    from modelreg.registry.exporting import Exported

Models = Annotated[list[str], typer.Option("--model", metavar="MODEL", help="Only this model; again for more.")]
ArtifactLocation = Annotated[
    str | None,
    typer.Option(
        "--artifact-location",
        metavar="URI",
        help="Where the files of new experiments go; else where the server puts them, or beside an SQLite file.",
        show_default=False,
    ),
]


def export_mlflow(
    tracking_uri: TrackingUri,
    registry_uri: RegistryUri = None,
    model: Models = [],
    artifact_location: ArtifactLocation = None,
    registry: RegistryPath = HERE,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Models with versions, files, runs, tags, stages and aliases into an MLflow; run again to go on, or to catch up.

    Exit code 1 where something could not be made there, which is listed. Needs modelreg[mlflow].
    """
    from modelreg.domain.names import parse_model
    from modelreg.services import export_mlflow as perform
    from modelreg.wiring import open_workspace

    workspace, models = open_workspace(registry), [parse_model(name) for name in model]
    uris = (tracking_uri, registry_uri)
    name, done = perform(workspace, uris, models, Count(), artifacts=artifact_location, dry_run=dry_run)

    def tell(one: Exported) -> None:
        would = "would be " if dry_run else ""
        called = one.name if one.name == one.model else f"{one.name} ({one.model})"
        headline = f"{called}: {counted(len(one.created), 'version')} {would}created, {one.present} there already"
        tell_transferred(one, headline, [f"{would}brought up to date: {c}" for c in one.changes], "not exported")

    answer({"to": name}, done, tell, "there are no models to export", dry_run=dry_run, as_json=as_json)
