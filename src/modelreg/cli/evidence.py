"""`modelreg evidence add|list`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelreg.cli.options import (
    HERE,
    Address,
    Branch,
    DryRun,
    Json,
    Key,
    On,
    Push,
    Ref,
    RegistryPath,
    Sign,
    command_group,
)
from modelreg.cli.output import emit_json, next_step, note, result, short, table

if TYPE_CHECKING:
    from modelreg.domain.evidence import Evidence
    from modelreg.domain.names import ModelName
    from modelreg.domain.version import Version as Parsed
    from modelreg.registry.evidence import Content
    from modelreg.registry.ports import Documents
    from modelreg.registry.stating import Stated
    from modelreg.registry.workspace import Workspace

evidence = command_group("evidence", "Statements about a version: evaluations, A/B tests, attestations, …")

Type = Annotated[str, typer.Option("--type", metavar="TYPE", help="evaluation, ab-test, compliance, scan, …")]
ContentFile = Annotated[
    Path | None, typer.Option("--file", metavar="FILE", help="The type's own fields, YAML or JSON.")
]
Metrics = Annotated[Path | None, typer.Option("--metrics", metavar="FILE", help="evaluation: metrics, JSON or YAML.")]
Dataset = Annotated[
    str | None, typer.Option("--dataset", metavar="NAME", help="evaluation: the data; one of the lineage, or with:")
]
DatasetFile = Annotated[
    Path | None, typer.Option("--dataset-file", metavar="FILE", help="evaluation: the data itself, for its digest.")
]
DatasetSha256 = Annotated[
    str | None, typer.Option("--dataset-sha256", metavar="HEX", help="evaluation: the digest of the data.")
]
Split = Annotated[str | None, typer.Option("--split", metavar="NAME", help="evaluation: test, validation, …")]
Metric = Annotated[str | None, typer.Option("--metric", metavar="NAME", help="ab-test: what was measured.")]
Control = Annotated[
    str | None, typer.Option("--control", metavar="V:N:SUCCESSES", help="ab-test: the present version's arm.")
]
Treatment = Annotated[
    str | None, typer.Option("--treatment", metavar="V:N:SUCCESSES", help="ab-test: this version's arm.")
]
Kind = Annotated[
    str, typer.Option("--kind", metavar="KIND", help="ab-test: proportions, or means (arms are V:N:MEAN:SD).")
]
Started = Annotated[str | None, typer.Option("--started", metavar="DATE", help="ab-test: when it began (UTC).")]
Ended = Annotated[str | None, typer.Option("--ended", metavar="DATE", help="ab-test: when it ended (UTC).")]
Planned = Annotated[int | None, typer.Option("--planned", metavar="N", help="ab-test: the planned size of each arm.")]
Looks = Annotated[int | None, typer.Option("--looks", metavar="N", help="ab-test: how often one looked.")]
Attestation = Annotated[str | None, typer.Option("--attestation", metavar="NAME", help="compliance: its name.")]
Issuer = Annotated[str | None, typer.Option("--issuer", metavar="TEXT", help="compliance: who issued it.")]
Expires = Annotated[
    str | None, typer.Option("--expires", metavar="DATE", help="compliance: valid to the end of this day (UTC).")
]
DocumentUri = Annotated[
    str | None, typer.Option("--document", metavar="URI", help="compliance: where the document is.")
]
DocumentFile = Annotated[
    Path | None, typer.Option("--document-file", metavar="FILE", help="compliance: the document, for its digest.")
]
Measure = Annotated[
    bool, typer.Option("--measure", help="benchmark: measure it here and now, on the version's input example.")
]


def add_to(app: typer.Typer) -> None:
    app.add_typer(evidence)


@evidence.command("add")
def add(
    address: Address,
    type_: Type,
    file: ContentFile = None,
    metrics: Metrics = None,
    dataset: Dataset = None,
    dataset_file: DatasetFile = None,
    dataset_sha256: DatasetSha256 = None,
    split: Split = None,
    metric: Metric = None,
    control: Control = None,
    treatment: Treatment = None,
    kind: Kind = "proportions",
    started: Started = None,
    ended: Ended = None,
    planned: Planned = None,
    looks: Looks = None,
    attestation: Attestation = None,
    issuer: Issuer = None,
    expires: Expires = None,
    document: DocumentUri = None,
    document_file: DocumentFile = None,
    measure: Measure = False,
    sign: Sign = False,
    key: Key = None,
    on: On = None,
    registry: RegistryPath = HERE,
    branch: Branch = None,
    push: Push = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """State something about a version, in one commit; with --sign in your name."""
    from modelreg.domain.address import Address as Parsed
    from modelreg.registry.evidence import add_evidence, check_type
    from modelreg.registry.resolve import resolve
    from modelreg.registry.stating import head_of
    from modelreg.wiring import open_workspace, signing_key

    workspace = open_workspace(registry, branch)
    check_type(type_)
    given = {
        "--metrics": metrics,
        "--dataset": dataset,
        "--dataset-file": dataset_file,
        "--dataset-sha256": dataset_sha256,
        "--split": split,
        "--metric": metric,
        "--control": control,
        "--treatment": treatment,
        "--kind": None if kind == "proportions" else kind,
        "--started": started,
        "--ended": ended,
        "--planned": planned,
        "--looks": looks,
        "--attestation": attestation,
        "--issuer": issuer,
        "--expires": expires,
        "--document": document,
        "--document-file": document_file,
        "--measure": measure or None,
    }
    options = {name: value for name, value in given.items() if value is not None}
    content = _content(workspace.documents, type_, file, options)
    parsed = Parsed.parse(address)
    version = resolve(head_of(workspace, on), parsed)
    if measure:
        content = _measured(workspace, parsed.model, version)
    done = add_evidence(
        workspace,
        parsed.model,
        version,
        content,
        key=signing_key(registry, key, wanted=sign),
        on=on,
        push=push,
        dry_run=dry_run,
    )
    if as_json:
        emit_json(stated_mapping(done) | {"model": parsed.model, "version": str(version)})
    else:
        tell(done, dry_run=dry_run)
        if not dry_run:
            next_step(f"modelreg evidence list {parsed.model}@{version}")


_NEEDED = {
    "evaluation": ("--metrics",),
    "ab-test": ("--metric", "--control", "--treatment", "--started", "--ended"),
    "compliance": ("--attestation", "--issuer"),
    "benchmark": ("--measure",),
}
_TAKEN = {
    "evaluation": ("--metrics", "--dataset", "--dataset-file", "--dataset-sha256", "--split"),
    "ab-test": (*_NEEDED["ab-test"], "--kind", "--planned", "--looks"),
    "compliance": (*_NEEDED["compliance"], "--expires", "--document", "--document-file"),
    "benchmark": ("--measure",),
}


def _content(documents: Documents, type_: str, file: Path | None, options: Mapping[str, Any]) -> Content:
    """The statement's own fields, from the file or from the options of its type."""
    from modelreg.errors import UsageError
    from modelreg.registry import evidence_inputs as read
    from modelreg.registry.evidence import Content

    if file is not None:
        if options:
            raise UsageError(f"--file and {', '.join(options)} exclude each other", hint="write it all into the file")
        return read.from_file(documents, type_, file)
    needed, taken = _NEEDED.get(type_, ("--file",)), _TAKEN.get(type_, ())
    if odd := [name for name in options if name not in taken]:
        raise UsageError(
            f"{', '.join(odd)} say nothing of evidence of type {type_}", hint=f"it takes {', '.join(taken) or '--file'}"
        )
    if missing := [name for name in needed if name not in options]:
        raise UsageError(f"evidence of type {type_} needs {', '.join(missing)}", hint="or all of it as --file FILE")
    words: dict[str, Any] = {name.removeprefix("--").replace("-", "_"): value for name, value in options.items()}
    if type_ == "evaluation":
        return read.evaluation(documents, read.EvaluationOptions(**words))
    if type_ == "ab-test":
        return read.ab_test(read.AbTestOptions(**words))
    if type_ == "benchmark":
        return Content(type_, {})  # the figures are measured when the version is known
    return read.compliance(read.ComplianceOptions(**words))


def _measured(workspace: Workspace, model: ModelName, version: Parsed) -> Content:
    """The figures of a version, measured on this machine."""
    from modelreg import __version__
    from modelreg.describing import measured
    from modelreg.domain.benchmark import Measurement
    from modelreg.registry.evidence import Content

    found = measured(workspace, model, version, Measurement())
    return Content("benchmark", {"benchmarks": found, "tool": {"name": "modelreg", "version": __version__}})


def stated_mapping(done: Stated) -> dict[str, object]:
    """A statement that was made, for --json."""
    return {
        "type": done.body.get("type"),
        "file": done.path,
        "branch": done.branch,
        "by": done.body["by"],
        "signed": done.signer is not None,
        "existing": done.existing,
        "commit": done.commit,
    }


def tell(done: Stated, *, dry_run: bool) -> None:
    """What became of a statement, for people."""
    how = "signed" if done.signer is not None else "unsigned"
    if done.existing:
        result(f"said before by {done.body['by']} ({how}): {done.path}")
        note("nothing was changed")
    elif dry_run:
        result(f"would write {done.path} ({how}) on {done.branch}")
    else:
        result(f"added {done.path} ({how}) on {done.branch} in commit {short(done.commit)}")


@evidence.command("list")
def list_(address: Address, registry: RegistryPath = HERE, ref: Ref = None, as_json: Json = False) -> None:
    """What is stated about a version, by whom, and whether a signature holds."""
    from modelreg.domain.address import Address as Parsed
    from modelreg.registry.evidence import list_evidence
    from modelreg.registry.resolve import resolve
    from modelreg.wiring import open_workspace

    workspace = open_workspace(registry)
    parsed = Parsed.parse(address)
    version = resolve(workspace.snapshot(ref), parsed)
    rows = [_listed(item) for item in list_evidence(workspace, parsed.model, version, ref=ref)]
    if as_json:
        emit_json({"model": parsed.model, "version": str(version), "evidence": rows})
        return
    table(
        ("type", "by", "at", "signed", "says", "file"),
        [
            (
                row["type"],
                row["by"],
                row["at"],
                row["signer"] or "no",
                row["summary"],
                str(row["file"]).rsplit("/", 1)[-1],
            )
            for row in rows
        ],
    )
    if not rows:
        note(f"nothing is stated about {parsed.model}@{version}")


def _listed(item: Evidence) -> dict[str, Any]:
    from modelreg.registry.evidence import summary

    return {
        "type": item.type,
        "by": item.body["by"],
        "at": item.body["at"],
        "signer": item.signer,
        "summary": summary(item),
        "file": item.path,
    }
