"""The shipped workflows, run on this machine by `act` against a real server repository and a forge of the tests.

What GitHub brings is stood in for: `actions/checkout` by a clone from the server with its own semantics,
`actions/setup-python` by nothing, `pip` by a note of what was installed from where.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support import Repo

TOP = Path(__file__).parents[2]
SHIPPED = (
    "action.yml",
    "requirements-core.lock",
    *(f".github/workflows/{n}.yml" for n in ("gate", "comment", "announce", "propose")),
)
ACTIONS = {
    "actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8": """\
name: checkout
inputs:
  ref: {default: ""}
  fetch-depth: {default: "1"}
  persist-credentials: {default: "true"}
runs:
  using: composite
  steps:
    - shell: bash
      env:
        REF: ${{ inputs.ref || github.sha }}
        DEPTH: ${{ inputs.fetch-depth }}
        PERSIST: ${{ inputs.persist-credentials }}
      run: |
        test "$DEPTH" = 0 && test "$PERSIST" = false
        git init -q -b work . && git remote add origin "$TEST_SERVER"
        git fetch -q --tags origin '+refs/heads/*:refs/remotes/origin/*'
        if git rev-parse -q --verify "origin/$REF" >/dev/null
        then git checkout -q -B "$REF" "origin/$REF"
        else git fetch -q origin "$REF" && git checkout -q --detach "$REF"
        fi
""",
    "actions/setup-python@e797f83bcb11b83ae66e0230d6156d7c80228e7c": """\
name: setup-python
inputs:
  python-version: {default: ""}
runs:
  using: composite
  steps:
    - shell: bash
      run: "true"
""",
}


@dataclass
class Run:
    """What a workflow's run left. `summary` and `outputs` by act's own log, `log` without its prefixes."""

    code: int
    log: str

    @property
    def ok(self) -> bool:
        return self.code == 0


@dataclass
class Runner:
    """A machine that runs workflows of the repository `clone`, whose origin is `server`."""

    folder: Path
    server: Repo
    clone: Repo
    environment: dict[str, str] = field(default_factory=dict)
    """What the steps' modelreg finds in its environment, whatever act says."""

    @classmethod
    def of(cls, clone: Repo, folder: Path) -> Runner:
        """`clone` gets the shipped workflows in one commit, and a bare server as origin."""
        for name in SHIPPED:
            clone.write(name, (TOP / name).read_bytes())
        clone.commit("workflows", all=True, at=int(time.time()))
        server = clone.bare(folder / "server.git")
        runner = cls(folder, server, clone)
        bin_ = folder / "bin"
        bin_.mkdir()
        runner.program("pip", f'echo "$(git rev-parse HEAD) $*" >>{folder}/pip')
        runner.program("modelreg", runner.modelreg())
        for name, text in ACTIONS.items():
            stub = folder / name.split("@")[0].replace("/", "-")
            stub.mkdir()
            (stub / "action.yml").write_text(text)
        return runner

    def modelreg(self) -> str:
        """A script that runs the real modelreg, of this source."""
        settings = {"PYTHONPATH": str(TOP / "src"), **self.environment}
        exports = "".join(f"export {key}={shlex.quote(value)}\n" for key, value in settings.items())
        return f'{exports}exec {sys.executable} -m modelreg "$@"'

    def program(self, name: str, script: str) -> None:
        """A program that the workflow's steps find first on PATH."""
        file = self.folder / "bin" / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def act(
        self,
        workflow: str,
        event: str,
        payload: dict[str, Any],
        *options: str,
        actions: Mapping[str, Path] | None = None,
    ) -> Run:
        """Run the workflow as the clone has it checked out; `actions` are folders to take other actions from."""
        file = self.folder / "event.json"
        file.write_text(json.dumps(payload))
        cache = self.folder / "cache"
        shutil.rmtree(cache, ignore_errors=True)
        arguments = [
            Path(sys.executable).parent / "act", event,
            "--workflows", self.clone.path / ".github" / "workflows" / f"{workflow}.yml",
            "--eventpath", file, "--directory", self.clone.path, "--defaultbranch", "main",
            "--platform", "ubuntu-latest=-self-hosted", "--no-skip-checkout", "--no-cache-server",
            "--action-cache-path", cache, "--env", f"TEST_SERVER={self.server.path}",
        ]  # fmt: skip
        stubs = {name: self.folder / name.split("@")[0].replace("/", "-") for name in ACTIONS}
        for name, folder in {**stubs, **(actions or {})}.items():
            arguments += ["--local-repository", f"{name}={folder}"]
        arguments += options
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            [str(a) for a in arguments],
            env={**os.environ, "PATH": path, "DO_NOT_TRACK": "1"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False,
        )  # fmt: skip
        return Run(done.returncode, re.sub(r"\x1b\[[0-9;]*m", "", done.stdout))
