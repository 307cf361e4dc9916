"""Compliance: attestations on record that have not expired."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from modelreg.domain.compliance import judge_compliance
from modelreg.domain.verdict import Verdict
from tests.samples import AT, SHA

PRIVACY: dict[str, Any] = {
    "type": "compliance",
    "at": "2026-11-24T11:30:00Z",
    "attestation": "privacy-review",
    "issuer": "Privacy Office",
    "expires": "2027-11-24T00:00:00Z",
    "document": {"uri": "https://docs.example.org/pr-118.pdf", "sha256": SHA},
}
LASTING = {key: value for key, value in PRIVACY.items() if key not in ("expires", "document")}
EXPIRED = PRIVACY | {"expires": "2026-11-24T12:29:59Z"}
ASKED = {"attestations": ["privacy-review"]}


def judge(*statements: Mapping[str, Any], asked: Mapping[str, Any] = ASKED, now: str = AT) -> list[Verdict]:
    verdicts = list(judge_compliance(asked, statements, now))
    assert verdicts
    assert all(verdict.passed is (not verdict.reason) for verdict in verdicts)
    return verdicts


def test_on_record() -> None:
    (verdict,) = judge(PRIVACY, asked=ASKED | {"by": "officers"})
    assert verdict.check == "compliance.privacy-review"
    assert verdict.passed
    assert verdict.actual == f"Privacy Office, document sha256 {SHA}, until 2027-11-24T00:00:00Z"


def test_without_expiry_and_document() -> None:
    (verdict,) = judge(LASTING)
    assert verdict.passed
    assert verdict.actual == "Privacy Office, no digest of a document, does not expire"
    (verdict,) = judge(PRIVACY | {"document": {"uri": "https://docs.example.org/pr-118.pdf"}})
    assert "no digest of a document" in verdict.actual


@pytest.mark.parametrize(
    ("expires", "passed"), [("2026-11-24T12:30:01Z", True), (AT, False), ("2026-11-24T12:29:59Z", False)]
)
def test_expiry_to_the_second(expires: str, passed: bool) -> None:
    (verdict,) = judge(PRIVACY | {"expires": expires})
    assert verdict.passed is passed
    assert verdict.reason == ("" if passed else f"expired on {expires}")


@pytest.mark.parametrize(
    "statements",
    [
        (),
        (PRIVACY | {"attestation": "bias-review"},),
        (PRIVACY | {"attestation": "Privacy-Review"},),
        (PRIVACY | {"type": "evaluation"},),
        *((PRIVACY | {"expires": bad},) for bad in ("2027-11-24", "never", "", None, 20271124, "9999")),
        *(
            (PRIVACY | {"expires": bad},)
            for bad in ("2027-2-3T01:02:03Z", "2027-02-31T00:00:00Z", "２027-02-03T01:02:03Z")
        ),
    ],
)
def test_missing(statements: tuple[Mapping[str, Any], ...]) -> None:
    (verdict,) = judge(*statements)
    assert verdict.actual == "none on record"
    assert verdict.reason == "missing: modelreg evidence add MODEL@V --type compliance --attestation privacy-review …"


def test_the_command_can_be_pasted() -> None:
    (verdict,) = judge(asked={"attestations": ["it's $(safe)"]})
    assert """--attestation 'it'"'"'s $(safe)' …""" in verdict.reason


@pytest.mark.parametrize(
    ("statements", "passed", "actual"),
    [
        ((EXPIRED, PRIVACY), True, "until 2027"),
        ((PRIVACY, EXPIRED), True, "until 2027"),
        ((LASTING, PRIVACY), True, "does not expire"),
        ((EXPIRED, LASTING), True, "does not expire"),
        ((EXPIRED, EXPIRED | {"expires": "2026-11-01T00:00:00Z"}), False, "until 2026-11-24T12:29:59Z"),
        ((LASTING, LASTING | {"at": "2026-11-24T12:00:00Z", "issuer": "New Office"}), True, "New Office"),
        ((PRIVACY | {"expires": "zzzz"}, EXPIRED), False, "until 2026-11-24T12:29:59Z"),
    ],
)
def test_the_latest_expiry_counts(statements: tuple[Mapping[str, Any], ...], passed: bool, actual: str) -> None:
    (verdict,) = judge(*statements)
    assert verdict.passed is passed
    assert actual in verdict.actual


def test_every_attestation_is_judged() -> None:
    names = ["privacy-review", "bias-review", "legal"]
    found = judge(PRIVACY, EXPIRED | {"attestation": "legal"}, asked={"attestations": names})
    assert [(verdict.check, verdict.passed) for verdict in found] == [
        ("compliance.privacy-review", True), ("compliance.bias-review", False), ("compliance.legal", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"by": "officers"},
        *({"attestations": bad} for bad in ([], None, "privacy-review", [None], [""], {"privacy-review": 1}, [1])),
        ASKED | {"issuer": "x"},
    ],
)
def test_requirements_that_are_not_known(asked: Mapping[str, Any]) -> None:
    (verdict,) = judge(PRIVACY, {"type": "compliance"}, asked=asked)
    assert (verdict.check, verdict.passed) == ("compliance", False)


@pytest.mark.parametrize("now", ["", "2026-11-24", "now", "2026-11-24T12:30:00+00:00"])
def test_without_the_time_nothing_passes(now: str) -> None:
    (verdict,) = judge(LASTING, now=now)
    assert (verdict.check, verdict.passed, verdict.reason) == ("compliance", False, "the time is not known")
