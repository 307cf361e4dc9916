"""Registered models: created, described, renamed, tagged, deleted (which is retired), found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlflow.entities.model_registry import ModelVersion, RegisteredModel, RegisteredModelTag
from mlflow.exceptions import MlflowException
from mlflow.prompt.constants import IS_PROMPT_TAG_KEY
from mlflow.prompt.registry_utils import handle_resource_already_exist_error, has_prompt_tag
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.model_registry import SEARCH_REGISTERED_MODEL_MAX_RESULTS_DEFAULT
from mlflow.utils.validation import (
    _validate_model_name,
    _validate_model_renaming,
    _validate_registered_model_tag,
    _validate_tag_name,
)

from modelreg.errors import DeniedError, InvalidError
from modelreg.integrations.mlflow import filters
from modelreg.integrations.mlflow.asked import given
from modelreg.integrations.mlflow.base import Base, found_model
from modelreg.integrations.mlflow.editing import Change, described, renamed, tagged, untagged
from modelreg.integrations.mlflow.naming import folder_for
from modelreg.integrations.mlflow.stages import wanted as wanted_stages
from modelreg.integrations.mlflow.view import ModelView
from modelreg.registry.editing import create_model, edit_model, retire
from modelreg.registry.workspace import Workspace

_TRIES = 5
"""So often a folder is looked for when others make models at the same time."""
DELETED = "deleted through MLflow"


class RegisteredModels(Base):
    """The methods that are about registered models."""

    def create_registered_model(
        self,
        name: str,
        tags: Sequence[RegisteredModelTag] | None = None,
        description: str | None = None,
        deployment_job_id: str | None = None,  # noqa: ARG002 - Databricks' own
    ) -> RegisteredModel:
        """A model without versions, in a folder that is named like it. Raises MlflowException where it exists."""
        _validate_model_name(name)
        for tag in tags or ():
            _validate_registered_model_tag(tag.key, tag.value)
        known = {tag.key: tag.value or "" for tag in tags or ()}
        about: dict[str, Any] = {"description": given(description), "tags": known or None}
        with self._writing() as workspace:
            self._create(workspace, name, about, prompt=bool(has_prompt_tag(tags)))
            return self._model(name)

    def _create(self, workspace: Workspace, name: str, about: dict[str, Any], *, prompt: bool) -> None:
        for left in reversed(range(_TRIES)):
            view = self._view
            existing = view.model(name)
            if existing is not None:
                known = existing.about.get("tags") or {}
                handle_resource_already_exist_error(name, IS_PROMPT_TAG_KEY in known, prompt)
            folder = folder_for(name, view.folders)
            said = {"display_name": None if name == folder else name, **about}
            try:
                create_model(
                    workspace, folder, {k: v for k, v in said.items() if v is not None}, push=self._session.push
                )
            except (DeniedError, InvalidError):
                if not left or self._view.folders.keys() == view.folders.keys():
                    raise
            else:
                return

    def update_registered_model(
        self,
        name: str,
        description: str | None,
        deployment_job_id: str | None = None,  # noqa: ARG002 - Databricks' own
    ) -> RegisteredModel:
        with self._writing() as workspace:
            self._edit(workspace, found_model(self._view, name), described(given(description)), "Describe")
            return self._model(name)

    def rename_registered_model(self, name: str, new_name: str) -> RegisteredModel:
        """Another name for people and MLflow; the folder stays, and so does what is told of it."""
        _validate_model_renaming(new_name)
        with self._writing() as workspace:
            view = self._view
            model = found_model(view, name)
            if new_name != name:
                if view.model(new_name) is not None:
                    raise MlflowException(
                        f"Registered Model (name={new_name}) already exists.", RESOURCE_ALREADY_EXISTS
                    )
                self._edit(workspace, model, renamed(new_name, model.folder), "Rename")
            return self._model(new_name)

    def delete_registered_model(self, name: str) -> None:
        """Every version is withdrawn and the model retired; nothing is removed, and its name is free again."""
        with self._writing() as workspace:
            model = found_model(self._view, name)
            retire(workspace, model.folder, reason=DELETED, push=self._session.push)

    def get_registered_model(self, name: str) -> RegisteredModel:
        return self._model(name)

    def search_registered_models(
        self,
        filter_string: str | None = None,
        max_results: int | None = SEARCH_REGISTERED_MODEL_MAX_RESULTS_DEFAULT,
        order_by: Sequence[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[RegisteredModel]:
        """As SqlAlchemyStore finds them on sqlite."""
        limit = SEARCH_REGISTERED_MODEL_MAX_RESULTS_DEFAULT if max_results is None else max_results
        filters.check_model_results(limit)
        clauses = filters.model_clauses(filter_string)
        order, offset = filters.model_order(order_by), filters.offset_of(page_token)
        prompts, view = filters.asks_for_prompts(clauses), self._view
        wanted = [model for model in view.named.values() if prompts or not _prompt(model)]
        entities = self._entities(view)
        every = (entities.model(model, searched=True) for model in wanted)
        found = [entity for entity in every if filters.matches(entity, clauses, prompts=prompts)]
        return filters.page(found, order, limit, offset)

    def get_latest_versions(self, name: str, stages: Sequence[str] | None = None) -> list[ModelVersion]:
        """The version with the highest number in each of the stages (all, where none is named)."""
        view = self._view
        model, wanted = found_model(view, name), wanted_stages(view, stages)
        entities = self._entities(view)
        found = (entities.version(model, version) for version in entities.latest(model))
        return [version for version in found if version.current_stage in wanted]

    def set_registered_model_tag(self, name: str, tag: RegisteredModelTag) -> None:
        _validate_model_name(name)
        _validate_registered_model_tag(tag.key, tag.value)
        with self._writing() as workspace:
            self._edit(workspace, found_model(self._view, name), tagged(tag.key, tag.value or ""), "Tag")

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        """No error where the tag is not there."""
        _validate_model_name(name)
        _validate_tag_name(key)
        with self._writing() as workspace:
            self._edit(workspace, found_model(self._view, name), untagged(key), "Untag")

    def _edit(self, workspace: Workspace, model: ModelView, change: Change, verb: str) -> None:
        edit_model(workspace, model.folder, change, title=f"{verb} {model.folder}", push=self._session.push)

    def _model(self, name: str) -> RegisteredModel:
        view = self._view
        return self._entities(view).model(found_model(view, name))


def _prompt(model: ModelView) -> bool:
    return filters.is_prompt(model.about.get("tags") or {})
