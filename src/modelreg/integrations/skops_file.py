"""What a skops file says of itself: framework and architecture, from its schema.json, without loading anything.

The words are those that `integrations.sklearn.describe` finds on the live estimator, so that a version that was
registered as a file and one that was registered from Python compare. Format source: `skops.io._utils.get_state`.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from modelreg.domain.formats import FileFacts, label
from modelreg.errors import InvalidError
from modelreg.integrations import json_files
from modelreg.integrations.skops_form import SCHEMA

SCHEMA_MAX_BYTES = 256 * 2**20
"""A forest of a thousand trees has 3 MB."""

_DEEP = 20
"""Pipelines in searches in pipelines: nobody nests more."""

_Node = dict[str, Any]


def describe(path: Path) -> FileFacts:
    """Raises InvalidError for what is no skops file, OSError."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(SCHEMA) as file:
            data = file.read(SCHEMA_MAX_BYTES + 1)
    except (zipfile.BadZipFile, KeyError, ValueError, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise InvalidError(
            "is not skops: it is no zip file with a schema.json",
            file=str(path),
            hint="an ending does not make a format; is the file whole?",
        ) from error
    if len(data) > SCHEMA_MAX_BYTES:
        raise InvalidError(f"its {SCHEMA} has more than {SCHEMA_MAX_BYTES} bytes", file=str(path))
    root = json_files.parse(data, str(path))
    if not isinstance(root.get("__class__"), str) or not isinstance(root.get("__module__"), str):
        raise InvalidError(f"is not skops: its {SCHEMA} names no class", file=str(path))
    final = _final(root)
    package = final["__module__"].partition(".")[0]
    fields: dict[str, Any] = {}
    if name := label({"sklearn": "scikit-learn"}.get(package, package), 100):
        version = label(_plain(_attributes(final).get("_sklearn_version"))) if package == "sklearn" else None
        fields["framework"] = {"name": name} | ({"version": version} if version else {})
    if architecture := label(_architecture(root)[:500]):
        fields["architecture"] = architecture
    return FileFacts(fields)


def _final(node: _Node) -> _Node:
    """What predicts: the last step of a pipeline, what a search settled on."""
    for _ in range(_DEEP):
        attributes = _attributes(node)
        steps: list[Any] = [part for part in _parts(attributes.get("steps")) if isinstance(part, dict)]
        following: Any = attributes.get("best_estimator_") or next(reversed(steps), None)
        if not _is_class(following):
            break
        node = following
    return node


def _architecture(node: _Node, depth: int = 0) -> str:
    name = _public_name(node)
    attributes = _attributes(node)
    if depth >= _DEEP:
        return name
    if "steps" in attributes:
        parts = list(_parts(attributes["steps"]))
    elif "transformers" in attributes:
        parts = list(_parts(attributes["transformers"]))
    else:
        parts = [attributes["estimator"]] if "best_estimator_" in attributes and "estimator" in attributes else []
    inner = [part if isinstance(part, str) else _architecture(part, depth + 1).rpartition(".")[2] for part in parts]
    return f"{name}({', '.join(inner)})" if inner else name


def _public_name(node: _Node) -> str:
    module = node["__module__"]
    if module.startswith("sklearn."):
        module = module.partition("._")[0]
    return f"{module}.{node['__class__']}"


def _parts(node: Any) -> Iterator[_Node | str]:
    """The second of each of a list of tuples: estimators, and words such as passthrough."""
    for entry in _items(node):
        values = _items(entry)
        if len(values) > 1 and _is_class(values[1]):
            word = _plain(values[1]) if values[1].get("__loader__") == "JsonNode" else None
            if isinstance(word, str):
                yield word
            elif values[1].get("__loader__") != "JsonNode":
                yield values[1]


def _items(node: Any) -> list[Any]:
    content = node.get("content") if isinstance(node, dict) else None
    return content if isinstance(content, list) else []


def _attributes(node: _Node) -> _Node:
    """An object's attributes by name."""
    content = node.get("content")
    inner = content.get("content") if isinstance(content, dict) else None
    return inner if isinstance(inner, dict) else {}


def _plain(node: Any) -> Any:
    """The text that a JsonNode holds; None for all else."""
    content = node.get("content") if isinstance(node, dict) else None
    return content[1:-1] if isinstance(content, str) and content.startswith('"') and content.endswith('"') else None


def _is_class(node: Any) -> bool:
    return isinstance(node, dict) and isinstance(node.get("__class__"), str) and isinstance(node.get("__module__"), str)
