"""A pull request from its opening to the status that lets it in: real repositories, real gate, a forge of the tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integrations.forge import REPOSITORY, TOKEN, Forge, Reply, account, pull_request_event, review, serving
from tests.proposals import propose, registry
from tests.support import Repo
from tests.workflows.act import Run, Runner


class PullRequest:
    """Pull request 7 of ann's fork: churn 1.0.0 to production."""

    def __init__(self, runner: Runner, forge: Forge, extra: dict[str, str] | None = None) -> None:
        self.runner = runner
        self.forge = forge
        self.head = propose(runner.clone, extra=extra)
        self.event = pull_request_event(head=self.head, base=runner.clone.head, fork=True)
        found = self.event["pull_request"]
        forge.paged("pulls", [found])
        forge.answers["GET pulls/7"] = found
        forge.paged("issues/7/comments", [])
        forge.answers["POST issues/7/comments"] = Reply({}, 201)
        forge.answers[f"POST statuses/{self.head}"] = Reply({}, 201)
        self.reviews()

    def reviews(self, *given: tuple[str, str]) -> None:
        self.forge.paged("pulls/7/reviews", [review(who, s, at, self.head) for at, (who, s) in enumerate(given)])

    def gate(self, event: str = "pull_request") -> Run:
        more: dict[str, Any] = {"review": {}} if event == "pull_request_review" else {}
        return self.runner.act("gate", event, self.event | more, "--secret", f"GITHUB_TOKEN={TOKEN}")

    def comment(self, event: str = "pull_request") -> str:
        """Run comment.yml; the state of the status that it set."""
        branch = self.event["pull_request"]["head"]["ref"]
        owner = {"owner": account("stranger")}
        run = {"event": event, "head_sha": self.head, "head_branch": branch, "head_repository": owner}
        payload = {"action": "completed", "workflow_run": run, "repository": {"default_branch": "main"}}
        ran = self.runner.act("comment", "workflow_run", payload, "--secret", f"GITHUB_TOKEN={TOKEN}")
        assert ran.ok, ran.log
        return str([r.body["state"] for r in self.forge.asked if r.method == "POST" and "statuses" in r.path][-1])


@pytest.fixture
def forge() -> Iterator[Forge]:
    with serving() as found:
        yield found


@pytest.fixture
def runner(repo: Repo, tmp_path: Path, forge: Forge) -> Runner:
    made = Runner.of(registry(repo, tmp_path / "files"), tmp_path)
    made.environment |= {"GITHUB_API_URL": forge.url, "GITHUB_REPOSITORY": REPOSITORY}
    made.program("modelreg", made.modelreg())
    return made


def test_refused_until_another_person_has_approved(runner: Runner, forge: Forge) -> None:
    asked = PullRequest(runner, forge)
    ran = asked.gate()
    assert not ran.ok
    assert "title=modelreg approvals" in ran.log
    assert asked.comment() == "failure"
    asked.reviews(("ann", "APPROVED"), ("bo", "APPROVED"))
    again = asked.gate("pull_request_review")
    assert again.ok, again.log
    assert asked.comment("pull_request_review") == "success"
    asked.reviews(("bo", "APPROVED"), ("bo", "DISMISSED"))
    assert not asked.gate("pull_request_review").ok
    assert asked.comment("pull_request_review") == "failure"


def test_a_lenient_policy_of_its_own_does_not_help(runner: Runner, forge: Forge) -> None:
    lenient = (
        runner.clone.read("registry/policy.yaml").replace("serial: 2", "serial: 3").replace("count: 1", "count: 0")
    )
    asked = PullRequest(runner, forge, {"registry/policy.yaml": lenient})
    asked.reviews(("bo", "APPROVED"))
    assert not asked.gate().ok
    assert asked.comment() == "failure"


def test_a_pull_request_that_does_nothing_to_the_registry(runner: Runner, forge: Forge) -> None:
    asked = PullRequest(runner, forge)
    runner.clone.git("switch", "-q", "--detach")
    asked.head = runner.clone.commit("readme", {"README.md": "more\n"})
    runner.clone.git("push", "-q", "origin", "HEAD:refs/pull/7/head", "--force")
    runner.clone.git("switch", "-q", "main")
    asked.event["pull_request"]["head"]["sha"] = asked.head
    assert asked.gate().ok
