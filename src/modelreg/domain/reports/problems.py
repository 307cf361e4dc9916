"""What is wrong in a report, as one list: findings and failed verdicts, each with its place, worst first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from modelreg.domain.finding import Finding, Severity
from modelreg.domain.gate_report import GateReport, JudgedChange


@dataclass(frozen=True, slots=True)
class Problem:
    """`rule` is a finding's code or a check's name; `line` and `column` count from 1."""

    severity: Severity
    rule: str
    file: str
    message: str
    line: int | None = None
    column: int | None = None


def problems(report: GateReport) -> tuple[Problem, ...]:
    """Errors before warnings; broken files before refused changes, since a check of a broken file says little."""
    found = [*of_findings(report.findings), *(p for change in report.changes for p in _refusals(change))]
    return tuple(sorted(found, key=lambda problem: problem.severity == "warning"))


def of_findings(findings: Iterable[Finding]) -> tuple[Problem, ...]:
    """In their own order, errors first."""
    ordered = sorted(findings, key=lambda finding: finding.severity == "warning")
    return tuple(Problem(f.severity, f.code, f.file, _message(f), f.line, f.column) for f in ordered)


def subject(change: JudgedChange) -> str:
    """What a change does, in a few words: `promote churn@1.3.0: staging -> production`."""
    name = "@".join(part for part in (change.model, change.version) if part)
    moved: Any = f": {change.from_} -> {change.to or 'nowhere'}" if change.from_ else f" -> {change.to}"
    return f"{change.kind} {name}".rstrip() + (moved if change.from_ or change.to else "")


def _refusals(change: JudgedChange) -> Iterable[Problem]:
    for verdict in change.verdicts:
        if not verdict.passed:
            reason = verdict.reason or f"expected {verdict.expected}, found {verdict.actual}"
            yield Problem("error", verdict.check, change.file, f"{subject(change)}: {reason}", line=1)


def _message(finding: Finding) -> str:
    text = ": ".join(part for part in (finding.field, finding.message) if part)
    return f"{text}\n{finding.hint}" if finding.hint else text
