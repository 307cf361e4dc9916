"""What is said to fit a schema at once has no finding from jsonschema, nor from a third reading of the same schema."""

from __future__ import annotations

import copy
import functools
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelreg.adapters import schema, schema_fits, yaml_reader
from modelreg.adapters.schema_files import schema_names, schema_text
from modelreg.domain.document import Document
from modelreg.errors import InvalidError

CORPUS = Path(__file__).parents[1] / "corpus"


def load(path: Path) -> tuple[str, Any]:
    return path.name.partition("--")[0], yaml_reader.read(path.read_bytes(), path.name).value


@functools.cache
def sound() -> list[tuple[str, Any]]:
    return [load(path) for path in sorted((CORPUS / "valid").glob("*.yaml"))]


@functools.cache
def third(kind: str) -> Any:
    return jsonschema_rs.Draft202012Validator(json.loads(schema_text(kind)))


def findings(value: Any, kind: str) -> list[Any]:
    return list(schema.check(Document("x", value), kind))


@pytest.mark.parametrize("kind", schema_names())
def test_every_schema_is_known_in_all_that_it_says(kind: str) -> None:
    assert schema_fits._test_of(kind) is not None


def test_what_is_sound_fits_at_once() -> None:
    assert {kind for kind, _ in sound()} == set(schema_names())
    for kind, value in sound():
        assert schema_fits.fits(value, kind), kind


def test_what_is_wrong_does_not_fit() -> None:
    for path in (CORPUS / "invalid").glob("*.yaml"):
        try:
            kind, value = load(path)
        except InvalidError:
            continue
        assert not schema_fits.fits(value, kind), path.name


LEAVES: list[Any] = [None, True, False, 0, 1, -1, 2, 1.0, 0.5, -0.5, 1e300, float("nan"), float("inf"), 10**30, "", "x"]
LEAVES += ["1.0.0", "1.0", "churn", "a" * 32, "a" * 40, "a" * 64, "a" * 65, "x\n", "production", "latest", "v1", "con"]
LEAVES += ["2026-11-24T09:30:00Z", "higher", "train", [], {}, [1, 1], [1, True], ["a", "a"], [{}, {}], {"a": 1}, {1: 2}]
LEAVES += ["ann@example.org", "é", "x" * 4000, "../x", "a/b", [None], [[]], {"x": {"y": []}}, ("a",), b"x", 3 + 0j]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += places(item, (*path, key))
    return found


@st.composite
def edited(draw: st.DrawFn) -> tuple[str, Any]:
    """A sound document in which a few values are others, gone, doubled or put elsewhere."""
    kind, value = draw(st.sampled_from(sound()))
    value = copy.deepcopy(value)
    for _ in range(draw(st.integers(1, 3))):
        if not (there := places(value)):
            break
        *way, last = draw(st.sampled_from(there))
        parent = functools.reduce(lambda at, key: at[key], way, value)
        what = draw(st.integers(0, 4))
        if what == 0:
            del parent[last]
        elif what == 1 and isinstance(parent, list):
            parent.append(parent[last])
        elif what == 1:
            parent[draw(st.sampled_from(["extra", "A", "", "a b", "primary", "x" * 200, "type", "sd"]))] = parent[last]
        elif what == 2:
            other = draw(st.sampled_from(there))
            try:
                parent[last] = copy.deepcopy(functools.reduce(lambda at, key: at[key], other, value))
            except (KeyError, IndexError, TypeError):
                continue
        else:
            parent[last] = copy.deepcopy(draw(st.sampled_from(LEAVES)))
    return kind, value


@given(edited())
@settings(max_examples=1000, deadline=None)
def test_an_edited_document_fits_only_where_there_is_no_finding(made: tuple[str, Any]) -> None:
    kind, value = made
    if schema_fits.fits(value, kind):
        assert findings(value, kind) == []
        assert third(kind).is_valid(value)


BASE: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
SMALL: list[dict[str, Any]] = [
    {"type": "integer"},
    {"type": "number", "minimum": 1, "exclusiveMaximum": 2},
    {"type": ["string", "null"], "minLength": 1, "maxLength": 2},
    {"pattern": "^[ax]$"},
    {"const": 1},
    {"const": True},
    {"enum": ["x", None, 2]},
    {"minItems": 1, "maxItems": 2, "uniqueItems": True, "items": {"type": "integer"}},
    {"uniqueItems": True},
    {"required": ["a"], "properties": {"a": {"type": "integer"}}, "additionalProperties": False},
    {"propertyNames": {"maxLength": 1}, "minProperties": 1, "maxProperties": 1, "additionalProperties": {"const": 1}},
    {"dependentSchemas": {"a": {"required": ["b"]}}, "type": "object"},
    {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/tree"}], "$defs": {"tree": {"items": {"$ref": "#/$defs/tree"}}}},
    {"allOf": [{"type": "integer"}, {"minimum": 1}]},
    {"not": {"required": ["a"]}},
    {"if": {"properties": {"a": {"const": "x"}}, "required": ["a"]}, "then": {"required": ["b"]}, "else": False},
]


@pytest.mark.parametrize("body", SMALL, ids=lambda body: next(iter(body)))
def test_each_keyword_by_itself(body: dict[str, Any]) -> None:
    test = schema_fits._Schema(body).test(body)
    judge = schema._Validator(BASE | body)
    fitting = 0
    more: list[Any] = [
        {"a": "x"},
        {"a": "x", "b": 1},
        {"a": 1, "b": 1},
        {"b": 1},
        {"ab": 1},
        [1, 2],
        [1, 2, 3],
        [["x"]],
        1.5,
        {"a": 1.0},
        [{}, 1],
    ]
    for value in (v for v in LEAVES + more if schema_fits._plain(v)):
        if test(value):
            fitting += 1
            assert judge.is_valid(value), value
        elif not judge.is_valid(value):
            continue
        else:  # where it is stricter than jsonschema
            assert value in (1.0, {"a": 1.0}, [[]], [["x"]], [{}, 1]), value
    assert fitting


@pytest.mark.parametrize(
    "body",
    [
        {"format": "date"},
        {"items": {"contains": {}}},
        {"$ref": "https://example.org/x"},
        {"$ref": "#/$defs/none"},
        {"const": 1.0},
        {"enum": [[]]},
        {"not": {"type": "null"}},
        {"if": {"properties": {"a": {"const": 1}}}},
        {"if": {"properties": {"a": {"minLength": 1}}}},
        {"anyOf": [{"pattern": "x", "multipleOf": 2}]},
        {"items": [{}]},
    ],
)
def test_what_is_not_known_makes_nothing_fit(body: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_fits, "schema_text", lambda _: json.dumps(body))
    schema_fits._test_of.cache_clear()
    try:
        assert not schema_fits.fits("x", "manifest")
        assert schema_fits._test_of("manifest") is None
    finally:
        schema_fits._test_of.cache_clear()


@pytest.mark.parametrize("value", [float("nan"), [float("inf")], {"a": [{"b": float("-inf")}]}, {1: "x"}, ("a",), b"x"])
def test_only_plain_data_with_finite_numbers_fits(value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema_fits, "_test_of", lambda _: lambda _: True)
    assert schema_fits.fits({"a": [1, 0.5, "x", None, True]}, "manifest")
    assert not schema_fits.fits(value, "manifest")
