"""Generate the customers that the churn classifier learns from: stage `prepare` of dvc.yaml."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import yaml

HERE = Path(__file__).parent
DATA = HERE / "data" / "customers.csv"
MORE = DATA.with_name("more_customers.csv")
TARGET = "churned"


def customers(rows: int, seed: int) -> pd.DataFrame:
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
    params = yaml.safe_load((HERE / "params.yaml").read_text())["prepare"]
    DATA.parent.mkdir(exist_ok=True)
    customers(params["rows"], params["seed"]).to_csv(DATA, index=False, lineterminator="\n")
    customers(params["more_rows"], params["more_seed"]).to_csv(MORE, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
