"""announce.yml, run by act."""

from __future__ import annotations

import json
import re
from pathlib import Path

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
