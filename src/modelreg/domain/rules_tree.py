"""From the text of a CEL expression to a short syntax tree, through cel-python's parser.

Its tree has ten nodes around every name, one for each level of precedence. Here they are left out where they say
nothing, and integers become the doubles that they stand for. cel-python's interpreter runs the short tree as well.
"""

from __future__ import annotations

import functools
import math
import sys
from typing import Any

MAX_TREE_DEPTH = 64
"""Of the shortened tree: evaluation takes about seven Python frames a level, and Python has a thousand."""
_CHAIN = frozenset(
    (
        *("expr", "conditionalor", "conditionaland", "relation", "addition", "multiplication", "unary", "member"),
        *("primary", "paren_expr"),
    )
)


@functools.cache
def environment() -> Any:
    """The CEL environment: its grammar takes most of the time that a rule takes.

    It raises Python's recursion limit for the whole process; that is taken back.
    """
    import celpy

    limit = sys.getrecursionlimit()
    try:
        return celpy.Environment()
    finally:
        sys.setrecursionlimit(limit)


def parse(expression: str) -> tuple[Any, str]:
    """The shortened tree, or what is wrong."""
    from celpy.celparser import CELParseError, Tree

    try:
        parsed = environment().compile(expression)
    except CELParseError as error:
        return None, _syntax_error(expression, error)
    # Chains of one child (ten of them around every name) say nothing; without recursion, since parentheses may be many.
    short: dict[int, Any] = {}
    depths: dict[int, int] = {}
    for node in parsed.iter_subtrees():
        children = [short[id(c)] if isinstance(c, Tree) else c for c in node.children]
        if node.data in _CHAIN and len(children) == 1 and isinstance(children[0], Tree):
            short[id(node)] = children[0]
            continue
        made = Tree(node.data, [_number_token(c) if node.data == "literal" else c for c in children], node.meta)
        short[id(node)] = made
        depths[id(made)] = 1 + max((depths.get(id(c), 0) for c in children), default=0)
    tree = short[id(parsed)]
    if depths[id(tree)] > MAX_TREE_DEPTH:
        return None, "is nested too deeply: make several rules of it"
    return _as_primary(tree), ""


def _as_primary(tree: Any) -> Any:
    """cel-python's interpreter understands names, calls, lists and literals only inside a `primary` node."""
    from celpy.celparser import Tree

    inside = ("literal", "ident", "ident_arg", "list_lit", "map_lit", "dot_ident", "dot_ident_arg")
    children = [_as_primary(c) if isinstance(c, Tree) else c for c in tree.children]
    made = Tree(tree.data, children, tree.meta)
    return Tree("primary", [made], tree.meta) if tree.data in inside else made


def _number_token(token: Any) -> Any:
    """An integer literal as the double that it stands for; one too large for a double becomes infinite."""
    from celpy.celparser import Token

    if token.type != "INT_LIT":
        return token
    text = str(token)
    try:
        value = float(int(text, 16 if "0x" in text else 10))
    except OverflowError:
        value = math.inf
    return Token.new_borrow_pos("FLOAT_LIT", repr(value), token)


def _syntax_error(expression: str, error: Any) -> str:
    """Where cel-python stopped reading, in a few words."""
    if not expression.strip():
        return "is empty"
    token = getattr(error.__context__, "token", None)  # of the parser's own error
    if getattr(token, "type", "") == "$END" or not isinstance(error.column, int) or not isinstance(error.line, int):
        return "syntax error: the expression ends too early"
    lines = expression.split("\n")
    line = lines[error.line - 1] if error.line <= len(lines) else ""
    rest = line[error.column - 1 :].strip()
    where = f"column {error.column}" if len(lines) == 1 else f"line {error.line}, column {error.column}"
    return f"syntax error at {where}: {rest[:30]!a}" if rest else "syntax error: the expression ends too early"
