"""`modelreg export ml-bom|model-card|provenance ADDRESS`, and of whole models `modelreg export mlflow`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelreg.cli.export_mlflow import export_mlflow
from modelreg.cli.options import HERE, Address, Ref, RegistryPath, command_group
from modelreg.cli.output import emit_json, note, result

if TYPE_CHECKING:
    from modelreg.registry.export import Export

export = command_group("export", "A version in a format that others read; or models, made again in an MLflow.")
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="Write it there; else to standard output.", show_default=False),
]
Force = Annotated[bool, typer.Option("--force", help="Replace a plain file that is there already.")]


def add_to(app: typer.Typer) -> None:
    export.command("mlflow")(export_mlflow)
    app.add_typer(export)


@export.command("ml-bom")
def ml_bom(
    address: Address, output: Output = None, force: Force = False, registry: RegistryPath = HERE, ref: Ref = None
) -> None:
    """A CycloneDX 1.6 ML-BOM in JSON: the model with its card, data sets and packages. Needs modelreg[bom]."""
    _write("ml-bom", address, output, registry, ref, force=force)


@export.command("model-card")
def model_card(
    address: Address, output: Output = None, force: Force = False, registry: RegistryPath = HERE, ref: Ref = None
) -> None:
    """A model card in Markdown, with the Hugging Face Hub's front matter."""
    _write("model-card", address, output, registry, ref, force=force)


@export.command()
def provenance(
    address: Address, output: Output = None, force: Force = False, registry: RegistryPath = HERE, ref: Ref = None
) -> None:
    """An in-toto statement with SLSA's provenance, in JSON: artifacts, code, data, parameters. Not signed."""
    _write("provenance", address, output, registry, ref, force=force)


def _write(
    kind: Export, address: str, output: Path | None, registry: RegistryPath, ref: str | None, *, force: bool
) -> None:
    import json

    from modelreg.domain.address import Address as Parsed
    from modelreg.services import export as exported
    from modelreg.services import write_file
    from modelreg.wiring import open_workspace

    text = exported(open_workspace(registry), kind, Parsed.parse(address), ref)
    if output is not None:
        write_file(output, text.encode(), force=force)
        note(f"wrote {output}")
    elif kind == "model-card":
        result(text.rstrip("\n"))
    else:
        emit_json(json.loads(text))  # exact in a workflow's log too, where other text is kept from commanding
