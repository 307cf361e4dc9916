"""Soak, transition, reproduction, rollback, access: what a gate asks beside metrics and people's votes."""

from __future__ import annotations

import math
from typing import Any

import pytest

from modelreg.domain.checks import CHECKS, check_artifacts, check_provenance, check_soak, check_transition
from modelreg.domain.context import Actor, ArtifactLevel, Candidate, Context, Facts
from modelreg.domain.evidence import Evidence, counted
from modelreg.domain.gate import judge_other, judge_rollback
from modelreg.domain.policy import Policy
from modelreg.domain.verdict import Report
from tests.samples import SHA, manifest, standard, transition

ANN, BO = "ann@example.org", "bo@example.org"
HOUR_S = 3600
NOW = 100 * HOUR_S


def stated(type_: str, *, signer: str | None = None, on_base: bool = False, **body: Any) -> Evidence:
    return Evidence(f"evidence/{type_}.yaml", {"type": type_, **body}, on_base, signer)


def context(
    *evidence: Evidence,
    policy: Policy | None = None,
    actor: Actor | None = None,
    withdrawn: bool = False,
    move: Any = None,
    **facts: Any,
) -> Context:
    candidate = Candidate(manifest(), withdrawn, evidence)
    moved = move or transition("1.0.0", "staging")
    return Context(candidate, None, moved, Facts(**{"now": NOW} | facts), None, policy or standard(), actor)


def passes(check: Any, requirement: Any, asked: Context) -> bool:
    verdicts = list(check(requirement, asked))
    assert verdicts
    for verdict in verdicts:
        assert verdict.passed is (not verdict.reason)
    return all(verdict.passed for verdict in verdicts)


@pytest.mark.parametrize(
    ("hours", "since", "passed"),
    [
        (24, NOW - 24 * HOUR_S, True),
        (24, NOW - 24 * HOUR_S + 1, False),
        (24, None, False),
        (24, NOW + HOUR_S, False),
        (0, NOW, True),
        (0, NOW + 1, False),
        (0.5, NOW - 1800, True),
        *((bad, 0, False) for bad in (-1, None, "24", True, math.nan, math.inf)),
    ],
)
def test_soak(hours: Any, since: int | None, passed: bool) -> None:
    asked = {"stage": "development", "at_least_hours": hours}
    assert passes(check_soak, asked, context(stage_since=since)) is passed
    assert not passes(check_soak, asked | {"stage": "production"}, context(stage_since=since)), "it stood elsewhere"
    assert not passes(check_soak, asked | {"or": 1}, context(stage_since=since))
    assert not passes(check_soak, {}, context(stage_since=since))


NO_SOURCES: tuple[dict[str, Any], ...] = ({}, {"from": []}, {"from": ["development"], "to": 1}, {"to": ["development"]})


@pytest.mark.parametrize(
    ("requirement", "passed"),
    [
        ({"from": ["development"]}, True),
        ({"from": ["staging", "development"]}, True),
        ({"from": ["staging"]}, False),
        *((bad, False) for bad in NO_SOURCES),
    ],
)
def test_transition(requirement: dict[str, Any], passed: bool) -> None:
    assert passes(check_transition, requirement, context()) is passed


BYTES = [{"path": a.path, "sha256": a.sha256} for a in manifest().artifacts]


def reproduced(*, signer: str | None = ANN, **body: Any) -> Evidence:
    fields: dict[str, Any] = {"ok": True, "kind": "bitwise", "artifacts": BYTES} | body
    return stated("reproduction", signer=signer, **fields)


def within(kind: str, **body: Any) -> Evidence:
    return reproduced(**{"kind": kind, "artifacts": []} | body)


@pytest.mark.parametrize(
    ("evidence", "passed"),
    [
        ([], False),
        ([reproduced()], True),
        ([reproduced(signer=None)], False),
        ([stated("reproduction", ok=True, kind="bitwise", artifacts=BYTES, on_base=True)], False),
        ([stated("verification", ok=True, kind="bitwise", artifacts=BYTES, signer=ANN)], False),
        *(([reproduced(ok=odd)], False) for odd in (False, "yes", 1, None)),
        ([reproduced(ok=False), reproduced(signer=BO)], True),
        ([reproduced(artifacts=[])], False),
        ([reproduced(artifacts=[BYTES[0] | {"sha256": "0" * 64}])], False),
        ([reproduced(kind="metrics")], False),
        ([reproduced(kind="by eye")], False),
        *(([within(kind, tolerance=1e-9)], True) for kind in ("predictions", "metrics")),
        *(([within("predictions", tolerance=odd)], False) for odd in (None, 1e-3, -1.0, math.nan, math.inf, "0", True)),
    ],
)
def test_reproduced(evidence: list[Evidence], passed: bool) -> None:
    assert passes(check_provenance, ["reproduced"], context(*evidence)) is passed


@pytest.mark.parametrize("wanted", ["recorded", "present", "verified", "signed", None])
@pytest.mark.parametrize("level", [None, "recorded", "present", "verified"])
@pytest.mark.parametrize("again", [False, True])
def test_how_sure_it_is_that_artifacts_are_there(wanted: Any, level: ArtifactLevel | None, again: bool) -> None:
    order = [None, "recorded", "present", "verified"]
    enough = wanted in order[1:] and order.index(level) >= order.index(wanted)
    unasked = again and wanted == "present" and level == "recorded"
    verdicts = list(check_artifacts({"at_least": wanted}, context(artifact_level=level, again=again)))
    assert [verdict.passed for verdict in verdicts] == [enough or unasked]
    assert [verdict.judged for verdict in verdicts] == [not unasked]


def test_every_check_of_the_schema_is_known_and_asks_something() -> None:
    from modelreg.adapters.schema import schema_text

    assert set(CHECKS) == {name for name in CHECKS if f'"{name}"' in schema_text("policy")}
    for name, empty in (("metrics", {}), ("rules", []), ("champion", {}), ("provenance", []), ("transition", {})):
        assert not passes(CHECKS[name], empty, context()), name
    for name in ("soak", "artifacts", "approvals"):
        assert not passes(CHECKS[name], {}, context()), name


# --- rollback, aliases


def failures(report: Report) -> set[str]:
    assert report.verdicts
    return {verdict.check for verdict in report.failures}


def back(**changes: Any) -> Any:
    from dataclasses import replace

    return replace(
        transition("1.0.0", "production", kind="rollback", from_="archived"), **{"cause": "live error"} | changes
    )


@pytest.mark.parametrize(
    ("former", "asked", "missing"),
    [
        (True, context(move=back(), artifact_level="recorded"), set()),
        (False, context(move=back(), artifact_level="recorded"), {"rollback"}),
        (True, context(move=back(), artifact_level=None), {"artifacts"}),
        (True, context(move=back(cause=None), artifact_level="recorded"), {"cause"}),
        (True, context(move=back(), artifact_level="recorded", withdrawn=True), {"withdrawn"}),
        (False, context(move=back(cause=None), withdrawn=True), {"rollback", "artifacts", "cause", "withdrawn"}),
    ],
)
def test_rollback(former: bool, asked: Context, missing: set[str]) -> None:
    assert failures(judge_rollback(standard(), asked, former)) == missing


def strict(**rule: Any) -> Policy:
    stages = standard().stage_settings
    access = [
        {"role": "ops", "may": ["rollback", "alias"], "models": ["churn*"], "stages": ["production"]},
        {"role": "all", "may": ["propose"], "models": ["*"]},
    ]
    changed = {**stages, "production": {**stages["production"], **rule}}
    return standard(stages=changed, access=access, roles={"ops": [ANN], "all": [ANN, BO]})


@pytest.mark.parametrize(
    ("rule", "actor", "via", "missing"),
    [
        ({}, Actor(ANN, "git"), "direct", set()),
        ({}, Actor(BO, "git"), "direct", {"access"}),
        ({}, Actor(None, "forge"), "direct", {"access"}),
        ({}, None, "direct", {"access"}),
        ({"signed": True}, Actor(ANN, "git"), "direct", {"signed"}),
        ({"signed": True}, Actor(ANN, "signature"), "direct", set()),
        ({"signed": True}, None, "direct", {"signed", "access"}),
        ({"rollback": "propose"}, Actor(ANN, "git"), "direct", {"via"}),
        ({"rollback": "propose"}, Actor(ANN, "git"), "pull-request", set()),
        ({"rollback": "propose"}, Actor(ANN, "git"), None, set()),
    ],
)
def test_who_may_roll_back(rule: dict[str, Any], actor: Actor | None, via: Any, missing: set[str]) -> None:
    policy = strict(**rule)
    asked = context(policy=policy, actor=actor, move=back(), artifact_level="recorded", via=via)
    assert failures(judge_rollback(policy, asked, former=True)) == missing


def test_no_alias_names_a_withdrawn_version() -> None:
    naming = transition("1.0.0", None, kind="alias", aliases={"champion": "1.0.0"})
    removing = transition(None, None, kind="alias", aliases={"champion": None})
    leaving = transition("1.0.0", None, kind="withdraw")
    for move, missing in ((naming, {"withdrawn"}), (removing, set()), (leaving, set())):
        assert failures(judge_other(standard(), context(move=move, withdrawn=True))) == missing
    assert failures(judge_other(standard(), context(move=naming))) == set()


# --- who may, and whose word counts


@pytest.mark.parametrize(
    ("person", "action", "model", "stage", "allowed"),
    [
        (ANN, "rollback", "churn", "production", True),
        (ANN, "rollback", "churn_eu", "production", True),
        (ANN, "rollback", "price", "production", False),
        (ANN, "rollback", "churn", "staging", False),
        (ANN, "rollback", "churn", None, True),
        (ANN, "promote", "churn", "production", False),
        (BO, "propose", "price", "staging", True),
        (BO, "rollback", "churn", "production", False),
        ("eve@example.org", "propose", "churn", "staging", False),
        ("", "propose", "churn", "staging", False),
        (None, "propose", "churn", "staging", False),
    ],
)
def test_may(person: str | None, action: str, model: str, stage: str | None, allowed: bool) -> None:
    assert strict().may(person, action, model, stage) is allowed
    assert standard().may(person, action, model, stage) is True, "a policy without access asks nobody"


@pytest.mark.parametrize(
    ("account", "person"),
    [("ann", ANN), ("ANN", ANN), ("bo", BO), ("x", None), ("", None), ("cy", None), ("ann ", None)],
)
def test_person_of(account: str, person: str | None) -> None:
    accounts = {ANN: {"github": "Ann"}, BO: {"github": "bo"}, "cy@example.org": {"gitlab": "cy"}}
    accounts |= {"d1@example.org": {"github": "x"}, "d2@example.org": {"github": "X"}}
    assert standard(people=accounts).person_of("github", account) == person


def test_whose_word_counts() -> None:
    mine, theirs, unsigned = stated("scan", signer=ANN), stated("scan", signer=BO), stated("scan")
    landed = stated("scan", on_base=True)
    everything = (mine, theirs, unsigned, landed)
    assert counted(everything, None) == everything
    assert counted(everything, frozenset((ANN,))) == (mine, landed)
    assert counted(everything, frozenset()) == (landed,)


def evaluation(value: Any, **rest: Any) -> Evidence:
    entry = {"value": value, "direction": "higher", "dataset": {"sha256": SHA}}
    return stated("evaluation", metrics={"f1": entry, "auc": entry}, **rest)


def test_what_a_metric_was_found_to_be() -> None:
    said = Candidate(
        manifest(metrics={"f1": 0.5}),
        evidence=(evaluation(0.6, signer=ANN), evaluation(0.9), evaluation(0.7, on_base=True)),
    )

    def values(found: Any) -> list[float]:
        return [metric.value for metric in found]

    assert values(said.measured("f1")) == [0.5], "the manifest's own word, where nobody else is asked"
    assert values(said.measured("auc")) == [0.6, 0.9, 0.7], "every evaluation, where the manifest has none"
    assert values(said.measured("f1", frozenset((ANN,)))) == [0.6, 0.7]
    assert values(said.measured("f1", frozenset())) == [0.7]
    assert values(said.measured("loss")) == []
    assert values(said.comparable("f1")) == [0.5, 0.6, 0.9, 0.7]
    assert values(said.comparable("f1", frozenset((ANN,)))) == [0.6, 0.7]
    for bad in (math.nan, math.inf, "0.9", True, None, 10**400):
        assert values(Candidate(manifest(), evidence=(evaluation(bad, signer=ANN),)).measured("f1")) == []
