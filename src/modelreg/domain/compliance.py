"""Compliance: named attestations, such as a privacy review, that are on record and have not expired."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelreg.domain.clock import is_stamp
from modelreg.domain.verdict import Verdict

_NEVER = "~"  # sorts after every time


def judge_compliance(
    requirement: Mapping[str, Any], statements: Sequence[Mapping[str, Any]], now: str
) -> Iterator[Verdict]:
    """`{attestations, by}`: a verdict for every attestation named.

    `statements` are bodies of evidence of the candidate, those that do not satisfy `by` already left out; `now` is UTC
    as documents write it. One attestation said several times counts with its latest expiry; without `expires` it never
    expires. At the second of `expires` it has expired.
    """
    names: Any = requirement.get("attestations")
    if trouble := _trouble(requirement, names, now):
        yield Verdict("compliance", False, "a list of attestations", str(sorted(map(str, requirement))), trouble)
        return
    for name in names:
        found = [s for s in statements if s.get("type") == "compliance" and s.get("attestation") == name]
        yield _judge(name, found, now)


def _trouble(requirement: Mapping[str, Any], names: Any, now: str) -> str:
    """Why it cannot be judged; empty where it can."""
    if odd := set(requirement) - {"attestations", "by"}:
        return f"not known: {', '.join(sorted(map(str, odd)))}"
    if not isinstance(names, list | tuple) or not names or not all(name and isinstance(name, str) for name in names):
        return "attestations must be a list of names"
    return "" if is_stamp(now) else "the time is not known"


def _judge(name: str, statements: Sequence[Mapping[str, Any]], now: str) -> Verdict:
    check, expected = f"compliance.{name}", "on record, not expired"
    dated = [s for s in statements if "expires" not in s or is_stamp(s["expires"])]
    if not dated:
        from shlex import quote

        way_out = f"missing: modelreg evidence add MODEL@V --type compliance --attestation {quote(name)} …"
        return Verdict(check, False, expected, "none on record", way_out)
    best = max(dated, key=lambda s: (s.get("expires", _NEVER), str(s.get("at", ""))))
    expires = best.get("expires")
    digest = (best.get("document") or {}).get("sha256")
    document = f"document sha256 {digest}" if digest else "no digest of a document"
    until = f"until {expires}" if expires else "does not expire"
    actual = f"{best.get('issuer')}, {document}, {until}"
    passed = expires is None or now < expires
    return Verdict(check, passed, expected, actual, "" if passed else f"expired on {expires}")
