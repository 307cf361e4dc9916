"""Whatever an export holds, a manifest can: names, numbers, files."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelreg.domain.foreign.filing import file_name
from modelreg.domain.names import is_metric, parse_file
from modelreg.domain.neptune import Attribute, Entity, entity_facts
from modelreg.registry.register import parse_metrics

TYPES = st.sampled_from(
    ["float", "int", "string", "bool", "datetime", "string_set", "float_series", "string_series", "file", "odd"]
)
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.lists(st.text(max_size=5), max_size=3),
)
PATHS = st.text(st.sampled_from("aZ9_/.- %é\x00"), min_size=1, max_size=40)


@given(st.dictionaries(PATHS, st.builds(Attribute, TYPES, VALUES), max_size=8))
def test_any_attributes(attributes: dict[str, Attribute]) -> None:
    facts = entity_facts(Entity("p", "P-M-1", attributes))
    assert all(is_metric(name) and math.isfinite(entry["value"]) for name, entry in facts.metrics.items())
    assert parse_metrics(facts.metrics).keys() == facts.metrics.keys()
    assert not any(isinstance(value, float) and not math.isfinite(value) for value in facts.params.values())
    assert set(facts.files) | set(facts.params) <= set(attributes)


@given(
    st.lists(st.tuples(PATHS, st.sampled_from(["x", "model.pkl", "a.b.tar.gz", "weird.é"])), max_size=8, unique=True)
)
def test_files_have_names_of_their_own(found: list[tuple[str, str]]) -> None:
    taken: set[str] = set()
    for path, name in dict(found).items():
        given_name = file_name(path, name, taken)
        parse_file(given_name)
        assert given_name.lower() not in taken
        taken.add(given_name.lower())


@pytest.mark.parametrize("path", ["manifest.yaml", "evidence", "model.pkl.dvc", "x.sha256", "CON"])
def test_names_that_the_registry_keeps(path: str) -> None:
    parse_file(file_name(path, path, set()))
