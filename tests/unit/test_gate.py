from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from modelreg.domain.context import ArtifactLevel, Candidate, Context, Facts
from modelreg.domain.gate import judge
from modelreg.domain.manifest import Manifest
from modelreg.domain.metric import Basis, Metric
from modelreg.domain.policy import parse_gates
from modelreg.domain.verdict import Report, Verdict
from tests.samples import SHA, manifest, standard, transition

ON = {"sha256": "d" * 64}


def report(
    require: dict[str, Any],
    candidate: Manifest,
    *,
    holder: Manifest | None = None,
    level: ArtifactLevel | None = None,
    primary: str | None = "f1",
) -> Report:
    """Judge a move from development to staging by one requirement."""
    gates = parse_gates([{"stage": "staging", "require": require}], "policy.yaml")
    context = Context(
        Candidate(candidate),
        Candidate(holder) if holder else None,
        transition(str(candidate.version), "staging"),
        Facts(level),
        primary,
    )
    return judge(standard(), gates, context, "classification", {})


def outcome(found: Report) -> dict[str, bool]:
    """Verdict by check; a failed one has its reason, a passed one has none."""
    for verdict in found.verdicts:
        assert verdict.passed is (not verdict.reason)
    assert found.allowed is (not found.failures)
    return {verdict.check: verdict.passed for verdict in found.verdicts if verdict.check != "transition"}


@pytest.mark.parametrize(
    ("bounds", "value", "passed"),
    [
        ({"min": 0.85}, 0.85, True),
        ({"min": 0.85}, 0.8499999, False),
        ({"max": 0.3}, 0.3, True),
        ({"max": 0.3}, 0.3000001, False),
        ({"min": 0.1, "max": 0.2}, 0.15, True),
        ({"min": 0.1, "max": 0.2}, 0.25, False),
        ({"min": 0.2, "max": 0.1}, 0.15, False),
        ({"min": 0}, 0, True),
        *(({"min": 0.5}, bad, False) for bad in (None, "0.9", True, math.nan, math.inf, -math.inf, 10**400, [0.9])),
        *((bad, 0.9, False) for bad in ({}, {"min": None}, {"min": "0.1"}, {"min": math.nan}, {"min": True})),
        *((bad, 0.9, False) for bad in ({"min": math.nan, "max": 1}, {"min": "0.95", "max": 1}, {"max": math.inf})),
        *((bad, 0.9, False) for bad in ({"minimum": 0.1}, {"min": 0.1, "below": 1})),
    ],
)
def test_metrics(bounds: dict[str, Any], value: Any, passed: bool) -> None:
    assert outcome(report({"metrics": {"f1": bounds}}, manifest(metrics={"f1": value}))) == {"metrics.f1": passed}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("bounds", [{"min": 0}, {"max": 0}])
def test_metric_that_slipped_past_the_parser(value: float, bounds: dict[str, float]) -> None:
    odd = replace(manifest(), metrics={"f1": Metric("f1", value, "higher", Basis(None, None, None))})
    assert outcome(report({"metrics": {"f1": bounds}}, odd)) == {"metrics.f1": False}


def test_every_failure_is_told_at_once() -> None:
    asked = {"metrics": {"f1": {"min": 0.9}, "auc": {"min": 0.9}, "r2": {"min": 0.1}}, "provenance": ["code"]}
    found = report(asked, manifest(metrics={"f1": 0.1, "r2": 0.5}))
    assert outcome(found) == {"metrics.f1": False, "metrics.auc": False, "metrics.r2": True, "provenance.code": False}
    assert [f.check for f in found.failures] == ["metrics.f1", "metrics.auc", "provenance.code"]
    assert found.to_mapping()["allowed"] is False


def m(value: float, **more: Any) -> dict[str, Any]:
    return {"value": value, "dataset": ON, "split": "test", **more}


@pytest.mark.parametrize("where_comparable", [False, True])
@pytest.mark.parametrize(
    ("mine", "theirs", "margin", "passed"),
    [
        (m(0.9), m(0.9), 0, True),
        (m(0.91), m(0.9), 0, True),
        (m(0.89), m(0.9), 0, False),
        (m(0.905), m(0.91), 0.005, True),
        (m(0.9049), m(0.91), 0.005, False),
        (m(0.3, direction="lower"), m(0.2, direction="lower"), 0, False),
        (m(0.1, direction="lower"), m(0.2, direction="lower"), 0, True),
        (None, m(0.9), 1, False),  # a champion's metric that the candidate dropped
        *((m(0.9), m(0.9), bad, False) for bad in (-0.1, None, "0", math.nan, True)),
    ],
)
def test_champion(mine: Any, theirs: Any, margin: Any, passed: bool, where_comparable: bool) -> None:
    candidate = manifest("2.0.0", {"f1": mine} if mine else {})
    asked = {"primary": {"not_worse_by": margin}, "where_comparable": where_comparable}
    found = report({"champion": asked}, candidate, holder=manifest(metrics={"f1": theirs}))
    assert outcome(found) == {"champion.f1": passed}


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (m(0.9), None),
        ({"value": 0.9}, m(0.5)),
        (m(0.9), {"value": 0.5}),
        ({"value": 0.9}, {"value": 0.5}),
        (m(0.9, dataset={"sha256": "e" * 64}), m(0.5)),
        (m(0.9, split="train"), m(0.5)),
        (m(0.9, slice="eu"), m(0.5)),
    ],
)
def test_champion_not_comparable(mine: Any, theirs: Any) -> None:
    candidate, holder = manifest("2.0.0", {"f1": mine}), manifest(metrics={"f1": theirs} if theirs else {})
    asked = {"f1": {"not_worse_by": 0.5}}
    strict = report({"champion": asked}, candidate, holder=holder)
    assert outcome(strict) == {"champion.f1": False}
    assert "evaluate 1.0.0" in strict.failures[0].reason
    for lenient, passed in ((True, True), ("yes", False), (1, False), (False, False)):
        asked_so = {"champion": {**asked, "where_comparable": lenient}}
        assert outcome(report(asked_so, candidate, holder=holder)) == {"champion.f1": passed}


@pytest.mark.parametrize("lenient", [False, True])
def test_a_direction_that_is_turned_round_never_passes(lenient: bool) -> None:
    candidate = manifest("2.0.0", {"f1": m(0.1, direction="lower", dataset={"sha256": "e" * 64})})
    asked = {"champion": {"f1": {"not_worse_by": 0}, "where_comparable": lenient}}
    assert outcome(report(asked, candidate, holder=manifest(metrics={"f1": m(0.5)}))) == {"champion.f1": False}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, {"champion": False}),
        ({"where_comparable": True}, {"champion": False}),
        ({"f1": {}}, {"champion.f1": False}),
        ({"f1": {"not_worse_by": 0, "or": 1}}, {"champion.f1": False}),
        ({"f1": {"not_worse_by": 0}}, {"champion.f1": True}),
    ],
)
def test_champion_without_holder(asked: dict[str, Any], expected: dict[str, bool]) -> None:
    assert outcome(report({"champion": asked}, manifest(metrics={"f1": 0.1}))) == expected


def test_champion_without_primary_metric() -> None:
    found = report({"champion": {"primary": {"not_worse_by": 0}}}, manifest("2.0.0"), holder=manifest(), primary=None)
    assert outcome(found) == {"champion.primary": False}


@pytest.mark.parametrize(
    ("asked", "formats", "level", "expected"),
    [
        ({"formats": ["skops", "csv"]}, ("skops", "csv"), None, {"artifacts.formats": True}),
        ({"formats": ["skops"]}, ("skops", "pickle"), "verified", {"artifacts.formats": False}),
        ({"formats": []}, ("skops",), None, {"artifacts.formats": False}),
        ({"at_least": "recorded"}, ("skops",), None, {"artifacts.at_least": False}),
        ({"at_least": "recorded"}, ("skops",), "recorded", {"artifacts.at_least": True}),
        ({"at_least": "present"}, ("skops",), "recorded", {"artifacts.at_least": False}),
        ({"at_least": "present"}, ("skops",), "verified", {"artifacts.at_least": True}),
        ({"at_least": "verified"}, ("skops",), "present", {"artifacts.at_least": False}),
        ({"at_least": "blessed"}, ("skops",), "verified", {"artifacts.at_least": False}),
        ({}, ("skops",), "verified", {"artifacts": False}),
        ({"scanned": True}, ("skops",), "verified", {"artifacts": False}),
        ({"formats": ["skops"], "scanned": True}, ("skops",), None, {"artifacts": False, "artifacts.formats": True}),
    ],
)
def test_artifacts(
    asked: dict[str, Any], formats: tuple[str, ...], level: ArtifactLevel | None, expected: dict[str, bool]
) -> None:
    assert outcome(report({"artifacts": asked}, manifest(formats=formats), level=level)) == expected


@pytest.mark.parametrize(
    ("role", "kind", "passed"), [("lock", "text", True), ("lock", "pickle", False), ("other", "text", False)]
)
def test_a_lock_of_plain_text_is_no_format_that_a_policy_must_name(role: str, kind: str, passed: bool) -> None:
    found = manifest(formats=("skops", "text"))
    body = dict(
        found.body, artifacts=[found.body["artifacts"][0], found.body["artifacts"][1] | {"role": role, "format": kind}]
    )
    asked = {"artifacts": {"formats": ["skops"]}}
    assert outcome(report(asked, Manifest.from_mapping(body))) == {"artifacts.formats": passed}


@pytest.mark.parametrize(
    ("name", "lineage", "passed"),
    [
        ("code", None, False),
        ("code", {"code": None}, False),
        ("code", {"code": {"commit": "c" * 40}}, True),
        ("code", {"code": {"commit": "c" * 40, "dirty": True}}, False),
        ("code", {"code": {"commit": "c" * 40, "dirty": True, "diff_sha256": SHA}}, True),
        ("data", None, False),
        ("data", {"data": []}, False),
        ("data", {"data": [{"name": "a", "sha256": SHA}]}, True),
        ("data", {"data": [{"name": "a", "sha256": SHA}, {"name": "b"}]}, False),
        ("environment", None, False),
        ("environment", {"environment": {"python": "3.11.7"}}, False),
        ("environment", {"environment": {"lock": {"sha256": SHA}}}, False),
        ("environment", {"environment": {"python": "3.11.7", "lock": {"sha256": SHA}}}, True),
        ("notebook", {"notebook": "x"}, False),
    ],
)
def test_provenance(name: str, lineage: dict[str, Any] | None, passed: bool) -> None:
    assert outcome(report({"provenance": [name]}, manifest(lineage=lineage))) == {f"provenance.{name}": passed}


@pytest.mark.parametrize("check", ["metrics", "champion", "artifacts", "provenance"])
def test_empty_requirement_fails(check: str) -> None:
    empty: Any = [] if check == "provenance" else {}
    assert outcome(report({check: empty}, manifest())) == {check: False}


def test_unknown_check_fails() -> None:
    assert outcome(report({"vibes": True}, manifest())) == {"vibes": False}


def at_stage(
    to: str | None,
    from_: str | None,
    *,
    withdrawn: bool = False,
    facts: Facts | None = None,
    match: dict[str, Any] | None = None,
    require: dict[str, Any] | None = None,
    access: tuple[Any, ...] = (),
    **rule: Any,
) -> dict[str, bool]:
    """Failures and passes where production has these rules and this gate."""
    stages = {"development": {}, "staging": {"from": ["development"]}, "production": {"from": ["staging"], **rule}}
    policy = standard(stages=stages, aliases={}, access=access, gates=[])
    asked = {"stage": "production", "match": match or {}, "require": require or {}}
    moved = transition("1.0.0", to, from_=from_)
    context = Context(Candidate(manifest(), withdrawn), None, moved, facts or Facts("verified"), None)
    found = judge(policy, parse_gates([asked], "policy.yaml"), context, "classification", {})
    return {verdict.check: verdict.passed for verdict in found.verdicts}


FINE = {"artifacts": {"at_least": "recorded"}}


@pytest.mark.parametrize(
    ("asked", "failures"),
    [
        ({}, set()),
        ({"from_": "development"}, {"transition"}),
        ({"from_": None}, {"transition"}),
        ({"to": "nowhere"}, {"transition"}),
        ({"to": None}, {"transition"}),
        ({"to": "development"}, {"transition"}),
        ({"withdrawn": True}, {"withdrawn"}),
        ({"via": "pull-request"}, {"via"}),
        ({"via": "pull-request", "facts": Facts("verified", via="pull-request")}, set()),
        ({"signed": True}, {"signed"}),
        ({"access": ({"role": "x", "may": ["promote"], "models": ["*"]},)}, {"access"}),
        ({"protected": True, "require": {}}, {"gate"}),
        ({"protected": True, "match": {"task": "regression"}}, {"gate"}),
        ({"protected": True, "match": {"model": "other"}}, {"gate"}),
        ({"protected": True}, set()),
        ({"match": {"task": "regression"}, "require": {"vibes": 1}}, set()),
        ({"match": {"unknown": "x"}, "require": {"vibes": 1}}, {"vibes"}),
        ({"withdrawn": True, "signed": True, "via": "pull-request", "from_": "development"}, {"transition", "withdrawn", "signed", "via"}),
    ],
)  # fmt: skip
def test_stage_rules(asked: dict[str, Any], failures: set[str]) -> None:
    found = at_stage(**({"to": "production", "from_": "staging", "require": FINE} | asked))
    assert {check for check, passed in found.items() if not passed} == failures


def test_nothing_judged_is_not_allowed() -> None:
    assert not Report(()).allowed
    assert Report((Verdict("a", True, "", ""),)).allowed
