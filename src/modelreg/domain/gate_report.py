"""The answer of `modelreg gate`: every change of a range with its verdicts, and what is wrong with the files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from modelreg.domain.finding import Finding, failed
from modelreg.domain.verdict import Verdict

ChangeKind = Literal[
    "register", "promote", "rollback", "archive", "withdraw", "alias", "evidence", "annotate", "model", "policy"
]


@dataclass(frozen=True, slots=True)
class JudgedChange:
    """One thing that a range does to the registry. `file` is its document, for annotations; `by` who acts.

    `from_` and `to` are stages, for kind alias the versions that the alias named and names.
    """

    kind: ChangeKind
    file: str
    verdicts: tuple[Verdict, ...]
    model: str | None = None
    version: str | None = None
    from_: str | None = None
    to: str | None = None
    by: str | None = None
    transition: int | None = None

    @property
    def allowed(self) -> bool:
        return all(verdict.passed for verdict in self.verdicts)

    def to_mapping(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "model": self.model,
            "version": self.version,
            "from": self.from_,
            "to": self.to,
            "by": self.by,
            "transition": self.transition,
            "file": self.file,
            "allowed": self.allowed,
            "checks": [verdict.to_mapping() for verdict in self.verdicts],
        }


@dataclass(frozen=True, slots=True)
class GateReport:
    """`base` and `head` are commit ids; the range judged is base to the result of merging head into it."""

    base: str
    head: str
    changes: tuple[JudgedChange, ...]
    findings: tuple[Finding, ...]

    @property
    def allowed(self) -> bool:
        """A range that does nothing to the registry is allowed."""
        return all(change.allowed for change in self.changes) and not failed(self.findings)

    def to_mapping(self) -> dict[str, Any]:
        """The shape of `gate --json` (schemas/output/gate.v1.json)."""
        return {
            "allowed": self.allowed,
            "base": self.base,
            "head": self.head,
            "changes": [change.to_mapping() for change in self.changes],
            "findings": [finding.to_mapping() for finding in self.findings],
        }
