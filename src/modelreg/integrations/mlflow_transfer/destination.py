"""MLflow's registry as it is written: each thing made once, found again by its tag, and made whole where it is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from modelreg.domain.foreign.addresses import is_local
from modelreg.domain.foreign.entities import OURS, ForeignData, ForeignModel, ForeignRun, ForeignVersion, Upload
from modelreg.domain.foreign.facts import PARENT_TAG
from modelreg.domain.foreign.outward import LONGEST_PARAM, RUN_TAG
from modelreg.errors import DeniedError, NotFoundError, UsageError
from modelreg.integrations.mlflow_transfer.connection import Connection, is_database, local_path, required
from modelreg.integrations.mlflow_transfer.origin import below, quoted, search_versions, version_of

_BATCH = 100
"""MLflow takes so many parameters and tags at once (utils/validation.py, MAX_PARAMS_TAGS_PER_BATCH)."""
_FINISHED = "FINISHED"
_STUB_TAG = f"{OURS}stub"
"""A run of which nothing is known but that others were nested in it."""


@dataclass(frozen=True, slots=True)
class MlflowDestination:
    """Implements `Destination`. `artifacts` is where the files of new experiments go; None: where the server says."""

    connection: Connection
    artifacts: str | None = None
    _experiments: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.connection.name

    @property
    def _client(self) -> Any:
        return self.connection.client

    # --- models

    def model(self, name: str) -> ForeignModel | None:
        try:
            with self.connection.guarded(f"cannot read the model {name}"):
                found = self._client.get_registered_model(name)
        except NotFoundError:
            return None
        aliases = {alias: int(number) for alias, number in found.aliases.items()}
        return ForeignModel(found.name, found.description or "", dict(found.tags), aliases)

    def versions(self, model: str) -> Iterator[ForeignVersion]:
        return map(version_of, search_versions(self.connection, model))

    def create_model(self, model: ForeignModel) -> None:
        with self.connection.guarded(f"cannot create the model {model.name}"):
            self._client.create_registered_model(model.name, dict(model.tags), model.description or None)

    def describe_model(self, name: str, description: str, tags: Mapping[str, str], removed: Sequence[str]) -> None:
        with self.connection.guarded(f"cannot describe the model {name}"):
            self._client.update_registered_model(name, description)
            for key, value in tags.items():
                self._client.set_registered_model_tag(name, key, value)
            for key in removed:
                self._client.delete_registered_model_tag(name, key)

    # --- runs

    def run(self, mark: str, run: ForeignRun) -> str:
        with self.connection.guarded(f"cannot write the run {run.name}"):
            experiment = self._experiment(run.experiment)
            found = self._found(experiment, mark)
            if found is not None and found.info.status == _FINISHED and _STUB_TAG not in found.data.tags:
                return str(found.info.run_id)
            tags = dict(run.tags)
            if run.parent:
                tags[PARENT_TAG] = self._parent(experiment, f"{mark.partition('/')[0]}/{run.parent}", run.parent)
            if found is None:
                found = self._client.create_run(experiment, tags={RUN_TAG: mark}, run_name=run.name or None)
            self._fill(found, run, tags)
        return str(found.info.run_id)

    def _found(self, experiment: str, mark: str) -> Any:
        page = self._client.search_runs([experiment], f"tags.`{RUN_TAG}` = {quoted(mark)}", max_results=1)
        return next(iter(page), None)

    def _fill(self, found: Any, run: ForeignRun, tags: Mapping[str, str]) -> None:
        """All that a run holds, then that it is complete: what was written before is written again as it was."""
        entities, id_ = required("mlflow.entities", "the extra mlflow"), found.info.run_id
        metrics = [entities.Metric(key, value, found.info.start_time, 0) for key, value in run.metrics.items()]
        params = [entities.Param(key, value) for key, value in run.params.items() if len(value) <= LONGEST_PARAM]
        kept = [entities.RunTag(key, value) for key, value in tags.items()]
        for start in range(0, max(map(len, (metrics, params, kept))), _BATCH):
            part = slice(start, start + _BATCH)
            self._client.log_batch(id_, metrics=metrics[part], params=params[part], tags=kept[part])
        if run.data:
            self._client.log_inputs(id_, datasets=[_input(entities, data) for data in run.data])
        if run.name and found.info.run_name != run.name:
            self._client.update_run(id_, name=run.name)
        if _STUB_TAG in found.data.tags:
            self._client.delete_tag(id_, _STUB_TAG)
        self._client.set_terminated(id_, _FINISHED)

    def _parent(self, experiment: str, mark: str, name: str) -> str:
        found = self._found(experiment, mark)
        if found is None:
            found = self._client.create_run(experiment, tags={RUN_TAG: mark, _STUB_TAG: "true"}, run_name=name)
            self._client.set_terminated(found.info.run_id, _FINISHED)
        return str(found.info.run_id)

    def _experiment(self, name: str) -> str:
        if name not in self._experiments:
            found = self._client.get_experiment_by_name(name)
            if found is not None and found.lifecycle_stage != "active":
                raise DeniedError(f"the experiment {name} was deleted there: restore it, or delete it for good")
            if found is None:
                self._experiments[name] = self._client.create_experiment(name, self.artifacts)
            else:
                self._experiments[name] = found.experiment_id
        return self._experiments[name]

    # --- versions

    def create_version(self, version: ForeignVersion, upload: Upload | None) -> int:
        """A server takes an artifact of a run only with the run's name: a version that none made is registered so where
        it must be."""
        what = f"cannot create a version of {version.model}"
        source, run = version.source, version.run
        if upload is not None:
            with self.connection.guarded("cannot upload files"):
                root = self._client.get_run(upload.run).info.artifact_uri
                self._client.log_artifacts(upload.run, str(upload.folder), upload.below)
            source = below(root, f"{upload.below}/{upload.entry}")
        try:
            return self._created(what, version, source, run)
        except DeniedError:
            if upload is None or run is not None:
                raise
            return self._created(what, version, source, upload.run)

    def _created(self, what: str, version: ForeignVersion, source: str, run: str | None) -> int:
        with self.connection.guarded(what):
            made = self._client.create_model_version(
                version.model,
                source,
                run,
                tags=dict(version.tags),
                description=version.description or None,
                await_creation_for=0,
            )
        return int(made.version)

    def describe_version(
        self, model: str, number: int, description: str, tags: Mapping[str, str], removed: Sequence[str]
    ) -> None:
        version = str(number)
        with self.connection.guarded(f"cannot describe {model} {number}"):
            self._client.update_model_version(model, version, description)
            for key, value in tags.items():
                self._client.set_model_version_tag(model, version, key, value)
            for key in removed:
                self._client.delete_model_version_tag(model, version, key)

    def move(self, model: str, number: int, stage: str) -> None:
        with self.connection.guarded(f"cannot move {model} {number} to {stage}"):
            self._client.transition_model_version_stage(model, str(number), stage)

    def point(self, model: str, alias: str, number: int | None) -> None:
        with self.connection.guarded(f"cannot change the alias {alias} of {model}"):
            if number is None:
                self._client.delete_registered_model_alias(model, alias)
            else:
                self._client.set_registered_model_alias(model, alias, str(number))


def artifacts_beside(tracking_uri: str, wanted: str | None) -> str | None:
    """Where files go of a destination without a server: MLflow would put them below the working folder, which is a
    registry's as a rule. Beside an SQLite file there is a folder for them; a database elsewhere has none.

    Raises UsageError.
    """
    if wanted is not None or not is_database(tracking_uri):
        return wanted
    if not is_local(tracking_uri):
        hint = "--artifact-location s3://bucket/mlflow, or name a server that has one: --tracking-uri https://…"
        raise UsageError("a database keeps no files", hint=hint)
    return str(local_path(tracking_uri).absolute().parent / "mlartifacts")


def _input(entities: Any, data: ForeignData) -> Any:
    dataset = entities.Dataset(
        data.name, data.digest, data.source_type, data.source, data.schema or None, data.profile or None
    )
    tags = [entities.InputTag("mlflow.data.context", data.context)] if data.context else []
    return entities.DatasetInput(dataset, tags)
