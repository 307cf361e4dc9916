"""Real files of models for tests: ONNX and safetensors, small."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np


def onnx_model(weights: Any = None, **options: Any) -> Any:
    """y = x @ W with x of any number of rows; `options` as `onnx.helper.make_model` takes them."""
    from onnx import TensorProto, helper, numpy_helper

    W = np.ones((3, 2), np.float32) if weights is None else weights  # noqa: N806
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "W"], ["y"])],
        "linear",
        [value("x", TensorProto.FLOAT, ["rows", W.shape[0]])],
        [value("y", TensorProto.FLOAT, [None, W.shape[1]])],
        [numpy_helper.from_array(W, "W")],
    )
    named = {"producer_name": "pytorch", "producer_version": "2.9.0"} | options
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9, **named)


def save_onnx(path: Path, model: Any = None, *, external: str | None = None) -> Path:
    """Write a model; with `external` its weights go into that file beside it."""
    import onnx

    path.parent.mkdir(parents=True, exist_ok=True)
    more = {} if external is None else {"save_as_external_data": True, "location": external, "size_threshold": 0}
    onnx.save(onnx_model() if model is None else model, str(path), **more)
    return path


def save_tensors(path: Path, metadata: Mapping[str, str] | None = None, **tensors: Any) -> Path:
    from safetensors.numpy import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors or {"w": np.ones((2, 3), np.float32), "b": np.zeros(2, np.float16)}, path, metadata=metadata)
    return path


def raw_safetensors(path: Path, header: str | bytes, data: bytes = b"", length: int | None = None) -> Path:
    """A file with this header, whatever it says, and its length as claimed."""
    text = header.encode() if isinstance(header, str) else header
    path.write_bytes((len(text) if length is None else length).to_bytes(8, "little") + text + data)
    return path


def sharded(folder: Path, shards: Mapping[str, Sequence[str]] | None = None, **files: Any) -> Path:
    """A folder with two shards and their index, as Transformers writes them; `files` are JSON beside them."""
    for number, names in enumerate((("a", "b"), ("c",)), 1):
        tensors = {name: np.full((2, 2), number, np.float32) for name in names}
        save_tensors(folder / f"model-0000{number}-of-00002.safetensors", {"format": "pt"}, **tensors)
    first, second = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
    weight_map = {"a": first, "b": first, "c": second} if shards is None else shards
    index = {"metadata": {"total_size": 48}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    for name, body in files.items():
        (folder / f"{name}.json").write_text(json.dumps(body))
    return folder
