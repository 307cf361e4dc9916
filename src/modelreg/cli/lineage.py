"""`modelreg lineage`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelreg.cli.options import HERE, Json, Ref, RegistryPath
from modelreg.cli.output import emit_json_lines, emit_json_streamed, next_step, note, result, table
from modelreg.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from modelreg.domain.lineage_graph import Graph
    from modelreg.domain.lineage_query import Query


class Format(StrEnum):
    """How a graph is written."""

    text = "text"
    json = "json"
    mermaid = "mermaid"
    dot = "dot"
    openlineage = "openlineage"


def add_to(app: typer.Typer) -> None:
    app.command()(lineage)


def lineage(
    address: Annotated[
        str,
        typer.Argument(
            metavar="ADDRESS",
            help="MODEL@1.3.0, MODEL#STAGE …; with --reverse also data:NAME, data:SHA256, a path with a / in it, "
            "commit:ID, env:SHA256 (of a lock), run:ID.",
            show_default=False,
        ),
    ],
    reverse: Annotated[bool, typer.Option("--reverse", help="What was made of it, and of that.")] = False,
    form: Annotated[Format, typer.Option("--format", help="openlineage: an event a line.")] = Format.text,
    depth: Annotated[
        int | None,
        typer.Option("--depth", metavar="N", min=0, help="So many generations; all of them unless said otherwise."),
    ] = None,
    registry: RegistryPath = HERE,
    ref: Ref = None,
    as_json: Json = False,
) -> None:
    """What a version was made of, or (with --reverse) which versions were made of a data set, a commit, a version.

    Digests and commits may be cut short to what is unambiguous.
    """
    from modelreg.domain.address import Address
    from modelreg.domain.lineage_query import Query
    from modelreg.registry import lineage as use_case
    from modelreg.wiring import open_index, open_workspace

    if as_json and form not in (Format.text, Format.json):
        raise UsageError(f"--json and --format {form} exclude each other", hint="give one of them")
    query = Query.parse(address)
    if query is not None and not reverse:
        raise UsageError(
            f"{address[:80]!a} is not a version", hint=f"what was made of it: add --reverse to {query.kind}:…"
        )
    workspace = open_workspace(registry)
    snapshot = workspace.snapshot(ref)
    if reverse:
        asked = _measured(query) if query else Address.parse(address)
        graph = use_case.reverse(snapshot, asked, depth, open_index(workspace))
    else:
        graph = use_case.lineage(snapshot, Address.parse(address), depth)
    if form is Format.openlineage:
        emit_json_lines(use_case.events(snapshot, workspace.settings.id, graph))
    elif as_json or form is Format.json:
        emit_json_streamed(graph.streamed())
    else:
        _print(graph, form)


def _measured(query: Query) -> Query:
    """The query with the digest of the local file that it names, if it names one. Raises NotFoundError."""
    from modelreg.services import content_sha256

    if query.path is None:
        return query
    if Path(query.path).exists():
        return replace(query, text=content_sha256(Path(query.path)))
    if query.bare:
        raise NotFoundError("there is no such file", file=query.path, hint="a data set's name is written data:NAME")
    return replace(query, path=None)


def _print(graph: Graph, form: Format) -> None:
    from modelreg.domain.reports.dot import dot
    from modelreg.domain.reports.lineage_tree import ASCII, UNICODE, tree
    from modelreg.domain.reports.mermaid import mermaid

    encoding = (sys.stdout.encoding or "utf-8").lower()
    unicode = encoding.replace("-", "") == "utf8"
    lines: Iterable[str] = tree(graph, UNICODE if unicode else ASCII)
    lines = mermaid(graph) if form is Format.mermaid else dot(graph) if form is Format.dot else lines
    for line in lines:
        result(line.encode(encoding, "backslashreplace").decode(encoding))
    for words in graph.notes:
        note(f"note: {words}")
    if form is Format.text:
        _conclude(graph)


def _conclude(graph: Graph) -> None:
    if graph.direction == "upstream":
        next_step(f"modelreg lineage {graph.subject} --reverse")
        return
    root = graph.roots[0] if graph.roots else None
    touched = [node for node in graph.serving if node.id != root]
    if not touched:
        note("nothing of it is in a stage that the policy announces or protects")
        return
    result()
    rows = [(node.label, node.facts["stage"], node.facts["since"] or "-") for node in touched]
    table(("in use", "stage", "since"), rows)
    next_step(f"modelreg rollback {touched[0].facts['model']} --stage {touched[0].facts['stage']} --cause TEXT")
