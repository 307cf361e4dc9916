"""Train the regressor that params.yaml describes, and register it: stage `train` of dvc.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import train_test_split

from modelreg import Registry

HERE = Path(__file__).parent
DATA = HERE / "data" / "diabetes.csv"
TARGET = "progression"


def estimator(kind: str, options: dict[str, Any], seed: int) -> Any:
    """An unfitted regressor. Raises KeyError for a kind that there is not."""
    if kind == "ridge":
        return Ridge(**options)
    classes = {"forest": RandomForestRegressor, "boosting": GradientBoostingRegressor}
    return classes[kind](**options, random_state=seed)


def main() -> None:
    params = yaml.safe_load((HERE / "params.yaml").read_text())["train"]
    with Registry().training("diabetes_progression") as run:
        run.seed(params["seed"])
        frame = pd.read_csv(run.log_data(DATA))
        X, y = frame.drop(columns=TARGET), frame[TARGET]
        X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=params["seed"])
        model = estimator(params["estimator"], params["options"], params["seed"]).fit(X_train, y_train)
        run.log_model(model, X=X_train)
        predicted = model.predict(X_test)
        scores = {
            "r2": r2_score(y_test, predicted),
            "rmse": root_mean_squared_error(y_test, predicted),
            "mae": mean_absolute_error(y_test, predicted),
        }
        measured = {name: round(float(value), 6) for name, value in scores.items()}
        run.log_metrics(measured, dataset=DATA.stem, split="test", n=len(y_test))
    print(run.version, {name: round(value, 4) for name, value in run.version.metrics.items()})


if __name__ == "__main__":
    main()
