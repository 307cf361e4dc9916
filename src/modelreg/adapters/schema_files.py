"""The JSON Schemas as files: their names and texts, without the library that reads them."""

from __future__ import annotations

from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path as FilePath

_SUFFIX = ".v1.json"


def schema_names() -> list[str]:
    """The kinds of documents that have a schema."""
    return _names(_folder())


def output_names() -> list[str]:
    """The commands whose `--json` output has a schema."""
    return _names(_folder() / "output")


def schema_text(kind: str, *, output: bool = False) -> str:
    """The schema itself, as shipped. Raises KeyError for a kind that has none."""
    folder = _folder() / "output" if output else _folder()
    if kind not in _names(folder):
        raise KeyError(kind)
    return (folder / f"{kind}{_SUFFIX}").read_text(encoding="utf-8")


@cache
def _folder() -> Traversable:
    """Inside the package in a wheel; the repository's own `schemas/` in an editable install."""
    packaged = resources.files("modelreg") / "schemas"
    return packaged if packaged.is_dir() else FilePath(__file__).parents[3] / "schemas"


def _names(folder: Traversable) -> list[str]:
    return sorted(entry.name.removesuffix(_SUFFIX) for entry in folder.iterdir() if entry.name.endswith(_SUFFIX))
