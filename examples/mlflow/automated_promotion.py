"""Promote the newest version of a model if it meets the criteria, and say why if it does not.

python examples/mlflow/automated_promotion.py --registry-uri modelreg:///path/to/repository
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import mlflow
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from wine import connect, train


@dataclass(frozen=True)
class Criteria:
    """What a version must show before it serves."""

    floors: dict[str, float]
    """The least that is asked of a metric, whoever serves now."""
    metric: str
    """The metric in which the version in production must be beaten."""
    improvement: float = 0.0
    """By how much, in the metric's own unit."""
    overfitting: float = 1.0
    """How much better the accuracy may be on what was trained on."""


@dataclass
class Decision:
    """What became of a candidate."""

    version: str
    promoted: bool
    reasons: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"version {self.version} {'promoted' if self.promoted else 'refused'}: {'; '.join(self.reasons)}"


class Promoter:
    """Promotes to a stage what meets the criteria."""

    def __init__(self, model: str, criteria: Criteria, stage: str = "Production") -> None:
        self.model, self.criteria, self.stage = model, criteria, stage
        self.client = MlflowClient()

    def metrics(self, version: ModelVersion) -> dict[str, float]:
        """What the run of a version measured."""
        return dict(self.client.get_run(version.run_id).data.metrics)

    def newest(self) -> ModelVersion:
        found = self.client.search_model_versions(f"name = '{self.model}'", order_by=["version_number DESC"])
        return found[0]

    def present(self) -> ModelVersion | None:
        """The version that holds the stage."""
        found = self.client.get_latest_versions(self.model, stages=[self.stage])
        return found[0] if found else None

    def objections(self, candidate: ModelVersion) -> list[str]:
        """All that speaks against a candidate; nothing measured is an objection too."""
        measured, asked = self.metrics(candidate), self.criteria
        found = [
            f"{name} is {measured.get(name, float('nan')):.4f}, at least {floor:g} is asked"
            for name, floor in asked.floors.items()
            if not measured.get(name, float("nan")) >= floor
        ]
        gap = measured["train_accuracy"] - measured["accuracy"]
        if gap > asked.overfitting:
            found.append(f"accuracy is {gap:.4f} better on the training data")
        present = self.present()
        if present is None:
            return found
        gain = measured[asked.metric] - self.metrics(present)[asked.metric]
        if gain < asked.improvement:
            found.append(f"{asked.metric} is {gain:+.4f} against version {present.version} in {self.stage}")
        return found

    def decide(self, candidate: ModelVersion) -> Decision:
        """Promote the candidate or refuse it, and write the outcome on it."""
        decision = Decision(candidate.version, promoted=False, reasons=self.objections(candidate))
        if not decision.reasons:
            decision = self._promote(candidate)
        self.client.set_model_version_tag(self.model, candidate.version, "promotion", str(decision)[:500])
        return decision

    def _promote(self, candidate: ModelVersion) -> Decision:
        before = self.present()
        try:
            self.client.transition_model_version_stage(
                self.model, candidate.version, self.stage, archive_existing_versions=True
            )
        except MlflowException as refused:  # a registry may have rules of its own
            return Decision(candidate.version, promoted=False, reasons=[str(refused)])
        self.client.set_registered_model_alias(self.model, "champion", candidate.version)
        instead = "the first one" if before is None else f"instead of version {before.version}"
        return Decision(candidate.version, promoted=True, reasons=[f"all criteria met, {instead}"])


def main(arguments: Sequence[str] | None = None) -> None:
    asked = connect(__doc__, arguments, model="wine.promotion", experiment="wine promotion")
    mlflow.set_experiment(asked.experiment)
    criteria = Criteria({"accuracy": 0.9, "f1": 0.9}, metric="f1", improvement=0.005, overfitting=0.1)
    promoter = Promoter(asked.model, criteria)
    for strength, rows in ((0.0005, None), (0.003, None), (0.02, 40), (0.01, None)):
        train(asked.model, strength, rows)
        print(promoter.decide(promoter.newest()))
    present = promoter.present()
    print("in production:", "nothing" if present is None else f"version {present.version}")


if __name__ == "__main__":
    main()
