"""Train several classifiers, and register the best of them with what a colleague needs to know.

python examples/mlflow/training_pipeline.py --registry-uri modelreg:///path/to/repository
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mlflow
from mlflow import MlflowClient
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from wine import SEED, Wines, connect, log_data, log_model, scores, wines


def candidates() -> dict[str, Any]:
    return {
        "logistic": make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)),
        "forest": RandomForestClassifier(n_estimators=20, random_state=SEED),
        "boosting": GradientBoostingClassifier(n_estimators=10, random_state=SEED),
    }


def best_by_cross_validation(data: Wines) -> str:
    """A nested run for each candidate; the name of the one with the best mean accuracy."""
    found = {}
    for name, model in candidates().items():
        with mlflow.start_run(run_name=name, nested=True):
            mlflow.log_params({"estimator": name, "folds": 3})
            measured = cross_val_score(model, data.X_train, data.y_train, cv=3)
            found[name] = round(float(measured.mean()), 6)
            mlflow.log_metrics({"cv_accuracy": found[name], "cv_spread": round(float(measured.std()), 6)})
    return max(found, key=lambda name: found[name])


def describe(client: MlflowClient, model: str, version: str, estimator: str) -> None:
    """Say in the registry what the model is for, and what is special about this version."""
    client.update_registered_model(model, "Tells the growers of a wine by 13 measurements of it.")
    client.set_registered_model_tag(model, "task", "classification")
    client.set_registered_model_tag(model, "team", "Wine & Spirits")
    client.update_model_version(model, version, f"{estimator}, the best of {len(candidates())} in cross validation")
    client.set_model_version_tag(model, version, "estimator", estimator)
    client.set_model_version_tag(model, version, "validated", "no")


def run(model: str, experiment: str) -> str:
    """The whole pipeline; the number of the version that it registered."""
    mlflow.set_experiment(experiment)
    data = wines()
    with mlflow.start_run(run_name="pipeline"):
        log_data(data)
        chosen = best_by_cross_validation(data)
        fitted = candidates()[chosen].fit(data.X_train, data.y_train)
        mlflow.log_param("estimator", chosen)
        mlflow.log_metrics(scores(fitted, data))
        logged = log_model(fitted, data, registered_as=model)
    version = str(logged.registered_model_version)
    describe(MlflowClient(), model, version, chosen)
    return version


def main(arguments: Sequence[str] | None = None) -> None:
    asked = connect(__doc__, arguments, model="Wine Classifier", experiment="wine training")
    version = run(asked.model, asked.experiment)
    registered = MlflowClient().get_model_version(asked.model, version)
    print(f"{registered.name}, version {registered.version}: {registered.description}")
    loaded = mlflow.pyfunc.load_model(f"models:/{asked.model}/{version}")
    print("its first predictions:", ", ".join(map(str, loaded.predict(wines().X_test.head(5)))))


if __name__ == "__main__":
    main()
