"""Versions side by side: what is better, what is worse, what does not compare, and what differs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from modelreg.domain.compare import Comparison, compare
from modelreg.domain.manifest import Manifest
from modelreg.domain.reports.comparison import tables
from modelreg.domain.reports.comparison_mapping import mapping
from tests.samples import manifest

OLD, NEW = "a" * 64, "b" * 64
ON = {"dataset": {"name": "d", "sha256": OLD}, "split": "test", "direction": "higher"}
SIGNATURE = {"inputs": [{"name": "x", "type": "int32"}], "outputs": [{"name": "y", "type": "int64"}]}


def version(number: str, metrics: Mapping[str, Any] | None = None, model: str = "churn", **body: Any) -> Manifest:
    made = manifest(number, metrics)
    return Manifest.from_mapping({**made.body, "model": model, **body})


def f1(value: float, **changes: Any) -> dict[str, Any]:
    return {"f1": {**ON, "value": value, **changes}}


def words(comparison: Comparison) -> list[str | None]:
    (row,) = comparison.metrics
    return [told.word if told else None for told in row.against]


@pytest.mark.parametrize(
    ("base", "other", "word", "difference"),
    [
        (f1(0.8), f1(0.9), "better", 0.1),
        (f1(0.9), f1(0.8), "worse", -0.1),
        (f1(0.9), f1(0.9), "equal", 0.0),
        (f1(0.8, direction="lower"), f1(0.9, direction="lower"), "worse", 0.1),
        (f1(0.9, direction="lower"), f1(0.8, direction="lower"), "better", -0.1),
        (f1(0.8), f1(0.9, split="train"), "not comparable", None),
        (f1(0.8), f1(0.9, slice="women"), "not comparable", None),
        (f1(0.8), f1(0.9, dataset={"name": "d", "sha256": NEW}), "not comparable", None),
        (f1(0.8), f1(0.9, direction="lower"), "not comparable", None),
        (f1(0.8, dataset="d"), f1(0.9, dataset="d"), "not comparable", None),
        (f1(0.8), {}, "not comparable", None),
        ({}, f1(0.8), "not comparable", None),
        (f1(-1.7e308), f1(1.7e308), "better", None),
    ],
)
def test_a_metric(base: Any, other: Any, word: str, difference: float | None) -> None:
    (row,) = compare([version("1.0.0", base), version("1.1.0", other)]).metrics
    told = row.against[1]
    assert told is not None
    assert (told.word, row.against[0]) == (word, None)
    assert told.difference == (None if difference is None else pytest.approx(difference))
    assert bool(told.why) == (word == "not comparable")
    better = {"better": (False, True), "worse": (True, False)}.get(word, (False, False))
    assert row.best == better
    assert row.comparable == (word != "not comparable")


def test_of_three_the_best_that_compares_is_marked() -> None:
    versions = [version("1.0.0", f1(0.8)), version("1.1.0", f1(0.99, split="train")), version("1.2.0", f1(0.9))]
    done = compare(versions)
    assert words(done) == [None, "not comparable", "better"]
    (row,) = mapping(done)["metrics"]
    assert (row["better"], row["best"], row["comparable"]) == ("churn@1.2.0", [False, False, True], False)
    assert row["difference"] == pytest.approx(0.1)
    assert row["values"] == [0.8, 0.99, 0.9]


def test_two_that_are_equally_good_are_both_marked() -> None:
    done = compare([version("1.0.0", f1(0.8)), version("1.1.0", f1(0.9)), version("1.2.0", f1(0.9))])
    assert done.metrics[0].best == (False, True, True)


def test_nothing_is_better_where_the_baseline_says_nothing() -> None:
    done = compare([version("1.0.0"), version("1.1.0", f1(0.8)), version("1.2.0", f1(0.9))])
    assert words(done) == [None, "not comparable", "not comparable"]
    assert done.metrics[0].best == (False, False, False)
    assert mapping(done)["metrics"][0]["better"] is None


def test_a_version_is_equal_to_itself_even_on_unknown_data() -> None:
    one = version("1.0.0", {"f1": 0.8}, benchmarks=[{"name": "b", "latency_p50_ms": 1.0}])
    done = compare([one, one])
    assert words(done) == [None, "equal"]
    assert not done.differs


def test_versions_of_two_models_compare_and_it_is_said() -> None:
    done = compare([version("1.0.0", f1(0.8)), version("1.0.0", f1(0.9), model="fraud")])
    assert (done.one_model, words(done)) == (False, [None, "better"])
    assert mapping(done)["versions"] == ["churn@1.0.0", "fraud@1.0.0"]


def benchmark(**fields: Any) -> dict[str, Any]:
    return {"name": "predict", "batch_size": 32, "hardware": "4 cores", **fields}


@pytest.mark.parametrize(
    ("base", "other", "told"),
    [
        ({"latency_p95_ms": 2.0}, {"latency_p95_ms": 1.0}, {"predict[32].latency_p95_ms": "better"}),
        ({"throughput_rows_per_s": 2.0}, {"throughput_rows_per_s": 1.0}, {"predict[32].throughput_rows_per_s": "worse"}),
        ({"peak_memory_bytes": 2}, {"peak_memory_bytes": 2}, {"predict[32].peak_memory_bytes": "equal"}),
        ({"latency_p50_ms": 2.0}, {"latency_p50_ms": 1.0, "hardware": "8 cores"}, {"predict[32].latency_p50_ms": "not comparable"}),
        ({"latency_p50_ms": 2.0, "hardware": ""}, {"latency_p50_ms": 1.0, "hardware": ""}, {"predict[32].latency_p50_ms": "not comparable"}),
        (
            {"latency_p50_ms": 2.0},
            {"latency_p50_ms": 1.0, "batch_size": 1},
            {"predict[1].latency_p50_ms": "not comparable", "predict[32].latency_p50_ms": "not comparable"},
        ),
    ],
)  # fmt: skip
def test_a_benchmark(base: Any, other: Any, told: Mapping[str, str]) -> None:
    done = compare(
        [version("1.0.0", benchmarks=[benchmark(**base)]), version("1.1.0", benchmarks=[benchmark(**other)])]
    )
    assert {row.name: row.against[1].word for row in done.benchmarks if row.against[1]} == told


@pytest.mark.parametrize(
    ("part", "before", "after", "differing"),
    [
        ("params", {"params": {"a": 1, "b": {"c": 2}}}, {"params": {"a": 1, "b": {"c": 3}}}, {"b.c": [2, 3]}),
        ("params", {"params": {"a": 1}}, {"params": {"a": 1.0}}, {"a": [1, 1.0]}),
        ("params", {"params": {"a": 1}}, {}, {"a": [1, None]}),
        ("params", {"params": {"a": 1}}, {"params": {"a": 1}}, {}),
        ("environment", {"lineage": {"environment": {"python": "3.11.7"}}}, {"lineage": {"environment": {"python": "3.12.0"}}}, {"python": ["3.11.7", "3.12.0"]}),
        ("environment", {"lineage": {"environment": {"packages": {"a": "1", "b": "2"}}}}, {"lineage": {"environment": {"packages": {"a": "2", "b": "2"}}}}, {"package a": ["1", "2"]}),
        ("environment", {"lineage": {"environment": {"packages": {"a": "1"}}}}, {"lineage": {}}, {}),
        ("setup", {"architecture": "Forest"}, {"architecture": "Boosting"}, {"architecture": ["Forest", "Boosting"]}),
        ("setup", {"lineage": {"pipeline": {"seeds": {"python": 1}}}}, {"lineage": {"pipeline": {"seeds": {"python": 2}}}}, {"seed python": [1, 2]}),
        ("setup", {}, {"lineage": {"parents": [{"model": "base", "version": "2.0.0"}]}}, {"parents": [None, "base@2.0.0"]}),
        (
            "setup",
            {"lineage": {"features": [{"name": "a", "from": ["x", "y"], "transformation": "scaled"}, {"name": "b"}]}},
            {"lineage": {"features": [{"name": "a", "code": "f.py"}, {"name": "b"}]}},
            {"transformation a": ["scaled from x, y", "f.py"]},
        ),
        ("feature_importance", {"feature_importance": {"method": "impurity", "values": {"x": 0.5}}}, {"feature_importance": {"method": "impurity", "values": {"x": 0.25}}}, {"x": [0.5, 0.25]}),
    ],
)  # fmt: skip
def test_what_differs(part: str, before: Any, after: Any, differing: Mapping[str, list[Any]]) -> None:
    done = compare([version("1.0.0", **before), version("1.1.0", **after)])
    assert {row["name"]: row["values"] for row in mapping(done)[part]} == differing
    assert done.differs == bool(differing)


def test_data_says_by_how_much_it_changed() -> None:
    def trained(*entries: Mapping[str, Any]) -> dict[str, Any]:
        return {"lineage": {"data": list(entries)}}

    old = {"name": "train", "sha256": OLD, "rows": 100, "columns": 3, "path": "/somewhere"}
    new = {"name": "train", "sha256": NEW, "rows": 150, "columns": 3}
    done = compare([version("1.0.0", **trained(old)), version("1.1.0", **trained(new)), version("1.2.0", **trained())])
    (row,) = mapping(done)["data"]
    assert row["changes"] == [None, "data train changed: 100 -> 150 rows", "data train removed (100 rows, 3 columns)"]
    assert row["values"] == [
        {"sha256": OLD, "rows": 100, "columns": 3},
        {"sha256": NEW, "rows": 150, "columns": 3},
        None,
    ]


def test_signatures_are_told_from_the_baseline_s_callers() -> None:
    wider = {**SIGNATURE, "inputs": [{"name": "x", "type": "int64"}]}
    versions = [version("1.0.0", signature=SIGNATURE), version("1.1.0", signature=wider), version("1.2.0")]
    told = mapping(compare(versions))["signature"]
    assert told["compatible"] is False
    assert told["against_baseline"][:2] == [None, {"same": False, "compatible": True, "reasons": []}]
    assert told["against_baseline"][2]["reasons"] == ["no signature recorded for the candidate"]
    back = compare([version("1.1.0", signature=wider), version("1.0.0", signature=SIGNATURE)])
    assert back.signature[1] is not None
    assert not back.signature[1].compatible


def test_signatures_that_nobody_recorded_are_not_called_compatible() -> None:
    done = compare([version("1.0.0"), version("1.1.0")])
    assert not done.differs
    told = mapping(done)["signature"]
    assert (told["compatible"], told["against_baseline"][1]["same"]) == (False, True)
    (table,) = [table for table in tables(done, every=True) if table.title == "Signature"]
    assert table.notes[0].startswith("1.1.0: not known to be compatible: no signature recorded for the holder")


def test_every_row_is_told_when_asked() -> None:
    done = compare([version("1.0.0", params={"a": 1, "b": 2}), version("1.1.0", params={"a": 1, "b": 3})])
    assert [row["name"] for row in mapping(done)["params"]] == ["b"]
    assert [row["name"] for row in mapping(done, every=True)["params"]] == ["a", "b"]


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (1, True), ([1], [1.0]), ({"a": 0}, {"a": False}), ("1", 1)])
def test_another_type_is_another_value(one: Any, other: Any) -> None:
    (row,) = compare([version("1.0.0", params={"p": one}), version("1.1.0", params={"p": other})]).params
    assert row.differs
