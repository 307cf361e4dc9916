"""Reading rules: an expression's syntax tree, what is wrong with it before anything is known, and what it reads."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from modelreg.domain.rules_language import MAX_LENGTH, WORDS, Path
from modelreg.domain.rules_tree import parse
from modelreg.domain.rules_walk import Walk


@dataclass(frozen=True, slots=True)
class Syntax:
    """An expression that was read. `tree` is None where it has a syntax error.

    `reads` are the values that it looks at, each with all below it; `optional` those that it asks for with `has` or
    `in` first, so that they may be missing. `macros` counts them by depth of nesting.
    """

    tree: Any
    problems: tuple[str, ...]
    reads: frozenset[Path] = frozenset()
    optional: frozenset[Path] = frozenset()
    macros: tuple[int, ...] = ()
    longest_list: int = 0

    @property
    def roots(self) -> frozenset[str]:
        return frozenset(path[0] for path in self.reads | self.optional)


@functools.lru_cache(maxsize=512)
def read(expression: str, *, live: bool = False) -> Syntax:
    """Parse and check an expression; `live` allows the variable of that name. Never raises for a bad one."""
    if len(expression) > MAX_LENGTH:
        return Syntax(None, (f"is longer than {MAX_LENGTH} characters",))
    tree, trouble = parse(expression)
    if trouble:
        return Syntax(None, (trouble,))
    walk = Walk(live=live)
    result = walk.value(tree)
    if result not in ("bool", "any"):
        walk.say(f"is {WORDS[result]}, and a rule must be true or false: compare it")
    problems = tuple(dict.fromkeys(walk.problems))
    deep = range(max(walk.macros, default=0))
    return Syntax(
        tree,
        problems,
        frozenset(walk.reads),
        frozenset(walk.optional),
        tuple(walk.macros.count(depth + 1) for depth in deep),
        walk.longest_list,
    )
