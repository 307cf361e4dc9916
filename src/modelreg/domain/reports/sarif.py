"""A report as SARIF 2.1.0 (OASIS standard, 27 March 2020), which forges and editors read as code-scanning results."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import quote

from modelreg.domain.gate_report import GateReport
from modelreg.domain.reports.harmless import one_line
from modelreg.domain.reports.problems import Problem, problems

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif(report: GateReport) -> dict[str, Any]:
    """One run: a rule per check and code, a result per failed verdict and finding (sections 3.13 to 3.27)."""
    found = problems(report)
    rules = sorted({problem.rule for problem in found})
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "modelreg", "rules": [_rule(rule) for rule in rules]}},
                "columnKind": "unicodeCodePoints",
                "invocations": [{"executionSuccessful": True}],
                "results": [_result(problem, rules.index(problem.rule)) for problem in found],
            }
        ],
    }


def _rule(name: str) -> dict[str, Any]:
    return {"id": name, "shortDescription": {"text": f"modelreg: {name}"}}


def _result(problem: Problem, index: int) -> dict[str, Any]:
    region = {"startLine": problem.line or 1} | ({"startColumn": problem.column} if problem.column else {})
    # The same problem keeps its identity when other lines move: no line is in the fingerprint.
    identity = f"{problem.rule}\0{problem.file}\0{problem.message}".encode("utf-8", "surrogatepass")
    return {
        "ruleId": problem.rule,
        "ruleIndex": index,
        "level": problem.severity,
        "message": {"text": one_line(problem.message, limit=1000) or problem.rule},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(problem.file, errors="surrogateescape")},
                    "region": region,
                }
            }
        ],
        "partialFingerprints": {"modelreg/v1": hashlib.sha256(identity).hexdigest()},
    }
