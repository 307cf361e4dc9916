"""What the programs beside it share: their arguments, the data set, and one training run.

Three growers' wines, told apart by 13 measurements (scikit-learn brings the data set; no download).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mlflow
import mlflow.sklearn
import pandas as pd
import sklearn
from mlflow.models import infer_signature
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

TARGET = "grower"
SEED = 7


@dataclass(frozen=True)
class Wines:
    """The data set, 60 % of it to train on, the rest to measure on."""

    X_train: pd.DataFrame
    X_test: pd.DataFrame
    y_train: pd.Series[str]
    y_test: pd.Series[str]


def connect(about: str | None, arguments: Sequence[str] | None, **defaults: str) -> argparse.Namespace:
    """Read the command line, and tell MLflow where runs are tracked and models registered.

    Each of `defaults` is one more option of the program. The registry's URI is all that changes from one registry to
    another: `sqlite:///mlflow.db`, `http://localhost:5000`, `modelreg:///path/to/repository`.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--tracking-uri", default="sqlite:///mlflow.db")
    parser.add_argument("--registry-uri", help="default: the tracking URI")
    for name, value in defaults.items():
        parser.add_argument(f"--{name.replace('_', '-')}", default=value, help=f"default: {value}")
    asked = parser.parse_args(arguments)
    mlflow.set_tracking_uri(asked.tracking_uri)
    mlflow.set_registry_uri(asked.registry_uri or asked.tracking_uri)
    return asked


def wines() -> Wines:
    bunch = load_wine(as_frame=True)
    grower = pd.Series(bunch.target_names[bunch.target], name=TARGET)
    return Wines(*train_test_split(bunch.data, grower, test_size=0.4, random_state=SEED, stratify=grower))


def scores(model: Any, data: Wines) -> dict[str, float]:
    """How well a fitted classifier tells the growers apart, on wines that it has not seen and on those it has."""
    predicted = model.predict(data.X_test)
    return {
        "accuracy": round(accuracy_score(data.y_test, predicted), 6),
        "f1": round(f1_score(data.y_test, predicted, average="macro"), 6),
        "train_accuracy": round(accuracy_score(data.y_train, model.predict(data.X_train)), 6),
    }


def log_data(data: Wines, rows: int | None = None) -> None:
    """Record as the active run's input what it trains on."""
    frame = data.X_train.assign(**{TARGET: data.y_train}).head(rows or len(data.X_train))
    mlflow.log_input(mlflow.data.from_pandas(frame, name="wines", targets=TARGET), context="training")


def log_model(model: Any, data: Wines, registered_as: str | None = None) -> Any:
    """Log a fitted classifier with signature and input example to the active run, and register it if given a name."""
    return mlflow.sklearn.log_model(
        model,
        name="model",
        signature=infer_signature(data.X_train, model.predict(data.X_train)),
        input_example=data.X_train.head(2),
        pip_requirements=[f"scikit-learn=={sklearn.__version__}"],
        registered_model_name=registered_as,
        # A decision tree is a class of scikit-learn's own that skops asks about.
        skops_trusted_types=["sklearn.tree._tree.Tree"],
    )


def train(registered_as: str, strength: float, rows: int | None = None) -> str:
    """One run: a logistic regression, trained on the first `rows` wines and registered; the number of the version.

    The smaller `strength` is (scikit-learn's C), the more the model is held back.
    """
    data = wines()
    with mlflow.start_run(run_name=f"strength {strength:g}"):
        mlflow.log_params({"strength": strength, "rows": rows or len(data.X_train)})
        log_data(data, rows)
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=500))
        model.fit(data.X_train.head(rows or len(data.X_train)), data.y_train.head(rows or len(data.y_train)))
        mlflow.log_metrics(scores(model, data))
        return str(log_model(model, data, registered_as).registered_model_version)
