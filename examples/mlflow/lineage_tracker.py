"""From a model version to the run, data and code that made it; and back, to all versions of a run or a data set.

python examples/mlflow/lineage_tracker.py --registry-uri modelreg:///path/to/repository
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mlflow
from mlflow import MlflowClient
from wine import connect, train


@dataclass(frozen=True)
class Lineage:
    """What one version was made of."""

    model: str
    version: str
    run_id: str
    run_name: str
    source: str
    code: str
    commit: str | None
    params: dict[str, str]
    metrics: dict[str, float]
    data: list[tuple[str, str, str]]
    """(name, digest, context) of each data set that the run read."""


class LineageTracker:
    """Questions about where versions come from, asked of registry and tracking together."""

    def __init__(self) -> None:
        self.client = MlflowClient()

    def of(self, model: str, version: str) -> Lineage:
        """Upstream of a version."""
        registered = self.client.get_model_version(model, version)
        run = self.client.get_run(registered.run_id)
        read = [
            (used.dataset.name, used.dataset.digest, next((tag.value for tag in used.tags), ""))
            for used in run.inputs.dataset_inputs
        ]
        return Lineage(
            model,
            str(registered.version),
            registered.run_id,
            run.info.run_name,
            registered.source,
            run.data.tags.get("mlflow.source.name", ""),
            run.data.tags.get("mlflow.source.git.commit"),
            dict(run.data.params),
            dict(run.data.metrics),
            sorted(read),
        )

    def of_run(self, run_id: str) -> list[str]:
        """The versions that came out of a run, as `MODEL VERSION`."""
        return self._named(f"run_id = '{run_id}'")

    def of_data(self, experiment: str, digest: str) -> list[str]:
        """The versions whose runs, in one experiment, read the data set with this digest."""
        found = self.client.get_experiment_by_name(experiment)
        if found is None:
            return []
        runs = self.client.search_runs([found.experiment_id], f"dataset.digest = '{digest}'")
        if not runs:
            return []
        return self._named("run_id IN ({})".format(", ".join(f"'{run.info.run_id}'" for run in runs)))

    def _named(self, expression: str) -> list[str]:
        return sorted(f"{found.name} {found.version}" for found in self.client.search_model_versions(expression))


def told(lineage: Lineage) -> str:
    lines = [f"{lineage.model} {lineage.version}"]
    lines.append(f"├── run {lineage.run_name}")
    lines += [f"├── data {name} ({context}), digest {digest}" for name, digest, context in lineage.data]
    lines += [f"├── {name} = {value}" for name, value in sorted(lineage.params.items())]
    lines += [f"├── {name}: {value:g}" for name, value in sorted(lineage.metrics.items())]
    lines.append(f"└── code {lineage.code}" + (f" at {lineage.commit[:12]}" if lineage.commit else ""))
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    asked = connect(__doc__, arguments, model="wine_lineage", experiment="wine lineage")
    mlflow.set_experiment(asked.experiment)
    versions = [train(asked.model, strength, rows) for strength, rows in ((1.0, 50), (0.1, None), (1.0, None))]
    tracker = LineageTracker()
    # The same run may be registered under another name as well.
    whole = tracker.of(asked.model, versions[-1])
    mlflow.register_model(whole.source, f"{asked.model}_copy")
    for version in versions:
        print(told(tracker.of(asked.model, version)))
    print("of the last run:", ", ".join(tracker.of_run(whole.run_id)))
    for digest in sorted({digest for version in versions for _, digest, _ in tracker.of(asked.model, version).data}):
        print(f"of data {digest}:", ", ".join(tracker.of_data(asked.experiment, digest)))


if __name__ == "__main__":
    main()
