"""A canonical form for skops files: the same model gives the same bytes, in every dump, refit and process.

skops names objects by their address in memory (`__id__`, and `file` for arrays), stamps entries with the clock, and
writes sets in the order of their hashes. Format source: `skops.io._utils.get_state`, `skops.io._audit.get_tree`.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

SCHEMA = "schema.json"

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The oldest time that a zip entry can have."""

_SEARCH_TREES = ("sklearn.neighbors._kd_tree", "sklearn.neighbors._ball_tree")

_LEAVES = frozenset({"JsonNode", "TypeNode", "SliceNode"})


def canonical(data: bytes) -> bytes:
    """Rewrite a skops file: it loads to an equal object. `canonical(canonical(x)) == canonical(x)`.

    Raises ValueError, KeyError or zipfile.BadZipFile for what is no skops file.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        state = json.loads(archive.read(SCHEMA))
        _sort_sets(state)
        _forget_use(state)
        files = _renumber(state)
        entries = {new: _without_padding(archive.read(old)) for old, new in files.items()}
    # The order of keys is kept: a dictionary's key types are matched to its items by place.
    entries[SCHEMA] = json.dumps(state, separators=(",", ":")).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(entries):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, entries[name])
    return out.getvalue()


def _without_padding(data: bytes) -> bytes:
    """An array of records with zeros between its fields: there is whatever was in memory (NumPy's NEP 1 format)."""
    if not data.startswith(b"\x93NUMPY"):
        return data
    import numpy as np

    records = np.load(io.BytesIO(data), allow_pickle=False)
    if not records.dtype.names:
        return data
    clean = np.zeros(records.shape, records.dtype)
    for name in records.dtype.names:
        clean[name] = records[name]
    out = io.BytesIO()
    np.save(out, clean, allow_pickle=False)
    return out.getvalue()


def _renumber(state: dict[str, Any]) -> dict[str, str]:
    """Ids and file names by first appearance, in place; the new name of every file that is used.

    Plain immutable values are numbered by what they are: whether two of them are one object is the interpreter's
    doing (interning, small integers, constants of a module), and differs between a fit and the next.
    """
    ids: dict[str | int, int] = {}
    files: dict[str, str] = {}
    keys = {id(node): key for node in _nodes(state) if (key := _plain(node)) is not None}
    for node in _nodes(state):
        if isinstance(node.get("__id__"), int):
            node["__id__"] = ids.setdefault(keys.get(id(node), node["__id__"]), len(ids) + 1)
        file = node.get("file")
        if isinstance(file, str):
            suffix = file[file.rindex(".") :] if "." in file else ""
            node["file"] = files.setdefault(file, f"{len(files) + 1:06d}{suffix}")
    return files


def _sort_sets(state: dict[str, Any]) -> None:
    for node in _nodes(state):
        if node.get("__loader__") == "SetNode":
            node["content"].sort(key=lambda item: json.dumps(_without_ids(item), sort_keys=True))


def _forget_use(state: dict[str, Any]) -> None:
    """Search trees count what was asked of them (`n_trims`, `n_leaves`, `n_splits`, `n_calls` of
    `sklearn.neighbors._binary_tree.BinaryTree.__getstate__`): a model that has predicted is the same model."""
    for node in _nodes(state):
        if node.get("__module__") in _SEARCH_TREES and isinstance(node.get("content"), dict):
            items = node["content"].get("content")
            if isinstance(items, list) and len(items) == 13:
                for item in items[7:11]:
                    item["content"] = "0"


def _plain(node: dict[str, Any]) -> str | None:
    """What an immutable value is, as text; None for everything that could be changed or has content of its own."""
    loader, content = node.get("__loader__"), node.get("content")
    if loader == "TupleNode" and isinstance(content, list):
        plain = all(isinstance(item, dict) and _plain(item) is not None for item in content)
    else:
        plain = isinstance(loader, str) and loader in _LEAVES
    return json.dumps(_without_ids(node), sort_keys=True) if plain else None


def _without_ids(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            k: _without_ids(v) for k, v in value.items() if not (k in {"__id__", "file"} and not isinstance(v, dict))
        }
    return [_without_ids(item) for item in value] if isinstance(value, list) else value


def _nodes(state: Any) -> Iterator[dict[str, Any]]:
    """Every mapping of the tree in the order of the document; with a stack, since depth is the file's to choose."""
    stack = [state]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            yield value
            stack.extend(reversed(list(value.values())))
        elif isinstance(value, list):
            stack.extend(reversed(value))
