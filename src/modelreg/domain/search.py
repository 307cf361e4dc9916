"""What `search` asks: an expression over what is recorded of a version, and whether a version meets it.

Three answers, as in SQL: True, False, and None where a version has no value of that type to compare. What is not
known is not met, nor is its `not`: a version without the metric never matches by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeVar

from modelreg.domain.names import Alias, ModelName, Stage
from modelreg.domain.properties import Properties, Value
from modelreg.domain.version import Version

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "in", "like", "glob"]
WITHDRAWN = "withdrawn"
"""What a withdrawn version answers where its stage is asked for: it stands in none."""

NUMBERS = frozenset({"metrics"})
KEYED = frozenset({"metrics", "params", "tags"})
SETS = frozenset({"alias", "author", "data", "commit", "parent"})
"""Fields that hold any number of texts: `=` asks whether one of them is, `!=` whether none is."""
REFERENCES = frozenset({"data", "commit"})
"""Sets in which a digest may be given by its beginning."""
SCALARS = frozenset({"model", "version", "stage", "created", "framework", "architecture"})
FIELDS = (*sorted(SCALARS | SETS), *(f"{name}.NAME" for name in sorted(KEYED)))

_DIGEST = re.compile(r"[0-9a-f]{32}(?:\.dir)?|[0-9a-f]{40}|[0-9a-f]{64}")
_BEGINNING = re.compile(r"[0-9a-f]{7,64}")
_LIKE = {"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Field:
    """`model`, or with a key `metrics.accuracy`."""

    name: str
    key: str | None = None

    def __str__(self) -> str:
        return self.name if self.key is None else f"{self.name}.{self.key}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`field operator values`: one value, for `in` one or more. Versions are compared as versions."""

    field: Field
    operator: Operator
    values: tuple[Value | Version, ...]


@dataclass(frozen=True, slots=True)
class Not:
    inner: Expression


@dataclass(frozen=True, slots=True)
class Every:
    """All of the parts (`and`)."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """One of the parts at least (`or`)."""

    parts: tuple[Expression, ...]


Expression = Comparison | Not | Every | Some


@dataclass(frozen=True, slots=True)
class Order:
    """By a field, missing values last whichever the direction."""

    field: Field
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """`where` None: all versions. Without `order`, and where it leaves a tie: by model, the highest version first."""

    where: Expression | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A version as `search` sees it; `stage` None: withdrawn."""

    model: ModelName
    version: Version
    stage: Stage | None
    aliases: tuple[Alias, ...]
    properties: Properties


def answers(expression: Expression, candidate: Candidate) -> bool | None:
    """Whether a version meets an expression; None: not known."""
    if isinstance(expression, Comparison):
        return _compare(expression, candidate)
    if isinstance(expression, Not):
        inner = answers(expression.inner, candidate)
        return None if inner is None else not inner
    parts = [answers(part, candidate) for part in expression.parts]
    decisive = isinstance(expression, Some)
    if decisive in parts:
        return decisive
    return None if None in parts else not decisive


def select(candidates: Iterable[tuple[Candidate, T]], query: Query) -> list[T]:
    """What goes with those candidates that meet the query, in its order."""
    where = query.where
    found = [(c, item) for c, item in candidates if where is None or answers(where, c) is True]
    found.sort(key=lambda pair: pair[0].version, reverse=True)
    found.sort(key=lambda pair: pair[0].model)
    for order in reversed(query.order):
        values = [(scalar(order.field, c), (c, item)) for c, item in found]
        present = [(_key(value), pair) for value, pair in values if value is not None]
        present.sort(key=lambda keyed: keyed[0], reverse=order.descending)
        found = [pair for _, pair in present] + [pair for value, pair in values if value is None]
    return [item for _, item in found][: query.limit]


def scalar(field: Field, candidate: Candidate) -> Value | Version | None:
    """The value of a field that holds one; None where there is none."""
    properties = candidate.properties
    match field.name:
        case "model":
            return str(candidate.model)
        case "version":
            return candidate.version
        case "stage":
            return WITHDRAWN if candidate.stage is None else str(candidate.stage)
        case "metrics":
            return properties.metrics.get(field.key or "")
        case "params":
            return properties.params.get(field.key or "")
        case "tags":
            return properties.tags.get(field.key or "")
        case "created":
            return properties.created
        case "framework":
            return properties.framework
    return properties.architecture


def members(name: str, candidate: Candidate) -> Sequence[str]:
    """The texts of a field that holds a set."""
    properties = candidate.properties
    match name:
        case "alias":
            return candidate.aliases
        case "author":
            return properties.authors
        case "data":
            return [text for entry in properties.data for text in entry if text is not None]
        case "commit":
            return [properties.commit] if properties.commit is not None else []
    return [text for model, version in properties.parents for text in (model, f"{model}@{version}")]


def refers(text: str, wanted: str) -> bool:
    """Whether `wanted` names `text`: as it stands, or a digest by seven or more of its first digits."""
    return text == wanted or bool(_BEGINNING.fullmatch(wanted) and text.startswith(wanted) and _DIGEST.fullmatch(text))


def matches(operator: str, pattern: str, text: str) -> bool:
    """`like`: `%` for any text, `_` for a character. `glob`: `*`, `?`, `[a-z]`, `[!a-z]`. Whole text, case counts."""
    return _pattern(operator, pattern).fullmatch(text) is not None


def holds(operator: str, left: Value | Version, right: Value | Version) -> bool | None:
    """`left operator right`; None where the two are not of one type."""
    if type(left) is not type(right):
        return None
    if operator == "=":
        return left == right
    if operator == "!=":
        return left != right
    below, same = left < right, left == right  # type: ignore[operator]
    return {"<": below, "<=": below or same, ">": not (below or same), ">=": not below}[operator]


def _compare(comparison: Comparison, candidate: Candidate) -> bool | None:
    field, operator, values = comparison.field, comparison.operator, comparison.values
    if field.name in SETS:
        texts = members(field.name, candidate)
        found = any(_is(field.name, operator, text, str(wanted)) for text in texts for wanted in values)
        return not found if operator == "!=" else found
    value = scalar(field, candidate)
    if value is None:
        return None
    if operator in ("like", "glob"):
        text = str(value) if isinstance(value, Version) else value
        return matches(operator, str(values[0]), text) if isinstance(text, str) else None
    if operator == "in":
        said = [holds("=", value, wanted) for wanted in values]
        return True if True in said else None if None in said else False
    return holds(operator, value, values[0])


def _is(name: str, operator: str, text: str, wanted: str) -> bool:
    if operator in ("like", "glob"):
        return matches(operator, wanted, text)
    return refers(text, wanted) if name in REFERENCES else text == wanted


def _key(value: Value | Version) -> tuple[int, Any]:
    """Numbers before texts before truth values."""
    return (2 if isinstance(value, bool) else 1 if isinstance(value, str) else 0), value


@cache
def _pattern(operator: str, pattern: str) -> re.Pattern[str]:
    import fnmatch

    if operator == "like":
        pattern = "".join(_LIKE.get(character, character) for character in pattern)
    return re.compile(fnmatch.translate(pattern))
