"""`modelreg gate`: may this range land?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelreg.cli.options import HERE, RegistryPath
from modelreg.cli.output import emit_json, note, result, table

if TYPE_CHECKING:
    from modelreg.domain.gate_report import GateReport, JudgedChange

BaseRef = Annotated[
    str,
    typer.Option("--base", metavar="REF", help="The protected branch's tip: its policy decides.", show_default=False),
]
HeadRef = Annotated[
    str, typer.Option("--head", metavar="REF", help="What would be merged into it.", show_default=False)
]
Format = Annotated[str, typer.Option("--format", metavar="NAME", help="text or json.")]


def add_to(app: typer.Typer) -> None:
    app.command("gate")(gate_command)


def gate_command(base: BaseRef, head: HeadRef, registry: RegistryPath = HERE, output: Format = "text") -> None:
    """Judge a pull request by the policy of its base; exit 1 where it may not land."""
    from modelreg.errors import UsageError
    from modelreg.registry.gate import gate
    from modelreg.registry.judging import Circumstances
    from modelreg.wiring import open_workspace

    if output not in ("text", "json"):
        raise UsageError(f"there is no format {output!a}", hint="choose text or json")
    workspace = open_workspace(registry)
    circumstances = Circumstances(workspace.clock(), via="pull-request")
    report = gate(workspace, workspace.tip(base), workspace.tip(head), circumstances)
    if output == "json":
        emit_json(report.to_mapping())
    else:
        tell(report)
    if not report.allowed:
        raise typer.Exit(1)


def tell(report: GateReport) -> None:
    """For a terminal: each change with its verdicts, then the findings."""
    for change in report.changes:
        result(f"{'allowed' if change.allowed else 'REFUSED'}: {heading(change)}")
        rows = [
            ("NO" if not v.passed else "yes" if v.judged else "not judged", v.check, v.expected, v.actual, v.reason)
            for v in sorted(change.verdicts, key=lambda v: v.passed)
        ]
        table(("passed", "check", "expected", "actual", "reason"), rows)
    for finding in report.findings:
        place = ":".join(str(part) for part in (finding.file, finding.line) if part is not None)
        result(f"{finding.severity}: {place}: {finding.message} [{finding.code}]")
        if finding.hint:
            note(f"hint: {finding.hint}")
    if not report.changes and not report.findings:
        result("nothing of the registry changes")
    result("may land" if report.allowed else "may not land")


def heading(change: JudgedChange) -> str:
    """`promote churn@1.3.0 staging -> production, by ann@example.org`."""
    what = f"{change.model}@{change.version}" if change.version else change.model or change.file
    move = f" {change.from_ or '-'} -> {change.to}" if change.to else ""
    return f"{change.kind} {what}{move}" + (f", by {change.by}" if change.by else "")
