"""One pass over the syntax tree of a rule: names, types, calls.

cel-python looks up names and types only while it evaluates, and then only where it comes by, so that a misspelt
function behind `||` may never be noticed. Here the whole tree is walked. The language is in `rules_language`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from modelreg.domain.rules_language import (
    CONVERSIONS,
    FUNCTIONS,
    LIVE,
    MACROS,
    MAX_MACROS_DEEP,
    METHODS,
    REFUSED,
    ROOTS,
    WORDS,
    Path,
    Type,
    dotted,
    near,
    type_at,
)


class Walk:
    """Finds the type of each node where it is certain; afterwards `problems`, `reads` and the counts are known."""

    def __init__(self, *, live: bool) -> None:
        self.roots = (*ROOTS, LIVE) if live else ROOTS
        self.problems: list[str] = []
        self.reads: set[Path] = set()
        self.optional: set[Path] = set()
        self.macros: list[int] = []
        self.longest_list = 0
        self.scopes: list[tuple[str, Type]] = []

    def say(self, problem: str) -> None:
        self.problems.append(problem)

    def value(self, node: Any) -> Type:
        """The type of a node whose value is used as it is; what it reads is remembered."""
        kind, path = self.visit(node)
        if path is not None:
            self.reads.add(path)
        return kind

    def visit(self, node: Any) -> tuple[Type, Path | None]:
        """The type, and for a chain of names from a root variable its path."""
        if node.data == "primary":
            return self.visit(node.children[0])
        if node.data == "ident":
            return self._name(str(node.children[0]))
        if node.data == "member_dot":
            return self._field(*self.visit(node.children[0]), str(node.children[1]))
        if node.data == "member_index":
            return self._index(*node.children)
        if node.data in REFUSED:
            self.say(REFUSED[node.data])
            return "any", None
        method: Callable[[Any], Type] = getattr(self, f"_{node.data}")
        return method(node), None

    # --- names

    def _name(self, name: str) -> tuple[Type, Path | None]:
        for bound, kind in reversed(self.scopes):
            if bound == name:
                return kind, None
        if name in self.roots:
            return "map", (name,)
        if name == LIVE:
            self.say("live is known in rollback_when only")
        else:
            self.say(f"unknown variable {name[:40]}{near(name, self.roots)}")
        return "any", None

    def _field(self, kind: Type, path: Path | None, name: str) -> tuple[Type, Path | None]:
        if kind not in ("map", "any"):
            what = dotted(path) if path else "the value"
            self.say(f"{what} is {WORDS[kind]} and has no field {name[:40]}")
            return "any", None
        if path is None:
            return "any", None
        found = (*path, name)
        if path == ("champion",) and name not in ("metrics", "params", "version"):
            self.say(f"champion has metrics, params and version: write champion.metrics.{name[:40]}")
        return type_at(found), found

    def _index(self, member: Any, index: Any) -> tuple[Type, Path | None]:
        kind, path = self.visit(member)
        literal = _text_literal(index)
        if literal is not None and kind in ("map", "any"):
            return self._field(kind, path, literal)
        if path is not None:
            self.reads.add(path)
        key = self.value(index)
        wanted: tuple[Type, ...] = ("text",) if kind == "map" else ("number",) if kind == "list" else ("text", "number")
        self._expect(key, wanted, "an index")
        if kind not in ("map", "list", "any"):
            self.say(f"{WORDS[kind]} has no items")
        return (type_at((*path, "")) if path is not None and kind == "map" else "any"), None

    # --- operators

    def _expr(self, node: Any) -> Type:
        condition, yes, no = (self.value(child) for child in node.children)
        self._expect(condition, ("bool",), "the condition of ?:")
        if "any" not in (yes, no) and yes != no:
            self.say(f"?: gives {WORDS[yes]} or {WORDS[no]}")
            return "any"
        return "any" if "any" in (yes, no) else yes

    def _conditionalor(self, node: Any) -> Type:
        return self._logic(node, "||")

    def _conditionaland(self, node: Any) -> Type:
        return self._logic(node, "&&")

    def _logic(self, node: Any, sign: str) -> Type:
        for child in node.children:
            self._expect(self.value(child), ("bool",), f"a side of {sign}")
        return "bool"

    def _relation(self, node: Any) -> Type:
        operator, right = node.children
        if operator.data == "relation_in":
            return self._membership(operator.children[0], right)
        mine, theirs = self.value(operator.children[0]), self.value(right)
        equality = operator.data in ("relation_eq", "relation_ne")
        allowed: tuple[Type, ...] = ("number", "text", "bool", "null") if equality else ("number", "text")
        sound = [self._expect(kind, allowed, "a side of a comparison") for kind in (mine, theirs)]
        unlike = mine != theirs and "any" not in (mine, theirs) and not (equality and "null" in (mine, theirs))
        if all(sound) and unlike:
            self.say(f"{WORDS[mine]} is compared with {WORDS[theirs]}")
        return "bool"

    def _membership(self, item: Any, container: Any) -> Type:
        kind, path = self.visit(container)
        literal = _text_literal(item)
        if literal is not None and path is not None and kind in ("map", "any"):
            self.optional.add((*path, literal))
        elif path is not None:
            self.reads.add(path)
        mine = self.value(item)
        self._expect(kind, ("list", "map"), "the right side of in")
        self._expect(mine, ("text",) if kind == "map" else ("number", "text", "bool", "null"), "the left side of in")
        return "bool"

    def _addition(self, node: Any) -> Type:
        operator, right = node.children
        mine, theirs = self.value(operator.children[0]), self.value(right)
        allowed: tuple[Type, ...] = ("number", "text") if operator.data == "addition_add" else ("number",)
        sign = "+" if operator.data == "addition_add" else "-"
        sound = [self._expect(kind, allowed, f"a side of {sign}") for kind in (mine, theirs)]
        if sign == "-":
            return "number"
        if not all(sound):
            return "any"
        if "any" in (mine, theirs):
            return theirs if mine == "any" else mine
        if mine != theirs:
            self.say(f"{WORDS[mine]} is added to {WORDS[theirs]}")
        return mine

    def _multiplication(self, node: Any) -> Type:
        operator, right = node.children
        if operator.data in REFUSED:
            self.say(REFUSED[operator.data])
        for child in (operator.children[0], right):
            self._expect(self.value(child), ("number",), "a side of * or /")
        return "number"

    def _unary(self, node: Any) -> Type:
        operator, operand = node.children
        wanted: Type = "bool" if operator.data == "unary_not" else "number"
        self._expect(self.value(operand), (wanted,), "what follows !" if wanted == "bool" else "what follows -")
        return wanted

    # --- literals

    def _literal(self, node: Any) -> Type:
        token = node.children[0]
        if token.type == "FLOAT_LIT":
            if not math.isfinite(float(token)):
                self.say("a number is too large")
            return "number"
        if token.type in ("UINT_LIT", "BYTES_LIT"):
            self.say(f"{str(token)[:20]} is no literal of rules: write a plain number or text")
            return "any"
        kinds: Mapping[str, Type] = {"BOOL_LIT": "bool", "NULL_LIT": "null"}
        return kinds.get(token.type, "text")

    def _list_lit(self, node: Any) -> Type:
        items = _arguments(node.children)
        self.longest_list = max(self.longest_list, len(items))
        for item in items:
            self.value(item)
        return "list"

    # --- calls

    def _ident_arg(self, node: Any) -> Type:
        name, given = str(node.children[0]), _arguments(node.children[1:])
        if name == "has":
            return self._has(given)
        kinds = [self.value(argument) for argument in given]
        if name not in FUNCTIONS:
            self._unknown(name, FUNCTIONS)
            return "any"
        if len(kinds) != 1:
            self.say(f"{name}() takes one argument, not {len(kinds)}")
        elif name == "size":
            self._expect(kinds[0], ("text", "list", "map"), "the argument of size()")
        else:
            self._expect(kinds[0], CONVERSIONS[name][1], f"the argument of {name}()")
        return "number" if name == "size" else CONVERSIONS[name][0]

    def _has(self, given: list[Any]) -> Type:
        if len(given) != 1 or given[0].data != "member_dot":
            self.say("has() takes one field: has(metrics.f1)")
            return "bool"
        _, path = self.visit(given[0])
        if path is not None:
            self.optional.add(path)
        return "bool"

    def _member_dot_arg(self, node: Any) -> Type:
        target, name, given = node.children[0], str(node.children[1]), _arguments(node.children[2:])
        if name in MACROS:
            return self._macro(target, name, given)
        kind = self.value(target)
        kinds = [self.value(argument) for argument in given]
        if name not in METHODS:
            self._unknown(name, (*METHODS, *MACROS))
            return "any"
        if len(kinds) != (0 if name == "size" else 1):
            self.say(f"{name}() takes {'no argument' if name == 'size' else 'one argument'}, not {len(kinds)}")
        if name == "size":
            self._expect(kind, ("text", "list", "map"), "what has size()")
            return "number"
        for each in (kind, *kinds):
            self._expect(each, ("text",), f"a part of {name}()")
        return "bool"

    def _macro(self, target: Any, name: str, given: list[Any]) -> Type:
        kind = self.value(target)
        self._expect(kind, ("list", "map"), f"what {name}() goes through")
        variable = given[0] if given else None
        variable = variable.children[0] if variable is not None and variable.data == "primary" else variable
        if len(given) != 2 or variable is None or variable.data != "ident":
            self.say(f"{name}() takes a name and an expression: {name}(x, …)")
            return "any"
        bound = str(variable.children[0])
        if bound in (*ROOTS, LIVE):
            self.say(f"{name}({bound}, …) would hide the variable {bound}")
        depth = len(self.scopes) + 1
        self.macros.append(depth)
        if depth > MAX_MACROS_DEEP:
            self.say(f"macros are nested more than {MAX_MACROS_DEEP} deep")
            return "list" if name in ("map", "filter") else "bool"
        self.scopes.append((bound, "text" if kind == "map" else "any"))
        body = self.value(given[1])
        self.scopes.pop()
        if name != "map" and body != "bool":
            # cel-python takes any value for true or false here.
            self.say(f"the condition of {name}() must be a comparison, not {WORDS[body]}")
        return "list" if name in ("map", "filter") else "bool"

    def _unknown(self, name: str, known: Iterable[str]) -> None:
        if name == "matches":
            self.say("matches() is not offered (regular expressions): use startsWith, endsWith or contains")
        else:
            self.say(f"unknown function {name[:40]}{near(name, known)}")

    def _expect(self, kind: Type, allowed: tuple[Type, ...], what: str) -> bool:
        if kind == "any" or kind in allowed:
            return True
        self.say(f"{what} is {WORDS[kind]}, and should be {' or '.join(WORDS[k] for k in allowed)}")
        return False


def _text_literal(node: Any) -> str | None:
    """The text of a plain text literal (no escapes, no prefix)."""
    literal = node.children[0] if node.data == "primary" else node
    token = literal.children[0] if literal.data == "literal" else None
    if token is None or token.type != "STRING_LIT" or str(token)[0] in "rR" or "\\" in token:
        return None
    return str(token)[1:-1]


def _arguments(children: list[Any]) -> list[Any]:
    """The expressions of an argument list, which may be absent."""
    return list(children[0].children) if children else []
