"""Workflow commands of GitHub Actions: annotations, and fences around text that must not be taken for commands.

Format and escapes: "Workflow commands for GitHub Actions", and `escapeData`, `escapeProperty` of actions/toolkit
(packages/core/src/command.ts).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modelreg.domain.finding import Finding
from modelreg.domain.gate_report import GateReport
from modelreg.domain.reports.harmless import one_line
from modelreg.domain.reports.problems import Problem, of_findings, problems

PER_STEP = 10
"""How many annotations of a severity GitHub shows per step; it drops the rest without a word."""


def report_annotations(report: GateReport) -> list[str]:
    """At most 10 `::error` and 10 `::warning` lines, worst first; the last of too many says how many more there are."""
    return _limited(problems(report))


def finding_annotations(findings: Iterable[Finding]) -> list[str]:
    """The same for the findings of `validate`."""
    return _limited(of_findings(findings))


def guarded(lines: Sequence[str], token: str) -> list[str]:
    """Lines for an Actions log, in which no line is obeyed as a command. `token` must be random, and new each time."""
    return [f"::stop-commands::{token}", *lines, f"::{token}::"]


def output(name: str, value: str, token: str) -> str:
    """What to append to the file `GITHUB_OUTPUT`; `token` as for `guarded`, so that no value can end itself."""
    return f"{name}<<{token}\n{value}\n{token}\n"


def _limited(found: Sequence[Problem]) -> list[str]:
    lines = []
    for severity in ("error", "warning"):
        these = [problem for problem in found if problem.severity == severity]
        shown = these if len(these) <= PER_STEP else these[: PER_STEP - 1]
        lines += [_command(problem) for problem in shown]
        if len(shown) < len(these):
            more = f"{len(these) - len(shown)} more {severity}s: see the step's summary"
            lines.append(f"::{severity} title=modelreg::{_data(more)}")
    return lines


def _command(problem: Problem) -> str:
    place = {"file": problem.file, "line": problem.line, "col": problem.column, "title": f"modelreg {problem.rule}"}
    properties = ",".join(f"{key}={_property(value)}" for key, value in place.items() if value is not None)
    message = "\n".join(one_line(line) for line in problem.message.splitlines()) or problem.rule
    return f"::{problem.severity} {properties}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: object) -> str:
    return _data(one_line(value)).replace(":", "%3A").replace(",", "%2C")
