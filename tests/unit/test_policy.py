from __future__ import annotations

from typing import Any

import pytest

from modelreg.domain.policy import Gate, Policy, parse_gates
from modelreg.domain.templates import TEMPLATES, needs_owner, template
from modelreg.errors import InvalidError, UsageError
from tests.samples import ARCHIVED, CHAMPION, DEVELOPMENT, PRODUCTION, STAGING, standard


def test_standard() -> None:
    policy = standard()
    assert tuple(policy.stages) == (DEVELOPMENT, STAGING, PRODUCTION, ARCHIVED)
    assert (policy.serial, policy.initial) == (1, DEVELOPMENT)
    assert policy.exclusive == {PRODUCTION}
    assert policy.announced == {STAGING, PRODUCTION}
    assert policy.stages[PRODUCTION].protected
    assert policy.stages[PRODUCTION].from_ == (STAGING,)
    assert policy.alias_requires == {CHAMPION: PRODUCTION}
    assert (policy.displaced_to(PRODUCTION), policy.displaced_to(STAGING)) == (ARCHIVED, DEVELOPMENT)
    assert [gate.stage for gate in policy.gates] == [STAGING, PRODUCTION]


def test_open_lets_all_through() -> None:
    policy = Policy.from_mapping(template("open")[0])
    assert policy.gates == ()
    for rule in policy.stages.values():
        assert set(rule.from_) == set(policy.stages) - {rule.name}


@pytest.mark.parametrize("name", ["none", "", "Standard"])
def test_no_such_template(name: str) -> None:
    with pytest.raises(UsageError):
        template(name, "ann@example.org")


@pytest.mark.parametrize("name", [name for name in TEMPLATES if needs_owner(name)])
def test_templates_that_name_their_owner(name: str) -> None:
    body, comment = template(name, "ann@example.org")
    policy = Policy.from_mapping(body)
    assert f"template {name}" in comment
    assert policy.stages[PRODUCTION].via == "pull-request"
    assert {person for persons in body["roles"].values() for person in persons} == {"ann@example.org"}
    for owner in (None, "", "ann <ann@example.org>", "*", "a\nb"):
        with pytest.raises(UsageError):
            template(name, owner)
    assert template("standard")[0]["stages"][PRODUCTION].get("via") is None  # made of standard, and left it as it was
    assert "approvals" not in template("standard")[0]["gates"][1]["require"]


def test_smallest() -> None:
    policy = Policy.from_mapping({"serial": 3, "initial": "new", "stages": {"new": None}})
    rule = policy.stages[policy.initial]
    assert (rule.from_, rule.exclusive, rule.protected, rule.via, rule.signed) == ((), False, False, "any", False)
    assert (policy.gates, policy.alias_requires, policy.access, policy.limits) == ((), {}, (), {})


@pytest.mark.parametrize(
    "changes",
    [
        {"initial": "Development"},
        {"stages": {"latest": None}},
        {"stages": {"a": {"from": ["v1"]}}},
        {"stages": {"a": {"displaced_to": "-x"}}},
        {"aliases": {"format": {"requires": "production"}}},
        {"aliases": {"champion": {"requires": "a b"}}},
        {"gates": [{"stage": "пrod"}]},
    ],
)
def test_bad_names(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidError):
        standard(**changes)


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        ({}, True),
        ({"task": "classification"}, True),
        ({"task": "regression"}, False),
        ({"model": "churn*"}, True),
        ({"model": "CHURN*"}, False),
        ({"model": "fraud-*"}, False),
        ({"tags": {"risk": "high"}}, True),
        ({"tags": {"risk": "low"}}, False),
        ({"tags": {"owner": "x"}}, False),
        ({"tags": {}}, True),
        ({"task": "classification", "model": "c*", "tags": {"risk": "high"}}, True),
        ({"task": "classification", "model": "x*"}, False),
        ({"not_known_yet": "x"}, True),
    ],
)
def test_gate_matches(match: dict[str, Any], fits: bool) -> None:
    gate = Gate(PRODUCTION, match, {}, "policy.yaml")
    assert gate.matches("churn_eu", "classification", {"risk": "high"}) is fits


def test_names_of_one_person() -> None:
    people = {
        "ann": {"github": "Ann"},
        "ann@work": {"github": "ann", "gitlab": "adee"},
        "adee": {"gitlab": "ADee"},
        "bo": {"github": "bo", "gitlab": "ann"},
        "cy": {},
    }
    policy = standard(people=people)
    assert policy.also("ann") == policy.also("adee") == {"ann", "ann@work", "adee"}
    assert policy.also("bo") == {"bo"}, "an account of the same name elsewhere is another's"
    assert policy.also("stranger") == {"stranger"}
    assert policy.distinct(["bo", "adee", "cy", "ann", "dan", "ann@work", "bo"]) == ("adee", "bo", "cy", "dan")
    assert policy.distinct([]) == ()


def test_parse_gates_keeps_order_and_origin() -> None:
    entries = [
        {"stage": "staging", "require": {"provenance": ["code"]}},
        {"stage": "production", "match": {"task": "x"}},
    ]
    assert parse_gates(entries, "model.yaml") == (
        Gate(STAGING, {}, {"provenance": ["code"]}, "model.yaml"),
        Gate(PRODUCTION, {"task": "x"}, {}, "model.yaml"),
    )
