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
from modelreg.integrations.mlflow.artifacts import files_of, mlflow_format, signature_of
from modelreg.integrations.mlflow.tracking import Tracking
from modelreg.registry.pull import pull
from modelreg.registry.register import register
from modelreg.registry.request import Request, Source
from modelreg.registry.resolve import resolve
from modelreg.registry.workspace import Workspace

_logger = logging.getLogger(__name__)
_NAME = "model"
"""What the folder of a model is called in the registry."""
_COPIED = ("framework", "architecture", "signature", "params")
_OF_A_METRIC = ("value", "direction", "source_name", "split", "slice")
"""Not the data set, which is named in the lineage of the version that is copied."""


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
        sources, facts, metrics = _content(workspace, told, tracking, Path(scratch))
        run = tracking.told(told.run_id, told.logged)
        if run.params:
            facts["params"] = dict(run.params)
        lineage: dict[str, Any] = {}
        if told.copied is not None:
            parent = {"model": told.copied.model, "version": str(told.copied.version), "relation": "copied"}
            lineage["parents"] = [parent]
        if told.run_id:
            known = {"tracker": "mlflow", "id": told.run_id, "url": run.url}
            lineage["run"] = {key: value for key, value in known.items() if value}
        request = Request(
            model=model,
            sources=sources,
            metrics=run.metrics or metrics,
            facts=facts | {"source": _source(told)} | ({"lineage": lineage} if lineage else {}),
            labels=told.tags or {},
            description=told.description,
            bump="auto",
            again=True,
        )
        return register(workspace, request, push=push).version


Content = tuple[list[Source], dict[str, Any], dict[str, Any]]
"""Artifacts, and what is said of them: fields of the manifest, metrics."""


def _content(workspace: Workspace, told: Told, tracking: Tracking, scratch: Path) -> Content:
    if told.copied is not None:
        return _of_the_copied(workspace, told.copied, scratch / "copied")
    found = files_of(told.location, told.local, tracking, scratch)
    top = workspace.repository.top or workspace.repository.git_dir
    if found is not None and top.resolve().is_relative_to(found.resolve()):
        _logger.warning("%s holds the registry itself, so that only the address is recorded", found)
        found = None
    if found is None:
        return [], {}, {}
    signature = signature_of(workspace, found) if found.is_dir() else None
    return [_artifact(workspace, found)], {"signature": signature} if signature else {}, {}


def _of_the_copied(workspace: Workspace, address: Address, scratch: Path) -> Content:
    """What a version of this registry holds, its files checked: a copy says the same of itself."""
    snapshot = workspace.snapshot()
    manifest = snapshot.manifest(address.model, resolve(snapshot, address))
    facts = {key: manifest.body[key] for key in _COPIED if manifest.body.get(key)}
    metrics = {
        name: {key: value for key, value in entry.items() if key in _OF_A_METRIC}
        for name, entry in (manifest.body.get("metrics") or {}).items()
    }
    if not manifest.content:
        return [], facts, metrics
    path = pull(workspace, address, scratch).path
    details = {entry["path"]: entry.get("details") for entry in manifest.body["artifacts"]}
    sources = [Source(path / a.path, a.role, a.format, details[a.path], a.path) for a in manifest.artifacts]
    return sources, facts, metrics


def _artifact(workspace: Workspace, files: Path) -> Source:
    if files.is_dir():
        return Source(files, format=mlflow_format(workspace, files), name=_NAME)
    try:
        return Source(files, name=parse_file(files.name))
    except InvalidError:
        return Source(files, name=_NAME)


def _source(told: Told) -> dict[str, Any]:
    """`source` of the manifest."""
    found: dict[str, Any] = {"uri": without_password(told.source), "tool": "mlflow", "model": told.name}
    if told.location != told.source:
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
