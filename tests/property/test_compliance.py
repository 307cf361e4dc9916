"""Compliance: what must hold for any statements at any time."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from modelreg.domain.clock import is_stamp, stamp
from modelreg.domain.compliance import judge_compliance

NAMES = ["privacy-review", "bias-review"]
times = st.integers(0, 4_000_000_000).map(stamp)
statements = st.fixed_dictionaries(
    {"type": st.just("compliance"), "attestation": st.sampled_from(NAMES), "issuer": st.text(min_size=1), "at": times},
    optional={"expires": times, "document": st.fixed_dictionaries({"uri": st.text()}, optional={"sha256": st.text()})},
)


def passes(found: list[dict[str, Any]], now: str) -> list[bool]:
    return [verdict.passed for verdict in judge_compliance({"attestations": NAMES}, found, now)]


@given(st.lists(statements, max_size=5), times)
def test_passes_exactly_where_one_has_not_expired(found: list[dict[str, Any]], now: str) -> None:
    assert passes(found, now) == [
        any(s["attestation"] == name and ("expires" not in s or s["expires"] > now) for s in found) for name in NAMES
    ]


@given(st.lists(statements, max_size=5), statements, times)
def test_another_statement_never_hurts(found: list[dict[str, Any]], another: dict[str, Any], now: str) -> None:
    before, after = passes(found, now), passes([*found, another], now)
    assert all(new or not old for old, new in zip(before, after, strict=True))


@given(st.lists(statements, max_size=5), times, times)
def test_time_never_helps(found: list[dict[str, Any]], one: str, other: str) -> None:
    early, late = sorted((one, other))
    assert all(then or not now for then, now in zip(passes(found, early), passes(found, late), strict=True))


@given(st.integers(0, 4_000_000_000), st.integers(0, 4_000_000_000))
def test_stamps_compare_as_the_times_do(one: int, other: int) -> None:
    assert (stamp(one) < stamp(other)) is (one < other)
    assert is_stamp(stamp(one))


rubbish = st.none() | st.integers() | st.text() | st.lists(st.text(), max_size=2)


@given(rubbish, times)
def test_an_unreadable_expiry_never_passes(expires: Any, now: str) -> None:
    for name in NAMES:
        body = {"type": "compliance", "attestation": name, "issuer": "x", "at": now, "expires": expires}
        assert is_stamp(expires) or not any(passes([body], now))
