"""What differs between two manifests, kind by kind: automatic versions, comparisons and reproductions stand on it.

It reads bodies, not `Manifest`s: one side may be what is about to be registered. Metrics are left to `comparison`,
since two numbers differ in a direction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from modelreg.domain.comparison import flat, same_value
from modelreg.domain.data_change import data_changes
from modelreg.domain.names import printable
from modelreg.domain.signature import incompatibilities

Kind = Literal[
    "architecture",
    "signature-incompatible",
    "features",
    "signature-compatible",
    "data",
    "params",
    "parents",
    "format",
    "recorded",
    "framework",
    "seeds",
    "environment",
    "code",
    "content",
    "beside",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""In the order in which differences are told: what breaks a caller first.

`recorded` is what an earlier version did not say of itself, and this one does: nothing is known to have changed.
`environment` holds the parameters, too, that say how an estimator runs and not what it learns. `content` are bytes of
what serves; `beside`, of artifacts that only describe (a report, an input example, a lock).
"""

_SHOWN = 60
_TEXT = 500
_WORDS = {"params": "parameter", "seeds": "seed"}
_DESCRIBING = frozenset({"report", "input-example", "lock"})

_RUNNING = frozenset(
    (
        *("n_jobs", "nthread", "nthreads", "n_threads", "num_threads", "num_workers", "thread_count", "pre_dispatch"),
        *("verbose", "verbosity", "silent", "logging_level", "show_progress"),
    )
)
"""Parameters of scikit-learn, XGBoost, LightGBM, CatBoost that change how long it takes and what is printed."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs. `before` and `after` are the values as the manifests hold them; None: not recorded.

    `text` is printable ASCII of at most 500 characters, whatever the manifests hold; `name` is as it stands there.
    """

    kind: Kind
    name: str
    before: Any
    after: Any
    text: str


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    """All that differs between two manifests' bodies, in the order of KINDS; empty where only numbers measured and
    the registration itself (version, author, time, tags) do."""
    parts = (
        *_architecture(before, after),
        *_signature(before.get("signature"), after.get("signature")),
        *_features(before, after),
        *_data(before, after),
        *_params(before.get("params"), after.get("params")),
        *_formats(before, after),
        *_mapping("seeds", _lineage(before, "pipeline").get("seeds"), _lineage(after, "pipeline").get("seeds")),
        *_parents(before, after),
        *_environment(_lineage(before, "environment"), _lineage(after, "environment")),
        *_code(before, after),
        *_content(before, after),
    )
    return tuple(sorted(parts, key=lambda part: KINDS.index(part.kind)))


def _lineage(body: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    return (body.get("lineage") or {}).get(key) or {}


def _one(kind: Kind, before: Any, after: Any, name: str | None = None) -> Iterator[Difference]:
    if not same_value(before, after):
        name = name or kind
        yield _difference(kind, name, before, after, f"{_label(kind, name)} {_change(before, after)}")


def _difference(kind: Kind, name: str, before: Any, after: Any, text: str) -> Difference:
    return Difference(kind, name, before, after, printable(text, _TEXT))


def _mapping(kind: Kind, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Iterator[Difference]:
    old, new = flat(before or {}), flat(after or {})
    for name in sorted({*old, *new}):
        yield from _one(kind, old.get(name), new.get(name), name)


def _architecture(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    """Another class, or another library altogether; a library's other version is kind `framework`."""
    old, new = before.get("architecture"), after.get("architecture")
    kind: Kind = "recorded" if old is None else "architecture"
    yield from _one(kind, old, new, "architecture")
    made, remade = before.get("framework") or {}, after.get("framework") or {}
    same = not made or not remade or made.get("name") == remade.get("name")
    old, new = (" ".join(side[key] for key in ("name", "version") if side.get(key)) or None for side in (made, remade))
    yield from _one("framework" if same else "architecture", old, new, "framework")


def _params(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Iterator[Difference]:
    """A seed is no hyperparameter, though scikit-learn keeps it among them, and neither is a number of threads."""
    old, new = flat(before or {}), flat(after or {})
    for name in sorted({*old, *new}):
        last = re.split(r"\.|__", name)[-1].lower()
        kind: Kind = "params"
        if last in _RUNNING:
            kind = "environment"
        elif _names_a_seed(last) and all(v is None or type(v) is int for v in (old.get(name), new.get(name))):
            kind = "seeds"
        yield from _one(kind, old.get(name), new.get(name), name)


def _names_a_seed(name: str) -> bool:
    """`random_state`, `seed`, `bagging_seed`; not `n_seed`, which counts them."""
    words = name.split("_")
    return name == "random_state" or (words[-1] == "seed" and words[0] not in ("n", "num"))


def _signature(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Iterator[Difference]:
    """A first signature is a promise more; one that is gone can keep none, as the gate sees it too."""
    if same_value(before, after):
        return
    broken = incompatibilities(before, after) if before and after else ("no longer recorded",) if before else ()
    for text in broken:
        yield _difference("signature-incompatible", "signature", before, after, f"signature: {text}")
    if not broken:
        told = "changed, compatibly" if before else "is recorded now"
        yield _difference("signature-compatible", "signature", before, after, f"signature {told}")


def _features(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    """Inputs by name (where both record them), and how columns came to be."""
    old, new = _inputs(before), _inputs(after)
    if old and new:
        for name in sorted(old - new):
            yield _difference("features", name, name, None, f"feature {_shown(name)} removed")
        for name in sorted(new - old):
            yield _difference("features", name, None, name, f"feature {_shown(name)} added")
    made, remade = _made(before), _made(after)
    if made is None:
        if remade:
            text = f"feature transformations are recorded now: {len(remade)}"
            yield _difference("recorded", "features", None, remade, text)
        return
    remade = remade or {}
    for name in sorted({*made, *remade}):
        if not same_value(made.get(name), remade.get(name)):
            word = "added" if name not in made else "removed" if name not in remade else "changed"
            text = f"transformation of {_shown(name)} {word}"
            yield _difference("features", name, made.get(name), remade.get(name), text)


def _inputs(body: Mapping[str, Any]) -> set[str]:
    return {entry["name"] for entry in (body.get("signature") or {}).get("inputs") or ()}


def _made(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Transformations by the name of what they make; None where none were recorded."""
    entries = (body.get("lineage") or {}).get("features")
    if entries is None:
        return None
    return {entry["name"]: {k: v for k, v in entry.items() if k != "name"} for entry in entries}


def _data(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for change in data_changes(_datasets(before), _datasets(after)):
        yield _difference("data", change.name, change.before, change.after, change.text)


def _datasets(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list((body.get("lineage") or {}).get("data") or ())


def _formats(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    old, new = _model(before), _model(after)
    if old and new:
        yield from _one("format", old.get("format"), new.get("format"))


def _model(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return next(iter(body.get("artifacts") or ()), {})


def _parents(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    old, new = _stems(before), _stems(after)
    for name in sorted({*old, *new}):
        if (name in old, old.get(name)) != (name in new, new.get(name)):
            word = "added" if name not in old else "removed" if name not in new else "has another relation"
            yield _difference("parents", name, old.get(name), new.get(name), f"parent {_shown(name)} {word}")


def _stems(body: Mapping[str, Any]) -> dict[str, Any]:
    """Relations by parent. A parent of the model's own line goes without its version: a line of which each version
    continues the one before would differ in every version, and nothing in its set-up does."""
    entries = (body.get("lineage") or {}).get("parents") or ()
    return {
        p["model"] if p["model"] == body.get("model") else f"{p['model']}@{p['version']}": p.get("relation")
        for p in entries
    }


def _environment(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for key in ("python", "platform", "container"):
        yield from _one("environment", before.get(key), after.get(key), key)
    packages, now = before.get("packages") or {}, after.get("packages") or {}
    if packages and now:  # where only one side lists them, that says nothing of what was installed
        yield from _mapping("environment", packages, now)
    old, new = ((side.get("lock") or {}).get("sha256") for side in (before, after))
    if old != new:
        yield _difference("environment", "lock", old, new, f"lock file {_digests(old, new)}")


def _code(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    """The commit, unless both hold the same tree (it was squashed or rebased); what was not committed; what was run."""
    was, now = _lineage(before, "code"), _lineage(after, "code")
    same_tree = bool(was.get("tree")) and was.get("tree") == now.get("tree")
    for key in ("commit", "diff_sha256"):
        old, new = was.get(key), now.get(key)
        if old != new and not (key == "commit" and same_tree):
            label = "code" if key == "commit" else "uncommitted changes"
            yield _difference("code", key, old, new, f"{label} {_digests(old, new)}")
    yield from _one("code", was.get("entry_point"), now.get("entry_point"), "entry_point")
    was, now = _lineage(before, "pipeline"), _lineage(after, "pipeline")
    for key in ("file", "stage", "command"):
        yield from _one("code", was.get(key), now.get(key), key)


def _content(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    """Bytes of the artifacts, by name; one that serves on either side serves."""
    old, new = ({a["path"]: a for a in body.get("artifacts") or ()} for body in (before, after))
    for name in sorted({*old, *new}):
        sides = [side[name] for side in (old, new) if name in side]
        was, now = (side[name]["sha256"] if name in side else None for side in (old, new))
        if was != now:
            describing = all(entry.get("role") in _DESCRIBING for entry in sides)
            text = f"artifact {_shown(name)} {_digests(was, now)}"
            yield _difference("beside" if describing else "content", name, was, now, text)


def _label(kind: Kind, name: str) -> str:
    if kind in ("architecture", "recorded") or name == kind:
        return _shown(name)
    return f"{_WORDS.get(kind, kind)} {_shown(name)}"


def _change(before: Any, after: Any) -> str:
    """Both values; where they would read alike, so that they do not."""
    old, new = _shown(before), _shown(after)
    if old == new and type(before) is not type(after):
        old, new = (f"{_shown(value)} ({type(value).__name__})" for value in (before, after))
    return f"{old} -> {new}" if old != new else f"{old} -> another that begins alike"


def _shown(value: Any) -> str:
    return "none" if value is None else printable(value, _SHOWN)


def _digests(before: str | None, after: str | None) -> str:
    return " -> ".join(_shown(value[:12]) if value else "none" for value in (before, after))
