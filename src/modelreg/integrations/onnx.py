"""ONNX: what a model says of itself, read and checked without running it; loading it with ONNX Runtime.

Format source: https://onnx.ai/onnx/repo-docs/IR.html and ExternalData.html.
"""

from __future__ import annotations

import stat
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from modelreg.domain.formats import FileFacts, label, labels
from modelreg.errors import InvalidError, UnavailableError

PROTOBUF_MAX_BYTES = 2**31 - 1
"""No protobuf message is larger; larger weights are external data."""

_NAMES = {"float": "float32", "double": "float64"}


def installed() -> bool:
    """Whether the extra is there."""
    from importlib.util import find_spec

    return find_spec("onnx") is not None


def describe(path: Path, beside: Collection[str] | None = None) -> tuple[FileFacts, set[str]]:
    """Producer, inputs and outputs, opset, number of weights and labels of a model; the files of its external data.

    `beside` are the files, paths from the model's folder, that are kept with it (None: all that are there): external
    data must be among them. Raises InvalidError for what is no sound ONNX, UnavailableError without the extra.
    """
    model = read(path)
    external = check_external(path, model, beside)
    _check(path)
    fields: dict[str, Any] = {}
    if name := label(model.producer_name, 100):
        version = label(model.producer_version, 100)
        fields["framework"] = {"name": name} | ({"version": version} if version else {})
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]  # with a default: before IR 4 all had
    fields["signature"] = {
        "inputs": [_entry(path, value) for value in inputs],
        "outputs": [_entry(path, value) for value in model.graph.output],
        "parameters": [],
    }
    return FileFacts(fields, _details(model)), external


def read(path: Path) -> Any:
    """The model's message (`onnx.ModelProto`), external data left where it is. Raises as `describe`."""
    onnx = _require("onnx")
    from google.protobuf.message import DecodeError

    if path.stat().st_size > PROTOBUF_MAX_BYTES:
        raise _no(path, "larger than a protobuf message can be")
    try:
        model = onnx.load(str(path), load_external_data=False)
    except (DecodeError, UnicodeDecodeError, ValueError) as error:
        raise _no(path, _first_line(error)) from error
    if not model.ir_version or not model.HasField("graph"):
        raise _no(path, "there is no graph in it")
    return model


def check_external(path: Path, model: Any, beside: Collection[str] | None) -> set[str]:
    """The files of external data, as the model names them. Raises InvalidError for one that is outside the model's
    folder, behind a link, too short, or not kept with the model."""
    found: set[str] = set()
    for tensor in _external(model):
        entries = {entry.key: entry.value for entry in tensor.external_data}
        location = entries.get("location", "")
        parts = PurePosixPath(location).parts
        if not parts or location.startswith("/") or ".." in parts or "\\" in location or ":" in parts[0]:
            raise _no(path, f"its weights are outside its folder, in {location[:80]!a}")
        target = path.parent
        for part in parts:
            target = target / part
            try:
                mode = target.lstat().st_mode
            except (OSError, ValueError):
                mode = 0
            if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
                raise _missing(path, location, "there is no such file")
        if beside is not None and "/".join(parts) not in beside:
            raise _missing(path, location, "it is not registered with it")
        begin, length = _number(path, entries.get("offset")), _number(path, entries.get("length"))
        if not target.is_file() or target.stat().st_size < begin + length:
            raise _missing(path, location, "it is too short")
        found.add(location)
    return found


def load(path: Path) -> Any:
    """An `onnxruntime.InferenceSession` on the CPU. Raises InvalidError, UnavailableError without the extra."""
    runtime = _require("onnxruntime")
    check_external(path, read(path), None)
    options = runtime.SessionOptions()
    options.log_severity_level = 3  # errors are raised; warnings are about the model, not for whoever loads it
    try:
        return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no base of their own
        raise InvalidError(f"ONNX Runtime does not load it: {_first_line(error)}", file=str(path)) from error


def numpy_type(name: str) -> str:
    """NumPy's type for ONNX Runtime's name of one: `tensor(float)`. Raises InvalidError for what NumPy has not."""
    inner = name.removeprefix("tensor(").removesuffix(")")
    if inner == name or inner in ("bfloat16", "undefined") or inner.startswith("float8"):
        raise InvalidError(f"an input of type {name[:80]!a} cannot be made from an example")
    return {"string": "object"}.get(inner, _NAMES.get(inner, inner))


def _check(path: Path) -> None:
    checker = _require("onnx").checker
    try:
        checker.check_model(str(path))
    except (checker.ValidationError, ValueError, RuntimeError) as error:
        raise _no(path, _first_line(error)) from error


def _entry(path: Path, value: Any) -> dict[str, Any]:
    """An input or output as a signature has it; an unknown or symbolic dimension is -1, an unknown shape left out."""
    name = label(value.name)
    if name is None:
        raise _no(path, "an input or output has no name that can be recorded")
    kind, nullable = value.type, False
    if kind.WhichOneof("value") == "optional_type":
        kind, nullable = kind.optional_type.elem_type, True
    entry: dict[str, Any] = {"name": name, "type": _type(kind)}
    if kind.WhichOneof("value") == "tensor_type" and kind.tensor_type.HasField("shape"):
        entry["shape"] = [
            d.dim_value if d.HasField("dim_value") and d.dim_value >= 0 else -1 for d in kind.tensor_type.shape.dim
        ]
    return entry | {"nullable": nullable}


def _type(kind: Any) -> str:
    """NumPy's name for a tensor; sequences and maps as ONNX Runtime writes them: seq(map(int64,float32))."""
    what = kind.WhichOneof("value")
    if what == "tensor_type":
        return _element(kind.tensor_type.elem_type)
    if what == "sequence_type":
        return f"seq({_type(kind.sequence_type.elem_type)})"[:100]
    if what == "map_type":
        return f"map({_element(kind.map_type.key_type)},{_type(kind.map_type.value_type)})"[:100]
    return "any"


def _element(number: int) -> str:
    names = _require("onnx").TensorProto.DataType
    name = names.Name(number).lower() if number in names.values() else "any"
    return _NAMES.get(name, "any" if name == "undefined" else name)


def _details(model: Any) -> dict[str, Any]:
    """Weights are the initializers of the graph; what nodes carry in attributes (trees do) is not counted."""
    kinds: dict[str, int] = {}
    for tensor in model.graph.initializer:
        size = 1
        for dimension in tensor.dims:
            size *= max(dimension, 0)
        kinds[_element(tensor.data_type)] = kinds.get(_element(tensor.data_type), 0) + size
    details: dict[str, Any] = {}
    if kinds:
        details = {"parameters_total": sum(kinds.values()), "tensors": len(model.graph.initializer)}
        details["dtypes"] = dict(sorted(kinds.items()))
    details["opset"] = {
        domain: entry.version
        for entry in model.opset_import
        if entry.version > 0 and (domain := label(entry.domain or "ai.onnx", 100))
    }
    if kept := labels({entry.key: entry.value for entry in model.metadata_props}):
        details["metadata"] = kept
    return details


def _external(message: Any) -> Iterator[Any]:
    """Every tensor that keeps its data elsewhere, wherever in the message: weights, attributes, functions, training."""
    external = _require("onnx").TensorProto.EXTERNAL
    stack = [message]
    while stack:
        current = stack.pop()
        if current.DESCRIPTOR.name == "TensorProto":
            if current.data_location == external or current.external_data:
                yield current
            continue
        for field, value in current.ListFields():
            if field.message_type is not None:
                stack.extend([value] if hasattr(value, "ListFields") else value)


def _number(path: Path, text: str | None) -> int:
    if text is None:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise _no(path, "offset and length of external data must be whole numbers")
    return int(text)


def _require(module: str) -> Any:
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UnavailableError(f"{module} is not installed", hint="pip install 'modelreg[onnx]'") from error


def _first_line(error: BaseException) -> str:
    return ascii((str(error).splitlines() or [type(error).__name__])[0][:200])[1:-1]


def _missing(path: Path, location: str, reason: str) -> InvalidError:
    return InvalidError(
        f"its weights are in {location[:80]!a}, and {reason}",
        file=str(path),
        hint="register the folder that holds both, or name both files",
    )


def _no(path: Path, reason: str) -> InvalidError:
    return InvalidError(
        f"is not sound ONNX: {reason}", file=str(path), hint="onnx.checker.check_model says more; is the file whole?"
    )
