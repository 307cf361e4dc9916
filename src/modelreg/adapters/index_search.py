"""A query as parameterised SQL: fixed pieces of text, and every name and value from the expression as a parameter."""

from __future__ import annotations

from modelreg.domain.properties import Value
from modelreg.domain.search import REFERENCES, SETS, WITHDRAWN, Comparison, Every, Expression, Field, Not, Order, Some
from modelreg.domain.version import Version

FROM = """
FROM file f
JOIN document d ON d.id = f.document
JOIN file m ON m.registry = f.registry AND m.kind = 'model' AND m.model = f.model AND m.version = '' AND m.name = ''
LEFT JOIN file s ON s.registry = f.registry AND s.kind = 'stages' AND s.model = f.model AND s.version = ''
  AND s.name = ''
LEFT JOIN holder h ON h.document = s.document AND h.version = f.version
LEFT JOIN file w ON w.registry = f.registry AND w.kind = 'withdrawn' AND w.model = f.model AND w.version = f.version
  AND w.name = ''
LEFT JOIN file n ON n.registry = f.registry AND n.kind = 'annotations' AND n.model = f.model AND n.version = f.version
  AND n.name = ''
LEFT JOIN document nd ON nd.id = n.document
WHERE f.registry = ? AND f.kind = 'manifest'
"""
_STAGE = "CASE WHEN w.kind IS NULL THEN coalesce(h.stage, ?) ELSE ? END"
_COLUMNS = {"model": "f.model", "version": "f.rank"} | {
    name: f"d.{name}" for name in ("created", "framework", "architecture")
}
_NAMED = "(SELECT v.value FROM value v WHERE v.document = {}.id AND v.name = {})"
_NAME = "(SELECT id FROM name WHERE field = ? AND name = ?)"
_VALUE, _NOTED = _NAMED.format("d", _NAME), _NAMED.format("nd", _NAME)
_ALIASES = "f.version IN (SELECT e.version FROM alias e WHERE e.document = s.document AND ({}))"
_EDGES = "d.id IN (SELECT e.document FROM edge e WHERE e.field = ? AND ({}))"

LAST = "\U0010ffff"
"""No character sorts behind it: SQLite compares texts by their UTF-8 bytes."""
Piece = tuple[str, list[object]]
"""SQL, and its parameters in order."""


def where(expression: Expression, initial: str) -> Piece:
    """A condition: true, false, or NULL where the answer is not known. `initial`: the stage of those listed nowhere."""
    if isinstance(expression, Comparison):
        return _set(expression) if expression.field.name in SETS else _scalar(expression, initial)
    if isinstance(expression, Not):
        text, parameters = where(expression.inner, initial)
        return f"(NOT {text})", parameters
    assert isinstance(expression, Every | Some)  # noqa: S101 - what else there is
    pieces = [where(part, initial) for part in expression.parts]
    word = " AND " if isinstance(expression, Every) else " OR "
    return f"({word.join(text for text, _ in pieces)})", [p for _, parameters in pieces for p in parameters]


def order_by(orders: tuple[Order, ...], initial: str) -> Piece:
    """Missing values last; what is left by model, the highest version first."""
    texts, parameters = [], []
    for order in orders:
        text, given = _column(order.field, initial)
        texts += [f"{text} IS NULL", f"{text} {'DESC' if order.descending else 'ASC'}"]
        parameters += given * 2
    return ", ".join([*texts, "f.model", "f.rank DESC"]), parameters


def _column(field: Field, initial: str) -> Piece:
    if field.name == "stage":
        return _STAGE, [initial, WITHDRAWN]
    if field.name == "tags":  # what annotations say goes before the manifest
        return f"coalesce({_NOTED}, {_VALUE})", [field.name, field.key] * 2
    if field.key is not None:
        return _VALUE, [field.name, field.key]
    return _COLUMNS[field.name], []


def _scalar(comparison: Comparison, initial: str) -> Piece:
    field, operator = comparison.field, comparison.operator
    text, parameters = _column(field, initial)
    if operator in ("like", "glob"):
        if field.name == "version":
            text = "f.version"
        pattern = comparison.values[0]
        # A number, or a truth value, is no text: not known.
        condition = f"(CASE typeof({text}) WHEN 'text' THEN matches(?, ?, {text}) END)"
        return condition, [*parameters, operator, pattern, *parameters]
    pieces = []
    given: list[object] = []
    for value in comparison.values:
        bound = _bound(value)
        sign = "=" if operator == "in" else operator
        if field.name != "params":
            pieces.append(f"{text} {sign} ?")
            given += [*parameters, bound]
        else:  # of any type, and SQLite would put every text above every number
            pieces.append(f"(CASE typeof({text}) WHEN ? THEN {text} {sign} ? END)")
            given += [*parameters, _TYPES[type(bound)], *parameters, bound]
    return f"({' OR '.join(pieces)})", given


_TYPES = {float: "real", str: "text", bytes: "blob"}


def _bound(value: Value | Version) -> float | str | bytes:
    """As the tables hold it: a truth value as a blob of one byte, a version by its rank."""
    if isinstance(value, Version):
        return value.rank
    return bytes((value,)) if isinstance(value, bool) else value


def _set(comparison: Comparison) -> Piece:
    name, operator = comparison.field.name, comparison.operator
    among, parameters, column = (_ALIASES, [], "e.alias") if name == "alias" else (_EDGES, [name], "e.value")
    tests = []
    given: list[object] = [*parameters]
    for value in comparison.values:
        if operator in ("like", "glob"):
            tests.append(f"matches(?, ?, {column})")
            given += [operator, value]
        elif name in REFERENCES:
            tests.append(f"{column} BETWEEN ? AND ? AND refers({column}, ?)")
            given += [value, f"{value}{LAST}", value]
        else:
            tests.append(f"{column} = ?")
            given.append(value)
    condition = among.format(" OR ".join(tests))
    return (f"(NOT {condition})" if operator == "!=" else condition), given
