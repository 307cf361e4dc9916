"""The language of rules: a small part of CEL (the Common Expression Language definition, cel-spec `doc/langdef.md`).

- variables: `metrics.f1` (doubles), `champion.metrics.f1`, `champion.params.depth`, `champion.version` (all missing
  where nobody holds the stage), `params.depth`, `benchmarks.predict.latency_p95_ms`, `tags.team`, and in
  `rollback_when` also `live.metrics.f1`;
- `&& || ! ?: < <= > >= == != in + - * /`, lists, texts, numbers, `true`, `false`, `null`;
- `has(a.b)`, the macros `all`, `exists`, `exists_one`, `map`, `filter`, and the functions below.

All numbers are doubles: a literal `1` is read as `1.0`, since CEL has no `double - int`. What CEL offers beyond that
(regular expressions, messages, bytes, unsigned integers, `%`, time) is refused.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Literal

Type = Literal["bool", "number", "text", "list", "map", "null", "any"]
Path = tuple[str, ...]
"""Names from a root variable on: `("metrics", "f1")`."""

ROOTS = ("metrics", "champion", "params", "benchmarks", "tags")
LIVE = "live"
FUNCTIONS = ("has", "size", "int", "double", "string", "bool")
METHODS = ("size", "contains", "startsWith", "endsWith")
MACROS = ("all", "exists", "exists_one", "map", "filter")

MAX_LENGTH = 1000
"""Characters, as the schema has it."""
MAX_MACROS_DEEP = 2

WORDS: Mapping[Type, str] = {
    "bool": "true or false",
    "number": "a number",
    "text": "a text",
    "list": "a list",
    "map": "a mapping",
    "null": "null",
    "any": "anything",
}
CONVERSIONS: Mapping[str, tuple[Type, tuple[Type, ...]]] = {
    "int": ("number", ("number", "text")),
    "double": ("number", ("number", "text")),
    "string": ("text", ("number", "text", "bool")),
    "bool": ("bool", ("bool", "text")),
}
REFUSED = {
    "map_lit": "mappings in braces are not supported",
    "member_object": "messages (name{…}) are not supported",
    "dot_ident": "a name does not begin with a dot",
    "dot_ident_arg": "a name does not begin with a dot",
    "multiplication_mod": "% is for integers, and all numbers here are doubles",
}


def dotted(path: Path) -> str:
    """`metrics.f1`, or `tags["my team"]` for a name that is no identifier."""
    return path[0] + "".join(f".{name}" if name.isidentifier() else f"[{name!a}]" for name in path[1:])


def type_at(path: Path) -> Type:
    """What stands at a path, as `variables` in `rules` makes it; parameters and tags may be anything."""
    match path:
        case ("metrics",) | ("champion", "metrics" | "params") | ("live", "metrics") | ("benchmarks", _):
            return "map"
        case ("metrics", _) | ("champion", "metrics", _) | ("live", "metrics", _):
            return "number"
        case ("champion", "version"):
            return "text"
    return "any"


def near(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f": did you mean {close[0]}?" if close else f": known are {', '.join(known)}"
