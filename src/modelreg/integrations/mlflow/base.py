"""What all parts of the store share: the session, and how models and versions are found in a view."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mlflow.store.model_registry.abstract_store import AbstractStore
from mlflow.utils.validation import _validate_model_name, _validate_model_version

from modelreg.integrations.mlflow.entities import Entities
from modelreg.integrations.mlflow.errors import missing_model, missing_version, translated
from modelreg.integrations.mlflow.session import Place, Session
from modelreg.integrations.mlflow.tracking import Tracking
from modelreg.integrations.mlflow.view import ModelView, VersionView, View
from modelreg.registry.workspace import Workspace


class Base(AbstractStore):  # type: ignore[misc]  # MLflow is without types for mypy
    """A store that has its registry open. It can be pickled: the copy opens the registry for itself."""

    def __init__(self, store_uri: str | None = None, tracking_uri: str | None = None) -> None:
        super().__init__(store_uri, tracking_uri)
        self._uri = store_uri or ""
        self._tracking = Tracking(tracking_uri)
        with translated():
            self._session = Session(Place.parse(self._uri))

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        del state["_session"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        with translated():
            self._session = Session(Place.parse(self._uri))

    @property
    def _view(self) -> View:
        with translated():
            return self._session.view

    def _entities(self, view: View) -> Entities:
        return Entities(view, self._manifest)

    def _manifest(self, version: VersionView) -> Mapping[str, Any]:
        with translated():
            return self._session.manifest(version)

    @contextmanager
    def _writing(self) -> Iterator[Workspace]:
        """To write with, alone; what modelreg refuses becomes an MlflowException."""
        with translated(), self._session.writing() as workspace:
            yield workspace


def found_model(view: View, name: Any) -> ModelView:
    """The model that MLflow calls `name`. Raises MlflowException for no name, or no such model."""
    _validate_model_name(name)
    model = view.model(name)
    if model is None:
        raise missing_model(name)
    return model


def found_version(view: View, name: Any, version: Any) -> tuple[ModelView, VersionView]:
    """A version in good standing. Raises MlflowException for what is no number, or no such version."""
    _validate_model_name(name)
    number = _validate_model_version(version)
    model = view.model(name)
    found = None if model is None else model.numbered(number)
    if model is None or found is None:
        raise missing_version(name, number)
    return model, found
