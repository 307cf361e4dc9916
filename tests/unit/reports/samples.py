"""Reports to render."""

from __future__ import annotations

from modelreg.domain.finding import Finding
from modelreg.domain.gate_report import GateReport, JudgedChange
from modelreg.domain.verdict import Verdict

BASE, HEAD = "a" * 40, "b" * 40
MET = Verdict("metrics.f1", True, ">= 0.8", "0.91")
UNMET = Verdict("metrics.accuracy", False, ">= 0.85", "0.8", "accuracy is 0.8, wanted >= 0.85")
UNJUDGED = Verdict("approvals", True, "1 review", "unknown", judged=False)
FILE = "registry/churn/transitions/0009.yaml"


def change(*verdicts: Verdict, text: str | None = None) -> JudgedChange:
    """A promotion; with `text` all that a stranger writes is that."""
    return JudgedChange(
        "promote", text or FILE, verdicts, text or "churn", text or "1.3.0", "staging", "production", text or "ann", 9
    )


def report(*changes: JudgedChange, findings: tuple[Finding, ...] = ()) -> GateReport:
    return GateReport(BASE, HEAD, changes, findings)


def hostile(text: str) -> GateReport:
    """Every field that a stranger may fill, filled with `text`."""
    finding = Finding(text, "schema", text, line=3, column=2, field=text, hint=text)
    warning = Finding(text, "unknown-file", text, severity="warning")
    verdict = Verdict(text, False, text, text, text)
    passed = Verdict(text, True, text, text, text, judged=False)
    return GateReport(text, text, (change(verdict, passed, text=text),), (finding, warning))
