"""What single commands need of adapters and integrations, joined to their use cases; the registry itself: wiring.py."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from modelreg.adapters.repository import GitRepository
from modelreg.domain.location import Location
from modelreg.domain.plan import CommitId
from modelreg.errors import ModelregError, UnavailableError
from modelreg.locating import as_remote, folder_of
from modelreg.registry.ports import Repaired
from modelreg.registry.workspace import Workspace
from modelreg.wiring import open_workspace

if TYPE_CHECKING:
    from modelreg.domain.address import Address
    from modelreg.domain.diagnosis import Examined
    from modelreg.domain.names import ModelName
    from modelreg.domain.reproduction import Predictions
    from modelreg.integrations.pull_request import Opened
    from modelreg.registry.exporting import Exported
    from modelreg.registry.foreign import Counter
    from modelreg.registry.import_neptune import Export
    from modelreg.registry.judging import Circumstances
    from modelreg.registry.origin import GitOrigin
    from modelreg.registry.propose import Proposed
    from modelreg.registry.sandbox import Sandbox
    from modelreg.registry.transfer import Imported
    from modelreg.registry.transfer import Options as ImportOptions


def open_pull_request(workspace: Workspace, proposed: Proposed) -> Opened:
    """Open the pull request of a proposal that was pushed, where that can be done here, or say how; never an error."""
    from modelreg.integrations.pull_request import open_pull_request as open_

    folder = workspace.repository.git_dir / "modelreg" / "proposals"
    url = workspace.repository.remote_url()
    return open_(url, proposed.branch, proposed.into, proposed.title, proposed.body, folder)


def pull_request(workspace: Workspace, head: CommitId, reviews: Path | None) -> Circumstances:
    """A pull request for the gate, by what a file tells of its reviews; None: no forge was asked.

    Raises UnavailableError for a file that cannot be read, InvalidError for another shape.
    """
    from modelreg.domain.reviews import approving
    from modelreg.integrations.reviews_file import read_reviews
    from modelreg.registry.judging import Circumstances

    found = None if reviews is None else approving(read_reviews(reviews), commit=head)
    return Circumstances(workspace.clock(), via="pull-request", reviews=found)


def notification_targets(workspace: Workspace) -> Mapping[str, Sequence[str]]:
    """The addresses of targets by name, from the environment and the file that it names. Raises UnavailableError."""
    from modelreg.integrations.notifications import read_targets

    return read_targets(os.environ, workspace.repository.top, workspace.documents.load)


def export(workspace: Workspace, kind: str, address: Address, ref: str | None = None) -> str:
    """A version as `kind` of registry/export.py has it: text that ends with a line end, in ASCII where it is JSON.

    Raises UsageError for a kind that there is not, NotFoundError, InvalidError, UnavailableError for a library.
    """
    import json

    from modelreg.domain.slsa import provenance
    from modelreg.integrations.ml_bom import ml_bom
    from modelreg.registry.dossier import dossier
    from modelreg.registry.export import known_export, model_card

    known = known_export(kind)
    if known == "model-card":
        return model_card(workspace, address, ref)
    found = dossier(workspace, address, ref)
    body = ml_bom(found) if known == "ml-bom" else provenance(found)
    return json.dumps(body, indent=2) + "\n"


def import_mlflow(
    workspace: Workspace,
    uris: tuple[str, str | None],
    names: Sequence[str],
    options: ImportOptions,
    counter: Counter,
    *,
    trust_paths: bool,
) -> tuple[str, Iterator[Imported]]:
    """What the MLflow is called, and its models one by one; see registry/importing.py. `uris` are those of tracking and
    registry. Raises UnavailableError where it does not answer."""
    from modelreg.integrations.mlflow_transfer.connection import connect
    from modelreg.integrations.mlflow_transfer.names import MlflowNames
    from modelreg.integrations.mlflow_transfer.origin import MlflowOrigin
    from modelreg.registry.importing import import_models

    workspace.repository.identity()  # before anything is asked for
    origin = MlflowOrigin(connect(*uris, existing=True), trust_paths)
    return origin.name, import_models(workspace, origin, MlflowNames(), names, options, counter)


def export_mlflow(
    workspace: Workspace,
    uris: tuple[str, str | None],
    models: Sequence[ModelName],
    counter: Counter,
    *,
    artifacts: str | None,
    dry_run: bool,
) -> tuple[str, Iterator[Exported]]:
    """What the MLflow is called, and what came of each model; see registry/exporting.py. `artifacts` is where the files
    of new experiments go. Raises UnavailableError where it does not answer, UsageError where files have no place."""
    from modelreg.integrations.mlflow_transfer.connection import connect
    from modelreg.integrations.mlflow_transfer.destination import MlflowDestination, artifacts_beside
    from modelreg.integrations.mlflow_transfer.names import MlflowNames
    from modelreg.registry.exporting import export_models

    place = artifacts_beside(uris[0], artifacts)
    destination = MlflowDestination(connect(*uris, existing=False), place)
    return destination.name, export_models(workspace, destination, MlflowNames(), models, counter, dry_run=dry_run)


def open_origin(path: Path) -> GitOrigin:
    """The repository at or around `path`, whose models are to be imported. Raises NotARegistryError."""
    from modelreg.adapters.git_origin import RepositoryOrigin

    return RepositoryOrigin(path)


def open_neptune_export(data: Path, files: Path) -> Export:
    """What neptune-exporter wrote; see adapters/neptune_export.py. Raises NotFoundError, UnavailableError."""
    from modelreg.adapters.neptune_export import NeptuneExport

    return NeptuneExport(data, files)


def write_file(target: Path, data: bytes, *, force: bool = False) -> None:
    """A file that a user named; see adapters/output_file.py."""
    from modelreg.adapters.output_file import write_file as write

    write(target, data, force=force)


def install_hook(path: Path, *, force: bool = False) -> Path:
    """Put the gate before every push to the bare repository at `path`; see adapters/hook_file.py."""
    from modelreg.adapters.hook_file import install

    return install(path, Path(sys.executable), force=force)


def diagnose(path: Path | Location) -> tuple[Examined, ...]:
    """What `doctor` finds at or around `path`, whatever is missing there."""
    from modelreg.adapters.machine import LocalMachine
    from modelreg.registry.doctor import examine

    try:
        workspace, trouble = open_workspace(path), ""
    except ModelregError as error:
        workspace, trouble = None, error.message
    return examine(LocalMachine(_repository(path)), workspace, trouble)


def content_sha256(path: Path) -> str:
    """The digest of a local file or folder as manifests give it. Raises NotFoundError, InvalidError."""
    from modelreg.adapters.hashing import content_sha256 as digest

    return digest(path)


def origin(path: Path | Location) -> str | None:
    """The URL of the remote origin of the repository at or around `path`."""
    from modelreg.adapters.machine import LocalMachine

    return LocalMachine(_repository(path)).origin()


def _repository(path: Path | Location) -> GitRepository | None:
    try:
        return GitRepository.open(folder_of(path))
    except UnavailableError:
        return None


def repair(path: Path | Location, *, remove_locks: bool, dry_run: bool = False) -> Repaired:
    """Put right what a killed command left in the repository around `path`, whether its registry can be read or not."""
    return GitRepository.open(folder_of(path)).repair(remove_locks=remove_locks, dry_run=dry_run)


def open_sandbox(
    workspace: Workspace, commit: CommitId, records: CommitId | None = None, keep: Path | None = None
) -> AbstractContextManager[Sandbox]:
    """A throwaway clone of the workspace's repository at a commit, with the registry as it is at `records`; kept at
    `keep`, where that is named."""
    from modelreg.adapters.door import Door
    from modelreg.adapters.dvc_config import Configuration
    from modelreg.adapters.sandbox import opened

    repository, settings = workspace.repository, workspace.settings
    if (elsewhere := as_remote(repository)) is not None:
        url = elsewhere.clone.url
        raise UnavailableError("a version is made again from a clone, not from a URL", hint=f"git clone {url}")
    tree = repository.tree(workspace.tip())
    root = workspace.layout.root
    theirs = Configuration(repository.top, repository.git_dir, settings.remote, tree.read, root)
    return opened(
        Door.open(repository.top or repository.git_dir), theirs, (commit, records), settings.branch, keep=keep
    )


def predictions_apart(recorded: Path, made: Path, example: Path, format_: str) -> Predictions:
    """How far apart two models are on an input example, see integrations/predicting.py."""
    from modelreg.integrations.predicting import compare

    return compare(recorded, made, example, format_)
