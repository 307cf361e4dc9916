"""All that a gate may look at: plain data, gathered at the edges beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from modelreg.domain.evidence import Evidence, of_type
from modelreg.domain.manifest import Manifest, datasets_of
from modelreg.domain.metric import Metric, metrics_of
from modelreg.domain.policy import Policy
from modelreg.domain.reviews import Review
from modelreg.domain.transition import Transition

ArtifactLevel = Literal["recorded", "present", "verified"]
LEVELS: tuple[ArtifactLevel, ...] = ("recorded", "present", "verified")

FORGE = "github"
"""The forge whose accounts and reviews are known."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A version with what is said of it."""

    manifest: Manifest
    withdrawn: bool = False
    evidence: tuple[Evidence, ...] = ()

    def measured(self, name: str, members: frozenset[str] | None = None) -> tuple[Metric, ...]:
        """What a metric was found to be. With `members` of a role only by evaluations whose word is taken; else the
        manifest's value, and evaluations where it has none."""
        if members is None and name in self.manifest.metrics:
            return (self.manifest.metrics[name],)
        return self._evaluated(name, members)

    def comparable(self, name: str, members: frozenset[str] | None = None) -> tuple[Metric, ...]:
        """All values of a metric, on whatever data: one of them may be on the data of another version's."""
        own = self.manifest.metrics.get(name) if members is None else None
        return (*([own] if own else []), *self._evaluated(name, members))

    def _evaluated(self, name: str, members: frozenset[str] | None) -> tuple[Metric, ...]:
        datasets = datasets_of(self.manifest.body)
        found = []
        for item in of_type(self.evidence, "evaluation"):
            if members is None or item.on_base or item.signer in members:
                found += [m for m in metrics_of(item.body["metrics"], datasets).values() if m.name == name]
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes the change: `person` None is an account that the policy maps to nobody."""

    person: str | None
    source: Literal["signature", "forge", "git"]

    def __str__(self) -> str:
        told = {"signature": "by signature", "forge": "by the forge", "git": "by git e-mail, unauthenticated"}
        return f"{self.person or 'an unknown account'} ({told[self.source]})"


@dataclass(frozen=True, slots=True)
class Facts:
    """What was gathered at the edge beforehand. None is unknown, and fails where it is asked for.

    `now` and `stage_since` (since when the version stands where it stands) are epoch seconds (UTC). `via` None: how
    the change came in is not for this judge to know. `reviews` None: no forge was asked. `again`: a landing of the
    past is judged, where what no clone holds passes as not judged.
    """

    artifact_level: ArtifactLevel | None = None
    via: Literal["pull-request", "direct"] | None = "direct"
    now: int = 0
    stage_since: int | None = None
    reviews: tuple[Review, ...] | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """The question: may this transition be made? `barred` maps persons to why they may not approve it, `wanted` is
    what an approval must say (domain/approvals.py)."""

    candidate: Candidate
    holder: Candidate | None
    transition: Transition
    facts: Facts
    primary_metric: str | None
    policy: Policy | None = None
    actor: Actor | None = None
    barred: Mapping[str, str] = field(default_factory=dict)
    wanted: Mapping[str, Any] = field(default_factory=dict)
    model_tags: Mapping[str, Any] = field(default_factory=dict)

    def members(self, role: str | None) -> frozenset[str] | None:
        """The persons of a role that a requirement names in `by`; None where it names none, nobody for an unknown."""
        if role is None:
            return None
        return self.policy.members(role) if self.policy else frozenset()
