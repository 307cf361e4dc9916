"""What a gate asks of metrics: floors and ceilings, and not to be worse than the present holder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelreg.domain.context import Candidate, Context
from modelreg.domain.metric import Metric, number, worse_by
from modelreg.domain.verdict import Verdict, empty

_TOLERANCE = 1e-12  # of a difference of two floats: 0.91 - 0.905 must count as 0.005


def check_metrics(requirement: Mapping[str, Any], context: Context) -> Iterator[Verdict]:
    """Floors and ceilings: `accuracy: {min: 0.85, max: 0.99, by: ROLE}`, both inclusive.

    With `by` the manifest's word is not enough: evaluations that the role signed, or that stand on the base, count.
    Every value that counts must pass.
    """
    if not requirement:
        yield empty("metrics", "a metric")
    for name, bounds in requirement.items():
        check = f"metrics.{name}"
        limits = {key: bound for key, bound in bounds.items() if key != "by"}
        low, high = number(limits.get("min")), number(limits.get("max"))
        if not limits or set(limits) - {"min", "max"} or any(number(bound) is None for bound in limits.values()):
            yield Verdict(check, False, "min or max", str(sorted(bounds)), "a bound is no number, or not known")
            continue
        floor = [f">= {low:g}"] if low is not None else []
        expected = " and ".join([*floor, *([f"<= {high:g}"] if high is not None else [])])
        role = bounds.get("by")
        values = context.candidate.measured(name, context.members(role))
        if not values:
            reason = f"no evaluation by {role} has {name}" if role else f"the manifest has no metric {name}"
            yield Verdict(check, False, expected, "missing", reason)
            continue
        bad = [m for m in values if not (m.finite and _within(m.value, low, high))]
        actual = ", ".join(f"{metric.value:.6g}" for metric in values)
        reason = f"{name} is {bad[0].value:.6g}, wanted {expected}" if bad else ""
        yield Verdict(check, not bad, expected, actual, reason)


def _within(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def check_champion(requirement: Mapping[str, Any], context: Context) -> Iterator[Verdict]:
    """Not worse than the present holder: `f1: {not_worse_by: 0.005, by: ROLE}` (absolute, in the metric's own unit)."""
    lenient = requirement.get("where_comparable") is True
    names = [name for name in requirement if name != "where_comparable"]
    if not names:
        yield empty("champion", "a metric")
    for asked in names:
        rule = requirement[asked]
        name = context.primary_metric if asked == "primary" else asked
        margin = number(rule.get("not_worse_by"))
        check = f"champion.{name or asked}"
        if margin is None or margin < 0 or set(rule) - {"not_worse_by", "by"}:
            found = str(sorted(rule))
            yield Verdict(check, False, "not_worse_by: a number >= 0", found, "the requirement is not known")
            continue
        expected = f"not worse by more than {margin:g}"
        if context.holder is None:
            yield Verdict(check, True, expected, "no holder to compare with")
            continue
        members = context.members(rule.get("by"))
        yield _compare(check, name, margin, expected, lenient, context.candidate, context.holder, members)


def _compare(
    check: str,
    name: str | None,
    margin: float,
    expected: str,
    lenient: bool,
    candidate: Candidate,
    holder: Candidate,
    members: frozenset[str] | None,
) -> Verdict:
    """Every pair of values on the same basis must hold; where there is none, the two do not compare."""
    mine = candidate.comparable(name, members) if name else ()
    theirs = holder.comparable(name, members) if name else ()
    pairs = [(m, t) for m in mine for t in theirs if not incomparable(m, t)]
    champion = holder.manifest.version
    if not pairs:
        trouble = _why_not(name, mine, theirs)
        way_out = (
            f"evaluate {champion} on the data that {candidate.manifest.version} was measured on: "
            f"modelreg evidence add {holder.manifest.model}@{champion} --type evaluation"
        )
        # Never let through: a champion's metric that the candidate simply lacks, or whose better direction it turned
        # round. Either would be the way in.
        turned = any(m.direction != t.direction for m in mine for t in theirs)
        passed = lenient and not turned and not (name is not None and not mine and theirs)
        reason = "" if passed else f"not comparable with the holder; {way_out}"
        return Verdict(check, passed, expected, f"not comparable: {trouble}", reason)
    worst_mine, worst_theirs = max(pairs, key=lambda pair: worse_by(*pair))
    worse = worse_by(worst_mine, worst_theirs)
    passed = worse <= margin + _TOLERANCE
    actual = f"{worst_mine.value:.6g} against {worst_theirs.value:.6g} of {champion}"
    return Verdict(check, passed, expected, actual, "" if passed else f"{name} is worse by {worse:.6g}")


def _why_not(name: str | None, mine: tuple[Metric, ...], theirs: tuple[Metric, ...]) -> str:
    if name is None:
        return "model.yaml names no primary metric"
    if not mine or not theirs:
        return f"{name} is missing from the {'candidate' if not mine else 'holder'}"
    return f"{name} {incomparable(mine[0], theirs[0])}"


def incomparable(mine: Metric, theirs: Metric) -> str:
    """Why two values do not compare; empty where they do."""
    if not mine.finite or not theirs.finite:
        return "is no finite number"
    if not mine.basis.known or not theirs.basis.known:
        return "names no data set with a digest"
    if mine.basis != theirs.basis:
        return "was measured on other data, split or slice"
    if mine.direction != theirs.direction:
        return "changed its direction"
    return ""
