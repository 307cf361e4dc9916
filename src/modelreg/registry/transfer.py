"""What an import or an export is asked for, and what came of each model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from modelreg.domain.foreign.standing import Refused
from modelreg.domain.names import ModelName
from modelreg.domain.version import Version
from modelreg.errors import DeniedError, InvalidError, ModelregError, NotFoundError

REFUSALS = (InvalidError, DeniedError, NotFoundError)
"""What stops one thing, and not the import or export."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to import. Without `artifacts` versions are recorded with the address of their files only."""

    push: bool = False
    dry_run: bool = False
    artifacts: bool = True


@dataclass(slots=True)
class Transferred:
    """What came of one model. `present` versions were there already, `notes` say what was left out on purpose,
    `refused` what could not be brought over."""

    name: str
    model: ModelName
    present: int = 0
    notes: list[str] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    def refuse(self, what: str, why: ModelregError | str) -> None:
        self.refused.append(Refused(what, str(why)))

    def refused_mappings(self) -> list[dict[str, str]]:
        """For --json."""
        return [{"what": one.what, "reason": one.reason} for one in self.refused]


@dataclass(frozen=True, slots=True)
class Landed:
    """A version that was registered; in a dry run one that would be, and has no version yet."""

    number: int
    version: Version | None
    artifacts: bool


@dataclass(slots=True)
class Imported(Transferred):
    """`landed` are the versions that were registered, `changes` what was brought up to date."""

    landed: list[Landed] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)

    def to_mapping(self) -> dict[str, Any]:
        """For --json."""
        return {
            "name": self.name,
            "model": self.model,
            "registered": [
                {
                    "number": one.number,
                    "version": None if one.version is None else str(one.version),
                    "artifacts": one.artifacts,
                }
                for one in self.landed
            ],
            "present": self.present,
            "changes": self.changes,
            "notes": self.notes,
            "not_imported": self.refused_mappings(),
        }
