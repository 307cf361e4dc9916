"""`modelreg export mlflow`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelreg.cli.importing.mlflow import RegistryUri, TrackingUri
from modelreg.cli.options import HERE, DryRun, Json, RegistryPath
from modelreg.cli.output import emit_json, note, result

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
    model: Models = [],  # noqa: B006 - Typer reads defaults, nobody changes them
    artifact_location: ArtifactLocation = None,
    registry: RegistryPath = HERE,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Models with versions, files, runs, tags, stages and aliases into an MLflow; run again to go on, or to catch up.

    Exit code 1 where something could not be made there, which is listed. Needs modelreg[mlflow].
    """
    from modelreg.cli.progress import Count
    from modelreg.domain.names import parse_model
    from modelreg.services import export_mlflow as perform
    from modelreg.wiring import open_workspace

    workspace, models = open_workspace(registry), [parse_model(name) for name in model]
    uris = (tracking_uri, registry_uri)
    name, done = perform(workspace, uris, models, Count(), artifacts=artifact_location, dry_run=dry_run)
    told: list[dict[str, Any]] = []
    for one in done:
        told.append(one.to_mapping())
        if not as_json:
            _tell(one, dry_run=dry_run)
    if as_json:
        emit_json({"to": name, "dry_run": dry_run, "models": told})
    elif not told:
        result("there are no models to export")
    if any(one["not_exported"] for one in told):
        raise typer.Exit(1)


def _tell(done: Exported, *, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    called = done.name if done.name == done.model else f"{done.name} ({done.model})"
    count = f"{len(done.created)} version" if len(done.created) == 1 else f"{len(done.created)} versions"
    result(f"{called}: {count} {would}created, {done.present} there already")
    for change in done.changes:
        result(f"  {would}brought up to date: {change}")
    for text in done.notes:
        note(f"  {text}")
    for refused in done.refused:
        note(f"  not exported: {refused.what}: {refused.reason}")
