"""The whole way: an MLflow server on PostgreSQL, into a registry, and out again into an MLflow on SQLite.

It is one test: several would be spread over the workers, and each worker would start a server of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import mlflow_server
from tests.cli.runner import done, modelreg
from tests.support import Repo

mlflow = pytest.importorskip("mlflow")
# What MLflow's own client warns of in its own libraries; modelreg's calls are not heard through it.
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning"
)

PASSWORD_OF_A_PROXY = "pr0xy-s3cret"


@dataclass(frozen=True)
class Server:
    """`database` is its PostgreSQL's URI, `address` its own; `client` asks the server."""

    address: str
    database: str
    client: Any

    @property
    def password(self) -> str:
        return self.database.partition("://")[2].partition("@")[0].partition(":")[2]


@pytest.fixture(scope="module", autouse=True)
def _quiet() -> Iterator[None]:
    with mlflow_server.quiet():
        yield


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, _quiet: None) -> Iterator[Server]:
    """Three models of twenty versions, two of which are deleted."""
    from tests import mlflow_estate

    store = tmp_path_factory.mktemp("mlflow") / "artifacts"
    store.mkdir()
    with mlflow_server.postgresql() as database, mlflow_server.mlflow_server(database, store) as address:
        client = mlflow.MlflowClient(address)
        mlflow_estate.fill(mlflow.MlflowClient(database), mlflow_estate.experiments(client), mlflow_estate.into(store))
        yield Server(address, database, client)


@pytest.fixture(scope="module")
def imported(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """A registry that the server's models were imported into; the address held a user and a password."""
    repo = Repo.init(tmp_path_factory.mktemp("imported") / "repo")
    done("init", "--policy", "open", registry=repo.path)
    uri = server.address.replace("://", f"://ada:{PASSWORD_OF_A_PROXY}@")
    told = done("import", "mlflow", "--tracking-uri", uri, "--json", registry=repo.path)
    assert PASSWORD_OF_A_PROXY not in told.out + told.err
    models = {model["name"]: model for model in told.json("import-mlflow")["models"]}
    assert {name: len(model["registered"]) for name, model in models.items()} == {
        "churn": 18,
        "Kündigung (EU) v2": 20,
        "credit_risk": 20,
    }
    assert [model["not_imported"] for model in models.values()] == [[], [], []]
    return repo


def _what_comes_in_is_a_sound_registry(imported: Repo, server: Server) -> None:
    done("validate", registry=imported.path)
    done("verify", registry=imported.path)
    first = done("show", "churn@1.0.0", "--json", registry=imported.path).json("show")
    assert first["source"]["version"] == "1"
    assert first["metrics"]["f1_score_test_2"] == {"value": 1.0, "direction": "higher", "source_name": "F1-Score/test"}
    assert first["params"] == {"depth": "1", "learning rate": "0.1", "empty": ""}
    assert first["signature"]["inputs"][1] == {"name": "country", "type": "string", "nullable": True}
    assert first["framework"] == {"name": "scikit-learn", "version": "1.5.2"}
    assert first["annotations"] == {"description": "version\n1", "tags": {"Größe": "L", "n": "1"}}
    run = first["lineage"]["run"]
    assert run["url"].startswith(f"{server.address}/#/experiments/")
    assert (run["name"], run["experiment"], run["tags"]["note"]) == ("run 1", "experiment one", "of 1")
    assert first["lineage"]["data"][0] | {"schema": None} == {
        "name": "customers",
        "role": "training",
        "source": '{"uri": "data/customers.csv"}',
        "version": "00000001",
        "format": "local",
        "rows": 7,
        "columns": 1,
        "schema": None,
    }
    numbers = [
        done("show", f"churn@{version['version']}", "--json", registry=imported.path).json("show")["source"]["version"]
        for version in done("list", "churn", "--json", registry=imported.path).json("list")["versions"][:3]
    ]
    assert numbers == ["20", "19", "18"]
    assert "display_name: Kündigung (EU) v2" in imported.show("registry/kundigung-eu-v2/model.yaml")
    assert "Challenger-EU" in imported.show("registry/kundigung-eu-v2/model.yaml")


def _what_is_imported_again_lands_nothing(imported: Repo, server: Server) -> None:
    before = imported.git("for-each-ref", "--format=%(refname) %(objectname)")
    told = done("import", "mlflow", "--tracking-uri", server.address, "--json", registry=imported.path)
    for model in told.json("import-mlflow")["models"]:
        assert (model["registered"], model["changes"], model["not_imported"]) == ([], [], [])
    assert imported.git("for-each-ref", "--format=%(refname) %(objectname)") == before


def _no_password_is_anywhere_in_the_registry(imported: Repo, server: Server, tmp_path: Path) -> None:
    """A database, asked itself, with its password in the URI; and the server of the fixture, with one for a proxy."""
    copy = imported.copy(tmp_path / "repo")
    more = ("--model", "churn", "--no-artifacts", "--json")
    told = done("import", "mlflow", "--tracking-uri", server.database, *more, registry=copy.path)
    assert told.json("import-mlflow")["models"][0]["present"] == 18
    fresh = Repo.init(tmp_path / "fresh")
    done("init", "--policy", "open", registry=fresh.path)
    told = done("import", "mlflow", "--tracking-uri", server.database, *more, registry=fresh.path)
    assert told.json("import-mlflow")["models"][0]["name"] == "churn"
    assert fresh.git("log", "--format=%B").count("imported from postgresql://127.0.0.1:") == 6
    for repo in (imported, copy, fresh):
        ids = repo.git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)").split()
        every = repo.git("cat-file", "--batch", input="\n".join(ids))
        for secret in (PASSWORD_OF_A_PROXY, server.password, "ada:"):
            assert secret not in every
            assert secret not in told.out + told.err


def _a_wrong_password_is_one_message_without_it(imported: Repo, server: Server) -> None:
    uri = server.database.replace(server.password, "wr0ng-pass")
    told = modelreg("import", "mlflow", "--tracking-uri", uri, registry=imported.path)
    assert told.code == 4
    assert told.out == ""
    assert "password authentication failed" in told.err
    assert "wr0ng-pass" not in told.err
    assert "Traceback" not in told.err


def _the_round_trip_loses_nothing(imported: Repo, server: Server, tmp_path: Path) -> None:
    """MLflow on PostgreSQL, the registry, MLflow on SQLite: 3 models of 20 versions, of which 2 had been deleted."""
    from tests import mlflow_estate

    uri = f"sqlite:///{tmp_path}/there.db"
    told = done("export", "mlflow", "--tracking-uri", uri, "--json", registry=imported.path)
    models = told.json("export-mlflow")["models"]
    assert sorted(len(model["created"]) for model in models) == [18, 20, 20]
    assert [model["not_exported"] for model in models] == [[], [], []]
    there = mlflow.MlflowClient(uri)
    before = mlflow_estate.seen(server.client, server.address, tmp_path)
    after = mlflow_estate.seen(there, uri, tmp_path)
    assert before.keys() == after.keys()
    for name, model in before.items():
        assert after[name] == model, name
    assert sum(len(model["versions"]) for model in before.values()) == 58
    assert all("MLmodel" in version["files"] for model in after.values() for version in model["versions"])

    again = done("export", "mlflow", "--tracking-uri", uri, "--json", registry=imported.path)
    for model in again.json("export-mlflow")["models"]:
        assert (model["created"], model["changes"], model["not_exported"]) == ([], [], [])
    assert mlflow_estate.seen(there, uri, tmp_path) == after


def _nothing_is_left_where_it_was_called(imported: Repo, here: Path) -> None:
    assert imported.git("status", "--porcelain") == ""
    assert os.listdir(here) == []


def test_the_whole_way(imported: Repo, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    _what_comes_in_is_a_sound_registry(imported, server)
    _what_is_imported_again_lands_nothing(imported, server)
    _no_password_is_anywhere_in_the_registry(imported, server, tmp_path)
    _a_wrong_password_is_one_message_without_it(imported, server)
    _the_round_trip_loses_nothing(imported, server, tmp_path)
    _nothing_is_left_where_it_was_called(imported, here)
