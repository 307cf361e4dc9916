"""Signatures: what must hold for any two of them."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from modelreg.domain.signature import incompatibilities

names = st.sampled_from(["a", "b", "c", "d"])
types = st.sampled_from(["int8", "int32", "int64", "long", "float32", "float64", "double", "float", "bool", "string"])
shapes = st.lists(st.integers(-1, 3), max_size=3)


def entries(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    entry = st.fixed_dictionaries({"name": names, "type": types}, optional={"shape": shapes, **optional})
    return st.lists(entry, max_size=4, unique_by=lambda found: found["name"])


columns = entries(nullable=st.booleans())
signatures = st.fixed_dictionaries(
    {"inputs": columns, "outputs": columns}, optional={"parameters": entries(default=st.none() | st.integers())}
)


def compatible(holder: dict[str, Any], candidate: dict[str, Any]) -> bool:
    return not incompatibilities(holder, candidate)


@given(signatures, st.randoms())
def test_compatible_with_itself_in_any_order(signature: dict[str, Any], random: Any) -> None:
    shuffled = {key: random.sample(found, len(found)) for key, found in signature.items()}
    assert incompatibilities(signature, shuffled) == ()


@given(signatures, signatures, columns, columns)
def test_nullable_inputs_and_more_outputs_keep_compatibility(
    holder: dict[str, Any], candidate: dict[str, Any], inputs: list[dict[str, Any]], outputs: list[dict[str, Any]]
) -> None:
    wider = candidate | {
        "inputs": [*candidate["inputs"], *(i | {"name": f"new_{i['name']}", "nullable": True} for i in inputs)],
        "outputs": [*candidate["outputs"], *(o | {"name": f"new_{o['name']}"} for o in outputs)],
    }
    assert compatible(candidate, wider)
    assert compatible(holder, wider) or not compatible(holder, candidate)


@given(signatures, st.data())
def test_an_output_that_is_gone_breaks(holder: dict[str, Any], data: st.DataObject) -> None:
    kept = data.draw(st.lists(st.sampled_from(holder["outputs"]), unique_by=id)) if holder["outputs"] else []
    fewer = holder | {"outputs": kept}
    assert compatible(holder, fewer) is (len(kept) == len(holder["outputs"]))


@given(signatures, signatures)
def test_both_ways_means_the_same_outputs(one: dict[str, Any], other: dict[str, Any]) -> None:
    if compatible(one, other) and compatible(other, one):
        assert {o["name"] for o in one["outputs"]} == {o["name"] for o in other["outputs"]}
        assert {p["name"] for p in one.get("parameters", ())} == {p["name"] for p in other.get("parameters", ())}


def change(signature: dict[str, Any], draw: Any) -> dict[str, Any]:
    """One step that keeps callers: a wider type, any length, missing values taken, a default more."""
    widened = {"int8": "int32", "int32": "int64", "float32": "double", "float": "float64"}
    changed = {}
    for key, found in signature.items():
        changed[key] = [dict(entry) for entry in found]
        for entry in changed[key]:
            if key == "inputs" and draw(st.booleans()):
                entry["nullable"] = True
            if key == "outputs" and draw(st.booleans()):
                entry["nullable"] = False
            if key != "outputs" and draw(st.booleans()):
                entry["type"] = widened.get(entry["type"], entry["type"])
            if key != "outputs" and "shape" in entry and draw(st.booleans()):
                entry["shape"] = [-1 for _ in entry["shape"]]
            if key == "parameters" and draw(st.booleans()):
                entry["default"] = 0
    return changed


@given(signatures, st.data())
def test_steps_that_keep_callers_add_up(first: dict[str, Any], data: st.DataObject) -> None:
    second = change(first, data.draw)
    third = change(second, data.draw)
    assert incompatibilities(first, second) == ()
    assert incompatibilities(second, third) == ()
    assert incompatibilities(first, third) == ()
