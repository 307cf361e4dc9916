"""Formats of artifacts by the ending of their names, as manifests and policies write them; what files say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a file or folder says of itself.

    `fields` are fields of the manifest (framework, architecture, signature), `details` those of the artifact's entry;
    `format` is set where the content says more than the name. `notes` are for people.
    """

    fields: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    format: str | None = None
    notes: tuple[str, ...] = ()


def label(text: Any, longest: int = 500) -> str | None:
    """A stranger's text where a manifest can hold it: not empty, not too long, no control characters; else None."""
    if not isinstance(text, str) or not 0 < len(text) <= longest:
        return None
    return text if text.isprintable() else None


def labels(pairs: Mapping[str, Any]) -> dict[str, str]:
    """Those pairs of a file's metadata that a manifest can hold, the first fifty by name."""
    kept = {key: text for key, value in sorted(pairs.items()) if label(key, 100) and (text := label(value))}
    return dict(list(kept.items())[:50])
