"""Search expressions at random, over values that manifests of `tests.histories` have, and some that none has."""

from __future__ import annotations

import json
import random
from typing import Any

from tests.histories import COMMITS, METRICS, MODELS, PARAMS, STAGES, TAGS, VERSIONS

DIGESTS = ["abababa", "ab" * 32, "abcdef0", "abcdef01", "ababab", "efefefef", COMMITS[0], "0a1b2c3", "0a1b2c"]
FIELDS: dict[str, tuple[Any, ...]] = {
    "model": MODELS,
    "stage": (*STAGES, "withdrawn"),
    "alias": ("champion", "b", "none"),
    "created": ("2026-11-05T09:30:00Z", "2026-11", "2026"),
    "author": ("Ann", "ann@example.org", "nobody"),
    "framework": ("scikit-learn", "torch"),
    "architecture": ("sklearn.ensemble.RandomForestClassifier", "x"),
    "tags.team": TAGS,
    'tags."cost center"': TAGS,
    "data": ("train", "test", *DIGESTS),
    "commit": tuple(DIGESTS),
    "parent": (*MODELS, *(f"{m}@{v}" for m in MODELS for v in VERSIONS)),
}
PATTERNS = ("%", "%a%", "_nn", "c*", "*[a-m]", "ä%_*", "2026-1_-0%", "[!a]*", "1.%", "?", "abab*", "[", "a\nb")
ORDERED = ("<", "<=", ">", ">=")
UNORDERED = frozenset(FIELDS) - {"model", "created", "tags.team", 'tags."cost center"'}


def expression(choice: random.Random, depth: int = 3) -> str:
    kind = choice.random()
    if depth == 0 or kind < 0.5:
        return comparison(choice)
    if kind < 0.6:
        return f"not {expression(choice, depth - 1)}"
    if kind < 0.7:
        return f"({expression(choice, depth - 1)})"
    word = choice.choice(("and", "or", "AND"))
    return f"({expression(choice, depth - 1)} {word} {expression(choice, depth - 1)})"


def comparison(choice: random.Random) -> str:
    signs: tuple[str, ...]
    kind = choice.choice(("text", "text", "metric", "metric", "param", "version"))
    if kind == "text":
        field = choice.choice(list(FIELDS))
        values = [quoted(value) for value in FIELDS[field]]
        signs = ("=", "!=") if field in UNORDERED else ("=", "!=", *ORDERED)
    elif kind == "metric":
        field = choice.choice(("metrics.accuracy", "metrics.f1", "metrics.never"))
        values = [repr(value) for value in METRICS]
        signs = ("=", "!=", "<>", "==", *ORDERED)
    elif kind == "param":
        field = choice.choice(("params.depth", 'params."max depth"', "params.criterion", "params.never"))
        values = [literal(value) for value in PARAMS if not isinstance(value, list | dict) and value is not None]
        signs = ("=", "!=", *ORDERED)
    else:
        field, values, signs = "version", list(VERSIONS), ("=", "!=", *ORDERED)
    how = choice.random()
    if how < 0.2:
        no = choice.choice(("", "not "))
        return f"{field} {no}in ({', '.join(choice.sample(values, choice.randint(1, 2)))})"
    if how < 0.4 and kind != "metric":
        pattern = quoted(choice.choice(PATTERNS))
        return f"{field} {choice.choice(('', 'not '))}{choice.choice(('like', 'glob'))} {pattern}"
    return f"{field} {choice.choice(signs)} {choice.choice(values)}"


def tagged(choice: random.Random) -> str:
    """Asks for a tag, which the manifest may say and annotations may say otherwise."""
    field = choice.choice(("tags.team", 'tags."cost center"'))
    return f"{field} {choice.choice(('=', '!=', *ORDERED))} {quoted(choice.choice(TAGS))}"


def order(choice: random.Random) -> str:
    fields = ("metrics.f1", "params.depth", "params.criterion", "version", "created", "stage", "tags.team", "model")
    return f"{choice.choice(fields)}{choice.choice(('', ' desc', ' asc'))}"


def literal(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool) or not isinstance(value, str) else quoted(value)


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
