"""What differs between two manifests, kind by kind: automatic versions, comparisons and reproductions stand on it.

It reads bodies, not `Manifest`s: one side may be what is about to be registered. Metrics are left to `comparison`,
since two numbers differ in a direction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from modelreg.domain.comparison import flat
from modelreg.domain.data_change import data_changes
from modelreg.domain.signature import incompatibilities

Kind = Literal[
    "architecture",
    "signature-incompatible",
    "features",
    "signature-compatible",
    "data",
    "params",
    "format",
    "framework",
    "seeds",
    "parents",
    "environment",
    "code",
    "content",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""In the order in which differences are told: what breaks a caller first."""

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs. `before` and `after` are the values as the manifests hold them; None: not recorded."""

    kind: Kind
    name: str
    before: Any
    after: Any
    text: str


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    """All that differs between two manifests' bodies, in the order of KINDS; empty where only numbers measured and
    the registration itself (version, author, time, tags) do."""
    parts = (
        *_one("architecture", before.get("architecture"), after.get("architecture")),
        *_signature(before.get("signature"), after.get("signature")),
        *_features(before, after),
        *_data(before, after),
        *_mapping("params", before.get("params"), after.get("params")),
        *_formats(before, after),
        *_framework(before.get("framework"), after.get("framework")),
        *_mapping("seeds", _lineage(before, "pipeline").get("seeds"), _lineage(after, "pipeline").get("seeds")),
        *_parents(before, after),
        *_environment(_lineage(before, "environment"), _lineage(after, "environment")),
        *_code(_lineage(before, "code"), _lineage(after, "code")),
        *_content(before, after),
    )
    return tuple(sorted(parts, key=lambda part: KINDS.index(part.kind)))


def _lineage(body: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    return (body.get("lineage") or {}).get(key) or {}


def _one(kind: Kind, before: Any, after: Any, name: str | None = None) -> Iterator[Difference]:
    # 1 and 1.0 are equal to Python, and so are 1 and True: a type that changed is a change.
    if (before, type(before)) != (after, type(after)):
        name = name or kind
        yield Difference(kind, name, before, after, f"{_label(kind, name)} {_shown(before)} -> {_shown(after)}")


def _mapping(kind: Kind, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Iterator[Difference]:
    old, new = flat(before or {}), flat(after or {})
    for name in sorted({*old, *new}):
        yield from _one(kind, old.get(name), new.get(name), name)


def _signature(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Iterator[Difference]:
    if before == after:
        return
    broken = incompatibilities(before, after) if before and after else ()
    for text in broken:
        yield Difference("signature-incompatible", "signature", before, after, f"signature: {text}")
    if not broken:
        told = "is recorded now" if not before else "is no longer recorded" if not after else "changed, compatibly"
        yield Difference("signature-compatible", "signature", before, after, f"signature {told}")


def _features(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    """Inputs by name (where both record them), and how columns came to be."""
    old, new = _inputs(before), _inputs(after)
    if old and new:
        for name in sorted(old - new):
            yield Difference("features", name, name, None, f"feature {_shown(name)} removed")
        for name in sorted(new - old):
            yield Difference("features", name, None, name, f"feature {_shown(name)} added")
    made, remade = _made(before), _made(after)
    for name in sorted({*made, *remade}):
        if made.get(name) != remade.get(name):
            word = "added" if name not in made else "removed" if name not in remade else "changed"
            text = f"transformation of {_shown(name)} {word}"
            yield Difference("features", name, made.get(name), remade.get(name), text)


def _inputs(body: Mapping[str, Any]) -> set[str]:
    return {entry["name"] for entry in (body.get("signature") or {}).get("inputs") or ()}


def _made(body: Mapping[str, Any]) -> dict[str, Any]:
    entries = (body.get("lineage") or {}).get("features") or ()
    return {entry["name"]: {k: v for k, v in entry.items() if k != "name"} for entry in entries}


def _data(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for change in data_changes(_datasets(before), _datasets(after)):
        yield Difference("data", change.name, change.before, change.after, change.text)


def _datasets(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list((body.get("lineage") or {}).get("data") or ())


def _formats(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    old, new = _model(before), _model(after)
    if old and new:
        yield from _one("format", old.get("format"), new.get("format"))


def _model(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return next(iter(body.get("artifacts") or ()), {})


def _framework(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Iterator[Difference]:
    old, new = (" ".join(str(v) for v in (side or {}).values()) or None for side in (before, after))
    yield from _one("framework", old, new)


def _parents(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    old, new = (
        {f"{p['model']}@{p['version']}": p.get("relation") for p in (body.get("lineage") or {}).get("parents") or ()}
        for body in (before, after)
    )
    for name in sorted({*old, *new}):
        if (name in old, old.get(name)) != (name in new, new.get(name)):
            word = "added" if name not in old else "removed" if name not in new else "has another relation"
            yield Difference("parents", name, old.get(name), new.get(name), f"parent {_shown(name)} {word}")


def _environment(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for key in ("python", "platform", "container"):
        yield from _one("environment", before.get(key), after.get(key), key)
    packages, now = before.get("packages") or {}, after.get("packages") or {}
    if packages and now:  # where only one side lists them, that says nothing of what was installed
        yield from _mapping("environment", packages, now)
    old, new = ((side.get("lock") or {}).get("sha256") for side in (before, after))
    if old != new:
        yield Difference("environment", "lock", old, new, f"lock file {_digest(old)} -> {_digest(new)}")


def _code(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for key in ("commit", "diff_sha256"):
        old, new = before.get(key), after.get(key)
        if old != new:
            label = "code" if key == "commit" else "uncommitted changes"
            yield Difference("code", key, old, new, f"{label} {_digest(old)} -> {_digest(new)}")


def _content(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    """Bytes of the artifacts, by name."""
    old, new = ({a["path"]: a["sha256"] for a in body.get("artifacts") or ()} for body in (before, after))
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            text = f"artifact {_shown(name)} {_digest(old.get(name))} -> {_digest(new.get(name))}"
            yield Difference("content", name, old.get(name), new.get(name), text)


def _label(kind: Kind, name: str) -> str:
    word = {"params": "parameter", "seeds": "seed"}.get(kind, kind)
    return word if name == kind else f"{word} {_shown(name)}"


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    text = str(value).encode("ascii", "backslashreplace").decode()
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}~"


def _digest(value: str | None) -> str:
    return value[:12] if value else "none"
