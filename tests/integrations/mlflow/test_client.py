"""Programs that know MLflow's API alone: the same on sqlite and on modelreg, in the process and through a server."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from modelreg import Registry
from modelreg.integrations.mlflow.store import ModelregStore
from tests.cli.runner import done
from tests.support import Repo
from tests.test_docs import TOP
from tests.test_docs_python import rows

pytestmark = pytest.mark.filterwarnings("ignore")
X = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]])
Uses = Callable[[str], mlflow.MlflowClient]


@pytest.fixture(params=["sqlite", "modelreg"])
def client(request: pytest.FixtureRequest, uses: Uses, database: str, repo: Repo) -> mlflow.MlflowClient:
    return uses(database if request.param == "sqlite" else f"modelreg://{repo.path}")


def trained(slope: float, **options: Any) -> str:
    """A run that logs a model, and maybe registers it; the model's URI."""
    with mlflow.start_run():
        mlflow.log_params({"slope": slope})
        mlflow.log_metrics({"val/R2": slope / 10})
        estimator = LinearRegression().fit(X, slope * X[:, 0])
        info = mlflow.sklearn.log_model(
            estimator, name="model", input_example=X, pip_requirements=["scikit-learn"], **options
        )
        return str(info.model_uri)


def predicts(uri: str) -> list[float]:
    return [round(float(value), 6) for value in mlflow.pyfunc.load_model(uri).predict(X)]


def test_a_whole_life(client: mlflow.MlflowClient) -> None:
    two, three = [2.0, 6.0, 10.0], [3.0, 9.0, 15.0]
    trained(2, registered_model_name="Churn Model")
    logged = trained(3)
    assert int(mlflow.register_model(logged, "Churn Model", tags={"stage": "new"}).version) == 2
    client.update_model_version("Churn Model", "1", "the first")
    client.transition_model_version_stage("Churn Model", 1, "Production")
    assert predicts("models:/Churn Model/Production") == predicts("models:/Churn Model/1") == two
    client.transition_model_version_stage("Churn Model", 2, "Production", archive_existing_versions=True)
    assert predicts("models:/Churn Model/production") == predicts("models:/Churn Model/latest") == three
    assert [v.version for v in client.get_latest_versions("Churn Model", ["Archived"])] == [1]
    client.set_registered_model_alias("Churn Model", "Champion", 2)
    assert predicts("models:/Churn Model@Champion") == three
    runs = [client.get_run(client.get_model_version("Churn Model", number).run_id) for number in (1, 2)]
    assert [run.data.metrics["val/R2"] for run in runs] == [0.2, 0.3]
    client.transition_model_version_stage("Churn Model", 1, "Production", archive_existing_versions=True)  # rolled back
    client.set_registered_model_alias("Churn Model", "Champion", 1)
    assert predicts("models:/Churn Model@Champion") == two
    client.set_model_version_tag("Churn Model", 2, "why", "worse")
    assert [v.version for v in client.search_model_versions("tags.why = 'worse'")] == [2]
    copied = client.copy_model_version("models:/Churn Model@Champion", "Other")
    assert (copied.name, copied.source, copied.description) == ("Other", "models:/Churn Model/1", "the first")
    assert predicts("models:/Other/1") == two
    client.delete_model_version("Churn Model", 2)
    client.delete_registered_model("Churn Model")
    assert [model.name for model in client.search_registered_models()] == ["Other"]
    assert predicts("models:/Other/1") == two


def test_prompts(client: mlflow.MlflowClient) -> None:
    mlflow.genai.register_prompt("greet", "Hello {{name}}", commit_message="first", tags={"lang": "en"})
    mlflow.genai.register_prompt("greet", "Hi {{name}}")
    mlflow.genai.set_prompt_alias("greet", "live", 1)
    assert mlflow.genai.load_prompt("prompts:/greet@live").format(name="Ada") == "Hello Ada"
    assert mlflow.genai.load_prompt("greet", version=2).format(name="Ada") == "Hi Ada"
    assert mlflow.genai.load_prompt("greet", version=1).tags == {"lang": "en"}
    assert [prompt.name for prompt in mlflow.genai.search_prompts()] == ["greet"]
    mlflow.genai.delete_prompt_alias("greet", "live")
    assert client.search_registered_models() == []


def test_what_the_run_measured_is_in_the_manifest(uses: Uses, repo: Repo, tmp_path: Path) -> None:
    uses(f"modelreg://{repo.path}")
    trained(2, registered_model_name="churn")
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/gone.db")
    assert predicts("models:/churn/1") == [2.0, 6.0, 10.0]  # without the tracking store
    manifest = Registry(repo.path).get("churn@1.0.0").manifest
    assert manifest.body["metrics"]["val_r2"] == {"value": 0.2, "direction": "higher", "source_name": "val/R2"}
    assert manifest.body["params"]["slope"] == "2"
    assert manifest.lineage["run"]["tracker"] == "mlflow"
    assert manifest.source["model_id"].startswith("m-")
    assert [entry["type"] for entry in manifest.body["signature"]["inputs"]] == ["float64"]
    assert done("verify", registry=repo.path).code == 0


@pytest.fixture
def server(database: str, repo: Repo, uses: Uses) -> Any:
    """A client of MLflow's web application, without a socket; its store finds no tracking URI."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow.server import app, handlers
    uses(f"modelreg://{repo.path}")
    handlers._tracking_store = handlers._model_registry_store = None
    handlers.initialize_backend_stores(database, registry_store_uri=f"modelreg://{repo.path}")
    yield app.test_client()
    handlers._tracking_store = handlers._model_registry_store = None


def test_a_server(server: Any, repo: Repo) -> None:
    def asks(path: str, api: str = "api", **body: Any) -> Any:
        method = server.get if "/get" in path else server.post
        keys = {"query_string": body} if "/get" in path else {"json": body}
        return method(f"/{api}/2.0/mlflow/{path}", **keys).get_json()

    assert asks("registered-models/create", name="Churn Model")["registered_model"]["name"] == "Churn Model"
    made = asks("model-versions/create", name="Churn Model", source="s3://bucket/model")["model_version"]
    assert (made["version"], made["description"], made["run_id"], made.get("tags")) == ("1", "", "", None)
    moved = asks(
        "model-versions/transition-stage",
        name="Churn Model",
        version="1",
        stage="Production",
        archive_existing_versions=True,
    )
    assert moved["model_version"]["current_stage"] == "Production"
    # A program compares the tags with those that it set; a person sees the version.
    assert "tags" not in asks("model-versions/get", name="Churn Model", version="1")["model_version"]
    seen = asks("model-versions/get", "ajax-api", name="Churn Model", version="1")["model_version"]["tags"]
    assert seen == [{"key": "modelreg.version", "value": "1.0.0"}]
    refused = asks(
        "model-versions/set-tag", "ajax-api", name="Churn Model", version="1", key="modelreg.version", value="2"
    )
    assert refused["error_code"] == "INVALID_PARAMETER_VALUE"
    assert asks("registered-models/get", name="none")["error_code"] == "RESOURCE_DOES_NOT_EXIST"
    assert repo.git("log", "-1", "--format=%s") == "Promote churn-model 1.0.0 to production"


def test_mlflow_finds_the_plugin_by_its_entry_point(tmp_path: Path, repo: Repo) -> None:
    points = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["entry-points"]
    ((group, named),) = ((group, names) for group, names in points.items() if group.startswith("mlflow"))
    (point,) = (importlib.metadata.EntryPoint(name, value, group) for name, value in named.items())
    assert (point.group, point.name, point.load()) == ("mlflow.model_registry_store", "modelreg", ModelregStore)
    # As when modelreg is installed, in a process of its own.
    folder = tmp_path / "site" / "modelreg_plugin-0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: modelreg-plugin\nVersion: 0\n")
    (folder / "entry_points.txt").write_text(f"[{group}]\n{point.name} = {point.value}\n")
    script = f"import mlflow; mlflow.set_registry_uri('modelreg://{repo.path}'); "
    script += "mlflow.MlflowClient('http://127.0.0.1:1').create_registered_model('churn')"
    path = f"{TOP / 'src'}:{tmp_path / 'site'}"
    ran = subprocess.run([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": path}, check=False)
    assert ran.returncode == 0
    assert "registry/churn/model.yaml" in repo.git("ls-files")


def test_the_page_of_mlflow(uses: Uses, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    uses("unused:")
    monkeypatch.chdir(repo.path)
    # MLflow loads the model in another process, to see what it imports: seconds for nothing here.
    monkeypatch.setattr("mlflow.models.infer_pip_requirements", lambda *_, fallback, **__: fallback)
    page = (TOP / "docs" / "mlflow.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {"X": X, "y": X[:, 0]}
    exec(compile(code, "docs/mlflow.md", "exec"), names)
    assert [round(float(value), 6) for value in names["model"].predict(X)] == [1.0, 3.0, 5.0]
    assert done("stage", "get", "churn-model", "production", registry=repo.path).out.startswith("1.0.0")


def test_each_call_of_the_registry_has_its_line_in_the_page_of_python() -> None:
    about = re.compile("registered_model|model_version|latest_versions")
    named = [name for names, _ in rows("mlflow") for name in names]
    assert sorted(named) == [name for name in dir(mlflow.MlflowClient) if about.search(name) and name[0] != "_"]
