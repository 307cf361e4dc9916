"""A walk through MLflow's registry API: every call and what it answered, the refusals too.

Train, register two, describe, stage, archive, compare, tag, search, load by stage, alias and number, roll back, copy,
rename, delete. Two registries that agree print the same.

python examples/mlflow/api_walk.py --registry-uri modelreg:///path/to/repository
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mlflow
import mlflow.sklearn
from answers import Calls
from mlflow import MlflowClient
from wine import connect, train, wines

MODEL = "Wine API Walk"
COPY = "wine-api-copy"
NEW_NAME = "Wine API Walk 2026"


def register(call: Calls, client: MlflowClient) -> None:
    """Two versions from training runs, one from a run's model by its URI, one made by hand."""
    call(client.create_registered_model, MODEL, tags={"team": "cellar"}, description="by hand")
    call(client.create_registered_model, MODEL)
    call(train, MODEL, 0.01)
    call(train, MODEL, 1.0)
    first = call(client.get_model_version, MODEL, "1")
    call(mlflow.register_model, first.source, MODEL, tags={"again": "yes"})
    call(client.create_model_version, MODEL, first.source, first.run_id, tags={"by": "hand"}, description="4th")
    call(client.get_model_version, MODEL, "9")
    call(client.get_registered_model, "no such model")
    call(client.create_registered_model, "")
    call(client.create_registered_model, "a/b")
    call(client.get_registered_model, MODEL)


def describe(call: Calls, client: MlflowClient) -> None:
    call(client.update_registered_model, MODEL, "Growers of wine.\n\n*13 measurements*")
    call(client.update_model_version, MODEL, "1", "held back")
    call(client.update_model_version, MODEL, "2", "let go: größer, 更大")
    call(client.update_model_version, MODEL, "9", "none there")
    call(client.get_model_version, MODEL, "2")


def tag(call: Calls, client: MlflowClient) -> None:
    call(client.set_registered_model_tag, MODEL, "task", "classification")
    call(client.set_registered_model_tag, MODEL, "task", "multi-class")
    call(client.set_registered_model_tag, MODEL, "old", "1")
    call(client.delete_registered_model_tag, MODEL, "old")
    call(client.delete_registered_model_tag, MODEL, "never there")
    call(client.set_model_version_tag, MODEL, "1", "validated", "yes")
    call(client.set_model_version_tag, MODEL, "2", "validated", "no")
    call(client.set_model_version_tag, MODEL, "2", "old", "1")
    call(client.delete_model_version_tag, MODEL, "2", "old")
    call(client.set_model_version_tag, MODEL, "9", "validated", "no")
    call(client.set_model_version_tag, MODEL, key="latest one", value="by stage", stage="None")
    call(client.get_registered_model, MODEL)


def stage(call: Calls, client: MlflowClient) -> None:
    call(client.get_model_version_stages, MODEL, "1")
    call(client.transition_model_version_stage, MODEL, "1", "Staging")
    call(client.transition_model_version_stage, MODEL, "1", "production")
    call(client.transition_model_version_stage, MODEL, "3", "Staging")
    call(client.transition_model_version_stage, MODEL, "2", "Staging", archive_existing_versions=True)
    call(client.get_latest_versions, MODEL)
    call(client.transition_model_version_stage, MODEL, "2", "Production", archive_existing_versions=True)
    call(client.get_latest_versions, MODEL, ["Production", "Archived"])
    call(client.get_latest_versions, MODEL, ["Canary"])
    call(client.transition_model_version_stage, MODEL, "2", "Canary")
    call(client.transition_model_version_stage, MODEL, "9", "Staging")
    call(client.transition_model_version_stage, MODEL, "4", "Archived", archive_existing_versions=True)
    call(client.transition_model_version_stage, MODEL, "4", "Archived")
    call(client.search_model_versions, f"name = '{MODEL}'")


def alias(call: Calls, client: MlflowClient) -> None:
    call(client.set_registered_model_alias, MODEL, "champion", "1")
    call(client.set_registered_model_alias, MODEL, "champion", "2")
    call(client.set_registered_model_alias, MODEL, "Challenger_B", "1")
    call(client.set_registered_model_alias, MODEL, "gone", "1")
    call(client.delete_registered_model_alias, MODEL, "gone")
    call(client.delete_registered_model_alias, MODEL, "gone")
    call(client.get_model_version_by_alias, MODEL, "champion")
    call(client.get_model_version_by_alias, MODEL, "gone")
    for bad in ("latest", "v3", "a.b", ""):
        call(client.set_registered_model_alias, MODEL, bad, "1")
    call(client.set_registered_model_alias, MODEL, "champion", "9")
    call(client.get_registered_model, MODEL)


def search(call: Calls, client: MlflowClient) -> None:
    for expression in (
        None,
        f"name = '{MODEL}'",
        "name LIKE 'Wine API%'",
        "name ILIKE '%api walk%'",
        "tags.task = 'multi-class'",
        "tag.task != 'multi-class'",
        "stage = 'x'",
        "name LIKE 'Wine API%' AND tags.team = 'cellar'",
    ):
        call(client.search_registered_models, expression)
    run = client.get_model_version(MODEL, "2").run_id
    for expression in (
        f"run_id = '{run}'",
        f"name = '{MODEL}' AND tags.validated = 'yes'",
        f"name = '{MODEL}' AND tags.validated LIKE '%e%'",
        f"name = '{MODEL}' AND run_id IN ('{run}')",
        f"source_path LIKE 'models:/%' AND name = '{MODEL}'",
        "version_number > 1",
        "name > 'a'",
    ):
        call(client.search_model_versions, expression)
    for order in (["version_number ASC"], ["version_number DESC"], ["name DESC", "version_number"], ["mood"]):
        call(client.search_model_versions, f"name = '{MODEL}'", order_by=order)
    by_three = f"name = '{MODEL}'"
    page = call(client.search_model_versions, by_three, 3, ["version_number"])

    def the_next_page() -> list[int]:
        """What a page's token looks like is a registry's own business; where it leads is not."""
        return [
            int(found.version) for found in client.search_model_versions(by_three, 3, ["version_number"], page.token)
        ]

    call(the_next_page)


def compare(call: Calls, client: MlflowClient) -> None:
    def measured(version: str) -> dict[str, float]:
        return dict(client.get_run(client.get_model_version(MODEL, version).run_id).data.metrics)

    for version in ("1", "2"):
        call(measured, version)


def load(call: Calls) -> None:
    for where in ("1", "Production", "production", "latest", "9", "Staging"):
        call(predicted, f"models:/{MODEL}/{where}")
    for name in ("champion", "gone"):
        call(predicted, f"models:/{MODEL}@{name}")
    call(probabilities, f"models:/{MODEL}@champion")
    call(signature, f"models:/{MODEL}/Production")
    call(files, f"models:/{MODEL}/2")


def predicted(uri: str) -> list[str]:
    return list(mlflow.pyfunc.load_model(uri).predict(wines().X_test.head(4)))


def probabilities(uri: str) -> Any:
    return mlflow.sklearn.load_model(uri).predict_proba(wines().X_test.head(4)).round(6).tolist()


def signature(uri: str) -> Any:
    return mlflow.models.get_model_info(uri).signature.to_dict()


def files(uri: str) -> list[str]:
    """What the folder of a model holds."""
    folder = Path(mlflow.artifacts.download_artifacts(uri))
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def roll_back(call: Calls, client: MlflowClient) -> None:
    call(client.transition_model_version_stage, MODEL, "1", "Production", archive_existing_versions=True)
    call(client.get_latest_versions, MODEL, ["Production"])
    call(client.set_registered_model_alias, MODEL, "champion", "1")
    call(predicted, f"models:/{MODEL}/Production")


def copy_and_rename(call: Calls, client: MlflowClient) -> None:
    call(client.copy_model_version, f"models:/{MODEL}/1", COPY)
    call(client.copy_model_version, f"models:/{MODEL}@champion", COPY)
    call(client.copy_model_version, MODEL, COPY)
    call(client.search_model_versions, f"name = '{COPY}'")
    call(predicted, f"models:/{COPY}/2")
    call(client.rename_registered_model, COPY, MODEL)
    call(client.rename_registered_model, MODEL, NEW_NAME)
    call(client.get_registered_model, MODEL)
    call(client.get_registered_model, NEW_NAME)
    call(predicted, f"models:/{NEW_NAME}@champion")
    call(client.rename_registered_model, NEW_NAME, MODEL)


def delete(call: Calls, client: MlflowClient) -> None:
    call(client.delete_model_version, MODEL, "4")
    call(client.delete_model_version, MODEL, "4")
    call(client.get_model_version, MODEL, "4")
    call(client.delete_model_version, MODEL, "1")  # in production, and the champion
    call(client.get_model_version_by_alias, MODEL, "champion")
    call(client.get_latest_versions, MODEL)
    call(train, MODEL, 0.1)  # numbers are not used again
    call(client.search_model_versions, f"name = '{MODEL}'")
    call(client.delete_registered_model, COPY)
    call(client.delete_registered_model, COPY)
    call(client.get_registered_model, COPY)
    call(client.search_model_versions, f"name = '{COPY}'")
    call(client.search_registered_models, "name LIKE '%api%'")
    call(client.get_registered_model, MODEL)


def walk() -> list[tuple[str, Any]]:
    """All of it, in a registry that holds neither of the two models; (call, answer) in order."""
    call, client = Calls(), MlflowClient()
    for part in (register, describe, tag, stage, alias, search, compare):
        part(call, client)
    load(call)
    for part in (roll_back, copy_and_rename, delete):
        part(call, client)
    return call.made


def main(arguments: Sequence[str] | None = None) -> None:
    asked = connect(__doc__, arguments, experiment="wine api walk")
    mlflow.set_experiment(asked.experiment)
    for called, answer in walk():
        print(called)
        print(f"    {json.dumps(answer, ensure_ascii=False)}")


if __name__ == "__main__":
    main()
