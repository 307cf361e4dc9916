"""The same store twice: MLflow's own on sqlite and ours, each fresh for every test."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow.tracking._model_registry import utils

from modelreg.integrations.mlflow.store import ModelregStore
from tests.cli.runner import founded
from tests.support import Repo


def sqlalchemy_store(uri: str) -> Any:
    """MLflow's own store; its import warns of what SQLAlchemy is to drop."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore
    return SqlAlchemyStore(uri)


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """A registry with the policy `open`, artifacts in the repository."""
    return founded(tmp_path_factory.mktemp("mlflow") / "registry", "--policy", "open")


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with MLflow's tables: to make them takes seconds."""
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    sqlalchemy_store(f"sqlite:///{path}").engine.dispose()
    return path


@pytest.fixture
def repo(empty_registry: Repo, tmp_path: Path) -> Repo:
    return empty_registry.copy(tmp_path / "registry")


@pytest.fixture
def database(empty_database: Path, tmp_path: Path) -> str:
    """The URI of a database for runs (and, on sqlite, for models)."""
    return f"sqlite:///{shutil.copy(empty_database, tmp_path / 'mlflow.db')}"


@pytest.fixture
def ours(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelregStore:
    monkeypatch.chdir(tmp_path)
    return ModelregStore(f"modelreg://{repo.path}")


@pytest.fixture(params=["sqlite", "modelreg"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """MLflow's own store, then ours."""
    monkeypatch.chdir(tmp_path)
    if request.param == "modelreg":
        yield request.getfixturevalue("ours")
        return
    theirs = sqlalchemy_store(request.getfixturevalue("database"))
    yield theirs
    theirs.engine.dispose()


@pytest.fixture
def uses(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """`uses(registry_uri)`: what a program says to MLflow before anything else; undone afterwards."""
    monkeypatch.chdir(tmp_path)
    # Where modelreg is not installed, as when it runs from its source, no entry point tells of the scheme.
    utils._get_store_registry().register("modelreg", ModelregStore)

    def start(registry_uri: str) -> mlflow.MlflowClient:
        mlflow.set_tracking_uri(database)
        mlflow.set_registry_uri(registry_uri)
        return mlflow.MlflowClient()

    yield start
    while mlflow.active_run() is not None:
        mlflow.end_run()
    mlflow.set_tracking_uri(None)
    mlflow.set_registry_uri(None)
