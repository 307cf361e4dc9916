"""Signatures: can a service that calls the holder call the candidate unchanged?

Inputs, outputs and parameters are matched by name, so their order does not matter. What goes in may be accepted more
widely than before, what comes out must not be wider: a service sends what it always sent and reads what it always
read. `nullable` that is not recorded means no (as MLflow: required unless said otherwise).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modelreg.domain.manifest import Manifest
from modelreg.domain.verdict import Verdict

_SHOWN = 5

# MLflow's names of columns beside NumPy's. Not `float`: 32 bits in the one, 64 in the other.
_ALIASES = {"integer": "int32", "long": "int64", "double": "float64", "boolean": "bool", "str": "string"}
_NUMBERS = {
    f"{kind}{bits}": (kind, bits)
    for kind, sizes in (("int", (8, 16, 32, 64)), ("uint", (8, 16, 32, 64)), ("float", (16, 32, 64)))
    for bits in sizes
}


@dataclass(frozen=True, slots=True)
class Break:
    """A change that breaks callers: what it is, and why it breaks them."""

    text: str
    why: str

    def __str__(self) -> str:
        return f"{self.text} ({self.why})"


def incompatibilities(holder: Mapping[str, Any] | None, candidate: Mapping[str, Any] | None) -> tuple[str, ...]:
    """What `breaks` finds, without why."""
    return tuple(found.text for found in breaks(holder, candidate))


def breaks(holder: Mapping[str, Any] | None, candidate: Mapping[str, Any] | None) -> tuple[Break, ...]:
    """Why a service of the holder cannot call the candidate, from the manifests' `signature`; empty where it can.

    Inputs may widen as NumPy casts safely (int32 to int64, any whole number to float64, float32 to float64), take
    missing values, and be joined by nullable ones; an input that the candidate no longer names is ignored, as MLflow
    ignores it. Outputs may be joined by others, and be nullable no longer. Parameters must all still be there, with
    their defaults; new ones need a default. A dimension of -1 is any length. An unknown signature is incompatible.
    """
    missing = [who for who, found in (("holder", holder), ("candidate", candidate)) if found is None]
    if holder is None or candidate is None:
        why = "nobody can tell what callers send and read"
        return tuple(Break(f"no signature recorded for the {who}", why) for who in missing)
    twice = [*_twice("holder", holder), *_twice("candidate", candidate)]
    if twice:
        return tuple(twice)
    return (
        *_inputs(_by_name(holder, "inputs"), _by_name(candidate, "inputs")),
        *_outputs(_by_name(holder, "outputs"), _by_name(candidate, "outputs")),
        *_parameters(_by_name(holder, "parameters"), _by_name(candidate, "parameters")),
    )


def judge_signature(requirement: Any, holder: Manifest | None, candidate: Manifest) -> Iterator[Verdict]:
    """`compatible`: with the present holder's signature, unless the candidate is of a later major version.

    Without a holder there is nothing to be compatible with, which passes and is said. A step from 0.1 to 0.2 is no
    major version here, although SemVer 2.0.0 (section 4) promises nothing below 1.0.0.
    """
    if requirement != "compatible":
        yield Verdict("signature", False, "compatible", str(requirement)[:80], "the requirement is not known")
        return
    expected = "compatible with the holder, or a major version"
    if holder is None:
        yield Verdict("signature", True, expected, "no holder to be compatible with")
        return
    found = breaks(holder.body.get("signature"), candidate.body.get("signature"))
    told = "; ".join(str(one) for one in found[:_SHOWN]) + (
        f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    )
    if not found:
        yield Verdict("signature", True, expected, f"compatible with {holder.version}")
    elif candidate.version.major > holder.version.major:
        actual = f"a major version after {holder.version}, which may break: {told}"
        yield Verdict("signature", True, expected, actual)
    else:
        reason = f"callers of {holder.version} would break: {told}; make it a major version, or keep the signature"
        yield Verdict("signature", False, expected, f"{len(found)} incompatible", reason)


_Entries = Mapping[str, Mapping[str, Any]]


def _by_name(signature: Mapping[str, Any], key: str) -> _Entries:
    return {entry["name"]: entry for entry in signature.get(key) or ()}


def _twice(who: str, signature: Mapping[str, Any]) -> Iterator[Break]:
    for key in ("inputs", "outputs", "parameters"):
        names = Counter(entry["name"] for entry in signature.get(key) or ())
        for name in (name for name, times in names.items() if times > 1):
            yield Break(f"the {who} has {_name(name)} twice among its {key}", "nobody can tell which is meant")


def _inputs(old: _Entries, new: _Entries) -> Iterator[Break]:
    if old and not new:
        yield Break("the candidate names no inputs", "nobody can tell whether it takes what callers send")
    for name, entry in new.items():
        before = old.get(name)
        if before is None:
            if not entry.get("nullable"):
                yield Break(f"input {_name(name)} is new and not nullable", "callers do not send it")
            continue
        yield from _accepts(f"input {_name(name)}", before, entry)
        if before.get("nullable") and not entry.get("nullable"):
            yield Break(f"input {_name(name)} is no longer nullable", "callers may leave values out")


def _outputs(old: _Entries, new: _Entries) -> Iterator[Break]:
    for name, before in old.items():
        what, entry = f"output {_name(name)}", new.get(name)
        if entry is None:
            yield Break(f"{what} is gone", "callers read it")
            continue
        if _type(entry) != _type(before):
            yield Break(f"{what} was {_type(before)} and is {_type(entry)}", "callers read the type that it had")
        if not _shape_within(entry.get("shape"), before.get("shape")):
            yield Break(_reshaped(what, before, entry), "callers read the shape that it had")
        if entry.get("nullable") and not before.get("nullable"):
            yield Break(f"{what} became nullable", "callers count on a value")


def _parameters(old: _Entries, new: _Entries) -> Iterator[Break]:
    yield from (Break(f"parameter {_name(name)} is gone", "callers may set it") for name in old if name not in new)
    for name, entry in new.items():
        what, before = f"parameter {_name(name)}", old.get(name)
        if before is not None:
            yield from _accepts(what, before, entry)
        if "default" not in entry and (before is None or "default" in before):
            told = f"{what} {'is new and has no' if before is None else 'lost its'} default"
            yield Break(told, "callers do not set it" if before is None else "callers may leave it to its default")


def _accepts(what: str, before: Mapping[str, Any], entry: Mapping[str, Any]) -> Iterator[Break]:
    """What of type and shape no longer takes in all that it took in before."""
    if not _widens(_type(before), _type(entry)):
        yield Break(f"{what} was {_type(before)} and is {_type(entry)}", "it does not take all that callers send")
    if not _shape_within(before.get("shape"), entry.get("shape")):
        yield Break(_reshaped(what, before, entry), "it does not take all that callers send")


def _type(entry: Mapping[str, Any]) -> str:
    name: str = entry["type"]
    return _ALIASES.get(name, name)


def _widens(old: str, new: str) -> bool:
    """Whether every value of the old type is one of the new: NumPy's casting rule `safe`, for numbers."""
    if old == new:
        return True
    if old == "float":
        return new == "float64"
    if old not in _NUMBERS or new not in _NUMBERS:
        return False
    (kind, bits), (wide_kind, wide_bits) = _NUMBERS[old], _NUMBERS[new]
    if wide_kind == "float" and kind != "float":
        return wide_bits == 64 or wide_bits > bits
    return wide_bits > bits and (kind == wide_kind or (wide_kind == "int" and kind == "uint"))


def _shape_within(narrow: Any, wide: Any) -> bool:
    """Whether all that has the narrow shape has the wide one. One that is not recorded fits only another such."""
    if narrow is None or wide is None:
        return narrow is wide
    return len(narrow) == len(wide) and all(w in (-1, n) for n, w in zip(narrow, wide, strict=True))


def _reshaped(what: str, before: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    return f"{what} had shape {before.get('shape', 'unknown')} and has {entry.get('shape', 'unknown')}"


def _name(name: str) -> str:
    return ascii(name[:80])
