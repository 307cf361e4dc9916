"""Our data as MLflow's entities."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from mlflow.entities.model_registry import (
    ModelVersion,
    ModelVersionTag,
    RegisteredModel,
    RegisteredModelAlias,
    RegisteredModelTag,
)
from mlflow.entities.model_registry.model_version_status import ModelVersionStatus

from modelreg.domain.names import Stage
from modelreg.domain.version import Version
from modelreg.integrations.mlflow import stages
from modelreg.integrations.mlflow.asked import by_a_program
from modelreg.integrations.mlflow.filters import is_prompt
from modelreg.integrations.mlflow.naming import alias_shown
from modelreg.integrations.mlflow.view import ModelView, VersionView, View

VERSION_TAG = "modelreg.version"
"""The tag that shows a version's semantic version. It is not stored, and nobody sets or deletes it."""

Read = Callable[[VersionView], Mapping[str, Any]]
"""The manifest of a version."""


class VersionTags(dict[str, str]):
    """A version's tags, with its semantic version among them. Compared they are the tags that were set: programs (and
    MLflow's own tests) look whether a version has just the tags that they gave it."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, dict) and _set(self) == _set(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None


def _set(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if key != VERSION_TAG}


def tags_of(version: VersionView, manifest: Mapping[str, Any]) -> dict[str, str]:
    """What the manifest says for good, with what annotations say now."""
    return {**(manifest.get("tags") or {}), **(version.annotations.get("tags") or {})}


class Entities:
    """The models and versions of one view, as MLflow is given them; manifests are read where they are needed."""

    def __init__(self, view: View, read: Read) -> None:
        self._view = view
        self._read = read

    def versions(self, model: ModelView) -> Iterator[ModelVersion]:
        """The versions in good standing, in order; without aliases, as SqlAlchemyStore finds them."""
        standing = self._standing(model)
        for found in model.good:
            yield self._version(model, found, standing.get(found.version, self._view.initial), ())

    def version(self, model: ModelView, found: VersionView) -> ModelVersion:
        """One version, with its aliases."""
        stage = model.stages.stage_of(found.version, self._view.initial)
        aliases = sorted(_alias(model, alias) for alias in model.stages.aliases_of(found.version))
        return self._version(model, found, stage, aliases)

    def model(self, model: ModelView, *, searched: bool = False) -> RegisteredModel:
        """A model; its latest versions by number, or (`searched`) by stage, as SqlAlchemyStore has them."""
        numbers = {found.version: found.number for found in model.good}
        standing = self._standing(model)
        latest = [
            self._version(model, found, standing.get(found.version, self._view.initial), ())
            for found in self.latest(model)
        ]
        if searched:
            latest.sort(key=lambda version: str(version.current_stage))
        named = model.stages.aliases.items()
        return RegisteredModel(
            name=model.name,
            creation_timestamp=model.created,
            last_updated_timestamp=model.updated,
            description=model.about.get("description"),
            latest_versions=latest,
            tags=[RegisteredModelTag(key, value) for key, value in (model.about.get("tags") or {}).items()],
            aliases=[RegisteredModelAlias(_alias(model, a), numbers[v]) for a, v in named if v in numbers],
        )

    def latest(self, model: ModelView) -> list[VersionView]:
        """The version with the highest number in each stage; stages in the order in which they are met."""
        standing = self._standing(model)
        found: dict[Stage, VersionView] = {}
        for version in model.good:
            found[standing.get(version.version, self._view.initial)] = version
        return list(found.values())

    def _standing(self, model: ModelView) -> dict[Version, Stage]:
        return {version: stage for stage, held in model.stages.holders.items() for version in held}

    def _version(self, model: ModelView, found: VersionView, stage: Stage, aliases: Sequence[str]) -> ModelVersion:
        manifest = self._read(found)
        remote = by_a_program()  # whose client makes a plain mapping of the tags, which does not compare as ours does
        nothing = "" if remote else None  # what a server on a database has: its clients send an empty text for None
        source = manifest.get("source") or {}
        run = (manifest.get("lineage") or {}).get("run") or {}
        made = ModelVersion(
            name=model.name,
            version=found.number,
            creation_timestamp=found.created,
            last_updated_timestamp=found.updated,
            description=found.annotations.get("description", nothing),
            user_id=(manifest.get("author") or {}).get("email"),
            current_stage=stages.shown(self._view, stage),
            source=source_of(model, found, manifest),
            run_id=run.get("id", nothing) if run.get("tracker", "mlflow") == "mlflow" else nothing,
            status=ModelVersionStatus.to_string(ModelVersionStatus.READY),
            tags=[ModelVersionTag(key, value) for key, value in tags_of(found, manifest).items()],
            run_link=source.get("run_link"),
            aliases=list(aliases),
        )
        if not is_prompt(made._tags) and not remote:
            made._tags = VersionTags(made._tags | {VERSION_TAG: str(found.version)})
        return made


def source_of(model: ModelView, found: VersionView, manifest: Mapping[str, Any]) -> str:
    """What MLflow was told; of a version that modelreg registered, its address."""
    uri = (manifest.get("source") or {}).get("uri")
    return str(uri) if uri is not None else f"modelreg:{model.folder}@{found.version}"


def _alias(model: ModelView, alias: str) -> str:
    return alias_shown(alias, model.about.get("alias_names") or {})
