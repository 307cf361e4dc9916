"""A report for a terminal, or a log: short, what failed first."""

from __future__ import annotations

from modelreg.domain.gate_report import GateReport, JudgedChange
from modelreg.domain.reports.harmless import one_line
from modelreg.domain.reports.problems import subject


def text(report: GateReport) -> list[str]:
    """Lines. A change that is allowed takes one; one that is refused names every check that is not met."""
    lines = []
    for finding in sorted(report.findings, key=lambda finding: finding.severity == "warning"):
        place = ":".join(str(part) for part in (finding.file, finding.line, finding.column) if part is not None)
        field = f"{finding.field}: " if finding.field else ""
        lines.append(one_line(f"{finding.severity}: {place}: {field}{finding.message} [{finding.code}]"))
        if finding.hint:
            lines.append(f"    hint: {one_line(finding.hint)}")
    for change in sorted(report.changes, key=lambda change: change.allowed):
        lines += _change(change)
    if not report.changes:
        lines.append("nothing in the registry changes")
    lines.append("allowed" if report.allowed else "refused")
    return lines


def _change(change: JudgedChange) -> list[str]:
    met = sum(verdict.passed for verdict in change.verdicts)
    by = f" by {change.by}" if change.by else ""
    word = "allowed" if change.allowed else "refused"
    lines = [one_line(f"{word}: {subject(change)}{by} ({met} of {len(change.verdicts)} checks met)")]
    for verdict in change.verdicts:
        if not verdict.passed:
            reason = f" ({verdict.reason})" if verdict.reason else ""
            lines.append(
                "    " + one_line(f"{verdict.check}: expected {verdict.expected}, found {verdict.actual}{reason}")
            )
        elif not verdict.judged:
            lines.append("    " + one_line(f"{verdict.check}: not judged here, expected {verdict.expected}"))
    return lines
