"""Who asks, where the store is that of an MLflow server: a program through its REST API, or the web interface."""

from __future__ import annotations

import re
import sys

_API = re.compile(r"(?:^|/)(ajax-)?api/\d+\.\d+/mlflow/")


def by_a_program() -> bool:
    """Whether a server answers a client of its REST API. The web interface asks below /ajax-api/."""
    asked = _asked()
    return asked is not None and asked[1] is None


def given(text: str | None) -> str | None:
    """A text that MLflow's client was given: what a server has of one that was not given is empty, since protobuf knows
    no None."""
    return None if text == "" and _asked() is not None else text


def _asked() -> re.Match[str] | None:
    """The request that a server answers in this thread; None in any other program."""
    flask = sys.modules.get("flask")
    if flask is None or not flask.has_request_context():
        return None
    return _API.search(flask.request.path)
