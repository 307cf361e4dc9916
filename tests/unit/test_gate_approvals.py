from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelreg.domain.approvals import Tally, change_votes, review_votes, reviewers, signed_votes
from modelreg.domain.checks_people import check_approvals
from modelreg.domain.clock import seconds
from modelreg.domain.context import FORGE, Candidate, Context, Facts
from modelreg.domain.evidence import Evidence
from modelreg.domain.policy import Policy
from modelreg.domain.reviews import Review
from modelreg.domain.verdict import Verdict
from tests.samples import AT, manifest, standard, transition

NOW = seconds(AT) or 0
ANN, BO, CY, EVE = (f"{name}@example.org" for name in ("ann", "bo", "cy", "eve"))
WANTED = {"version": "1.0.0", "from": "development", "to": "staging", "gate_sha256": "0" * 64, "entry": 0}
LATER, EARLIER = "2026-11-25T12:30:00Z", "2026-11-20T12:30:00Z"


def approval(
    by: str, other: dict[str, Any] | None = None, *, signer: str | None = "", name: str = "", **fields: Any
) -> Evidence:
    """What a person says, signed by them unless told otherwise."""
    body = {"type": "approval", "by": by, "at": AT, "not_after": LATER, **WANTED, **(other or {}), **fields}
    return Evidence(f"evidence/{name or by}.yaml", body, on_base=False, signer=by if signer == "" else signer)


def withdrawal(by: str, of: str, signer: str | None = "") -> Evidence:
    body = {"type": "approval-withdrawal", "by": by, "approval": f"{of}.yaml"}
    return Evidence("evidence/w.yaml", body, on_base=False, signer=by if signer == "" else signer)


def people(**changes: Any) -> Policy:
    accounts = {ANN: {"github": "ann"}, BO: {"github": "Bo"}, CY: {"gitlab": "cy"}, EVE: {"github": "eve"}}
    return standard(people=accounts, roles={"reviewer": [ANN, BO, CY]}, **changes)


def counted(
    *evidence: Evidence, eligible: Sequence[str] | None = (ANN, BO), now: int = NOW, days: float | None = None
) -> Tally:
    members = None if eligible is None else frozenset(eligible)
    return signed_votes(evidence, WANTED, members, {EVE: "proposed the change"}, now, days)


@pytest.mark.parametrize(
    ("vote", "trouble"),
    [
        (approval(ANN), ""),
        (approval(ANN, signer=None), "not signed"),
        (approval(CY), "not in the role"),
        (approval(EVE), "proposed the change"),
        (approval(EVE.upper()), "proposed the change"),
        (approval(ANN, version="1.0.1"), "another version"),
        (approval(ANN, gate_sha256="1" * 64), "the policy has changed"),
        (approval(ANN, entry=1), "it has been used"),
        (approval(ANN, entry="0"), "it has been used"),
        (approval(ANN, {"from": None}), "stage to come from"),
        (approval(ANN, not_after=EARLIER), "expired"),
        (approval(ANN, not_after=AT), ""),
        (approval(ANN, not_after="2027-02-31T00:00:00Z"), "future"),
        (approval(ANN, at=LATER), "future"),
        (approval(ANN, at="2026-11-24T12:34:59Z"), ""),
        (approval(ANN, at="2026-11-24T12:35:01Z"), "future"),
        (approval(ANN, at="2026-13-01T00:00:00Z"), "future"),
    ],
)
def test_a_signed_vote(vote: Evidence, trouble: str) -> None:
    found = counted(vote)
    assert found.persons == (() if trouble else (str(vote.signer),))
    assert len(found.refused) == bool(trouble)
    assert all(trouble in text for text in found.refused)


@pytest.mark.parametrize(("days", "counts"), [(None, True), (4, True), (3.9, False), (0, False)])
def test_a_vote_gets_old(days: float | None, counts: bool) -> None:
    old = approval(ANN, at=EARLIER)
    assert bool(counted(old, days=days).persons) is counts


def test_a_person_votes_once_and_may_take_it_back() -> None:
    assert counted(approval(ANN, name="a"), approval(ANN, name="b")).persons == (ANN,)
    assert counted(approval(ANN, name="a"), withdrawal(ANN, "a")).persons == ()
    assert counted(approval(ANN, name="a"), withdrawal(ANN, "a"), approval(ANN, name="b")).persons == (ANN,)
    assert counted(approval(ANN, name="a"), withdrawal(ANN, "b")).persons == (ANN,)
    assert counted(approval(ANN, name="a"), withdrawal(BO, "a")).persons == (ANN,), "another's word does not end it"
    assert counted(approval(ANN, name="a"), withdrawal(ANN, "a", signer=None)).persons == (ANN,)


def test_without_a_role_anybody_else_counts() -> None:
    assert counted(approval(CY), approval(EVE), eligible=None).persons == (CY,)
    assert counted(approval(CY), eligible=()).persons == ()


@pytest.mark.parametrize(
    ("changes", "signer", "persons"),
    [
        ({}, ANN, (ANN,)),
        ({}, None, ()),
        ({}, EVE, ()),
        ({}, CY, ()),
        ({"not_after": EARLIER}, ANN, ()),
        ({"not_after": "2027-02-31T00:00:00Z"}, ANN, ()),
        ({"paths": {"registry/policy.yaml": {"old": None, "new": "2"}}}, ANN, ()),
        ({"paths": {}}, ANN, ()),
        ({"registry": "1"}, ANN, ()),
    ],
)
def test_votes_on_a_change_of_the_rules(changes: dict[str, Any], signer: str | None, persons: tuple[str, ...]) -> None:
    wanted = {"registry": "0", "paths": {"registry/policy.yaml": {"old": "0", "new": "1"}}}
    body = wanted | {"by": ANN, "not_after": LATER} | changes
    found = change_votes([(body, signer)], wanted, frozenset((ANN, EVE)), {EVE: "wrote the change"}, NOW)
    assert found.persons == persons


def reviews(*accounts: str) -> list[Review]:
    return [Review(account, "APPROVED", "0" * 40, AT) for account in accounts]


def test_reviews_count_by_person() -> None:
    def found(*accounts: str) -> tuple[str, ...]:
        return review_votes(reviews(*accounts), people(), frozenset((ANN, BO, CY)), {ANN: "registered"}, FORGE).persons

    assert found("bo") == found("BO", "bo", "eve", "ann", "cy", "nobody[bot]") == (BO,)
    assert found() == ()


def test_whose_review_would_have_counted() -> None:
    assert reviewers(people(), frozenset((ANN, BO, CY)), {ANN: "registered"}, FORGE) == {BO}
    assert reviewers(people(), None, {}, FORGE) == {ANN, BO, EVE}
    twice = standard(people={ANN: {"github": "x"}, BO: {"github": "X"}})
    assert reviewers(twice, None, {}, FORGE) == frozenset(), "an account of two is nobody's"
    assert reviewers(standard(), None, {}, FORGE) == frozenset()


def asked(requirement: dict[str, Any], *evidence: Evidence, policy: Policy | None = None, **facts: Any) -> Verdict:
    context = Context(
        candidate=Candidate(manifest(), evidence=evidence),
        holder=None,
        transition=transition("1.0.0", "staging"),
        facts=Facts(now=NOW, **facts),
        primary_metric=None,
        policy=policy or people(),
        barred={EVE: "proposed the change"},
        wanted=WANTED,
    )
    (verdict,) = check_approvals(requirement, context)
    assert verdict.passed is (not verdict.reason)
    return verdict


TWO = {"count": 2, "role": "reviewer"}


@pytest.mark.parametrize(
    ("requirement", "signed", "accounts", "passed"),
    [
        (TWO, (ANN, BO), None, True),
        (TWO, (ANN,), None, False),
        (TWO, (ANN,), ("bo",), True),
        (TWO, (ANN,), ("ann",), False),
        (TWO, (), ("ann", "bo"), True),
        (TWO | {"from": ["signature"]}, (ANN,), ("bo",), False),
        (TWO | {"from": ["forge"]}, (ANN, BO), ("bo",), False),
        (TWO | {"from": ["forge"]}, (ANN, BO), None, False),
        (TWO | {"from": ["forge"]}, (), ("ann", "bo"), True),
        ({"count": 1}, (CY,), None, True),
        ({"count": 1}, (EVE,), ("eve",), False),
        ({"count": 1, "role": "nobody"}, (ANN,), ("bo",), False),
    ],
)
def test_enough_of_them(
    requirement: dict[str, Any], signed: tuple[str, ...], accounts: tuple[str, ...] | None, passed: bool
) -> None:
    given = None if accounts is None else tuple(reviews(*accounts))
    assert asked(requirement, *map(approval, signed), reviews=given).passed is passed


@pytest.mark.parametrize(
    "requirement",
    [
        *({"count": bad} for bad in (0, -1, True, "1", 1.0, None)),
        *({}, {"count": 1, "roles": "reviewer"}, {"count": 1, "from": ["mail"]}, {"count": 1, "valid_days": "7"}),
        {"count": 1, "valid_days": float("nan")},
    ],
)
def test_a_requirement_that_is_not_known_fails(requirement: dict[str, Any]) -> None:
    assert asked(requirement, approval(ANN), approval(BO)).reason == "the requirement is not known"


def test_what_is_judged_again() -> None:
    """Reviews of the forge are not on record: they stand in for votes only where there were persons to give them."""
    assert not asked(TWO, approval(ANN), again=True).judged
    assert asked(TWO, approval(ANN), again=True).passed
    assert not asked(TWO | {"from": ["signature"]}, approval(ANN), again=True).passed
    nobody = standard(roles={"reviewer": [ANN, BO, CY]})
    assert not asked(TWO, approval(ANN), again=True, policy=nobody).passed
    one = standard(roles={"reviewer": [ANN, BO, CY]}, people={ANN: {"github": "ann"}})
    assert not asked(TWO, approval(ANN), again=True, policy=one).passed, "her review is no second person's"
    assert asked(TWO, approval(BO), again=True, policy=one).passed
    assert asked(TWO, approval(ANN), approval(BO), again=True).judged


def test_no_policy_no_persons() -> None:
    context = Context(
        Candidate(manifest(), evidence=(approval(ANN),)), None, transition("1.0.0", "staging"), Facts(), None
    )
    assert [verdict.passed for verdict in check_approvals({"count": 1}, context)] == [False]


voters = st.sampled_from([ANN, BO, CY, EVE])


@given(st.lists(st.tuples(voters, st.none() | voters, st.booleans())), st.integers(1, 4))
def test_never_more_votes_than_persons_who_signed_and_may(
    votes: list[tuple[str, str | None, bool]], count: int
) -> None:
    evidence = [
        approval(by, signer=signer, name=str(n), entry=0 if fits else 1) for n, (by, signer, fits) in enumerate(votes)
    ]
    real = {signer for _, signer, fits in votes if fits and signer in (ANN, BO, CY)}
    assert asked(TWO | {"count": count}, *evidence).passed is (len(real) >= count)
