"""Model versions: registered, described, tagged, moved, named by aliases, withdrawn, found, handed out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mlflow.entities.model_registry import ModelVersion, ModelVersionTag
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE, RESOURCE_DOES_NOT_EXIST
from mlflow.store.artifact.utils.models import _parse_model_uri
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.model_registry import SEARCH_MODEL_VERSION_MAX_RESULTS_DEFAULT
from mlflow.utils.uri import get_uri_scheme
from mlflow.utils.validation import (
    _REGISTERED_MODEL_ALIAS_LATEST,
    _validate_model_alias_name,
    _validate_model_alias_name_reserved,
    _validate_model_name,
    _validate_model_version,
    _validate_model_version_tag,
    _validate_tag_name,
)

from modelreg.domain.address import Address
from modelreg.domain.manifest import Manifest
from modelreg.integrations.mlflow import filters, stages
from modelreg.integrations.mlflow.artifacts import served
from modelreg.integrations.mlflow.asked import given
from modelreg.integrations.mlflow.base import found_model, found_version
from modelreg.integrations.mlflow.editing import Change, alias_named, described, tagged, untagged
from modelreg.integrations.mlflow.entities import VERSION_TAG, source_of, tags_of
from modelreg.integrations.mlflow.errors import translated
from modelreg.integrations.mlflow.models import DELETED, RegisteredModels
from modelreg.integrations.mlflow.naming import alias_for, alias_shown
from modelreg.integrations.mlflow.registering import Told, registered
from modelreg.integrations.mlflow.view import ModelView, VersionView
from modelreg.registry.archiving import set_stage_alone
from modelreg.registry.editing import annotate, edited
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.stage import set_alias, set_stage
from modelreg.registry.withdraw import withdraw
from modelreg.registry.workspace import Workspace


class ModelVersions(RegisteredModels):
    """The methods that are about versions. A version of MLflow's is a number: the order of landing."""

    def create_model_version(
        self,
        name: str,
        source: str,
        run_id: str | None = None,
        tags: Sequence[ModelVersionTag] | None = None,
        run_link: str | None = None,
        description: str | None = None,
        local_model_path: str | None = None,
        model_id: str | None = None,
    ) -> ModelVersion:
        """Register what `source` names: with its files where they can be had, else with the address alone."""
        _validate_model_name(name)
        for tag in tags or ():
            _validate_model_version_tag(tag.key, tag.value)
        told = Told(
            name=name,
            source=source,
            location=source,
            run_id=run_id or None,
            run_link=run_link,
            description=given(description),
            tags={tag.key: tag.value for tag in tags or () if tag.key != VERSION_TAG},
            local=local_model_path,
            model_id=model_id or None,
        )
        told = self._looked_up(told)
        with self._writing() as workspace:
            model = found_model(self._view, name)
            made = registered(workspace, model.folder, told, self._tracking, push=self._session.push)
            view = self._view
            model = found_model(view, name)
            found = next(version for version in reversed(model.versions) if version.version == made)
            return self._entities(view).version(model, found)

    def _looked_up(self, told: Told) -> Told:
        """With what the tracking store, or this registry, says of a source `models:/…` and of the model's id."""
        if get_uri_scheme(told.source) == "models":
            parsed = _parse_model_uri(told.source)
            try:
                if parsed.model_id is not None:
                    logged = self._tracking.logged_model(parsed.model_id)
                    return replace(
                        told,
                        location=logged.artifact_location,
                        run_id=told.run_id or logged.source_run_id,
                        logged=logged,
                    )
                told = self._of_this_registry(told, parsed.name, parsed.version)
            except Exception as error:
                raise MlflowException(
                    f"Unable to fetch model from model URI source artifact location '{told.source}'.Error: {error}"
                ) from error
        if told.model_id and (not told.run_id or self._tracking.present):
            try:
                logged = self._tracking.logged_model(told.model_id)
            except MlflowException:
                if not told.run_id:
                    raise
            else:
                return replace(told, run_id=told.run_id or logged.source_run_id, logged=logged)
        return told

    def _of_this_registry(self, told: Told, name: str | None, version: str | None) -> Told:
        model, found = found_version(self._view, name, version)
        manifest = self._manifest(found)
        told = replace(told, copied=Address(model.folder, found.version))
        if Manifest.from_mapping(manifest).content:
            return told
        return replace(told, location=_location(model, found, manifest))

    def update_model_version(self, name: str, version: int | str, description: str | None = None) -> ModelVersion:
        with self._writing() as workspace:
            model, found = found_version(self._view, name, version)
            self._annotate(workspace, model, found, described(given(description)), "Describe")
            return self._version(name, found.number)

    def transition_model_version_stage(
        self,
        name: str,
        version: int | str,
        stage: str,
        archive_existing_versions: bool,
    ) -> ModelVersion:
        """Move a version, if the policy allows it; with `archive_existing_versions` every other holder to Archived.

        Raises MlflowException with every check that failed (PERMISSION_DENIED); nothing is changed then.
        """
        with self._writing() as workspace:
            view = self._view
            if archive_existing_versions:
                stages.check_archiving(view, stage)
            to = stages.ours(view, stage)
            model, found = found_version(view, name, version)
            place = (workspace, model.folder, found.version, to)
            if archive_existing_versions:
                others_to = stages.ours(view, stages.ARCHIVED)
                set_stage_alone(*place, others_to=others_to, push=self._session.push)
            else:
                set_stage(*place, push=self._session.push)
            return self._version(name, found.number)

    def delete_model_version(self, name: str, version: int | str) -> None:
        """The version is withdrawn: it leaves every stage and alias; its number is never given again."""
        with self._writing() as workspace:
            model, found = found_version(self._view, name, version)
            withdraw(workspace, model.folder, found.version, reason=DELETED, push=self._session.push)

    def get_model_version(self, name: str, version: int | str) -> ModelVersion:
        return self._version(name, version)

    def get_model_version_download_uri(self, name: str, version: int | str) -> str:
        """A folder of this machine, checked against the manifest; where the registry has no files of the version, the
        address that its source led to. Raises MlflowException (DATA_LOSS) for files that are not the registered ones.
        """
        model, found = found_version(self._view, name, version)
        manifest = self._manifest(found)
        parsed = Manifest.from_mapping(manifest)
        if not parsed.content:
            return _location(model, found, manifest)
        with translated(), self._session.serving() as workspace:
            return served(workspace, parsed).as_uri()

    def search_model_versions(
        self,
        filter_string: str | None = None,
        max_results: int | None = SEARCH_MODEL_VERSION_MAX_RESULTS_DEFAULT,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[ModelVersion]:
        """As SqlAlchemyStore finds them on sqlite."""
        filters.check_version_results(max_results)
        clauses = filters.version_clauses(filter_string)
        order, offset = filters.version_order(order_by), filters.offset_of(page_token)
        prompts, view = filters.asks_for_prompts(clauses), self._view
        names = {c["value"] for c in clauses if (c["type"], c["key"], c["comparator"]) == ("attribute", "name", "=")}
        entities, found = self._entities(view), list[ModelVersion]()
        for model in view.named.values():
            if (not names or names == {model.name}) and (prompts or not self._has_prompts(model)):
                every = entities.versions(model)
                found += [version for version in every if filters.matches(version, clauses, prompts=prompts)]
        return filters.page(found, order, int(max_results or 0), offset)

    def _has_prompts(self, model: ModelView) -> bool:
        return any(filters.is_prompt(tags_of(v, self._manifest(v))) for v in model.versions)

    def set_model_version_tag(self, name: str, version: int | str, tag: ModelVersionTag) -> None:
        _validate_model_name(name)
        _validate_model_version(version)
        _validate_model_version_tag(tag.key, tag.value)
        _check_not_ours(tag.key)
        with self._writing() as workspace:
            self._annotate(workspace, *found_version(self._view, name, version), tagged(tag.key, tag.value), "Tag")

    def delete_model_version_tag(self, name: str, version: int | str, key: str) -> None:
        """No error where the tag is not there; what the manifest says stays, since manifests never change."""
        _validate_model_name(name)
        _validate_model_version(version)
        _validate_tag_name(key)
        _check_not_ours(key)
        with self._writing() as workspace:
            model, found = found_version(self._view, name, version)
            if key in (self._manifest(found).get("tags") or {}):
                raise MlflowException(
                    f"The tag {key} of {model.folder}@{found.version} was registered with it and cannot be deleted; "
                    "it can be set to another value",
                    INVALID_PARAMETER_VALUE,
                )
            self._annotate(workspace, model, found, untagged(key), "Untag")

    def set_registered_model_alias(self, name: str, alias: str, version: int | str) -> None:
        """Point an alias at a version, which the policy may want to stand in a stage."""
        _validate_model_name(name)
        _validate_model_alias_name(alias)
        _validate_model_alias_name_reserved(alias)
        _validate_model_version(version)
        with self._writing() as workspace:
            model, found = found_version(self._view, name, version)
            ours = alias_for(alias, model.about.get("alias_names") or {}, model.stages.aliases)

            def named(snapshot: Snapshot) -> Mapping[str, bytes]:
                path = workspace.layout.model(model.folder)
                return edited(workspace, snapshot, path, "model", alias_named(ours, alias))

            set_alias(workspace, model.folder, ours, found.version, push=self._session.push, extra=named)

    def delete_registered_model_alias(self, name: str, alias: str) -> None:
        """No error where the alias is not there."""
        _validate_model_name(name)
        _validate_model_alias_name(alias)
        with self._writing() as workspace:
            model = found_model(self._view, name)
            for ours in model.stages.aliases:
                if _shown(model, ours) == alias:
                    set_alias(workspace, model.folder, ours, None, push=self._session.push)

    def get_model_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        """The version that an alias names; `latest` is the one with the highest number."""
        _validate_model_name(name)
        _validate_model_alias_name(alias)
        if alias.lower() == _REGISTERED_MODEL_ALIAS_LATEST:
            versions = self.get_latest_versions(name)
            if not versions:
                raise MlflowException(f"Latest version not found for model {name}.", RESOURCE_DOES_NOT_EXIST)
            return max(versions, key=lambda found: int(found.version))
        view = self._view
        model = found_model(view, name)
        named = next((v for ours, v in model.stages.aliases.items() if _shown(model, ours) == alias), None)
        found = next((version for version in model.good if version.version == named), None)
        if found is None:
            raise MlflowException(f"Registered model alias {alias} not found.", INVALID_PARAMETER_VALUE)
        return self._entities(view).version(model, found)

    def _await_model_version_creation(self, mv: ModelVersion, await_creation_for: float) -> None:
        """A version is ready when it has landed."""

    def _annotate(self, workspace: Workspace, model: ModelView, found: VersionView, change: Change, verb: str) -> None:
        title = f"{verb} {model.folder} {found.version}"
        annotate(workspace, model.folder, found.version, change, title=title, push=self._session.push)

    def _version(self, name: str, version: int | str) -> ModelVersion:
        view = self._view
        return self._entities(view).version(*found_version(view, name, version))


def _location(model: ModelView, found: VersionView, manifest: Mapping[str, Any]) -> str:
    return str((manifest.get("source") or {}).get("location") or source_of(model, found, manifest))


def _shown(model: ModelView, alias: str) -> str:
    return alias_shown(alias, model.about.get("alias_names") or {})


def _check_not_ours(key: str) -> None:
    if key == VERSION_TAG:
        raise MlflowException(
            f"The tag {key} shows the semantic version; it is not set and not deleted", INVALID_PARAMETER_VALUE
        )
