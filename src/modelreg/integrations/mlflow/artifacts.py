"""Files of a version: from where MLflow says that they are into the registry, and out of it again, checked."""

from __future__ import annotations

import json
import logging
import os
import shutil
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from mlflow.models.model import MLMODEL_FILE_NAME
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.artifact.runs_artifact_repo import RunsArtifactRepository
from mlflow.utils.file_utils import local_file_uri_to_path
from mlflow.utils.uri import append_to_uri_path, get_uri_scheme

from modelreg.domain.address import Address
from modelreg.domain.foreign.mlmodel_format import folder_format
from modelreg.domain.manifest import Manifest
from modelreg.errors import ModelregError
from modelreg.integrations.mlflow.tracking import Tracking
from modelreg.registry.pull import pull
from modelreg.registry.workspace import Workspace

_logger = logging.getLogger(__name__)

_FETCHED = frozenset({"mlflow-artifacts", "s3", "r2", "b2", "gs", "wasbs", "abfss", "dbfs", "hdfs", "viewfs"})
"""Stores that files are fetched from. Not http, https and (s)ftp: a server would ask any host that a client names."""
SERVED_ARTIFACTS = "_MLFLOW_SERVER_ARTIFACT_DESTINATION"
"""The variable in which MLflow's server keeps where the artifacts are that it serves (`mlflow.server.constants`)."""
META_FILE = "registered_model_meta"
"""MLflow writes it into a model's folder when it is loaded by its registered name; it is no part of the model."""


def files_of(location: str, local: str | None, tracking: Tracking, folder: Path) -> Path | None:
    """The model's files, on this machine: where they are, or fetched into `folder`; None where there are none.

    MLflow takes any text for a source, so that what cannot be had is no error: it is logged, and the version stands
    with its source alone.
    """
    if local is not None and Path(local).exists():
        return Path(local)
    if not location:  # as a path it would be the working folder
        return None
    scheme = get_uri_scheme(location)
    if scheme in ("", "file"):
        path = Path(local_file_uri_to_path(location))
        return path if _holds_something(path) else None
    try:
        if scheme == "mlflow-artifacts" and (served := os.environ.get(SERVED_ARTIFACTS)):
            return files_of(_behind_the_server(location, served), None, tracking, folder)
        if scheme in ("runs", "mlflow-artifacts") and not tracking.present:
            return None
        if scheme == "runs":
            below = RunsArtifactRepository.get_underlying_uri(location, tracking.uri)
            return files_of(below, None, tracking, folder)
        if scheme not in _FETCHED:
            return None
        fetched = Path(get_artifact_repository(location, tracking_uri=tracking.uri).download_artifacts("", str(folder)))
    except Exception as error:  # noqa: BLE001 - every artifact store has errors of its own
        _logger.warning("The files at %s cannot be had, so that only the address is recorded: %s", location, error)
        return None
    return fetched if _holds_something(fetched) else None


def _behind_the_server(location: str, served: str) -> str:
    """Where a server keeps what it serves as `mlflow-artifacts:/…`: it cannot ask itself while it answers a request.

    Raises ValueError for an address of another server, which a client could name to have it asked, and for a way out
    of what is served.
    """
    parsed = urlparse(location)
    path = unquote(parsed.path)
    if parsed.netloc or "\0" in path or ".." in path.split("/"):
        raise ValueError("it is no address of this server's artifacts")
    return str(append_to_uri_path(served, path.lstrip("/")))


def _holds_something(path: Path) -> bool:
    return path.is_file() or (path.is_dir() and any(path.iterdir()))


def mlflow_format(workspace: Workspace, folder: Path) -> str | None:
    """The format of a folder that holds an MLmodel file (see `folder_format`); None for one without."""
    if not (folder / MLMODEL_FILE_NAME).is_file():
        return None
    files = [
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()
    ]
    try:
        told = workspace.documents.load((folder / MLMODEL_FILE_NAME).read_bytes(), MLMODEL_FILE_NAME).value
    except (ModelregError, OSError):
        told = None
    return folder_format(told if isinstance(told, Mapping) else {}, files)


def signature_of(workspace: Workspace, path: Path) -> dict[str, Any] | None:
    """The signature that an MLmodel file tells, as the manifest has it; None where it tells none that can be read.

    MLmodel is read as data, by the door that every document passes; nothing of the model is loaded.
    """
    try:
        told = workspace.documents.load((path / MLMODEL_FILE_NAME).read_bytes(), MLMODEL_FILE_NAME).value
        signature = told.get("signature") or {}
        inputs, outputs = (_fields(signature.get(key)) for key in ("inputs", "outputs"))
        parameters = _fields(signature.get("params"))
    except (ModelregError, OSError, ValueError, AttributeError, TypeError, KeyError) as error:
        _logger.debug("The signature in %s is not recorded: %s", path, error)
        return None
    if not inputs and not outputs:
        return None
    found: dict[str, Any] = {"inputs": inputs, "outputs": outputs}
    return found | {"parameters": parameters} if parameters else found


def _fields(text: Any) -> list[dict[str, Any]]:
    """Columns and tensors of one of MLmodel's lists, which is JSON in YAML."""
    return [] if text is None else [_field(entry, n) for n, entry in enumerate(json.loads(text))]


def _field(entry: Mapping[str, Any], number: int) -> dict[str, Any]:
    tensor = entry.get("tensor-spec") or {}
    kind = tensor.get("dtype") or entry.get("type")
    found: dict[str, Any] = {"name": str(entry.get("name") or number), "type": str(kind)[:100]}
    shape = tensor.get("shape", entry.get("shape"))
    if shape is not None:
        found["shape"] = [int(length) for length in shape]
    if "default" in entry:
        return found | {"default": entry["default"]}
    if entry.get("required") is False:
        found["nullable"] = True
    return found


def cache_folder() -> Path:
    """Where files are put that MLflow asks for: in the user's cache folder (XDG_CACHE_HOME)."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "modelreg" / "mlflow"


def served(workspace: Workspace, manifest: Manifest) -> Path:
    """The folder of a version's files, for MLflow to read: out of the DVC cache or remote, every byte checked.

    What is there from an earlier call is given again where no file was touched since (its size, time and inode are
    those that were noted), else it is made anew. Raises IntegrityError, UnavailableError.
    """
    digest = manifest.primary.sha256[:16]
    target = cache_folder() / workspace.settings.id / manifest.model / f"{manifest.version}-{digest}"
    note = target.with_name(f"{target.name}.json")
    if not _untouched(target, note):
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=target.parent) as scratch:
            made = Path(scratch) / "files"
            pull(workspace, Address(manifest.model, manifest.version), made)
            note.unlink(missing_ok=True)
            if target.exists():
                shutil.rmtree(target)
            try:
                made.rename(target)
            except OSError:  # another process was quicker, and checked what it made as we did
                if not target.is_dir():
                    raise
            else:
                note.write_text(json.dumps(_state(target)))
    whole = manifest.primary.listing_path is not None and len(manifest.artifacts) == 1
    return target / manifest.primary.path if whole else target


def _untouched(target: Path, note: Path) -> bool:
    try:
        return bool(json.loads(note.read_text()) == _state(target))
    except (OSError, ValueError):
        return False


def _state(folder: Path) -> dict[str, list[int]]:
    """Size, time of the last change and inode of every file."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        if path.name != META_FILE and not stat.S_ISDIR(status.st_mode):
            found[path.relative_to(folder).as_posix()] = [status.st_size, status.st_mtime_ns, status.st_ino]
    return found
