"""Signatures and examples: the same answer for the same data, whichever library holds it."""
# ruff: noqa: N803, N806 - X is scikit-learn's own name for its rows

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from modelreg.errors import InvalidError
from modelreg.integrations import examples
from modelreg.integrations.tabular import infer_signature
from tests.support import run

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")

COLUMNS: dict[str, list[Any]] = {
    "whole": [1, 2, 3],
    "number": [0.5, math.nan, 1.5],
    "text": ["a", None, "ü,\n"],
    "yes": [True, False, True],
    "day": [date(2026, 11, 24), date(2026, 11, 25), None],
    "at": [datetime(2026, 11, 24, 12, 30), datetime(2026, 11, 25), datetime(2026, 11, 26)],
}
TYPES = [
    ("whole", "int64", False),
    ("number", "float64", True),
    ("text", "string", True),
    ("yes", "bool", False),
    ("day", "datetime", True),
    ("at", "datetime", False),
]
CSV = (
    "whole,number,text,yes,day,at\n"
    "1,0.5,a,True,2026-11-24,2026-11-24T12:30:00\n"
    '2,,,False,2026-11-25,2026-11-25T00:00:00\n3,1.5,"ü,\n",True,,2026-11-26T00:00:00\n'
)


def records() -> list[dict[str, Any]]:
    return [dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)]


def inputs(X: Any) -> list[dict[str, Any]]:
    return list(infer_signature(X, [0])["inputs"])


HOLDERS: dict[str, Callable[[], Any]] = {
    "pandas": lambda: pd.DataFrame(COLUMNS),
    "polars": lambda: pl.DataFrame(COLUMNS),
    "columns": lambda: COLUMNS,
    "records": records,
    "polars-series": lambda: {name: pl.Series(values) for name, values in COLUMNS.items()},
    "pandas-series": lambda: {name: pd.Series(values) for name, values in COLUMNS.items()},
    "arrays": lambda: {name: np.asarray(values, dtype=None if name == "whole" else object) for name, values in COLUMNS.items()},
}  # fmt: skip


@pytest.mark.parametrize("holder", HOLDERS)
def test_one_table_however_it_is_held(holder: str) -> None:
    X = HOLDERS[holder]()
    expected = [{"name": n, "type": t, "shape": [-1], "nullable": missing} for n, t, missing in TYPES]
    assert inputs(X) == expected
    assert examples.write(X) == ("csv", CSV.encode())
    assert examples.write(X, rows=1)[1].decode().count("\n") == 2


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (pl.Series("s", [1, 2], dtype=pl.UInt8), ("s", "uint8", [-1], False)),
        (pl.Series([1.0, None]), ("input", "float64", [-1], True)),
        (pl.Series("s", [[1.0, 2.0]], dtype=pl.Array(pl.Float32, 2)), ("s", "float32", [-1, 2], False)),
        (pl.Series("s", [[1], [1, 2]]), ("s", "int64", [-1, -1], False)),
        (pl.Series("s", ["a", "b"], dtype=pl.Categorical), ("s", "string", [-1], False)),
        (pl.Series("s", ["a"], dtype=pl.Enum(["a"])), ("s", "string", [-1], False)),
        (pl.Series("s", [{"a": 1}]), ("s", "any", [-1], False)),
        (pl.Series("s", [None]), ("s", "any", [-1], True)),
        (pl.Series("s", [b"x"]), ("s", "binary", [-1], False)),
        (pl.Series("s", [datetime(2026, 1, 1)]) - datetime(2025, 1, 1), ("s", "timedelta", [-1], False)),
        (pd.Series([1, None], dtype="Int16", name="s"), ("s", "int16", [-1], True)),
        (pd.Series(["a"], dtype="category", name=7), ("7", "string", [-1], False)),
        (pd.Series([1, 2], dtype="int64[pyarrow]"), ("input", "int64", [-1], False)),
        (pd.Series([1.0], dtype="double[pyarrow]"), ("input", "float64", [-1], False)),
        (pd.Series([0.0, 1.0], dtype="Sparse[float32]"), ("input", "float32", [-1], False)),
        (pd.Series([pd.Timedelta(1)]), ("input", "timedelta", [-1], False)),
        (np.zeros((2, 3, 4), "float16"), ("input", "float16", [-1, 3, 4], False)),
        (np.array([["a", "b"]]), ("input", "string", [-1, 2], False)),
        ([1, "a"], ("input", "any", [-1], False)),
        ([1, None], ("input", "int64", [-1], True)),
        ((1.5, 2), ("input", "float64", [-1], False)),
        ([[True], [False]], ("input", "bool", [-1, 1], False)),
        ([date(2026, 1, 1), datetime(2026, 1, 1)], ("input", "datetime", [-1], False)),
        ({"image": np.zeros((2, 8, 8, 3), "uint8")}, ("image", "uint8", [-1, 8, 8, 3], False)),
        ({"words": [["a", "b"], ["c", "d"]]}, ("words", "string", [-1, 2], False)),
        (np.array([(1,)], dtype=[("a", "int32")]), ("a", "int32", [-1], False)),
    ],
    ids=repr,
)  # fmt: skip
def test_types_and_shapes(data: Any, found: tuple[str, str, list[int], bool]) -> None:
    name, kind, shape, nullable = found
    assert inputs(data) == [{"name": name, "type": kind, "shape": shape, "nullable": nullable}]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (5, "no table or array"),
        ("text", "no table or array"),
        (None, "no table or array"),
        ([[1], [1, 2]], "different lengths"),
        ({"a": [1], "b": [1, 2]}, "different lengths"),
        ({"a": 1}, "no table or array"),
        ({1: [1], "1": [1]}, "there twice"),
        (pl.LazyFrame({"a": [1]}), "lazy frame"),
        ({"": [1]}, "1 to 500 characters"),
        ({"x" * 501: [1]}, "1 to 500 characters"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_is_no_table_is_refused(data: Any, message: str) -> None:
    with pytest.raises(InvalidError, match=message):
        infer_signature(data, [0])


def test_parameters_of_a_prediction() -> None:
    given = {"threshold": 0.5, "k": 3, "label": "churn", "raw": False, "seed": None, "classes": ["a", "b"], "odd": [1, "a"], "more": {"a": np.int64(1)}, "size": np.float32(0.5)}  # fmt: skip
    assert infer_signature([1], [1], given)["parameters"] == [
        {"name": "threshold", "type": "float64", "default": 0.5},
        {"name": "k", "type": "int64", "default": 3},
        {"name": "label", "type": "string", "default": "churn"},
        {"name": "raw", "type": "bool", "default": False},
        {"name": "seed", "type": "any", "default": None},
        {"name": "classes", "type": "string", "default": ["a", "b"], "shape": [-1]},
        {"name": "odd", "type": "any", "default": [1, "a"], "shape": [-1]},
        {"name": "more", "type": "any", "default": {"a": 1}},
        {"name": "size", "type": "float64", "default": 0.5},
    ]
    bad: list[dict[Any, Any]] = [{"a": math.nan}, {"a": math.inf}, {"a": object()}, {"a": [math.nan]}, {"": 1}, {1: 1}]
    for params in bad:
        with pytest.raises(InvalidError, match=r"parameter|default"):
            infer_signature([1], [1], params)


def test_polars_is_read_without_pandas_and_columns_without_either() -> None:
    code = (
        "import sys, {imports}\n"
        "from modelreg.integrations import examples, tabular\n"
        "X = {data}\n"
        "tabular.infer_signature(X, [1]); examples.write(X)\n"
        "print(*sorted({{'pandas', 'polars'}} & set(sys.modules)))"
    )
    frame = run(sys.executable, "-c", code.format(imports="polars", data="polars.DataFrame({'a': [1, None]})"))
    assert frame.stdout.split() == ["polars"]
    plain = run(sys.executable, "-c", code.format(imports="numpy", data="{'a': [1, None], 'b': ['x', 'y']}"))
    assert plain.stdout.split() == []


def test_tensors_are_a_request_of_the_open_inference_protocol(tmp_path: Path) -> None:
    X = {
        "image": np.arange(24, dtype="float32").reshape(2, 3, 4) / 10,
        "words": np.array([["a", "ü"], [None, "c"]], dtype=object),
        "n": np.array([1, 2], dtype="uint8"),
    }
    kind, content = examples.write(X, rows=1)
    assert (kind, examples.write(X, rows=1)) == ("json", (kind, content))
    body = json.loads(content)
    assert [(e["name"], e["shape"], e["datatype"]) for e in body["inputs"]] == [
        ("image", [1, 3, 4], "FP32"), ("words", [1, 2], "BYTES"), ("n", [1], "UINT8"),
    ]  # fmt: skip
    assert body["inputs"][0]["data"][:3] == [0.0, 0.1, 0.2]
    path = tmp_path / "example.json"
    path.write_bytes(examples.write(X)[1])
    back = examples.read(path, "json")
    for name, array in X.items():
        assert back[name].dtype == array.dtype
        assert back[name].tolist() == array.tolist()


def test_tensors_keep_to_a_size_and_to_json() -> None:
    wide = np.zeros((5, examples.NUMBERS // 2, 1), "float32")
    assert json.loads(examples.write(wide)[1])["inputs"][0]["shape"][0] == 2
    huge = np.zeros((5, examples.NUMBERS + 1, 1), "float32")
    assert json.loads(examples.write(huge)[1])["inputs"][0]["shape"][0] == 1
    holes = np.array([[[math.nan]]])
    assert json.loads(examples.write(holes)[1])["inputs"][0]["data"] == [None]
    for odd in (np.array([[[math.inf]]]), np.array([[[object()]]]), np.array([[[1j]]])):
        with pytest.raises(InvalidError, match=r"infinity|neither numbers nor text"):
            examples.write(odd)


@given(
    arrays.arrays(
        st.sampled_from(["float16", "float32", "float64", "int8", "uint64", "bool"]),
        st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3)),
        elements={"allow_nan": True, "allow_infinity": False},
    )
)
def test_tensors_come_back_bit_for_bit(tmp_path_factory: pytest.TempPathFactory, array: Any) -> None:
    path = tmp_path_factory.mktemp("example") / "example.json"
    path.write_bytes(examples.write(array)[1])
    back = examples.read(path, "json")["input"]
    assert back.dtype == array.dtype
    assert np.array_equal(back, array, equal_nan=array.dtype.kind == "f")


def test_a_table_comes_back_as_its_signature_types_it(tmp_path: Path) -> None:
    path = tmp_path / "example.csv"
    path.write_text(CSV)
    back = examples.read(path, "csv", inputs(COLUMNS))
    assert back["whole"].dtype == np.int64
    assert back["yes"].tolist() == [True, False, True]
    assert back["text"].tolist() == ["a", None, "ü,\n"]
    assert back["at"].tolist() == COLUMNS["at"]
    assert np.isnat(back["day"][2])
    assert np.isnan(back["number"][1])
    assert examples.read(path, "csv")["whole"].dtype == np.int64
    assert examples.read(path, "csv")["text"].tolist() == ["a", None, "ü,\n"]
    path.write_bytes(examples.write(np.array([[1, 2], [3, 4]], "float32"))[1])
    matrix = examples.read(path, "csv", inputs(np.zeros((1, 2), "float32")))["input"]
    assert (matrix.dtype, matrix.tolist()) == (np.float32, [[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        ("", "csv", "must have a header"),
        ("a\n", "csv", "must have a header"),
        ("a,a\n1,2\n", "csv", "must have a header"),
        ("a,b\n1\n", "csv", "another number of fields"),
        ("a\nx\n", "csv", "does not hold int64"),
        ("b\n1\n", "csv", "has no column 'a'"),
        ('a\n"x', "csv", "not CSV"),
        ("\udcff\n1\n", "csv", "not CSV"),
        ("[]", "json", "must be a JSON object"),
        ("{}", "json", "it has no inputs"),
        ('{"inputs": 5}', "json", "no example of tensors"),
        ('{"inputs": [{"name": "a"}]}', "json", "no example of tensors"),
        ('{"inputs": [{"name": "a", "shape": [3], "datatype": "FP32", "data": [1]}]}', "json", "no example of tensors"),
        ('{"inputs": [], "inputs": []}', "json", "there twice"),
        ('{"inputs": NaN}', "json", "no number of JSON"),
        ("[" * 100_000, "json", "too deep|cannot be read|can be read"),
        ("x", "yaml", "csv or json"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)  # fmt: skip
def test_what_is_no_example_is_refused(tmp_path: Path, content: str, kind: str, message: str) -> None:
    path = tmp_path / f"example.{kind}"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(InvalidError, match=message):
        examples.read(path, kind, [{"name": "a", "type": "int64"}])
