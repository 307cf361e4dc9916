"""What MLflow's tracking store knows of a run and of a logged model, where there is such a store."""

from __future__ import annotations

import logging
import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from mlflow import get_tracking_uri
from mlflow.entities import LoggedModel
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST
from mlflow.tracking import MlflowClient
from mlflow.utils.file_utils import local_file_uri_to_path
from mlflow.utils.uri import get_uri_scheme

from modelreg.domain.names import is_metric

_logger = logging.getLogger(__name__)
_MOST = 1000
"""So many metrics, and so many parameters, are recorded; a manifest is a document to read."""
SERVED_STORE = "_MLFLOW_SERVER_FILE_STORE"
"""The variable in which MLflow's server keeps the URI of its tracking store (`mlflow.server.constants`, which takes a
second to import)."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is recorded of a run: metrics as the manifest has them, parameters, and where the run can be looked at."""

    metrics: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    url: str | None = None


class Tracking:
    """The tracking store at `uri`; None: whichever MLflow uses at the time."""

    def __init__(self, uri: str | None) -> None:
        self._uri = uri

    @property
    def uri(self) -> str:
        """In MLflow's server the store that it serves: MLflow itself is told of it at the first request for a run."""
        return self._uri or os.environ.get(SERVED_STORE) or str(get_tracking_uri())

    @property
    def present(self) -> bool:
        """False for a local store that is not there: to ask it would make it, in whatever folder we are in."""
        scheme = get_uri_scheme(self.uri)
        if scheme == "sqlite":
            path = unquote(urlparse(self.uri).path)[1:]
            return not path or Path(path).exists()
        if scheme in ("", "file"):
            return Path(local_file_uri_to_path(self.uri)).is_dir()
        return True

    def client(self) -> MlflowClient:
        return MlflowClient(tracking_uri=self.uri)

    def logged_model(self, model_id: str) -> LoggedModel:
        """Raises MlflowException where there is none."""
        if not self.present:
            raise MlflowException(f"Logged model with ID '{model_id}' not found.", RESOURCE_DOES_NOT_EXIST)
        return self.client().get_logged_model(model_id)

    def told(self, run_id: str | None, model: LoggedModel | None) -> Told:
        """What the store says of the run and of the model that it logged; nothing where it cannot be asked."""
        metrics: list[tuple[str, float]] = []
        params: dict[str, Any] = {}
        url = None
        if run_id and self.present:
            try:
                run = self.client().get_run(run_id)
            except Exception as error:  # noqa: BLE001 - MLflow takes any text for a run's id, and stores fail in many ways
                _logger.debug("The run %s is not recorded: %s", run_id, error)
            else:
                metrics += list(run.data.metrics.items())
                params |= run.data.params
                url = self._url(run.info.experiment_id, run_id)
        if model is not None:
            metrics += [(metric.key, metric.value) for metric in model.metrics or ()]
            params |= model.params or {}
        return Told(recorded_metrics(metrics), dict(list(params.items())[:_MOST]), url)

    def _url(self, experiment: str, run_id: str) -> str | None:
        if get_uri_scheme(self.uri) not in ("http", "https"):
            return None
        parsed = urlparse(self.uri)
        place = parsed._replace(netloc=parsed.netloc.rpartition("@")[2]).geturl().rstrip("/")  # no credentials
        return f"{place}/#/experiments/{experiment}/runs/{run_id}"


def recorded_metrics(metrics: Iterable[tuple[str, float]]) -> dict[str, dict[str, Any]]:
    """Metrics under names of the registry's grammar, each with the name that it had (`source_name`) where that is
    another one; of several with one name the last. What is no finite number is not recorded."""
    last = {name: value for name, value in metrics if math.isfinite(value)}
    found: dict[str, dict[str, Any]] = {}
    for source_name, value in list(last.items())[:_MOST]:
        name = _metric_name(source_name, found)
        found[name] = {"value": value} if name == source_name else {"value": value, "source_name": source_name}
    return found


def _metric_name(source_name: str, taken: Mapping[str, Any]) -> str:
    """`val/F1-Score` gives val_f1_score; what has no letter in front gets one, what is taken a number behind."""
    stem = re.sub(r"[^a-z0-9]+", "_", source_name.lower()).strip("_")[:100]
    stem = stem if is_metric(stem) else f"m_{stem}".rstrip("_")
    name, number = stem, 2
    while name in taken:
        name, number = f"{stem}_{number}", number + 1
    return name
