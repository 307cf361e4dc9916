"""The GitLab template and the pre-commit hook: what they run, run here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.runner import done, modelreg
from tests.support import Repo

TOP = Path(__file__).parents[2]


def job(name: str) -> dict[str, Any]:
    value = yaml.safe_load((TOP / "templates" / "gitlab-ci.yml").read_text())[name]
    assert isinstance(value, dict)
    return value


def play(lines: list[str], cwd: Path, notes: Path, **variables: str) -> int:
    """As GitLab's runner plays a script: line after line, ended by the first that fails."""
    programs = notes.parent / "bin"
    programs.mkdir(exist_ok=True)
    (programs / "modelreg").write_text(f'#!/bin/sh\nprintf "%s " "$@" >>{notes}\ngit rev-parse HEAD >>{notes}\n')
    (programs / "modelreg").chmod(0o755)
    environment = {**os.environ, **variables, "PATH": f"{programs}:{os.environ['PATH']}"}
    return subprocess.run(["bash", "-eo", "pipefail", "-c", "\n".join(lines)], cwd=cwd, env=environment).returncode


def test_a_merge_request_is_judged_without_a_checkout(repo: Repo, tmp_path: Path) -> None:
    server = repo.bare(tmp_path / "server.git")
    head = repo.commit("proposal", {"evil.py": "x"})
    repo.git("push", "-q", "origin", "HEAD:refs/merge-requests/7/head")
    work = Repo.init(tmp_path / "work")
    work.git("remote", "add", "origin", str(server.path))
    work.git("fetch", "-q", "origin", "refs/merge-requests/7/head")
    variables = {"CI_DEFAULT_BRANCH": "main", "CI_COMMIT_SHA": head}
    assert play(job("modelreg-gate")["script"], work.path, tmp_path / "notes", **variables) == 0
    said = (tmp_path / "notes").read_text()
    assert said.startswith(f"gate --base modelreg-base --head {head} ")
    assert said.split()[-1] == server.rev("main")
    assert sorted(path.name for path in work.path.iterdir()) == [".git"]
    assert job(".modelreg")["variables"] == {"GIT_DEPTH": "0", "GIT_CHECKOUT": "false"}


def test_a_landing_is_announced_on_gitlab(repo: Repo, tmp_path: Path) -> None:
    repo.git("remote", "add", "origin", str(tmp_path / "server.git"))
    repo.git("switch", "-q", "--detach")
    variables = {
        "CI_DEFAULT_BRANCH": "main", "CI_COMMIT_SHA": repo.head, "CI_COMMIT_BEFORE_SHA": "0" * 40,
        "CI_PROJECT_URL": "https://forge.example/acme/models", "CI_SERVER_HOST": "forge.example",
    }  # fmt: skip
    assert play(job("modelreg-announce")["script"], repo.path, tmp_path / "notes", **variables) == 0
    assert (tmp_path / "notes").read_text().startswith(f"announce --push --since {'0' * 40} --json ")
    assert repo.git("symbolic-ref", "HEAD") == "refs/heads/main"


@pytest.mark.parametrize("name", ["modelreg-gate", "modelreg-announce"])
def test_the_template_uses_options_that_there_are(name: str) -> None:
    (line,) = (line for line in job(name)["script"] if line.startswith("modelreg "))
    command = line.split()[1]
    shown = modelreg(command, "--help").out
    assert set(re.findall(r"--[a-z-]+", line)) <= set(re.findall(r"--[a-z-]+", shown))


def test_the_pre_commit_hook(repo: Repo, tmp_path: Path) -> None:
    (hook,) = yaml.safe_load((TOP / ".pre-commit-hooks.yaml").read_text())
    assert (hook["id"], hook["language"], hook["pass_filenames"]) == ("modelreg-validate", "python", False)
    wanted = re.compile(hook["files"])
    assert all(wanted.search(path) for path in ("registry/policy.yaml", "ml/registry/churn/stages.yaml", "dvc.yaml"))
    assert not any(wanted.search(path) for path in ("src/registry.py", "dvc.yaml.bak", "README.md"))
    done("init", registry=repo.path)
    command = [sys.executable, "-m", *hook["entry"].split()]
    environment = {**os.environ, "PYTHONPATH": str(TOP / "src")}
    assert subprocess.run(command, cwd=repo.path, env=environment).returncode == 0
    repo.write("registry/policy.yaml", "format: 1\n")
    assert subprocess.run(command, cwd=repo.path, env=environment, capture_output=True).returncode == 1
