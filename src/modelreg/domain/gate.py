"""The gate: a pure function from policy, candidate, holder, evidence, facts and transition to a report.

What is unknown, missing or not a number fails; nothing passes because nobody asked. Checks are small functions in a
table by the name that the policy uses; a name that is not in the table is a check that always fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from modelreg.domain.checks import CHECKS
from modelreg.domain.context import Context
from modelreg.domain.policy import Gate, Policy, StageRule
from modelreg.domain.verdict import Report, Verdict


def effective(gates: Iterable[Gate], to: str | None, model: str, task: str, tags: Mapping[str, Any]) -> list[Gate]:
    """The gates that ask something of a version of this model that enters the stage, in file order."""
    return [gate for gate in gates if gate.stage == to and gate.matches(model, task, tags)]


def judge(policy: Policy, gates: Iterable[Gate], context: Context, task: str, tags: Mapping[str, Any]) -> Report:
    """Judge a promotion: the stage's own rules, then every matching requirement; all failures at once."""
    to = context.transition.to
    verdicts = list(_stage_verdicts(policy, context))
    asked = effective(gates, to, context.transition.model, task, tags)
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


def judge_rollback(policy: Policy, context: Context, former: bool) -> Report:
    """The short gate of a rollback: a former holder of the stage, recorded, in good standing, by who may."""
    transition = context.transition
    level = context.facts.artifact_level
    verdicts = [
        Verdict(
            "rollback",
            former,
            f"a former holder of {transition.to}",
            "it was" if former else "it never was",
            "" if former else f"{transition.version} never stood in {transition.to}: promote it instead",
        ),
        Verdict(
            "artifacts",
            level is not None,
            "recorded",
            level or "unknown",
            "" if level else "the pointers do not agree with the manifest",
        ),
    ]
    if transition.cause is None:
        reason = "a rollback says what made it necessary"
        verdicts.append(Verdict("cause", False, "a cause", "none", reason))
    verdicts.extend(standing(context))
    rule = policy.stages.get(transition.to) if transition.to else None
    if rule is not None:
        if rule.rollback == "propose":
            verdicts.append(_via(rule, context))
        verdicts.extend(_signed(rule, context))
    verdicts.extend(_access(policy, context))
    return Report(tuple(verdicts))


def judge_other(policy: Policy, context: Context) -> Report:
    """Aliases and withdrawals: whether the actor may, and that no alias names a withdrawn version."""
    transition = context.transition
    fit = () if transition.kind == "withdraw" or transition.version is None else standing(context)
    may = tuple(_access(policy, context)) or (Verdict("access", True, "anybody", str(context.actor)),)
    return Report((*fit, *may))


def standing(context: Context) -> Iterator[Verdict]:
    """A withdrawn version enters no stage."""
    if context.candidate.withdrawn:
        yield Verdict("withdrawn", False, "a version in good standing", "withdrawn", "it must not be served any more")


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
    yield from standing(context)
    if rule.via == "pull-request":
        yield _via(rule, context)
    yield from _signed(rule, context)
    yield from _access(policy, context)


def _via(rule: StageRule, context: Context) -> Verdict:
    via = context.facts.via
    if via is None:
        return Verdict("via", True, "pull-request", "not known here", judged=False)
    passed = via == "pull-request"
    reason = "" if passed else f"{rule.name} is entered by pull request: --propose makes one"
    return Verdict("via", passed, "pull-request", via, reason)


def _signed(rule: StageRule, context: Context) -> Iterator[Verdict]:
    if rule.signed:
        actor = context.actor
        passed = actor is not None and actor.source == "signature"
        reason = "" if passed else f"{rule.name} takes only records signed by who made them: --sign"
        yield Verdict("signed", passed, "a signed record", str(actor) if actor else "unsigned", reason)


_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "promote": ("promote", "propose"),
    "archive": ("archive", "promote", "propose"),
}


def _access(policy: Policy, context: Context) -> Iterator[Verdict]:
    """Whether the actor may. A proposal needs `propose` where a direct change needs `promote`: others judge it yet."""
    if not policy.access:
        return
    transition, actor = context.transition, context.actor
    kind = transition.kind
    direct = context.facts.via == "direct"
    actions = [action for action in _ACTIONS.get(kind, (kind,)) if not (direct and action == "propose")]
    stage = transition.to or transition.from_
    person = actor.person if actor else None
    passed = any(policy.may(person, action, transition.model, stage) for action in actions)
    expected = f"may {' or '.join(actions)} {transition.model}{f' into {transition.to}' if transition.to else ''}"
    reason = "" if passed else f"no entry of the policy's access lets {person or 'an unmapped account'} do it"
    yield Verdict("access", passed, expected, str(actor) if actor else "unknown", reason)
