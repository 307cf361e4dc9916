"""comment.yml, run by act against a forge of the tests: one comment, one status, and nothing believed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelreg.domain.gate_report import GateReport
from tests.integrations.forge import REPOSITORY, TOKEN, Forge, Reply, account, pull_request_event, serving
from tests.support import Repo
from tests.unit.reports.samples import FILE, MET, UNMET
from tests.unit.reports.samples import change as changed
from tests.workflows.act import Runner


@pytest.fixture
def forge() -> Iterator[Forge]:
    with serving() as found:
        yield found


@pytest.fixture
def runner(repo: Repo, tmp_path: Path, forge: Forge) -> Runner:
    made = Runner.of(repo, tmp_path)
    made.environment |= {"GITHUB_API_URL": forge.url, "GITHUB_REPOSITORY": REPOSITORY}
    return made


def run_event(runner: Runner, forge: Forge, files: dict[str, str], kind: str = "pull_request") -> dict[str, Any]:
    """A fork's pull request 7, which the forge knows; the event that its gate's run raises."""
    runner.clone.git("switch", "-q", "--detach")
    head = runner.clone.commit("proposal", files)
    runner.clone.git("push", "-q", "origin", "HEAD:refs/pull/7/head")
    runner.clone.git("switch", "-q", "main")
    found = pull_request_event(head=head, base=runner.clone.head, fork=True)["pull_request"]
    forge.paged("pulls", [found])
    forge.answers["GET pulls/7"] = found
    forge.paged("issues/7/comments", [])
    forge.answers["POST issues/7/comments"] = Reply({}, 201)
    forge.answers[f"POST statuses/{head}"] = Reply({}, 201)
    branch = "promote/churn" if kind != "merge_group" else f"gh-readonly-queue/main/pr-7-{runner.clone.head}"
    run = {"event": kind, "head_sha": head, "head_branch": branch, "head_repository": {"owner": account("stranger")}}
    return {"action": "completed", "workflow_run": run, "repository": {"default_branch": "main"}}


def judging(runner: Runner, report: GateReport | None, code: int) -> None:
    """A judge that gives this report; `forge` is modelreg's own."""
    given = runner.folder / "given.json"
    if report is not None:
        given.write_text(json.dumps(report.to_mapping()))
    judge = f"""\
if test "$1" = gate; then
  echo "$*" >>{runner.folder}/calls
  while test "$#" -gt 0; do test "$1" = --output && cp {given} "$2"; shift; done
  exit {code}
fi
"""
    runner.program("modelreg", judge + runner.modelreg())


def written(forge: Forge) -> list[tuple[str, Any]]:
    return [(r.path.split("/")[4], r.body) for r in forge.asked if r.method != "GET"]


@pytest.mark.parametrize(("verdict", "code", "state"), [(MET, 0, "success"), (UNMET, 1, "failure")])
def test_the_status_and_the_comment(runner: Runner, forge: Forge, verdict: Any, code: int, state: str) -> None:
    event = run_event(runner, forge, {"new.txt": "x"})
    head = event["workflow_run"]["head_sha"]
    judging(runner, GateReport("a" * 40, head, (changed(verdict),), ()), code)
    ran = runner.act("comment", "workflow_run", event, "--secret", f"GITHUB_TOKEN={TOKEN}")
    assert ran.ok, ran.log
    (status, comment) = written(forge)
    assert (status[0], status[1]["state"], status[1]["context"]) == ("statuses", state, "modelreg/gate")
    assert comment[0] == "issues"
    assert FILE in comment[1]["body"]
    call = (runner.folder / "calls").read_text()
    assert f"--base HEAD --head {head} " in call
    assert "--format json" in call
    assert {request.token for request in forge.asked} == {TOKEN}


@pytest.mark.parametrize("code", [4, 70])
def test_a_gate_that_cannot_decide_is_an_error(runner: Runner, forge: Forge, code: int) -> None:
    event = run_event(runner, forge, {"new.txt": "x"})
    judging(runner, None, code)
    ran = runner.act("comment", "workflow_run", event, "--secret", f"GITHUB_TOKEN={TOKEN}")
    assert not ran.ok
    assert [(what, body["state"]) for what, body in written(forge)] == [("statuses", "error")]


def test_a_head_that_moved_on_gets_nothing(runner: Runner, forge: Forge) -> None:
    event = run_event(runner, forge, {"new.txt": "x"})
    judging(runner, GateReport("a" * 40, event["workflow_run"]["head_sha"], (changed(MET),), ()), 0)
    forge.paged("pulls", [])
    assert not runner.act("comment", "workflow_run", event, "--secret", f"GITHUB_TOKEN={TOKEN}").ok
    assert written(forge) == []


def test_a_group_of_the_merge_queue_gets_a_status_only(runner: Runner, forge: Forge) -> None:
    event = run_event(runner, forge, {"new.txt": "x"}, "merge_group")
    head = event["workflow_run"]["head_sha"]
    judging(runner, GateReport("a" * 40, head, (changed(MET),), ()), 0)
    ran = runner.act("comment", "workflow_run", event, "--secret", f"GITHUB_TOKEN={TOKEN}")
    assert ran.ok, ran.log
    assert [(what, body["state"]) for what, body in written(forge)] == [("statuses", "success")]
    assert f"--base {head}^1 --head {head} " in (runner.folder / "calls").read_text()
