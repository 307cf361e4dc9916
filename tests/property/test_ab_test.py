"""A/B tests: what must hold for any counts and moments (threat A30: nothing but real numbers passes)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from modelreg.adapters import schema
from modelreg.domain.ab_statistics import Outcome, analyse
from modelreg.domain.ab_test import judge_ab_test
from modelreg.domain.document import Document
from modelreg.domain.metric import Direction
from modelreg.errors import InvalidError
from tests.samples import ab_test, moments, rates

directions: st.SearchStrategy[Direction] = st.sampled_from(["higher", "lower"])
levels = st.floats(0, 1, exclude_min=True, exclude_max=True)
usual = st.sampled_from([0.1, 0.05, 0.01, 0.001])
proportions = st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
usual_means = st.fixed_dictionaries(
    {"n": st.integers(2, 10**5), "mean": st.floats(-1e3, 1e3), "sd": st.floats(0.01, 1e3)}
)
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.integers(10**300, 10**320)
spreads = st.floats(0, allow_nan=False, allow_infinity=False) | st.integers(0, 10**320)
counts = st.integers(1, 100) | st.integers(1, 2**53)
hits = counts.flatmap(lambda n: st.fixed_dictionaries({"n": st.just(n), "successes": st.integers(0, n)}))
any_means = st.fixed_dictionaries({"n": counts, "mean": numbers}).flatmap(
    lambda arm: (
        st.fixed_dictionaries({"sd": spreads} | {key: st.just(value) for key, value in arm.items()})
        | st.fixed_dictionaries({"variance": spreads} | {key: st.just(value) for key, value in arm.items()})
    )
)
wild = st.fixed_dictionaries(
    {"n": st.integers(1)},
    optional={"successes": st.integers(0), "mean": numbers, "sd": spreads, "variance": spreads},
)
arms = st.tuples(hits, hits) | st.tuples(any_means, any_means) | st.tuples(wild | hits, wild | any_means)
designs = st.fixed_dictionaries(
    {"kind": st.sampled_from(["proportions", "means"])},
    optional={
        "two_sided": st.booleans(),
        "looks": st.integers(1, 10) | st.integers(1),
        "planned_per_arm": st.integers(1, 1000) | st.integers(1),
    },
)


def analysed(body: Mapping[str, Any], alpha: float, direction: Direction = "higher") -> Outcome:
    """The outcome; the example is given up where there is none."""
    try:
        return analyse(body, alpha, direction)
    except InvalidError:
        assume(False)
        raise


@settings(max_examples=300)
@given(arms, designs, levels | usual, directions, st.integers(0, 9))
def test_finite_numbers_or_invalid_error(
    both: tuple[dict[str, Any], dict[str, Any]], design: dict[str, Any], alpha: float, direction: Direction, others: int
) -> None:
    body = ab_test(*both) | {"design": design}
    refused = bool(schema.check(Document("x", body), "evidence"))
    assert refused is any({"sd", "variance"} <= set(arm) for arm in both)
    requirement = {"metric": "conversion", "alpha": alpha, "min_per_arm": 1}
    allowed = all(v.passed for v in judge_ab_test(requirement, [body], "1.3.0", "1.2.0", direction))
    try:
        found = analyse(body, alpha, direction, other_looks=others)
    except InvalidError:
        assert not allowed or others
        return
    assert all(map(math.isfinite, (found.control, found.treatment, found.statistic, found.low, found.high)))
    assert 0 <= found.p_value <= 1
    assert found.low <= found.lift <= found.high
    assert not allowed or found.gain > 0


@given(proportions, proportions, usual, st.booleans())
def test_swapping_the_arms_mirrors_proportions(
    one: tuple[int, int], other: tuple[int, int], alpha: float, two_sided: bool
) -> None:
    there = analysed(rates(*one, *other, two_sided=two_sided), alpha, "higher")
    back = analysed(rates(*other, *one, two_sided=two_sided), alpha, "lower")
    mirrored(there, back)


@given(usual_means, usual_means, usual, st.booleans())
def test_swapping_the_arms_mirrors_means(
    one: dict[str, Any], other: dict[str, Any], alpha: float, two_sided: bool
) -> None:
    there = analysed(moments(one, other, two_sided=two_sided), alpha, "higher")
    back = analysed(moments(other, one, two_sided=two_sided), alpha, "lower")
    mirrored(there, back)


def mirrored(there: Outcome, back: Outcome) -> None:
    assert (back.lift, back.gain) == (-there.lift, there.gain)
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low), rel=1e-9, abs=1e-300)
    assert back.p_value == pytest.approx(there.p_value, rel=1e-9)
    assert back.significant is there.significant


@given(proportions, proportions, usual)
def test_failures_are_successes_of_the_other_direction(
    one: tuple[int, int], other: tuple[int, int], alpha: float
) -> None:
    (x1, n1), (x2, n2) = one, other
    hits = analysed(rates(x1, n1, x2, n2, two_sided=False), alpha, "higher")
    misses = analysed(rates(n1 - x1, n1, n2 - x2, n2, two_sided=False), alpha, "lower")
    assert misses.gain == hits.gain
    assert misses.statistic == pytest.approx(-hits.statistic)
    assert misses.p_value == pytest.approx(hits.p_value)


@given(usual_means, usual_means, st.integers(-60, 60), usual)
def test_the_unit_of_means_does_not_matter(
    one: dict[str, Any], other: dict[str, Any], power: int, alpha: float
) -> None:
    unit = 2.0**power  # so that not even rounding differs
    scaled = [arm | {"mean": arm["mean"] * unit, "sd": arm["sd"] * unit} for arm in (one, other)]
    squared = [{"n": arm["n"], "mean": arm["mean"], "variance": arm["sd"] ** 2} for arm in scaled]
    plain = analysed(moments(one, other), alpha)
    for body in (moments(*scaled), moments(*squared)):
        found = analysed(body, alpha)
        assert found.p_value == pytest.approx(plain.p_value, rel=1e-9)
        assert found.degrees == pytest.approx(plain.degrees, rel=1e-9)
        assert (found.lift, found.low, found.high) == pytest.approx(
            (plain.lift * unit, plain.low * unit, plain.high * unit), rel=1e-9, abs=1e-12 * unit
        )


@given(proportions, proportions, st.integers(2, 50), st.booleans())
def test_more_of_the_same_rates_never_raises_p(
    one: tuple[int, int], other: tuple[int, int], times: int, two_sided: bool
) -> None:
    few = analysed(rates(*one, *other, two_sided=two_sided), 0.05)
    many = analysed(rates(*(times * n for n in (*one, *other)), two_sided=two_sided), 0.05)
    assert many.lift == few.lift
    if two_sided or few.gain > 0:
        assert many.p_value <= few.p_value * (1 + 1e-9)
    assert many.high - many.low <= (few.high - few.low) * (1 + 1e-9)


@given(usual_means, usual_means, st.integers(2, 50))
def test_more_of_the_same_means_never_raises_p(one: dict[str, Any], other: dict[str, Any], times: int) -> None:
    few = analysed(moments(one, other), 0.05)
    many = analysed(moments(one | {"n": one["n"] * times}, other | {"n": other["n"] * times}), 0.05)
    assert many.p_value <= few.p_value * (1 + 1e-9)


@given(proportions, proportions, st.integers(2, 100), usual, directions)
def test_a_look_never_helps(
    one: tuple[int, int], other: tuple[int, int], looks: int, alpha: float, direction: Direction
) -> None:
    once = analysed(rates(*one, *other), alpha, direction)
    often = analysed(rates(*one, *other, looks=looks), alpha, direction)
    assert often.p_value == once.p_value
    assert often.alpha < once.alpha
    assert often.low <= once.low <= once.high <= often.high
    assert once.significant or not often.significant


@given(proportions, proportions, usual)
def test_the_better_direction_is_one(one: tuple[int, int], other: tuple[int, int], alpha: float) -> None:
    found = [analysed(rates(*one, *other), alpha, "higher"), analysed(rates(*one, *other), alpha, "lower")]
    assert not all(outcome.significant for outcome in found)


days = st.integers(1, 28).map(lambda day: f"2026-10-{day:02}T00:00:00Z")
tests = st.builds(
    lambda one, other, times, looks: rates(*one, *other, looks=looks, started=min(times), ended=max(times)),
    proportions, proportions, st.tuples(days, days), st.integers(1, 3),
)  # fmt: skip


@given(st.lists(tests, min_size=1, max_size=5, unique_by=lambda t: t["ended"]), st.randoms(), directions)
def test_the_order_of_the_evidence_does_not_matter(
    found: list[dict[str, Any]], random: Any, direction: Direction
) -> None:
    requirement = {"metric": "conversion", "alpha": 0.05, "min_per_arm": 10, "min_lift": 0.001}
    shuffled = random.sample(found, len(found))
    verdicts = [list(judge_ab_test(requirement, order, "1.3.0", "1.2.0", direction)) for order in (found, shuffled)]
    assert verdicts[0] == verdicts[1]


@given(st.lists(tests, max_size=4), tests)
def test_more_evidence_of_the_past_never_helps(others: list[dict[str, Any]], last: dict[str, Any]) -> None:
    requirement = {"metric": "conversion", "alpha": 0.05, "min_per_arm": 10}
    earlier = [test for test in others if test["ended"] < last["ended"]]
    alone = all(v.passed for v in judge_ab_test(requirement, [last], "1.3.0", "1.2.0", "higher"))
    among = all(v.passed for v in judge_ab_test(requirement, [*earlier, last], "1.3.0", "1.2.0", "higher"))
    assert alone or not among
