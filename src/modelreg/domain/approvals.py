"""Approvals: who said yes to exactly this, and may be counted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelreg.domain.clock import seconds
from modelreg.domain.evidence import Evidence, of_type
from modelreg.domain.policy import Gate, Policy
from modelreg.domain.reviews import Review, approving
from modelreg.domain.transition import Transition

CLOCK_SKEW_S = 300
"""How far a signed time may lie ahead of the judge's clock."""

_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Tally:
    """`persons` are counted, each once; `refused` says of every other approval why it is not."""

    persons: tuple[str, ...]
    refused: tuple[str, ...]


def gate_digest(settings: Mapping[str, Any], asked: Iterable[Gate]) -> str:
    """The sha256 of the effective gate: canonical JSON (sorted keys, compact, UTF-8) of the stage's settings and of
    all requirements that match, the policy's first, in file order."""
    body = {"stage": dict(settings), "require": [gate.require for gate in asked]}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def statement(registry_id: str, transition: Transition, gate_sha256: str, entry: int) -> dict[str, Any]:
    """What an approval of this transition must say, in the order of the file.

    It says nothing of the transition's number or time: an approval survives a record that was made again on a newer
    base, and dies when what it judged changes. `entry` is how often the stage had been entered before.
    """
    return {
        "registry": registry_id,
        "model": transition.model,
        "version": str(transition.version),
        "manifest_sha256": transition.manifest_sha256,
        "from": transition.from_,
        "to": transition.to,
        "displaces": [str(displaced.version) for displaced in transition.displaces],
        "gate_sha256": gate_sha256,
        "entry": entry,
    }


def signed_votes(
    evidence: Sequence[Evidence],
    wanted: Mapping[str, Any],
    eligible: frozenset[str] | None,
    barred: Mapping[str, str],
    now: int,
    valid_days: float | None,
) -> Tally:
    """Count signed approvals. `barred` maps a person to why they may not vote, `now` is in epoch seconds (UTC)."""
    persons: dict[str, None] = {}
    refused: list[str] = []
    for item, trouble in approvals(evidence, wanted, eligible, barred, now, valid_days):
        if trouble:
            refused.append(f"{item.body['by']}: {trouble}")
        else:
            persons[str(item.signer)] = None
    return Tally(tuple(persons), tuple(refused))


def approvals(
    evidence: Sequence[Evidence],
    wanted: Mapping[str, Any],
    eligible: frozenset[str] | None,
    barred: Mapping[str, str],
    now: int,
    valid_days: float | None,
) -> Iterator[tuple[Evidence, str]]:
    """Each signed approval of an entry into the stage, with why it does not count; empty where it does.

    See `signed_votes`. Those of entries into other stages are passed over.
    """
    withdrawn = withdrawals(evidence)
    for item in of_type(evidence, "approval"):
        if item.body["to"] != wanted["to"]:
            continue
        trouble = _trouble(item, wanted, now, valid_days)
        if not trouble and (item.signer, item.name) in withdrawn:
            trouble = "withdrawn"
        if not trouble:
            trouble = ineligible(str(item.signer), eligible, barred)
        yield item, trouble


def withdrawals(evidence: Iterable[Evidence]) -> frozenset[tuple[str, str]]:
    """Which approvals (by file name) were taken back, and by whom: it counts for that person's own only."""
    return frozenset(
        (item.signer, str(item.body["approval"]))
        for item in of_type(evidence, "approval-withdrawal")
        if item.signer is not None
    )


def change_votes(
    bodies: Iterable[tuple[Mapping[str, Any], str | None]],
    wanted: Mapping[str, Any],
    eligible: frozenset[str],
    barred: Mapping[str, str],
    now: int,
) -> Tally:
    """Count signed approvals of a change of the rules: documents of kind `approval`, each with whose signature it
    carries. One that is about other files or other contents is no approval of this change, and is passed over."""
    persons: dict[str, None] = {}
    refused: list[str] = []
    for body, signer in bodies:
        if any(body.get(key) != value for key, value in wanted.items()):
            continue
        dies = seconds(str(body["not_after"]))
        trouble = ""
        if signer is None:
            trouble = "not signed by a key of theirs that the base lists"
        elif dies is None or now > dies:
            trouble = "expired"
        else:
            trouble = ineligible(signer, eligible, barred)
        if trouble:
            refused.append(f"{body['by']}: {trouble}")
        else:
            persons[str(signer)] = None
    return Tally(tuple(persons), tuple(refused))


def review_votes(
    reviews: Iterable[Review], policy: Policy, eligible: frozenset[str] | None, barred: Mapping[str, str], forge: str
) -> Tally:
    """Count approving reviews of the forge, by person: an account that is mapped to nobody counts for nobody."""
    persons: dict[str, None] = {}
    refused: list[str] = []
    for review in approving(tuple(reviews)):
        person = policy.person_of(forge, review.account)
        trouble = "the policy maps the account to nobody" if person is None else ineligible(person, eligible, barred)
        if trouble or person is None:
            refused.append(f"{review.account}: {trouble}")
        else:
            persons[person] = None
    return Tally(tuple(persons), tuple(refused))


def reviewers(policy: Policy, eligible: frozenset[str] | None, barred: Mapping[str, str], forge: str) -> frozenset[str]:
    """Whose review on the forge would have counted: without enough of them, none that is not on record can have."""
    return frozenset(
        person
        for person, accounts in policy.people.items()
        if policy.person_of(forge, accounts.get(forge, "")) == person and not ineligible(person, eligible, barred)
    )


def ineligible(person: str, eligible: frozenset[str] | None, barred: Mapping[str, str]) -> str:
    """Why a person's vote does not count, whatever they sign; empty where it does."""
    for name, reason in barred.items():
        if name.casefold() == person.casefold():  # git e-mails come in any case
            return reason
    return "" if eligible is None or person in eligible else "is not in the role"


def _trouble(item: Evidence, wanted: Mapping[str, Any], now: int, valid_days: float | None) -> str:
    """Why an approval does not count; empty where it does."""
    body = item.body
    if item.signer is None:
        return "not signed by a key of theirs that the base lists"
    for key, value in wanted.items():
        if body.get(key) != value:
            return f"is for another {_WORDS.get(key, key)}"
    said, dies = seconds(str(body["at"])), seconds(str(body["not_after"]))
    if said is None or dies is None or said > now + CLOCK_SKEW_S:
        return "its time lies in the future"
    if now > dies or (valid_days is not None and now > said + valid_days * _DAY_S):
        return "expired"
    return ""


_WORDS = {
    "gate_sha256": "gate (the policy has changed since)",
    "entry": "entry into the stage (it has been used)",
    "manifest_sha256": "manifest",
    "displaces": "holder to displace",
    "from": "stage to come from",
    "to": "stage",
}
