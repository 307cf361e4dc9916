"""A connection to an MLflow: quiet, patient for seconds and not for minutes, and with errors that keep secrets.

MLflow and what it stands on (requests, SQLAlchemy, boto) raise errors of many kinds, some of which quote the address
with its password: `guarded` makes one clear message of each.
"""

from __future__ import annotations

import importlib
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from modelreg.domain.foreign.addresses import is_local, place, scrubbed
from modelreg.errors import DeniedError, ModelregError, NotFoundError, UnavailableError

_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
    "MLFLOW_ALLOW_FILE_STORE": "true",  # whoever names one wants to move out of it
}
"""What MLflow is told unless the user has told it otherwise."""
_CONNECT_S = 10
_TABLE = "registered_models"
_LONGEST = 400
_HINT = "does it run, and is the URI right?"
_ENTER = "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, say who you are"
_HINTS = {"UNAUTHENTICATED": _ENTER, "PERMISSION_DENIED": _ENTER}
ABSENT = "RESOURCE_DOES_NOT_EXIST"
_REFUSED = ("INVALID_PARAMETER_VALUE", "RESOURCE_ALREADY_EXISTS", "BAD_REQUEST", "INVALID_STATE")


@dataclass(frozen=True, slots=True)
class Connection:
    """`client` is an MlflowClient. `name` is the registry's for people: no secret is in it, no path of this machine."""

    client: Any
    tracking_uri: str
    registry_uri: str
    name: str

    @property
    def remote(self) -> bool:
        """Whether a server answers: what it says of paths is said of its own machine."""
        return not (is_local(self.tracking_uri) or is_database(self.tracking_uri))

    @contextmanager
    def guarded(self, what: str) -> Iterator[None]:
        """Raises NotFoundError, DeniedError, UnavailableError for whatever MLflow raises inside; `what` is being done,
        as in "cannot list models"."""
        with _translated(what, self.name, (self.tracking_uri, self.registry_uri)):
            yield


def connect(tracking_uri: str, registry_uri: str | None = None, *, existing: bool) -> Connection:
    """A client that has had an answer. With `existing` there must be an MLflow: it would make what is missing.

    Raises UnavailableError without the extra, and for whatever does not answer or refuses.
    """
    for key, value in _SETTINGS.items():
        os.environ.setdefault(key, value)
    registry = registry_uri or tracking_uri
    for uri in dict.fromkeys((tracking_uri, registry)):
        _check(uri, existing=existing)
    mlflow = required("mlflow", "the extra mlflow")
    for logger in ("mlflow", "alembic"):
        logging.getLogger(logger).setLevel(logging.ERROR)
    name = place(registry)
    with _translated("cannot ask it for models", name, (tracking_uri, registry)), _hasty():
        if is_local(tracking_uri):  # its stores ask the process where they are, and would make an mlflow.db here
            mlflow.set_tracking_uri(tracking_uri)
        client = mlflow.MlflowClient(tracking_uri, registry)
        client.search_registered_models(max_results=1)
        client.search_experiments(max_results=1)
    return Connection(client, tracking_uri, registry, name)


def required(module: str, what: str) -> Any:
    """A module of the extra. Raises UnavailableError that says how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UnavailableError(f"this needs {what}: {error}", hint='pip install "modelreg[mlflow]"') from None


def code_of(error: BaseException) -> str:
    """MLflow's name of what went wrong; "" for other libraries' errors."""
    return str(getattr(error, "error_code", ""))


def _first_line(error: BaseException) -> str:
    """What it says; of a download that failed, the first failure."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("The following failures", "#####"))] or lines
    return told[0][:_LONGEST] if told else type(error).__name__


def _check(uri: str, *, existing: bool) -> None:
    """What can be told at once: MLflow asks a database that does not answer for minutes, and makes what is missing."""
    if existing and is_local(uri) and not (path := local_path(uri)).exists():
        raise UnavailableError(f"there is no {path.name or path}", hint="is the URI right?")
    if not is_database(uri) or not (existing or not is_local(uri)):
        return
    sqlalchemy = required("sqlalchemy", "the extra mlflow")
    with _translated("cannot connect", place(uri), (uri,)):
        wait = {"connect_timeout": _CONNECT_S} if uri.startswith(("postgres", "mysql")) else {}
        try:
            engine = sqlalchemy.create_engine(uri, connect_args=wait)
        except ModuleNotFoundError as error:
            hint = "install it, or name a driver that is here, as in postgresql+psycopg2://…"
            raise UnavailableError(f"{place(uri)}: the database's driver is missing: {error.name}", hint=hint) from None
        with engine.connect() as connection:
            tables = sqlalchemy.inspect(connection).get_table_names() if existing else [_TABLE]
        engine.dispose()
    if _TABLE not in tables:
        raise UnavailableError(f"{place(uri)} is no database of MLflow's", hint="is the URI right?")


def is_database(uri: str) -> bool:
    return urlsplit(uri).scheme.split("+")[0] in ("postgresql", "postgres", "mysql", "mssql", "sqlite")


def local_path(uri: str) -> Path:
    """Of a local address: `sqlite:///relative.db`, `sqlite:////absolute.db`, `file:///folder`, a plain path."""
    parts = urlsplit(uri)
    if parts.scheme.split("+")[0] == "sqlite":
        return Path(unquote(parts.path[1:]))
    return Path(unquote(parts.path)) if parts.scheme == "file" else Path(uri)


@contextmanager
def _hasty() -> Iterator[None]:
    """The first question is asked twice at most: a server that is not there is told in seconds."""
    key = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
    before = os.environ[key]
    os.environ[key] = "1"
    try:
        yield
    finally:
        os.environ[key] = before


@contextmanager
def _translated(what: str, name: str, uris: tuple[str, ...]) -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MLflow warns of its own stages, and of what its libraries deprecate
            yield
    except ModelregError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever MLflow's many libraries raise
        text = f"{name}: {what}: {scrubbed(_first_line(error), uris)}"
        code = code_of(error)
        if code == ABSENT:
            raise NotFoundError(text) from None
        if code in _REFUSED:
            raise DeniedError(text) from None
        raise UnavailableError(text, hint=_HINTS.get(code, _HINT)) from None
