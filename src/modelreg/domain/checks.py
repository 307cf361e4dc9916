"""The checks of a gate, by the name that the policy uses. Each yields a verdict for every single thing that it asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from modelreg.domain.checks_metrics import check_champion, check_metrics
from modelreg.domain.checks_people import check_access, check_approvals
from modelreg.domain.clock import stamp
from modelreg.domain.context import LEVELS, Context
from modelreg.domain.evidence import counted, of_type
from modelreg.domain.metric import default_direction, number
from modelreg.domain.verdict import Verdict, empty

Check = Callable[[Any, Context], Iterable[Verdict]]

_HOUR_S = 3600


def check_transition(requirement: Mapping[str, Any], context: Context) -> Iterator[Verdict]:
    """`from: [staging]`: narrower than the stage's own rule, for the models that match."""
    allowed = requirement.get("from") or ()
    if not allowed or set(requirement) - {"from"}:
        yield Verdict(
            "transition.from", False, "from: stages", str(sorted(requirement)), "the requirement is not known"
        )
        return
    passed = context.transition.from_ in allowed
    reason = "" if passed else f"this model comes from {', '.join(allowed)}"
    yield Verdict("transition.from", passed, f"from {', '.join(allowed)}", f"from {context.transition.from_}", reason)


def check_soak(requirement: Mapping[str, Any], context: Context) -> Iterator[Verdict]:
    """`{stage: staging, at_least_hours: 24}`: how long the version has stood there, counted from its landing."""
    stage, hours = requirement.get("stage"), number(requirement.get("at_least_hours"))
    if set(requirement) != {"stage", "at_least_hours"} or hours is None or hours < 0:
        yield Verdict(
            "soak", False, "stage and at_least_hours", str(sorted(requirement)), "the requirement is not known"
        )
        return
    expected = f"{hours:g} h in {stage}"
    since = context.facts.stage_since
    if context.transition.from_ != stage:
        reason = f"the version stands in {context.transition.from_}"
        yield Verdict("soak", False, expected, f"not in {stage}", reason)
    elif since is None:
        yield Verdict("soak", False, expected, "unknown", f"when it entered {stage} is not known")
    else:
        stood = (context.facts.now - since) / _HOUR_S
        passed = stood >= hours
        reason = "" if passed else f"not before {stamp(since + int(hours * _HOUR_S))}"
        yield Verdict("soak", passed, expected, f"{stood:.1f} h", reason)


def check_signature(requirement: str, context: Context) -> Iterable[Verdict]:
    """`compatible`: a service that calls the holder may call the candidate unchanged, or the major version is new."""
    from modelreg.domain.signature import judge_signature

    return judge_signature(requirement, context.holder.manifest if context.holder else None, context.candidate.manifest)


def check_rules(requirement: Sequence[Mapping[str, Any]], context: Context) -> Iterable[Verdict]:
    """CEL expressions over metrics, champion, params, benchmarks and tags."""
    from modelreg.domain.rules import judge_rules, variables

    holder = context.holder.manifest if context.holder else None
    return judge_rules(requirement, variables(context.candidate.manifest, holder, context.model_tags))


def check_ab_test(requirement: Mapping[str, Any], context: Context) -> Iterable[Verdict]:
    """An A/B test against the present holder, computed from recorded counts or moments."""
    from modelreg.domain.ab_test import judge_ab_test

    tests = counted(of_type(context.candidate.evidence, "ab-test"), context.members(requirement.get("by")))
    holder = str(context.holder.manifest.version) if context.holder else None
    name = str(requirement.get("metric"))
    metric = context.candidate.manifest.metrics.get(name)
    direction = metric.direction if metric else default_direction(name)
    version = str(context.candidate.manifest.version)
    return judge_ab_test(requirement, [item.body for item in tests], version, holder, direction)


def check_compliance(requirement: Mapping[str, Any], context: Context) -> Iterable[Verdict]:
    """Named attestations, on record and not expired."""
    from modelreg.domain.compliance import judge_compliance

    statements = counted(of_type(context.candidate.evidence, "compliance"), context.members(requirement.get("by")))
    return judge_compliance(requirement, [item.body for item in statements], stamp(context.facts.now))


def check_artifacts(requirement: Mapping[str, Any], context: Context) -> Iterator[Verdict]:
    """`formats`: the formats that every artifact must be in, a lock of plain text aside, which nobody loads;
    `at_least`: recorded, present or verified."""
    if not requirement or set(requirement) - {"formats", "at_least"}:
        asked = str(sorted(requirement))
        yield Verdict("artifacts", False, "formats or at_least", asked, "the requirement is not known")
    if "formats" in requirement:
        formats = list(requirement["formats"])
        artifacts = [a for a in context.candidate.manifest.artifacts if (a.role, a.format) != ("lock", "text")]
        odd = sorted({a.format for a in artifacts if a.format not in formats})
        found = ", ".join(sorted({a.format for a in artifacts}))
        reason = f"{', '.join(odd)} is not among the formats that the policy allows" if odd else ""
        if not context.candidate.manifest.content:
            reason = "the version has no artifact here, only the address of one"
        yield Verdict("artifacts.formats", not reason, ", ".join(formats), found or "none", reason)
    if "at_least" in requirement:
        wanted, level = requirement["at_least"], context.facts.artifact_level
        if wanted == "present" and level == "recorded" and context.facts.again:
            yield Verdict("artifacts.at_least", True, "present", "not asked again", judged=False)
            return
        passed = wanted in LEVELS and level is not None and LEVELS.index(level) >= LEVELS.index(wanted)
        reason = "" if passed else f"the artifacts are {level or 'not known to be there'}, wanted {wanted}"
        yield Verdict("artifacts.at_least", passed, str(wanted), level or "unknown", reason)


def check_provenance(requirement: Iterable[str], context: Context) -> Iterator[Verdict]:
    """`[code, data, environment]`: what the lineage must name, each so that it can be found again."""
    names = list(requirement)
    if not names:
        yield empty("provenance", "code, data, environment or reproduced")
    lineage = context.candidate.manifest.lineage
    for name in names:
        if name == "reproduced":
            yield _reproduced(context)
            continue
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


def _reproduced(context: Context) -> Verdict:
    """A reproduction that somebody signed, of this very manifest: bit for bit, or within a small tolerance."""
    from modelreg.domain.reproduction import agrees

    artifacts = {a.path: a.sha256 for a in context.candidate.manifest.artifacts if a.role != "lock"}
    found = of_type(context.candidate.evidence, "reproduction")
    troubles = ["it is not signed" if item.signer is None else agrees(item.body, artifacts) for item in found]
    passed = "" in troubles
    reason = "" if passed else "no signed reproduction that agreed is on record"
    if troubles and not passed:
        reason = f"{reason}: {troubles[-1]}"
    return Verdict("provenance.reproduced", passed, "reproduced, signed", f"{len(found)} on record", reason)


PROVENANCE: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "code": _code_trouble,
    "data": _data_trouble,
    "environment": _environment_trouble,
}

CHECKS: Mapping[str, Check] = {
    "metrics": check_metrics,
    "rules": check_rules,
    "champion": check_champion,
    "transition": check_transition,
    "soak": check_soak,
    "provenance": check_provenance,
    "signature": check_signature,
    "artifacts": check_artifacts,
    "ab_test": check_ab_test,
    "compliance": check_compliance,
    "approvals": check_approvals,
    "access": check_access,
}
