"""What files say of themselves, by their format: one door for command line and SDK. Nothing is loaded or run."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from modelreg.domain.formats import FileFacts, format_of
from modelreg.errors import DeniedError, InvalidError
from modelreg.integrations import hugging_face, onnx, safetensors, skops_file

INERT = (".safetensors", ".onnx", ".json", ".txt", ".md", ".csv", ".model", ".jinja", ".yaml", ".yml", ".spm")
"""Endings of files that no framework runs when it loads a folder; with others it is called a folder."""

LOADABLE = ("onnx", "safetensors")


@dataclass(frozen=True, slots=True)
class Described:
    """Of all artifacts: fields of the manifest, what is said of each (in order), and notes for people."""

    fields: Mapping[str, Any]
    artifacts: tuple[FileFacts, ...]
    notes: tuple[str, ...]


def describe_all(artifacts: Sequence[tuple[Path, str | None]], *, parents: bool = False) -> Described:
    """What paths and formats (None: by their endings) say; the first is the model, a configuration may stand beside.

    `parents` says whether the version names one: an adapter should. What is not there, or cannot be read, is left to
    whoever stores it. Raises InvalidError for a file that is not what its name says.
    """
    together = {path.name: path for path, _ in artifacts if _is_file(path)}
    weights: set[str] = set()
    found = [_guarded(path, kind, set(together), weights) for path, kind in artifacts]
    for index, (path, kind) in enumerate(artifacts):
        if path.name in weights and kind is None and format_of(path.name) == "binary":
            found[index] = replace(found[index], format="onnx")  # raw numbers, part of the model beside it
    if not found:
        return Described({}, (), ())
    fields, notes = dict(found[0].fields), [note for facts in found for note in facts.notes]
    if (artifacts[0][1] or format_of(artifacts[0][0].name)) in ("safetensors", "pytorch"):
        config = hugging_face.describe(together)
        fields = {**config.fields, **fields}
        found[0] = replace(found[0], details={**found[0].details, **config.details})
    base = found[0].details.get("base_model")
    if base and not parents:
        notes.append(
            f"an adapter of {base}, and no parent is named; if that is registered too: --parent MODEL@VERSION:adapter"
        )
    return Described(fields, tuple(found), tuple(notes))


def load(path: Path, kind: str) -> Any:
    """A model of one of the LOADABLE formats from bytes that were checked: an ONNX Runtime session, arrays by name.

    Raises DeniedError for other formats, InvalidError, UnavailableError without the format's extra.
    """
    if kind == "safetensors":
        return safetensors.load(path)
    if kind != "onnx":
        raise DeniedError(f"{path.name} is {kind}, which is not loaded here", hint="load it with its own framework")
    if path.is_dir():
        models = sorted(path.glob("*.onnx"))
        if len(models) != 1:
            raise InvalidError(f"holds {len(models)} ONNX models, not one", file=str(path))
        path = models[0]
    return onnx.load(path)


def _guarded(path: Path, kind: str | None, beside: set[str], weights: set[str]) -> FileFacts:
    try:
        if path.is_symlink():
            return FileFacts()
        if path.is_dir():
            return _folder(path) if kind is None else FileFacts()
        return _file(path, kind or format_of(path.name), beside, weights) if path.is_file() else FileFacts()
    except OSError:
        return FileFacts()


def _file(path: Path, kind: str, beside: set[str], weights: set[str]) -> FileFacts:
    """Of one file; the names of files that hold an ONNX model's weights are added to `weights`."""
    if kind == "safetensors":
        return safetensors.describe(path)
    if kind == "skops":
        return skops_file.describe(path)
    if kind != "onnx":
        return FileFacts()
    if not onnx.installed():
        return FileFacts(notes=(_WITHOUT_ONNX,))
    facts, external = onnx.describe(path, beside)
    weights |= external
    return facts


_WITHOUT_ONNX = "inputs and outputs are not recorded, nor is the model checked: pip install 'modelreg[onnx]'"


def _folder(folder: Path) -> FileFacts:
    """A folder of one kind of weights is of that format, if nothing in it could run; else it is called a folder."""
    files = _listed(folder)
    weights = [name for name in files if name.lower().endswith(".safetensors")]
    models = [name for name in files if name.lower().endswith(".onnx")]
    configs = {name: folder / name for name in (hugging_face.CONFIG, hugging_face.ADAPTER) if name in files}
    facts, data = FileFacts(), set[str]()
    if weights and not models:
        facts = safetensors.describe_folder(folder, files)
    elif len(models) == 1 and "/" not in models[0] and not weights:
        if not onnx.installed():
            return FileFacts(notes=(_WITHOUT_ONNX,))
        facts, data = onnx.describe(folder / models[0])
    if not facts.details:
        return facts
    config = hugging_face.describe(configs)
    odd = [n for n in files if not (n.lower().endswith(INERT) or n in data or n in ("LICENSE", ".gitattributes"))]
    kind = "safetensors" if weights else "onnx"
    notes = (f"called a folder, not {kind}: it holds {odd[0][:80]!a} too",) if odd else ()
    return FileFacts(
        {**config.fields, **facts.fields}, {**facts.details, **config.details}, None if odd else kind, notes
    )


def _listed(folder: Path) -> list[str]:
    """Regular files below a folder, as paths from it; links are left out: storing refuses them."""
    found = []
    for top, _, names in os.walk(folder):
        for name in names:
            path = Path(top) / name
            if _is_file(path):
                found.append(path.relative_to(folder).as_posix())
    return sorted(found)


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
