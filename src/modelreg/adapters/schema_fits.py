"""Whether a document fits its schema, in a twentieth of jsonschema's time and without its import.

The shipped schemas use a small part of JSON Schema (2020-12): each is made into functions that know just that part.
They may say no where jsonschema says yes, never the other way round: whatever does not fit here is asked of jsonschema
(`schema`), which finds the words. With a keyword that is not known here nothing fits. Tests hold the two to each other.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from modelreg.adapters.schema_files import schema_text

Test = Callable[[Any], bool]

_TYPES: Mapping[str, tuple[type, ...]] = {
    "null": (type(None),),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "array": (list,),
    "object": (dict,),
}
_SCALARS = frozenset((str, int, bool, type(None)))
_SAY_NOTHING = frozenset(("$schema", "$id", "$defs", "title", "description"))
_OF_STRINGS = ("pattern", "minLength", "maxLength")
_OF_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_OF_LISTS = ("items", "minItems", "maxItems", "uniqueItems")
_OF_MAPPINGS = (
    *("properties", "required", "additionalProperties", "propertyNames", "minProperties", "maxProperties"),
    "dependentSchemas",
)
_OF_ANY = ("type", "const", "enum", "$ref", "anyOf", "allOf", "not", "if", "then", "else")
_KNOWN = _SAY_NOTHING.union(_OF_STRINGS, _OF_NUMBERS, _OF_LISTS, _OF_MAPPINGS, _OF_ANY)
_EXACT = frozenset(("properties", "required", "const"))
"""What may stand under `not` and `if`, where a no that is too quick would become a yes."""


def fits(value: Any, kind: str) -> bool:
    """Whether a document's value surely fits the schema `kind`, its numbers finite and all of it plain data."""
    test = _test_of(kind)
    return test is not None and _plain(value) and test(value)


@cache
def _test_of(kind: str) -> Test | None:
    schema = json.loads(schema_text(kind))
    try:
        return _Schema(schema).test(schema)
    except _UnknownError:
        return None


def _plain(value: Any) -> bool:
    """Nothing but mappings with keys of text, lists, text, finite numbers, truth values and null."""
    todo = [value]
    while todo:
        item = todo.pop()
        kind = type(item)
        if kind is dict:
            if any(type(key) is not str for key in item):
                return False
            todo.extend(item.values())
        elif kind is list:
            todo.extend(item)
        elif kind not in _SCALARS and not (kind is float and math.isfinite(item)):
            return False
    return True


class _UnknownError(Exception):
    """The schema says something that is not known here."""


class _Schema:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._definitions: Mapping[str, Any] = root.get("$defs", {})
        self._made: dict[str, Test] = {}

    def test(self, schema: Any) -> Test:
        """A schema as a function. Raises _UnknownError."""
        if schema is True or schema is False:
            return lambda _: schema
        if not isinstance(schema, dict) or not _KNOWN.issuperset(schema):
            raise _UnknownError
        tests = [*self._of_any(schema)]
        makers = (
            (_OF_STRINGS, _string),
            (_OF_NUMBERS, _number),
            (_OF_LISTS, self._list),
            (_OF_MAPPINGS, self._mapping),
        )
        tests += [make(schema) for keywords, make in makers if not schema.keys().isdisjoint(keywords)]
        return _all(tests)

    def _of_any(self, schema: Mapping[str, Any]) -> Sequence[Test]:
        tests: list[Test] = []
        if "type" in schema:
            names = schema["type"]
            tests.append(_type([names] if isinstance(names, str) else names))
        if "const" in schema:
            tests.append(_one_of([schema["const"]]))
        if "enum" in schema:
            tests.append(_one_of(schema["enum"]))
        if "$ref" in schema:
            tests.append(self._definition(schema["$ref"]))
        if "anyOf" in schema:
            tests.append(_any([self.test(one) for one in schema["anyOf"]]))
        tests += [self.test(one) for one in schema.get("allOf", ())]
        if "not" in schema:
            tests.append(_negated(self._exact(schema["not"])))
        if "if" in schema:
            branches = (self.test(schema.get(word, True)) for word in ("then", "else"))
            tests.append(_either(self._exact(schema["if"]), *branches))
        return tests

    def _exact(self, schema: Any) -> Test:
        if not isinstance(schema, dict) or not _EXACT.issuperset(schema):
            raise _UnknownError
        if not isinstance(schema.get("const", ""), str):
            raise _UnknownError  # `1.0` is `1` to JSON Schema
        for one in schema.get("properties", {}).values():
            self._exact(one)
        return self.test(schema)

    def _definition(self, reference: str) -> Test:
        name = reference.removeprefix("#/$defs/")
        if name not in self._definitions:
            raise _UnknownError
        if name not in self._made:

            def later(value: Any) -> bool:
                return self._made[name](value)

            self._made[name] = later  # for a definition that contains itself
            self._made[name] = self.test(self._definitions[name])
        return self._made[name]

    def _list(self, schema: Mapping[str, Any]) -> Test:
        item = self.test(schema.get("items", True))
        least, most = schema.get("minItems", 0), schema.get("maxItems", math.inf)
        unique = schema.get("uniqueItems", False)

        def test(value: Any) -> bool:
            if type(value) is not list:
                return True
            if not least <= len(value) <= most or (unique and not _unique(value)):
                return False
            return all(map(item, value))

        return test

    def _mapping(self, schema: Mapping[str, Any]) -> Test:
        properties = {name: self.test(one) for name, one in schema.get("properties", {}).items()}
        required = schema.get("required", ())
        other = self.test(schema.get("additionalProperties", True))
        named = self.test(schema["propertyNames"]) if "propertyNames" in schema else None
        least, most = schema.get("minProperties", 0), schema.get("maxProperties", math.inf)
        dependent = {name: self.test(one) for name, one in schema.get("dependentSchemas", {}).items()}

        def test(value: Any) -> bool:
            if type(value) is not dict:
                return True
            if not least <= len(value) <= most:
                return False
            for name in required:
                if name not in value:
                    return False
            for name, item in value.items():
                if not properties.get(name, other)(item) or (named is not None and not named(name)):
                    return False
            return all(name not in value or one(value) for name, one in dependent.items())

        return test


def _all(tests: Sequence[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        one, two = tests
        return lambda value: one(value) and two(value)
    return lambda value: all(test(value) for test in tests)


def _any(tests: Sequence[Test]) -> Test:
    return lambda value: any(test(value) for test in tests)


def _negated(test: Test) -> Test:
    return lambda value: not test(value)


def _either(condition: Test, then: Test, otherwise: Test) -> Test:
    return lambda value: then(value) if condition(value) else otherwise(value)


def _type(names: Sequence[str]) -> Test:
    types = frozenset(one for name in names for one in _TYPES[name])
    return lambda value: type(value) in types


def _one_of(choices: Sequence[Any]) -> Test:
    """Equal in type too: to JSON Schema `1.0` is `1`, and jsonschema may say so."""
    known = {(type(choice), choice) for choice in choices if type(choice) in _SCALARS}
    if len(known) < len(choices):
        raise _UnknownError
    return lambda value: type(value) in _SCALARS and (type(value), value) in known


def _string(schema: Mapping[str, Any]) -> Test:
    least, most = schema.get("minLength", 0), schema.get("maxLength", math.inf)
    pattern = schema.get("pattern", "")
    # As in ECMA 262, where `$` is the end of the text: Python's would let a last line break pass.
    search = re.compile(pattern[:-1] + r"\Z" if pattern.endswith("$") else pattern).search

    def test(value: Any) -> bool:
        return type(value) is not str or (least <= len(value) <= most and search(value) is not None)

    return test


def _number(schema: Mapping[str, Any]) -> Test:
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    above, below = schema.get("exclusiveMinimum", -math.inf), schema.get("exclusiveMaximum", math.inf)

    def test(value: Any) -> bool:
        return type(value) not in (int, float) or (low <= value <= high and above < value < below)

    return test


def _unique(items: list[Any]) -> bool:
    """Whether no two are equal; mappings and lists are left to jsonschema."""
    if any(type(item) in (dict, list) for item in items):
        return False
    return len({(type(item) is bool, item) for item in items}) == len(items)  # `true` is not `1`, `1.0` is
