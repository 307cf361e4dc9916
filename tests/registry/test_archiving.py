"""A version comes into a stage and the others leave it, in one commit: judged move by move, the one that comes first."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from modelreg.domain.names import ModelName, Stage
from modelreg.domain.version import Version
from modelreg.errors import GateDeniedError, NotFoundError
from modelreg.registry.archiving import set_stage_alone
from modelreg.registry.register import register
from modelreg.registry.request import Request
from modelreg.registry.stage import set_stage
from modelreg.registry.workspace import Workspace
from modelreg.wiring import open_workspace
from tests.cli.runner import done, founded, modelreg
from tests.support import Repo

CHURN = ModelName("churn")
STAGING, PRODUCTION, ARCHIVED = Stage("staging"), Stage("production"), Stage("archived")
ONE, TWO, THREE = (Version.parse(text) for text in ("1.0.0", "1.0.1", "1.0.2"))
CHAMPION = """\
gates:
  - stage: production
    require: {champion: {accuracy: {not_worse_by: 0.0}}}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    repo = founded(tmp_path_factory.mktemp("made") / "repo", "--policy", "open")
    workspace = open_workspace(repo.path)
    for value in (0.9, 0.8, 0.95):
        data = [{"name": "holdout", "sha256": "0" * 64}]
        facts = {"source": {"uri": "s3://bucket/model"}, "lineage": {"data": data}}
        metrics = {"accuracy": {"value": value, "dataset": "holdout", "split": "test"}}
        register(workspace, Request(CHURN, (), metrics, facts, bump="patch", again=True))
    return repo


@pytest.fixture
def repo(made: Repo, tmp_path: Path) -> Repo:
    return made.copy(tmp_path / "repo")


@pytest.fixture
def workspace(repo: Repo) -> Workspace:
    return open_workspace(repo.path)


def test_others_leave_in_the_same_commit(workspace: Workspace, repo: Repo) -> None:
    for version in (ONE, TWO):
        set_stage(workspace, CHURN, version, PRODUCTION)
    before = int(repo.git("rev-list", "--count", "main"))
    commit = set_stage_alone(workspace, CHURN, THREE, PRODUCTION, others_to=ARCHIVED, reason="better")
    assert (commit, int(repo.git("rev-list", "--count", "main"))) == (repo.head, before + 1)
    stages = workspace.snapshot().stages(CHURN)
    assert stages.holders == {PRODUCTION: (THREE,), ARCHIVED: (ONE, TWO)}
    records = workspace.snapshot().transitions(CHURN)[2:]
    assert [(str(r.version), r.kind, r.to, r.reason) for r in records] == [
        ("1.0.2", "promote", "production", "better"),
        ("1.0.0", "archive", "archived", "better"),
        ("1.0.1", "archive", "archived", "better"),
    ]
    assert set_stage_alone(workspace, CHURN, THREE, PRODUCTION, others_to=ARCHIVED) is None
    done("validate", registry=repo.path)
    done("verify", registry=repo.path)
    assert done("stage", "get", "churn", "production", registry=repo.path).out.startswith("1.0.2")


def test_who_stands_there_already_stays_and_the_others_leave(workspace: Workspace) -> None:
    for version in (ONE, TWO):
        set_stage(workspace, CHURN, version, STAGING)
    set_stage_alone(workspace, CHURN, ONE, STAGING, others_to=ARCHIVED)
    assert workspace.snapshot().stages(CHURN).holders == {STAGING: (ONE,), ARCHIVED: (TWO,)}


def test_the_holder_is_compared_with_before_it_leaves(workspace: Workspace, repo: Repo) -> None:
    policy = repo.read("registry/policy.yaml").replace("gates: []\n", CHAMPION).replace("serial: 1", "serial: 2")
    assert CHAMPION in policy
    repo.commit("policy", {"registry/policy.yaml": policy}, at=int(time.time()))
    set_stage_alone(workspace, CHURN, ONE, PRODUCTION, others_to=ARCHIVED)
    head = repo.head
    with pytest.raises(GateDeniedError, match=r"churn@1\.0\.1 may not enter production: champion"):
        set_stage_alone(workspace, CHURN, TWO, PRODUCTION, others_to=ARCHIVED)
    assert repo.head == head
    set_stage_alone(workspace, CHURN, THREE, PRODUCTION, others_to=ARCHIVED)
    done("verify", registry=repo.path)


def test_a_move_of_another_that_is_refused_refuses_all(workspace: Workspace, repo: Repo) -> None:
    set_stage(workspace, CHURN, ONE, PRODUCTION)
    text = "access:\n  - {role: trainer, may: [promote, register], models: ['*'], stages: [production]}\nroles: {trainer: [ada@example.com]}\n"
    policy = repo.read("registry/policy.yaml").replace("serial: 1", "serial: 2") + text
    repo.commit("policy", {"registry/policy.yaml": policy}, at=int(time.time()))
    head = repo.head
    with pytest.raises(GateDeniedError, match=r"churn@1\.0\.0 may not enter archived"):
        set_stage_alone(workspace, CHURN, TWO, PRODUCTION, others_to=ARCHIVED)
    assert repo.head == head
    assert workspace.snapshot().stages(CHURN).holders == {PRODUCTION: (ONE,)}
    with pytest.raises(NotFoundError, match="the policy has no stage retired"):
        set_stage_alone(workspace, CHURN, TWO, PRODUCTION, others_to=Stage("retired"))
    assert modelreg("verify", registry=repo.path).code == 0
