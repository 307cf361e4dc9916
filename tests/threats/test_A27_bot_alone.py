"""A27: a job of CI, with its token or its key, promotes by itself what takes people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.keys import Key, make_key
from tests.threats.lab import BO, CY, Lab, copy_of, found, policy

BOT = "bot@example.org"


def rules() -> dict[str, Any]:
    """Production takes two reviewers, the bot is one of them; staging may be proposed by it, and promoted by Bo."""
    body = policy()
    body["gates"][-1]["require"]["approvals"] = {"count": 2, "role": "reviewer"}
    accounts = {BOT: {"github": "deploy-bot"}, BO: {"github": "Bo"}, CY: {"github": "cy"}}
    roles = {"reviewer": [BOT, BO, CY], "platform": [BO], "ci": [BOT], "all": ["ada@example.com", BO, BOT]}
    access = [
        {"role": "all", "may": ["register"], "models": ["*"]},
        {"role": "ci", "may": ["propose"], "models": ["*"], "stages": ["staging", "production"]},
        {"role": "reviewer", "may": ["approve"], "models": ["*"]},
        {"role": "platform", "may": ["promote"], "models": ["*"]},
    ]
    return body | {"people": accounts, "roles": roles, "access": access}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, bos: Key, cys: Key) -> Lab:
    folder = tmp_path_factory.mktemp("bots")
    lab = found(folder, rules(), {BOT: make_key(folder / "bot"), BO: bos, CY: cys})
    lab.register(0.9)
    lab.commit(lab.move("1.0.0", "staging", by=BO))
    assert lab.verified() == []
    return lab


@pytest.fixture
def lab(made: Lab, tmp_path: Path) -> Lab:
    return copy_of(made, tmp_path)


def proposed(lab: Lab, *voters: str, by: str = BOT, signed: bool = True) -> list[str]:
    """The proposal of production, with signed approvals of these; what the gate has against it."""
    files = lab.move("1.0.0", "production", by=by, key=lab.keys[by] if signed else None)
    with lab.branch():
        lab.commit(files)
        for voter in voters:
            lab.commit(lab.vote(files, by=voter))
    return lab.refused()


def reviewed(lab: Lab, *accounts: str) -> list[str]:
    """As the forge says it: these accounts approved the head."""
    entries = [
        {"account": a, "state": "APPROVED", "commit": lab.repo.rev("topic"), "submitted_at": "2026-11-25T12:00:00Z"}
        for a in accounts
    ]
    path = lab.top.parent / "reviews.json"
    path.write_text(json.dumps(entries))
    return lab.refused("topic", "--reviews", path)


def test_its_own_key_says_nothing_for_its_own_proposal(lab: Lab) -> None:
    assert proposed(lab) == ["approvals"]
    assert proposed(lab, BOT) == ["approvals"]
    assert proposed(lab, BOT, BO) == ["approvals"]
    assert proposed(lab, BO, CY) == []


def test_for_another_s_proposal_it_is_one_vote(lab: Lab) -> None:
    assert proposed(lab, BOT, by=BO) == ["approvals"]
    assert proposed(lab, BOT, CY, by=BO) == []


def test_reviews_of_accounts_that_are_mapped_to_nobody(lab: Lab) -> None:
    assert proposed(lab) == ["approvals"]
    for accounts in (
        ("github-actions[bot]", "dependabot[bot]"),
        ("deploy-bot", "deploy-bot", "DEPLOY-BOT"),
        ("deploy-bot", "bo"),
        ("bo", "BO"),
        ("", "bo"),
        ("cy",),
    ):
        if "" not in accounts:
            assert reviewed(lab, *accounts) == ["approvals"], accounts
    assert reviewed(lab, "bo", "cy") == []


def test_a_review_and_a_signature_of_one_person_are_one_vote(lab: Lab) -> None:
    assert proposed(lab, BO) == ["approvals"]
    assert reviewed(lab, "bo", "deploy-bot") == ["approvals"]
    assert reviewed(lab, "cy") == []


def test_it_may_propose_and_not_do(lab: Lab) -> None:
    """Directly it would need `promote`; for archiving it has no permission either way."""
    lab.register(0.9)
    lab.repo.git("config", "user.email", BOT)
    result = lab.run("stage", "set", "churn", "1.0.1", "staging")
    assert result.code == 1
    assert "access" in result.err + result.out
    with lab.branch():
        lab.commit(lab.move("1.0.1", "staging", by=BOT))
    assert lab.refused() == []
    with lab.branch():
        lab.commit(lab.move("1.0.1", "archived", by=BOT))
    assert lab.refused() == ["access"]


def test_a_record_in_the_name_of_a_person_is_not_signed_by_the_bot(lab: Lab, tmp_path: Path, bos: Key) -> None:
    """Where the stage takes signed records only, a name alone is nothing."""
    body = rules()
    body["stages"]["staging"] = {**body["stages"]["staging"], "signed": True}
    strict = found(tmp_path / "strict", body, lab.keys)
    strict.register(0.9)
    for by, key, refused in (
        (BO, lab.keys[BOT], True),
        (BO, None, True),
        (BO, bos, False),
        (BOT, lab.keys[BOT], False),
    ):
        with strict.branch():
            strict.commit(strict.move("1.0.0", "staging", by=by, key=key))
        assert strict.refused() == (["signed"] if refused else [])


def test_verify_says_so_of_what_it_landed_by_itself(lab: Lab) -> None:
    """That enough people have accounts on the forge leaves it open; that they have none does not."""
    files = lab.move("1.0.0", "production", by=BOT)
    assert lab.land({**files, **lab.vote(files, by=BOT)}) == []
    assert lab.run("verify", "--offline", "--strict").code == 3
