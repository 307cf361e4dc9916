"""Findings as people, programs and GitHub's annotations read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from modelreg.cli.output import counted, emit_json, note, result, workflow_commands

if TYPE_CHECKING:
    from modelreg.domain.finding import Finding

Format = Annotated[
    str, typer.Option("--format", metavar="NAME", help="text, json, or github (annotations in Actions).")
]


def known_format(name: str) -> None:
    """Raises UsageError for a format that there is not."""
    from modelreg.errors import UsageError

    if name not in ("text", "json", "github"):
        raise UsageError(f"there is no format {name!a}", hint="use text, json or github")


def show(files: int, findings: Sequence[Finding], form: str) -> None:
    """Print what was found in so many files; leave with exit code 1 where any of it is an error."""
    from modelreg.domain.finding import failed
    from modelreg.domain.reports.annotations import finding_annotations

    ok = not failed(findings)
    if form == "json":
        emit_json({"ok": ok, "files": files, "findings": [finding.to_mapping() for finding in findings]})
    elif form == "github":
        workflow_commands(finding_annotations(findings))
    else:
        print_findings(findings)
        note(f"{counted(files, 'file')}: {_summary(findings)}")
    if not ok:
        raise typer.Exit(1)


def _summary(findings: Sequence[Finding]) -> str:
    errors = sum(finding.severity == "error" for finding in findings)
    if errors:
        return counted(errors, "error")
    return f"no error, {counted(len(findings), 'warning')}" if findings else "all sound"


def print_findings(findings: Sequence[Finding]) -> None:
    for finding in findings:
        place = ":".join(str(p) for p in (finding.file, finding.line, finding.column) if p is not None)
        field = f"{finding.field}: " if finding.field else ""
        mark = "" if finding.severity == "error" else "warning: "
        result(f"{place}: {mark}{field}{finding.message} [{finding.code}]")
        if finding.hint:
            result(f"    hint: {finding.hint}")
