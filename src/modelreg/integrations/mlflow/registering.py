"""`create_model_version`: what MLflow tells of a version, and what can be found of its files and its run."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from mlflow.entities import LoggedModel

from modelreg.domain.address import Address
from modelreg.domain.names import ModelName, parse_file
from modelreg.domain.version import Version
from modelreg.errors import InvalidError
from modelreg.integrations.mlflow.artifacts import files_of, is_mlflow_model, signature_of
from modelreg.integrations.mlflow.tracking import Tracking
from modelreg.registry.pull import pull
from modelreg.registry.register import register
from modelreg.registry.request import Request, Source
from modelreg.registry.workspace import Workspace

_logger = logging.getLogger(__name__)
_NAME = "model"
"""What the folder of a model is called in the registry."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is known when the version is to be registered. `location` is where `source` leads to, `copied` the version
    of this registry that it names; `logged` is the model of the tracking store."""

    name: str
    source: str
    location: str
    run_id: str | None = None
    run_link: str | None = None
    description: str | None = None
    tags: Mapping[str, str] | None = None
    local: str | None = None
    model_id: str | None = None
    logged: LoggedModel | None = None
    copied: Address | None = None


def registered(workspace: Workspace, model: ModelName, told: Told, tracking: Tracking, *, push: bool) -> Version:
    """Register it: its files, where they can be had, with what the run measured; else its address alone."""
    with tempfile.TemporaryDirectory(prefix="modelreg-") as scratch:
        files = _files(workspace, told, tracking, Path(scratch))
        run = tracking.told(told.run_id, told.logged)
        facts: dict[str, Any] = {"source": _source(told)}
        if run.params:
            facts["params"] = dict(run.params)
        if told.run_id:
            lineage = {"tracker": "mlflow", "id": told.run_id, "url": run.url}
            facts["lineage"] = {"run": {key: value for key, value in lineage.items() if value}}
        if files is not None and files.is_dir() and (signature := signature_of(workspace, files)):
            facts["signature"] = signature
        request = Request(
            model=model,
            sources=[] if files is None else [_artifact(files)],
            metrics=run.metrics,
            facts=facts,
            labels=told.tags or {},
            description=told.description or None,
            bump="auto",
            again=True,
        )
        return register(workspace, request, push=push).version


def _files(workspace: Workspace, told: Told, tracking: Tracking, scratch: Path) -> Path | None:
    if told.copied is not None:
        return pull(workspace, told.copied, scratch / "copied").path / _NAME
    found = files_of(told.location, told.local, tracking, scratch)
    top = workspace.repository.top or workspace.repository.git_dir
    if found is not None and top.resolve().is_relative_to(found.resolve()):
        _logger.warning("%s holds the registry itself, so that only the address is recorded", found)
        return None
    return found


def _artifact(files: Path) -> Source:
    if files.is_dir():
        return Source(files, format="mlflow" if is_mlflow_model(files) else None, name=_NAME)
    try:
        return Source(files, name=parse_file(files.name))
    except InvalidError:
        return Source(files, name=_NAME)


def _source(told: Told) -> dict[str, Any]:
    """`source` of the manifest."""
    found: dict[str, Any] = {"uri": without_password(told.source), "tool": "mlflow", "model": told.name}
    if told.location != told.source and told.copied is None:
        found["location"] = without_password(told.location)
    model_id = told.model_id or (told.logged.model_id if told.logged is not None else None)
    if model_id:
        found["model_id"] = model_id
    if told.run_link:
        found["run_link"] = without_password(told.run_link)
    return found


def without_password(uri: str) -> str:
    """The address as it may stand in a repository: without the password, if it has one."""
    try:
        parsed = urlparse(uri)
    except ValueError:
        return uri
    if parsed.password is None:
        return uri
    user, _, host = parsed.netloc.rpartition("@")
    return parsed._replace(netloc=f"{user.partition(':')[0]}@{host}").geturl()
