"""Runs the programs of examples/mlflow/ in one process, and writes down what they asked the registry and what they said.

    python -m tests.examples.drive REGISTRY-URI ANSWERS.json PROGRAM…

Started by test_mlflow.py in an empty folder, which then holds the tracking database and the runs' files. A process of
its own, since MLflow keeps its connections, active runs and URIs in globals.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import io
import json
import sys
import threading
from pathlib import Path
from typing import Any

PROGRAMS = Path(__file__).parents[2] / "examples" / "mlflow"
TRACKING = "sqlite:///mlflow.db"


def listen(calls: Any) -> None:
    """Have every call of MLflow's own client of the registry noted, with its answer or refusal, outermost calls only."""
    from mlflow.exceptions import MlflowException
    from mlflow.tracking._model_registry.client import ModelRegistryClient

    inside = threading.local()

    def noted(method: Any) -> Any:
        @functools.wraps(method)
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            if getattr(inside, "call", False):
                return method(self, *args, **kwargs)
            inside.call = True
            answer: Any = None
            try:
                answer = method(self, *args, **kwargs)
            except MlflowException as refused:
                answer = refused
                raise
            finally:
                inside.call = False
                calls.note(method.__name__, args, kwargs, answer)
            return answer

        return call

    for name, method in inspect.getmembers(ModelRegistryClient, inspect.isfunction):
        if not name.startswith("_"):
            setattr(ModelRegistryClient, name, noted(method))


def main(registry_uri: str, answers: str, *programs: str) -> None:
    sys.path.insert(0, str(PROGRAMS))
    from answers import Calls

    calls = Calls()
    listen(calls)
    noted = {}
    for program in programs:
        calls.made.clear()
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            importlib.import_module(program).main(["--tracking-uri", TRACKING, "--registry-uri", registry_uri])
        noted[program] = {"calls": list(calls.made), "said": said.getvalue().splitlines()}
    Path(answers).write_text(json.dumps(noted, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
