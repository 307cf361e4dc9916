"""A/B tests: the numbers as statsmodels computes them, and what a gate makes of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_chisquare, proportions_ztest
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from modelreg.adapters import schema
from modelreg.domain.ab_statistics import Outcome, analyse, looks_of
from modelreg.domain.ab_test import judge_ab_test
from modelreg.domain.document import Document
from modelreg.domain.metric import Direction
from modelreg.domain.verdict import Verdict
from modelreg.errors import InvalidError
from tests.samples import ab_test, moments, rates

CLEAR = rates(520, 5200, 611, 5180)
"""The example of the design: 10.0 % against 11.8 %, p = 0.0033."""
SIDES: tuple[tuple[Direction, str], ...] = (("higher", "larger"), ("lower", "smaller"))
ASKED = {"metric": "conversion", "alpha": 0.05, "min_per_arm": 5000}


@pytest.mark.parametrize(
    ("x1", "n1", "x2", "n2"),
    [
        (520, 5200, 611, 5180), (611, 5180, 520, 5200), (1, 20, 9, 25), (0, 50, 7, 60), (50, 50, 41, 60),
        (3, 1_000_000, 11, 1_000_000), (999_990, 1_000_000, 999_970, 1_000_000), (0, 9, 7, 7), (33, 99, 11, 33),
    ],
)  # fmt: skip
@pytest.mark.parametrize("alpha", [0.05, 0.001])
def test_proportions_as_statsmodels_has_them(x1: int, n1: int, x2: int, n2: int, alpha: float) -> None:
    found = analyse(rates(x1, n1, x2, n2), alpha)
    z, p = proportions_ztest([x2, x1], [n2, n1])
    low, high = confint_proportions_2indep(x2, n2, x1, n1, method="wald", compare="diff", alpha=alpha)
    assert found.kind == "proportions"
    assert (found.control, found.treatment) == (x1 / n1, x2 / n2)
    assert (found.statistic, found.p_value) == pytest.approx((z, p), rel=1e-9, abs=1e-14)
    assert (found.lift, found.low, found.high) == pytest.approx((x2 / n2 - x1 / n1, low, high), rel=1e-9, abs=1e-14)
    assert found.p_value == pytest.approx(proportions_chisquare([x2, x1], [n2, n1])[1], rel=1e-6)
    for better, alternative in SIDES:
        one_sided = analyse(rates(x1, n1, x2, n2, two_sided=False), alpha, better)
        _, p = proportions_ztest([x2, x1], [n2, n1], alternative=alternative)
        assert one_sided.p_value == pytest.approx(p, rel=1e-9, abs=1e-14)
        assert one_sided.gain == (one_sided.lift if better == "higher" else -one_sided.lift)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("alpha", [0.05, 0.001])
@pytest.mark.parametrize("name", ["sd", "variance"])
def test_means_as_statsmodels_has_them(seed: int, alpha: float, name: str) -> None:
    random = np.random.default_rng(seed)
    control = random.normal(10, 1 + seed, size=int(random.integers(2, 60)))
    treatment = random.normal(10.5, 2, size=int(random.integers(2, 400)))
    spread = {"sd": np.std, "variance": np.var}[name]
    body = moments(
        {"n": len(control), "mean": float(control.mean()), name: float(spread(control, ddof=1))},
        {"n": len(treatment), "mean": float(treatment.mean()), name: float(spread(treatment, ddof=1))},
    )
    found = analyse(body, alpha)
    oracle = CompareMeans(DescrStatsW(treatment), DescrStatsW(control))
    t, p, degrees = oracle.ttest_ind(usevar="unequal")
    low, high = oracle.tconfint_diff(alpha=alpha, usevar="unequal")
    assert (found.statistic, found.p_value, found.degrees) == pytest.approx((t, p, degrees), rel=1e-9)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-9)
    one_sided = moments(*(dict(body["arms"][arm]) for arm in ("control", "treatment")), two_sided=False)
    for better, alternative in SIDES:
        _, p, _ = oracle.ttest_ind(usevar="unequal", alternative=alternative)
        assert analyse(one_sided, alpha, better).p_value == pytest.approx(p, rel=1e-9)


def test_moments_far_from_one_another_keep_their_degrees_of_freedom() -> None:
    scales = [moments({"n": 9, "mean": m, "sd": 2 * m}, {"n": 30, "mean": 2 * m, "sd": m}) for m in (1, 1e-300, 1e300)]
    found = [analyse(body, 0.05) for body in scales]
    assert [f.degrees for f in found] == pytest.approx([found[0].degrees] * 3)
    assert [f.p_value for f in found] == pytest.approx([found[0].p_value] * 3)


BAD: list[tuple[Mapping[str, Any], str]] = [
    (rates(6, 5, 1, 5), "arms.control.successes: 6 successes of 5 units"),
    (rates(0, 5, 0, 7), "no unit of either arm succeeded"),
    (rates(5, 5, 7, 7), "every unit of either arm succeeded"),
    (rates(1, 0, 1, 5), "arms.control.n"),
    (rates(1, 2**54, 1, 5), "2^53"),
    (rates(1, 10**400, 1, 5), "2^53"),
    (rates(1, 5, 1, 5, looks=10**400), "design.looks"),
    (rates(1, 5, 1, 5, looks=0), "design.looks"),
    (rates(1, 5, 1, 5, planned_per_arm="all"), "design.planned_per_arm"),
    (rates(1, 5, 1, 5, two_sided="no"), "design"),
    (rates(1, 5, 1, 5, kind="medians"), "design"),
    (rates(1, 5, 1, 5, kind=["means"]), "design"),
    (rates(1, 5, 1, 5, kind="means"), "successes in a test of means"),
    (ab_test({"n": 5}, {"n": 5, "successes": 1}), "arms.control.successes"),
    (ab_test({"n": 5, "successes": 1, "mean": 0.2}, {"n": 5, "successes": 1}), "mean in a test of proportions"),
    (ab_test({"n": True, "successes": 1}, {"n": 5, "successes": 1}), "arms.control.n"),
    (moments({"n": 1, "mean": 1, "sd": 1}, {"n": 5, "mean": 1, "sd": 1}), "whole number from 2"),
    (moments({"n": 5, "sd": 1}, {"n": 5, "mean": 1, "sd": 1}), "arms.control.mean"),
    (moments({"n": 5, "mean": 1, "sd": 1}, {"n": 5, "mean": 1}), "sd or variance, one of the two"),
    (moments({"n": 5, "mean": 1, "sd": 1, "variance": 1}, {"n": 5, "mean": 1, "sd": 1}), "one of the two"),
    (moments({"n": 5, "mean": 1, "sd": -1}, {"n": 5, "mean": 1, "sd": 1}), "at least 0"),
    (moments({"n": 5, "mean": 1, "variance": -1}, {"n": 5, "mean": 1, "sd": 1}), "at least 0"),
    (moments({"n": 5, "mean": 1, "sd": 0}, {"n": 5, "mean": 2, "variance": 0}), "the variance of both arms is zero"),
    *(
        (moments({"n": 5, "mean": 1, "sd": 1} | bad, {"n": 5, "mean": 1, "sd": 1}), "arms.control")
        for bad in ({"mean": math.nan}, {"mean": "1"}, {"sd": math.inf}, {"sd": math.nan}, {"mean": 10**400})
    ),
    (moments({"n": 5, "mean": -1e308, "sd": 1}, {"n": 5, "mean": 1e308, "sd": 1}), "too large"),
    ({**rates(1, 5, 1, 5), "arms": {"control": {"n": 5, "successes": 1}}}, "arms.treatment is missing"),
    ({**rates(1, 5, 1, 5), "design": None}, "design is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "message"), BAD)
def test_bodies_that_cannot_be_computed(body: Mapping[str, Any], message: str) -> None:
    with pytest.raises(InvalidError) as caught:
        analyse(body, 0.05)
    assert message in str(caught.value)


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, math.nan, math.inf])
def test_alpha_is_a_probability(alpha: float) -> None:
    with pytest.raises(InvalidError, match="alpha"):
        analyse(CLEAR, alpha)


@pytest.mark.parametrize(
    ("body", "warning"),
    [
        (rates(520, 5200, 611, 5180, looks=4), "4 looks: p is held to 0.0125, which is 0.05 / 4 (Bonferroni)"),
        (rates(520, 5200, 611, 5180, looks=None), "how often the counts were looked at is not recorded"),
        (rates(520, 5200, 611, 5180, planned_per_arm=5181), "stopped early: 5180 of 5181 units planned"),
        (rates(520, 5200, 611, 5550), "uneven arms: 5200 and 5550 units (1:1 has p = 0.00074)"),
        (rates(1, 40, 6, 41), "few counts: 3.5 expected in the least cell"),
    ],
)
def test_warnings(body: Mapping[str, Any], warning: str) -> None:
    (found,) = analyse(body, 0.05).warnings
    assert warning in found


@pytest.mark.parametrize(
    "body",
    [CLEAR, rates(520, 5200, 611, 5180, planned_per_arm=5180), rates(520, 5200, 611, 5536), rates(4, 40, 6, 40)],
)
def test_no_warning_without_reason(body: Mapping[str, Any]) -> None:
    assert analyse(body, 0.05).warnings == ()


def test_the_interval_holds_what_p_is_held_to() -> None:
    once, often = analyse(CLEAR, 0.05), analyse(rates(520, 5200, 611, 5180, looks=5), 0.05)
    assert (once.alpha, often.alpha, often.looks) == (0.05, 0.01, 5)
    assert (often.low, often.high) == (analyse(CLEAR, 0.01).low, analyse(CLEAR, 0.01).high)
    assert looks_of(rates(1, 5, 1, 5, looks=None)) == 1


def test_a_difference_of_rates_is_exact() -> None:
    assert analyse(rates(1000, 10_000, 1100, 10_000), 0.05).lift == 0.01


# What a gate makes of it


def judge(
    *tests: Mapping[str, Any],
    holder: str | None = "1.2.0",
    direction: Direction = "higher",
    requirement: Mapping[str, Any] | None = None,
    **asked: Any,
) -> dict[str, Verdict]:
    """Verdicts by the end of their names; a failed one has its reason, a passed one has none."""
    wanted = ASKED | asked if requirement is None else requirement
    verdicts = list(judge_ab_test(wanted, tests, "1.3.0", holder, direction))
    assert verdicts
    assert all(verdict.passed is (not verdict.reason) for verdict in verdicts)
    return {
        verdict.check.removeprefix("ab_test").removeprefix(".conversion").lstrip("."): verdict for verdict in verdicts
    }


def passed(verdicts: Mapping[str, Verdict]) -> dict[str, bool]:
    return {name: verdict.passed for name, verdict in verdicts.items()}


def test_a_clear_test_passes() -> None:
    found = judge(CLEAR, min_lift=0.01, by="analysts")
    assert passed(found) == {"sample": True, "significance": True, "lift": True}
    assert found["sample"].actual == "5200 control, 5180 treatment"
    assert found["significance"].expected == "better, with p < 0.05"
    lift = "lift +0.01795 (95 % interval +0.005969 to +0.02994)"
    assert found["significance"].actual == f"p = 0.00333 (two-proportion z = 2.94, two-sided); {lift}"
    assert found["lift"].actual == lift


def test_all_that_is_wrong_is_told_at_once() -> None:
    found = judge(CLEAR, min_lift=0.1, min_per_arm=5181, alpha=0.001)
    assert passed(found) == {"sample": False, "significance": False, "lift": False}
    assert found["sample"].reason == "an arm has 5180 units, wanted 5181"
    assert found["significance"].reason == "p = 0.00333, wanted below 0.001"
    assert found["lift"].reason == "higher by 0.01795, wanted 0.1"


def test_significantly_worse_is_not_better() -> None:
    worse = rates(611, 5180, 520, 5200)
    found = judge(worse)
    assert passed(found) == {"sample": True, "significance": False}
    assert found["significance"].reason.startswith("not better: lift -0.01795")
    assert passed(judge(worse, direction="lower", min_lift=0.01)) == {
        "sample": True,
        "significance": True,
        "lift": True,
    }
    assert not judge(CLEAR, direction="lower")["significance"].passed
    assert not judge(rates(520, 5200, 520, 5200), alpha=0.999)["significance"].passed


def test_one_sided_is_towards_better() -> None:
    weak = {"x1": 520, "n1": 5200, "x2": 575, "n2": 5200}
    assert not judge(rates(**weak))["significance"].passed
    found = judge(rates(**weak, two_sided=False))["significance"]
    assert found.passed
    assert "one-sided" in found.actual
    assert "two-sided" in judge(rates(**weak, two_sided=None))["significance"].actual
    assert not judge(rates(**weak, two_sided=False), direction="lower")["significance"].passed


@pytest.mark.parametrize(
    ("body", "lift", "enough"),
    [
        (rates(1000, 10_000, 1100, 10_000), 0.01, True),
        (rates(1000, 10_000, 1100, 10_000), 0.010001, False),
        (moments({"n": 9999, "mean": 0.905, "sd": 0.01}, {"n": 9999, "mean": 0.91, "sd": 0.01}), 0.005, True),
        (moments({"n": 9999, "mean": 0.905, "sd": 0.01}, {"n": 9999, "mean": 0.91, "sd": 0.01}), 0.0050001, False),
        (moments({"n": 9999, "mean": 0.2, "sd": 0.01}, {"n": 9999, "mean": 0.3, "sd": 0.01}), 0.1, True),
        (moments({"n": 9999, "mean": 1e-13, "sd": 1e-14}, {"n": 9999, "mean": 2e-13, "sd": 1e-14}), 2e-13, False),
    ],
)
def test_least_lift(body: Mapping[str, Any], lift: float, enough: bool) -> None:
    assert judge(body, min_lift=lift)["lift"].passed is enough


def test_means_say_their_method() -> None:
    body = moments({"n": 6000, "mean": 31.2, "variance": 144}, {"n": 6000, "mean": 32.4, "variance": 169})
    assert "Welch's t = 5.25 with 1.192e+04 degrees of freedom" in judge(body)["significance"].actual


def test_looks_are_paid_for() -> None:
    assert passed(judge(rates(520, 5200, 611, 5180, looks=15))) == {
        "sample": True,
        "significance": True,
        "conduct": True,
    }
    found = judge(rates(520, 5200, 611, 5180, looks=16))
    assert passed(found) == {"sample": True, "significance": False, "conduct": True}
    assert found["significance"].expected == "better, with p < 0.00313 (0.05 for 16 looks)"
    assert "16 looks" in found["conduct"].actual


OTHER = rates(500, 5200, 505, 5180, ended="2026-11-20T00:00:00Z")
"""Ran at the same time as CLEAR, between the same arms, and found nothing."""


def test_tests_of_the_same_time_are_paid_for() -> None:
    for others, significant in ((1, True), (14, True), (15, False)):
        tests = [rates(500, 5200, 505 + i, 5180, ended="2026-11-20T00:00:00Z") for i in range(others)]
        found = judge(*tests, CLEAR)
        assert found["significance"].passed is significant
        assert f"(0.05 for {others + 1} looks)" in found["significance"].expected
        assert f"ran meanwhile: {others}; their looks count" in found["conduct"].actual
    assert "for 8 looks" in judge(CLEAR, rates(500, 5200, 505, 5180, looks=7))["significance"].expected


def test_the_last_test_decides() -> None:
    before = {"started": "2026-10-01T00:00:00Z", "ended": "2026-11-10T00:00:00Z"}
    found = judge(CLEAR, rates(611, 5180, 520, 5200, **before))
    assert passed(found) == {"sample": True, "significance": True, "conduct": True}
    assert found["conduct"].actual == "earlier tests of the same arms: 1; the last one decides"
    after = {"started": "2026-11-24T00:00:00Z", "ended": "2026-11-24T06:00:00Z"}
    assert not judge(rates(611, 5180, 520, 5200, **after), CLEAR)["significance"].passed
    corrected = rates(611, 5180, 520, 5200, at="2026-11-24T13:00:00Z")
    assert not judge(CLEAR, corrected)["significance"].passed


def test_the_same_test_said_twice_is_one_test() -> None:
    again = CLEAR | {"by": "bo@example.org", "at": "2026-11-24T11:30:00Z"}
    mistyped = CLEAR | {"started": "2026-11-30T00:00:00Z"}
    assert passed(judge(CLEAR, again, mistyped)) == {"sample": True, "significance": True}
    assert "for 2 looks" in judge(CLEAR, OTHER, OTHER | {"by": "bo@example.org"})["significance"].expected


def test_another_design_of_the_same_counts_is_another_look() -> None:
    found = judge(CLEAR, rates(520, 5200, 611, 5180, two_sided=False))
    assert "for 2 looks" in found["significance"].expected


def test_a_rival_without_times_is_paid_for() -> None:
    assert "for 2 looks" in judge(CLEAR, OTHER | {"ended": None})["significance"].expected


@pytest.mark.parametrize(
    ("times", "reason"),
    [
        ({"started": "2026-11-24T00:00:01Z"}, "before it started"),
        ({"ended": "2026-11-24T11:00:01Z"}, "after it was recorded"),
        ({"ended": None}, "does not say when"),
        ({"ended": ""}, "does not say when"),
        ({"started": "2026-11-10"}, "does not say when"),
        ({"at": 20261124}, "does not say when"),
    ],
)
def test_unfinished(times: dict[str, Any], reason: str) -> None:
    found = judge(CLEAR | times)
    assert passed(found) == {"": False}
    assert reason in found[""].reason


@pytest.mark.parametrize(
    "tests",
    [
        (),
        (CLEAR | {"metric": "revenue"},),
        (CLEAR | {"type": "benchmark"},),
        (CLEAR | {"arms": None},),
        (CLEAR | {"arms": {"control": CLEAR["arms"]["control"]}},),
        (rates(520, 5200, 611, 5180, versions=("1.1.0", "1.3.0")),),
        (rates(520, 5200, 611, 5180, versions=("1.2.0", "1.3.1")),),
        (rates(520, 5200, 611, 5180, versions=("1.3.0", "1.2.0")),),
    ],
)
def test_no_test_of_these_versions_by_this_metric(tests: tuple[Mapping[str, Any], ...]) -> None:
    found = judge(*tests)
    assert passed(found) == {"": False}
    assert found[""].expected == "a finished test of 1.3.0 against 1.2.0 by conversion"
    assert found[""].actual == f"none among {len(tests)} on record"
    assert found[""].reason == "missing: modelreg evidence add MODEL@1.3.0 --type ab-test …"


def test_no_holder() -> None:
    found = judge(holder=None)
    assert passed(found) == {"": True}
    assert found[""].actual == "no holder to test against"


def test_bad_counts_fail() -> None:
    found = judge(rates(6000, 5200, 611, 5180))
    assert passed(found) == {"": False}
    assert "6000 successes of 5200 units" in found[""].reason
    assert passed(judge(CLEAR, rates(1, 5200, 611, 5180, looks=0, ended="2026-11-20T00:00:00Z"))) == {"": False}


@pytest.mark.parametrize(
    "requirement",
    [
        {},
        {"metric": "conversion", "alpha": 0.05},
        {"alpha": 0.05, "min_per_arm": 1},
        {"metric": "conversion", "min_per_arm": 1},
        *(ASKED | {"alpha": bad} for bad in (0, 1, 1.5, -0.1, math.nan, "0.05", None, True)),
        *(ASKED | {"min_per_arm": bad} for bad in (0, -5, 1.5, "1", None, True)),
        *(ASKED | {"min_lift": bad} for bad in ("0", None, math.nan, math.inf, True)),
        ASKED | {"max_lift": 1},
        ASKED | {"metric": None},
    ],
)
@pytest.mark.parametrize("holder", ["1.2.0", None])
def test_requirements_that_are_not_known(requirement: Mapping[str, Any], holder: str | None) -> None:
    assert passed(judge(CLEAR, requirement=requirement, holder=holder)) == {"": False}


def test_schema_takes_sd_or_variance() -> None:
    arm = {"n": 5, "mean": 1.0}
    for fine in (arm | {"sd": 1.0}, arm | {"variance": 1}):
        assert schema.check(Document("x", moments(fine, fine)), "evidence") == []
    (finding,) = schema.check(Document("x", moments(arm | {"sd": 1, "variance": 1}, arm | {"sd": 1})), "evidence")
    assert finding.field == "arms.control"
    assert finding.message.endswith("does not fit: sd or variance, not both")
    (finding,) = schema.check(Document("x", moments(arm | {"sd": 1}, arm | {"variance": -1})), "evidence")
    assert finding.field == "arms.treatment.variance"


def test_an_outcome_is_better_only_below_alpha() -> None:
    found: Outcome = analyse(CLEAR, 0.05)
    assert found.significant
    assert not analyse(CLEAR, found.p_value).significant
