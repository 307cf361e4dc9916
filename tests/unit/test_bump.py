"""Pairs of versions: which part of the number the second one raises over the first, and with which reasons."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest

from modelreg.adapters.schema import schema_text
from modelreg.domain.bump import DEFAULT, MOST, Asked, choose, raised, rules
from modelreg.domain.difference import KINDS
from modelreg.domain.version import Part
from modelreg.errors import InvalidError
from tests.samples import changed, v

AGE, PLAN = {"name": "age", "type": "int64"}, {"name": "plan", "type": "string"}
OTHER = "b" * 64
RETRAINED: dict[str, Any] = {"artifacts.0.sha256": OTHER}
AGAIN = "the same set-up, trained again"
BYTES = f"artifact model.skops {'a' * 12} -> {'b' * 12}"
CHANGED_DATA = {"lineage.data.0.sha256": OTHER, "lineage.data.0.rows": 1200}
MORE_DATA = {"name": "more", "role": "train", "sha256": OTHER, "rows": 50, "columns": 4}
SCHEMA = [{"name": "age", "type": "int64"}, {"name": "plan", "type": "string"}]

# what the second version has otherwise (its model's bytes differ as well, unless said), the part, the reasons
PAIRS: dict[str, tuple[dict[str, Any], Asked, list[str]]] = {
    # major: who calls it breaks
    "another class": (
        {"architecture": "sklearn.svm.SVC"}, "major",
        ["architecture sklearn.ensemble.RandomForestClassifier -> sklearn.svm.SVC", BYTES],
    ),
    "another library": (
        {"framework": {"name": "xgboost", "version": "3.1"}}, "major",
        ["framework scikit-learn 1.9.1 -> xgboost 3.1", BYTES],
    ),
    "architecture not recorded any more": (
        {"architecture": None}, "major", ["architecture sklearn.ensemble.RandomForestClassifier -> none", BYTES],
    ),
    "an output is gone": (
        {"signature.outputs": []}, "major", ["signature: output 'y' is gone", BYTES],
    ),
    "an output of another type": (
        {"signature.outputs": [{"name": "y", "type": "string"}]}, "major",
        ["signature: output 'y' was int64 and is string", BYTES],
    ),
    "an input narrower": (
        {"signature.inputs": [{"name": "age", "type": "int32"}]}, "major",
        ["signature: input 'age' was int64 and is int32", BYTES],
    ),
    "a parameter of the call without default": (
        {"signature.parameters": [{"name": "top_k", "type": "int64"}]}, "major",
        ["signature: parameter 'top_k' is new and has no default", BYTES],
    ),
    "a signature not recorded any more": (
        {"signature": None}, "major", ["signature: no longer recorded", BYTES],
    ),
    "a feature more, which callers must send": (
        {"signature.inputs": [AGE, PLAN]}, "major",
        ["signature: input 'plan' is new and not nullable", "feature plan added", BYTES],
    ),
    "a feature more, which callers may leave out": (
        {"signature.inputs": [AGE, PLAN | {"nullable": True}]}, "major",
        ["feature plan added", "signature changed, compatibly", BYTES],
    ),
    "another transformation": (
        {"lineage.features": [{"name": "age", "transformation": "log"}]}, "major",
        ["transformation of age changed", BYTES],
    ),
    "transformations not recorded any more": (
        {"lineage.features": None}, "major", ["transformation of age removed", BYTES],
    ),
    "a class and all else": (
        {"architecture": "sklearn.svm.SVC", "params.max_depth": 8, **CHANGED_DATA, "lineage.code.commit": "d" * 40},
        "major",
        [
            "architecture sklearn.ensemble.RandomForestClassifier -> sklearn.svm.SVC",
            "data customers changed: 1000 -> 1200 rows", "parameter max_depth 6 -> 8",
            f"code {'c' * 12} -> {'d' * 12}", BYTES,
        ],
    ),
    # minor: made from something else, or promises more
    "more rows": (CHANGED_DATA, "minor", ["data customers changed: 1000 -> 1200 rows", BYTES]),
    "other data of the same size": (
        {"lineage.data.0.sha256": OTHER}, "minor", ["data customers changed: other content, as many rows", BYTES],
    ),
    "a column more": (
        {"lineage.data.0": {"name": "customers", "sha256": OTHER, "rows": 1000, "columns": 2, "schema": SCHEMA}}, "minor",
        ["data customers changed: other content, as many rows", BYTES],
    ),
    "a data set more": (
        {"lineage.data.1": MORE_DATA}, "minor", ["data more added (50 rows, 4 columns)", BYTES],
    ),
    "no data set": ({"lineage.data": []}, "minor", ["data customers removed (1000 rows)", BYTES]),
    "test data to train on": (
        {"lineage.data.0.role": "test"}, "minor", ["data customers changed: used as test, was train", BYTES],
    ),
    "a hyperparameter": ({"params.max_depth": 8}, "minor", ["parameter max_depth 6 -> 8", BYTES]),
    "a hyperparameter of another type": ({"params.max_depth": 6.0}, "minor", ["parameter max_depth 6 -> 6.0", BYTES]),
    "a hyperparameter more": ({"params.ccp_alpha": 0.1}, "minor", ["parameter ccp_alpha none -> 0.1", BYTES]),
    "a hyperparameter inside": ({"params.nested": {"a": {"b": 2}}}, "minor", ["parameter nested.a.b 1 -> 2", BYTES]),
    "hyperparameters and data": (
        CHANGED_DATA | {"params.max_depth": 8}, "minor",
        ["data customers changed: 1000 -> 1200 rows", "parameter max_depth 6 -> 8", BYTES],
    ),
    "a wider input": (
        {"signature.inputs": [{"name": "age", "type": "float64"}]}, "minor", ["signature changed, compatibly", BYTES],
    ),
    "an output more": (
        {"signature.outputs": [{"name": "y", "type": "int64"}, PLAN]}, "minor", ["signature changed, compatibly", BYTES],
    ),
    "another parent": (
        {"lineage.parents": [{"model": "base", "version": "2.1.0", "relation": "fine-tuned"}]}, "minor",
        ["parent base@2.0.0 removed", "parent base@2.1.0 added", BYTES],
    ),
    "another file format": ({"artifacts.0.format": "onnx"}, "minor", ["format skops -> onnx", BYTES]),
    # patch: the same set-up, trained again
    "other bytes": ({}, "patch", [AGAIN, BYTES]),
    "another seed, as scikit-learn keeps it": ({"params.random_state": 8}, "patch", [AGAIN, "seed random_state 7 -> 8", BYTES]),
    "another seed of the pipeline": ({"lineage.pipeline.seeds.numpy": 2}, "patch", [AGAIN, "seed numpy 1 -> 2", BYTES]),
    "more threads": ({"params.n_jobs": 8}, "patch", [AGAIN, "environment n_jobs 1 -> 8", BYTES]),
    "another commit": ({"lineage.code.commit": "d" * 40}, "patch", [AGAIN, f"code {'c' * 12} -> {'d' * 12}", BYTES]),
    "uncommitted changes": (
        {"lineage.code.diff_sha256": OTHER}, "patch", [AGAIN, f"uncommitted changes none -> {'b' * 12}", BYTES],
    ),
    "the library's next version": (
        {"framework.version": "1.9.2"}, "patch", [AGAIN, "framework scikit-learn 1.9.1 -> scikit-learn 1.9.2", BYTES],
    ),
    "another Python": (
        {"lineage.environment.python": "3.13.0"}, "patch", [AGAIN, "environment python 3.11.7 -> 3.13.0", BYTES],
    ),
    "another lock file": (
        {"lineage.environment.lock.sha256": OTHER}, "patch", [AGAIN, f"lock file {'e' * 12} -> {'b' * 12}", BYTES],
    ),
    "the data elsewhere, under another name": (
        {"lineage.data.0.name": "clients", "lineage.data.0.path": "x.csv"}, "patch", [AGAIN, BYTES],
    ),
    "other metrics and tags": (
        {"metrics.f1": {"value": 0.9, "direction": "higher"}, "tags": {"team": "growth"}}, "patch", [AGAIN, BYTES],
    ),
    "a tokenizer more": (
        {"artifacts.2": {"path": "tok.json", "role": "tokenizer", "format": "json", "sha256": OTHER}}, "patch",
        [AGAIN, BYTES, f"artifact tok.json none -> {'b' * 12}"],
    ),
    # none: no new version
    "the same bytes": ({"artifacts.0.sha256": "a" * 64}, "none", ["nothing that makes a version differs"]),
    "the same bytes, another report": (
        {"artifacts.0.sha256": "a" * 64, "artifacts.1.sha256": OTHER}, "none",
        ["nothing that makes a version differs", f"artifact report.html {'1' * 12} -> {'b' * 12}"],
    ),
    "the same bytes, made again elsewhere": (
        {"artifacts.0.sha256": "a" * 64, "lineage.code.commit": "d" * 40, "lineage.environment.python": "3.13.0",
         "params.random_state": 8, "framework.version": "1.9.2"}, "none",
        ["nothing that makes a version differs", "framework scikit-learn 1.9.1 -> scikit-learn 1.9.2",
         "seed random_state 7 -> 8", "environment python 3.11.7 -> 3.13.0", f"code {'c' * 12} -> {'d' * 12}"],
    ),
    "the same bytes said to come from other data": (
        CHANGED_DATA | {"artifacts.0.sha256": "a" * 64}, "minor", ["data customers changed: 1000 -> 1200 rows"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_pairs(name: str) -> None:
    changes, part, reasons = PAIRS[name]
    chosen = choose(changed({}), changed(RETRAINED | changes))
    assert (chosen.part, list(chosen.reasons)) == (part, reasons)


def test_there_are_pairs_enough() -> None:
    assert len(PAIRS) >= 30
    assert {part for _, part, _ in PAIRS.values()} == set(get_args(Asked))


def test_what_is_recorded_for_the_first_time_is_minor() -> None:
    before = changed({"architecture": None, "signature": None, "lineage.features": None})
    chosen = choose(before, changed(RETRAINED))
    assert chosen.part == "minor"
    assert chosen.reasons[0] == "signature is recorded now"


def test_every_kind_has_a_rule_here_and_in_the_schema() -> None:
    assert set(DEFAULT) == set(KINDS)
    schema = json.loads(schema_text("policy"))
    assert list(schema["properties"]["versioning"]["properties"]) == list(DEFAULT)
    assert schema["$defs"]["part"]["enum"] == list(get_args(Asked))


@pytest.mark.parametrize(
    ("versioning", "changes", "part", "first"),
    [
        ({"data": "patch"}, CHANGED_DATA, "patch", "data customers changed: 1000 -> 1200 rows"),
        ({"data": "major"}, CHANGED_DATA | {"params.max_depth": 8}, "major", "data customers changed: 1000 -> 1200 rows"),
        ({"data": "none"}, CHANGED_DATA, "patch", BYTES),
        ({"seeds": "minor"}, {"params.random_state": 8}, "minor", AGAIN),
        ({"content": "none", "code": "none"}, {"lineage.code.commit": "d" * 40}, "none", "nothing that makes a version differs"),
        ({"beside": "patch"}, {"artifacts.0.sha256": "a" * 64, "artifacts.1.sha256": OTHER}, "patch", f"artifact report.html {'1' * 12} -> {'b' * 12}"),
        ({"architecture": "minor"}, {"architecture": "sklearn.svm.SVC"}, "minor", "architecture sklearn.ensemble.RandomForestClassifier -> sklearn.svm.SVC"),
    ],
)  # fmt: skip
def test_a_policy_lays_its_rules_over_the_table(
    versioning: dict[str, Asked], changes: dict[str, Any], part: str, first: str
) -> None:
    chosen = choose(changed({}), changed(RETRAINED | changes), rules(versioning))
    assert (chosen.part, chosen.reasons[0]) == (part, first)


@pytest.mark.parametrize("versioning", [{"colour": "major"}, {"data": "huge"}, {"data": None}, {"data": ["major"]}])
def test_rules_that_are_none(versioning: dict[str, Any]) -> None:
    with pytest.raises(InvalidError) as caught:
        rules(versioning)
    assert str(caught.value.field).startswith("versioning.")


def test_many_reasons_are_counted() -> None:
    many = {f"params.p{n:02}": n for n in range(30)}
    chosen = choose(changed({}), changed(RETRAINED | many))
    assert len(chosen.reasons) == MOST
    assert chosen.reasons[:2] == ("parameter p00 none -> 0", "parameter p01 none -> 1")
    assert chosen.reasons[-1] == "and 22 more differences"
    few = choose(changed({}), changed(RETRAINED | many), room=3)
    assert few.reasons == ("parameter p00 none -> 0", "parameter p01 none -> 1", "and 29 more differences")


def test_reasons_of_the_part_are_whole_and_others_short() -> None:
    names = {f"params.{'n' * 300}": 1, "architecture": "x"}
    chosen = choose(changed({}), changed(RETRAINED | names))
    assert max(map(len, chosen.reasons)) <= 120
    long = {"lineage.data.0": {"name": "customers", "sha256": OTHER, "schema": [{"name": f"c{n}" * 20, "type": "x"} for n in range(9)]}}  # fmt: skip
    before = changed({"lineage.data.0.schema": []})
    told = choose(before, changed(RETRAINED | long)).reasons[0]
    assert 120 < len(told) <= 500


@pytest.mark.parametrize(
    ("asked", "last", "part"),
    [
        ("major", "1.2.3", "major"),
        ("major", "0.2.3", "minor"),
        ("minor", "0.2.3", "minor"),
        ("patch", "0.2.3", "patch"),
        ("none", "1.2.3", "patch"),
        ("none", "0.2.3", "patch"),
    ],
)
def test_below_one_a_major_change_raises_the_minor_part(asked: Asked, last: str, part: Part) -> None:
    assert raised(asked, v(last)) == part
