"""A folder of MLflow's is of its model's format only where loading it can do no more than that (threat A26)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from modelreg.domain.foreign.mlmodel_format import folder_format

SKLEARN: dict[str, Any] = {
    "flavors": {
        "python_function": {
            "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
            "loader_module": "mlflow.sklearn",
            "model_path": "model.skops",
            "predict_fn": "predict",
            "python_version": "3.11.7",
        },
        "sklearn": {
            "code": None,
            "pickled_model": "model.skops",
            "serialization_format": "skops",
            "sklearn_version": "1.9.1",
            "skops_trusted_types": ["sklearn.tree._tree.Tree"],
        },
    },
    "mlflow_version": "3.17.2",
}
ONNX: dict[str, Any] = {
    "flavors": {
        "python_function": {"loader_module": "mlflow.onnx", "data": "model.onnx", "python_version": "3.11.7"},
        "onnx": {"code": None, "data": "model.onnx", "onnx_version": "1.17", "providers": ["CPUExecutionProvider"]},
    }
}
BESIDE = ["MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt", "input_example.json", "registered_model_meta"]


def test_what_mlflow_writes() -> None:
    assert folder_format(SKLEARN, [*BESIDE, "model.skops"]) == "skops"
    assert folder_format(ONNX, [*BESIDE, "model.onnx"]) == "onnx"
    without = copy.deepcopy(SKLEARN)
    del without["flavors"]["python_function"], without["flavors"]["sklearn"]["skops_trusted_types"]
    assert folder_format(without, ["MLmodel", "model.skops"]) == "skops"


@pytest.mark.parametrize(
    "files",
    [
        ["model.pkl"],
        ["model.skops", "model.pkl"],
        ["model.skops", "code/helper.py"],
        ["model.skops", "other.skops"],
        ["deep/model.skops"],
        ["model.skops", "a_link"],
        ["other.skops"],
        ["MODEL.SKOPS"],
        ["model.onnx"],
        [],
    ],
)
def test_other_files(files: list[str]) -> None:
    assert folder_format(SKLEARN, [*BESIDE, *files]) == "mlflow"


def test_a_model_in_a_folder_of_its_own() -> None:
    """It is looked for at the top of the folder."""
    body = copy.deepcopy(SKLEARN)
    body["flavors"]["python_function"]["model_path"] = body["flavors"]["sklearn"]["pickled_model"] = "deep/model.skops"
    assert folder_format(body, [*BESIDE, "deep/model.skops"]) == "mlflow"


@pytest.mark.parametrize(
    ("flavor", "key", "value"),
    [
        ("python_function", "loader_module", "evil"),
        ("python_function", "loader_module", "mlflow.pyfunc.model"),
        ("python_function", "loader_module", None),
        ("python_function", "code", "code"),
        ("python_function", "model_code_path", "model.py"),
        ("python_function", "model_path", "../elsewhere/model.pkl"),
        ("python_function", "data", "model.pkl"),
        ("sklearn", "serialization_format", "cloudpickle"),
        ("sklearn", "serialization_format", None),
        ("sklearn", "pickled_model", "requirements.txt"),
        ("sklearn", "code", "code"),
        ("sklearn", "skops_trusted_types", ["os.system"]),
        ("sklearn", "skops_trusted_types", "sklearn.tree._tree.Tree"),
        ("sklearn", "skops_trusted_types", [["sklearn.tree._tree.Tree"]]),
        ("sklearn", "new_in_some_version", True),
    ],
)
def test_A26_an_mlmodel_file_that_could_run_something(flavor: str, key: str, value: Any) -> None:
    body = copy.deepcopy(SKLEARN)
    body["flavors"][flavor][key] = value
    assert folder_format(body, [*BESIDE, "model.skops"]) == "mlflow"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("onnx_session_options", {"extra_session_config": {"a": "b"}}),
        ("providers", [["TensorrtExecutionProvider", {"trt_extra_plugin_lib_paths": "evil.so"}]]),
        ("data", "other.onnx"),
    ],
)
def test_A26_a_session_that_could_load_a_library(key: str, value: Any) -> None:
    body = copy.deepcopy(ONNX)
    body["flavors"]["onnx"][key] = value
    assert folder_format(body, [*BESIDE, "model.onnx"]) == "mlflow"


@pytest.mark.parametrize(
    "flavors",
    [
        None,
        [],
        {},
        {"sklearn": None},
        {"python_function": SKLEARN["flavors"]["python_function"]},
        {"sklearn": SKLEARN["flavors"]["sklearn"], "pytorch": {}},
        {"sklearn": SKLEARN["flavors"]["sklearn"], "python_function": "mlflow.sklearn"},
    ],
)
def test_flavors_of_another_form(flavors: Any) -> None:
    assert folder_format({"flavors": flavors}, ["MLmodel", "model.skops"]) == "mlflow"
    assert folder_format({}, ["MLmodel", "model.skops"]) == "mlflow"
