"""A25, the log of a workflow: no text of a stranger becomes a command of the runner, whatever command prints it."""

from __future__ import annotations

import contextlib
import io
import json
import re

import pytest

from modelreg.cli.output import emit_json, note, result, table
from tests.payloads import PAYLOADS

# actions/runner, ActionCommand.cs: `::name` at a line's start, spaces aside, or `##[name` anywhere in it.
COMMAND = re.compile(r"^\s*::|##\[", re.MULTILINE)


def printed(payload: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        result(payload)
        note(payload)
        table(("name", "reason"), [("", payload * 40), (payload, "x")])
        emit_json({payload: [payload]})
    return out.getvalue()


@pytest.mark.parametrize("payload", PAYLOADS)
def test_in_a_workflow_nothing_is_a_command(payload: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert COMMAND.search(printed(payload)) is None


def test_json_stays_the_same_value() -> None:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        emit_json({"##[error]": "a##[b] ::c::"})
    assert json.loads(out.getvalue()) == {"##[error]": "a##[b] ::c::"}
