"""Comparing: what is better one way is worse the other; a version differs from itself in nothing."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from modelreg.adapters.schema import check_output
from modelreg.domain.compare import compare
from modelreg.domain.manifest import Manifest
from modelreg.domain.reports.comparison import markdown, tables
from modelreg.domain.reports.comparison_mapping import mapping
from tests.samples import manifest

TURNED = {"better": "worse", "worse": "better", "equal": "equal", "not comparable": "not comparable"}
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from((0.5, 0.25))
plain = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
)
metrics = st.dictionaries(
    st.sampled_from(("f1", "loss", "auc")),
    st.fixed_dictionaries(
        {"value": numbers, "direction": st.sampled_from(("higher", "lower"))},
        optional={
            "dataset": st.sampled_from(({"name": "d", "sha256": "a" * 64}, {"name": "d", "sha256": "b" * 64}, "d")),
            "split": st.sampled_from(("test", "train")),
            "slice": st.just("women"),
        },
    ),
)
benchmarks = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(("p", "q")), "latency_p50_ms": st.floats(0, 1e300)},
        optional={"hardware": st.sampled_from(("a", "b")), "batch_size": st.sampled_from((1, 8))},
    ),
    max_size=3,
)
data = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(("train", "test"))},
        optional={
            "sha256": st.sampled_from(("a" * 64, "b" * 64)),
            "rows": st.integers(0, 3),
            "columns": st.integers(0, 3),
        },
    ),
    max_size=2,
)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "metrics": metrics,
        "benchmarks": benchmarks,
        "params": st.dictionaries(st.text(max_size=4), plain, max_size=3),
        "lineage": st.fixed_dictionaries({}, optional={"data": data}),
        "feature_importance": st.fixed_dictionaries(
            {"method": st.just("impurity"), "values": st.dictionaries(st.text(max_size=4), numbers, max_size=3)}
        ),
    },
)


def version(number: int, body: dict[str, Any]) -> Manifest:
    return Manifest.from_mapping({**manifest(f"1.{number}.0").body, **body})


versions = st.lists(bodies, min_size=2, max_size=4).map(
    lambda found: [version(n, body) for n, body in enumerate(found)]
)


@given(versions)
def test_better_one_way_is_worse_the_other(found: list[Manifest]) -> None:
    one, other = found[:2]
    there, back = compare([one, other]), compare([other, one])
    for forth, again in zip((*there.metrics, *there.benchmarks), (*back.metrics, *back.benchmarks), strict=True):
        told, turned = forth.against[1], again.against[1]
        assert told is not None
        assert turned is not None
        assert (forth.name, TURNED[told.word]) == (again.name, turned.word)
        assert forth.best == tuple(reversed(again.best))
        if told.difference is not None and turned.difference is not None:
            assert told.difference == -turned.difference
    assert there.differs == back.differs


@given(bodies)
def test_a_version_differs_from_itself_in_nothing(body: dict[str, Any]) -> None:
    one = version(0, body)
    done = compare([one, one, one])
    assert not done.differs
    assert tables(done) == []
    assert not any(any(row.best) for row in (*done.metrics, *done.benchmarks))


@given(versions, st.booleans())
def test_nothing_is_better_that_does_not_compare_and_all_can_be_shown(found: list[Manifest], every: bool) -> None:
    done = compare(found)
    for row in (*done.metrics, *done.benchmarks):
        for told, best, value in zip(row.against, row.best, row.values, strict=True):
            compares = told is None or told.word != "not comparable"
            assert not best or (compares and value is not None)
    body = json.loads(json.dumps(mapping(done, every=every), allow_nan=False))
    assert not check_output(body, "compare")
    assert markdown(done, every=every).startswith("### modelreg: `churn@")
