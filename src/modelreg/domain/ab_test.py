"""What a gate makes of A/B tests: the candidate was tested against the present holder, and is better."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from modelreg.domain.ab_statistics import Outcome, analyse, looks_of
from modelreg.domain.clock import is_stamp
from modelreg.domain.metric import Direction, number
from modelreg.domain.verdict import Verdict
from modelreg.errors import InvalidError

_TOLERANCE = 1e-12  # of the arms' values: a difference of two floats that should be 0.01 must count as 0.01


def judge_ab_test(
    requirement: Mapping[str, Any],
    tests: Sequence[Mapping[str, Any]],
    candidate_version: str,
    holder_version: str | None,
    direction: Direction,
) -> Iterator[Verdict]:
    """`{metric, alpha, min_per_arm, min_lift, by}`: the candidate was tested against the present holder, and is better.

    `tests` are bodies of evidence of the candidate, those that do not satisfy `by` already left out. Of several that
    fit the one that ended last decides, of those the one recorded last. Others that ran meanwhile were chances to see
    what one would like to see: their looks count as looks of this one. `min_lift` is measured in the direction of
    better. Without a holder there is nothing to test against, which passes and is said.
    """
    trouble = _unknown(requirement)
    if trouble:
        yield Verdict("ab_test", False, "metric, alpha and min_per_arm", str(sorted(map(str, requirement))), trouble)
        return
    metric = requirement["metric"]
    check = f"ab_test.{metric}"
    if holder_version is None:
        yield Verdict(check, True, "better than the holder", "no holder to test against")
        return
    expected = f"a finished test of {candidate_version} against {holder_version} by {metric}"
    fitting = [t for t in tests if _fits(t, metric, candidate_version, holder_version)]
    finished = [t for t in fitting if not _unfinished(t)]
    if not finished:
        missing = f"missing: modelreg evidence add MODEL@{candidate_version} --type ab-test …"
        reason = _unfinished(fitting[0]) if fitting else missing
        yield Verdict(check, False, expected, f"none among {len(tests)} on record", reason)
        return
    last = max(finished, key=lambda t: (t["ended"], t["at"]))
    others = [t for t in fitting if not _same(t, last)]
    meanwhile = _distinct(t for t in others if _unfinished(t) or last["started"] < t["ended"])
    try:
        outcome = analyse(last, requirement["alpha"], direction, other_looks=sum(map(looks_of, meanwhile)))
    except InvalidError as error:
        yield Verdict(check, False, expected, "it cannot be computed", str(error))
        return
    yield from _judge(check, requirement, outcome, direction)
    remarks = list(outcome.warnings)
    if meanwhile:
        remarks.append(f"tests of the same arms that ran meanwhile: {len(meanwhile)}; their looks count")
    if earlier := len(_distinct(others)) - len(meanwhile):
        remarks.append(f"earlier tests of the same arms: {earlier}; the last one decides")
    if remarks:
        yield Verdict(f"{check}.conduct", True, "one look at the planned end, even arms", "; ".join(remarks))


def _judge(check: str, requirement: Mapping[str, Any], outcome: Outcome, direction: Direction) -> Iterator[Verdict]:
    least, smaller = requirement["min_per_arm"], min(outcome.n_control, outcome.n_treatment)
    actual = f"{outcome.n_control} control, {outcome.n_treatment} treatment"
    reason = "" if smaller >= least else f"an arm has {smaller} units, wanted {least}"
    yield Verdict(f"{check}.sample", smaller >= least, f">= {least} per arm", actual, reason)

    p, lift = f"p = {outcome.p_value:.3g}", _lift(outcome)
    level = f"{outcome.alpha:.3g}" + (
        f" ({requirement['alpha']:g} for {outcome.looks} looks)" if outcome.looks > 1 else ""
    )
    actual = f"{p} ({_method(outcome)}); {lift}"
    reason = f"{p}, wanted below {level}" if outcome.gain > 0 else f"not better: {lift}; {direction} is better"
    passed = outcome.significant
    yield Verdict(f"{check}.significance", passed, f"better, with p < {level}", actual, "" if passed else reason)

    if "min_lift" in requirement:
        wanted = requirement["min_lift"]
        slack = _TOLERANCE * max(abs(outcome.control), abs(outcome.treatment))
        passed = outcome.gain >= wanted - slack
        expected = f"{direction} by at least {wanted:g}"
        reason = "" if passed else f"{direction} by {outcome.gain:.4g}, wanted {wanted:g}"
        yield Verdict(f"{check}.lift", passed, expected, lift, reason)


def _method(outcome: Outcome) -> str:
    sides = "two-sided" if outcome.two_sided else "one-sided"
    if outcome.degrees is None:
        return f"two-proportion z = {outcome.statistic:.3g}, {sides}"
    return f"Welch's t = {outcome.statistic:.3g} with {outcome.degrees:.4g} degrees of freedom, {sides}"


def _lift(outcome: Outcome) -> str:
    interval = f"{100 * (1 - outcome.alpha):.6g} % interval {outcome.low:+.4g} to {outcome.high:+.4g}"
    return f"lift {outcome.lift:+.4g} ({interval})"


def _unknown(requirement: Mapping[str, Any]) -> str:
    """What of the requirement is missing, or not known; empty where it can be judged."""
    if odd := set(requirement) - {"metric", "alpha", "min_per_arm", "min_lift", "by"}:
        return f"not known: {', '.join(sorted(map(str, odd)))}"
    alpha, least = number(requirement.get("alpha")), requirement.get("min_per_arm")
    if not isinstance(requirement.get("metric"), str):
        return "metric is missing"
    if alpha is None or not 0 < alpha < 1:
        return "alpha must be above 0 and below 1"
    if isinstance(least, bool) or not isinstance(least, int) or least < 1:
        return "min_per_arm must be a whole number, at least 1"
    if "min_lift" in requirement and number(requirement["min_lift"]) is None:
        return "min_lift must be a finite number"
    return ""


def _fits(test: Mapping[str, Any], metric: str, candidate: str, holder: str) -> bool:
    """Whether it is a test of these two versions by this metric."""
    arms = test.get("arms")
    if test.get("type") != "ab-test" or test.get("metric") != metric or not isinstance(arms, Mapping):
        return False
    control, treatment = arms.get("control"), arms.get("treatment")
    if not isinstance(control, Mapping) or not isinstance(treatment, Mapping):
        return False
    return control.get("version") == holder and treatment.get("version") == candidate


def _unfinished(test: Mapping[str, Any]) -> str:
    """Why its times do not describe a test that has ended; empty where they do."""
    started, ended, at = test.get("started"), test.get("ended"), test.get("at")
    if not (is_stamp(started) and is_stamp(ended) and is_stamp(at)):
        return "it does not say when it started, ended and was recorded"
    if ended < started:
        return f"it ended on {ended}, before it started on {started}"
    return f"it ended on {ended}, after it was recorded on {at}" if at < ended else ""


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """The same counts of the same design, said again by another person or with a date put right, are the same test."""
    return bool(one["arms"] == other["arms"] and one.get("design") == other.get("design"))


def _distinct(tests: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for test in tests:
        if not any(_same(test, known) for known in found):
            found.append(test)
    return found
