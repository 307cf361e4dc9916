"""What `doctor` finds: one line per thing that must hold, with the way out where it does not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

Answer = Literal["yes", "no", "unknown"]


@dataclass(frozen=True, slots=True)
class Examined:
    """`check` is a short name, `found` what is there, `hint` what to do unless the answer is yes."""

    check: str
    answer: Answer
    found: str
    hint: str = ""

    def to_mapping(self) -> dict[str, Any]:
        """The shape of `doctor --json` (schemas/output/doctor.v1.json)."""
        return {"check": self.check, "answer": self.answer, "found": self.found, "hint": self.hint or None}


def worst(examined: Iterable[Examined]) -> Answer:
    """no before unknown before yes."""
    answers = {item.answer for item in examined}
    return "no" if "no" in answers else "unknown" if "unknown" in answers else "yes"
