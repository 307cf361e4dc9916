"""`search` by metric in a warm process, against the ways in which MLflow gives the same answer.

The answers are compared: this raises where they differ. MLflow runs in a process of its own, first; its figures and
modelreg's are not pairs.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measure import Row, environment, timed
from benchmarks.peers import Peers
from benchmarks.settings import MOST_FOR_MINUTES, Settings
from modelreg.sdk import Registry

if TYPE_CHECKING:
    from modelreg.registry.listing import Row as Listed

Wanted = Mapping[str, tuple[str, float]]

_SIDE = Path(__file__).with_name("mlflow_search.py")
_WANTED = {
    "half of all": {"accuracy": (">=", 0.9), "train_accuracy": ("<", 1.0)},
    "one in twenty": {"accuracy": (">=", 0.945), "train_accuracy": ("<", 1.0)},
}


def measure(settings: Settings) -> Iterator[Row]:
    for size in settings.sizes[-1:] if settings.quick else settings.sizes:
        registry = Registry(settings.registry(size))
        for share, wanted in _WANTED.items():
            yield from _question(settings, registry, size, share, wanted)


def _question(settings: Settings, registry: Registry, size: int, share: str, wanted: Wanted) -> Iterator[Row]:
    question = " and ".join(f"metrics.{key} {sign} {value}" for key, (sign, value) in wanted.items())
    ask = timed(lambda: _answer(registry, question))
    ask()
    mine, name = statistics.median(ask() for _ in range(settings.runs)), f"`search`, {share}"
    if size > MOST_FOR_MINUTES or settings.peers.mlflow_python is None:
        yield Row(name, size, mine)
        return
    answer = sorted(_answer(registry, question))
    for way, found in _mlflow(settings.peers, registry, wanted, settings.few(size)).items():
        if [tuple(pair) for pair in found["answer"]] != answer:
            raise RuntimeError(f"{question}: {len(answer)} versions, MLflow's {way}: {len(found['answer'])}")
        theirs = statistics.median(found["seconds"])
        goal = 0.1 if size == MOST_FOR_MINUTES and way.startswith("`search_model_versions`") else None
        yield Row(name, size, mine, f"MLflow: {way}, {share}", theirs, mine / theirs, goal)


def _answer(registry: Registry, question: str) -> list[tuple[str, int]]:
    """Models and versions, numbered as MLflow does."""
    return [(row.model, _number(row)) for row in registry.search(question)]


def _number(row: Listed) -> int:
    """1.0.0 is the first version of a model here, 1.9.0 the tenth."""
    return int(str(row.version).split(".")[1]) + 1


def _mlflow(peers: Peers, registry: Registry, wanted: Wanted, runs: int) -> dict[str, Any]:
    rows = sorted(((row.model, _number(row), row.metrics) for row in registry.search()), key=lambda row: row[:2])
    with tempfile.TemporaryDirectory(prefix="modelreg-mlflow-") as folder:
        command = [str(peers.mlflow_python), str(_SIDE), f"sqlite:///{folder}/mlflow.db", str(runs)]
        data = json.dumps({"rows": rows, "metrics": wanted}).encode()
        done = subprocess.run(
            command, input=data, capture_output=True, cwd=folder, env=environment() | {"PYTHONPATH": ""}, check=False
        )
    if done.returncode:
        raise RuntimeError(done.stderr.decode()[-2000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
