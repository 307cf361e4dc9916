"""Input examples as artifacts: the first rows of a table as CSV, tensors as JSON. The same data gives the same bytes.

JSON is the request of the Open Inference Protocol (V2, https://github.com/kserve/open-inference-protocol, "Inference
Request JSON Object"): {"inputs": [{name, shape, datatype, data}]}, data flat and in row-major order; a server that
speaks it takes the file as it is. Text rather than `.npz`, so that it can be read and compared by eye.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from modelreg.errors import InvalidError
from modelreg.integrations import json_files
from modelreg.integrations.tabular import array_of, columns_of, is_missing, name_of

ROWS = 5
NUMBERS = 200_000
"""Of tensors fewer rows are kept, but at least one, where there would be more numbers than these: two images."""

EXAMPLE_MAX_BYTES = 64 * 2**20

_DATATYPES = {f"{kind}{bits}": f"{kind}{bits}".upper() for kind in ("int", "uint") for bits in (8, 16, 32, 64)} | {
    "bool": "BOOL",
    "float16": "FP16",
    "float32": "FP32",
    "float64": "FP64",
}
_DTYPES = {name: dtype for dtype, name in _DATATYPES.items()}


def write(X: Any, rows: int = ROWS) -> tuple[str, bytes]:
    """The format ("csv" or "json") and the content. Raises InvalidError for what is no table or array.

    A table has values in its cells, an array at most two dimensions; everything else is tensors.
    """
    if hasattr(X, "toarray"):
        return "csv", input_example(X, rows)
    columns = columns_of(X)
    if columns is None:
        array = X if hasattr(X, "to_numpy") else array_of(X)
        tensors = {name_of(X, "input"): array}
        flat = len(array.shape) <= 2
    else:
        tensors = columns
        flat = all(len(values.shape) == 1 for values in columns.values())
    return ("csv", input_example(X, rows)) if flat else ("json", _tensors(tensors, rows))


def input_example(X: Any, rows: int = ROWS) -> bytes:
    """The first rows as CSV (RFC 4180 with LF), with a header; missing values are empty.

    Numbers are written as Python writes them.
    """
    names, columns = _table(X, rows)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    # A lone empty field would be an empty line, which readers skip: csv quotes it.
    writer.writerows([_cell(value) for value in row] for row in zip(*columns, strict=True))
    return out.getvalue().encode()


def read(path: Path, kind: str, inputs: Sequence[Mapping[str, Any]] | None = None) -> dict[str, Any]:
    """An example as NumPy arrays by name, typed as the signature's `inputs` say (None: as the values look).

    Columns of a table become the one input that the signature has, if that has two dimensions. Raises InvalidError
    for what is no example, NotFoundError for no file.
    """
    if kind == "json":
        return _read_tensors(path)
    if kind != "csv":
        raise InvalidError(f"an example is csv or json, not {kind}", file=str(path))
    columns = _read_columns(path)
    if inputs is not None and len(inputs) == 1 and len(inputs[0].get("shape") or ()) == 2:
        import numpy as np

        only = inputs[0]
        arrays = [_typed(name, values, only["type"], path) for name, values in columns.items()]
        return {only["name"]: np.stack(arrays, axis=1)}
    types = {entry["name"]: entry["type"] for entry in inputs or ()}
    missing = [name for name in types if name not in columns]
    if missing:
        raise InvalidError(f"has no column {missing[0][:80]!a}", file=str(path), hint="the signature names it")
    return {name: _typed(name, values, types.get(name), path) for name, values in columns.items()}


def _table(X: Any, rows: int) -> tuple[list[str], list[list[Any]]]:
    """Names and columns of the first rows."""
    columns = None if hasattr(X, "toarray") else columns_of(X)
    if columns is not None:
        return list(columns), [_first(values, rows) for values in columns.values()]
    if hasattr(X, "name") and hasattr(X, "to_numpy"):
        return [name_of(X, "input")], [_first(X, rows)]
    array = X[:rows].toarray() if hasattr(X, "toarray") else array_of(X)[:rows]
    if array.ndim == 1:
        return ["input"], [array.tolist()]
    flat = array.reshape(array.shape[0], -1)
    return [f"x{n}" for n in range(flat.shape[1])], [column.tolist() for column in flat.T]


def _first(values: Any, rows: int) -> list[Any]:
    head = values.head(rows) if hasattr(values, "head") else values[:rows]
    return list(head.to_list() if hasattr(head, "to_list") else head.tolist())


def _cell(value: Any) -> str:
    if is_missing(value):
        return ""
    if isinstance(value, float) and not math.isfinite(value):
        return "inf" if value > 0 else "-inf"
    return value.isoformat() if isinstance(value, date) else str(value)


def _tensors(tensors: Mapping[str, Any], rows: int) -> bytes:
    arrays = {name: array_of(values) for name, values in tensors.items()}
    each = sum(math.prod(array.shape[1:]) for array in arrays.values())
    rows = max(1, min(rows, NUMBERS // max(each, 1)))
    inputs = []
    for name, array in arrays.items():
        part = array[:rows]
        entry = {"name": name, "shape": list(part.shape), "datatype": _DATATYPES.get(part.dtype.name, "BYTES")}
        inputs.append(entry | {"data": _numbers(name, part)})
    return (json.dumps({"inputs": inputs}, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n").encode()


def _numbers(name: str, part: Any) -> list[Any]:
    values = part.ravel()
    if part.dtype.kind == "f":
        # As NumPy writes them: 0.1 of 32 bits is 0.1, which reads back as the same 32 bits.
        plain = (
            [float(str(v)) for v in values.tolist()] if part.dtype.itemsize == 8 else [float(str(v)) for v in values]
        )
        if any(math.isinf(value) for value in plain):
            raise InvalidError(f"the tensor {name[:80]!a} holds infinity, which JSON has not", field="input_example")
        return [None if math.isnan(value) else value for value in plain]
    if part.dtype.name in _DATATYPES:
        return list(values.tolist())
    if part.dtype.kind not in "USTO" or not all(value is None or isinstance(value, str) for value in values.tolist()):
        raise InvalidError(f"the tensor {name[:80]!a} holds neither numbers nor text", field="input_example")
    return list(values.tolist())


def _read_tensors(path: Path) -> dict[str, Any]:
    import numpy as np

    found = json_files.read(path, EXAMPLE_MAX_BYTES).get("inputs")
    arrays: dict[str, Any] = {}
    try:
        for entry in found or ():
            dtype = _DTYPES.get(entry["datatype"], "object")
            data = (
                [math.nan if value is None else value for value in entry["data"]] if "float" in dtype else entry["data"]
            )
            arrays[entry["name"]] = np.asarray(data, dtype=dtype).reshape(entry["shape"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InvalidError("is no example of tensors", file=str(path)) from error
    if not arrays:
        raise InvalidError("is no example of tensors: it has no inputs", file=str(path))
    return arrays


def _read_columns(path: Path) -> dict[str, list[str]]:
    with path.open("rb") as file:
        data = file.read(EXAMPLE_MAX_BYTES + 1)
    if len(data) > EXAMPLE_MAX_BYTES:
        raise InvalidError(f"has more than {EXAMPLE_MAX_BYTES} bytes", file=str(path))
    try:
        rows = list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidError("is not CSV in UTF-8", file=str(path)) from error
    if len(rows) < 2 or len(set(rows[0])) != len(rows[0]):
        raise InvalidError("must have a header of different names, and rows", file=str(path))
    odd = next((number for number, row in enumerate(rows, 1) if len(row) != len(rows[0])), None)
    if odd is not None:
        raise InvalidError(f"has another number of fields than its header, {len(rows[0])}", file=str(path), line=odd)
    return {name: [row[n] for row in rows[1:]] for n, name in enumerate(rows[0])}


def _typed(name: str, values: Sequence[str], kind: str | None, path: Path) -> Any:
    """A column of text as the type that a signature names; "" is missing: NaN for numbers, None for text."""
    import numpy as np

    if kind is None:
        for guess in ("int64", "float64"):
            try:
                return _typed(name, values, guess, path)
            except InvalidError:
                continue
        return _typed(name, values, "string", path)
    try:
        if kind == "bool":
            return np.asarray([{"True": True, "False": False, "": None}[value] for value in values])
        if kind == "datetime":
            return np.asarray([np.datetime64(value or "NaT") for value in values], dtype="datetime64[us]")
        if kind.startswith(("int", "uint", "long")):
            if "" in values:  # NumPy's whole numbers have no missing value
                return np.asarray([float(value or "nan") for value in values])
            return np.asarray([int(value) for value in values], dtype=kind)
        if kind.startswith(("float", "double")):
            return np.asarray([float(value or "nan") for value in values], dtype=kind)
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise InvalidError(f"the column {name[:80]!a} does not hold {kind}", file=str(path)) from error
    return np.asarray([value or None for value in values], dtype=object)
