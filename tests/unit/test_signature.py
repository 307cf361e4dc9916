"""Signatures: whom a new version would break."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from modelreg.domain.manifest import Manifest
from modelreg.domain.signature import breaks, incompatibilities, judge_signature
from modelreg.domain.verdict import Verdict
from tests.samples import manifest

COLUMN: dict[str, Any] = {"name": "plan", "type": "int32", "shape": [-1], "nullable": False}
SCORE: dict[str, Any] = {"name": "churn", "type": "float64", "shape": [-1, 2], "nullable": False}
LIMIT: dict[str, Any] = {"name": "limit", "type": "float64", "default": 0.5}


def signature(
    inputs: list[Mapping[str, Any]] | None = None,
    outputs: list[Mapping[str, Any]] | None = None,
    parameters: list[Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    body = {"inputs": [COLUMN] if inputs is None else inputs, "outputs": [SCORE] if outputs is None else outputs}
    return body if parameters is None else body | {"parameters": parameters}


def without(entry: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != key}


@pytest.mark.parametrize(
    ("holder", "candidate"),
    [
        (signature(), signature()),
        (signature(), signature(parameters=[])),
        (signature([COLUMN, SCORE]), signature([SCORE, COLUMN])),
        (signature(), signature([COLUMN, SCORE | {"nullable": True}])),
        (signature([COLUMN, SCORE]), signature()),
        (signature(), signature([COLUMN | {"nullable": True}])),
        (signature([without(COLUMN, "nullable")]), signature()),
        (signature(), signature([without(COLUMN, "nullable")])),
        (signature([COLUMN | {"shape": [5, 3]}]), signature([COLUMN | {"shape": [-1, 3]}])),
        (signature([without(COLUMN, "shape")]), signature([without(COLUMN, "shape")])),
        (signature([COLUMN | {"type": "any"}]), signature([COLUMN | {"type": "any"}])),
        (signature(), signature(outputs=[SCORE, SCORE | {"name": "reason"}])),
        (signature(outputs=[SCORE | {"nullable": True}]), signature()),
        (signature(), signature(outputs=[SCORE | {"shape": [7, 2]}])),
        (signature(outputs=[SCORE | {"type": "double"}]), signature()),
        (signature(), signature(parameters=[LIMIT])),
        (signature(), signature(parameters=[LIMIT | {"default": None}])),
        (signature(parameters=[LIMIT]), signature(parameters=[LIMIT | {"default": 0.6}])),
        (signature(parameters=[without(LIMIT, "default")]), signature(parameters=[without(LIMIT, "default")])),
        (signature(parameters=[without(LIMIT, "default")]), signature(parameters=[LIMIT])),
        (signature(parameters=[LIMIT | {"type": "int32"}]), signature(parameters=[LIMIT])),
        (signature([], []), signature([], [])),
    ],
)
def test_compatible(holder: Mapping[str, Any], candidate: Mapping[str, Any]) -> None:
    assert incompatibilities(holder, candidate) == ()


@pytest.mark.parametrize(
    ("holder", "candidate", "found"),
    [
        (None, signature(), "no signature recorded for the holder"),
        (signature(), None, "no signature recorded for the candidate"),
        (signature(), signature([COLUMN, SCORE]), "input 'churn' is new and not nullable"),
        (signature(), signature([COLUMN, without(SCORE, "nullable")]), "input 'churn' is new and not nullable"),
        (signature(), signature([]), "the candidate names no inputs"),
        (signature(), signature([COLUMN | {"type": "string"}]), "input 'plan' was int32 and is string"),
        (signature(), signature([COLUMN | {"type": "int16"}]), "input 'plan' was int32 and is int16"),
        (signature([COLUMN | {"nullable": True}]), signature(), "input 'plan' is no longer nullable"),
        (signature([COLUMN | {"nullable": True}]), signature([without(COLUMN, "nullable")]), "input 'plan' is no longer nullable"),
        (signature(), signature([COLUMN | {"shape": [5]}]), "input 'plan' had shape [-1] and has [5]"),
        (signature(), signature([COLUMN | {"shape": [-1, 1]}]), "input 'plan' had shape [-1] and has [-1, 1]"),
        (signature(), signature([without(COLUMN, "shape")]), "input 'plan' had shape [-1] and has unknown"),
        (signature([without(COLUMN, "shape")]), signature(), "input 'plan' had shape unknown and has [-1]"),
        (signature(), signature(outputs=[]), "output 'churn' is gone"),
        (signature(), signature(outputs=[SCORE | {"type": "float32"}]), "output 'churn' was float64 and is float32"),
        (signature(outputs=[COLUMN]), signature(outputs=[COLUMN | {"type": "int64"}]), "output 'plan' was int32 and is int64"),
        (signature(), signature(outputs=[SCORE | {"shape": [-1, -1]}]), "output 'churn' had shape [-1, 2] and has [-1, -1]"),
        (signature(), signature(outputs=[SCORE | {"nullable": True}]), "output 'churn' became nullable"),
        (signature(), signature(parameters=[without(LIMIT, "default")]), "parameter 'limit' is new and has no default"),
        (signature(parameters=[LIMIT]), signature(parameters=[without(LIMIT, "default")]), "parameter 'limit' lost its default"),
        (signature(parameters=[LIMIT]), signature(), "parameter 'limit' is gone"),
        (signature(parameters=[LIMIT]), signature(parameters=[LIMIT | {"type": "int32"}]), "parameter 'limit' was float64 and is int32"),
        (signature(parameters=[LIMIT]), signature(parameters=[LIMIT | {"shape": [-1]}]), "parameter 'limit' had shape unknown and has [-1]"),
        (signature([COLUMN, COLUMN]), signature(), "the holder has 'plan' twice among its inputs"),
        (signature(), signature(outputs=[SCORE, SCORE]), "the candidate has 'churn' twice among its outputs"),
        (signature(), signature([COLUMN, {"name": "é\x1b" + "x" * 400, "type": "a"}]), "input '\\xe9\\x1b" + "x" * 78 + "' is new and not nullable"),
    ],
)  # fmt: skip
def test_incompatible(holder: Mapping[str, Any] | None, candidate: Mapping[str, Any] | None, found: str) -> None:
    assert incompatibilities(holder, candidate) == (found,)


@pytest.mark.parametrize(
    ("holder", "candidate", "why"),
    [
        (None, signature(), "nobody can tell what callers send and read"),
        (signature([COLUMN, COLUMN]), signature(), "nobody can tell which is meant"),
        (signature(), signature([]), "nobody can tell whether it takes what callers send"),
        (signature(), signature([COLUMN, SCORE]), "callers do not send it"),
        (signature([COLUMN | {"nullable": True}]), signature(), "callers may leave values out"),
        (signature(), signature([COLUMN | {"type": "int16"}]), "it does not take all that callers send"),
        (signature(), signature([COLUMN | {"shape": [5]}]), "it does not take all that callers send"),
        (signature(), signature(outputs=[]), "callers read it"),
        (signature(), signature(outputs=[SCORE | {"type": "float32"}]), "callers read the type that it had"),
        (signature(), signature(outputs=[SCORE | {"shape": [-1, -1]}]), "callers read the shape that it had"),
        (signature(), signature(outputs=[SCORE | {"nullable": True}]), "callers count on a value"),
        (signature(parameters=[LIMIT]), signature(), "callers may set it"),
        (signature(), signature(parameters=[without(LIMIT, "default")]), "callers do not set it"),
        (signature(parameters=[LIMIT]), signature(parameters=[without(LIMIT, "default")]), "callers may leave it to its default"),
        (signature(parameters=[LIMIT]), signature(parameters=[LIMIT | {"type": "int32"}]), "it does not take all that callers send"),
    ],
)  # fmt: skip
def test_why_a_change_breaks_callers(
    holder: Mapping[str, Any] | None, candidate: Mapping[str, Any] | None, why: str
) -> None:
    (found,) = breaks(holder, candidate)
    assert found.why == why
    assert str(found) == f"{found.text} ({why})"


def test_all_is_told_in_order() -> None:
    holder = signature([COLUMN, SCORE], parameters=[LIMIT])
    candidate = signature([COLUMN | {"type": "string", "shape": [2]}, SCORE], outputs=[])
    assert [text.split("'")[0] for text in incompatibilities(holder, candidate)] == [
        "input ", "input ", "output ", "parameter ",
    ]  # fmt: skip
    assert len(incompatibilities(None, None)) == 2


@pytest.mark.parametrize(
    ("old", "new", "fits"),
    [
        ("int32", "int64", True), ("int8", "float64", True), ("int64", "float64", True), ("float32", "float64", True),
        ("uint8", "int16", True), ("uint64", "float64", True), ("int16", "float32", True), ("int8", "float16", True),
        ("integer", "int64", True), ("int32", "long", True), ("integer", "int32", True), ("boolean", "bool", True),
        ("float", "double", True), ("float", "float", True),
        ("int64", "int32", False), ("float64", "float32", False), ("float64", "int64", False), ("int32", "float32", False),
        ("uint8", "int8", False), ("int8", "uint64", False), ("uint64", "int64", False), ("bool", "int8", False),
        ("float", "float32", False), ("float32", "float", False), ("float64", "float", False), ("int32", "string", False),
        ("string", "any", False), ("datetime", "string", False), ("int16", "float16", False),
    ],
)  # fmt: skip
def test_inputs_widen_as_numpy_casts_safely(old: str, new: str, fits: bool) -> None:
    found = incompatibilities(signature([COLUMN | {"type": old}]), signature([COLUMN | {"type": new}]))
    assert (found == ()) is fits


def version(number: str, found: Mapping[str, Any] | None) -> Manifest:
    return Manifest.from_mapping(manifest(number).to_mapping() | {"signature": found})


def judge(holder: Manifest | None, candidate: Manifest, requirement: Any = "compatible") -> Verdict:
    (verdict,) = judge_signature(requirement, holder, candidate)
    assert verdict.check == "signature"
    assert verdict.passed is (not verdict.reason)
    return verdict


NARROW = signature([COLUMN | {"type": "int8"}])


@pytest.mark.parametrize(
    ("holder", "candidate", "passed", "actual"),
    [
        (None, version("1.0.0", None), True, "no holder to be compatible with"),
        (version("1.0.0", signature()), version("1.1.0", signature()), True, "compatible with 1.0.0"),
        (version("1.0.0", signature()), version("1.1.0", NARROW), False, "1 incompatible"),
        (version("1.0.0", signature()), version("2.0.0-rc.1", NARROW), True, "a major version after 1.0.0, which may break: input 'plan'"),
        (version("1.0.0", None), version("2.0.0", None), True, "may break: no signature recorded for the holder"),
        (version("1.0.0", None), version("1.0.1", None), False, "2 incompatible"),
        (manifest("1.0.0"), manifest("1.0.1"), False, "2 incompatible"),
        (version("2.0.0", signature()), version("1.9.0", NARROW), False, "1 incompatible"),
        (version("0.1.0", signature()), version("0.2.0", NARROW), False, "1 incompatible"),
    ],
)  # fmt: skip
def test_judged(holder: Manifest | None, candidate: Manifest, passed: bool, actual: str) -> None:
    verdict = judge(holder, candidate)
    assert verdict.passed is passed
    assert actual in verdict.actual


def test_the_reason_says_what_and_the_way_out() -> None:
    many: list[Mapping[str, Any]] = [COLUMN | {"name": f"c{n}"} for n in range(8)]
    verdict = judge(version("1.0.0", signature()), version("1.1.0", signature(many)))
    assert verdict.actual == "8 incompatible"
    assert (
        "callers of 1.0.0 would break: input 'c0' is new and not nullable (callers do not send it); " in verdict.reason
    )
    assert "; and 3 more; make it a major version, or keep the signature" in verdict.reason


@pytest.mark.parametrize("requirement", ["same", "", None, True, {"compatible": True}, ["compatible"], "x" * 500])
def test_requirements_that_are_not_known(requirement: Any) -> None:
    verdict = judge(None, version("1.0.0", signature()), requirement)
    assert not verdict.passed
    assert len(verdict.actual) <= 80
