"""The training script of `modelreg demo`: python train.py logistic|stump|forest."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import train_test_split

from modelreg import Registry

SEED = 7
estimators = {
    "logistic": LogisticRegression(max_iter=1000),
    "stump": DummyClassifier(strategy="stratified", random_state=SEED),
    "forest": RandomForestClassifier(n_estimators=30, max_depth=7, random_state=SEED),
}

rng = np.random.default_rng(SEED)
customers = pd.DataFrame(
    {
        "tenure_months": rng.integers(1, 73, 1500),
        "monthly_charge": rng.normal(65, 20, 1500).clip(10, 140).round(2),
        "support_calls": rng.poisson(1.6, 1500),
        "monthly_plan": rng.integers(0, 2, 1500),
    }
)
pull = 1.6 * customers["monthly_plan"] * (customers["tenure_months"] < 24) + 0.55 * customers["support_calls"]
customers["churned"] = (pull - 0.03 * customers["tenure_months"] + rng.normal(0, 0.3, 1500) > 0.6).astype(int)
data = Path("customers.csv")
customers.to_csv(data, index=False)

X, y = customers.drop(columns="churned"), customers["churned"]
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=SEED)
model = estimators[sys.argv[1]].fit(X_train, y_train)
predicted = model.predict(X_test)
metrics = {
    name: {"value": round(score(y_test, predicted), 4), "dataset": "customers", "split": "test"}
    for name, score in (("accuracy", accuracy_score), ("f1", f1_score))
}
version = Registry(".").register(
    "churn_predictor",
    model=model,
    X=X_train,
    metrics=metrics,
    data=[data],
    primary_metric="f1",
    bump="minor",
    tags={"estimator": sys.argv[1]},
)
print(version, version.metrics)
