"""Versions of a model side by side: a table, the best by a metric, and what two of them predict.

python examples/mlflow/model_comparison.py --registry-uri modelreg:///path/to/repository
"""

from __future__ import annotations

from collections.abc import Sequence

import mlflow
import pandas as pd
from mlflow import MlflowClient
from wine import connect, train, wines


class Comparison:
    """All versions of a model, with what their runs measured."""

    def __init__(self, model: str) -> None:
        self.model = model
        self.client = MlflowClient()

    def table(self) -> pd.DataFrame:
        """A row per version, in order: its stage, aliases, parameters and metrics."""
        held = self.client.get_registered_model(self.model).aliases  # a search does not fill in those of versions
        rows = []
        for version in self.client.search_model_versions(f"name='{self.model}'", order_by=["version_number ASC"]):
            measured = self.client.get_run(version.run_id).data
            aliases = ", ".join(sorted(alias for alias, of in held.items() if str(of) == str(version.version))) or "-"
            row = {"version": int(version.version), "stage": version.current_stage, "aliases": aliases}
            rows.append(row | dict(sorted(measured.params.items())) | dict(sorted(measured.metrics.items())))
        return pd.DataFrame(rows).set_index("version")

    def best(self, metric: str) -> int:
        """The version with the highest value; of several the first."""
        return int(self.table()[metric].idxmax())

    def difference(self, one: int, other: int) -> pd.DataFrame:
        """Metrics of two versions, and by how much the other is better."""
        table = self.table()
        numbers = table.select_dtypes("number").loc[[one, other]].T
        return numbers.assign(difference=numbers[other] - numbers[one])

    def agreement(self, one: int, other: int) -> float:
        """The share of test wines that two versions say the same of."""
        rows = wines().X_test
        said = [mlflow.pyfunc.load_model(f"models:/{self.model}/{version}").predict(rows) for version in (one, other)]
        return float((said[0] == said[1]).mean())


def main(arguments: Sequence[str] | None = None) -> None:
    asked = connect(__doc__, arguments, model="Wine Comparison", experiment="wine comparison")
    mlflow.set_experiment(asked.experiment)
    for strength in (0.0005, 0.01, 10.0):
        train(asked.model, strength)
    comparison = Comparison(asked.model)
    best = comparison.best("accuracy")
    comparison.client.set_registered_model_alias(asked.model, "best", str(best))
    print(comparison.table().to_string(float_format="%.4f"))
    print(f"best by accuracy: version {best}")
    print(comparison.difference(1, best).to_string(float_format="%.4f"))
    print(f"versions 1 and {best} agree on {comparison.agreement(1, best):.1%} of the test wines")
    by_alias = mlflow.sklearn.load_model(f"models:/{asked.model}@best")
    print("the best one's probabilities:", by_alias.predict_proba(wines().X_test.head(1)).round(4).tolist()[0])


if __name__ == "__main__":
    main()
