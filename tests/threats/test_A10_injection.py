"""A10: names, titles and forms are arguments in every shipped workflow, never part of a script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integrations.forge import pull_request_event
from tests.support import Repo
from tests.threats.test_A09_workflows import SHIPPED
from tests.workflows.act import Runner

HOSTILE = ("$(touch X)", "`touch X`", ";touch X", "'; touch X #", '"; touch X #', "${{ github.token }}", "-x", "--help")


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_typed_into_the_form_stays_an_argument(repo: Repo, tmp_path: Path, text: str) -> None:
    runner = Runner.of(repo, tmp_path)
    notes = tmp_path / "arguments"
    runner.program("modelreg", f'printf "%s\\n" "$@" >{notes}; printf "%s" "$GIT_AUTHOR_EMAIL" >{notes}.by')
    inputs = {"model": text, "version": text, "stage": text, "reason": text}
    event = {"inputs": inputs, "repository": {"default_branch": "main"}}
    ran = runner.act("propose", "workflow_dispatch", event, "--actor", "ann")
    assert ran.ok, ran.log
    assert notes.read_text().splitlines() == [
        "stage", "set", "--propose", "--push", f"--reason={text}", "--", text, text, text,
    ]  # fmt: skip
    assert not [path for path in tmp_path.rglob("X") if path.is_file()]


def scripts(value: Any) -> list[str]:
    """Every `run:` below `value`."""
    if isinstance(value, dict):
        own = [value["run"]] if isinstance(value.get("run"), str) else []
        return own + [found for item in value.values() for found in scripts(item)]
    return [found for item in value for found in scripts(item)] if isinstance(value, list) else []


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.name)
def test_no_expression_stands_in_a_script(file: Path) -> None:
    assert not [script for script in scripts(yaml.safe_load(file.read_text())) if "${{" in script]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_pull_requests_own_words_are_never_run(repo: Repo, tmp_path: Path, text: str) -> None:
    runner = Runner.of(repo, tmp_path)
    runner.program("modelreg", "exit 0")
    event = pull_request_event(head=repo.head, base=repo.head)
    event["pull_request"] |= {"title": text, "body": text}
    event["pull_request"]["head"] |= {"ref": text, "label": f"stranger:{text}"}
    ran = runner.act("gate", "pull_request", event)
    assert ran.ok, ran.log
    assert not [path for path in tmp_path.rglob("X") if path.is_file()]


@pytest.mark.parametrize("text", ["--upload-pack=touch X", "$(touch X)", "-x"])
def test_a_head_that_is_no_commit_is_refused(repo: Repo, tmp_path: Path, text: str) -> None:
    runner = Runner.of(repo, tmp_path)
    runner.program("modelreg", "exit 0")
    assert not runner.act("gate", "pull_request", pull_request_event(head=text)).ok
    assert not [path for path in tmp_path.rglob("X") if path.is_file()]
