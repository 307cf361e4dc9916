"""The registry as MLflow sees it: a fold over landings that is continued with each new one.

Models have the times and the order that MLflow wants: version n is the n-th that landed, created and updated are
times of landings. A view is never changed, so that threads may read one while another is made. What a landing changes
decides what it updates, as SqlAlchemyStore does it: a tag or an alias updates nothing, a description the version or
the model that it is of, a stage change the versions that moved and the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from modelreg.domain.names import ModelName, Stage
from modelreg.domain.stages import Stages
from modelreg.domain.version import Version
from modelreg.integrations.mlflow.naming import Named, shown

_INITIAL = Stage("development")


@dataclass(frozen=True, slots=True)
class VersionView:
    """A version by its number; times are milliseconds since the epoch. `manifest` is the id of its blob."""

    number: int
    version: Version
    manifest: str
    created: int
    updated: int
    withdrawn: bool = False
    annotations: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelView:
    """A model: model.yaml, stages.yaml, its versions in order of landing (version n is item n-1)."""

    folder: ModelName
    about: Mapping[str, Any] = field(default_factory=dict)
    stages: Stages = field(default_factory=Stages)
    versions: tuple[VersionView, ...] = ()
    created: int = 0
    updated: int = 0
    name: str = ""

    @property
    def retired(self) -> bool:
        return bool(self.about.get("retired"))

    @property
    def good(self) -> tuple[VersionView, ...]:
        """The versions that were not withdrawn: those that MLflow has."""
        return tuple(version for version in self.versions if not version.withdrawn)

    def numbered(self, number: int) -> VersionView | None:
        """The version that MLflow calls `number`; None where there is none, or it was withdrawn."""
        if not 1 <= number <= len(self.versions):
            return None
        found = self.versions[number - 1]
        return None if found.withdrawn else found


@dataclass(frozen=True, slots=True)
class View:
    """All models at a commit. `stages` are the policy's, in order."""

    commit: str = ""
    initial: Stage = _INITIAL
    stages: tuple[Stage, ...] = ()
    folders: Mapping[ModelName, ModelView] = field(default_factory=dict)
    named: Mapping[str, ModelView] = field(default_factory=dict)

    def model(self, name: str) -> ModelView | None:
        """The model that MLflow calls `name`; retired ones have no name."""
        return self.named.get(name)


def view_of(commit: str, initial: Stage, stages: Iterable[Stage], folders: Mapping[ModelName, ModelView]) -> View:
    """The view with every model's name filled in."""
    present = [model for model in folders.values() if model.about and not model.retired]
    names = shown([Named(model.folder, model.about.get("display_name")) for model in present])
    by_folder = {folder: name for name, folder in names.items()}
    all_ = {folder: _called(model, by_folder.get(folder, "")) for folder, model in folders.items()}
    return View(commit, initial, tuple(stages), all_, {name: all_[folder] for name, folder in names.items()})


def _called(model: ModelView, name: str) -> ModelView:
    return model if model.name == name else replace(model, name=name)
