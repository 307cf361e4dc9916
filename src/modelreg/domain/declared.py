"""What a dvc.yaml declares: artifacts, and the files of metrics and parameters (dvc.org/doc/user-guide).

Paths are from the folder of the dvc.yaml. Whatever is not as DVC writes it is left out.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class DeclaredArtifact:
    """An entry of `artifacts:`; `path` is from the top of the repository. `name` is as GTO has it: `dir:name`."""

    name: str
    path: str
    type: str = ""
    description: str = ""
    labels: tuple[str, ...] = ()


def artifacts(body: Any, folder: str) -> dict[str, DeclaredArtifact]:
    """The artifacts of a mapping of names, of the dvc.yaml in `folder` ("" at the top)."""
    found = {}
    for key, entry in body.items() if isinstance(body, Mapping) else ():
        path = _inside(folder, entry.get("path")) if isinstance(entry, Mapping) else None
        if isinstance(key, str) and path is not None:
            name = f"{folder}:{key}" if folder else key
            labels = entry.get("labels")
            found[name] = DeclaredArtifact(
                name,
                path,
                str(entry.get("type") or ""),
                str(entry.get("desc") or entry.get("description") or ""),
                tuple(str(label) for label in labels) if isinstance(labels, list) else (),
            )
    return found


def metrics_files(body: Mapping[str, Any], folder: str) -> tuple[str, ...]:
    """Files of metrics, of the whole file and of its stages, each once, from the top of the repository."""
    return _files(body, "metrics", folder)


def params_files(body: Mapping[str, Any], folder: str) -> tuple[str, ...]:
    """Files of parameters. A stage that names keys alone means params.yaml."""
    return _files(body, "params", folder)


def _files(body: Mapping[str, Any], kind: str, folder: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for name in _names(body.get(kind)):
        found[name] = None
    stages = body.get("stages")
    for stage in stages.values() if isinstance(stages, Mapping) else ():
        entries = stage.get(kind) if isinstance(stage, Mapping) else None
        if kind == "params":
            entries = ["params.yaml" if isinstance(e, str) else e for e in entries] if isinstance(entries, list) else []
        for name in _names(entries):
            found[name] = None
    paths = (_inside(folder, name) for name in found)
    return tuple(dict.fromkeys(path for path in paths if path is not None))


def _names(entries: Any) -> Iterator[str]:
    """`[a.json, {b.json: {cache: false}}]` names a.json and b.json."""
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, str):
            yield entry
        elif isinstance(entry, Mapping):
            yield from (name for name in entry if isinstance(name, str))


def _inside(folder: str, path: Any) -> str | None:
    """A path below the folder's repository; None for what leads out of it, or is none."""
    if not isinstance(path, str) or not path or path.startswith("/") or "\\" in path or "\0" in path:
        return None
    whole = posixpath.normpath(posixpath.join(folder, path))
    return None if whole.startswith("../") or whole in ("..", ".") else whole
