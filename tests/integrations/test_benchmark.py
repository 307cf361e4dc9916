"""Measuring real models in fresh processes."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelreg.domain.benchmark import Measurement
from modelreg.errors import DeniedError, InvalidError, ModelregError, UnavailableError
from modelreg.integrations import benchmark, examples
from modelreg.integrations.tabular import infer_signature
from tests.integrations.material import onnx_model, save_onnx, save_tensors

pytest.importorskip("onnxruntime")

QUICK = Measurement((1,), 5)


def example(folder: Path, X: Any) -> tuple[Path, str]:  # noqa: N803 - rows
    kind, content = examples.write(X)
    path = folder / f"example.{kind}"
    path.write_bytes(content)
    return path, kind


def test_an_onnx_model_is_measured_batch_by_batch(tmp_path: Path) -> None:
    model = save_onnx(tmp_path / "m.onnx")
    rows = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
    inputs = infer_signature(rows, rows)["inputs"]
    found = benchmark.measure((model, "onnx"), example(tmp_path, rows), inputs, Measurement((1, 50), 20))
    assert [(entry["name"], entry["batch_size"], entry["n"]) for entry in found] == [
        ("predict", 1, 20), ("predict_batch_50", 50, 20),
    ]  # fmt: skip
    for entry in found:
        assert 0 < entry["latency_p50_ms"] <= entry["latency_p99_ms"] < 1000
        assert 2**20 < entry["peak_memory_bytes"] < 2**33
        assert "CPUs" in entry["hardware"]


def test_peak_memory_is_the_fresh_process_s_own(tmp_path: Path) -> None:
    """A process that forks starts its child's ru_maxrss: 600 MB that this one holds are not the model's."""
    ballast = np.ones(600 * 2**20 // 8)
    model = save_onnx(tmp_path / "m.onnx")
    (entry,) = benchmark.measure((model, "onnx"), example(tmp_path, np.ones((1, 3), np.float32)), None, QUICK)
    assert ballast.nbytes > 500 * 2**20 > entry["peak_memory_bytes"]


def test_a_model_that_takes_columns_or_one_batch_size_only(tmp_path: Path) -> None:
    helper, kind = __import__("onnx").helper, __import__("onnx").TensorProto
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Concat", ["a", "b"], ["y"], axis=1)],
        "columns",
        [value("a", kind.FLOAT, [None, 1]), value("b", kind.FLOAT, [None, 1])],
        [value("y", kind.FLOAT, [None, 2])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path = save_onnx(tmp_path / "columns.onnx", model)
    columns = example(tmp_path, {"a": [1.0, 2.0], "b": [3, 4]})
    assert benchmark.measure((path, "onnx"), columns, None, QUICK)[0]["n"] == 5
    with pytest.raises(InvalidError, match="the example has no input 'b'"):
        benchmark.measure((path, "onnx"), example(tmp_path, {"a": [1.0], "c": [1.0]}), None, QUICK)
    fixed = onnx_model()
    fixed.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    path = save_onnx(tmp_path / "fixed.onnx", fixed)
    rows = example(tmp_path, np.ones((2, 3), np.float32))
    assert benchmark.measure((path, "onnx"), rows, [{"name": "x", "type": "float32", "shape": [1, 3]}], QUICK)
    with pytest.raises(InvalidError, match="takes batches of 1, not of 2"):
        benchmark.measure(
            (path, "onnx"), rows, [{"name": "x", "type": "float32", "shape": [1, 3]}], Measurement((2,), 5)
        )


def test_tensors_and_what_does_not_fit(tmp_path: Path) -> None:
    path = save_onnx(tmp_path / "m.onnx")
    tensors = example(tmp_path, {"x": np.ones((2, 3), np.float32), "unused": np.ones((2, 2, 2))})
    assert tensors[1] == "json"
    assert benchmark.measure((path, "onnx"), tensors, None, QUICK)[0]["batch_size"] == 1
    with pytest.raises(InvalidError, match="does not predict on the example"):
        benchmark.measure((path, "onnx"), example(tmp_path, {"x": np.ones((2, 4, 1))}), None, QUICK)


@pytest.mark.filterwarnings("ignore::FutureWarning:sklearn", "ignore::DeprecationWarning:skops")
@pytest.mark.parametrize("kind", ["skops", "joblib"])
def test_estimators_are_measured_where_they_may_be_loaded(tmp_path: Path, kind: Any) -> None:
    pd = pytest.importorskip("pandas")
    from sklearn.linear_model import LogisticRegression

    from modelreg.integrations import sklearn

    frame = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1, 0, 1, 0]})
    path = tmp_path / "model"
    sklearn.save(LogisticRegression().fit(frame, [0, 0, 1, 1]), path, format=kind)
    rows, inputs = example(tmp_path, frame), infer_signature(frame, [0])["inputs"]
    assert benchmark.measure((path, kind), rows, inputs, QUICK, own=True)[0]["n"] == 5
    if kind == "joblib":
        with pytest.raises(DeniedError, match="loading it can run any code"):
            benchmark.measure((path, kind), rows, inputs, QUICK)


class Marker:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("loaded"),))


@pytest.mark.parametrize("kind", ["pickle", "joblib", "pytorch", "safetensors", "folder"])
def test_A26_what_cannot_be_loaded_safely_is_not_measured(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = save_tensors(tmp_path / "model") if kind == "safetensors" else tmp_path / "model"
    if kind != "safetensors":
        path.write_bytes(pickle.dumps(Marker()))
    with pytest.raises(DeniedError):
        benchmark.measure((path, kind), example(tmp_path, [[1.0]]), None, QUICK)
    assert not (tmp_path / "loaded").exists()


def test_a_module_in_the_working_folder_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hostile clone that is worked in must not get its code run by a measuring process."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "numpy.py").write_text("import pathlib; pathlib.Path('imported').touch()")
    monkeypatch.setattr("sys.path", [entry for entry in __import__("sys").path if entry])
    model = save_onnx(tmp_path / "m.onnx")
    benchmark.measure((model, "onnx"), example(tmp_path, np.ones((1, 3), np.float32)), None, QUICK)
    assert not (tmp_path / "imported").exists()


def test_a_process_that_dies_or_takes_too_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, rows = save_onnx(tmp_path / "m.onnx"), example(tmp_path, np.ones((1, 3), np.float32))
    monkeypatch.setattr(benchmark, "_CHILD", "raise RuntimeError('\\x1b[31m')")
    with pytest.raises(UnavailableError, match=r"ended with code 1: RuntimeError: \\x1b") as error:
        benchmark.measure((model, "onnx"), rows, None, QUICK)
    assert isinstance(error.value, ModelregError)
    monkeypatch.setattr(benchmark, "_CHILD", "import time; time.sleep(60)")
    monkeypatch.setattr(benchmark, "TIMEOUT_S", 0.2)
    with pytest.raises(UnavailableError, match=r"longer than 0\.2 s"):
        benchmark.measure((model, "onnx"), rows, None, QUICK)
