"""Tags in GTO's grammar, as a function of registrations and transitions. Output of history, never input.

The rule makes `gto show`, `dvc artifacts get` and `modelreg stage get` agree after any history: GTO orders
assignments by tagger time and takes the stage's tags at a version's registration commit, DVC takes the last tag that
names the stage. Per change: cancel tags for who left, assign tags for who entered, then one more assign for every
held stage whose answer is not what its last tag names; counters rise by one, times strictly.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

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
    return tuple(_Announcer(registry_id, artifact).run(steps))


def added_tags(registry_id: str, artifact: str, steps: Iterable[Step], new: Iterable[Step]) -> tuple[Tag, ...]:
    """The tags that `new` steps add after `steps`: what `tags` of all of them has more."""
    announcer = _Announcer(registry_id, artifact)
    deque(announcer.run(steps), maxlen=0)
    return tuple(announcer.run(new))


class _Announcer:
    """The fold behind `tags`: state so far, the last tag's number and time, and what each stage's last tag assigns."""

    def __init__(self, registry_id: str, artifact: str) -> None:
        self.registry_id = registry_id
        self.artifact = artifact
        self.stages = Stages()
        self.registered: dict[Version, Registered] = {}
        self.number = 0
        self.time = 0
        self.last_named: dict[Stage, Version] = {}

    def run(self, steps: Iterable[Step]) -> Iterator[Tag]:
        for step in steps:
            if isinstance(step, Registered):
                self.registered[step.version] = step
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
        registered = self.registered.get(version)
        if registered is None:  # a transition that names no landed version: validate reports it, no tag can
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
            "manifest": registered.manifest_sha256,
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
        yield Tag(name, registered.commit, _message(title, lines), self.time)


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
