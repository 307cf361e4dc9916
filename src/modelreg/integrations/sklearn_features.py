"""How a scikit-learn estimator was set up: its random seeds, and how it makes its features, transformer by
transformer: which columns go in, and what is done.

An entry stands for a transformer, named by the steps that lead to it (`prepare/numeric/scale`), not for a column that
comes out: what a one-hot encoder makes depends on the data, and a new category is no new set-up.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterator, Sequence
from typing import Any

MAX_FEATURES = 1000
MAX_COLUMNS = 1000
MAX_TEXT = 2000
_DEPTH = 20
_SHOWN = 200

Columns = Sequence[str] | None


def features(estimator: Any) -> list[dict[str, Any]]:
    """lineage.features of an estimator: `name`, `from` (columns, where they are known by name) and `transformation`:
    class and the parameters that differ from its defaults. Empty where nothing is transformed."""
    names = getattr(estimator, "feature_names_in_", None)
    found: list[dict[str, Any]] = []
    for path, columns, transformer in _transformers(estimator, [], _strings(names), last=True, depth=_DEPTH):
        entry: dict[str, Any] = {"name": "/".join(path)[:500]}
        if columns:
            entry["from"] = [name[:500] for name in columns if name][:MAX_COLUMNS]
        found.append(entry | {"transformation": describe(transformer)})
        if len(found) == MAX_FEATURES:
            break
    return found


def seeds(estimator: Any) -> dict[str, int]:
    """The whole numbers among the estimator's `random_state` parameters, its parts' too, by their names."""
    params = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}
    found = {name: value for name, value in sorted(params.items()) if name.rpartition("__")[2] == "random_state"}
    return {name: int(v) for name, v in found.items() if isinstance(v, numbers.Integral) and not isinstance(v, bool)}


def describe(transformer: Any) -> str:
    """`StandardScaler(with_mean=False)`: plain parameters, functions by name, as far as they are not the defaults."""
    params = transformer.get_params(deep=False) if hasattr(transformer, "get_params") else {}
    defaults = _defaults(type(transformer))
    given = [f"{name}={_shown(value)}" for name, value in sorted(params.items()) if _differs(value, defaults.get(name))]
    return f"{type(transformer).__name__}({', '.join(given)})"[:MAX_TEXT]


def _transformers(
    part: Any, path: list[str], columns: Columns, *, last: bool, depth: int
) -> Iterator[tuple[list[str], Columns, Any]]:
    """Transformers below `part`; `last` where what it ends in predicts and is none itself."""
    if part is None or isinstance(part, str) or not depth:
        return
    if last and hasattr(part, "best_estimator_"):
        yield from _transformers(part.best_estimator_, path, columns, last=True, depth=depth - 1)
    elif isinstance(getattr(part, "steps", None), list):
        for number, (name, step) in enumerate(part.steps):
            final = last and number == len(part.steps) - 1
            yield from _transformers(step, [*path, str(name)], columns, last=final, depth=depth - 1)
            columns = _out(step, columns)
    elif isinstance(getattr(part, "transformers", None), list):
        for name, transformer, chosen in getattr(part, "transformers_", part.transformers):
            known = _chosen(chosen, columns)
            yield from _transformers(transformer, [*path, str(name)], known, last=False, depth=depth - 1)
    elif isinstance(getattr(part, "transformer_list", None), list):
        for name, transformer in part.transformer_list:
            yield from _transformers(transformer, [*path, str(name)], columns, last=False, depth=depth - 1)
    elif not last and not (type(part).__name__ == "FunctionTransformer" and part.func is None):  # passes all through
        yield path, columns, part


def _out(step: Any, columns: Columns) -> Columns:
    """The names of what a fitted step makes; None where it does not say."""
    if step is None or isinstance(step, str):
        return columns
    try:
        return _strings(step.get_feature_names_out(columns))
    except Exception:  # noqa: BLE001 - not fitted, no such method, other names: all mean that nobody knows
        return None


def _chosen(chosen: Any, columns: Columns) -> Columns:
    """The columns that a column transformer gives to one of its parts: names, positions, a slice or a mask."""
    if isinstance(chosen, str):
        return [chosen]
    if isinstance(chosen, slice):
        plain = all(end is None or isinstance(end, int) for end in (chosen.start, chosen.stop))
        return list(columns[chosen]) if columns is not None and plain else None
    try:
        items = list(chosen)
    except TypeError:
        items = [chosen]
    if all(isinstance(item, str) for item in items):
        return items
    if columns is None:
        return None
    if len(items) == len(columns) and all(type(item).__name__.startswith("bool") for item in items):
        return [name for name, taken in zip(columns, items, strict=True) if taken]
    try:
        return [columns[int(item)] for item in items]
    except (TypeError, ValueError, IndexError):
        return None


def _strings(names: Any) -> Columns:
    return None if names is None else [str(name) for name in names]


def _defaults(cls: type) -> dict[str, Any]:
    import inspect

    try:
        return {name: p.default for name, p in inspect.signature(cls).parameters.items()}
    except (TypeError, ValueError):
        return {}


def _differs(value: Any, default: Any) -> bool:
    if value is default or (isinstance(value, float) and isinstance(default, float) and math.isnan(value)):
        return False
    try:
        return bool(type(value) is not type(default) or value != default)
    except ValueError:  # arrays do not compare as a whole
        return True


def _shown(value: Any) -> str:
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)[:_SHOWN]
    if isinstance(value, list | tuple) and all(v is None or isinstance(v, bool | int | float | str) for v in value):
        return repr(value)[:_SHOWN]
    if hasattr(value, "get_params"):
        return describe(value)[:_SHOWN]
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    if name is not None:  # a function or a class; `repr` would say where it lies in memory
        return f"{getattr(value, '__module__', None) or ''}.{name}".removeprefix(".")
    return f"<{type(value).__name__}>"
