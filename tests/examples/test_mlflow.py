"""Programs that know MLflow's API alone say the same on sqlite and on a git registry: the URI is the one difference."""

from __future__ import annotations

import ast
import difflib
import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.runner import done
from tests.examples.drive import PROGRAMS, TRACKING
from tests.mlflow_server import environment
from tests.support import Repo

NAMES = sorted(path.stem for path in PROGRAMS.glob("*.py") if "def main(" in path.read_text())


ALL_CALLS = {
    "create_registered_model", "update_registered_model", "rename_registered_model", "delete_registered_model",
    "search_registered_models", "get_registered_model", "get_latest_versions", "set_registered_model_tag",
    "delete_registered_model_tag", "create_model_version", "copy_model_version", "update_model_version",
    "transition_model_version_stage", "get_model_version", "delete_model_version", "get_model_version_download_uri",
    "search_model_versions", "set_model_version_tag", "delete_model_version_tag",
    "set_registered_model_alias", "delete_registered_model_alias", "get_model_version_by_alias",
}  # fmt: skip
"""MLflow's registry API, prompts and webhooks aside."""


def test_the_same_answers_call_by_call(tmp_path: Path) -> None:
    """One test for all programs, since a process for each of them would import MLflow anew."""
    repo = Repo.init(tmp_path / "registry")
    done("init", "--policy", "open", registry=repo.path)
    on_sqlite, on_git = _answers(tmp_path, TRACKING, f"modelreg://{repo.path}")
    unequal = [line for program in NAMES for line in _unequal(program, on_sqlite[program], on_git[program])]
    assert not unequal, "\n".join(unequal)
    assert min(len(program["calls"]) for program in on_git.values()) > 10
    assert _succeeded(on_git) >= ALL_CALLS
    assert done("validate", "--json", registry=repo.path).json("validate")["ok"]
    assert done("verify", "--json", registry=repo.path).json("verify")["ok"]
    assert repo.git("status", "--porcelain") == ""


def _answers(folder: Path, *registry_uris: str) -> list[dict[str, Any]]:
    """What the programs asked and said, by program: for each registry, side by side."""
    folders = [folder / f"program{n}" for n, _ in enumerate(registry_uris)]
    running = [_start(*pair) for pair in zip(folders, registry_uris, strict=True)]
    said = [process.communicate()[0] for process in running]
    for process, text, uri in zip(running, said, registry_uris, strict=True):
        assert process.returncode == 0, f"on {uri}:\n{text}"
    return [json.loads((folder / "answers.json").read_text()) for folder in folders]


def _start(folder: Path, registry_uri: str) -> subprocess.Popen[str]:
    folder.mkdir()
    more = {"PYTHONHASHSEED": "0"}  # MLflow lists sets in its messages
    command = [sys.executable, "-m", "tests.examples.drive", registry_uri, "answers.json", *NAMES]
    return subprocess.Popen(
        command, cwd=folder, env=environment(folder) | more, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def _unequal(program: str, on_sqlite: dict[str, Any], on_git: dict[str, Any]) -> list[str]:
    pairs = itertools.zip_longest(on_sqlite["calls"], on_git["calls"], fillvalue=("no call", None))
    found = [
        f"{program}: {asked}\n  sqlite:   {json.dumps(expected)}\n  modelreg: {json.dumps(answer)}"
        + (f" to {and_asked}" if and_asked != asked else "")
        for (asked, expected), (and_asked, answer) in pairs
        if (asked, expected) != (and_asked, answer)
    ]
    if not found and on_sqlite["said"] != on_git["said"]:
        found += list(difflib.unified_diff(on_sqlite["said"], on_git["said"], "sqlite", "modelreg", lineterm=""))
    return found


def _succeeded(programs: dict[str, Any]) -> set[str]:
    """The calls that were answered, and not refused, at least once."""
    return {
        asked.split("(")[0]
        for program in programs.values()
        for asked, answer in program["calls"]
        if not (isinstance(answer, dict) and "error" in answer)
    }


@pytest.mark.parametrize("path", sorted(PROGRAMS.glob("*.py")), ids=lambda path: path.stem)
def test_the_programs_know_mlflow_alone(path: Path) -> None:
    tree = ast.parse(path.read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {name for name in imported if name.split(".")[0] == "modelreg"}
