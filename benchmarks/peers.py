"""The peers, each in an environment of its own made by uv: GTO, MLflow (on sqlite, and PostgreSQL where that is
installed), check-jsonschema."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import TOP, environment


def _packages() -> Mapping[str, Sequence[str]]:
    """What to install for each; MLflow as the extra of that name allows."""
    extras = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    return {
        "gto": ("gto",),
        "mlflow": (*extras["mlflow"], "psycopg2-binary"),
        "check-jsonschema": ("check-jsonschema",),
    }


_NOBODY = "65534"

_MLFLOW = """\
import json, sys, time
from mlflow import MlflowClient
uri, versions, runs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
client = MlflowClient(tracking_uri=uri, registry_uri=uri)
for number in range(versions):
    name = f"model-{number // 10:05d}"
    if number % 10 == 0:
        client.create_registered_model(name)
    client.create_model_version(name, f"file:///artifacts/{number}")
def timed(call, times=[]):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
def write():
    made = client.create_model_version("model-00001", "file:///artifacts/x")
    client.set_registered_model_alias("model-00001", "champion", made.version)
def alias():
    client.set_registered_model_alias("model-00002", "champion", "3")
def read():
    client.get_model_version_by_alias("model-00002", "champion")
def listing():
    client.search_model_versions("name='model-00003'")
found = {}
for name, work in {"write": write, "alias": alias, "read": read, "list": listing}.items():
    work()
    found[name] = [timed(work) for _ in range(runs)]
print(json.dumps(found))
"""
_MLFLOW_READ = """\
import sys
from mlflow import MlflowClient
client = MlflowClient(tracking_uri=sys.argv[1], registry_uri=sys.argv[1])
print(client.get_model_version_by_alias("model-00002", "champion").version)
"""


@dataclass(frozen=True, slots=True)
class Peers:
    """Their programs; None where one is not there."""

    gto: str | None = None
    check_jsonschema: str | None = None
    mlflow_python: str | None = None

    def mlflow(self, uri: str, versions: int, runs: int) -> Mapping[str, list[float]]:
        """Seconds of MLflow's client in a process of its own that is warm, on a store with so many versions."""
        command = [str(self.mlflow_python), "-c", _MLFLOW, uri, str(versions), str(runs)]
        done = subprocess.run(command, capture_output=True, env=environment(), check=True)
        found: Mapping[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
        return found

    def mlflow_read(self, uri: str) -> list[str]:
        """A command that asks MLflow one question: whose is the alias."""
        return [str(self.mlflow_python), "-c", _MLFLOW_READ, uri]


def install(folder: Path) -> Peers:
    """Install what is not in `folder` yet. Raises CalledProcessError, FileNotFoundError without uv."""
    for name, packages in _packages().items():
        if not (folder / name / "bin" / "python").exists():
            subprocess.run(["uv", "venv", "--quiet", folder / name], check=True)
            where = folder / name / "bin" / "python"
            command = ["uv", "pip", "install", "--quiet", "--compile-bytecode", "--python", str(where), *packages]
            subprocess.run(command, check=True)
    programs = (folder / "gto/bin/gto", folder / "check-jsonschema/bin/check-jsonschema", folder / "mlflow/bin/python")
    return Peers(*(str(program) for program in programs))


def versions_of(peers: Peers) -> Mapping[str, str]:
    """Their version numbers, by name."""
    found = {}
    for name, program in (("GTO", peers.gto), ("MLflow", peers.mlflow_python)):
        if program:
            python = Path(program).parent / "python"
            code = f"import importlib.metadata as m; print(m.version({name.lower()!r}))"
            done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
            found[name] = done.stdout.strip()
    return found


@contextmanager
def postgresql() -> Iterator[str | None]:
    """The address of an empty PostgreSQL database, gone afterwards; None where there is no server to start here."""
    programs = [shutil.which(name) for name in ("initdb", "pg_ctl", "setpriv")]
    if None in programs:
        yield None
        return
    # It refuses to run as root.
    drop = ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="modelreg-pg-") as room:
        if drop:
            os.chown(room, int(_NOBODY), int(_NOBODY))
        data = Path(room) / "data"

        def run(*command: str) -> None:
            subprocess.run([*drop, *command], cwd=room, check=True, capture_output=True)

        try:
            run("initdb", "--pgdata", str(data), "--username", "modelreg", "--auth", "trust")
            options = f"-c listen_addresses='' -c unix_socket_directories={room}"
            run("pg_ctl", "--pgdata", str(data), "--wait", "--log", f"{room}/log", "--options", options, "start")
        except subprocess.CalledProcessError:
            yield None
            return
        try:
            yield f"postgresql+psycopg2://modelreg@/postgres?host={room}"
        finally:
            run("pg_ctl", "--pgdata", str(data), "--mode", "immediate", "stop")
