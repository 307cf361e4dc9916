"""Import from an MLflow on SQLite, or its old file store, and export: what changes since, what is refused, what fails."""

from __future__ import annotations

import http.server
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from modelreg.domain.foreign.entities import ForeignVersion
from modelreg.integrations.mlflow_transfer.connection import Connection
from modelreg.integrations.mlflow_transfer.origin import MlflowOrigin
from tests import mlflow_server
from tests.cli.runner import Result, artifact, done, everything, metrics, modelreg
from tests.support import Repo
from tests.test_docs import TOP, play, sessions

mlflow = pytest.importorskip("mlflow")
# What MLflow's own client warns of in its own libraries; modelreg's calls are not heard through it.
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning"
)

VERSIONS = 5
"""Of which the fourth is deleted."""


@dataclass(frozen=True)
class There:
    """An MLflow in an SQLite file."""

    file: Path

    @property
    def uri(self) -> str:
        return f"sqlite:///{self.file}"

    @property
    def client(self) -> Any:
        return mlflow.MlflowClient(self.uri)

    def copy(self, file: Path) -> There:
        """Its own to change; the files of its versions stay where they are."""
        return There(Path(shutil.copy(self.file, file)))


@pytest.fixture(scope="module", autouse=True)
def _quiet() -> Iterator[None]:
    with mlflow_server.quiet():
        yield


@pytest.fixture(autouse=True)
def _nothing_is_left_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """MLflow likes to make an mlflow.db or an mlruns where it is called: that would be a registry's work tree."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    yield
    mlflow.set_tracking_uri(None)
    assert os.listdir(here) == []


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory, _quiet: None) -> There:
    """One without models: MLflow takes its time to make its tables."""
    there = There(tmp_path_factory.mktemp("blank") / "mlflow.db")
    assert there.client.search_registered_models() == []
    return there


@pytest.fixture
def there(blank: There, tmp_path: Path) -> There:
    """One without models, of this test."""
    return blank.copy(tmp_path / "there.db")


@pytest.fixture(scope="module")
def first(blank: There, tmp_path_factory: pytest.TempPathFactory) -> There:
    """One model that nobody changes."""
    from tests import mlflow_estate

    folder = tmp_path_factory.mktemp("mlflow")
    there = blank.copy(folder / "mlflow.db")
    client = there.client
    places = mlflow_estate.experiments(client, (folder / "artifacts").as_uri())
    mlflow_estate.fill(client, places, mlflow_estate.through(client), VERSIONS, {"churn": "plain"})
    return there


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """A registry of policy open without models."""
    repo = Repo.init(tmp_path_factory.mktemp("empty") / "repo")
    done("init", "--policy", "open", registry=repo.path)
    return repo


@pytest.fixture(scope="module")
def full(first: There, empty: Repo, tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """The registry with the model."""
    repo = empty.copy(tmp_path_factory.mktemp("full") / "repo")
    bring(first, repo)
    return repo


def bring(there: There, repo: Repo, *options: str, code: int = 0) -> dict[str, Any]:
    """Import; what came of the model churn."""
    told = modelreg("import", "mlflow", "--tracking-uri", there.uri, "--json", *options, registry=repo.path)
    assert told.code == code, told.err + told.out
    models: list[dict[str, Any]] = told.json("import-mlflow")["models"]
    return next(model for model in models if model["name"] == "churn")


def send(there: There, repo: Repo, *options: str, code: int = 0) -> list[dict[str, Any]]:
    told = modelreg("export", "mlflow", "--tracking-uri", there.uri, "--json", *options, registry=repo.path)
    assert told.code == code, told.err + told.out
    models: list[dict[str, Any]] = told.json("export-mlflow")["models"]
    return models


def shown(repo: Repo, address: str) -> Any:
    return done("show", address, "--json", registry=repo.path).json("show")


def stages(repo: Repo, model: str = "churn") -> Any:
    return done("stage", "list", model, "--json", registry=repo.path).json("stage-list")


# --- import


def test_holes_are_kept_in_the_numbers(full: Repo) -> None:
    numbers = [shown(full, f"churn@1.{minor}.0")["source"]["version"] for minor in range(4)]
    assert numbers == ["1", "2", "3", "5"]
    assert stages(full)["stages"]["production"] == ["1.3.0"]
    assert stages(full)["aliases"] == {"challenger-eu": "1.2.0", "champion": "1.3.0"}
    assert "imported from mlflow.db" in full.show("registry/churn/transitions/0001.yaml")


def test_what_changed_there_since_is_brought_up_to_date(first: There, full: Repo, tmp_path: Path) -> None:
    from tests import mlflow_estate

    there, repo = first.copy(tmp_path / "there.db"), full.copy(tmp_path / "repo")
    client = there.client
    client.update_registered_model("churn", "other words")
    client.set_registered_model_tag("churn", "team", "another")
    client.update_model_version("churn", "1", "")
    client.set_model_version_tag("churn", "1", "n", "one")
    client.delete_model_version_tag("churn", "1", "Größe")
    mlflow_estate.move(client, "churn", 5, "Archived")
    mlflow_estate.move(client, "churn", 3, "Production")
    mlflow_estate.move(client, "churn", 2, "None")
    client.set_registered_model_alias("churn", "champion", "3")
    client.delete_registered_model_alias("churn", "Challenger-EU")
    mlflow_estate.add_version(client, "1", mlflow_estate.through(client), "churn", 6)
    told = bring(there, repo)
    assert [(one["number"], one["version"]) for one in told["registered"]] == [(6, "1.4.0")]
    assert told["present"] == 4
    assert told["not_imported"] == []
    assert sorted(told["changes"]) == [
        "1.1.0 to development",
        "1.2.0 to production",
        "1.3.0 to archived",
        "alias champion at 1.2.0",
        "description and tags of the model",
        "description and tags of version 1",
        "no alias challenger-eu",
    ]
    assert shown(repo, "churn@1.0.0")["annotations"] == {"tags": {"n": "one"}}
    held = stages(repo)
    assert (held["stages"]["production"], held["stages"]["archived"]) == (["1.2.0"], ["1.3.0"])
    assert held["aliases"] == {"champion": "1.2.0"}
    before = everything(repo)
    assert bring(there, repo)["changes"] == []
    assert everything(repo) == before
    done("verify", registry=repo.path)


def test_what_was_moved_here_stays_until_it_moves_there(first: There, full: Repo, tmp_path: Path) -> None:
    from tests import mlflow_estate

    there, repo = first.copy(tmp_path / "there.db"), full.copy(tmp_path / "repo")
    done("stage", "set", "churn", "1.0.0", "staging", "-m", "we try it", registry=repo.path)
    done("alias", "set", "churn", "ours", "1.0.0", registry=repo.path)
    assert bring(there, repo)["changes"] == []
    mlflow_estate.move(there.client, "churn", 1, "Archived")
    assert bring(there, repo)["changes"] == ["1.0.0 to archived"]
    assert stages(repo)["aliases"]["ours"] == "1.0.0"


def test_a_dry_run_tells_and_changes_nothing(first: There, empty: Repo, full: Repo, tmp_path: Path) -> None:
    there = first.copy(tmp_path / "there.db")
    before = everything(empty), everything(full)
    told = bring(there, empty, "--dry-run")
    assert [(one["number"], one["version"]) for one in told["registered"]] == [(n, None) for n in (1, 2, 3, 5)]
    there.client.set_registered_model_alias("churn", "blue", "1")
    there.client.set_model_version_tag("churn", "2", "n", "two")
    changes = bring(there, full, "--dry-run")["changes"]
    assert changes == ["description and tags of version 2", "alias blue at 1.0.0"]
    assert (everything(empty), everything(full)) == before


def test_a_stage_that_the_gate_refuses_is_told_and_all_else_lands(first: There, tmp_path: Path) -> None:
    """The standard policy takes no folder of MLflow's, which may hold pickles."""
    repo = Repo.init(tmp_path / "repo")
    done("init", "--policy", "standard", registry=repo.path)
    told = bring(first, repo, code=1)
    assert len(told["registered"]) == 4
    whats = {one["what"]: one["reason"] for one in told["not_imported"]}
    assert set(whats) == {"1.3.0 to production", "1.2.0 to staging", "alias champion at 1.3.0"}
    assert "mlflow is not among the formats" in whats["1.2.0 to staging"]
    held = stages(repo)
    assert held["stages"]["archived"] == ["1.1.0"]
    assert held["aliases"] == {"challenger-eu": "1.2.0"}
    before = everything(repo)
    assert bring(first, repo, code=1)["not_imported"] == told["not_imported"]
    assert everything(repo) == before
    done("verify", registry=repo.path)


def test_what_people_read_of_it(first: There, empty: Repo, tmp_path: Path) -> None:
    repo = empty.copy(tmp_path / "repo")
    told = done("import", "mlflow", "--tracking-uri", first.uri, registry=repo.path)
    assert told.out.splitlines()[0] == "churn: 4 versions registered, 0 here already"
    assert told.err.splitlines() == ["next: modelreg list"]
    told = modelreg("import", "mlflow", "--tracking-uri", first.uri, "--model", "chorn", registry=repo.path)
    assert told.code == 1
    assert "Registered Model with name=chorn not found" in told.err


def test_what_is_not_there_any_more_is_recorded_by_its_address(first: There, empty: Repo, tmp_path: Path) -> None:
    there, repo = first.copy(tmp_path / "there.db"), empty.copy(tmp_path / "repo")
    client = there.client
    client.create_model_version("churn", "s3://nobody:hidden@bucket/model?sig=hidden", tags={"n": "6"})
    client.create_model_version("churn", (tmp_path / "gone" / "model").as_uri())
    client.create_model_version("churn", "odd+scheme://somewhere/model")
    (tmp_path / "file.skops").write_bytes(b"a single file")
    client.create_model_version("churn", (tmp_path / "file.skops").as_uri())
    told = bring(there, repo, "--no-artifacts")
    assert [one["artifacts"] for one in told["registered"]] == [False] * 8
    assert all("no file was asked for" in note for note in told["notes"])
    assert shown(repo, "churn@latest")["artifacts"] == []
    repo = empty.copy(tmp_path / "with files")
    client.delete_model_version("churn", "6")
    told = bring(there, repo)
    assert [(one["number"], one["artifacts"]) for one in told["registered"]] == [
        *((n, True) for n in (1, 2, 3, 5)),
        (7, False),
        (8, False),
        (9, True),
    ]
    assert told["notes"] == [
        "version 7: only the address of its files is recorded: there are none at its address",
        "version 8: only the address of its files is recorded: MLflow reads no address of that kind",
    ]
    last = next(one["version"] for one in told["registered"] if one["number"] == 9)
    assert shown(repo, f"churn@{last}")["artifacts"][0]["path"] == "file.skops"
    done("validate", registry=repo.path)


def test_a_store_that_cannot_be_asked_stops_the_import(first: There, empty: Repo, tmp_path: Path) -> None:
    """A manifest never changes: files that are only out of reach now would never be added."""
    there, repo = first.copy(tmp_path / "there.db"), empty.copy(tmp_path / "repo")
    there.client.create_model_version("churn", "s3://bucket/model")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "boto3", None)
        told = modelreg("import", "mlflow", "--tracking-uri", there.uri, registry=repo.path)
    assert told.code == 4
    assert "cannot fetch the files of churn 6" in told.err
    assert "--no-artifacts" in told.err
    assert len(done("list", "churn", "--json", registry=repo.path).json("list")["versions"]) == 4


def test_links_in_the_files_are_not_followed(first: There, empty: Repo, tmp_path: Path) -> None:
    there, repo = first.copy(tmp_path / "there.db"), empty.copy(tmp_path / "repo")
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret").write_text("hidden")
    (folder / "MLmodel").symlink_to(tmp_path / "secret")
    there.client.create_model_version("churn", folder.as_uri())
    told = bring(there, repo, code=1)
    assert [one["what"] for one in told["not_imported"]] == ["version 6"]
    assert "symbolic link" in told["not_imported"][0]["reason"]


def test_a_path_that_a_server_names_is_not_read(tmp_path: Path) -> None:
    """A server that names /etc/passwd must not have it registered, and pushed to where everybody reads it."""
    (tmp_path / "secret").write_text("hidden")

    class Hostile:
        address = ""

        def get_model_version_download_uri(self, _name: str, _version: str) -> str:
            return self.address or (tmp_path / "secret").as_uri()

    version = ForeignVersion("churn", 1, 0, "models:/m-1")
    connection = Connection(Hostile(), "https://mlflow.example", "https://mlflow.example", "https://mlflow.example")
    (tmp_path / "folder").mkdir()
    fetched = MlflowOrigin(connection).fetch(version, tmp_path / "folder")
    assert (fetched.path, fetched.why) == (None, "they are at a path of the server's machine")
    assert list((tmp_path / "folder").iterdir()) == []
    for address in ("http://169.254.169.254/latest", "sftp://inside/x", "https://other.example/x"):
        Hostile.address = address
        fetched = MlflowOrigin(connection).fetch(version, tmp_path / "folder")
        assert (fetched.path, fetched.why) == (None, f"they are at another host by {address.partition(':')[0]}")
    Hostile.address = ""
    trusted = MlflowOrigin(connection, trust_paths=True).fetch(version, tmp_path / "folder")
    assert trusted.path is not None
    assert trusted.path.read_text() == "hidden"


def test_A25_hostile_text_is_data(empty: Repo, tmp_path: Path, there: There) -> None:
    from tests import mlflow_estate

    repo, back = empty.copy(tmp_path / "repo"), there.copy(tmp_path / "back.db")
    odd = "\x1b[31m red \u202e ::set-output:: {{x}} <b> & '\"\n---\n- [x]: *a !!python/object:os.system\t\x07 end"
    name, client = "churn", there.client
    client.create_experiment("odd", (tmp_path / "artifacts").as_uri())
    client.create_registered_model(name, {"odd": odd}, odd)
    client.create_registered_model("'; DROP --", {"a": "b"})
    run = client.create_run("1", tags={"odd": odd}, run_name="odd")
    client.log_param(run.info.run_id, "odd", odd)
    client.log_metric(run.info.run_id, "nan", float("nan"))
    client.set_terminated(run.info.run_id)
    client.create_model_version(name, "s3://bucket/x", run.info.run_id, tags={"odd": odd}, description=odd)
    told = done("import", "mlflow", "--tracking-uri", there.uri, "--no-artifacts", registry=repo.path)
    assert "\x1b" not in told.out + told.err
    assert "the metric 'nan' is nan, which is no number: left out" in told.err
    body = shown(repo, "churn@1.0.0")
    assert body["annotations"] == {"description": odd, "tags": {"odd": odd}}
    assert body["params"] == {"odd": odd}
    done("validate", registry=repo.path)
    done("export", "mlflow", "--tracking-uri", back.uri, registry=repo.path)
    before, after = (mlflow_estate.seen(one.client, one.uri, tmp_path) for one in (there, back))
    del before[name]["versions"][0]["run"]["metrics"]["nan"]
    assert after == before
    assert back.client.get_model_version(name, "1").source == "s3://bucket/x"


def test_another_registry_with_a_model_of_that_name(full: Repo, tmp_path: Path, there: There) -> None:
    other = there
    other.client.create_registered_model("churn")
    other.client.create_model_version("churn", "s3://bucket/model")
    before = everything(full)
    told = bring(other, full, code=1)
    assert told["not_imported"][0]["reason"].startswith("its version 1 is another one than that which was imported")
    assert everything(full) == before
    own = Repo.init(tmp_path / "own")
    done("init", registry=own.path)
    done("register", "churn", artifact(tmp_path, "a model"), registry=own.path)
    told = bring(other, own, code=1)
    assert told["not_imported"][0]["reason"] == ("churn is here, and none of its versions came from there")


def test_the_old_file_store(tmp_path: Path, empty: Repo, there: There) -> None:
    from tests import mlflow_estate

    repo = empty.copy(tmp_path / "repo")
    folder = tmp_path / "mlruns"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        mlflow.set_tracking_uri(str(folder))
        client = mlflow.MlflowClient(str(folder))
        places = mlflow_estate.experiments(client, (tmp_path / "artifacts").as_uri())
        mlflow_estate.fill(client, places, mlflow_estate.through(client), 3, {"churn": "plain"})
    told = done("import", "mlflow", "--tracking-uri", str(folder), "--json", registry=repo.path)
    model = told.json("import-mlflow")["models"][0]
    assert [(one["number"], one["artifacts"]) for one in model["registered"]] == [(1, True), (2, True), (3, True)]
    assert shown(repo, "churn#production")["metrics"]["accuracy"]["value"] == 0.53
    send(there, repo)
    assert mlflow_estate.seen(there.client, there.uri, tmp_path) == mlflow_estate.seen(client, str(folder), tmp_path)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_real_model_goes_the_whole_way_and_predicts_the_same(empty: Repo, tmp_path: Path, there: There) -> None:
    np, linear = pytest.importorskip("numpy"), pytest.importorskip("sklearn.linear_model")
    repo, back = empty.copy(tmp_path / "repo"), there.copy(tmp_path / "back.db")
    x = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0], [3.0, 1.0]])
    model = linear.LinearRegression().fit(x, [1.0, 2.0, 3.0, 4.0])
    signature = mlflow.models.infer_signature(x, model.predict(x))
    mlflow.set_tracking_uri(there.uri)
    mlflow.create_experiment("fitted", (tmp_path / "artifacts").as_uri())
    mlflow.set_experiment("fitted")
    with mlflow.start_run():
        mlflow.log_metric("rmse", 0.5)
        mlflow.sklearn.log_model(
            model, name="fitted", registered_model_name="Linear", signature=signature, pip_requirements=[]
        )
    told = done("import", "mlflow", "--tracking-uri", there.uri, "--json", registry=repo.path)
    assert told.json("import-mlflow")["models"][0]["registered"][0]["artifacts"]
    body = shown(repo, "linear@1.0.0")
    assert body["source"]["model_id"].startswith("m-")
    assert body["source"]["location"].startswith("file://")
    assert body["metrics"]["rmse"]["value"] == 0.5
    assert body["signature"]["inputs"] == [{"name": "0", "type": "float64", "shape": [-1, 2]}]
    done("export", "mlflow", "--tracking-uri", back.uri, registry=repo.path)
    mlflow.set_tracking_uri(back.uri)
    loaded = mlflow.sklearn.load_model("models:/Linear/1")
    assert loaded.predict(x).tolist() == model.predict(x).tolist()


# --- killed, and run again


def _started(repo: Repo, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "modelreg", *arguments, "--registry", str(repo.path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def _killed_when(process: subprocess.Popen[bytes], reached: Callable[[], bool]) -> bool:
    """Killed as soon as `reached()` is true; False where it ended before."""
    while process.poll() is None:
        if reached():
            process.send_signal(signal.SIGKILL)
            process.communicate()
            return True
        time.sleep(0.02)
    process.communicate()
    return False


def _content(repo: Repo) -> dict[str, str]:
    """Every document below registry/, without the times that it was made at and what hangs on them."""
    told = {}
    for path in repo.git("ls-tree", "-r", "--name-only", "HEAD", "registry").splitlines():
        lines = repo.show(path).splitlines()
        told[path] = "\n".join(line for line in lines if not line.startswith(("created:", "at:", "manifest_sha256:")))
    return told


def test_F01_an_import_that_was_killed_goes_on(first: There, full: Repo, empty: Repo, tmp_path: Path) -> None:
    repo = empty.copy(tmp_path / "repo")
    begun = int(repo.git("rev-list", "--count", "HEAD"))
    kills = 0
    for landings in (2, 6):  # in its versions, in where they stand
        process = _started(repo, "import", "mlflow", "--tracking-uri", first.uri)

        def landed(least: int = begun + landings) -> bool:
            return int(repo.git("rev-list", "--count", "main")) >= least

        kills += _killed_when(process, landed)
    assert kills
    done("repair", registry=repo.path)
    told = bring(first, repo)
    assert told["not_imported"] == []
    assert _content(repo) == _content(full) | {
        path: text for path, text in _content(repo).items() if path.endswith(("registry.yaml", "policy.yaml"))
    }
    done("verify", registry=repo.path)


def test_F03_two_imports_at_once_land_every_version_once(first: There, empty: Repo, tmp_path: Path) -> None:
    repo = empty.copy(tmp_path / "repo")
    both = [_started(repo, "import", "mlflow", "--tracking-uri", first.uri) for _ in range(2)]
    for process in both:
        _, said = process.communicate()
        assert b"Traceback" not in said
        assert b"bug" not in said
    told = bring(first, repo)
    assert (told["registered"], told["present"]) == ([], 4)
    assert len(done("list", "churn", "--json", registry=repo.path).json("list")["versions"]) == 4
    done("verify", registry=repo.path)


def test_an_export_that_was_killed_goes_on(first: There, full: Repo, tmp_path: Path, there: There) -> None:
    from tests import mlflow_estate

    process = _started(full, "export", "mlflow", "--tracking-uri", there.uri)
    assert _killed_when(process, lambda: len(there.client.search_model_versions("name = 'churn'")) >= 2)
    send(there, full)
    assert mlflow_estate.seen(there.client, there.uri, tmp_path) == mlflow_estate.seen(
        first.client, first.uri, tmp_path
    )
    assert [int(v.version) for v in there.client.search_model_versions("name = 'churn'")][::-1] == [1, 2, 3, 4]


# --- export


def test_a_version_that_never_was_in_mlflow(empty: Repo, tmp_path: Path, there: There) -> None:
    repo = empty.copy(tmp_path / "repo")
    for n in range(2):
        done("register", "churn", artifact(tmp_path, f"model {n}"), "--metrics", metrics(tmp_path, 0.5 + n),
             "--description", f"number {n}", registry=repo.path)  # fmt: skip
    done("stage", "set", "churn", "1.0.0", "staging", registry=repo.path)
    told = send(there, repo)[0]
    assert told["created"] == [{"version": "1.0.0", "number": 1}, {"version": "1.0.1", "number": 2}]
    client = there.client
    version = client.get_model_version("churn", "1")
    assert version.current_stage == "Staging"
    assert version.description == "number 0"
    assert version.tags["modelreg.version"].endswith("/churn@1.0.0")
    assert len(version.tags["modelreg.manifest_sha256"]) == 64
    assert client.get_run(version.run_id).data.metrics == {"f1": 0.5, "loss": 0.25}
    fetched = mlflow.artifacts.download_artifacts(artifact_uri=version.source, tracking_uri=there.uri)
    assert Path(fetched).read_text() == "model 0"
    assert (tmp_path / "mlartifacts").is_dir()

    done("withdraw", "churn", "1.0.0", "-m", "it was wrong", registry=repo.path)
    assert send(there, repo)[0]["changes"] == ["description and tags of 1.0.0", "1.0.0 to Archived"]
    assert client.get_model_version("churn", "1").tags["modelreg.withdrawn"] == "true"
    assert send(there, repo)[0]["changes"] == []


def test_a_dry_export_makes_nothing(full: Repo, tmp_path: Path, there: There) -> None:
    told = send(there, full, "--dry-run")[0]
    assert [one["number"] for one in told["created"]] == [None] * 4
    assert there.client.search_registered_models() == []
    assert not (tmp_path / "mlartifacts").exists()


def test_nothing_is_exported_over_a_stranger_s_model(full: Repo, tmp_path: Path, there: There) -> None:
    there.client.create_registered_model("churn")
    told = send(there, full, code=1)[0]
    assert told["not_exported"][0]["reason"] == "there is a model churn that did not come from here"
    assert there.client.search_model_versions("name = 'churn'") == []


def test_what_was_exported_is_not_brought_back(full: Repo, tmp_path: Path, there: There) -> None:
    repo = full.copy(tmp_path / "repo")
    send(there, repo)
    before = everything(repo)
    told = modelreg("import", "mlflow", "--tracking-uri", there.uri, "--json", registry=repo.path)
    assert everything(repo) == before, told.out


def test_a_database_keeps_no_files(full: Repo) -> None:
    uri = "postgresql://ada:hidden@127.0.0.1:1/mlflow"
    told = modelreg("export", "mlflow", "--tracking-uri", uri, registry=full.path)
    assert told.code == 2
    assert "--artifact-location" in told.err
    assert "hidden" not in told.err


def test_the_other_exports_are_as_they_were(full: Repo) -> None:
    assert done("export", "provenance", "churn@1.0.0", registry=full.path).out.startswith("{")


def test_the_page_of_imports(first: There, empty: Repo, blank: There, tmp_path: Path) -> None:
    page = (TOP / "docs" / "import.md").read_text()
    repo = empty.copy(tmp_path / "repo")
    for name, made in (("theirs", first), ("copy", blank)):
        (tmp_path / name).mkdir()
        made.copy(tmp_path / name / "mlflow.db")
    play(sessions(page)["import"], repo.path)


# --- errors


class _Refusing(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._refuse()

    def do_POST(self) -> None:
        self._refuse()

    def _refuse(self) -> None:
        self.send_response(401)
        self.end_headers()
        self.wfile.write(b"You are not authenticated.")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def refusing() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Refusing)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def _fails(told: Result, *said: str) -> None:
    assert told.code == 4, told.err
    assert told.out == ""
    assert len(told.err.splitlines()) == 2, told.err
    assert told.err.startswith("error: ")
    for text in said:
        assert text in told.err
    assert "s3cret" not in told.err


@pytest.mark.parametrize("verb", ["import", "export"])
def test_credentials_that_are_refused(empty: Repo, refusing: str, verb: str) -> None:
    uri = f"http://ada:s3cret@{refusing}"
    told = modelreg(verb, "mlflow", "--tracking-uri", uri, registry=empty.path)
    _fails(told, f"http://{refusing}", "not authenticated", "MLFLOW_TRACKING_TOKEN")


def test_a_server_that_is_not_there(empty: Repo) -> None:
    begun = time.monotonic()
    uri = f"http://ada:s3cret@127.0.0.1:{mlflow_server.free_port()}"
    _fails(modelreg("import", "mlflow", "--tracking-uri", uri, registry=empty.path), "http://127.0.0.1", "hint: ")
    uri = f"postgresql+psycopg2://ada:s3cret@127.0.0.1:{mlflow_server.free_port()}/mlflow"
    _fails(modelreg("import", "mlflow", "--tracking-uri", uri, registry=empty.path), "cannot connect")
    assert time.monotonic() - begun < 60


def test_a_file_that_is_not_there_or_no_mlflow(empty: Repo, tmp_path: Path) -> None:
    import sqlite3

    told = modelreg("import", "mlflow", "--tracking-uri", f"sqlite:///{tmp_path}/no.db", registry=empty.path)
    _fails(told, "there is no no.db")
    told = modelreg("import", "mlflow", "--tracking-uri", str(tmp_path / "mlruns"), registry=empty.path)
    _fails(told, "there is no mlruns")
    sqlite3.connect(tmp_path / "other.db").close()
    told = modelreg("import", "mlflow", "--tracking-uri", f"sqlite:///{tmp_path}/other.db", registry=empty.path)
    _fails(told, "other.db is no database of MLflow's")
    assert sorted(os.listdir(tmp_path)) == ["here", "other.db"]


def test_without_the_extra(empty: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    told = modelreg("import", "mlflow", "--tracking-uri", "http://127.0.0.1:1", registry=empty.path)
    _fails(told, 'pip install "modelreg[mlflow]"')


def test_a_push_goes_with_every_landing(first: There, empty: Repo, tmp_path: Path) -> None:
    repo = empty.copy(tmp_path / "repo")
    server = repo.bare(tmp_path / "server.git")
    bring(first, repo, "--push")
    assert server.rev("main") == repo.head


def test_a_database_without_its_driver(empty: Repo) -> None:
    """SQLAlchemy 2.1 takes psycopg for postgresql://, where psycopg2 may be what is installed."""
    uri = "postgresql+pg8000://ada:s3cret@127.0.0.1:1/mlflow"
    said = modelreg("import", "mlflow", "--tracking-uri", uri, registry=empty.path)
    _fails(said, "the database's driver is missing: pg8000")
    assert "postgresql+psycopg2://" in said.err
    assert "s3cret" not in said.err
