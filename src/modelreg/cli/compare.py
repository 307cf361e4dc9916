"""`modelreg compare`."""

from __future__ import annotations

from typing import Annotated

import typer

from modelreg.cli.options import HERE, Json, Ref, RegistryPath
from modelreg.cli.output import emit_json, note, result, table
from modelreg.errors import UsageError

Addresses = Annotated[
    list[str],
    typer.Argument(
        metavar="ADDRESS ADDRESS…",
        help="Two or more of MODEL@1.3.0, MODEL@latest, MODEL#STAGE, MODEL@ALIAS; the first is the baseline.",
        show_default=False,
    ),
]
All = Annotated[bool, typer.Option("--all", help="Also what does not differ.")]
Format = Annotated[str, typer.Option("--format", metavar="FORMAT", help="text, json or markdown (a pull request).")]


def add_to(app: typer.Typer) -> None:
    app.command()(compare)


def compare(
    addresses: Addresses,
    registry: RegistryPath = HERE,
    ref: Ref = None,
    every: All = False,
    format: Format = "text",  # noqa: A002 - the option's name
    as_json: Json = False,
) -> None:
    """Versions side by side: metrics in their own direction, parameters, data, signature, environment, size.

    A number is called better or worse only where it was measured on the same data, split and slice as the baseline's;
    an asterisk marks the best of those. Models of one registry may be compared with each other.
    """
    from modelreg.domain.address import Address
    from modelreg.domain.reports.comparison import BEST, headline, markdown, tables
    from modelreg.domain.reports.comparison_mapping import mapping
    from modelreg.registry.compare import compare as perform
    from modelreg.wiring import open_workspace

    if format not in ("text", "json", "markdown"):
        raise UsageError(f"there is no format {format[:60]!a}", hint="choose one of text, json, markdown")
    done = perform(open_workspace(registry).snapshot(ref), [Address.parse(address) for address in addresses])
    if as_json or format == "json":
        emit_json(mapping(done, every=every))
        return
    if format == "markdown":
        result(markdown(done, every=every).rstrip("\n"))
        return
    result(headline(done))
    shown = tables(done, every=every)
    for part in shown:
        result()
        result(part.title)
        if part.rows:
            table(part.columns, part.rows)
        for line in part.notes:
            result(line)
    if not shown:
        result("nothing differs")
    if any(any(row.best) for row in (*done.metrics, *done.benchmarks)):
        note(f"{BEST} the best of those that compare")
