"""`modelreg import KIND`: models of another registry, each kind in a module of its own here."""

from __future__ import annotations

import importlib

import typer

from modelreg.cli.options import command_group

KINDS = ("dvc", "gto", "mlflow", "neptune")
"""The modules, by the word that follows `import`; each has `add_to(group)`."""


def add_to(app: typer.Typer) -> None:
    group = command_group("import", "Bring the models of another registry into this one.")
    for kind in KINDS:
        importlib.import_module(f"{__name__}.{kind}").add_to(group)
    app.add_typer(group)
