"""What a gate asks of people: that enough others have said yes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelreg.domain.approvals import Tally, review_votes, reviewers, signed_votes
from modelreg.domain.context import FORGE, Context
from modelreg.domain.metric import number
from modelreg.domain.policy import Policy
from modelreg.domain.transition import Transition
from modelreg.domain.verdict import Verdict

_KNOWN = {"count", "role", "valid_days", "from"}
SOURCES = ("signature", "forge")


def check_approvals(requirement: Mapping[str, Any], context: Context) -> Iterator[Verdict]:
    """`{count: 2, role: reviewer, valid_days: 14, from: [signature, forge]}`: distinct persons, not the proposer and
    not the registrant. Without `from` both count: signed statements, and reviews on the forge."""
    count, policy = requirement.get("count"), context.policy
    sources = requirement.get("from") or SOURCES
    days = requirement.get("valid_days")
    sound = isinstance(count, int) and not isinstance(count, bool) and count > 0
    if not sound or set(requirement) - _KNOWN or set(sources) - set(SOURCES) or (days and number(days) is None):
        found = str(sorted(requirement))
        yield Verdict("approvals", False, "count, role, valid_days, from", found, "the requirement is not known")
        return
    role = requirement.get("role")
    expected = f"{count} of {role or 'anybody else'}"
    if policy is None:
        yield Verdict("approvals", False, expected, "none", "no policy says who they are")
        return
    tallies = []
    eligible = context.members(role)
    if "signature" in sources:
        tallies.append(
            signed_votes(
                context.candidate.evidence, context.wanted, eligible, context.barred, context.facts.now, number(days)
            )
        )
    if "forge" in sources and context.facts.reviews is not None:
        tallies.append(review_votes(context.facts.reviews, policy, eligible, context.barred, FORGE))
    absent = "forge" in sources and context.facts.again
    unseen = reviewers(policy, eligible, context.barred, FORGE) if absent else frozenset()
    yield _verdict(expected, int(str(count)), tallies, policy, unseen, context.transition)


def _verdict(
    expected: str, count: int, tallies: list[Tally], policy: Policy, unseen: frozenset[str], asked: Transition
) -> Verdict:
    """`unseen` are those whose reviews may have been counted when it landed, and are not on record."""
    persons = policy.distinct(person for tally in tallies for person in tally.persons)
    refused = [text for tally in tallies for text in tally.refused]
    actual = f"{len(persons)}" + (f": {', '.join(persons)}" if persons else "")
    if len(persons) >= count:
        return Verdict("approvals", True, expected, actual)
    if unseen and len(policy.distinct({*persons, *unseen})) >= count:
        return Verdict("approvals", True, expected, f"{actual}; reviews of the forge are not on record", judged=False)
    missing = count - len(persons)
    reason = f"{missing} more {'is' if missing == 1 else 'are'} needed: "
    reason += f"modelreg approve {asked.model} {asked.version} {asked.to}"
    if refused:
        reason += f"; not counted: {'; '.join(refused[:5])}"
    return Verdict("approvals", False, expected, actual, reason)


def check_access(requirement: Any, context: Context) -> Iterator[Verdict]:
    """`true`: there must be access rules. Where there are, every change of a stage is judged by them, asked or not."""
    policy = context.policy
    passed = requirement is True and policy is not None and bool(policy.access)
    reason = "" if passed else "the policy has no access rules, so nobody is told from anybody else"
    yield Verdict("access.rules", passed, "access rules", f"{len(policy.access) if policy else 0} entries", reason)
