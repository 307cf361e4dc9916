"""Lineage of random registries: what is upstream and what is downstream are each other's inverse."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from modelreg.domain.lineage import descendants, downstream, upstream
from modelreg.domain.lineage_parts import parts
from modelreg.domain.lineage_query import Query
from tests.lineage import InMemory, body, data, name, parent, sha
from tests.unit.test_lineage import children_in

NAMES = [f"{model}@1.{minor}.0" for model in ("a", "b", "c") for minor in range(3)]
CONTENTS = ("x", "y", "z")
COMMITS = tuple(letter * 40 for letter in "abc")
RUNS = ("1", "2")


def lineages() -> st.SearchStrategy[dict[str, Any]]:
    """Parents may be missing, the version itself, or a descendant of it: nothing is taken for granted."""
    return st.builds(
        lambda sets, commit, run, kin: body(
            data=[data(f"set {text}", text) for text in sets],
            code={"commit": commit, "dirty": False},
            run={"id": run},
            parents=[parent(text) for text in kin],
        ),
        st.lists(st.sampled_from(CONTENTS), max_size=2, unique=True),
        st.sampled_from(COMMITS),
        st.sampled_from(RUNS),
        st.lists(st.sampled_from(NAMES), max_size=3, unique=True),
    )


registries = st.dictionaries(st.sampled_from(NAMES), lineages(), min_size=1)


def found(bodies: dict[str, Any], address: str) -> set[str]:
    """The versions of reverse lineage, as registry/lineage.py asks for them."""
    query = Query.parse(address)
    assert query is not None
    direct = {name(v): fit for v, b in bodies.items() if (fit := [p for p in parts(name(v), b) if query.fits(p)])}
    marked = {query.mark(part): part for fitting in direct.values() for part in fitting}
    query.choose(marked.values())
    graph = downstream(address, sorted(direct.items()), children_in(bodies), InMemory(bodies))
    return {node.label for node in graph.versions}


@given(registries)
def test_a_version_is_downstream_of_what_is_in_its_upstream_and_of_nothing_else(bodies: dict[str, Any]) -> None:
    above = {v: upstream(name(v), InMemory(bodies)).nodes for v in bodies}
    for content in CONTENTS:
        within = {v for v, nodes in above.items() if f"data:sha256:{sha(content)}" in nodes}
        assert found(bodies, f"data:{sha(content)}") == within
        assert found(bodies, f"data:set {content}") == within
    for commit in COMMITS:
        assert found(bodies, f"commit:{commit[:7]}") == {v for v, nodes in above.items() if f"code:{commit}" in nodes}
    for run in RUNS:
        within = {
            v for v, nodes in above.items() if any(n.kind == "run" and n.facts["id"] == run for n in nodes.values())
        }
        assert found(bodies, f"run:{run}") == within


@given(registries)
def test_descendants_are_the_inverse_of_ancestors(bodies: dict[str, Any]) -> None:
    versions = InMemory(bodies)
    above = {v: {node.label for node in upstream(name(v), versions).versions} for v in bodies}
    for root in bodies:
        below = {node.label for node in descendants(name(root), children_in(bodies), versions).versions}
        assert below == {v for v, ancestors in above.items() if root in ancestors}


@given(registries, st.integers(0, 3))
def test_fewer_generations_are_a_part_and_what_is_left_out_is_said(bodies: dict[str, Any], depth: int) -> None:
    for root in bodies:
        whole, cut = (upstream(name(root), InMemory(bodies), limit) for limit in (None, depth))
        assert set(cut.nodes) <= set(whole.nodes)
        assert set(cut.edges) <= set(whole.edges)
        assert set(cut.edges) == set(whole.edges) or any("--depth" in words for words in cut.notes)
