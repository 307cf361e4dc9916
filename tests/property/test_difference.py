from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from modelreg.domain.difference import KINDS, differences

names = st.sampled_from(["a", "b", "random_state", "n_jobs", "x__seed"]) | st.text(min_size=1, max_size=8)
plain = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=90)
)
values = st.recursive(plain, lambda v: st.lists(v, max_size=3) | st.dictionaries(names, v, max_size=3), max_leaves=6)
digests = st.sampled_from(["a" * 64, "b" * 64])
columns = st.lists(
    st.fixed_dictionaries(
        {"name": names, "type": st.sampled_from(["int64", "float64", "\u202estring"])},
        optional={"nullable": st.booleans(), "shape": st.just([-1])},
    ),
    max_size=3,
)


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


data = st.fixed_dictionaries(
    {"name": names},
    optional={
        "sha256": st.none() | digests,
        "role": st.sampled_from(["train", "test"]),
        "rows": st.none() | st.integers(0, 9),
        "columns": st.integers(0, 9),
        "size_bytes": st.integers(0, 9),
        "schema": st.none() | columns,
    },
)
parents = st.fixed_dictionaries({"model": names, "version": names}, optional={"relation": names})
artifacts = st.fixed_dictionaries(
    {"path": names, "sha256": digests, "role": st.sampled_from(["model", "report"]), "format": st.sampled_from("xy")}
)
bodies = optional(
    architecture=st.none() | names,
    framework=st.none() | st.fixed_dictionaries({"name": names}, optional={"version": names}),
    signature=st.none() | st.fixed_dictionaries({"inputs": columns, "outputs": columns}),
    params=st.dictionaries(names, values, max_size=4),
    artifacts=st.lists(artifacts, max_size=3),
    lineage=st.none()
    | optional(
        data=st.lists(data, max_size=3),
        parents=st.lists(parents, max_size=2),
        features=st.lists(st.fixed_dictionaries({"name": names}, optional={"from": st.lists(names)}), max_size=2),
        pipeline=optional(seeds=st.dictionaries(names, st.integers(), max_size=2), command=names),
        environment=optional(python=names, packages=st.dictionaries(names, names, max_size=2)),
        code=optional(commit=digests, tree=digests, diff_sha256=st.none() | digests),
    ),
)
ONE_SIDED = {
    "signature-incompatible": "signature",
    "signature-compatible": "signature",
    "recorded": "architecture or features",
    "architecture": "architecture or features",
    "features": "architecture or features",
}


@given(bodies)
def test_nothing_differs_from_itself(body: dict[str, Any]) -> None:
    assert differences(body, body) == ()


@given(bodies, bodies)
def test_both_ways_the_same_kinds(a: dict[str, Any], b: dict[str, Any]) -> None:
    """But for what breaks in one direction only, and what is recorded for the first time in the one."""
    there, back = ({ONE_SIDED.get(d.kind, d.kind) for d in differences(*pair)} for pair in ((a, b), (b, a)))
    assert there == back


@given(bodies, bodies)
def test_texts_are_one_bounded_line_in_order_and_told_once(a: dict[str, Any], b: dict[str, Any]) -> None:
    found = differences(a, b)
    for difference in found:
        assert difference.text.isascii()
        assert difference.text.isprintable()
        assert 0 < len(difference.text) <= 500
    places = [KINDS.index(difference.kind) for difference in found]
    assert places == sorted(places)
