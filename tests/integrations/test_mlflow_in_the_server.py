"""The store in the process of MLflow's server, which serves runs and artifacts that it cannot ask itself for."""

from __future__ import annotations

import runpy
from pathlib import Path

import mlflow
import pytest

from modelreg.integrations.mlflow.artifacts import SERVED_ARTIFACTS, files_of
from modelreg.integrations.mlflow.tracking import SERVED_STORE, Tracking


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the artifacts of a server: this process."""
    folder = tmp_path / "served"
    (folder / "1" / "models" / "m-1" / "artifacts").mkdir(parents=True)
    (folder / "1" / "models" / "m-1" / "artifacts" / "MLmodel").write_text("flavors: {}\n")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("x")
    monkeypatch.setenv(SERVED_ARTIFACTS, str(folder))
    return folder


def test_the_names_are_those_of_mlflow() -> None:
    names = runpy.run_path(str(Path(mlflow.__file__).parent / "server" / "constants.py"))
    assert names["ARTIFACTS_DESTINATION_ENV_VAR"] == SERVED_ARTIFACTS
    assert names["BACKEND_STORE_URI_ENV_VAR"] == SERVED_STORE


@pytest.mark.parametrize("root", ["{}", "file://{}"])
def test_what_the_server_serves_is_taken_from_behind_it(
    served: Path, root: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(SERVED_ARTIFACTS, root.format(served))
    found = files_of("mlflow-artifacts:/1/models/m-1/artifacts", None, Tracking("sqlite:///none.db"), tmp_path / "to")
    assert found is not None
    assert (found / "MLmodel").read_text() == "flavors: {}\n"


@pytest.mark.parametrize(
    "address",
    [
        "mlflow-artifacts:/../outside",
        "mlflow-artifacts:/1/../../outside",
        "mlflow-artifacts:/%2e%2e/outside",
        "mlflow-artifacts:/..%2Foutside",
        "mlflow-artifacts://127.0.0.1:9/1/models/m-1/artifacts",
        "mlflow-artifacts:/1/models/m-2/artifacts",
    ],
)
def test_nothing_else_is(served: Path, address: str, tmp_path: Path) -> None:
    assert files_of(address, None, Tracking("sqlite:///none.db"), tmp_path / "to") is None


def test_the_runs_are_those_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SERVED_STORE, "sqlite:////srv/runs.db")
    assert Tracking(None).uri == "sqlite:////srv/runs.db"
    assert Tracking("http://elsewhere").uri == "http://elsewhere"
    monkeypatch.delenv(SERVED_STORE)
    assert Tracking(None).uri != "sqlite:////srv/runs.db"
