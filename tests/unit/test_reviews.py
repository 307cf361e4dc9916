"""Reviews: one vote per account, and the last word counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelreg.domain.reviews import Review, account_of, approving, latest


def review(account: str, state: str, at: int, commit: str = "c1") -> Review:
    return Review(account, state, commit, f"2026-11-24T10:{at:02d}:00Z")


@pytest.mark.parametrize(
    ("states", "approves"),
    [
        (["APPROVED"], True),
        (["APPROVED", "COMMENTED"], True),
        (["APPROVED", "PENDING"], True),
        (["CHANGES_REQUESTED", "APPROVED"], True),
        (["APPROVED", "CHANGES_REQUESTED"], False),
        (["APPROVED", "DISMISSED"], False),
        (["COMMENTED"], False),
        (["approved"], False),
        (["APPROVE"], False),
        ([], False),
    ],
)
def test_the_last_decision_counts(states: list[str], approves: bool) -> None:
    given_ = [review("ann", state, at) for at, state in enumerate(states)]
    assert [r.account for r in approving(given_)] == (["ann"] if approves else [])


def test_time_orders_not_the_list() -> None:
    assert approving([review("ann", "CHANGES_REQUESTED", 2), review("ann", "APPROVED", 1)]) == ()


def test_an_account_is_one_in_any_case() -> None:
    assert len(approving([review("Ann", "APPROVED", 1), review("ann", "APPROVED", 2)])) == 1


def test_what_was_approved_before_the_last_push() -> None:
    given_ = [review("ann", "APPROVED", 1, "old"), review("bob", "APPROVED", 2, "head")]
    assert [r.account for r in approving(given_, commit="head")] == ["bob"]


@pytest.mark.parametrize(
    ("email", "account"),
    [
        ("12345+ann@users.noreply.github.com", "ann"),
        ("ann@users.noreply.github.com", "ann"),
        ("41898282+github-actions[bot]@users.noreply.github.com", "github-actions[bot]"),
        ("ann@example.org", None),
        ("x+ann@users.noreply.github.com", None),
        ("ann@users.noreply.github.com.evil.example", None),
        ("ann@users.noreply.github.com\n", None),
    ],
)
def test_an_address_that_the_forge_gives_out_names_an_account(email: str, account: str | None) -> None:
    assert account_of(email) == account


@given(st.lists(st.builds(review, st.sampled_from("abc"), st.sampled_from(["APPROVED", "DISMISSED", "COMMENTED"]),
                          st.integers(0, 59))))  # fmt: skip
def test_at_most_one_vote_each(reviews: list[Review]) -> None:
    accounts = [r.account for r in latest(reviews)]
    assert len(accounts) == len(set(accounts))
    assert set(approving(reviews)) <= set(reviews)
