"""Formats of artifacts by the ending of their names, as manifests and policies write them."""

from __future__ import annotations

FORMATS = {
    ".skops": "skops",
    ".onnx": "onnx",
    ".safetensors": "safetensors",
    ".pkl": "pickle",
    ".pickle": "pickle",
    ".joblib": "joblib",
    ".csv": "csv",
    ".json": "json",
    ".parquet": "parquet",
    ".pt": "pytorch",
    ".pth": "pytorch",
    ".h5": "hdf5",
    ".keras": "keras",
    ".gguf": "gguf",
    ".txt": "text",
}
MEDIA_TYPES = {
    "skops": "application/zip",
    "csv": "text/csv",
    "json": "application/json",
    "text": "text/plain",
}


def format_of(name: str, *, folder: bool = False) -> str:
    """`onnx` for model.onnx; `binary`, or `folder`, for an ending that says nothing. The ending is all that counts."""
    dot = name.rfind(".")
    return FORMATS.get(name[dot:].lower() if dot > 0 else "", "folder" if folder else "binary")
