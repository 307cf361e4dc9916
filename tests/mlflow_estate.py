"""Models in an MLflow, made through its own client, and what a client sees of them, for comparison."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlflow import MlflowClient, artifacts
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param

from modelreg.integrations.mlflow_transfer.origin import quoted

MODELS = {"churn": "plain", "Kündigung (EU) v2": "capitals, spaces, more than ASCII", "credit_risk": ""}
DELETED = (4, 11)
"""Numbers of versions of the first model that are deleted again."""
_COMMIT = "0123456789abcdef0123456789abcdef01234567"
SIGNATURE = {
    "inputs": json.dumps(
        [{"type": "double", "name": "age", "required": True}, {"type": "string", "name": "country", "required": False}]
    ),
    "outputs": json.dumps([{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]),
    "params": json.dumps([{"name": "threshold", "type": "double", "default": 0.5, "shape": None}]),
}


def make_model(folder: Path, text: str) -> Path:
    """A folder that MLflow takes for a model: an MLmodel file, and bytes that nobody may unpickle."""
    (folder / "data").mkdir(parents=True)
    (folder / "model.pkl").write_bytes(b"\x80\x05never loaded: " + text.encode())
    (folder / "data" / "weights.bin").write_bytes(hashlib.sha256(text.encode()).digest() * 4)
    signature = "".join(f"  {key}: '{value}'\n" for key, value in SIGNATURE.items())
    flavors = (
        "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    python_version: 3.11.7\n"
        "  sklearn:\n    pickled_model: model.pkl\n    sklearn_version: 1.5.2\n"
    )
    (folder / "MLmodel").write_text(f"artifact_path: model\n{flavors}mlflow_version: 3.17.2\nsignature:\n{signature}")
    return folder


Put = Callable[[Any, Path], None]
"""Puts a folder to a run's artifacts, as `model`."""


def experiments(client: MlflowClient, location: str | None = None) -> list[str]:
    return [client.create_experiment(f"experiment {name}", location) for name in ("one", "two")]


def into(store: Path) -> Put:
    """Straight to where a server keeps what it serves: quicker than through it."""

    def put(run: Any, folder: Path) -> None:
        shutil.copytree(folder, store / run.info.artifact_uri.removeprefix("mlflow-artifacts:/") / "model")

    return put


def through(client: MlflowClient) -> Put:
    return lambda run, folder: client.log_artifacts(run.info.run_id, str(folder), "model")


def fill(
    client: MlflowClient, experiments: Sequence[str], put: Put, versions: int = 20, models: Mapping[str, str] = MODELS
) -> None:
    """Models with what real ones have: nested runs, inputs, metrics of any name, holes, stages, aliases."""
    for index, (name, description) in enumerate(models.items()):
        client.create_registered_model(name, {"team": f"team {index}", "Ünïcode key": "wert: 'x'"}, description)
        parent = client.create_run(experiments[index % 2], run_name=f"sweep of {name}")
        for number in range(1, versions + 1):
            add_version(
                client, experiments[index % 2], put, name, number, parent.info.run_id if number % 3 == 0 else ""
            )
        client.set_terminated(parent.info.run_id)
        _stand(client, name, versions)
    for number in DELETED:
        if number <= versions:
            client.delete_model_version(next(iter(models)), str(number))


def add_version(client: MlflowClient, experiment: str, put: Put, name: str, number: int, parent: str = "") -> None:
    """A version with a run of its own."""
    tags = {"mlflow.source.git.commit": _COMMIT, "mlflow.user": "ada", "note": f"of {number}"}
    if parent:
        tags["mlflow.parentRunId"] = parent
    run = client.create_run(experiment, tags=tags, run_name=f"run {number}")
    id_ = run.info.run_id
    metrics = {"accuracy": 0.5 + number / 100, "F1-Score/test": 1 / number, "f1_score_test": 0.25, "Größe": 1e-9}
    params = {"depth": str(number % 4), "learning rate": "0.1", "empty": ""}
    client.log_batch(
        id_,
        metrics=[Metric(key, value, 1_700_000_000_000 + number, 0) for key, value in metrics.items()],
        params=[Param(key, value) for key, value in params.items()],
    )
    columns = json.dumps({"mlflow_colspec": [{"type": "long", "name": "id", "required": True}]})
    data = Dataset(
        "customers", f"{number % 5:08x}", "local", '{"uri": "data/customers.csv"}', columns, '{"num_rows": 7}'
    )
    client.log_inputs(id_, [DatasetInput(data, [InputTag("mlflow.data.context", "training")])])
    with tempfile.TemporaryDirectory() as folder:
        put(run, make_model(Path(folder) / "model", f"{name} {number}"))
    client.set_terminated(id_)
    source = f"{run.info.artifact_uri}/model"
    client.create_model_version(
        name, source, id_, tags={"n": str(number), "Größe": "L"}, description=f"version\n{number}", await_creation_for=0
    )


def move(client: MlflowClient, name: str, number: int, stage: str) -> None:
    """Without MLflow's warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client.transition_model_version_stage(name, str(number), stage)


def _stand(client: MlflowClient, name: str, versions: int) -> None:
    """One in Production, some elsewhere; aliases on two."""
    for number, stage in ((2, "Archived"), (3, "Staging"), (versions - 1, "Staging"), (versions, "Production")):
        move(client, name, number, stage)
    client.set_registered_model_alias(name, "champion", str(versions))
    client.set_registered_model_alias(name, "Challenger-EU", "3")


def seen(client: MlflowClient, tracking_uri: str, folder: Path) -> dict[str, Any]:
    """All that a client sees of each model, but times and ids, and numbers (deleted versions leave holes).

    Runs are told apart by their names; what modelreg writes for itself (`modelreg.…`) is left out.
    """
    return {
        model.name: {
            "description": model.description or "",
            "tags": _tags(model.tags),
            "aliases": _aliases(client, model.name, model.aliases),
            "versions": [_seen(client, version, tracking_uri, folder) for version in _versions(client, model.name)],
        }
        for model in client.search_registered_models()
    }


def _versions(client: MlflowClient, name: str) -> list[Any]:
    return list(client.search_model_versions(f"name = {quoted(name)}", order_by=["version_number ASC"]))


def _aliases(client: MlflowClient, name: str, aliases: Mapping[str, str]) -> dict[str, int]:
    """By place among the versions that are there."""
    places = [str(version.version) for version in _versions(client, name)]
    return {alias: places.index(str(number)) for alias, number in aliases.items()}


def _seen(client: MlflowClient, version: Any, tracking_uri: str, folder: Path) -> dict[str, Any]:
    target = Path(tempfile.mkdtemp(dir=folder))
    uri = client.get_model_version_download_uri(version.name, version.version)
    try:
        got = Path(artifacts.download_artifacts(artifact_uri=uri, dst_path=str(target), tracking_uri=tracking_uri))
        files = {path.relative_to(got).as_posix(): path.read_bytes() for path in got.rglob("*") if path.is_file()}
    except Exception as error:  # noqa: BLE001 - what is not there is told by whatever MLflow raises
        files = {"absent": type(error).__name__.encode()}
    return {
        "description": version.description or "",
        "tags": _tags(version.tags),
        "stage": version.current_stage,
        "files": files,
        "run": _run(client, version.run_id) if version.run_id else None,
    }


def _run(client: MlflowClient, id_: str) -> dict[str, Any]:
    run = client.get_run(id_)
    parent = run.data.tags.get("mlflow.parentRunId")
    return {
        "name": run.info.run_name,
        "experiment": client.get_experiment(run.info.experiment_id).name,
        "status": run.info.status,
        "metrics": {key: "nan" if math.isnan(value) else value for key, value in run.data.metrics.items()},
        "params": dict(run.data.params),
        "tags": {k: v for k, v in _tags(run.data.tags).items() if k not in ("mlflow.parentRunId", "mlflow.runName")},
        "nested": parent is not None,
        "inputs": [
            {
                "name": one.dataset.name,
                "digest": one.dataset.digest,
                "source": (one.dataset.source_type, one.dataset.source),
                "profile": json.loads(one.dataset.profile or "null"),
                "schema": json.loads(one.dataset.schema or "null"),
                "tags": {tag.key: tag.value for tag in one.tags or ()},
            }
            for one in (run.inputs.dataset_inputs if run.inputs else ())
        ],
    }


def _tags(tags: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if not key.startswith("modelreg.")}
