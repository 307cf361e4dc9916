"""gate.yml, run by act: what it hands to the judge, and that the judge is the base's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integrations.forge import pull_request_event
from tests.support import Repo
from tests.workflows.act import Runner

NOTING = """\
{ printf '%s\\n' "$*" "at $(git rev-parse HEAD)" "head is a $(git cat-file -t "$HEAD_COMMIT" 2>&1)"; } >>NOTES
case "$*" in *--format\\ github*) echo '::error file=a.yaml,line=1,title=modelreg metrics.f1::too low';; esac
exit CODE"""


@pytest.fixture
def runner(repo: Repo, tmp_path: Path) -> Runner:
    """main with the shipped workflows; a fork's pull request 7, which the server has as objects only."""
    made = Runner.of(repo, tmp_path)
    noting(made, 0)
    return made


def noting(runner: Runner, code: int) -> None:
    """A judge that notes how it was called and exits with `code`."""
    notes = str(runner.folder / "notes")
    runner.program("modelreg", NOTING.replace("NOTES", notes).replace("CODE", str(code)))


def propose(runner: Runner, files: dict[str, str], number: int = 7) -> dict[str, Any]:
    """Commit `files` where only refs/pull/NUMBER/head names it; the event. The clone stays on main."""
    runner.clone.git("switch", "-q", "--detach")
    head = runner.clone.commit("proposal", files)
    runner.clone.git("push", "-q", "origin", f"HEAD:refs/pull/{number}/head")
    runner.clone.git("switch", "-q", "main")
    return pull_request_event(number, head=head, base=runner.clone.head, fork=True)


def notes(runner: Runner) -> list[str]:
    return (runner.folder / "notes").read_text().splitlines()


def test_the_judge_stands_on_the_base_and_has_the_head_as_objects(runner: Runner) -> None:
    event = propose(runner, {"new.txt": "x"})
    ran = runner.act("gate", "pull_request", event)
    assert ran.ok, ran.log
    call, at, head = notes(runner)
    assert call.startswith(f"gate --registry . --base HEAD --head {event['pull_request']['head']['sha']} --event /")
    assert " --format github --summary /" in call
    assert at == f"at {runner.server.rev('main')}"
    assert head == "head is a commit"


@pytest.mark.parametrize("code", [1, 4, 70])
def test_whatever_is_not_a_yes_fails_the_run(runner: Runner, code: int) -> None:
    noting(runner, code)
    ran = runner.act("gate", "pull_request", propose(runner, {"new.txt": "x"}))
    assert not ran.ok
    assert "too low" in ran.log


def test_a_head_that_is_not_there_fails_the_run(runner: Runner) -> None:
    ran = runner.act("gate", "pull_request", pull_request_event(head="d" * 40))
    assert not ran.ok
    assert not (runner.folder / "notes").exists()


def test_another_base_is_no_way_round(runner: Runner) -> None:
    event = propose(runner, {"new.txt": "x"})
    runner.clone.git("push", "-q", "origin", f"{event['pull_request']['head']['sha']}:refs/heads/lenient")
    event["pull_request"]["base"] |= {"ref": "lenient", "sha": event["pull_request"]["head"]["sha"]}
    assert runner.act("gate", "pull_request", event | {"action": "edited"}).ok
    assert notes(runner)[1] == f"at {runner.server.rev('main')}"


def test_a_review_judges_once_more(runner: Runner) -> None:
    event = propose(runner, {"new.txt": "x"}) | {"action": "dismissed", "review": {"state": "dismissed"}}
    assert runner.act("gate", "pull_request_review", event).ok
    assert "head is a commit" in notes(runner)


def test_a_group_of_the_merge_queue_is_judged_on_the_group_before(runner: Runner) -> None:
    before = propose(runner, {"a.txt": "x"})["pull_request"]["head"]["sha"]
    runner.clone.git("switch", "-q", "--detach", before)
    head = runner.clone.commit("group", {"b.txt": "x"})
    for name, commit in (("pr-1", before), ("pr-2", head)):
        runner.clone.git("push", "-q", "origin", f"{commit}:refs/heads/gh-readonly-queue/main/{name}")
    runner.clone.git("switch", "-q", "main")
    group = {"base_sha": before, "head_sha": head, "head_ref": f"refs/heads/gh-readonly-queue/main/pr-2-{before}"}
    event = {"action": "checks_requested", "merge_group": group, "repository": {"default_branch": "main"}}
    ran = runner.act("gate", "merge_group", event)
    assert ran.ok, ran.log
    call, at, _ = notes(runner)
    assert f"--base HEAD --head {head} " in call
    assert at == f"at {before}"
