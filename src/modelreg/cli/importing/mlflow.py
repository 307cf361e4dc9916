"""`modelreg import mlflow`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelreg.cli.options import HERE, Branch, DryRun, Json, Push, RegistryPath
from modelreg.cli.output import emit_json, next_step, note, result

if TYPE_CHECKING:
    from modelreg.registry.import_report import Imported

TrackingUri = Annotated[
    str,
    typer.Option(
        "--tracking-uri", metavar="URI", help="The MLflow: https://…, postgresql://…, sqlite:///FILE or a folder."
    ),
]
RegistryUri = Annotated[
    str | None, typer.Option("--registry-uri", metavar="URI", help="Its model registry, where that is elsewhere.")
]
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
    model: Models = [],  # noqa: B006 - Typer reads defaults, nobody changes them
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
    from modelreg.cli.progress import Count
    from modelreg.registry.import_report import Options
    from modelreg.services import import_mlflow as perform
    from modelreg.wiring import open_workspace

    workspace = open_workspace(registry, branch)
    options = Options(push=push, dry_run=dry_run, artifacts=not no_artifacts)
    name, done = perform(workspace, (tracking_uri, registry_uri), model, options, Count(), trust_paths=trust_paths)
    told: list[dict[str, Any]] = []
    for one in done:
        told.append(one.to_mapping())
        if not as_json:
            _tell(one, dry_run=dry_run)
    if as_json:
        emit_json({"from": name, "dry_run": dry_run, "models": told})
    elif not told:
        result(f"{name} has no models")
    elif not dry_run:
        next_step("modelreg list")
    if any(one["not_imported"] for one in told):
        raise typer.Exit(1)


def _tell(done: Imported, *, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    called = done.model if done.name == done.model else f"{done.model} ({done.name})"
    counts = [f"{_versions(len(done.landed))} {would}registered", f"{done.present} here already"]
    result(f"{called}: {', '.join(counts)}")
    for change in done.changes:
        result(f"  {would}brought up to date: {change}")
    for text in done.notes:
        note(f"  {text}")
    for refused in done.refused:
        note(f"  not imported: {refused.what}: {refused.reason}")


def _versions(count: int) -> str:
    return f"{count} version" if count == 1 else f"{count} versions"
