"""The DAG of examples/airflow in a real Airflow: what the gate lets pass and what it refuses, without a scheduler."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.runner import artifact, change_policy, done, founded, metrics
from tests.servers import webhook
from tests.support import Repo

TOP = Path(__file__).parents[2]
# Read when the module is: the tests themselves have an environment without it.
VENV = os.environ.get("MODELREG_AIRFLOW_VENV", "")
pytestmark = [
    pytest.mark.airflow,
    pytest.mark.skipif(not VENV, reason="MODELREG_AIRFLOW_VENV names no environment with Airflow: see .ci/run"),
]


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of an Airflow with an empty database and the DAGs of the example."""
    folder = tmp_path_factory.mktemp("airflow")
    program = folder / "modelreg"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={TOP / "src"} exec {sys.executable} -m modelreg "$@"\n')
    program.chmod(0o755)
    env = os.environ | {
        "PATH": f"{Path(VENV, 'bin')}:{os.environ['PATH']}",
        "AIRFLOW_HOME": str(folder / "home"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(TOP / "examples" / "airflow" / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "MODELREG_PROGRAM": str(program),
        "MODELREG_POKE_S": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    env.pop("PYTHONPATH", None)
    subprocess.run(["airflow", "db", "migrate"], env=env, check=True, capture_output=True, timeout=300)
    return env


@pytest.fixture
def registry(tmp_path: Path) -> Repo:
    """churn 1.0.0, whose f1 is 0.8, in staging; whoever enters staging needs an f1 of 0.5."""
    repo = founded(tmp_path / "registry")
    train(repo, 0.8)
    gate = {"stage": "staging", "require": {"metrics": {"f1": {"min": 0.5}}}}
    told = {"name": "new", "on": ["promoted"], "to": ["chat"]}
    change_policy(repo, gates=[gate], notifications=[told])
    done("stage", "set", "churn", "1.0.0", "staging", registry=repo.path)
    return repo


def train(repo: Repo, f1: float) -> None:
    folder = repo.path.parent
    done("register", "churn", artifact(folder, f"f1 {f1}"), "--metrics", metrics(folder, f1), registry=repo.path)


class Run:
    """A run of the DAG, for churn and staging, with its log."""

    def __init__(self, env: dict[str, str], repo: Repo) -> None:
        self._log = repo.path.parent / "airflow.log"
        conf = '{"model": "churn", "to": "staging"}'
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                ["airflow", "dags", "test", "promote_model", "--conf", conf],
                env=env | {"MODELREG_REGISTRY": str(repo.path)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def wait_for(self, text: str, seconds: float = 120) -> None:
        until = time.monotonic() + seconds
        while text not in self.log:
            assert self.process.poll() is None, self.log
            assert time.monotonic() < until, self.log
            time.sleep(0.2)

    def finished(self) -> list[str]:
        """The tasks that ran to their end, in that order."""
        assert self.process.wait(timeout=300) == 0, self.log
        assert "state=success" in self.log, self.log
        return re.findall(r"end task task_id=(\w+)", self.log)


def test_what_training_brings_is_promoted_and_told(airflow: dict[str, str], registry: Repo) -> None:
    """The sensor waits: the version comes when the run has begun."""
    with webhook() as (chat, got):
        run = Run(airflow | {"MODELREG_NOTIFY_CHAT": f"json://user:s3cr3t@{chat}"}, registry)
        try:
            run.wait_for("Poking")
            train(registry, 0.9)
            assert run.finished() == ["wait_for_training", "promote", "what_came_of_it", "notify"]
        finally:
            run.process.kill()
            run.process.wait()
    assert done("stage", "get", "churn", "staging", registry=registry.path).out.split() == ["1.0.1", "1.0.0"]
    assert [post["title"] for post in got] == ["modelreg: churn 1.0.1 promoted from development to staging"]
    assert "s3cr3t" not in run.log


def test_what_the_gate_refuses_is_logged(airflow: dict[str, str], registry: Repo) -> None:
    train(registry, 0.1)
    head = registry.head
    with webhook() as (chat, got):
        run = Run(airflow | {"MODELREG_NOTIFY_CHAT": f"json://{chat}"}, registry)
        try:
            assert run.finished() == ["wait_for_training", "promote", "what_came_of_it", "log_refusal"]
        finally:
            run.process.kill()
            run.process.wait()
    assert (registry.head, got) == (head, [])
    assert "churn 1.0.1 may not enter staging: ['metrics.f1: " in run.log
