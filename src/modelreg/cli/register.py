"""`modelreg register` and `modelreg withdraw`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelreg.cli.options import HERE, Branch, DryRun, Json, Model, Push, Reason, RegistryPath, Version
from modelreg.cli.output import emit_json, next_step, note, result, short

if TYPE_CHECKING:
    from modelreg.capture import Capture
    from modelreg.registry.register import Registration

Files = Annotated[
    list[Path],
    typer.Argument(metavar="ARTIFACT…", help="Files or folders; the first is the model.", show_default=False),
]
FromRemote = Annotated[
    list[str],
    typer.Option(
        "--from-remote",
        metavar="URL",
        help="An artifact that lies in a storage: s3://…, remote://NAME/…, https://…, or a .dvc pointer; again for more.",
    ),
]
MetricsFile = Annotated[Path | None, typer.Option("--metrics", metavar="FILE", help="Metrics, JSON or YAML.")]
ParamsFile = Annotated[Path | None, typer.Option("--params", metavar="FILE", help="Parameters, YAML or JSON.")]
Data = Annotated[
    list[str],
    typer.Option(
        "--data", metavar="[NAME=]PATH[:ROLE]", help="A data set, file or folder: its digests, rows, columns."
    ),
]
DataSources = Annotated[
    list[str], typer.Option("--data-source", metavar="NAME=TEXT", help="Where a data set came from.")
]
Features = Annotated[
    list[str],
    typer.Option("--feature", metavar="NAME[=COLUMN,…][: HOW]", help="How a feature came to be; again for more."),
]
MeasuredOn = Annotated[str | None, typer.Option("--measured-on", metavar="NAME", help="The data set of the metrics.")]
Split = Annotated[str | None, typer.Option("--split", metavar="NAME", help="Its split: test, validation, …")]
Lock = Annotated[
    Path | None, typer.Option("--env", metavar="FILE", help="The environment's lock file; else one that is near.")
]
Command = Annotated[
    str | None, typer.Option("--command", metavar="TEXT", help="The command that made it, as run in this folder.")
]
Stage = Annotated[
    str | None, typer.Option("--stage", metavar="[FILE:]STAGE", help="The stage of a DVC pipeline that made it.")
]
Seeds = Annotated[
    list[str], typer.Option("--seed", metavar="LIBRARY=N", help="A random seed that it was made with; again for more.")
]
Parents = Annotated[
    list[str], typer.Option("--parent", metavar="MODEL@VERSION[:RELATION]", help="What it was made from.")
]
Tags = Annotated[list[str], typer.Option("--tag", "-t", metavar="KEY=VALUE", help="A tag; again for more.")]
Description = Annotated[str | None, typer.Option("--description", "-d", metavar="TEXT", help="What is new in it.")]
VersionOption = Annotated[str | None, typer.Option("--version", metavar="V", help="The version, as in 1.3.0.")]
Bump = Annotated[
    str | None,
    typer.Option("--bump", metavar="PART", help="major, minor, patch, or auto: by what differs from the last release."),
]
Pre = Annotated[
    str | None, typer.Option("--pre", metavar="LABEL", help="Make it a pre-release: rc gives 1.4.0-rc.1, then rc.2.")
]
Aliases = Annotated[
    list[str], typer.Option("--alias", metavar="NAME", help="An alias that names it from now on; again for more.")
]
Task = Annotated[str | None, typer.Option("--task", help="For a new model: classification, regression, …")]
Primary = Annotated[
    str | None, typer.Option("--primary-metric", metavar="NAME", help="For a new model: what `list` shows.")
]
Example = Annotated[
    Path | None,
    typer.Option("--example", metavar="FILE", help="Rows as the model takes them: CSV, or tensors as JSON."),
]
Benchmark = Annotated[bool, typer.Option("--benchmark", help="Measure latency, throughput and memory on the example.")]


def add_to(app: typer.Typer) -> None:
    app.command()(register)
    app.command()(withdraw)


def register(
    model: Model,
    artifacts: Files = [],
    from_remote: FromRemote = [],
    registry: RegistryPath = HERE,
    branch: Branch = None,
    metrics: MetricsFile = None,
    params: ParamsFile = None,
    data: Data = [],
    data_source: DataSources = [],
    feature: Features = [],
    measured_on: MeasuredOn = None,
    split: Split = None,
    env: Lock = None,
    command: Command = None,
    stage: Stage = None,
    seed: Seeds = [],
    parent: Parents = [],
    example: Example = None,
    benchmark: Benchmark = False,
    tag: Tags = [],
    description: Description = None,
    version: VersionOption = None,
    bump: Bump = None,
    pre: Pre = None,
    alias: Aliases = [],
    task: Task = None,
    primary_metric: Primary = None,
    push: Push = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Register a version: artifacts into the remote, manifest and pointers in one commit."""
    from contextlib import ExitStack
    from dataclasses import replace
    from tempfile import TemporaryDirectory

    from modelreg import describing
    from modelreg.bringing import brought
    from modelreg.cli.progress import Bar
    from modelreg.domain.names import parse_alias, parse_model
    from modelreg.domain.version import Version as Parsed
    from modelreg.domain.version import parse_label
    from modelreg.registry import inputs
    from modelreg.registry.register import register as perform
    from modelreg.registry.request import Request, Source
    from modelreg.wiring import open_workspace

    workspace = open_workspace(registry, branch)
    documents, bar = workspace.documents, Bar()
    request = Request(  # what is quick to refuse is looked at before any data is read
        model=parse_model(model),
        sources=[],
        metrics=inputs.read_metrics(documents, metrics, dataset=measured_on, split=split) if metrics else {},
        facts={"params": inputs.read_params(documents, params)} if params is not None else {},
        about={k: v for k, v in (("task", task), ("primary_metric", primary_metric)) if v},
        tags=inputs.parse_pairs(tag, "--tag"),
        description=description,
        version=None if version is None else Parsed.parse(version),
        bump=_part(bump),
        pre=parse_label(pre) if pre is not None else None,
        aliases=[parse_alias(name) for name in alias],
    )
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="modelreg-")))
        files = [*artifacts, *stack.enter_context(brought(workspace, from_remote, bar))]
        sources = [Source(path, "model" if index == 0 else "other") for index, path in enumerate(files)]
        if example is not None:
            sources.append(Source(example, describing.EXAMPLE))
        capture = _captured(data, data_source, feature, seed)
        capture.ran(command=command, stage=stage, artifacts=artifacts)
        lineage = capture.lineage(parents=parent, lock=env)
        request = replace(request, sources=sources, facts={**request.facts, "lineage": lineage})
        request, notes = describing.completed(request)
        request = describing.benchmarked(request, benchmark)
        kept = capture.kept(folder, [source.path.name for source in request.sources])
        request = replace(request, sources=[*request.sources, *kept])
        registered = perform(workspace, request, push=push, dry_run=dry_run, progress=bar)
    # Of a version that stands nothing is recorded anew.
    for text in () if registered.existing else (*capture.notes, *notes):
        note(text)
    _tell(registered, as_json=as_json, dry_run=dry_run, explain=bump == "auto")


def _captured(data: list[str], sources: list[str], features: list[str], seeds: list[str]) -> Capture:
    """The code as it stands, and what the options say of data, features and seeds."""
    from modelreg.capture import Capture
    from modelreg.registry import inputs

    capture = Capture.of_command()
    for text in data:
        called, path, role = inputs.parse_data(text)
        capture.add_data(path, name=called, role=role)
    capture.add_sources(inputs.parse_pairs(sources, "--data-source", "customers=s3://lake/customers"))
    capture.add_features(features)
    capture.seeds |= inputs.parse_seeds(seeds)
    return capture


def _part(text: str | None) -> Any:
    from modelreg.errors import UsageError

    if text not in (None, "major", "minor", "patch", "auto"):
        raise UsageError(f"--bump {text!a} is not known", hint="use major, minor, patch or auto")
    return text


def _tell(done: Registration, *, as_json: bool, dry_run: bool, explain: bool) -> None:
    address = f"{done.model}@{done.version}"
    if as_json:
        emit_json(
            {
                "model": done.model,
                "version": str(done.version),
                "bump": done.bump,
                "reasons": list(done.reasons),
                "commit": done.commit,
                "already_registered": done.existing,
                "aliases": list(done.aliases),
            }
        )
    elif done.existing:
        result(f"already registered: {address}")
        if explain:
            _explain(done)
        if done.commit is not None:
            _tell_aliases(done, f" in commit {short(done.commit)}")
        for path in done.files if dry_run else ():
            result(f"would write {path}")
        if not done.files:
            note("the same content is never registered twice; nothing was changed")
    elif dry_run:
        result(f"would register {address} ({'; '.join(done.reasons) if not explain else done.bump})")
        if explain:
            _explain(done)
        for path in done.files:
            result(f"would write {path}")
    else:
        result(f"registered {address} in commit {short(done.commit)}")
        if explain:
            _explain(done)
        _tell_aliases(done)
        next_step(f"modelreg stage set {done.model} {done.version} staging")


def _tell_aliases(done: Registration, where: str = "") -> None:
    for alias in done.aliases:
        result(f"{done.model}@{alias} -> {done.version}{where}")


def _explain(done: Registration) -> None:
    """The part that was raised, and a line for each reason."""
    for index, reason in enumerate(done.reasons):
        word = f"{done.bump}: " if done.bump and index == 0 else " " * (len(done.bump) + 2 if done.bump else 0)
        result(f"  {word}{reason}")


def withdraw(
    model: Model,
    version: Version,
    reason: Reason,
    registry: RegistryPath = HERE,
    branch: Branch = None,
    push: Push = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take a version out of service for ever; its record stays."""
    from modelreg.domain.names import parse_model
    from modelreg.domain.version import Version as Parsed
    from modelreg.registry.withdraw import withdraw as perform
    from modelreg.wiring import open_workspace

    workspace = open_workspace(registry, branch)
    done = perform(workspace, parse_model(model), Parsed.parse(version), reason=reason, push=push, dry_run=dry_run)
    if as_json:
        emit_json({"model": done.model, "version": str(done.version), "commit": done.commit})
    elif done.existing:
        result(f"{done.model}@{done.version} is withdrawn already")
    elif dry_run:
        for path in done.files:
            result(f"would write {path}")
    else:
        result(f"withdrew {done.model}@{done.version} in commit {short(done.commit)}")
        next_step(f"modelreg stage list {done.model}")
