"""What differs between two manifests, kind by kind, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from modelreg.domain.difference import KINDS, Difference, differences
from tests.samples import BODY, changed

COLUMN = {"name": "age", "type": "int64"}
PLAN = {"name": "plan", "type": "string"}


def told(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str]]:
    return [(found.kind, found.text) for found in differences(before, after)]


def one(before: dict[str, Any], after: dict[str, Any]) -> Difference:
    (found,) = differences(before, after)
    return found


def test_nothing_differs_in_itself_and_in_what_registration_adds() -> None:
    assert differences(BODY, BODY) == ()
    other = changed(
        {
            "version": "9.0.0",
            "created": "2026-12-01T00:00:00Z",
            "author": {"name": "Bo", "email": "bo@example.org"},
            "bump": {"kind": "major"},
            "tags": {"team": "growth"},
            "metrics.f1": {"value": 0.1, "direction": "higher"},
            "feature_importance": {"method": "permutation", "values": {"age": 0.5}},
            "benchmarks": [{"name": "predict", "latency_p50_ms": 2.0}],
            "lineage.run": {"tracker": "mlflow", "id": "7"},
            "lineage.environment.hardware": {"cpu_count": 64},
            "lineage.code.branch": "topic",
            "lineage.code.repository": "https://example.org/x",
        }
    )
    assert differences(BODY, other) == ()


@pytest.mark.parametrize(
    ("changes", "kind", "text"),
    [
        ({"architecture": "sklearn.svm.SVC"}, "architecture", "architecture sklearn.ensemble.RandomForestClassifier -> sklearn.svm.SVC"),
        ({"architecture": None}, "architecture", "architecture sklearn.ensemble.RandomForestClassifier -> none"),
        ({"framework": {"name": "xgboost", "version": "2.0"}}, "architecture", "framework scikit-learn 1.9.1 -> xgboost 2.0"),
        ({"framework.version": "1.9.2"}, "framework", "framework scikit-learn 1.9.1 -> scikit-learn 1.9.2"),
        ({"framework": None}, "framework", "framework scikit-learn 1.9.1 -> none"),
        ({"signature": None}, "signature-incompatible", "signature: no longer recorded"),
        ({"signature.outputs": []}, "signature-incompatible", "signature: output 'y' is gone"),
        ({"signature.outputs": [{"name": "y", "type": "int64"}, PLAN]}, "signature-compatible", "signature changed, compatibly"),
        ({"lineage.features": [{"name": "age", "transformation": "log"}]}, "features", "transformation of age changed"),
        ({"lineage.features": []}, "features", "transformation of age removed"),
        ({"lineage.features": None}, "features", "transformation of age removed"),
        ({"params.max_depth": 8}, "params", "parameter max_depth 6 -> 8"),
        ({"params.max_depth": None}, "params", "parameter max_depth 6 -> none"),
        ({"params.max_depth": 6.0}, "params", "parameter max_depth 6 -> 6.0"),
        ({"params.max_depth": "6"}, "params", "parameter max_depth 6 (int) -> 6 (str)"),
        ({"params.bootstrap": 1}, "params", "parameter bootstrap True -> 1"),
        ({"params.layers": [64, 32.0]}, "params", "parameter layers [64, 32] -> [64, 32.0]"),
        ({"params.nested": {"a": {"b": 2}}}, "params", "parameter nested.a.b 1 -> 2"),
        ({"params.text": "x" * 100 + "z"}, "params", f"parameter text {'x' * 59}~ -> another that begins alike"),
        ({"params.random_state": 8}, "seeds", "seed random_state 7 -> 8"),
        ({"params.random_state": None}, "seeds", "seed random_state 7 -> none"),
        ({"params.random_state": "auto"}, "params", "parameter random_state 7 -> auto"),
        ({"params.forest__random_state": 1}, "seeds", "seed forest__random_state none -> 1"),
        ({"params.booster": {"bagging_seed": 3}}, "seeds", "seed booster.bagging_seed none -> 3"),
        ({"params.n_seed": 3}, "params", "parameter n_seed none -> 3"),
        ({"params.seed_ratio": 3}, "params", "parameter seed_ratio none -> 3"),
        ({"params.n_jobs": 4}, "environment", "environment n_jobs 1 -> 4"),
        ({"params.forest__verbose": 2}, "environment", "environment forest__verbose none -> 2"),
        ({"lineage.pipeline.seeds.numpy": 2}, "seeds", "seed numpy 1 -> 2"),
        ({"lineage.parents": [{"model": "base", "version": "2.0.0", "relation": "distilled"}]}, "parents", "parent base@2.0.0 has another relation"),
        ({"lineage.parents": []}, "parents", "parent base@2.0.0 removed"),
        ({"artifacts.0.format": "onnx"}, "format", "format skops -> onnx"),
        ({"lineage.environment.python": "3.13.0"}, "environment", "environment python 3.11.7 -> 3.13.0"),
        ({"lineage.environment.packages.numpy": "2.1"}, "environment", "environment numpy 2.0 -> 2.1"),
        ({"lineage.environment.lock.sha256": "f" * 64}, "environment", f"lock file {'e' * 12} -> {'f' * 12}"),
        ({"lineage.environment.lock": None}, "environment", f"lock file {'e' * 12} -> none"),
        ({"lineage.code.commit": "d" * 40}, "code", f"code {'c' * 12} -> {'d' * 12}"),
        ({"lineage.code.diff_sha256": "d" * 64}, "code", f"uncommitted changes none -> {'d' * 12}"),
        ({"lineage.code.entry_point": "fit.py"}, "code", "code entry_point train.py -> fit.py"),
        ({"lineage.pipeline.command": "python fit.py"}, "code", "code command python train.py -> python fit.py"),
        ({"artifacts.0.sha256": "b" * 64}, "content", f"artifact model.skops {'a' * 12} -> {'b' * 12}"),
        ({"artifacts.1.sha256": "b" * 64}, "beside", f"artifact report.html {'1' * 12} -> {'b' * 12}"),
        ({"artifacts.1": None}, "beside", f"artifact report.html {'1' * 12} -> none"),
        ({"artifacts.1.role": "tokenizer", "artifacts.1.sha256": "b" * 64}, "content", f"artifact report.html {'1' * 12} -> {'b' * 12}"),
    ],
)  # fmt: skip
def test_one_change(changes: dict[str, Any], kind: str, text: str) -> None:
    assert told(BODY, changed(changes)) == [(kind, text)]


def test_a_feature_added_or_removed() -> None:
    more = changed({"signature.inputs": [COLUMN, PLAN | {"nullable": True}]})
    assert told(BODY, more) == [("features", "feature plan added"), ("signature-compatible", "signature changed, compatibly")]  # fmt: skip
    assert told(more, BODY) == [("features", "feature plan removed"), ("signature-compatible", "signature changed, compatibly")]  # fmt: skip
    demanding = changed({"signature.inputs": [COLUMN, PLAN]})
    assert ("signature-incompatible", "signature: input 'plan' is new and not nullable") in told(BODY, demanding)


def test_what_is_recorded_for_the_first_time_is_no_change_of_architecture() -> None:
    before = changed({"architecture": None, "framework": None, "signature": None, "lineage.features": None})
    assert told(before, BODY) == [
        ("signature-compatible", "signature is recorded now"),
        ("recorded", "architecture none -> sklearn.ensemble.RandomForestClassifier"),
        ("recorded", "feature transformations are recorded now: 1"),
        ("framework", "framework none -> scikit-learn 1.9.1"),
    ]


def test_data_that_differ_have_their_entries() -> None:
    found = one(BODY, changed({"lineage.data.0.sha256": "f" * 64, "lineage.data.0.rows": 1200}))
    assert (found.kind, found.name, found.text) == ("data", "customers", "data customers changed: 1000 -> 1200 rows")
    assert (found.before["rows"], found.after["rows"]) == (1000, 1200)


def test_the_same_tree_is_the_same_code() -> None:
    """After a squash or a rebase; with other uncommitted changes it is not."""
    squashed = {"lineage.code.commit": "d" * 40, "lineage.code.tree": "9" * 40}
    before = changed({"lineage.code.tree": "9" * 40})
    assert differences(before, changed(squashed)) == ()
    dirty = changed(squashed | {"lineage.code.diff_sha256": "d" * 64})
    assert told(before, dirty) == [("code", f"uncommitted changes none -> {'d' * 12}")]
    assert [f.kind for f in differences(before, changed(squashed | {"lineage.code.tree": "8" * 40}))] == ["code"]


def test_a_line_that_continues_itself_has_the_same_parent() -> None:
    def child(of: str, relation: str = "fine-tuned") -> dict[str, Any]:
        return changed({"lineage.parents": [{"model": "churn", "version": of, "relation": relation}]})

    assert differences(child("1.0.0"), child("1.1.0")) == ()
    assert told(child("1.0.0"), child("1.1.0", "distilled")) == [("parents", "parent churn has another relation")]
    other = changed({"lineage.parents": [{"model": "base", "version": "2.1.0", "relation": "fine-tuned"}]})
    assert [f.text for f in differences(BODY, other)] == ["parent base@2.0.0 removed", "parent base@2.1.0 added"]


def test_packages_are_compared_where_both_list_them() -> None:
    assert differences(BODY, changed({"lineage.environment.packages": None})) == ()


def test_the_order_is_that_of_kinds() -> None:
    after = changed({"artifacts.0.sha256": "b" * 64, "params.max_depth": 8, "architecture": "x", "signature": None})
    kinds = [found.kind for found in differences(BODY, after)]
    assert kinds == ["architecture", "signature-incompatible", "params", "content"]
    assert kinds == sorted(kinds, key=KINDS.index)


@pytest.mark.parametrize(
    "body", [{}, {"lineage": None, "signature": None}, {"lineage": {"pipeline": None, "code": {}}}]
)
def test_what_is_missing_is_no_error(body: dict[str, Any]) -> None:
    assert differences(body, body) == ()
    assert differences(body, BODY)
    assert differences(BODY, body)


def test_strangers_text_is_printable_ascii() -> None:
    bad = "\x1b[31m\u202e\n\ud800" * 30
    after = changed(
        {
            "architecture": bad,
            "params." + bad.replace(".", ""): bad,
            "signature": {"inputs": [{"name": bad, "type": bad}], "outputs": [{"name": "y", "type": bad}]},
            "lineage.parents": [{"model": bad, "version": bad}],
            "lineage.environment.lock.sha256": bad,
            "lineage.code.commit": bad,
            "artifacts.0.path": bad,
        }
    )
    found = differences(BODY, after)
    assert {f.kind for f in found} >= {"architecture", "params", "signature-incompatible", "parents", "code", "content"}
    for difference in found:
        assert difference.text.isascii()
        assert difference.text.isprintable()
        assert len(difference.text) <= 500
