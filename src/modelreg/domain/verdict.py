"""Verdicts of single checks, and the report that they make together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check found. `expected` and `actual` are short texts for people; a failed one has a `reason`.

    `judged` is False where what was asked cannot be known here (a clone holds no reviews of a forge): it passes then,
    and the report says so.
    """

    check: str
    passed: bool
    expected: str
    actual: str
    reason: str = ""
    judged: bool = True

    def to_mapping(self) -> dict[str, Any]:
        return {
            "check": self.check,
            "passed": self.passed,
            "judged": self.judged,
            "expected": self.expected,
            "actual": self.actual,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All verdicts on one transition."""

    verdicts: tuple[Verdict, ...]

    @property
    def allowed(self) -> bool:
        return bool(self.verdicts) and all(verdict.passed for verdict in self.verdicts)

    @property
    def failures(self) -> tuple[Verdict, ...]:
        return tuple(verdict for verdict in self.verdicts if not verdict.passed)

    def to_mapping(self) -> dict[str, Any]:
        return {"allowed": self.allowed, "verdicts": [verdict.to_mapping() for verdict in self.verdicts]}


NOT_JUDGED = Report(())
"""The report on what was not judged, which allows nothing."""


def empty(check: str, wanted: str) -> Verdict:
    """A requirement that asks nothing refuses: an author of a policy meant something by it."""
    return Verdict(check, False, wanted, "none", "the requirement is empty")
