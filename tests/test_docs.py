"""What the README shows is what happens: its sessions are run, and compared but for ids, dates and padding."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.runner import done
from tests.keys import make_key
from tests.reference import page
from tests.support import Repo, clone_of

TOP = Path(__file__).parents[1]
README = (TOP / "README.md").read_text()
SESSIONS = dict(re.findall(r"<!-- session: ([a-z ]+) -->\n```console\n(.*?)```", README, re.DOTALL))


def _run(command: str, folder: Path) -> str:
    shim = folder.parent / "bin"
    shim.mkdir(exist_ok=True)
    (shim / "modelreg").write_text(f'#!/bin/sh\nexec {sys.executable} -m modelreg "$@"\n')
    (shim / "modelreg").chmod(0o755)
    environment = os.environ | {
        "PATH": f"{shim}:{os.environ['PATH']}",
        "COLUMNS": "130",
        "PYTHONPATH": str(TOP / "src"),
    }
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def _normal(text: str) -> list[str]:
    text = re.sub(r"\bin commit [0-9a-f]{10}\b", "in commit ID", text)
    return [re.sub(r"\s+", " ", line).strip() for line in text.splitlines() if line.strip()]


def _steps(session: str) -> list[tuple[str, str]]:
    parts = re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]
    return [(part.split("\n", 1)[0], part.split("\n", 1)[1]) for part in parts]


def play(session: str, folder: Path) -> None:
    for command, shown in _steps(session):
        said, expected = _normal(_run(command, folder)), _normal(shown)
        if expected and expected[-1] == "…":
            said, expected = said[: len(expected) - 1], expected[:-1]
        assert said == expected, command


def test_the_new_repository_session(tmp_path: Path) -> None:
    play(SESSIONS["new repository"], Repo.init(tmp_path / "repo").path)


def test_the_session_in_this_repository(tmp_path: Path) -> None:
    if not (TOP / ".git").exists():
        pytest.skip("not a clone: an unpacked source has no registry to ask")
    play(SESSIONS["here"], clone_of(TOP, tmp_path / "clone"))


def test_ci_runs_the_readme_test_command() -> None:
    match = re.search(r"<!-- test command -->\n```sh\n(.*?)\n```", README, re.DOTALL)
    assert match is not None
    assert match[1].startswith("python3 -m venv")
    assert match[1].endswith("pytest -q -n 2")
    assert "README.md" in (TOP / ".ci" / "run").read_text()


def test_the_page_of_commands_is_their_own_help() -> None:
    assert (TOP / "docs/cli.md").read_text() == page(), "python -m tests.reference > docs/cli.md"


def test_the_policy_of_the_docs_is_sound(tmp_path: Path) -> None:
    """Valid, and nothing in it that can never be met, once the persons that it names have keys."""
    (text,) = re.findall(r"<!-- policy -->\n```yaml\n(.*?)```", (TOP / "docs/policy.md").read_text(), re.DOTALL)
    repo = Repo.init(tmp_path / "repo")
    done("init", registry=repo.path)
    persons = [f"{name}@example.org" for name in ("ann", "bo", "cy", "di", "ed")]
    signers = "".join(make_key(tmp_path / "keys", name).line(name) for name in persons)
    repo.write("registry/policy.yaml", text)
    repo.write("registry/allowed_signers", signers)
    assert done("validate", "--json", registry=repo.path).json("validate")["findings"] == []
    repo.commit("policy", all=True)
    checked = done("policy", "check", "--json", registry=repo.path).json("policy-check")
    assert [finding for finding in checked["findings"] if finding["severity"] == "error"] == []
