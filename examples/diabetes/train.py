"""Train a regressor of diabetes progression on the data set that scikit-learn ships, and register it.

python examples/diabetes/train.py ridge|forest|boosting [--registry PATH]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import train_test_split

from modelreg import Registry

SEED = 11
DATA = Path(__file__).parent / "data" / "diabetes.csv"
TARGET = "progression"
ESTIMATORS = {
    "ridge": Ridge(alpha=0.1),
    "forest": RandomForestRegressor(n_estimators=40, max_depth=5, random_state=SEED),
    "boosting": GradientBoostingRegressor(n_estimators=50, max_depth=2, learning_rate=0.1, random_state=SEED),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("estimator", choices=sorted(ESTIMATORS))
    parser.add_argument("--registry", type=Path, default=Path())
    chosen = parser.parse_args()
    bunch = load_diabetes(as_frame=True, scaled=False)
    DATA.parent.mkdir(exist_ok=True)
    bunch.frame.rename(columns={"target": TARGET}).to_csv(DATA, index=False, lineterminator="\n")
    frame = pd.read_csv(DATA)
    X, y = frame.drop(columns=TARGET), frame[TARGET]
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=SEED)
    model = ESTIMATORS[chosen.estimator].fit(X_train, y_train)
    predicted = model.predict(X_test)
    scores = {
        "r2": (r2_score(y_test, predicted), "higher"),
        "rmse": (root_mean_squared_error(y_test, predicted), "lower"),
        "mae": (mean_absolute_error(y_test, predicted), "lower"),
    }
    metrics = {
        name: {"value": round(float(value), 6), "direction": better, "dataset": "diabetes", "split": "test"}
        for name, (value, better) in scores.items()
    }
    version = Registry(chosen.registry).register(
        "diabetes_progression",
        model=model,
        X=X_train,
        metrics=metrics,
        data=[DATA],
        lock="requirements.lock" if Path("requirements.lock").exists() else None,
        entry_point="examples/diabetes/train.py",
        about={"display_name": "Diabetes progression", "description": "Disease progression one year after baseline."},
        primary_metric="rmse",
        bump="minor",
        tags={"estimator": chosen.estimator},
        description=f"{chosen.estimator} on scikit-learn's diabetes data",
    )
    print(version, {name: round(value, 4) for name, value in version.metrics.items()})


if __name__ == "__main__":
    main()
