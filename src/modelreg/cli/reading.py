"""`modelreg list`, `search`, `show`, `history`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelreg.cli.options import HERE, Address, Json, Ref, RegistryPath
from modelreg.cli.output import emit_json, emit_json_list, next_step, note, result, short, table

if TYPE_CHECKING:
    from modelreg.registry.history import Event
    from modelreg.registry.listing import Row

MaybeModel = Annotated[str | None, typer.Argument(metavar="[MODEL]", show_default=False)]
StageOption = Annotated[str | None, typer.Option("--stage", metavar="STAGE", help="Only versions in this stage.")]


def add_to(app: typer.Typer) -> None:
    app.command("list")(list_)
    app.command()(search)
    app.command()(show)
    app.command()(history)


def list_(
    model: MaybeModel = None,
    stage: StageOption = None,
    registry: RegistryPath = HERE,
    ref: Ref = None,
    as_json: Json = False,
) -> None:
    """Models and versions, with stage and primary metric."""
    from functools import partial

    from modelreg.domain.names import parse_model, parse_stage
    from modelreg.registry.listing import list_versions
    from modelreg.wiring import open_index, open_workspace

    workspace = open_workspace(registry)
    name = None if model is None else parse_model(model)
    standing = None if stage is None else parse_stage(stage)
    rows = list_versions(workspace.snapshot(ref), name, standing, partial(open_index, workspace))
    if as_json:
        emit_json_list("versions", (row.to_mapping() for row in rows))
    elif rows:
        print_rows(rows)
    else:
        note("no versions" if model or stage else "nothing is registered yet")
        next_step("modelreg register MODEL ARTIFACT --metrics metrics.json")


def search(
    expression: Annotated[str | None, typer.Argument(metavar="[EXPR]", show_default=False)] = None,
    order_by: Annotated[
        list[str] | None,
        typer.Option("--order-by", metavar="FIELD [asc|desc]", help="By this field; may be given again for ties."),
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", metavar="N", help="Only the first N.")] = None,
    registry: RegistryPath = HERE,
    ref: Ref = None,
    as_json: Json = False,
) -> None:
    """Versions that meet an expression: metrics.accuracy > 0.9 and stage = production and tags.team = "risk".

    Fields: model, version, stage, alias, created, author, framework, architecture, metrics.NAME, params.NAME,
    tags.NAME, data (name or digest), commit, parent. Operators: = != < <= > >= in (…), like, glob; and, or, not.
    """
    from modelreg.registry.search import query_of
    from modelreg.registry.search import search as perform
    from modelreg.wiring import open_index, open_workspace

    query = query_of(expression, order_by or (), limit)
    workspace = open_workspace(registry)
    rows = perform(workspace.snapshot(ref), query, open_index(workspace))
    if as_json:
        emit_json_list("versions", (row.to_mapping() for row in rows))
    elif rows:
        asked = [order.field.key for order in query.order if order.field.name == "metrics" and order.field.key]
        print_rows(rows, asked)
    else:
        note("no version meets that")


def print_rows(rows: Sequence[Row], metrics: Sequence[str] = ()) -> None:
    """A table of versions: with these metrics, or (none named) each with its model's primary metric."""

    def shown(row: Row) -> str:
        named = [(name, row.metrics.get(name)) for name in metrics] or [row.metric or ("", None)]
        return ", ".join(f"{name} {value:.4g}" for name, value in named if value is not None) or "-"

    cells = (
        (
            row.model,
            str(row.version),
            row.stage or "withdrawn",
            ", ".join(row.aliases) or "-",
            shown(row),
            str(row.created or "")[:10],
        )
        for row in rows
    )
    table(("model", "version", "stage", "aliases", "metric", "created"), cells)


def show(address: Address, registry: RegistryPath = HERE, ref: Ref = None, as_json: Json = False) -> None:
    """All that is recorded of one version."""
    from modelreg.domain.address import Address as Parsed
    from modelreg.registry.listing import show as describe
    from modelreg.wiring import open_workspace

    body = describe(open_workspace(registry).snapshot(ref), Parsed.parse(address))
    if as_json:
        emit_json(body)
        return
    result(f"{body['model']}@{body['version']}")
    table(("", ""), _facts(body))
    if metrics := body.get("metrics"):
        result()
        rows = [(k, f"{m['value']:.6g}", m.get("direction", ""), _basis(m)) for k, m in metrics.items()]
        table(("metric", "value", "better", "measured on"), rows, right=frozenset({"value"}))
    if params := body.get("params"):
        result()
        table(("parameter", "value"), params.items())
    if benchmarks := body.get("benchmarks"):
        result()
        table(("benchmark", "p50 ms", "p95 ms", "p99 ms", "rows/s", "memory", "on"), [_measured(b) for b in benchmarks])


def _facts(body: dict[str, Any]) -> list[tuple[str, str]]:
    author, lineage = body.get("author") or {}, body.get("lineage") or {}
    code, data = lineage.get("code") or {}, lineage.get("data") or ()
    framework = body.get("framework") or {}
    rows = [
        (
            "stage",
            "withdrawn: " + str(body["withdrawn"].get("reason")) if body["withdrawn"] else body["stage"],
        ),
        ("aliases", ", ".join(body["aliases"])),
        ("created", f"{body.get('created', '')} by {author.get('name', '')} <{author.get('email', '')}>"),
        ("description", (body["annotations"] or {}).get("description", "")),
        ("source", _source(body.get("source") or {})),
        ("framework", f"{framework.get('name', '')} {framework.get('version', '')}".strip()),
        ("architecture", body.get("architecture") or ""),
        ("code", f"{short(code.get('commit'))}{' (dirty)' if code.get('dirty') else ''}"),
        ("data", ", ".join(f"{d['name']} {d.get('sha256', '')[:12]}" for d in data)),
        ("tags", ", ".join(f"{k}={v[:80]}" for k, v in _tags(body).items())),
    ]
    signature = body.get("signature") or {}
    rows += [(key, _entries(signature.get(key) or ())) for key in ("inputs", "outputs")]
    for artifact in body["artifacts"]:
        weights = (artifact.get("details") or {}).get("parameters_total")
        told = f", {weights} weights" if weights is not None else ""
        rows.append(("artifact", f"{artifact['path']} ({artifact['role']}, {artifact['size_bytes']} bytes{told})"))
    return [(key, value) for key, value in rows if value]


def _tags(body: dict[str, Any]) -> dict[str, str]:
    """The manifest's, and over them those that its annotations set."""
    return {**(body.get("tags") or {}), **((body["annotations"] or {}).get("tags") or {})}


def _source(source: dict[str, Any]) -> str:
    """`mlflow Churn 3, s3://bucket/model`."""
    named = " ".join(str(source[key]) for key in ("tool", "model", "version") if source.get(key))
    return ", ".join(part for part in (named, source.get("uri") or "") if part)


_SHOWN = 8


def _entries(entries: Sequence[dict[str, Any]]) -> str:
    """`x float32 [-1, 3]`; the shape of a column says nothing."""
    told = [f"{e['name']} {e['type']}{f' {shape}' if (shape := e.get('shape', [-1])) != [-1] else ''}" for e in entries]
    return ", ".join(told[:_SHOWN]) + (f" and {len(told) - _SHOWN} more" if len(told) > _SHOWN else "")


def _measured(entry: dict[str, Any]) -> tuple[str, ...]:
    latencies = [f"{entry[key]:.4g}" if key in entry else "" for key in (f"latency_p{p}_ms" for p in (50, 95, 99))]
    rate = f"{entry['throughput_rows_per_s']:.0f}" if "throughput_rows_per_s" in entry else ""
    memory = f"{entry['peak_memory_bytes'] / 2**20:.0f} MiB" if "peak_memory_bytes" in entry else ""
    return (entry["name"], *latencies, rate, memory, entry.get("hardware", ""))


def _basis(metric: dict[str, Any]) -> str:
    dataset = metric.get("dataset")
    name = dataset.get("name") if isinstance(dataset, dict) else dataset
    return " / ".join(str(part) for part in (name, metric.get("split"), metric.get("slice")) if part)


def history(model: MaybeModel = None, registry: RegistryPath = HERE, ref: Ref = None, as_json: Json = False) -> None:
    """What happened, oldest first: who, when, why, in which commit."""
    from modelreg.domain.names import parse_model
    from modelreg.registry.history import drained
    from modelreg.registry.history import history as events
    from modelreg.wiring import open_index, open_workspace

    workspace = open_workspace(registry)
    found = events(workspace, None if model is None else parse_model(model), ref, index=open_index(workspace))
    if as_json:
        emit_json_list("events", (event.to_mapping() for event in drained(found)))
        return
    rows = (_told(event, of_one=model is not None) for event in drained(found))
    table(("landed (UTC)", "commit", "what", "version", "way", "by", "reason"), rows)


def _told(e: Event, *, of_one: bool) -> tuple[str, ...]:
    version = e.version or "-" if of_one else f"{e.model}@{e.version}" if e.version else e.model
    why = "; ".join(text for text in (e.reason, f"cause: {e.cause}" if e.cause else "") if text)
    return (e.at[:16].replace("T", " "), short(e.landing), e.kind, version, _way(e), e.by, why)


def _way(event: Event) -> str:
    if event.alias:
        return f"@{event.alias}"
    way = f"{event.from_} -> {event.to}" if event.from_ else event.to or ""
    way += f", displacing {', '.join(event.displaced)}" if event.displaced else ""
    return way + (f", approved by {', '.join(event.approved_by)}" if event.approved_by else "")
