"""The pass that knows where everything stands: values and marks from libyaml's events, and what is wrong in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

from modelreg.adapters.yaml_text import MAX_DEPTH, MAX_KEY, events, plain
from modelreg.domain.document import Document, Mark, Path, dotted
from modelreg.errors import InvalidError


class _Refused(Exception):  # noqa: N818 - never leaves this module
    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def marked(text: str, file: str) -> Document:
    """The one YAML document in a text that `yaml_text.decode` gave. Raises InvalidError as `yaml_reader.read`."""
    builder = _Builder(file)
    for event in events(text, file):
        builder.take(event)
    return builder.document()


def _mark(event: Any) -> Mark:
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1)


@dataclass(slots=True)
class _Frame:
    """An open mapping or list, and where it belongs."""

    path: Path
    value: dict[str, Any] | list[Any]
    key: str | None = None


@dataclass(slots=True)
class _Builder:
    file: str
    stack: list[_Frame] = field(default_factory=list)
    marks: dict[Path, Mark] = field(default_factory=dict)
    root: Any = None
    documents: int = 0

    def document(self) -> Document:
        if not self.documents or self.root is None:
            raise InvalidError("the document is empty", file=self.file, line=1)
        return Document(self.file, self.root, self.marks)

    def take(self, event: Any) -> None:
        try:
            self._dispatch(event)
        except _Refused as refused:
            path = self._here() if self.stack else ()
            raise InvalidError(
                refused.message,
                hint=refused.hint,
                file=self.file,
                line=_mark(event).line,
                field=dotted(path) or None,
            ) from None

    def _dispatch(self, event: Any) -> None:
        if isinstance(event, yaml.NodeEvent):
            _refuse_indirection(event)
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.MappingStartEvent):
            self._open({}, event)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._open([], event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.stack.pop()
        elif isinstance(event, yaml.DocumentStartEvent):
            self._start(event)

    def _start(self, event: Any) -> None:
        if event.version or event.tags:
            raise _Refused("directives (%YAML, %TAG) are not allowed", "remove the line")
        self.documents += 1
        if self.documents > 1:
            raise _Refused("the file holds more than one document", "remove `---` and what follows it")

    def _here(self) -> Path:
        frame = self.stack[-1]
        if isinstance(frame.value, list):
            return (*frame.path, len(frame.value))
        return frame.path if frame.key is None else (*frame.path, frame.key)

    def _open(self, value: dict[str, Any] | list[Any], event: Any) -> None:
        if len(self.stack) >= MAX_DEPTH:
            raise _Refused(f"nested deeper than {MAX_DEPTH} levels")
        if self._expects_key():
            raise _Refused("a key must be text", "use a short text as the key")
        self.stack.append(_Frame(self._place(value, event), value))

    def _expects_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None

    def _scalar(self, event: Any) -> None:
        is_plain = event.style in (None, "")
        value = event.value
        if is_plain:
            if self._expects_key() and value == "<<":
                raise _Refused("merge keys (`<<`) are not allowed", "write the keys out")
            try:
                value = plain(value)
            except ValueError as error:
                raise _Refused(
                    str(error), "write it in double quotes if it is text (a digest, an identifier)"
                ) from None
        if self._expects_key():
            self._key(value, event)
        else:
            self._place(value, event)

    def _key(self, key: Any, event: Any) -> None:
        frame = self.stack[-1]
        if not isinstance(key, str):
            raise _Refused("a key must be text", "write the key in double quotes")
        if len(key) > MAX_KEY:
            raise _Refused(f"a key is longer than {MAX_KEY} characters")
        frame.key = key
        path = (*frame.path, key)
        if path in self.marks:
            first = self.marks[path].line
            raise _Refused("the key stands twice in this mapping", f"remove one; the first is in line {first}")
        self.marks[path] = _mark(event)

    def _place(self, value: Any, event: Any) -> Path:
        """Put `value` where it belongs; its path."""
        if not self.stack:
            self.root = value
            self.marks[()] = _mark(event)
            return ()
        path = self._here()
        frame = self.stack[-1]
        if isinstance(frame.value, list):
            self.marks[path] = _mark(event)
            frame.value.append(value)
        elif frame.key is not None:
            frame.value[frame.key] = value
            frame.key = None
        return path


def _refuse_indirection(event: Any) -> None:
    if isinstance(event, yaml.AliasEvent):
        raise _Refused("aliases (`*name`) are not allowed", "write the value out")
    if event.anchor is not None:
        raise _Refused("anchors (`&name`) are not allowed", "write the value out wherever it is needed")
    if event.tag is not None:
        raise _Refused("tags (`!…`) are not allowed", "remove the tag; put text into double quotes")
