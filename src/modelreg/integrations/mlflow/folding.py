"""From landings to the view: what is new is read, and nothing twice."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from modelreg.domain.history import Change, Landing
from modelreg.domain.layout import Place
from modelreg.domain.names import ModelName, Stage
from modelreg.domain.plan import CommitId, Plan
from modelreg.domain.stages import Stages
from modelreg.domain.transition import Transition
from modelreg.domain.version import Version
from modelreg.errors import ModelregError
from modelreg.integrations.mlflow.view import ModelView, VersionView, View, view_of
from modelreg.registry.workspace import Workspace

_TRAILER = "Modelreg-Time"
_TIME = re.compile(rf"^{_TRAILER}: (\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}})Z$", re.MULTILINE)
_ORDER = {"model": 0, "manifest": 1, "annotations": 2, "transition": 3, "withdrawn": 4, "stages": 5}
_READ = ("model", "annotations", "transition")


def stamped(plan: Plan, milliseconds: int) -> Plan:
    """The plan whose message says when it was made, to the millisecond: git's own times are whole seconds."""
    if milliseconds // 1000 != plan.at:
        return plan
    at = datetime.fromtimestamp(plan.at, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return replace(plan, message=f"{plan.message}{_TRAILER}: {at}.{milliseconds % 1000:03d}Z\n")


def continued(workspace: Workspace, view: View, tip: CommitId) -> View:
    """The view at `tip`, which starts where `view` ends if that is one of its landings, else at the root.

    Raises UnavailableError in a shallow clone, whose order of landings is not known.
    """
    repository = workspace.repository
    known = bool(view.commit) and repository.first_parent_range(CommitId(view.commit), tip) is not None
    since = CommitId(view.commit) if known else None
    landings = repository.landings(tip, workspace.layout.prefix, since)
    return _Fold(workspace, view if known else View()).run(landings, tip)


class _Fold:
    """One walk over landings, oldest first."""

    def __init__(self, workspace: Workspace, view: View) -> None:
        self._workspace = workspace
        self._view = view
        self._blobs: Mapping[str, bytes] = {}
        self._models: dict[ModelName, _Model] = {}

    def run(self, landings: Sequence[Landing], tip: CommitId) -> View:
        repository = self._workspace.repository
        places = {landing.commit: self._places(landing) for landing in landings}
        told = [pair for pairs in places.values() for pair in pairs]
        self._blobs = repository.blobs(c.blob for c, place in told if c.blob is not None and place.kind in _READ)
        messages = repository.messages(landing.commit for landing in landings)
        for landing in landings:
            at = _milliseconds(landing, messages[landing.commit])
            for change, place in places[landing.commit]:
                self._take(change, place, at)
        stages = repository.blobs(model.stages for model in self._models.values() if model.stages is not None)
        folders = dict(self._view.folders)
        for name, model in self._models.items():
            body = self._load(stages[model.stages], f"{name}/stages.yaml") if model.stages is not None else {}
            folders[name] = model.frozen(body)
        initial, names = self._stages(landings, tip)
        return view_of(tip, initial, names, folders)

    def _places(self, landing: Landing) -> list[tuple[Change, Place]]:
        """What a landing did to models, in an order in which it can be told."""
        layout = self._workspace.layout
        found = [(change, place) for change in landing.changes if (place := layout.place(change.path))]
        told = [(change, place) for change, place in found if place.model and place.kind in _ORDER]
        return sorted(told, key=lambda pair: (_ORDER[pair[1].kind], _rank(pair[1])))

    def _stages(self, landings: Sequence[Landing], tip: CommitId) -> tuple[Stage, tuple[Stage, ...]]:
        path = self._workspace.layout.policy
        if self._view.stages and not any(c.path == path for landing in landings for c in landing.changes):
            return self._view.initial, self._view.stages
        policy = self._workspace.at(tip).policy()
        return policy.initial, tuple(policy.stages)

    def _take(self, change: Change, place: Place, at: int) -> None:
        name = ModelName(str(place.model))
        if name not in self._models:
            self._models[name] = _Model.of(self._view.folders.get(name) or ModelView(name, created=at, updated=at))
        model, added = self._models[name], change.status == "A"
        if place.kind == "manifest" and added and change.blob is not None:
            model.register(str(place.version), change.blob, at)
        elif place.kind == "model":
            model.describe(self._body(change), at, new=added)
        elif place.kind == "annotations":
            model.annotate(str(place.version), self._body(change), at)
        elif place.kind == "stages":
            model.stages, model.moved = change.blob, True
        elif place.kind == "transition" and added:
            model.move(self._body(change), at)
        elif place.kind == "withdrawn" and added:
            model.withdraw(str(place.version), at)

    def _body(self, change: Change) -> Mapping[str, Any]:
        """The document that a landing left at a path; nothing where it was removed, or is none."""
        return self._load(self._blobs[change.blob], change.path) if change.blob is not None else {}

    def _load(self, data: bytes, path: str) -> Mapping[str, Any]:
        try:
            value = self._workspace.documents.load(data, path).value
        except ModelregError:  # `validate` says what is wrong with it; the other models are still there
            return {}
        return value if isinstance(value, dict) else {}


@dataclass(slots=True)
class _Model:
    """A model while it is folded; versions by the name of their folder. `stages` is the blob of its stages.yaml."""

    before: ModelView
    about: Mapping[str, Any]
    created: int
    updated: int
    versions: dict[str, VersionView] = field(default_factory=dict)
    stages: str | None = None
    moved: bool = False

    @classmethod
    def of(cls, model: ModelView) -> _Model:
        versions = {str(version.version): version for version in model.versions}
        return cls(model, model.about, model.created, model.updated, versions)

    def frozen(self, stages: Mapping[str, Any]) -> ModelView:
        return replace(
            self.before,
            about=self.about,
            stages=Stages.from_mapping(stages) if self.moved else self.before.stages,
            versions=tuple(self.versions.values()),
            created=self.created,
            updated=self.updated,
        )

    def register(self, version: str, manifest: str, at: int) -> None:
        if version not in self.versions:
            made = VersionView(len(self.versions) + 1, Version.parse(version), manifest, at, at)
            self.versions[version], self.updated = made, at

    def describe(self, body: Mapping[str, Any], at: int, *, new: bool) -> None:
        before, after = dict(self.about), dict(body)
        self.about = body
        if new:
            self.created = self.updated = at
            return
        if before.get("display_name") != after.get("display_name"):
            for version in self.versions:
                self._change(version, updated=at)
        for both in (before, after):
            both.pop("tags", None)
            both.pop("alias_names", None)
        if before != after:
            self.updated = at

    def annotate(self, version: str, body: Mapping[str, Any], at: int) -> None:
        known = self.versions.get(version)
        if known is not None:
            same = known.annotations.get("description") == body.get("description")
            self._change(version, annotations=body, updated=known.updated if same else at)

    def move(self, body: Mapping[str, Any], at: int) -> None:
        transition = Transition.from_mapping(body)
        if transition.kind == "alias" or transition.version is None:
            return
        for version in (transition.version, *(displaced.version for displaced in transition.displaces)):
            self._change(str(version), updated=at)
        self.updated = at

    def withdraw(self, version: str, at: int) -> None:
        self._change(version, withdrawn=True, updated=at)
        self.updated = at

    def _change(self, version: str, **fields: Any) -> None:
        if version in self.versions:
            self.versions[version] = replace(self.versions[version], **fields)


def _rank(place: Place) -> str:
    return Version.parse(place.version).rank if place.version else f"{place.number or 0:09d}"


def _milliseconds(landing: Landing, message: str) -> int:
    """When something landed, by its own word where that is within git's second."""
    for text in reversed(_TIME.findall(message)):
        said = datetime.fromisoformat(f"{text}+00:00")
        if int(said.timestamp()) == landing.at:
            return landing.at * 1000 + said.microsecond // 1000
    return landing.at * 1000
