"""What `validate`, `verify` and the gates find wrong: always a place, a code and a way out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong. `line` and `column` count from 1; None where the whole file is meant."""

    file: str
    code: str
    message: str
    line: int | None = None
    column: int | None = None
    field: str | None = None
    severity: Severity = "error"
    hint: str | None = None

    def to_mapping(self) -> dict[str, Any]:
        """The shape of `--json` (schemas/output/validate.v1.json)."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "field": self.field,
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "hint": self.hint,
        }


def failed(findings: Iterable[Finding]) -> bool:
    """Whether any of them is an error."""
    return any(finding.severity == "error" for finding in findings)
