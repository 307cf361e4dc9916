"""The gate: a pure function from policy, candidate, holder, facts and transition to a report with every verdict.

What is unknown, missing or not a number fails; nothing passes because nobody asked. Checks are small functions in a
table by the name that the policy uses; a name that is not in the table is a check that always fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from modelreg.domain.manifest import Manifest
from modelreg.domain.metric import Metric, number, worse_by
from modelreg.domain.policy import Gate, Policy
from modelreg.domain.transition import Transition

ArtifactLevel = Literal["recorded", "present", "verified"]
_LEVELS: tuple[ArtifactLevel, ...] = ("recorded", "present", "verified")
_TOLERANCE = 1e-12  # of a difference of two floats: 0.91 - 0.905 must count as 0.005


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check found. `expected` and `actual` are short texts for people; a failed one has a `reason`.

    `judged` is False where what was asked cannot be known here (a clone holds no reviews of a forge): it passes then,
    and the report says so.
    """

    check: str
    passed: bool
    expected: str
    actual: str
    reason: str = ""
    judged: bool = True

    def to_mapping(self) -> dict[str, Any]:
        return {
            "check": self.check,
            "passed": self.passed,
            "judged": self.judged,
            "expected": self.expected,
            "actual": self.actual,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All verdicts on one transition."""

    verdicts: tuple[Verdict, ...]

    @property
    def allowed(self) -> bool:
        return bool(self.verdicts) and all(verdict.passed for verdict in self.verdicts)

    @property
    def failures(self) -> tuple[Verdict, ...]:
        return tuple(verdict for verdict in self.verdicts if not verdict.passed)

    def to_mapping(self) -> dict[str, Any]:
        return {"allowed": self.allowed, "verdicts": [verdict.to_mapping() for verdict in self.verdicts]}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A version with what is said of it. `metrics` are the manifest's; evaluations may add some measured elsewhere."""

    manifest: Manifest
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What was gathered at the edge beforehand. None is unknown, and fails where it is asked for."""

    artifact_level: ArtifactLevel | None = None
    through_pull_request: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """All that a check may look at."""

    candidate: Candidate
    holder: Candidate | None
    transition: Transition
    facts: Facts
    primary_metric: str | None


Check = Callable[[Any, Context], Iterable[Verdict]]


def judge(policy: Policy, gates: Iterable[Gate], context: Context, task: str, tags: Mapping[str, Any]) -> Report:
    """Judge a promotion: the stage's own rules, then every matching requirement; all failures at once."""
    to = context.transition.to
    verdicts = list(_stage_verdicts(policy, context))
    model = context.transition.model
    asked = [gate for gate in gates if gate.stage == to and gate.matches(model, task, tags)]
    for gate in asked:
        for name, requirement in gate.require.items():
            check = CHECKS.get(name)
            verdicts.extend(check(requirement, context) if check else [_unknown(name)])
    rule = policy.stages.get(to) if to else None
    if rule and rule.protected and not any(gate.require for gate in asked):
        verdicts.append(
            Verdict("gate", False, "a requirement", "none", f"{to} is protected and no gate matches this model")
        )
    return Report(tuple(verdicts))


def _unknown(name: str) -> Verdict:
    return Verdict(name, False, "a check that this modelreg knows", name, "unknown checks refuse; is modelreg older?")


def _stage_verdicts(policy: Policy, context: Context) -> Iterator[Verdict]:
    transition = context.transition
    rule = policy.stages.get(transition.to) if transition.to else None
    if rule is None or transition.from_ is None:
        yield Verdict("transition", False, "a stage of the policy", str(transition.to), "the policy has no such stage")
        return
    allowed = ", ".join(rule.from_) or "nowhere"
    passed = transition.from_ in rule.from_
    reason = "" if passed else f"{rule.name} is entered from {allowed}, not from {transition.from_}"
    yield Verdict("transition", passed, f"from {allowed}", f"from {transition.from_}", reason)
    if context.candidate.withdrawn:
        yield Verdict("withdrawn", False, "a version in good standing", "withdrawn", "it must not be served any more")
    if rule.via == "pull-request":
        passed = context.facts.through_pull_request
        reason = "" if passed else f"{rule.name} is entered by pull request"
        yield Verdict("via", passed, "pull-request", "pull-request" if passed else "direct", reason)
    if rule.signed:
        yield Verdict("signed", False, "a signed record", "unsigned", "this modelreg does not judge signatures yet")
    if policy.access:
        yield Verdict("access", False, "an actor whom the policy allows", "unknown", "access rules are not judged yet")


def check_metrics(requirement: Mapping[str, Any], context: Context) -> Iterator[Verdict]:
    """Floors and ceilings: `accuracy: {min: 0.85, max: 0.99}`, both inclusive."""
    if not requirement:
        yield Verdict("metrics", False, "a metric", "none", "the requirement is empty")
    for name, bounds in requirement.items():
        check = f"metrics.{name}"
        low, high = number(bounds.get("min")), number(bounds.get("max"))
        expected = " and ".join(
            text
            for text in (f">= {low:g}" if low is not None else "", f"<= {high:g}" if high is not None else "")
            if text
        )
        metric = context.candidate.manifest.metrics.get(name)
        if not bounds or set(bounds) - {"min", "max"} or any(number(bound) is None for bound in bounds.values()):
            yield Verdict(check, False, "min or max", str(sorted(bounds)), "a bound is no number, or not known")
        elif metric is None:
            yield Verdict(check, False, expected, "missing", f"the manifest has no metric {name}")
        else:
            passed = metric.finite and (low is None or metric.value >= low) and (high is None or metric.value <= high)
            reason = "" if passed else f"{name} is {metric.value:.6g}, wanted {expected}"
            yield Verdict(check, passed, expected, f"{metric.value:.6g}", reason)


def check_champion(requirement: Mapping[str, Any], context: Context) -> Iterator[Verdict]:
    """Not worse than the present holder: `f1: {not_worse_by: 0.005}` (absolute, in the metric's own unit)."""
    lenient = requirement.get("where_comparable") is True
    names = [name for name in requirement if name != "where_comparable"]
    if not names:
        yield Verdict("champion", False, "a metric", "none", "the requirement is empty")
    for asked in names:
        rule = requirement[asked]
        name = context.primary_metric if asked == "primary" else asked
        margin = number(rule.get("not_worse_by"))
        check = f"champion.{name or asked}"
        if margin is None or margin < 0 or set(rule) - {"not_worse_by"}:
            yield Verdict(
                check, False, "not_worse_by: a number >= 0", str(sorted(rule)), "the requirement is not known"
            )
            continue
        expected = f"not worse by more than {margin:g}"
        if context.holder is None:
            yield Verdict(check, True, expected, "no holder to compare with")
            continue
        yield _compare(check, name, margin, expected, lenient, context, context.holder)


def _compare(
    check: str,
    name: str | None,
    margin: float,
    expected: str,
    lenient: bool,
    context: Context,
    holder: Candidate,
) -> Verdict:
    candidate = context.candidate.manifest
    mine = candidate.metrics.get(name) if name else None
    theirs = holder.manifest.metrics.get(name) if name else None
    trouble = _incomparable(name, mine, theirs)
    if trouble or mine is None or theirs is None:
        way_out = f"evaluate {holder.manifest.version} on the data that {candidate.version} was measured on"
        actual = f"not comparable: {trouble}"
        # A champion's metric that the candidate simply lacks is never let through: leaving it out would be the way in.
        passed = lenient and not (name is not None and mine is None and theirs is not None)
        return Verdict(check, passed, expected, actual, "" if passed else f"not comparable with the holder; {way_out}")
    worse = worse_by(mine, theirs)
    passed = worse <= margin + _TOLERANCE
    actual = f"{mine.value:.6g} against {theirs.value:.6g} of {holder.manifest.version}"
    return Verdict(check, passed, expected, actual, "" if passed else f"{name} is worse by {worse:.6g}")


def _incomparable(name: str | None, mine: Metric | None, theirs: Metric | None) -> str:
    """Why two values do not compare; empty where they do."""
    if name is None:
        return "model.yaml names no primary metric"
    if mine is None or theirs is None:
        return f"{name} is missing from the {'candidate' if mine is None else 'holder'}"
    if not mine.basis.known or not theirs.basis.known:
        return f"{name} names no data set with a digest"
    if mine.basis != theirs.basis:
        return f"{name} was measured on other data, split or slice"
    if mine.direction != theirs.direction:
        return f"{name} changed its direction"
    return ""


def check_artifacts(requirement: Mapping[str, Any], context: Context) -> Iterator[Verdict]:
    """`formats`: the formats that every artifact must be in; `at_least`: recorded, present or verified."""
    if not requirement or set(requirement) - {"formats", "at_least"}:
        yield Verdict(
            "artifacts",
            False,
            "formats or at_least",
            str(sorted(requirement)),
            "the requirement is not known",
        )
    if "formats" in requirement:
        formats = list(requirement["formats"])
        odd = sorted({a.format for a in context.candidate.manifest.artifacts if a.format not in formats})
        found = ", ".join(sorted({a.format for a in context.candidate.manifest.artifacts}))
        reason = f"{', '.join(odd)} is not among the formats that the policy allows" if odd else ""
        yield Verdict("artifacts.formats", not odd, ", ".join(formats), found, reason)
    if "at_least" in requirement:
        wanted, level = requirement["at_least"], context.facts.artifact_level
        passed = wanted in _LEVELS and level is not None and _LEVELS.index(level) >= _LEVELS.index(wanted)
        reason = "" if passed else f"the artifacts are {level or 'not known to be there'}, wanted {wanted}"
        yield Verdict("artifacts.at_least", passed, str(wanted), level or "unknown", reason)


def check_provenance(requirement: Iterable[str], context: Context) -> Iterator[Verdict]:
    """`[code, data, environment]`: what the lineage must name, each so that it can be found again."""
    names = list(requirement)
    if not names:
        yield Verdict("provenance", False, "code, data or environment", "none", "the requirement is empty")
    lineage = context.candidate.manifest.lineage
    for name in names:
        rule = PROVENANCE.get(name)
        trouble = rule(lineage) if rule else f"this modelreg does not know {name}"
        yield Verdict(f"provenance.{name}", not trouble, "recorded", trouble or "recorded", trouble)


def _code_trouble(lineage: Mapping[str, Any]) -> str:
    code = lineage.get("code") or {}
    if not code.get("commit"):
        return "the lineage names no commit of the code"
    if code.get("dirty") and not code.get("diff_sha256"):
        return "the code was dirty, and the difference was not recorded"
    return ""


def _data_trouble(lineage: Mapping[str, Any]) -> str:
    data = lineage.get("data") or ()
    if not data:
        return "the lineage names no data"
    bare = [entry["name"] for entry in data if not entry.get("sha256")]
    return f"no digest of {', '.join(bare)}" if bare else ""


def _environment_trouble(lineage: Mapping[str, Any]) -> str:
    environment = lineage.get("environment") or {}
    if not environment.get("python"):
        return "the lineage names no environment"
    return "" if (environment.get("lock") or {}).get("sha256") else "the lineage has no lock of the environment"


PROVENANCE: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "code": _code_trouble,
    "data": _data_trouble,
    "environment": _environment_trouble,
}

CHECKS: Mapping[str, Check] = {
    "metrics": check_metrics,
    "champion": check_champion,
    "artifacts": check_artifacts,
    "provenance": check_provenance,
}
