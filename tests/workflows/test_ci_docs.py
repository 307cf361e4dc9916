"""docs/ci.md and docs/notifications.md: their workflows are linted, the gate is run, the session is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.runner import done
from tests.support import Repo, run
from tests.test_docs import play
from tests.threats.test_A09_workflows import BIN, zizmor
from tests.workflows.act import Runner
from tests.workflows.test_gate import notes, noting, propose

TOP = Path(__file__).parents[2]
TEXT = (TOP / "docs" / "ci.md").read_text()
NOTIFY = (TOP / "docs" / "notifications.md").read_text()
WORKFLOWS = dict(re.findall(r"<!-- workflow: ([a-z]+) -->\n```yaml\n(.*?)```", TEXT + NOTIFY, re.DOTALL))
SESSIONS = dict(re.findall(r"<!-- session: ([a-z ]+) -->\n```console\n(.*?)```", TEXT, re.DOTALL))
ACTION = "acme/modelreg@0000000000000000000000000000000000000000"


def test_the_session(repo: Repo) -> None:
    done("init", registry=repo.path)
    policy = repo.read("registry/policy.yaml").replace("production: {", "production: {via: pull-request, ")
    repo.commit("by pull request", {"registry/policy.yaml": policy})
    play(SESSIONS["demands"], repo.path)


def test_the_workflows_pass_the_linters(tmp_path: Path) -> None:
    assert set(WORKFLOWS) == {"gate", "deploy", "notify"}
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    for name, text in WORKFLOWS.items():
        (folder / f"{name}.yml").write_text(text)
    (folder / "announce.yml").write_bytes((TOP / ".github" / "workflows" / "announce.yml").read_bytes())
    run("git", "init", "-q", tmp_path)
    assert zizmor(tmp_path) == []
    done = run(BIN / "actionlint", "-no-color", "-shellcheck=", cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("code", [0, 1])
def test_the_gate_of_another_repository_installs_from_the_actions_checkout(
    repo: Repo, tmp_path: Path, code: int
) -> None:
    runner = Runner.of(repo, tmp_path)
    repo.commit("the documented gate", {".github/workflows/gate.yml": WORKFLOWS["gate"]})
    repo.git("rm", "-q", "action.yml", "requirements-core.lock")
    repo.commit("no action of its own", all=True)
    repo.git("push", "-q", "origin", "main")
    action = tmp_path / "modelreg-action"
    action.mkdir()
    for name in ("action.yml", "requirements-core.lock"):
        (action / name).write_bytes((TOP / name).read_bytes())
    noting(runner, code)
    ran = runner.act("gate", "pull_request", propose(runner, {"new.txt": "x"}), actions={ACTION: action})
    assert ran.ok is (code == 0), ran.log
    assert notes(runner)[0].startswith("gate --registry . --base HEAD ")
    assert "requirements-core.lock" in (tmp_path / "pip").read_text()
