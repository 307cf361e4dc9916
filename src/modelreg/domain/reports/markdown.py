"""A report as GitHub's Markdown: for a step's summary and for a comment on the pull request.

All text from outside stands in code spans: there nothing is a link, an image, HTML, a mention or an issue's number,
whatever autolinks a forge adds (GFM 0.29, section 6.3). Only a backtick could leave one, and a pipe its table cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from modelreg.domain.finding import Finding
from modelreg.domain.gate_report import GateReport, JudgedChange
from modelreg.domain.reports.harmless import one_line
from modelreg.domain.verdict import Verdict

LIMIT = 60_000
"""Characters. GitHub takes 65,536 in a comment."""
_ROOM_FOR_THE_END = 200


def markdown(report: GateReport) -> str:
    """A line with the verdict, what is wrong with the files, then a table per change; what failed first."""
    mark = "✅" if report.allowed else "❌"
    judged = f"Base {code(report.base)}, head {code(report.head)}."
    sections = [f"### modelreg: {mark} {headline(report)}\n\n{judged}\n"]
    if report.findings:
        sections.append(_findings(report.findings))
    changes = sorted(report.changes, key=lambda change: change.allowed)
    sections += [_change(change) for change in changes]
    if not changes:
        sections.append("Nothing in the registry changes.\n")
    return within(sections)


def headline(report: GateReport) -> str:
    """`refused (2 changes, 7 checks: 1 not met)`: no word of a stranger is in it."""
    verdicts = [verdict for change in report.changes for verdict in change.verdicts]
    refused = sum(not verdict.passed for verdict in verdicts)
    errors = sum(finding.severity == "error" for finding in report.findings)
    counts = f"{_count(len(report.changes), 'change')}, {_count(len(verdicts), 'check')}"
    if report.allowed:
        return f"allowed ({counts})"
    wrong = [f"{refused} not met"] if refused else []
    wrong += [_count(errors, "error") + " in files"] if errors else []
    return f"refused ({counts}: {', '.join(wrong)})"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _findings(findings: Iterable[Finding]) -> str:
    rows = ["| | file | what | hint |", "|---|---|---|---|"]
    for finding in sorted(findings, key=lambda finding: finding.severity == "warning"):
        place = ":".join(str(part) for part in (finding.file, finding.line) if part is not None)
        what = ": ".join(part for part in (finding.field, finding.message) if part)
        mark = "❌" if finding.severity == "error" else "⚠️"
        rows.append(f"| {mark} | {code(place)} | {code(what)} | {code(finding.hint or '')} |")
    return "#### Files\n\n" + "\n".join(rows) + "\n"


def _change(change: JudgedChange) -> str:
    name = " ".join(code(part) for part in (change.model, change.version) if part)
    moved = ""
    if change.from_ or change.to:
        moved = f": {code(change.from_ or 'nowhere')} → {code(change.to or 'nowhere')}"
    by = f", by {code(change.by)}" if change.by else ""
    heading = f"#### {'✅' if change.allowed else '❌'} {change.kind} {name}{moved}{by}\n"
    rows = [_row(verdict) for verdict in sorted(change.verdicts, key=lambda verdict: (verdict.passed, verdict.judged))]
    table = ["| | check | expected | actual | reason |", "|---|---|---|---|---|", *rows]
    return f"{heading}\n{code(change.file)}\n" + ("\n" + "\n".join(table) + "\n" if rows else "")


def _row(verdict: Verdict) -> str:
    mark = "❌" if not verdict.passed else "✅" if verdict.judged else "not judged here"
    cells = (verdict.check, verdict.expected, verdict.actual, verdict.reason)
    return f"| {mark} | " + " | ".join(code(cell) for cell in cells) + " |"


def code(text: object) -> str:
    """A code span that its content cannot leave; a dash for nothing."""
    line = one_line(text).replace("`", "'").replace("|", "¦")
    return f"`{line}`" if line else "–"


def within(sections: Iterable[str], whole: str = "modelreg gate --json") -> str:
    """Whole lines, as many as fit; the table's head and the verdict come first, so what is cut is the least
    telling. `whole` is the command that has all of it."""
    kept: list[str] = []
    room = LIMIT - _ROOM_FOR_THE_END
    lines = [line for section in sections for line in _lines(section)]
    for number, line in enumerate(lines):
        room -= len(line) + 1
        if room < 0:
            kept += ["", f"… and {_count(len(lines) - number, 'more line')}: `{whole}` has all of it."]
            break
        kept.append(line)
    return "\n".join(kept).rstrip() + "\n"


def _lines(section: str) -> Iterator[str]:
    yield from section.split("\n")
