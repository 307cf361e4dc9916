"""MLflow's registry as it is read: entities of MLflow's client as plain data, files through its artifact API."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from modelreg.domain.foreign.addresses import is_local
from modelreg.domain.foreign.entities import Fetched, ForeignData, ForeignModel, ForeignRun, ForeignVersion
from modelreg.domain.foreign.facts import PARENT_TAG
from modelreg.errors import InvalidError, ModelregError, NotFoundError, UnavailableError
from modelreg.integrations.mlflow_transfer.connection import ABSENT, Connection, code_of, required

_PAGE = 100
_CONTEXT_TAG = "mlflow.data.context"
_LOGGED = re.compile(r"models:/(m-[0-9A-Za-z]+)/?")
_RUN = re.compile(r"runs:/([^/]+)/?(.*)")
_NUMBERED = re.compile(r"models:/([^/@]+)/([0-9]+)/?")
_STEPS = 5
"""So often an address may name another one."""
_READY = "READY"
_MISSING = re.compile(r"RESOURCE_DOES_NOT_EXIST|[Nn]o such (?:artifact|file)|does not exist|\b404\b|NoSuchKey")
"""How stores say that there is nothing at an address."""
_ANY_HOST = frozenset({"http", "https", "ftp", "sftp"})
_UNREADABLE = "Could not find a registered artifact repository"
_AGAIN = "run it again when the store answers; or --no-artifacts, and only addresses are recorded, for good"
_NOTHING = Fetched(None, "there are none at its address")


@dataclass(frozen=True, slots=True)
class MlflowOrigin:
    """Implements `Origin`. `trust_paths`: files at paths of this machine, and at other hosts, are read though it is a
    server that names them."""

    connection: Connection
    trust_paths: bool = False
    _experiments: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.connection.name

    def models(self, names: Sequence[str]) -> Iterator[ForeignModel]:
        client = self.connection.client
        if names:
            found: list[Any] = []
            for name in dict.fromkeys(names):
                with self.connection.guarded(f"cannot read the model {name}"):
                    found.append(client.get_registered_model(name))
            yield from map(self._model, found)
            return
        token = None
        while True:
            with self.connection.guarded("cannot list models"):
                page = client.search_registered_models(max_results=_PAGE, page_token=token)
            yield from map(self._model, page)
            token = page.token
            if not token:
                return

    def _model(self, found: Any) -> ForeignModel:
        last = next(self._search(found.name, order="DESC", size=1), None)
        return ForeignModel(
            name=found.name,
            description=found.description or "",
            tags=dict(found.tags),
            aliases={alias: int(number) for alias, number in found.aliases.items()},
            last=int(last.version) if last is not None else 0,
        )

    def versions(self, model: str) -> Iterator[ForeignVersion]:
        return map(version_of, self._search(model))

    def _search(self, model: str, *, order: str = "ASC", size: int = _PAGE) -> Iterator[Any]:
        return search_versions(self.connection, model, order=order, size=size)

    # --- runs

    def run(self, version: ForeignVersion) -> ForeignRun | None:
        logged = self._logged(version)
        id_ = version.run or (logged.source_run_id if logged is not None else None)
        run = None
        if id_:
            try:
                with self.connection.guarded(f"cannot read the run {id_}"):
                    run = self.connection.client.get_run(id_)
            except NotFoundError:
                pass
        found = self._run(run) if run is not None else ForeignRun(id=id_ or "")
        if logged is not None:
            found = _with_logged(found, logged)
        return found if found != ForeignRun(id="") else None

    def _run(self, run: Any) -> ForeignRun:
        uri, experiment = self.connection.tracking_uri.rstrip("/"), run.info.experiment_id
        return ForeignRun(
            id=run.info.run_id,
            name=run.info.run_name or "",
            experiment=self._experiment(experiment),
            metrics=dict(run.data.metrics),
            params=dict(run.data.params),
            tags=dict(run.data.tags),
            data=tuple(map(_data, run.inputs.dataset_inputs if run.inputs else ())),
            parent=run.data.tags.get(PARENT_TAG, ""),
            url=f"{uri}/#/experiments/{experiment}/runs/{run.info.run_id}" if self.connection.remote else "",
        )

    def _experiment(self, id_: str) -> str:
        if id_ not in self._experiments:
            with self.connection.guarded(f"cannot read the experiment {id_}"):
                self._experiments[id_] = self.connection.client.get_experiment(id_).name
        return self._experiments[id_]

    def _logged(self, version: ForeignVersion) -> Any:
        """The logged model (MLflow 3) that the version was made of; None where there is none."""
        id_ = version.logged
        if id_ is None:
            return None
        try:
            with self.connection.guarded(f"cannot read the logged model {id_}"):
                return self.connection.client.get_logged_model(id_)
        except ModelregError as error:
            if isinstance(error, UnavailableError):
                raise
            return None

    # --- files

    def fetch(self, version: ForeignVersion, folder: Path) -> Fetched:
        what = f"cannot fetch the files of {version.model} {version.number}"
        try:
            address = self._resolved(version)
        except NotFoundError as error:
            return Fetched(None, error.message)
        if self.connection.remote and not self.trust_paths and (why := self._strange(address)):
            return Fetched(None, why)
        if is_local(address):
            _check_links(_path(address))
        try:
            return self._fetched(address, what, folder)
        except UnavailableError as error:
            if _UNREADABLE in error.message:
                return Fetched(None, "MLflow reads no address of that kind")
            raise UnavailableError(error.message, hint=_AGAIN) from None

    def _strange(self, address: str) -> str:
        """Why an address that a server names is not read from here: it would lead where only this machine may read."""
        if is_local(address):
            return "they are at a path of the server's machine"
        parts = urlsplit(address)
        if parts.scheme in _ANY_HOST and parts.hostname != urlsplit(self.connection.tracking_uri).hostname:
            return f"they are at another host by {parts.scheme}"
        return ""

    def _fetched(self, address: str, what: str, folder: Path) -> Fetched:
        """A folder that lists files must come as a whole; of what lists none, an answer that it is not there counts."""
        artifacts = required("mlflow.artifacts", "the extra mlflow")
        asked = {"artifact_uri": address, "tracking_uri": self.connection.tracking_uri}
        with self.connection.guarded(what):
            is_folder = bool(artifacts.list_artifacts(**asked))
            try:
                kept = artifacts.download_artifacts(dst_path=str(folder / "fetched"), **asked)
            except Exception as error:
                if not is_folder and (code_of(error) == ABSENT or _MISSING.search(str(error))):
                    return _NOTHING
                raise
        found = Path(kept)
        if not found.is_file() and not any(below.is_file() for below in found.rglob("*")):
            return _NOTHING
        return Fetched(found, location=address)

    def _resolved(self, version: ForeignVersion) -> str:
        """The address of a store, where MLflow's own addresses lead to one."""
        with self.connection.guarded("cannot read where its files are"):
            client = self.connection.client
            address: str = client.get_model_version_download_uri(version.model, str(version.number))
            for _ in range(_STEPS):
                if logged := _LOGGED.fullmatch(address):
                    address = client.get_logged_model(logged[1]).artifact_location
                elif other := _NUMBERED.fullmatch(address):
                    address = client.get_model_version_download_uri(unquote(other[1]), other[2])
                elif run := _RUN.fullmatch(address):
                    address = self._of_run(run[1], run[2])
                else:
                    break
        return address

    def _of_run(self, id_: str, path: str) -> str:
        """A path of a run: a logged model of that name (MLflow 3 keeps them apart), or an artifact of its own."""
        run = self.connection.client.get_run(id_)
        for output in getattr(run.outputs, "model_outputs", None) or ():
            logged = self.connection.client.get_logged_model(output.model_id)
            if logged.name == path:
                return str(logged.artifact_location)
        return below(run.info.artifact_uri, path)


def search_versions(connection: Connection, model: str, *, order: str = "ASC", size: int = _PAGE) -> Iterator[Any]:
    """MLflow's versions of a model by number, a page at a time."""
    token = None
    while True:
        with connection.guarded(f"cannot list the versions of {model}"):
            page = connection.client.search_model_versions(
                f"name = {quoted(model)}", max_results=size, order_by=[f"version_number {order}"], page_token=token
            )
        yield from page
        token = page.token
        if not token:
            return


def quoted(text: str) -> str:
    """A text in MLflow's filters, which have no escapes."""
    for mark in ("'", '"'):
        if mark not in text:
            return f"{mark}{text}{mark}"
    raise InvalidError(f"{text[:60]!a} holds both kinds of quotes: MLflow cannot search for it")


def below(address: str, path: str) -> str:
    """An artifact's address below that of a run; a query stays where it is."""
    start, mark, query = address.partition("?")
    return f"{start.rstrip('/')}/{path}{mark}{query}" if path else address


def version_of(found: Any) -> ForeignVersion:
    """A version as plain data. Which logged model it was made of is told by few stores, by its source in all."""
    logged = _LOGGED.fullmatch(found.source or "")
    return ForeignVersion(
        model=found.name,
        number=int(found.version),
        created=int(found.creation_timestamp or 0) // 1000,
        source=found.source or "",
        by=found.user_id or "",
        description=found.description or "",
        tags=dict(found.tags),
        stage=found.current_stage or "None",
        run=found.run_id or None,
        logged=getattr(found, "model_id", None) or (logged[1] if logged else None),
        ready=str(found.status or _READY).upper() == _READY,
    )


def _with_logged(run: ForeignRun, logged: Any) -> ForeignRun:
    """What a logged model has of its own, beside what its run has."""
    metrics = {metric.key: metric.value for metric in sorted(logged.metrics or (), key=lambda one: one.timestamp)}
    return replace(run, metrics=metrics | dict(run.metrics), params=dict(logged.params or {}) | dict(run.params))


def _data(found: Any) -> ForeignData:
    data, tags = found.dataset, {tag.key: tag.value for tag in found.tags}
    return ForeignData(
        name=data.name or "",
        digest=data.digest or "",
        source_type=data.source_type or "",
        source=data.source or "",
        schema=data.schema or "",
        profile=data.profile or "",
        context=tags.get(_CONTEXT_TAG, ""),
    )


def _path(address: str) -> Path:
    parts = urlsplit(address)
    return Path(unquote(parts.path)) if parts.scheme == "file" else Path(address)


def _check_links(path: Path) -> None:
    """MLflow copies what links lead to, wherever that is. Raises InvalidError."""
    if path.is_symlink() or any(below.is_symlink() for below in path.rglob("*")):
        raise InvalidError("its folder holds a symbolic link: what it leads to is none of the model's")
