"""The YAML door: one document, plain data, strictly.

Where things stand is asked of few documents. So the first pass (`yaml_values`, and of many documents `yaml_fast` before
it) makes values alone, and gives up where anything is wrong; the second (`yaml_marked`) keeps the marks too, and says
what it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from modelreg.adapters import yaml_fast, yaml_values
from modelreg.adapters.yaml_marked import marked
from modelreg.adapters.yaml_text import decode
from modelreg.domain.document import Document, Mark, Path


def read(data: bytes, file: str) -> Document:
    """The one YAML document in `data`, as plain data with marks.

    Refuses, with InvalidError: more than 1 MiB, what is not UTF-8 without BOM and with LF line ends, nesting
    deeper than 32, more than 50,000 events, anchors, aliases, merge keys, tags, directives, duplicate keys,
    keys that are not text, numbers that readers disagree on, and anything but exactly one document.
    """
    text = decode(data, file)
    value = yaml_fast.values(text)
    try:
        return document(data, file, yaml_values.values(text) if value is None else value)
    except yaml_values.UnsureError:
        return marked(text, file)


def document(data: bytes, file: str, value: Any) -> Document:
    """A sound document, of which the value is known."""
    return Document(file, value, _Marks(data, file))


class _Marks(Mapping[Path, Mark]):
    """The marks of a sound document, made when the first is asked for."""

    def __init__(self, data: bytes, file: str) -> None:
        self._data = data
        self._file = file

    @cached_property
    def _made(self) -> Mapping[Path, Mark]:
        return marked(self._data.decode(), self._file).marks

    def __getitem__(self, path: Path) -> Mark:
        return self._made[path]

    def __iter__(self) -> Iterator[Path]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)
