"""Train a churn classifier on generated customers and register it.

    python examples/churn/train.py logistic|forest|boosting [--more 8000] [--registry PATH]

The data is drawn from fixed seeds and written beside this script, so that the manifest can name its digests. All
versions are measured on the same split of customers.csv; with --more further customers are learned from.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modelreg import Registry

SEED = 7
DATA = Path(__file__).parent / "data" / "customers.csv"
MORE = DATA.with_name("more_customers.csv")
TARGET = "churned"
ESTIMATORS = {
    "logistic": make_pipeline(StandardScaler(), LogisticRegression(C=0.5, max_iter=500)),
    "forest": RandomForestClassifier(n_estimators=40, max_depth=6, random_state=SEED),
    "boosting": GradientBoostingClassifier(n_estimators=60, max_depth=3, random_state=SEED),
}


def customers(rows: int = 2000, seed: int = SEED) -> pd.DataFrame:
    """Customers with a known rule behind who leaves: short tenure, monthly plans, support calls; plus noise."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "tenure_months": rng.integers(1, 73, rows),
            "monthly_charge": rng.normal(65, 20, rows).clip(10, 140).round(2),
            "support_calls": rng.poisson(1.6, rows),
            "monthly_plan": rng.integers(0, 2, rows),
        }
    )
    pull = 1.4 * frame["monthly_plan"] * (frame["tenure_months"] < 24) + 0.55 * frame["support_calls"]
    pull += 0.02 * (frame["monthly_charge"] - 65) - 0.03 * frame["tenure_months"]
    frame[TARGET] = (pull + rng.normal(0, 0.6, rows) > 0.6).astype(int)
    return frame


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("estimator", choices=sorted(ESTIMATORS))
    parser.add_argument("--more", type=int, default=0, metavar="N", help="learn from N further customers")
    parser.add_argument("--registry", type=Path, default=Path())
    chosen = parser.parse_args()
    DATA.parent.mkdir(exist_ok=True)
    customers().to_csv(DATA, index=False, lineterminator="\n")
    frame = pd.read_csv(DATA)
    known, test = train_test_split(frame, test_size=0.3, random_state=SEED, stratify=frame[TARGET])
    train = known
    if chosen.more:
        customers(chosen.more, SEED + 1).to_csv(MORE, index=False, lineterminator="\n")
        train = pd.concat([known, pd.read_csv(MORE)], ignore_index=True)
    X_train, X_known, X_test = (part.drop(columns=TARGET) for part in (train, known, test))
    y_train, y_known, y_test = (part[TARGET] for part in (train, known, test))
    model = ESTIMATORS[chosen.estimator].fit(X_train, y_train)
    predicted, likely = model.predict(X_test), model.predict_proba(X_test)[:, 1]
    scores = {
        "accuracy": accuracy_score(y_test, predicted),
        "precision": precision_score(y_test, predicted),
        "recall": recall_score(y_test, predicted),
        "f1": f1_score(y_test, predicted),
        "roc_auc": roc_auc_score(y_test, likely),
    }
    learned = accuracy_score(y_known, model.predict(X_known))
    metrics = {name: _measured(value, "test", len(y_test)) for name, value in scores.items()}
    metrics["train_accuracy"] = _measured(learned, "train", len(y_known))
    version = Registry(chosen.registry).register(
        "churn_predictor",
        model=model,
        X=X_train,
        metrics=metrics,
        data=[DATA, MORE] if chosen.more else [DATA],
        lock="requirements.lock" if Path("requirements.lock").exists() else None,
        entry_point="examples/churn/train.py",
        about={"display_name": "Churn predictor", "description": "Will a customer leave within 30 days?"},
        primary_metric="f1",
        bump="minor",
        tags={"estimator": chosen.estimator},
        description=f"{chosen.estimator} on {len(y_train)} generated customers",
    )
    print(version, {name: round(value, 4) for name, value in version.metrics.items()})


def _measured(value: float, split: str, n: int) -> dict[str, object]:
    return {"value": round(float(value), 6), "direction": "higher", "dataset": "customers", "split": split, "n": n}


if __name__ == "__main__":
    main()
