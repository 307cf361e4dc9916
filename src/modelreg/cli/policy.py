"""`modelreg policy check`."""

from __future__ import annotations

import typer

from modelreg.cli.findings import Format, known_format, show
from modelreg.cli.options import HERE, Json, Ref, RegistryPath

policy = typer.Typer(
    name="policy",
    help="Ask about the rules themselves.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def add_to(app: typer.Typer) -> None:
    app.add_typer(policy)


@policy.callback()
def group() -> None:
    """Keeps `check` a command of the group, even where it is the only one."""


@policy.command()
def check(
    registry: RegistryPath = HERE,
    ref: Ref = None,
    format: Format = "text",  # noqa: A002 - the option's name
    as_json: Json = False,
) -> None:
    """What the policy asks that can never be met, or that asks nothing. Exit code 1 for the former, 0 for warnings."""
    from modelreg.registry.policy import check as perform
    from modelreg.wiring import open_workspace

    known_format(format)
    done = perform(open_workspace(registry), ref=ref)
    show(done.files, done.findings, "json" if as_json else format)
