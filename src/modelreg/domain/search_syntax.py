"""Reading a search expression: `metrics.accuracy > 0.9 and stage = production and tags.team = "risk"`.

    expression = conjunction ("or" conjunction)*
    conjunction = negation ("and" negation)*
    negation = "not" negation | "(" expression ")" | comparison
    comparison = field operator value
               | field ["not"] "in" "(" value ("," value)* ")" | field ["not"] ("like" | "glob") value

Every refusal is a UsageError that names the column, from 1.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import get_args

from modelreg.domain.properties import Value
from modelreg.domain.search import (
    FIELDS,
    KEYED,
    NUMBERS,
    SCALARS,
    SETS,
    Comparison,
    Every,
    Expression,
    Field,
    Not,
    Operator,
    Order,
    Some,
)
from modelreg.domain.version import Version
from modelreg.errors import InvalidError, UsageError

LONGEST = 4_000
MOST_TOKENS = 500
DEEPEST = 50

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    | (?P<field>(?:metrics|params|tags)\.(?:"(?:[^"]|"")+"|'(?:[^']|'')+'))
    | (?P<text>"(?:[^"]|"")*"|'(?:[^']|'')*')
    | (?P<sign><=|>=|!=|<>|==|=|<|>)
    | (?P<mark>[(),])
    | (?P<word>[^\s()<>=!,'"]+)
    | (?P<end>\Z)""",
    re.VERBOSE,
)
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_SAME: dict[str, Operator] = {"==": "=", "<>": "!="}
_ORDERED = frozenset({"<", "<=", ">", ">="})
_UNORDERED = frozenset({"stage", "framework", "architecture"}) | SETS
_KEYWORDS = frozenset({"and", "or", "not", "in", "like", "glob"})
_OPERATORS = get_args(Operator)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int

    @property
    def keyword(self) -> str | None:
        lower = self.text.lower()
        return lower if self.kind == "word" and lower in _KEYWORDS else None


def parse(text: str) -> Expression:
    """The expression. Raises UsageError with the column of the first fault."""
    return _Parser(text).whole()


def parse_order(text: str) -> Order:
    """`metrics.f1 desc`, `created`. Raises UsageError."""
    tokens = _tokens(text)
    field = _field(tokens[0])
    words = [token.text.lower() for token in tokens[1:-1]]
    if words not in ([], ["asc"], ["desc"]):
        raise _fault(tokens[1], f"{_quoted(tokens[1])} is neither asc nor desc", "write metrics.f1 desc")
    if field.name in SETS:
        raise _fault(tokens[0], f"{field} holds any number of texts: nothing can be put in order by it")
    return Order(field, descending=words == ["desc"])


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.position = 0
        self.depth = 0

    @property
    def here(self) -> _Token:
        return self.tokens[self.position]

    def take(self) -> _Token:
        token = self.here
        self.position += token.kind != "end"
        return token

    def keyword(self, word: str) -> bool:
        """Whether `word` stands here; then it is taken."""
        found = self.here.keyword == word
        self.position += found
        return found

    def whole(self) -> Expression:
        found = self.either()
        if self.here.kind != "end":
            raise _fault(self.here, f"{_quoted(self.here)} is not expected here", "join comparisons with and, or")
        return found

    def either(self) -> Expression:
        parts = [self.both()]
        while self.keyword("or"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Some(tuple(parts))

    def both(self) -> Expression:
        parts = [self.negation()]
        while self.keyword("and"):
            parts.append(self.negation())
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def negation(self) -> Expression:
        self.depth += 1
        if self.depth > DEEPEST:
            raise _fault(self.here, f"nested deeper than {DEEPEST} levels")
        if self.keyword("not"):
            found: Expression = Not(self.negation())
        elif self.here.text == "(" and self.here.kind == "mark":
            opened = self.take()
            found = self.either()
            if (closing := self.take()).text != ")":
                raise _fault(closing, f"the bracket of column {opened.column} is not closed")
        else:
            found = self.comparison()
        self.depth -= 1
        return found

    def comparison(self) -> Expression:
        field = _field(self.take())
        negated = self.keyword("not")
        token = self.take()
        name = token.keyword or (token.text if token.kind == "sign" else "")
        operator = _SAME.get(name) or next((known for known in _OPERATORS if known == name), None)
        if operator is None or (negated and operator not in ("in", "like", "glob")):
            hint = f"write an operator after {field}: {' '.join(_OPERATORS)}"
            raise _fault(
                token, f"{_quoted(token)} is no operator" if token.kind != "end" else "an operator is missing", hint
            )
        if operator in _ORDERED and field.name in _UNORDERED:
            raise _fault(token, f"{field} has no order", "use =, !=, in, like or glob")
        if operator in ("like", "glob") and field.name in NUMBERS:
            raise _fault(token, f"{field} is a number, which {operator} does not take")
        values = self.several(field, operator) if operator == "in" else (_value(field, operator, self.take()),)
        found = Comparison(field, operator, values)
        return Not(found) if negated else found

    def several(self, field: Field, operator: Operator) -> tuple[Value | Version, ...]:
        if (token := self.take()).text != "(" or token.kind != "mark":
            raise _fault(token, "in takes a list", f"write {field} in (a, b)")
        values = [_value(field, operator, self.take())]
        while (token := self.take()).kind == "mark" and token.text == ",":
            values.append(_value(field, operator, self.take()))
        if token.kind != "mark" or token.text != ")":
            raise _fault(token, "the list is not closed", f"write {field} in (a, b)")
        return tuple(values)


def _tokens(text: str) -> list[_Token]:
    if len(text) > LONGEST:
        raise UsageError(f"the expression is longer than {LONGEST} characters")
    found: list[_Token] = []
    position = 0
    while not found or found[-1].kind != "end":
        match = _TOKEN.match(text, position)
        if match is None:
            token = _Token("", text[position], position + 1)
            unclosed = token.text in "'\""
            raise _fault(token, "the text is not closed" if unclosed else f"{_quoted(token)} is not expected here")
        position = match.end()
        if match.lastgroup != "space":
            found.append(_Token(str(match.lastgroup), match.group(), match.start() + 1))
        if len(found) > MOST_TOKENS:
            raise UsageError(f"the expression has more than {MOST_TOKENS} parts", field=f"column {found[-1].column}")
    return found


def _field(token: _Token) -> Field:
    if token.kind == "end":
        raise _fault(token, "a field is missing", f"fields are {', '.join(FIELDS)}")
    name, dot, key = token.text.partition(".")
    if token.kind == "field" or (token.kind == "word" and name in KEYED and key):
        return Field(name, _unquoted(key))
    if token.kind == "word" and not dot and token.text in SCALARS | SETS:
        return Field(token.text)
    import difflib

    known = [*SCALARS, *SETS, *(f"{each}.{key}" for each in KEYED)]
    close = difflib.get_close_matches(token.text, known, n=1)
    hint = f"did you mean {close[0]}?" if close and (key or not dot) else None
    raise _fault(token, f"{_quoted(token)} is no field", hint or f"fields are {', '.join(FIELDS)}")


def _value(field: Field, operator: Operator, token: _Token) -> Value | Version:
    """A value of the type that the field has; bare words are texts where a text is meant."""
    if token.kind not in ("word", "text") or token.keyword:
        message = "a value is missing" if token.kind == "end" else f"{_quoted(token)} is no value"
        raise _fault(token, message, 'put text that is a word of the language into quotes: "and"')
    text, bare = _unquoted(token.text), token.kind == "word"
    if operator in ("like", "glob"):
        return text
    numeric = bare and _NUMBER.fullmatch(text) is not None
    if field.name in NUMBERS and not numeric:
        raise _fault(token, f"{field} is a number, and {_quoted(token)} is none", f"write {field} {operator} 0.9")
    if field.name in NUMBERS or (field.name == "params" and numeric):
        value = float(text)
        if not math.isfinite(value):
            raise _fault(token, "the number is too large")
        return value
    if field.name == "params" and bare and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if field.name == "version":
        try:
            return Version.parse(text)
        except InvalidError as error:
            raise _fault(token, error.message, error.hint) from None
    if field.name == "tags" and numeric and operator in _ORDERED:
        hint = f'write {field} {operator} "{text}"'
        raise _fault(token, f"{field} is text, which is not put in order as numbers are", hint)
    return text


def _unquoted(text: str) -> str:
    if text[:1] in ("'", '"'):
        return text[1:-1].replace(text[0] * 2, text[0])
    return text


def _quoted(token: _Token) -> str:
    return ascii(token.text if len(token.text) <= 40 else token.text[:37] + "...")


def _fault(token: _Token, message: str, hint: str | None = None) -> UsageError:
    return UsageError(message, hint=hint, field=f"column {token.column}")
