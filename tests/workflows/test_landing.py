"""announce.yml and propose.yml, run by act with the real modelreg."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests import proposals
from tests.cli.runner import done
from tests.cli.test_announce import registry
from tests.support import Repo
from tests.workflows.act import Runner


def test_a_landing_is_announced_and_deploy_jobs_learn_of_it(repo: Repo, tmp_path: Path) -> None:
    registry(repo, tmp_path / "files", announce="ci")
    runner = Runner.of(repo, tmp_path)
    before = repo.git("rev-parse", "HEAD~2")
    event = {"before": before, "after": repo.head, "ref": "refs/heads/main", "repository": {"default_branch": "main"}}
    ran = runner.act("announce", "push", event)
    assert ran.ok, ran.log
    assert runner.server.git("tag", "--list", "churn#*").split() == [
        "churn#production#3",
        "churn#staging!#2",
        "churn#staging#1",
        "churn#staging#4",
    ]
    match = re.search(r"::set-output:: landed=(.*)", ran.log)
    assert match, ran.log
    assert [(e["version"], e["to"]) for e in json.loads(match[1])] == [("1.0.1", "staging")]
    done("verify", registry=repo.path)
    assert runner.act("announce", "push", event).ok, "a second run finds nothing to do"


def test_a_form_becomes_a_proposal_in_the_name_of_who_filled_it_in(repo: Repo, tmp_path: Path) -> None:
    runner = Runner.of(proposals.registry(repo, tmp_path / "files"), tmp_path)
    inputs = {"model": "churn", "version": "1.0.0", "stage": "production", "reason": "better; $(touch X)"}
    event = {"inputs": inputs, "repository": {"default_branch": "main"}}
    ran = runner.act("propose", "workflow_dispatch", event, "--actor", "ann")
    assert ran.ok, ran.log
    branch = "promote/churn/1.0.0/production"
    assert "+ann@users.noreply.github.com" in runner.server.git("log", "-1", "--format=%ae", branch)
    record = runner.server.show("registry/churn/transitions/0002.yaml", branch)
    assert "better; $(touch X)" in record
    assert runner.server.rev("main") == repo.head
