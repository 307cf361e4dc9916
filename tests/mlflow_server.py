"""A real MLflow server on a real PostgreSQL, both on loopback, for as long as a test module runs."""

from __future__ import annotations

import contextlib
import logging
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}
"""MLflow sends nothing about its use, and shows no bars."""
TOP = Path(__file__).parents[1]
_PATIENCE_S = 90
_QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=127.0.0.1")


def environment(folder: Path) -> dict[str, str]:
    """For processes that use MLflow: this source tree, and the plugin as an installed modelreg announces it, from
    `folder`."""
    announced = folder / "site" / "modelreg_plugin-0.dist-info"
    announced.mkdir(parents=True, exist_ok=True)
    (announced / "METADATA").write_text("Metadata-Version: 2.1\nName: modelreg-plugin\nVersion: 0\n")
    points = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["entry-points"]
    lines = [f"[{group}]\n" + "".join(f"{key} = {named[key]}\n" for key in named) for group, named in points.items()]
    (announced / "entry_points.txt").write_text("".join(lines))
    path = os.pathsep.join(map(str, (TOP, TOP / "src", announced.parent)))
    return os.environ | QUIET | {"PYTHONPATH": path, "PYTHONWARNINGS": "ignore"}


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """This process's own MLflow so; it says errors only."""
    with pytest.MonkeyPatch.context() as patch:
        for key, value in QUIET.items():
            patch.setenv(key, value)
        logging.getLogger("mlflow").setLevel(logging.ERROR)
        yield


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def postgres_programs() -> Path:
    """Where initdb and postgres are: on PATH, or where Debian puts the newest of them."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    assert versions, "the tests need PostgreSQL: apt-get install postgresql"
    return versions[-1].parent


@contextlib.contextmanager
def postgresql(name: str = "mlflow") -> Iterator[str]:
    """The URI, with user and password, of a database that exists only here. PostgreSQL does not run as root."""
    programs, password, port = postgres_programs(), secrets.token_hex(8), free_port()
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))  # pytest's own folders are closed to other users
    other = _other_user()
    options: Any = {"user": other.pw_uid, "group": other.pw_gid, "extra_groups": []} if other else {}
    if other:
        os.chown(folder, other.pw_uid, other.pw_gid)
    word = folder / "password"
    word.write_text(password)
    word.chmod(0o644)
    data, run = folder / "data", options | {"cwd": folder, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C"}}
    try:
        make: list[str | Path] = [programs / "initdb", "-D", data, "-U", name, "--pwfile", word]
        subprocess.run(
            [*make, "--auth=scram-sha-256", "--encoding=UTF8", "--no-sync"], check=True, capture_output=True, **run
        )
        settings: list[str | Path] = [
            part for one in (*_QUICK, f"unix_socket_directories={folder}") for part in ("-c", one)
        ]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, "-p", str(port), *settings], stdout=log, stderr=log, **run
            )
        with _ended(server, signal.SIGINT):
            environment = {**os.environ, "PGPASSWORD": password}
            create: list[str | Path] = [programs / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", name, name]
            _until(lambda: subprocess.run(create, env=environment, capture_output=True, check=False).returncode == 0)
            yield f"postgresql+psycopg2://{name}:{password}@127.0.0.1:{port}/{name}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def mlflow_server(backend: str, artifacts: Path, registry: str | None = None, **environment: str) -> Iterator[str]:
    """The address of an MLflow server that serves its artifacts too; `registry` is a URI for the models alone."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", backend, "--workers", "1"]
    command += ["--artifacts-destination", str(artifacts), "--host", "127.0.0.1", "--port", str(port)]
    command += [] if registry is None else ["--registry-store-uri", registry]
    log = artifacts.parent / f"mlflow-{port}.log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            command, stdout=out, stderr=out, env={**os.environ, **QUIET, **environment}, start_new_session=True
        )
    with _ended(server, signal.SIGKILL, group=True):  # nothing of it is kept, and it takes its time to end by itself
        address = f"http://127.0.0.1:{port}"
        try:
            _until(lambda: _answers(f"{address}/health", server))
        except TimeoutError as error:
            raise AssertionError(log.read_text(errors="replace")[-4000:]) from error
        yield address


def _answers(url: str, server: subprocess.Popen[bytes]) -> bool:
    if server.poll() is not None:
        raise TimeoutError("the server ended")
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
        return bool(answer.status == 200)
    return False


def _until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE_S
    while not done():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.1)


def _other_user() -> pwd.struct_passwd | None:
    """Whom PostgreSQL runs as where the tests run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise AssertionError("there is no user but root for PostgreSQL to run as")


@contextlib.contextmanager
def _ended(process: subprocess.Popen[bytes], how: signal.Signals, *, group: bool = False) -> Iterator[None]:
    try:
        yield
    finally:
        if process.poll() is None:
            os.killpg(process.pid, how) if group else process.send_signal(how)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL) if group else process.kill()
            process.wait(20)
