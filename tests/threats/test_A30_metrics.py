"""A30: no document gets past a threshold without a real number that passes: in the manifest, in evaluations that a
role must sign, against the champion, in a rule, and through the whole gate."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelreg.domain.context import Candidate, Context, Facts
from modelreg.domain.evidence import Evidence
from modelreg.domain.gate import judge
from modelreg.domain.manifest import Manifest
from modelreg.domain.policy import Policy, parse_gates
from tests.samples import SHA, manifest, standard, transition
from tests.threats.lab import BO, Lab

FLOOR = 0.8
rubbish = st.none() | st.booleans() | st.text(max_size=6) | st.lists(st.floats(), max_size=2)
ODD: tuple[Any, ...] = (
    math.nan,
    math.inf,
    -math.inf,
    True,
    10**400,
    "0.9",
    ".9",
    "inf",
    "NaN",
    "1e9",
    "９",
    None,
    [0.9],
)
odd = st.sampled_from(ODD)
values = st.floats(0.5, 1) | odd | st.floats() | st.integers(-2, 2) | rubbish
BASIS = {"dataset": {"sha256": SHA}, "split": "test", "direction": "higher"}
measured = st.fixed_dictionaries({"value": values}).map(lambda entry: entry | BASIS)
misspelt = st.dictionaries(st.sampled_from(["Value", "val", "value "]), values, max_size=1)
entries = measured | misspelt | values
NAMES = ("F1", "f_1", "f1 ", "f1_score", "ｆ1", "loss", "")
documents = st.fixed_dictionaries({}, optional={"f1": entries} | dict.fromkeys(NAMES, entries))
statements = st.lists(st.tuples(documents, st.sampled_from([BO, None, "eve@example.org"])), max_size=3)


def policy() -> Policy:
    return standard(roles={"evaluator": [BO]})


def good(document: Any) -> list[float]:
    """The values that count: of exactly f1, finite numbers and no booleans."""
    entry = document.get("f1")
    value = entry.get("value") if isinstance(entry, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return []
    try:
        return [float(value)] if math.isfinite(value) else []
    except OverflowError:
        return []


def allowed(require: dict[str, Any], metrics: Any, said: Any = (), holder: Manifest | None = None) -> bool:
    evidence = tuple(
        Evidence(f"e{n}.yaml", {"type": "evaluation", "metrics": document}, on_base=False, signer=signer)
        for n, (document, signer) in enumerate(said)
    )
    candidate = Manifest.from_mapping(manifest("2.0.0").to_mapping() | {"metrics": metrics})
    context = Context(
        Candidate(candidate, evidence=evidence),
        Candidate(holder) if holder else None,
        transition("2.0.0", "staging"),
        Facts(),
        "f1",
        policy(),
    )
    gates = parse_gates([{"stage": "staging", "require": require}], "policy.yaml")
    return judge(policy(), gates, context, "classification", {}).allowed


@pytest.mark.parametrize("value", ODD, ids=lambda value: str(value)[:8])
def test_what_is_no_number_is_none_anywhere(value: Any) -> None:
    document = {"f1": {"value": value, **BASIS}}
    fine = {"f1": {"value": 0.9, **BASIS}}
    holder = Manifest.from_mapping(manifest("1.0.0").to_mapping() | {"metrics": fine})
    assert not allowed({"metrics": {"f1": {"min": FLOOR}}}, document)
    assert not allowed({"metrics": {"f1": {"max": 2}}}, document)
    assert not allowed({"metrics": {"f1": {"min": FLOOR, "by": "evaluator"}}}, fine, [(document, BO)])
    assert not allowed({"champion": {"f1": {"not_worse_by": 1}, "where_comparable": True}}, document, (), holder)
    assert not allowed({"rules": [{"name": "floor", "expr": "!(metrics.f1 < 0.8)"}]}, document)


def test_one_good_evaluation_does_not_hide_a_bad_one() -> None:
    require = {"metrics": {"f1": {"min": FLOOR, "by": "evaluator"}}}
    good_one, bad_one = {"f1": {"value": 0.9, **BASIS}}, {"f1": {"value": 0.7, **BASIS}}
    assert allowed(require, {}, [(good_one, BO)])
    assert allowed(require, {}, [(good_one, BO), (bad_one, None)])
    assert not allowed(require, good_one, [(good_one, None)])
    assert not allowed(require, {}, [(good_one, BO), (bad_one, BO)])


@given(documents)
def test_the_manifest(metrics: Any) -> None:
    assert allowed({"metrics": {"f1": {"min": FLOOR}}}, metrics) is any(value >= FLOOR for value in good(metrics))


@given(documents, statements)
def test_evaluations_that_a_role_signs(metrics: Any, said: Any) -> None:
    """Every one that counts must pass, and there must be one; the manifest's own word is nothing."""
    found = [value for document, signer in said if signer == BO for value in good(document)]
    passes = bool(found) and min(found) >= FLOOR
    assert allowed({"metrics": {"f1": {"min": FLOOR, "by": "evaluator"}}}, metrics, said) is passes
    assert not allowed({"metrics": {"f1": {"min": FLOOR, "by": "nobody"}}}, metrics, said)


@given(documents, statements)
def test_the_champion(metrics: Any, said: Any) -> None:
    """Also where what cannot be compared passes: to leave the champion's metric out is no way in."""
    holder = Manifest.from_mapping(manifest("1.0.0").to_mapping() | {"metrics": {"f1": {"value": 0.9, **BASIS}}})
    mine = good(metrics) + [value for document, _ in said for value in good(document)]
    for lenient in (False, True):
        require: dict[str, Any] = {"champion": {"primary": {"not_worse_by": 0.05}, "where_comparable": lenient}}
        if allowed(require, metrics, said, holder):
            assert mine
            assert lenient or min(mine) >= 0.85 - 1e-9
        signed = [value for document, signer in said if signer == BO for value in good(document)]
        require = {"champion": {"f1": {"not_worse_by": 0.05, "by": "evaluator"}}}
        if allowed(require, metrics, said, holder):
            assert signed


@given(documents)
@pytest.mark.parametrize(
    "rule", ["metrics.f1 >= 0.8", "!(metrics.f1 < 0.8)", "!(metrics.f1 < 0.8) || metrics.f1 > 5.0"]
)
def test_a_rule(rule: str, metrics: Any) -> None:
    if allowed({"rules": [{"name": "floor", "expr": rule}]}, metrics):
        assert any(value >= FLOOR for value in good(metrics))


WRITTEN = (
    *(
        "value: .nan",
        "value: .inf",
        "value: -.inf",
        'value: "0.9"',
        "value: true",
        "value: null",
        "value:",
        "value: [0.9]",
    ),
    *("value: 9e999", "value: 1" + "0" * 30, "value: 0x1", "value: 1_0", "value: 0.9\n    value: 0.9", "Value: 0.9"),
    *("value: !!float 0.9", "value: &a 0.9", "value: 0.7999999"),
)


@pytest.mark.parametrize("written", WRITTEN)
def test_as_it_is_written_in_a_manifest(lab: Lab, written: str) -> None:
    """Through YAML, schema and gate: a registration and its promotion in one pull request."""
    lab.register_on("topic", 0.9)
    lab.repo.git("switch", "-q", "topic")
    path = "registry/churn/1.0.3/manifest.yaml"
    text = lab.data(path).decode()
    assert "value: 0.9," in text
    lab.repo.write(path, text.replace("value: 0.9,", f"{written},", 1))
    lab.repo.git("add", "-A")
    lab.repo.git("commit", "-q", "--amend", "--no-edit")
    lab.repo.git("branch", "-f", "main", "topic")
    try:
        files = lab.move("1.0.3", "staging")
    except Exception:  # noqa: BLE001 - modelreg itself would not write it
        files = {}
    lab.repo.git("branch", "-f", "main", "topic~1")
    lab.commit(files)
    assert lab.refused()
