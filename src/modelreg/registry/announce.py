"""Tags for landings: made when a change lands (announce: direct), or made again from history at any time."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelreg.domain.history import Landing, Line, registrations
from modelreg.domain.names import ModelName
from modelreg.domain.plan import CommitId, Tag
from modelreg.domain.policy import Policy
from modelreg.domain.tags import Announced, Moved, Registered, Step, tags
from modelreg.domain.transition import Transition
from modelreg.domain.version import Version
from modelreg.errors import IntegrityError
from modelreg.registry.history import history
from modelreg.registry.ports import TagObject
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.workspace import Workspace
from modelreg.registry.writing import sha256

PER_PUSH = 3
"""GitHub raises no event for the tags of a push that brings more than three."""
MOST_STEPS = 32
"""So many registrations and transitions of a model are gone through anew before what they come to is kept."""
_NOTHING = "0" * 40
"""What a forge names as the commit before the first push of a branch."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """What `announce` did: tags it made, how many stood already, and which of those it pushed."""

    created: tuple[str, ...]
    existing: int
    pushed: tuple[str, ...] = ()


def landed(workspace: Workspace, since: str) -> list[dict[str, Any]]:
    """What landed after the commit `since`, for deploy jobs: registrations and moves, oldest first.

    Facts only; no text of people is among them, since they end up in the outputs of a workflow.
    """
    events = history(workspace, since=None if since == _NOTHING else since)
    keys = ("kind", "model", "version", "from", "to", "displaced", "alias", "transition", "landing")
    found = [event.to_mapping() for event in events if event.kind != "evidence"]
    return [{key: event[key] for key in keys} for event in found]


def expected_tags(workspace: Workspace, tip: CommitId, models: Sequence[ModelName] | None = None) -> tuple[Tag, ...]:
    """Every tag that the history up to `tip` calls for, model by model, oldest first.

    Raises UnavailableError in a shallow clone: a list that misses its beginning would number everything wrongly.
    """
    found: list[Tag] = []
    for model, steps in _steps(workspace, tip, models).items():
        found += tags(workspace.settings.id, workspace.layout.artifact_name(model), steps)
    return tuple(found)


def announcing(
    workspace: Workspace, base: CommitId, model: ModelName, make: Callable[[CommitId], Step]
) -> Callable[[CommitId], Sequence[Tag]] | None:
    """For `announce: direct`: from the landing's commit to the tags that it adds; None: a workflow makes them."""
    return announcing_all(workspace, base, model, lambda commit: [make(commit)])


def announcing_all(
    workspace: Workspace, base: CommitId, model: ModelName, make: Callable[[CommitId], Sequence[Step]]
) -> Callable[[CommitId], Sequence[Tag]] | None:
    """The same for a landing of several steps of one model, in their order."""
    if workspace.settings.announce != "direct":
        return None
    announced = _announced(workspace, base, model)
    return lambda commit: announced.added(make(commit))


def announce(workspace: Workspace, *, push: bool = False, dry_run: bool = False) -> Announcement:
    """Make the tags that are missing; with `push` bring all that the remote lacks to it, three at a time.

    Raises IntegrityError where one says something else: it is never moved.
    """
    wanted = expected_tags(workspace, workspace.tip())
    repository = workspace.repository
    push = push or repository.always_pushes
    standing = {tag.name: tag for tag in repository.tags("*")}
    for tag in wanted:
        found = standing.get(tag.name)
        if found is not None and not says(found, tag):
            raise IntegrityError(
                f"tag {tag.name} does not say what the history says",
                hint=f"modelreg verify explains; git tag -d '{tag.name}' and announce again if the tag is the mistake",
            )
    missing = [tag for tag in wanted if tag.name not in standing]
    new: Sequence[str] = [tag.name for tag in missing]
    if push and not dry_run:
        new = repository.create_tags(wanted, push=True, batch=PER_PUSH)
    elif missing and not dry_run:
        repository.create_tags(missing)
    created = tuple(name for name in new if name not in standing)
    return Announcement(created, len(wanted) - len(created), tuple(name for name in new if name in standing))


def says(found: TagObject, wanted: Tag) -> bool:
    """Whether a tag is the annotated one of that name, for that commit, with that message."""
    same = found.annotated and found.inner_name == wanted.name and found.target == wanted.target
    return same and found.message.strip() == wanted.message.strip()


def _steps(workspace: Workspace, tip: CommitId, models: Sequence[ModelName] | None) -> dict[ModelName, list[Step]]:
    """Registrations and transitions in order of landing, by model, as the history itself tells them."""
    layout, repository = workspace.layout, workspace.repository
    single = models[0] if models is not None and len(models) == 1 else None
    landings = repository.landings(tip, layout.prefix if single is None else layout.model_folder(single))
    wanted = registrations(landings)
    line = Line(landings, repository.first_commits(tip, wanted, landings) if wanted else {})
    # Where many landings will be asked for their policy, it pays to look first whether it ever changed.
    once = single is not None and len(repository.landings(tip, layout.policy)) <= 1
    return _steps_of(workspace, tip, line, (lambda _: tip) if once else (lambda commit: commit))


def _announced(workspace: Workspace, tip: CommitId, model: ModelName) -> Announced:
    """What has been announced of a model up to `tip`, with what the clone remembers of its history: where it took many
    steps, or a walk, the next one goes on from here."""
    repository = workspace.repository
    line = repository.line(tip, workspace.layout, model)
    workspace.at(tip).tree.read_many(line.registered)  # a partial clone fetches what it lacks, at once
    steps = _steps_of(workspace, tip, line, _standing(workspace, tip, line)).get(model, [])
    announced = Announced(workspace.settings.id, workspace.layout.artifact_name(model))
    if line.account:
        announced = Announced.from_mapping(json.loads(line.account))
    announced.follow(steps)
    if len(steps) >= MOST_STEPS or line.walked:
        repository.keep_account(tip, workspace.layout, model, json.dumps(announced.to_mapping()))
    return announced


def _standing(workspace: Workspace, tip: CommitId, line: Line) -> Callable[[CommitId], CommitId]:
    """For a landing of a line the commit that brought the policy which stood then: few trees are read."""
    policy = workspace.layout.policy
    brought = {landing.commit for landing in line.landings if any(c.path == policy for c in landing.changes)}
    if len(brought) <= 1:
        return lambda _: tip
    last, by = None, {}
    for landing in line.landings:
        last = landing.commit if landing.commit in brought else last
        by[landing.commit] = last or landing.commit
    return lambda commit: by[commit]


def _steps_of(
    workspace: Workspace, tip: CommitId, line: Line, standing: Callable[[CommitId], CommitId]
) -> dict[ModelName, list[Step]]:
    """The steps of landings whose policies are those of the commits that `standing` names for them."""
    snapshot = workspace.at(tip)
    snapshot.load_many(c.path for landing in line.landings for c in landing.changes if "/transitions/" in c.path)
    policies = _Policies(workspace, standing)
    found: dict[ModelName, list[Step]] = {}
    for landing in line.landings:
        for model, step in _landing_steps(workspace, snapshot, policies, landing, line.registered):
            found.setdefault(model, []).append(step)
    return found


class _Policies:
    """The policy as it stood at a landing, each parsed once."""

    def __init__(self, workspace: Workspace, standing: Callable[[CommitId], CommitId]) -> None:
        self._workspace = workspace
        self._standing = standing
        self._cache: dict[bytes | None, Policy] = {}

    def at(self, commit: CommitId) -> Policy:
        snapshot = self._workspace.at(self._standing(commit))
        data = snapshot.tree.read(snapshot.layout.policy)
        if data not in self._cache:
            self._cache[data] = snapshot.policy()
        return self._cache[data]


def _landing_steps(
    workspace: Workspace,
    snapshot: Snapshot,
    policies: _Policies,
    landing: Landing,
    commits: Mapping[str, CommitId],
) -> list[tuple[ModelName, Step]]:
    """What one landing registered, then what it moved."""
    registered: list[tuple[ModelName, Step]] = []
    moved: list[tuple[ModelName, int, Step]] = []
    for change in landing.changes:
        place = workspace.layout.place(change.path) if change.status == "A" else None
        if place is None or place.model is None:
            continue
        model = ModelName(place.model)
        if place.kind == "manifest" and place.version and change.path in commits:
            data = snapshot.tree.read(change.path)
            digest = sha256(data) if data is not None else ""
            step = Registered(Version.parse(place.version), commits[change.path], landing.at, digest)
            registered.append((model, step))
        elif place.kind == "transition" and place.number is not None and snapshot.document(change.path):
            moved.append((model, place.number, _moved(snapshot, policies, landing, model, place.number)))
    return registered + [(model, step) for model, _, step in sorted(moved, key=lambda item: item[:2])]


def _moved(snapshot: Snapshot, policies: _Policies, landing: Landing, model: ModelName, number: int) -> Moved:
    transition: Transition = snapshot.transition(model, number)
    policy = policies.at(landing.commit)
    return Moved(transition, landing.commit, landing.at, policy.announced, policy.initial)
