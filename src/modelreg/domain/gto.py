"""Tags of GTO (https://github.com/treeverse/gto, gto/constants.py and gto/base.py at 1.10) as what happened to models.

Only annotated tags count. They are ordered by tagger time in whole seconds, then by name; a stage tag is of the version
that was registered at the same commit. A version may hold several stages there: the one that it was assigned last is
where it stands here, and what is unassigned brings back the one before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from modelreg.domain.names import ModelName, parse_model
from modelreg.domain.reports.harmless import one_line

_NAME = r"[a-zA-Z0-9](?:[a-zA-Z0-9/_-]*[a-zA-Z0-9])?"
_VERSION = r"v[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?"
_TAG = re.compile(
    rf"(?P<artifact>(?:[a-zA-Z0-9_./-]+=)?{_NAME})"
    rf"(?:(?:#(?P<stage>{_NAME})|@(?P<version>{_VERSION}))(?P<cancel>!?)|@(?P<deprecated>deprecated))(?:#[0-9]+)?"
)
_REASON = re.compile(r"GTO tag (\S+)")


@dataclass(frozen=True, slots=True)
class GtoTag:
    """An annotated tag; `at` is the tagger's time (epoch seconds), `by` the e-mail, `target` the commit's id."""

    name: str
    target: str
    message: str
    at: int
    by: str


@dataclass(frozen=True, slots=True)
class Event:
    """What a tag says. `artifact` is as GTO names it: `churn`, or `ml/team:churn` in a subfolder."""

    artifact: str
    version: str | None
    stage: str | None
    cancel: bool
    tag: GtoTag

    @property
    def reason(self) -> str:
        """What the record here says of it, by which it is found again."""
        said = one_line(self.tag.message, 300)
        return f"GTO tag {self.tag.name} by {one_line(self.tag.by, 100)}" + (f": {said}" if said else "")


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done for an event; `version` without v, None to retire the model. `to` None: the initial stage."""

    kind: Literal["register", "move", "withdraw", "retire", "nothing"]
    event: Event
    version: str | None = None
    to: str | None = None
    why: str = ""


def parse(tag: GtoTag) -> Event | None:
    """None for a tag that is none of GTO's."""
    match = _TAG.fullmatch(tag.name)
    if match is None:
        return None
    artifact = match["artifact"].replace("=", ":")
    return Event(artifact, match["version"], match["stage"], bool(match["cancel"]), tag)


def events(tags: Iterable[GtoTag]) -> dict[str, list[Event]]:
    """The events of each artifact, in GTO's order; artifacts by name."""
    found: dict[str, list[Event]] = {}
    for tag in sorted(tags, key=lambda tag: (tag.at, tag.name)):
        event = parse(tag)
        if event is not None:
            found.setdefault(event.artifact, []).append(event)
    return dict(sorted(found.items()))


def steps(history: Sequence[Event]) -> Iterator[Step]:
    """What is to be done for the events of one artifact, in their order; a version is registered before it moves."""
    registrations: dict[str, Event] = {}
    by_commit: dict[str, str] = {}
    for event in history:
        if event.version is not None and not event.cancel:
            registrations.setdefault(event.version, event)
            by_commit.setdefault(event.tag.target, event.version)
    registered: set[str] = set()
    holds: dict[str, list[str]] = {}
    for event in history:
        version = event.version or by_commit.get(event.tag.target)
        if event.version is None and event.stage is None:
            yield Step("retire", event)
            continue
        if version is None or version not in registrations:
            yield Step("nothing", event, why="there is no version registered at its commit")
            continue
        if version not in registered:
            registered.add(version)
            yield Step("register", registrations[version], version[1:])
        if event.stage is not None:
            held = holds.setdefault(version, [])
            if event.stage in held:
                held.remove(event.stage)
            if not event.cancel:
                held.append(event.stage)
            yield Step("move", event, version[1:], held[-1] if held else None)
        elif event.cancel:
            yield Step("withdraw", event, version[1:])


def outstanding(history: Sequence[Event], recorded: Iterable[str], moved_here: frozenset[str]) -> list[Step]:
    """What is still to be done, registrations aside: the steps after the last tag that is on record here; and of those
    before, which were refused or skipped, the last of a version whose stage nobody else took later there, as long as
    the version was never `moved_here` for other reasons."""
    found = [step for step in steps(history) if step.kind != "register"]
    done = set(recorded)
    last = max((number for number, step in enumerate(found) if step.event.tag.name in done), default=-1)

    def left(number: int, step: Step) -> bool:
        later = found[number + 1 :]
        settled = any(other.version == step.version or (other.to and other.to == step.to) for other in later)
        return step.event.tag.name not in done and not settled and step.version not in moved_here

    return [step for number, step in enumerate(found) if number > last or left(number, step)]


def tag_of(reason: str) -> str | None:
    """The tag that a record here was made for, by `Event.reason`; None for any other."""
    match = _REASON.match(reason)
    return match[1] if match else None


def model_name(artifact: str, given: Mapping[str, str]) -> ModelName:
    """The model that an artifact becomes: as `given`, else its name without its folder, in our grammar.

    Raises InvalidError where nothing of a name is left.
    """
    name = artifact.rpartition(":")[2]
    wanted = given.get(artifact) or re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")
    return parse_model(wanted)
