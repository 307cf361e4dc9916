"""Evidence: statements about a version, beside its manifest, add-only, bound to the manifest's digest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

EvidenceType = Literal[
    "evaluation",
    "ab-test",
    "compliance",
    "approval",
    "approval-withdrawal",
    "benchmark",
    "monitoring",
    "scan",
    "verification",
    "reproduction",
]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A statement that passed its schema and is about the version at hand.

    `signer` is the person of the document's `by` where a signature of the stored bytes by one of their keys stands
    beside it and holds by the base's signers; else None. `on_base` says whether it had landed before the change that
    is judged.
    """

    path: str
    body: Mapping[str, Any]
    on_base: bool
    signer: str | None = None

    @property
    def type(self) -> str:
        return str(self.body["type"])

    @property
    def name(self) -> str:
        """The file's name, which a withdrawal of an approval names."""
        return self.path.rsplit("/", 1)[-1]


def of_type(evidence: Iterable[Evidence], type_: EvidenceType) -> tuple[Evidence, ...]:
    return tuple(item for item in evidence if item.type == type_)


def counted(evidence: Iterable[Evidence], members: frozenset[str] | None) -> tuple[Evidence, ...]:
    """Whose word is taken: with `members` of a role only what one of them signed, or what stood on the base already."""
    return tuple(item for item in evidence if members is None or item.on_base or item.signer in members)
