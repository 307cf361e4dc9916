"""Move versions of a model through its life: promote, demote, archive, roll back; by stages and by aliases.

python examples/mlflow/lifecycle_manager.py --registry-uri modelreg:///path/to/repository
"""

from __future__ import annotations

from collections.abc import Sequence

import mlflow
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from wine import connect, train

STAGES = ("None", "Staging", "Production")
"""The way up; `Archived` is beside it."""


class LifecycleManager:
    """The life of one registered model. What happened is kept in its tags: MLflow itself has no history of stages."""

    def __init__(self, model: str) -> None:
        self.model = model
        self.client = MlflowClient()

    def stage(self, version: str) -> str:
        return str(self.client.get_model_version(self.model, version).current_stage)

    def holder(self, stage: str) -> str | None:
        """The newest version in a stage, or None."""
        found = self.client.get_latest_versions(self.model, stages=[stage])
        return str(found[0].version) if found else None

    def promote(self, version: str, reason: str) -> str:
        """One stage up; in production there is one version only, the one before is archived. The new stage.

        Raises ValueError where there is nothing above.
        """
        now = self.stage(version)
        if now not in STAGES[:-1]:
            raise ValueError(f"version {version} is in {now}: there is no stage above")
        target = STAGES[STAGES.index(now) + 1]
        self._move(version, target, reason, alone=target == "Production")
        return target

    def demote(self, version: str, reason: str) -> str:
        """One stage down; the new stage. Raises ValueError where there is nothing below."""
        now = self.stage(version)
        if now not in STAGES[1:]:
            raise ValueError(f"version {version} is in {now}: there is no stage below")
        target = STAGES[STAGES.index(now) - 1]
        self._move(version, target, reason)
        return target

    def archive(self, version: str, reason: str) -> None:
        self._move(version, "Archived", reason)

    def rollback(self, reason: str) -> str:
        """Back to the version that was in production before the present one; its number.

        Raises LookupError where none was.
        """
        present = self.holder("Production")
        served = [version for version, stage in self._moves() if stage == "Production"]
        before = [version for version in served if version != present]
        if not before:
            raise LookupError("nothing was in production before")
        self._move(before[-1], "Production", reason, alone=True)
        return before[-1]

    def crown(self, version: str) -> None:
        """Make a version the champion; the challenger's name goes if it was this one's."""
        self.client.set_registered_model_alias(self.model, "champion", version)
        if self.challenger() == version:
            self.client.delete_registered_model_alias(self.model, "challenger")

    def challenge(self, version: str) -> None:
        self.client.set_registered_model_alias(self.model, "challenger", version)

    def champion(self) -> ModelVersion:
        return self.client.get_model_version_by_alias(self.model, "champion")

    def challenger(self) -> str | None:
        held = self.client.get_registered_model(self.model).aliases.get("challenger")
        return None if held is None else str(held)

    def history(self) -> list[str]:
        """What happened, oldest first: `1: None -> Staging (first candidate)`."""
        tags = self.client.get_registered_model(self.model).tags
        return [tags[key] for key in sorted(tags) if key.startswith("history.")]

    def _moves(self) -> list[tuple[str, str]]:
        """(version, stage entered), oldest first."""
        parts = [entry.split(" (")[0].replace(": ", " -> ").split(" -> ") for entry in self.history()]
        return [(version, entered) for version, _, entered in parts]

    def _move(self, version: str, stage: str, reason: str, alone: bool = False) -> None:
        before = self.stage(version)
        self.client.transition_model_version_stage(self.model, version, stage, archive_existing_versions=alone)
        entry = f"{version}: {before} -> {stage} ({reason})"
        self.client.set_registered_model_tag(self.model, f"history.{len(self.history()) + 1:04}", entry)


def tour(manager: LifecycleManager) -> None:
    """A life of three versions."""
    first, second, third = (train(manager.model, strength) for strength in (0.001, 0.01, 1.0))
    for version, reason in ((first, "the first candidate"), (second, "held back less")):
        manager.promote(version, reason)
        manager.promote(version, "tested for a week")
    print("in production:", manager.holder("Production"), "| the one before:", manager.stage(first))
    print(
        "rolled back to:", manager.rollback("complaints from the cellar"), "|", second, "is now", manager.stage(second)
    )
    manager.crown(first)
    manager.promote(third, "all measurements weigh")
    manager.challenge(third)
    print("champion:", manager.champion().version, "| challenger:", manager.challenger())
    manager.promote(third, "won against the champion")
    manager.crown(third)
    print("champion:", manager.champion().version, "| challenger:", manager.challenger())
    manager.demote(third, "an audit")
    manager.archive(third, "did not pass the audit")
    for step in (manager.promote, manager.demote):
        try:
            step(third, "once more")
        except ValueError as refused:
            print("refused:", refused)


def main(arguments: Sequence[str] | None = None) -> None:
    asked = connect(__doc__, arguments, model="wine-lifecycle", experiment="wine lifecycle")
    mlflow.set_experiment(asked.experiment)
    manager = LifecycleManager(asked.model)
    tour(manager)
    print("\n".join(manager.history()))


if __name__ == "__main__":
    main()
