"""Train the churn classifier that params.yaml describes, and register it: stage `train` of dvc.yaml.

Commit, data, parameters, seeds, signature, environment and stage are recorded by the training block; nothing of it is
typed here. All versions are measured on the same split of customers.csv.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from prepare import DATA, HERE, MORE, TARGET
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modelreg import Registry


def estimator(kind: str, options: dict[str, Any], seed: int) -> Any:
    """An unfitted classifier. Raises KeyError for a kind that there is not."""
    if kind == "logistic":
        return make_pipeline(StandardScaler(), LogisticRegression(**options))
    classes = {"forest": RandomForestClassifier, "boosting": GradientBoostingClassifier}
    return classes[kind](**options, random_state=seed)


def main() -> None:
    params = yaml.safe_load((HERE / "params.yaml").read_text())["train"]
    with Registry().training("churn_predictor") as run:
        run.seed(params["seed"])
        frame = pd.read_csv(run.log_data(DATA))
        known, test = train_test_split(frame, test_size=0.3, random_state=params["seed"], stratify=frame[TARGET])
        more = [pd.read_csv(run.log_data(MORE))] if params["more"] else []
        train = pd.concat([known, *more], ignore_index=True)
        X_train, X_known, X_test = (part.drop(columns=TARGET) for part in (train, known, test))
        y_train, y_known, y_test = (part[TARGET] for part in (train, known, test))
        model = estimator(params["estimator"], params["options"], params["seed"]).fit(X_train, y_train)
        run.log_model(model, X=X_train)
        predicted, likely = model.predict(X_test), model.predict_proba(X_test)[:, 1]
        scores = {
            "accuracy": accuracy_score(y_test, predicted),
            "precision": precision_score(y_test, predicted),
            "recall": recall_score(y_test, predicted),
            "f1": f1_score(y_test, predicted),
            "roc_auc": roc_auc_score(y_test, likely),
        }
        run.log_metrics(_rounded(scores), dataset=Path(DATA).stem, split="test", n=len(y_test))
        learned = {"train_accuracy": accuracy_score(y_known, model.predict(X_known))}
        run.log_metrics(_rounded(learned), dataset=Path(DATA).stem, split="train", n=len(y_known))
    print(run.version, {name: round(value, 4) for name, value in run.version.metrics.items()})


def _rounded(scores: dict[str, float]) -> dict[str, float]:
    return {name: round(float(value), 6) for name, value in scores.items()}


if __name__ == "__main__":
    main()
