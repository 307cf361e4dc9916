"""ONNX: what a model says of itself, broken and hostile ones, external data, loading."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelreg.errors import InvalidError, UnavailableError
from modelreg.integrations import onnx as flavour
from tests.integrations.material import onnx_model, save_onnx

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def test_a_model_says_what_it_is(tmp_path: Path) -> None:
    model = onnx_model()
    onnx.helper.set_model_props(model, {"author": "Ann", "odd": "\x1b[31m"})
    found, external = flavour.describe(save_onnx(tmp_path / "m.onnx", model))
    assert found.fields == {
        "framework": {"name": "pytorch", "version": "2.9.0"},
        "signature": {
            "inputs": [{"name": "x", "type": "float32", "shape": [-1, 3], "nullable": False}],
            "outputs": [{"name": "y", "type": "float32", "shape": [-1, 2], "nullable": False}],
            "parameters": [],
        },
    }
    assert found.details == {
        "parameters_total": 6,
        "tensors": 1,
        "dtypes": {"float32": 6},
        "opset": {"ai.onnx": 18},
        "metadata": {"author": "Ann"},
    }
    assert external == set()
    nameless, _ = flavour.describe(save_onnx(tmp_path / "n.onnx", onnx_model(producer_name="", producer_version="")))
    assert "framework" not in nameless.fields


def test_types_are_numpy_s_and_containers_are_spelt_out(tmp_path: Path) -> None:
    helper, kinds = onnx.helper, onnx.TensorProto
    tensor = helper.make_tensor_type_proto
    scores = helper.make_sequence_type_proto(helper.make_map_type_proto(kinds.INT64, tensor(kinds.FLOAT, [])))
    inputs = [
        helper.make_tensor_value_info("a", kinds.STRING, [1, "n"]),
        helper.make_tensor_value_info("b", kinds.INT64, [None]),
        helper.make_value_info("c", helper.make_optional_type_proto(tensor(kinds.DOUBLE, [2]))),
        helper.make_value_info("d", scores),
        helper.make_tensor_value_info("e", kinds.BFLOAT16, []),
    ]
    graph = helper.make_graph([helper.make_node("Identity", ["a"], ["y"])], "g", inputs, [helper.make_tensor_value_info("y", kinds.STRING, [1, "n"])])  # fmt: skip
    path = save_onnx(
        tmp_path / "m.onnx", helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    )
    found, _ = flavour.describe(path)
    assert found.fields["signature"]["inputs"] == [
        {"name": "a", "type": "string", "shape": [1, -1], "nullable": False},
        {"name": "b", "type": "int64", "shape": [-1], "nullable": False},
        {"name": "c", "type": "float64", "shape": [2], "nullable": True},
        {"name": "d", "type": "seq(map(int64,float32))", "nullable": False},
        {"name": "e", "type": "bfloat16", "shape": [], "nullable": False},
    ]
    assert found.details == {"opset": {"ai.onnx": 18}}


def test_weights_that_are_inputs_too_are_no_inputs(tmp_path: Path) -> None:
    """Before IR version 4 every initializer had to be one."""
    model = onnx_model()
    model.graph.input.append(onnx.helper.make_tensor_value_info("W", onnx.TensorProto.FLOAT, [3, 2]))
    found, _ = flavour.describe(save_onnx(tmp_path / "m.onnx", model))
    assert [entry["name"] for entry in found.fields["signature"]["inputs"]] == ["x"]


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def _with_unknown_operator(path: Path) -> None:
    model = onnx_model()
    model.graph.node[0].op_type = "NoSuch"
    onnx.save(model, str(path))


def _with_odd_name(path: Path) -> None:
    model = onnx_model()
    model.graph.input[0].name = model.graph.node[0].input[0] = "x\x1b[31m"
    onnx.save(model, str(path))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"hello, this is no model"),
        lambda path: path.write_bytes(b"\x80\x04N."),
        _cut,
        _with_unknown_operator,
        _with_odd_name,
    ],
)
def test_A26_what_is_no_sound_model_is_refused(tmp_path: Path, spoil: Callable[[Path], Any]) -> None:
    path = save_onnx(tmp_path / "m.onnx")
    spoil(path)
    with pytest.raises(InvalidError, match="is not sound ONNX") as error:
        flavour.describe(path)
    assert str(error.value).isprintable()


def test_external_data_must_be_kept_with_the_model(tmp_path: Path) -> None:
    path = save_onnx(tmp_path / "m" / "m.onnx", external="m.bin")
    found, external = flavour.describe(path)
    assert (external, found.details["parameters_total"]) == ({"m.bin"}, 6)
    assert flavour.describe(path, {"m.onnx", "m.bin"})[1] == {"m.bin"}
    with pytest.raises(InvalidError, match=r"'m.bin', and it is not registered with it"):
        flavour.describe(path, {"m.onnx"})
    data = path.parent / "m.bin"
    data.write_bytes(data.read_bytes()[:-1])
    with pytest.raises(InvalidError, match="it is too short"):
        flavour.describe(path)
    data.unlink()
    with pytest.raises(InvalidError, match="there is no such file"):
        flavour.describe(path)
    data.symlink_to("/etc/hostname")
    with pytest.raises(InvalidError, match="there is no such file"):
        flavour.describe(path)


@pytest.mark.parametrize("where", ["initializer", "attribute", "function", "if", "training"])
@pytest.mark.parametrize("location", ["../secret", "/etc/hostname", "sub/../../secret", "a\\b", "C:x", "", "gone"])
def test_A16_external_data_outside_the_folder_is_refused_wherever_it_hides(
    tmp_path: Path, where: str, location: str
) -> None:
    (tmp_path / "secret").write_bytes(b"x" * 100)
    model = _hiding(where, location)
    path = tmp_path / "m" / "m.onnx"
    path.parent.mkdir()
    path.write_bytes(model.SerializeToString())
    with pytest.raises(InvalidError, match=r"outside its folder|no such file"):
        flavour.describe(path)
    with pytest.raises(InvalidError, match=r"outside its folder|no such file"):
        flavour.load(path)


def _hiding(where: str, location: str) -> Any:
    """A model with a tensor that keeps its data at `location`, in one of the places where tensors can be."""
    helper, kinds = onnx.helper, onnx.TensorProto
    tensor = kinds(name="W", data_type=kinds.FLOAT, dims=[1], data_location=kinds.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    constant = helper.make_node("Constant", [], ["k"], value=tensor)
    model = onnx_model()
    if where == "initializer":
        del model.graph.initializer[:]
        model.graph.initializer.append(tensor)
    elif where == "attribute":
        model.graph.node.append(constant)
    elif where == "function":
        model.functions.append(helper.make_function("own", "f", [], ["k"], [constant], [helper.make_opsetid("", 18)]))
    elif where == "if":
        branch = helper.make_graph([constant], "b", [], [helper.make_tensor_value_info("k", kinds.FLOAT, [1])])
        model.graph.node.append(helper.make_node("If", ["c"], ["z"], then_branch=branch, else_branch=branch))
    else:
        model.training_info.add().algorithm.initializer.append(tensor)
    return model


@pytest.mark.parametrize(("offset", "length"), [("x", "4"), ("-1", "4"), ("0", "9" * 30), ("90", "24"), ("0", "101")])
def test_ranges_of_external_data_are_checked(tmp_path: Path, offset: str, length: str) -> None:
    model = _hiding("initializer", "data")
    model.graph.initializer[0].external_data.add(key="offset", value=offset)
    model.graph.initializer[0].external_data.add(key="length", value=length)
    (tmp_path / "data").write_bytes(b"x" * 100)
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(InvalidError, match=r"whole numbers|too short"):
        flavour.describe(tmp_path / "m.onnx")


def test_a_file_larger_than_protobuf_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.touch()
    os.truncate(path, 2**31)
    with pytest.raises(InvalidError, match="larger than a protobuf message"):
        flavour.describe(path)


def test_loading_gives_a_session(tmp_path: Path) -> None:
    x = np.array([[1, 2, 3]], np.float32)
    for path in (save_onnx(tmp_path / "m.onnx"), save_onnx(tmp_path / "n" / "n.onnx", external="n.bin")):
        (y,) = flavour.load(path).run(None, {"x": x})
        assert y.tolist() == [[6.0, 6.0]]
    model = onnx_model()
    model.graph.node[0].op_type, model.graph.node[0].domain = "Own", "example.org"
    model.opset_import.append(onnx.helper.make_opsetid("example.org", 1))
    with pytest.raises(InvalidError, match="ONNX Runtime does not load it"):
        flavour.load(save_onnx(tmp_path / "o.onnx", model))


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime"])
def test_without_the_extra_loading_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    path = save_onnx(tmp_path / "m.onnx")
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(UnavailableError) as error:
        flavour.load(path)
    assert "modelreg[onnx]" in (error.value.hint or "")
