"""`gate` from the command line: who proposes and who reviewed, the forms of its report, and where they go."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.runner import Result, modelreg
from tests.integrations.forge import REPOSITORY, TOKEN, Forge, Reply, pull_request_event, review, serving
from tests.proposals import propose, registry
from tests.support import Repo


@pytest.fixture
def forge(monkeypatch: pytest.MonkeyPatch) -> Iterator[Forge]:
    with serving() as found:
        monkeypatch.setenv("GITHUB_API_URL", found.url)
        monkeypatch.setenv("GITHUB_REPOSITORY", REPOSITORY)
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        yield found


@pytest.fixture
def head(repo: Repo, tmp_path: Path) -> str:
    return propose(registry(repo, tmp_path / "files"))


def gate(repo: Repo, head: str, *options: str | Path) -> Result:
    return modelreg("gate", "--base", "main", "--head", head, *options, registry=repo.path)


def event(folder: Path, head: str, author: str = "ann", base: str = "main") -> Path:
    file = folder / "event.json"
    payload = pull_request_event(head=head)
    payload["pull_request"]["base"]["ref"] = base
    payload["pull_request"]["user"]["login"] = author
    file.write_text(json.dumps(payload))
    return file


@pytest.mark.parametrize(
    ("reviews", "code"),
    [
        ([("bo", "APPROVED", "head")], 0),
        ([("BO", "APPROVED", "head")], 0),
        ([], 1),
        ([("ann", "APPROVED", "head")], 1),
        ([("stranger", "APPROVED", "head")], 1),
        ([("bo", "APPROVED", "c" * 40)], 1),
        ([("bo", "COMMENTED", "head")], 1),
        ([("bo", "APPROVED", "head"), ("bo", "CHANGES_REQUESTED", "head")], 1),
        ([("bo", "APPROVED", "head"), ("bo", "DISMISSED", "head")], 1),
        ([("bo", "CHANGES_REQUESTED", "head"), ("bo", "APPROVED", "head")], 0),
    ],
)
def test_a_review_by_another_person_of_this_very_head(
    repo: Repo, tmp_path: Path, forge: Forge, head: str, reviews: list[tuple[str, str, str]], code: int
) -> None:
    forge.paged(
        "pulls/7/reviews",
        [review(who, state, at, head if c == "head" else c) for at, (who, state, c) in enumerate(reviews)],
    )
    said = gate(repo, head, "--event", event(tmp_path, head))
    assert said.code == code, said.out


@pytest.mark.parametrize(("reviewer", "code"), [("cy", 1), ("bo", 0)])
def test_who_filled_in_a_form_proposed_though_a_bot_opened_it(
    repo: Repo, tmp_path: Path, forge: Forge, reviewer: str, code: int
) -> None:
    registry(repo, tmp_path / "files")
    policy = repo.read("registry/policy.yaml").replace("people:\n", "people:\n  cy@example.org: {github: cy}\n")
    policy = policy.replace("serial: 2", "serial: 3").replace("bo@example.org]", "bo@example.org, cy@example.org]")
    repo.commit("cy is a reviewer", {"registry/policy.yaml": policy}, at=int(time.time()))
    head = propose(repo, by="12345+cy@users.noreply.github.com")
    forge.paged("pulls/7/reviews", [review(reviewer, "APPROVED", 1, head)])
    said = gate(repo, head, "--event", event(tmp_path, head, "modelreg-app[bot]"))
    assert said.code == code, said.out


def test_a_bots_review_counts_for_nobody(repo: Repo, tmp_path: Path, forge: Forge, head: str) -> None:
    forge.paged("pulls/7/reviews", [review("bo", "APPROVED", 1, head, type_="Bot")])
    assert gate(repo, head, "--event", event(tmp_path, head)).code == 1


def test_an_approval_for_another_base_counts_for_nothing(repo: Repo, tmp_path: Path, forge: Forge, head: str) -> None:
    forge.paged("pulls/7/reviews", [review("bo", "APPROVED", 1, head)])
    assert gate(repo, head, "--event", event(tmp_path, head)).code == 0
    assert gate(repo, head, "--event", event(tmp_path, head, base="sandbox")).code == 1


@pytest.mark.parametrize("reply", [Reply({}, 403), Reply({}, 500), Reply(raw=b"["), Reply({})])
def test_a_forge_that_does_not_answer_is_cannot_decide(
    repo: Repo, tmp_path: Path, forge: Forge, head: str, reply: Reply
) -> None:
    forge.answers["GET pulls/7/reviews"] = reply
    output = tmp_path / "report.json"
    said = gate(repo, head, "--event", event(tmp_path, head), "--format", "json", "--output", output)
    assert said.code == 4
    assert not output.exists()


def test_without_a_forge_nobody_approved(repo: Repo, head: str) -> None:
    said = gate(repo, head, "--format", "json")
    assert said.code == 1
    checks = said.json("gate")["changes"][0]["checks"]
    assert [check["check"] for check in checks if not check["passed"]] == ["approvals"]


def test_reviews_from_a_file(repo: Repo, tmp_path: Path, head: str) -> None:
    file = tmp_path / "reviews.json"
    given = {"account": "bo", "state": "APPROVED", "commit": head, "submitted_at": "2026-11-24T10:00:00Z"}
    file.write_text(json.dumps([given]))
    assert gate(repo, head, "--reviews", file).code == 0
    file.write_text(json.dumps([given | {"commit": "c" * 40}]))
    assert gate(repo, head, "--reviews", file).code == 1
    for bad in ("", "{}", "[1]", json.dumps([given | {"state": "approved"}]), json.dumps([given | {"x": ""}])):
        file.write_text(bad)
        assert gate(repo, head, "--reviews", file).code == 1
    assert gate(repo, head, "--reviews", tmp_path / "none").code == 4
    assert gate(repo, head, "--reviews", file, "--event", file).code == 2


def test_the_forms(repo: Repo, tmp_path: Path, head: str) -> None:
    assert "    approvals: expected 1 of reviewer, found 0" in gate(repo, head).out
    assert gate(repo, head, "--format", "markdown").out.startswith("### modelreg: ❌ refused (1 change, ")
    assert json.loads(gate(repo, head, "--format", "sarif").out)["runs"][0]["results"][0]["ruleId"] == "approvals"
    assert gate(repo, head, "--format", "json").json("gate")["allowed"] is False
    assert gate(repo, head, "--format", "xml").code == 2


def test_annotations_and_a_fenced_log(repo: Repo, tmp_path: Path, head: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    summary = tmp_path / "summary"
    summary.write_text("before\n")
    lines = gate(repo, head, "--format", "github", "--summary", summary).out.splitlines()
    assert lines[0].startswith("::stop-commands::")
    assert lines[-2] == f"::{lines[0].removeprefix('::stop-commands::')}::"
    assert lines[-1].startswith("::error file=registry/churn/transitions/0002.yaml,line=1,title=modelreg approvals::")
    assert summary.read_text().startswith("before\n### modelreg: ❌ refused")


def test_a_report_in_a_file(repo: Repo, tmp_path: Path, head: str) -> None:
    output = tmp_path / "report.json"
    said = gate(repo, head, "--format", "json", "--output", output)
    assert said.code == 1
    assert json.loads(output.read_text())["head"] == head
    assert said.out.splitlines()[-1] == "refused"
    assert gate(repo, head, "--format", "json", "--output", tmp_path / "none" / "x").code == 4
    assert gate(repo, head, "--format", "github", "--output", output).code == 2
