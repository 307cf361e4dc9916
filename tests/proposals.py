"""A registry that lets nobody into production but by pull request, and a pull request that asks for it."""

from __future__ import annotations

import time
from pathlib import Path

from modelreg.domain.names import ModelName, Stage
from modelreg.domain.version import Version
from modelreg.registry.judging import Circumstances
from modelreg.registry.moving import Wish, draft
from modelreg.wiring import open_workspace
from tests.cli.runner import artifact, done, metrics
from tests.support import Repo

AUTHOR, REVIEWER = "ada@example.com", "bo@example.org"
POLICY = """\
format: 1
serial: 2
initial: development
stages:
  development: {from: [staging]}
  staging: {from: [development]}
  production: {from: [staging], exclusive: true, displaced_to: staging, protected: true, via: pull-request}
gates:
  - stage: production
    require:
      metrics: {f1: {min: FLOOR}}
      approvals: {count: 1, role: reviewer, from: [forge]}
people:
  ada@example.com: {github: ann}
  bo@example.org: {github: bo}
roles:
  reviewer: [ada@example.com, bo@example.org]
"""


def registry(repo: Repo, files: Path, *, floor: float = 0.7) -> Repo:
    """churn 1.0.0 stands in staging; production asks for f1 of at least `floor`, and for a review by another."""
    done("init", registry=repo.path)
    done("register", "churn", artifact(files, "one"), "--metrics", metrics(files, 0.8), registry=repo.path)
    done("stage", "set", "churn", "1.0.0", "staging", registry=repo.path)
    repo.commit("policy", {"registry/policy.yaml": POLICY.replace("FLOOR", str(floor))}, at=int(time.time()))
    return repo


def propose(repo: Repo, number: int = 7, extra: dict[str, str] | None = None, by: str = AUTHOR) -> str:
    """Pull request NUMBER: churn 1.0.0 to production, and `extra` files. Origin has it as refs/pull/NUMBER/head only;
    the branch that is checked out stays. The commit's id."""
    workspace = open_workspace(repo.path)
    wish = Wish(ModelName("churn"), Version.parse("1.0.0"), Stage("production"), by, "it is good")
    made = draft(workspace, workspace.snapshot(), wish, Circumstances(workspace.clock(), via="pull-request"))
    repo.git("switch", "-q", "--detach")
    head = repo.commit("promote churn", {**made.files, **(extra or {})}, at=int(time.time()))
    if "origin" in repo.git("remote"):
        repo.git("push", "-q", "origin", f"HEAD:refs/pull/{number}/head")
    repo.git("switch", "-q", "main")
    return head
