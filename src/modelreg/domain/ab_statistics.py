"""Statistics of A/B tests: lift, interval and p-value, computed from recorded counts or moments.

Evidence of type ab-test holds what was counted (schemas/evidence.v1.json, `ab_test`); nothing that can be computed from
it is believed. Sources of the formulas:

- proportions: the pooled two-proportion z test (Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions,
  3rd edition, 2003), which is Pearson's chi-square of the 2 × 2 table without continuity correction; the interval of
  the difference is Wald's, with unpooled standard error (Newcombe, Statistics in Medicine 17, 1998, 873-890, method 1);
- means: Welch's t (Biometrika 34, 1947, 28-35) with the degrees of freedom of Satterthwaite (Biometrics Bulletin 2,
  1946, 110-114), for the test and for the interval;
- looks: who looks at the counts k times and stops when p < alpha errs more often than alpha says (Armitage, McPherson
  and Rowe, JRSS A 132, 1969, 235-244). Alpha is divided by k (Bonferroni; Dunn, JASA 56, 1961, 52-64): right for any
  looks at any time, and somewhat stricter than Pocock's bounds (Biometrika 64, 1977, 191-199) for evenly spaced ones;
- uneven arms (sample ratio mismatch): chi-square against 1:1, p < 0.001 (Kohavi, Tang and Xu, Trustworthy Online
  Controlled Experiments, 2020, chapter 21);
- few counts: the normal approximation is poor where an expected count is below 5 (Cochran, Biometrics 10, 1954,
  417-451).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from modelreg.domain.metric import Direction, number
from modelreg.errors import InvalidError

Kind = Literal["proportions", "means"]

_MOST = 2**53  # a float counts by ones up to here
_UNEVEN = 0.001
_FEW = 5
_MOMENTS: Mapping[Kind, frozenset[str]] = {
    "proportions": frozenset(("successes",)),
    "means": frozenset(("mean", "sd", "variance")),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an A/B test found; all numbers are finite.

    `control` and `treatment` are rates (0 to 1) or means; `lift` is treatment minus control, in the metric's own unit,
    and `gain` the same counted positive where the treatment is better. `low` and `high` bound the lift with confidence
    1 - `alpha`, on both sides even where the test is one-sided. `alpha` is the level that p is held to: the one asked
    for, divided by `looks`. `statistic` is z (`degrees` None) or t, positive where the treatment is higher.
    """

    kind: Kind
    n_control: int
    n_treatment: int
    control: float
    treatment: float
    lift: float
    gain: float
    low: float
    high: float
    statistic: float
    degrees: float | None
    p_value: float
    two_sided: bool
    alpha: float
    looks: int
    warnings: tuple[str, ...]

    @property
    def significant(self) -> bool:
        """Whether the treatment is better, and not by chance at level `alpha`."""
        return self.gain > 0 and self.p_value < self.alpha


def analyse(body: Mapping[str, Any], alpha: float, direction: Direction = "higher", *, other_looks: int = 0) -> Outcome:
    """Analyse evidence of type ab-test at the significance level `alpha`; `other_looks` add to those of its design.

    A one-sided test (`two_sided: false`) asks whether the treatment is better in the metric's `direction`. A design
    that says nothing of sides is two-sided. Raises InvalidError where counts or moments are missing, contradict one
    another or leave nothing to compare: more successes than units, one unit for a mean, no variance in either arm.
    """
    if not 0 < alpha < 1:
        raise InvalidError(f"alpha must be above 0 and below 1, not {alpha!r}", field="alpha")
    design, arms = _mapping(body, "design", "design"), _mapping(body, "arms", "arms")
    kind = next((known for known in _MOMENTS if known == design.get("kind")), None)
    two_sided = design.get("two_sided", True)
    if kind is None or not isinstance(two_sided, bool):
        raise InvalidError(
            "the design must be of kind proportions or means; two_sided is true or false", field="design"
        )
    control, treatment = _mapping(arms, "control", "arms.control"), _mapping(arms, "treatment", "arms.treatment")
    looks = looks_of(body) + other_looks
    sample = _proportions(control, treatment) if kind == "proportions" else _means(control, treatment)
    p_value, reach = _tails(sample, two_sided, 1 if direction == "higher" else -1, alpha / looks)
    outcome = Outcome(
        kind=kind,
        n_control=sample.n[0],
        n_treatment=sample.n[1],
        control=sample.values[0],
        treatment=sample.values[1],
        lift=sample.lift,
        gain=sample.lift if direction == "higher" else 0.0 - sample.lift,
        low=sample.lift - reach,
        high=sample.lift + reach,
        statistic=sample.statistic,
        degrees=sample.degrees,
        p_value=p_value,
        two_sided=two_sided,
        alpha=alpha / looks,
        looks=looks,
        warnings=tuple(_warnings(sample, design, alpha, looks)),
    )
    if not all(map(math.isfinite, (outcome.low, outcome.high, outcome.statistic, outcome.p_value))):
        raise InvalidError("the moments are too large, too small or too far apart to compute with", field="arms")
    return outcome


def looks_of(body: Mapping[str, Any]) -> int:
    """How often the counts of a test were looked at; once where it is not recorded. Raises InvalidError for rubbish."""
    return _count(_mapping(body, "design", "design").get("looks", 1), "design.looks")


@dataclass(frozen=True, slots=True)
class _Sample:
    """Both arms, control first. `error` is the standard error of the lift for its interval."""

    n: tuple[int, int]
    values: tuple[float, float]
    lift: float
    error: float
    statistic: float
    degrees: float | None
    least_expected: float | None


def _proportions(control: Mapping[str, Any], treatment: Mapping[str, Any]) -> _Sample:
    (n1, x1), (n2, x2) = _successes(control, "arms.control"), _successes(treatment, "arms.treatment")
    total, hits = n1 + n2, x1 + x2
    if hits in (0, total):
        who = "every" if hits else "no"
        raise InvalidError(f"{who} unit of either arm succeeded: without variance nothing can be tested", field="arms")
    # Whole numbers as long as possible: 0.11 - 0.1 is not 0.01, and 1 - rate loses the few failures of many units.
    lift = (x2 * n1 - x1 * n2) / (n1 * n2)
    pooled = math.sqrt(hits / total * ((total - hits) / total) * (1 / n1 + 1 / n2))
    error = math.hypot(*(math.sqrt(x / n * ((n - x) / n) / n) for n, x in ((n1, x1), (n2, x2))))
    least = min(n1, n2) * min(hits, total - hits) / total
    return _Sample((n1, n2), (x1 / n1, x2 / n2), lift, error, lift / pooled, None, least)


def _means(control: Mapping[str, Any], treatment: Mapping[str, Any]) -> _Sample:
    (n1, mean1, e1), (n2, mean2, e2) = _moments(control, "arms.control"), _moments(treatment, "arms.treatment")
    error = math.hypot(e1, e2)
    if error == 0:
        raise InvalidError("the variance of both arms is zero: without variance nothing can be tested", field="arms")
    # Satterthwaite's (a + b)² / (a² / (n1 - 1) + b² / (n2 - 1)), divided through so that no square over- or underflows.
    degrees = 1 / ((e1 / error) ** 4 / (n1 - 1) + (e2 / error) ** 4 / (n2 - 1))
    lift = mean2 - mean1
    return _Sample((n1, n2), (mean1, mean2), lift, error, lift / error, degrees, None)


def _tails(sample: _Sample, two_sided: bool, better: int, alpha: float) -> tuple[float, float]:
    """The p-value, and how far the interval reaches to either side of the lift."""
    # scipy.special loads in a third of the time of scipy.stats, and what that calls is here.
    from scipy.special import ndtr, ndtri, stdtr, stdtrit

    t = sample.statistic
    worse = -abs(t) if two_sided else -better * t
    tail = float(ndtr(worse) if sample.degrees is None else stdtr(sample.degrees, worse))
    quantile = -float(ndtri(alpha / 2) if sample.degrees is None else stdtrit(sample.degrees, alpha / 2))
    return (min(1.0, 2 * tail) if two_sided else tail), quantile * sample.error


def _warnings(sample: _Sample, design: Mapping[str, Any], alpha: float, looks: int) -> Iterator[str]:
    from scipy.special import ndtr

    (n1, n2), planned = sample.n, design.get("planned_per_arm")
    if looks > 1:
        yield f"{looks} looks: p is held to {alpha / looks:.3g}, which is {alpha:g} / {looks} (Bonferroni)"
    if "looks" not in design:
        yield "how often the counts were looked at is not recorded; taken as once"
    if planned is not None and min(n1, n2) < _count(planned, "design.planned_per_arm"):
        yield f"stopped early: {min(n1, n2)} of {planned} units planned for each arm"
    uneven = 2 * float(ndtr(-abs(n1 - n2) / math.sqrt(n1 + n2)))  # chi-square with one degree of freedom is z squared
    if uneven < _UNEVEN:
        yield f"uneven arms: {n1} and {n2} units (1:1 has p = {uneven:.2g}); were some lost, or sent astray?"
    if sample.least_expected is not None and sample.least_expected < _FEW:
        yield f"few counts: {sample.least_expected:.2g} expected in the least cell, so p and interval are rough"


def _mapping(body: Mapping[str, Any], key: str, field: str) -> Mapping[str, Any]:
    found = body.get(key)
    if not isinstance(found, Mapping):
        raise InvalidError(f"{field} is missing", field=field)
    return found


def _count(value: Any, field: str, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _MOST:
        raise InvalidError(f"must be a whole number from {least} to 2^53", field=field)
    return value


def _successes(arm: Mapping[str, Any], field: str) -> tuple[int, int]:
    """Units and successes of an arm."""
    _only(arm, "proportions", field)
    n, successes = _count(arm.get("n"), f"{field}.n"), _count(arm.get("successes"), f"{field}.successes", 0)
    if successes > n:
        raise InvalidError(f"{successes} successes of {n} units", field=f"{field}.successes")
    return n, successes


def _moments(arm: Mapping[str, Any], field: str) -> tuple[int, float, float]:
    """Units, mean and standard error of the mean of an arm. `variance` and `sd` are the sample's (n - 1)."""
    _only(arm, "means", field)
    n, mean = _count(arm.get("n"), f"{field}.n", 2), number(arm.get("mean"))
    if mean is None:
        raise InvalidError("a mean must be a finite number", field=f"{field}.mean")
    if ("sd" in arm) is ("variance" in arm):
        raise InvalidError("a mean needs sd or variance, one of the two", field=field)
    spread = number(arm.get("sd", arm.get("variance")))
    if spread is None or spread < 0:
        raise InvalidError("sd or variance must be a finite number, at least 0", field=field)
    return n, mean, (spread if "sd" in arm else math.sqrt(spread)) / math.sqrt(n)


def _only(arm: Mapping[str, Any], kind: Kind, field: str) -> None:
    odd = sorted(key for other, keys in _MOMENTS.items() if other != kind for key in keys & set(arm))
    if odd:
        raise InvalidError(f"{', '.join(odd)} in a test of {kind}", field=field)
