"""Running rules: cel-python's interpreter with operators that fail closed.

cel-python's own operators let too much through for a gate: a division by zero is infinite, NaN passes a negation,
`1.0 || true` is true. These take doubles, texts, booleans and null only, and give an error for all else and for every
number that is not finite. An error spreads as CEL has it: `false && error` is false, `true || error` is true.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

from modelreg.domain.rules_syntax import read
from modelreg.domain.rules_tree import environment

Function = Callable[..., Any]
_INTEGERS = 2**53
"""Beyond, a double skips integers."""


class OperatorError(ValueError):
    """Why an operator has no answer."""


@functools.lru_cache(maxsize=512)
def program(expression: str, *, live: bool) -> Any:
    """The runner of an expression without problems; its `evaluate` takes variables that `to_cel` made."""
    return environment().program(read(expression, live=live).tree, functions=_functions())


def to_cel(value: Any) -> Any:
    """Plain data as CEL's values, every number a double. Raises OperatorError for what no document holds."""
    from celpy import celtypes

    if value is None:
        return None
    if isinstance(value, bool):
        return celtypes.BoolType(value)
    if isinstance(value, int | float):
        try:
            return celtypes.DoubleType(float(value))
        except OverflowError:
            return celtypes.DoubleType(math.inf)  # refused where it is read
    if isinstance(value, str):
        return celtypes.StringType(value)
    if isinstance(value, Mapping):
        return celtypes.MapType({celtypes.StringType(str(key)): to_cel(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return celtypes.ListType([to_cel(item) for item in value])
    raise OperatorError(f"{type(value).__name__} is no plain value")


@functools.cache
def _functions() -> dict[str, Function]:
    """By CEL's names of operators and functions; those of cel-python that are not here `read` does not let through."""
    from celpy.celtypes import BoolType, DoubleType, StringType

    def compare(test: Callable[[Any, Any], bool]) -> Function:
        return _strict(lambda a, b: BoolType(test(*_same(a, b, (DoubleType, StringType)))))

    def compute(operate: Callable[[Any, Any], Any]) -> Function:
        return _strict(lambda a, b: DoubleType(operate(*_same(a, b, (DoubleType,)))))

    def text(test: Callable[[str, str], bool]) -> Function:
        return _strict(lambda a, b: BoolType(test(*_same(a, b, (StringType,)))))

    return {
        "_<_": compare(lambda a, b: a < b),
        "_<=_": compare(lambda a, b: a <= b),
        "_>_": compare(lambda a, b: a > b),
        "_>=_": compare(lambda a, b: a >= b),
        "_==_": _strict(lambda a, b: BoolType(_equal(a, b))),
        "_!=_": _strict(lambda a, b: BoolType(not _equal(a, b))),
        "_in_": _strict(_in),
        "_+_": _strict(_add),
        "_-_": compute(lambda a, b: float(a) - float(b)),
        "_*_": compute(lambda a, b: float(a) * float(b)),
        "_/_": compute(_divide),
        "-_": _strict(lambda a: DoubleType(-float(_one(a, DoubleType)))),
        "!_": _strict(lambda a: BoolType(not _one(a, BoolType))),
        "_&&_": lambda a, b: _logic(a, b, decisive=False),
        "_||_": lambda a, b: _logic(a, b, decisive=True),
        "_?_:_": _choose,
        "_[_]": _strict(_item),
        "size": _strict(_size),
        "contains": text(lambda a, b: b in a),
        "startsWith": text(lambda a, b: a.startswith(b)),
        "endsWith": text(lambda a, b: a.endswith(b)),
        "int": _strict(lambda a: DoubleType(math.trunc(_to_number(a)))),
        "double": _strict(_to_number),
        "string": _strict(_to_text),
        "bool": _strict(_to_bool),
    }


def _strict(function: Function) -> Function:
    """An error among the arguments is the result; trouble and numbers that are not finite become errors."""
    from celpy import CELEvalError

    def strict(*arguments: Any) -> Any:
        for argument in arguments:
            if isinstance(argument, CELEvalError):
                return argument
        try:
            if all(_finite(argument) for argument in arguments) and _finite(result := function(*arguments)):
                return result
            return CELEvalError("a number is not finite")
        except OperatorError as trouble:
            return CELEvalError(str(trouble))

    return strict


def _finite(value: Any) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _kind(value: Any) -> str:
    names = {"DoubleType": "number", "StringType": "text", "BoolType": "boolean", "ListType": "list", "MapType": "map"}
    return "null" if value is None else names.get(type(value).__name__, "value of another kind")


def _same(a: Any, b: Any, allowed: tuple[type, ...]) -> tuple[Any, Any]:
    if type(a) is type(b) and type(a) in allowed:
        return a, b
    raise OperatorError(f"no such overload: {_kind(a)} and {_kind(b)}")


def _one(a: Any, allowed: type) -> Any:
    if type(a) is allowed:
        return a
    raise OperatorError(f"no such overload: {_kind(a)}")


def _equal(a: Any, b: Any) -> bool:
    from celpy.celtypes import BoolType, DoubleType, StringType

    if a is None or b is None:
        return a is b
    left, right = _same(a, b, (BoolType, DoubleType, StringType))
    return bool(left == right)


def _in(item: Any, container: Any) -> Any:
    from celpy.celtypes import BoolType, ListType, MapType, StringType

    if type(container) is MapType:
        return BoolType(_one(item, StringType) in container)
    # An item of another type is another item: CEL's equality across types is false.
    return BoolType(any(type(item) is type(each) and item == each for each in _one(container, ListType)))


def _add(a: Any, b: Any) -> Any:
    from celpy.celtypes import DoubleType, StringType

    left, right = _same(a, b, (DoubleType, StringType))
    return DoubleType(float(left) + float(right)) if type(left) is DoubleType else StringType(str(left) + str(right))


def _divide(a: Any, b: Any) -> float:
    below = float(b)  # a double of CEL compares with nothing but a double
    if below == 0:
        raise OperatorError("division by zero")
    return float(a) / below


def _logic(a: Any, b: Any, *, decisive: bool) -> Any:
    """`&&` and `||`: a side that decides outweighs an error on the other, not a value that is no boolean."""
    from celpy import CELEvalError
    from celpy.celtypes import BoolType

    for side in (a, b):
        if not isinstance(side, BoolType | CELEvalError):
            return CELEvalError(f"no such overload: {_kind(side)} beside && or ||")
    if any(type(side) is BoolType and bool(side) is decisive for side in (a, b)):
        return BoolType(decisive)
    return next((side for side in (a, b) if isinstance(side, CELEvalError)), BoolType(not decisive))


def _choose(condition: Any, yes: Any, no: Any) -> Any:
    from celpy import CELEvalError
    from celpy.celtypes import BoolType

    if isinstance(condition, CELEvalError):
        return condition
    return (yes if condition else no) if type(condition) is BoolType else CELEvalError("?: asks for true or false")


def _item(container: Any, index: Any) -> Any:
    from celpy.celtypes import DoubleType, ListType, MapType, StringType

    if type(container) is MapType:
        if _one(index, StringType) not in container:
            raise OperatorError(f"no such key: {str(index)[:60]!a}")
        return container[index]
    place = float(_one(index, DoubleType))
    if not place.is_integer() or not 0 <= place < len(_one(container, ListType)):
        raise OperatorError(f"no item {place:g}")
    return container[int(place)]


def _size(value: Any) -> Any:
    from celpy.celtypes import DoubleType, ListType, MapType, StringType

    if type(value) not in (StringType, ListType, MapType):
        raise OperatorError(f"no such overload: size of {_kind(value)}")
    return DoubleType(len(value))


def _to_number(value: Any) -> Any:
    from celpy.celtypes import DoubleType, StringType

    if type(value) is DoubleType:
        return value
    text = str(_one(value, StringType))
    try:
        found = float(text)
    except ValueError:
        raise OperatorError(f"{text[:60]!a} is no number") from None
    if not math.isfinite(found):
        raise OperatorError("a number is not finite")
    return DoubleType(found)


def _to_text(value: Any) -> Any:
    from celpy.celtypes import BoolType, DoubleType, StringType

    if type(value) is BoolType:
        return StringType("true" if value else "false")
    if type(value) is DoubleType:
        plain = float(value)
        whole = plain.is_integer() and abs(plain) < _INTEGERS
        return StringType(str(int(plain)) if whole else repr(plain))
    return _one(value, StringType)


def _to_bool(value: Any) -> Any:
    from celpy.celtypes import BoolType, StringType

    if type(value) is BoolType:
        return value
    if str(_one(value, StringType)) not in ("true", "false"):
        raise OperatorError(f"{str(value)[:60]!a} is neither true nor false")
    return BoolType(str(value) == "true")
