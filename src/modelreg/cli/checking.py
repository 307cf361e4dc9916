"""`modelreg validate` and `modelreg verify`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelreg.cli.options import HERE, Json, Ref, RegistryPath
from modelreg.cli.output import emit_json, next_step, note, result

if TYPE_CHECKING:
    from modelreg.domain.finding import Finding
    from modelreg.registry.workspace import Workspace

Paths = Annotated[
    list[Path], typer.Argument(metavar="[PATH…]", help="Files or folders; without, all.", show_default=False)
]
Since = Annotated[str | None, typer.Option("--changed-since", metavar="REF", help="Only what differs from REF.")]
Format = Annotated[
    str, typer.Option("--format", metavar="NAME", help="text, json, or github (annotations in Actions).")
]
MaybeAddress = Annotated[
    str | None, typer.Argument(metavar="[MODEL[@VERSION]]", help="Without, all versions.", show_default=False)
]


def add_to(app: typer.Typer) -> None:
    app.command()(validate)
    app.command()(verify)


def validate(
    paths: Paths = [],  # noqa: B006 - Typer reads defaults, nobody changes them
    registry: RegistryPath = HERE,
    changed_since: Since = None,
    ref: Ref = None,
    format: Format = "text",  # noqa: A002 - the option's name
    as_json: Json = False,
) -> None:
    """Check every document: YAML, schema, and what a schema cannot say. Exit code 1 if anything is wrong."""
    from modelreg.domain.finding import failed
    from modelreg.domain.reports.annotations import finding_annotations
    from modelreg.errors import UsageError
    from modelreg.registry.validate import validate as perform
    from modelreg.wiring import open_workspace

    if format not in ("text", "json", "github"):
        raise UsageError(f"there is no format {format!a}", hint="use text, json or github")
    workspace = open_workspace(registry)
    done = perform(workspace, _from_top(workspace, paths), changed_since=changed_since, ref=ref)
    ok = not failed(done.findings)
    if as_json or format == "json":
        emit_json({"ok": ok, "files": done.files, "findings": [finding.to_mapping() for finding in done.findings]})
    elif format == "github":
        for line in finding_annotations(done.findings):
            result(line)
    else:
        _print(done.findings)
        count = sum(finding.severity == "error" for finding in done.findings)
        note(f"{done.files} files: " + ("all sound" if ok else f"{count} error{'s' if count != 1 else ''}"))
    if not ok:
        raise typer.Exit(1)


def _from_top(workspace: Workspace, paths: Sequence[Path]) -> list[str]:
    """Paths as the registry names them: from the top of the repository."""
    top = workspace.repository.top
    if top is None:
        return [path.as_posix() for path in paths]
    found = []
    for path in paths:
        absolute = path.parent.resolve() / path.name if path.name else path.resolve()
        inside = absolute.is_relative_to(top.resolve())
        found.append(absolute.relative_to(top.resolve()).as_posix() if inside else path.as_posix())
    return found


def _print(findings: Sequence[Finding]) -> None:
    for finding in findings:
        place = ":".join(str(p) for p in (finding.file, finding.line, finding.column) if p is not None)
        field = f"{finding.field}: " if finding.field else ""
        mark = "" if finding.severity == "error" else "warning: "
        result(f"{place}: {mark}{field}{finding.message} [{finding.code}]")
        if finding.hint:
            result(f"    hint: {finding.hint}")


def verify(
    address: MaybeAddress = None,
    registry: RegistryPath = HERE,
    content: Annotated[bool, typer.Option("--content", help="Fetch every artifact and hash it.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the remote.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="What a clone cannot judge again is an error.")] = False,
    as_json: Json = False,
) -> None:
    """Does the record hold together? History, digests, objects, tags; every landing judged again. Exit code 3 if not."""
    from modelreg.domain.address import Address
    from modelreg.domain.finding import failed
    from modelreg.registry.resolve import resolve
    from modelreg.registry.verify import verify as perform
    from modelreg.wiring import open_workspace

    workspace = open_workspace(registry)
    parsed = Address.parse(address) if address else None
    version = resolve(workspace.snapshot(), parsed) if parsed and address and any(c in address for c in "@#") else None
    done = perform(
        workspace, parsed.model if parsed else None, version, content=content, offline=offline, strict=strict
    )
    ok = not failed(done.findings)
    if as_json:
        emit_json({"ok": ok, "versions": done.versions, "findings": [f.to_mapping() for f in done.findings]})
    else:
        _print(done.findings)
        note(
            f"{done.versions} version{'s' if done.versions != 1 else ''}: "
            + ("the record holds" if ok else "the record is broken")
        )
        if any(finding.code == "tag-missing" for finding in done.findings):
            next_step("modelreg announce")
    if not ok:
        raise typer.Exit(3)
