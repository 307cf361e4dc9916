"""Tags in GTO's grammar, as a function of registrations and transitions. Output of history, never input.

The rule makes `gto show`, `dvc artifacts get` and `modelreg stage get` agree after any history: GTO orders
assignments by tagger time and takes the stage's tags at a version's registration commit, DVC takes the last tag that
names the stage. Per change: cancel tags for who left, assign tags for who entered, then one more assign for every
held stage whose answer is not what its last tag names; counters rise by one, times strictly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from modelreg.domain.names import Stage
from modelreg.domain.plan import CommitId, Tag
from modelreg.domain.stages import Stages, apply
from modelreg.domain.transition import Transition
from modelreg.domain.version import Version


@dataclass(frozen=True, slots=True)
class Registered:
    """A version that landed: the commit its tags point at, that commit's time (epoch seconds, UTC), its digest."""

    version: Version
    commit: CommitId
    at: int
    manifest_sha256: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A transition that landed, in landing `commit` at `at`; which stages are announced and which is initial then."""

    transition: Transition
    commit: CommitId
    at: int
    announced: frozenset[Stage]
    initial: Stage


Step = Registered | Moved


def version_tag(artifact: str, version: Version) -> str:
    return f"{artifact}@v{version}"


def tags(registry_id: str, artifact: str, steps: Iterable[Step]) -> tuple[Tag, ...]:
    """All tags of one model after `steps`, oldest first; `artifact` is the model, prefixed in a subfolder.

    `tags(a + b)` begins with `tags(a)`: what has been announced never changes.
    """
    return Announced(registry_id, artifact).follow(steps)


@dataclass
class Announced:
    """What the tags of a model have come to, the fold behind `tags`: who stands where, by version the commit that its
    tags point at and the digest of its manifest, the last tag's number and time, what each stage's last tag assigns.
    """

    registry_id: str
    artifact: str
    stages: Stages = field(default_factory=Stages)
    registered: dict[str, tuple[CommitId, str]] = field(default_factory=dict)
    number: int = 0
    time: int = 0
    last_named: dict[Stage, Version] = field(default_factory=dict)

    @classmethod
    def from_mapping(cls, body: Mapping[str, Any]) -> Announced:
        """From `to_mapping`. Raises KeyError, ValueError, TypeError or InvalidError for anything else."""
        registered = {version: (CommitId(commit), digest) for version, (commit, digest) in body["registered"].items()}
        named = {Stage(stage): Version.parse(version) for stage, version in body["last_named"].items()}
        stages = Stages.from_mapping(body["stages"])
        return cls(body["registry"], body["artifact"], stages, registered, body["number"], body["time"], named)

    def to_mapping(self) -> dict[str, Any]:
        """All of it, as JSON."""
        return {
            "registry": self.registry_id,
            "artifact": self.artifact,
            "stages": Stages(self.stages.holders).to_mapping((), frozenset()),
            "registered": self.registered,
            "number": self.number,
            "time": self.time,
            "last_named": {stage: str(version) for stage, version in self.last_named.items()},
        }

    def added(self, new: Iterable[Step]) -> tuple[Tag, ...]:
        """The tags that `new` steps would add: what `tags` of all of them has more."""
        return replace(self, registered=dict(self.registered), last_named=dict(self.last_named)).follow(new)

    def follow(self, steps: Iterable[Step]) -> tuple[Tag, ...]:
        """Go on with `steps`; the tags that they add."""
        return tuple(tag for step in steps for tag in self._tags(step))

    def _tags(self, step: Step) -> Iterator[Tag]:
        if isinstance(step, Registered):
            self.registered[str(step.version)] = (step.commit, step.manifest_sha256)
            self.time = max(self.time + 1, step.at)
            lines = {"registry": self.registry_id, "manifest": step.manifest_sha256}
            title = f"Register {self.artifact} {step.version}"
            yield Tag(version_tag(self.artifact, step.version), step.commit, _message(title, lines), self.time)
        else:
            yield from self._moved(step)

    def _moved(self, step: Moved) -> Iterator[Tag]:
        before, self.stages = self.stages, apply(self.stages, step.transition, step.initial)
        for stage, version in _differences(before.holders, self.stages.holders, step.announced):
            yield from self._stage_tag(step, stage, version, cancel=True)
        for stage, version in _differences(self.stages.holders, before.holders, step.announced, by_place=True):
            yield from self._stage_tag(step, stage, version)
        for stage in sorted(step.announced):
            answer = self.stages.answer(stage)
            if answer is not None and self.last_named.get(stage) != answer:
                yield from self._stage_tag(step, stage, answer)

    def _stage_tag(self, step: Moved, stage: Stage, version: Version, *, cancel: bool = False) -> Iterator[Tag]:
        commit, digest = self.registered.get(str(version), (None, ""))
        if commit is None:  # a transition that names no landed version: validate reports it, no tag can
            return
        self.number += 1
        self.time = max(self.time + 1, step.at)
        if cancel:
            self.last_named.pop(stage, None)
        else:
            self.last_named[stage] = version
        transition = step.transition
        lines = {
            "registry": self.registry_id,
            "manifest": digest,
            "landing": step.commit,
            "transition": str(transition.number),
            "from": str(transition.from_),
            "to": str(transition.to),
            "by": transition.by,
            "reason": " ".join(transition.reason.split()),
        }
        title = (
            f"{'Unassign' if cancel else 'Assign'} stage {stage} {'from' if cancel else 'to'} {self.artifact} {version}"
        )
        name = f"{self.artifact}#{stage}{'!' if cancel else ''}#{self.number}"
        yield Tag(name, commit, _message(title, lines), self.time)


def _differences(
    these: Mapping[Stage, Sequence[Version]],
    those: Mapping[Stage, Sequence[Version]],
    announced: frozenset[Stage],
    *,
    by_place: bool = False,
) -> list[tuple[Stage, Version]]:
    """(stage, version) that are in these and not in those, by stage, then by version or by place in the list."""
    found: list[tuple[Stage, Version]] = []
    for stage in sorted(announced.intersection(these)):
        gone = [v for v in these[stage] if v not in those.get(stage, ())]
        found += [(stage, version) for version in (gone if by_place else sorted(gone))]
    return found


def _message(title: str, lines: Mapping[str, str]) -> str:
    return title + "\n\n" + "".join(f"{key}: {value}\n" for key, value in lines.items())
