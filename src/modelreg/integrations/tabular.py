"""Signatures of what goes into and comes out of a model: frames, series, arrays, lists, columns, tensors by name.

Names of types are NumPy's, as MLflow's signatures use them for tensors; text is "string", times are "datetime", what
has several types or none is "any". Nothing is imported for the sake of data that is not there: polars frames are read
without pandas, plain columns without either.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from modelreg.errors import InvalidError

_NAMES = {"str": "string", "string": "string", "large_string": "string", "boolean": "bool", "double": "float64"}
_NAMES |= {"utf8": "string", "enum": "string", "float": "float32", "object": "any", "null": "any", "struct": "any"}
_PYTHON = {"str": "string", "bool": "bool", "int": "int64", "float": "float64", "bytes": "binary"}
_PYTHON |= {"datetime": "datetime", "date": "datetime", "Timestamp": "datetime", "timedelta": "timedelta"}


def infer_signature(X: Any, y_pred: Any, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The manifest's `signature` for inputs, predictions and inference parameters (their defaults by name).

    A frame, a mapping or a list of records gives an entry per column; an array gives one entry with its shape, the
    first dimension (the rows) as -1. `nullable` says whether values are missing in the data shown. Raises InvalidError
    for what is no table or array, and for a default that no manifest can hold.
    """
    parameters = [_parameter(name, default) for name, default in (params or {}).items()]
    return {"inputs": _entries(X, "input"), "outputs": _entries(y_pred, "prediction"), "parameters": parameters}


def columns_of(data: Any) -> dict[str, Any] | None:
    """The columns of what has names for them (frames, mappings, records), each a series or an array; else None.

    Raises InvalidError for a name that is there twice, and for columns of different lengths.
    """
    if hasattr(data, "collect") and hasattr(data, "collect_schema"):
        raise InvalidError("a lazy frame holds no rows yet", hint="give frame.collect()")
    if _is_records(data):
        names = list(dict.fromkeys(name for row in data for name in row))
        data = {name: [row.get(name) for row in data] for name in names}
    if isinstance(data, Mapping):
        pairs = [(str(name), _column(values)) for name, values in data.items()]
    elif _is_polars(data, "DataFrame"):
        pairs = [(series.name, series) for series in data.get_columns()]
    elif hasattr(data, "columns") and hasattr(data, "iloc"):
        pairs = [(str(name), data.iloc[:, n]) for n, name in enumerate(data.columns)]
    elif (fields := getattr(getattr(data, "dtype", None), "names", None)) is not None:
        pairs = [(name, data[name]) for name in fields]
    else:
        return None
    all_names = [name for name, _ in pairs]
    twice = sorted({name for name in all_names if all_names.count(name) > 1})
    if twice:
        raise InvalidError(f"the column {twice[0][:80]!a} is there twice; a signature needs names", field="signature")
    if len({len(values) for _, values in pairs}) > 1:
        raise InvalidError("the columns are of different lengths", field="signature")
    return dict(pairs)


def array_of(data: Any) -> Any:
    """A NumPy array of an array, a list or a series; numbers and text together stay what they are. Raises InvalidError
    for a single value, and for rows of different lengths."""
    import numpy as np

    if hasattr(data, "to_numpy"):
        return data.to_numpy()
    try:
        array = np.asarray(data)
        if array.dtype.kind in "US" and not hasattr(data, "dtype"):
            array = np.asarray(data, dtype=object)  # NumPy writes 1 as "1" where there is text beside it
    except ValueError as error:
        raise InvalidError("the rows are of different lengths", hint="give a rectangular array") from error
    if array.ndim == 0:
        raise InvalidError(f"a {type(data).__name__} is no table or array", hint="give rows, not a single value")
    return array


def name_of(series: Any, fallback: str) -> str:
    """The name of a series, or the fallback (polars calls a series without a name "")."""
    name = getattr(series, "name", None)
    return fallback if name is None or name == "" else str(name)


def is_missing(value: Any) -> bool:
    """None, NaN, NaT and pandas' NA: the ones that are not equal to themselves, or will not say."""
    if value is None:
        return True
    try:
        return not bool(value == value)  # noqa: PLR0124 - that is how NaN and NaT are known
    except (TypeError, ValueError):
        return True


def _entries(data: Any, fallback: str) -> list[dict[str, Any]]:
    if hasattr(data, "toarray"):  # a sparse matrix has type and shape like an array; its zeros are not missing
        shape = [-1, *(int(n) for n in data.shape[1:])]
        return [{"name": fallback, "type": str(data.dtype.name), "shape": shape, "nullable": False}]
    columns = columns_of(data)
    if columns is not None:
        return [_entry(name, values) for name, values in columns.items()]
    return [_entry(name_of(data, fallback), data if _is_series(data) else array_of(data))]


def _entry(name: str, values: Any) -> dict[str, Any]:
    if not 0 < len(name) <= 500:
        raise InvalidError("a name must have 1 to 500 characters", field="signature")
    if _is_polars(values, "Series"):
        kind, inner = _polars_type(values.dtype)
        nullable = values.null_count() > 0 or (kind.startswith("float") and not inner and bool(values.is_nan().any()))
        return {"name": name, "type": kind, "shape": [-1, *inner], "nullable": nullable}
    array = values.to_numpy() if hasattr(values, "to_numpy") else values
    shape = [-1, *(int(n) for n in array.shape[1:])]
    return {"name": name, "type": _type(array, values.dtype), "shape": shape, "nullable": _has_missing(array)}


def _type(values: Any, dtype: Any) -> str:
    """NumPy's name of a type; pandas' own types by what they hold."""
    name = str(getattr(dtype, "name", dtype)).lower().removesuffix("[pyarrow]")
    if name == "category":
        return _type(dtype.categories.to_numpy(), dtype.categories.dtype)
    if name.startswith("sparse["):
        return _type(values, dtype.subtype)
    if name.startswith(("datetime", "period", "timestamp", "date32", "date64")):
        return "datetime"
    if name.startswith(("timedelta", "duration")):
        return "timedelta"
    if name == "object":
        found = {type(value).__name__ for value in values.ravel().tolist() if not is_missing(value)}
        return _PYTHON.get(found.pop(), "any") if len({_PYTHON.get(kind, kind) for kind in found}) == 1 else "any"
    if getattr(dtype, "kind", "") in {"U", "S", "T"}:
        return "string"
    return _NAMES.get(name, name)


def _polars_type(dtype: Any) -> tuple[str, list[int]]:
    """The type, and the lengths of what one value holds: an array's own, -1 for a list."""
    inner = getattr(dtype, "inner", None)
    if inner is not None:
        kind, lengths = _polars_type(inner)
        size = getattr(dtype, "size", None)
        return kind, [size if isinstance(size, int) else -1, *lengths]
    name = str(dtype.base_type().__name__).lower()
    if name.startswith(("date", "time")):
        return "datetime" if name != "time" else "any", []
    return {"categorical": "string", "duration": "timedelta", "decimal": "any"}.get(name, _NAMES.get(name, name)), []


def _parameter(name: Any, default: Any) -> dict[str, Any]:
    if not isinstance(name, str) or not 0 < len(name) <= 500:
        raise InvalidError("a parameter's name must be text of 1 to 500 characters", field="signature.parameters")
    plain = _plain(name, default)
    entry: dict[str, Any] = {"name": name}
    if isinstance(plain, list):
        found = {type(item).__name__ for item in plain}
        kind = _PYTHON.get(found.pop(), "any") if len(found) == 1 else "any"
        return entry | {"type": kind, "default": plain, "shape": [-1]}
    return entry | {"type": _PYTHON.get(type(plain).__name__, "any"), "default": plain}


def _plain(name: str, value: Any) -> Any:
    """A default as YAML holds it. Raises InvalidError for anything else."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, list | tuple):
        return [_plain(name, item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(name, item) for key, item in value.items()}
    raise InvalidError(
        f"the default of {name[:80]!a} is no plain value",
        field="signature.parameters",
        hint="a finite number, text, true or false, None, a list or a mapping of them",
    )


def _column(values: Any) -> Any:
    return values if _is_series(values) else array_of(values)


def _is_records(data: Any) -> bool:
    return (
        isinstance(data, Sequence)
        and not isinstance(data, str | bytes)
        and len(data) > 0
        and all(isinstance(row, Mapping) for row in data)
    )


def _is_series(data: Any) -> bool:
    return _is_polars(data, "Series") or (hasattr(data, "iloc") and hasattr(data, "to_numpy") and hasattr(data, "name"))


def _is_polars(data: Any, kind: str) -> bool:
    """By name, so that polars is not imported to ask."""
    return any(t.__name__ == kind and t.__module__.startswith("polars.") for t in type(data).__mro__)


def _has_missing(values: Any) -> bool:
    import numpy as np

    if values.dtype.kind in "iubUS":
        return False
    if values.dtype.kind == "f":
        return bool(np.isnan(values).any())
    return any(is_missing(value) for value in values.ravel().tolist())
