"""Signatures and input examples of what goes into and comes out of a model: frames, arrays, lists, columns.

Names of types are NumPy's, as MLflow's signatures use them for tensors; text is "string", times are "datetime".
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from modelreg.errors import InvalidError

_NAMES = {"str": "string", "string": "string", "boolean": "bool"}


def infer_signature(X: Any, y_pred: Any) -> dict[str, Any]:
    """The manifest's `signature` for inputs and predictions. Raises InvalidError for what is no table or array.

    A frame or a mapping of columns gives an entry per column; an array gives one entry with its shape, the first
    dimension (the rows) as -1. `nullable` says whether values are missing in the data shown.
    """
    return {"inputs": _columns(X, "input"), "outputs": _columns(y_pred, "prediction"), "parameters": []}


def input_example(X: Any, rows: int = 5) -> bytes:
    """The first rows as CSV (RFC 4180 with LF), with a header; missing values are empty.

    The same data gives the same bytes: numbers are written as Python writes them.
    """
    names, columns = _table(X, rows)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    # A lone empty field would be an empty line, which readers skip: csv quotes it.
    writer.writerows([_cell(value) for value in row] for row in zip(*columns, strict=True))
    return out.getvalue().encode()


def _columns(data: Any, fallback: str) -> list[dict[str, Any]]:
    import numpy as np

    if hasattr(data, "toarray"):  # a sparse matrix has type and shape like an array; its zeros are not missing
        shape = [-1, *(int(n) for n in data.shape[1:])]
        return [{"name": fallback, "type": str(data.dtype.name), "shape": shape, "nullable": False}]
    frame = _frame(data)
    if frame is not None:
        _unique([str(name) for name in frame.columns])
        return [_entry(str(name), frame.iloc[:, n].to_numpy(), frame.dtypes.iloc[n]) for n, name in enumerate(frame)]
    if _is_series(data):
        name = fallback if data.name is None else str(data.name)
        return [_entry(name, data.to_numpy(), data.dtype)]
    array = np.asarray(data)
    if array.ndim == 0:
        raise InvalidError(f"a {type(data).__name__} is no table or array", hint="give rows, not a single value")
    return [_entry(fallback, array, array.dtype)]


def _entry(name: str, values: Any, dtype: Any) -> dict[str, Any]:
    shape = [-1, *(int(n) for n in values.shape[1:])]
    return {"name": name, "type": _type(values, dtype), "shape": shape, "nullable": _has_missing(values)}


def _type(values: Any, dtype: Any) -> str:
    """NumPy's name of a type; pandas' own types by what they hold."""
    name = str(getattr(dtype, "name", dtype)).lower()
    if name == "category":
        return _type(dtype.categories.to_numpy(), dtype.categories.dtype)
    if name.startswith(("datetime", "period")):
        return "datetime"
    if name == "object":
        found = {type(value).__name__ for value in values.ravel().tolist() if not _missing(value)}
        return {"str": "string", "bool": "bool", "int": "int64", "float": "float64"}.get(
            found.pop() if len(found) == 1 else "", "any"
        )
    if getattr(dtype, "kind", "") in {"U", "S"}:
        return "string"
    return _NAMES.get(name, name)


def _table(X: Any, rows: int) -> tuple[list[str], list[list[Any]]]:
    """Names and columns of the first rows."""
    import numpy as np

    frame = _frame(X)
    if frame is not None:
        head = frame.head(rows)
        return [str(name) for name in head.columns], [head.iloc[:, n].tolist() for n in range(head.shape[1])]
    if _is_series(X):
        return ["input" if X.name is None else str(X.name)], [X.head(rows).tolist()]
    part = X[:rows] if hasattr(X, "shape") or isinstance(X, Sequence) else X
    array = part.toarray() if hasattr(part, "toarray") else np.asarray(part)
    if array.ndim == 0:
        raise InvalidError(f"a {type(X).__name__} is no table or array", hint="give rows, not a single value")
    if array.ndim == 1:
        return ["input"], [array.tolist()]
    flat = array.reshape(array.shape[0], -1)
    return [f"x{n}" for n in range(flat.shape[1])], [column.tolist() for column in flat.T]


def _frame(data: Any) -> Any:
    """A pandas frame of what is one, or is a mapping of columns; None for everything else."""
    if isinstance(data, Mapping):
        import pandas as pd

        return pd.DataFrame({name: list(values) for name, values in data.items()})
    return data if hasattr(data, "columns") and hasattr(data, "iloc") else None


def _is_series(data: Any) -> bool:
    return hasattr(data, "iloc") and hasattr(data, "to_numpy") and hasattr(data, "name")


def _unique(names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidError(f"the column {twice[0][:80]!a} is there twice; a signature needs names", field="signature")


def _has_missing(values: Any) -> bool:
    import numpy as np

    if values.dtype.kind in "iubUS":
        return False
    if values.dtype.kind == "f":
        return bool(np.isnan(values).any())
    return any(_missing(value) for value in values.ravel().tolist())


def _missing(value: Any) -> bool:
    """None, NaN, NaT and pandas' NA: the ones that are not equal to themselves, or will not say."""
    if value is None:
        return True
    try:
        return not bool(value == value)  # noqa: PLR0124 - that is how NaN and NaT are known
    except (TypeError, ValueError):
        return True


def _cell(value: Any) -> str:
    if _missing(value):
        return ""
    if isinstance(value, float) and not math.isfinite(value):
        return "inf" if value > 0 else "-inf"
    return value.isoformat() if isinstance(value, date) else str(value)
