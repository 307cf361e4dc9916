"""Proposals: branches named `promote/MODEL/VERSION/STAGE`, and what their checks say of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from modelreg.domain.names import ModelName, Stage, parse_model, parse_stage
from modelreg.domain.verdict import Verdict
from modelreg.domain.version import Version
from modelreg.errors import ModelregError

PREFIX = "promote/"

_NEVER = frozenset(("transition", "transition.from", "withdrawn", "rollback", "cause"))
_PEOPLE = frozenset(("approvals",))


@dataclass(frozen=True, slots=True)
class ProposalName:
    """What a proposal is about; as text it is the branch's name."""

    model: ModelName
    version: Version
    stage: Stage

    def __str__(self) -> str:
        return f"{PREFIX}{self.model}/{self.version}/{self.stage}"

    @classmethod
    def parse(cls, branch: str) -> ProposalName | None:
        """None for a branch that is no proposal."""
        parts = branch.split("/")
        if len(parts) != 4 or f"{parts[0]}/" != PREFIX:
            return None
        try:
            return cls(parse_model(parts[1]), Version.parse(parts[2]), parse_stage(parts[3]))
        except ModelregError:
            return None


def hopeless(verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """What nobody can bring about on a proposal: a move that the lifecycle does not have, a withdrawn version, a
    rollback to what never was there. Evidence, approvals and time may still come."""
    return tuple(verdict for verdict in verdicts if not verdict.passed and verdict.check in _NEVER)


def outdated(verdicts: Iterable[Verdict]) -> bool:
    """Whether the record is not what would be written on the present base: to be made again."""
    return any(v.check == "number" or v.check.partition(".")[0] == "record" for v in verdicts if not v.passed)


def unmet(verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """What fails but for what a proposal is made to gather: the voices of people."""
    return tuple(verdict for verdict in verdicts if not verdict.passed and verdict.check not in _PEOPLE)
