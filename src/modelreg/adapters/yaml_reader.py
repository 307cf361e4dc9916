"""Reading YAML strictly: one pass over libyaml's events builds values and marks, refuses all but plain data.

Scalars are those of YAML 1.2's core schema, decimal numbers only: `no`, `1_000`, `0x10`, `1:30` and dates are
text. Nothing is composed or constructed, so an alias bomb is refused at its first anchor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from modelreg.domain.document import Document, Mark, Path, dotted
from modelreg.errors import InvalidError

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_EVENTS = 50_000
MAX_KEY = 512
MAX_DIGITS = 20  # of an integer: an unsigned 64-bit number has 20, the shortest digest 32

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_SPECIAL = re.compile(r"([-+]?)\.(inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_NUMBER = re.compile(r"[-+]?(?:([0-9]+)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
# What YAML 1.2 does not call printable (production 1), and the BOM. Said as what it is not, it takes 6 ms to compile.
UNPRINTABLE = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x84\\x86-\\x9f\\ud800-\\udfff\\ufeff\\ufffe\\uffff]")


class _Refused(Exception):  # noqa: N818 - never leaves this module
    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def read(data: bytes, file: str) -> Document:
    """The one YAML document in `data`, as plain data with marks.

    Refuses, with InvalidError: more than 1 MiB, what is not UTF-8 without BOM and with LF line ends, nesting
    deeper than 32, more than 50,000 events, anchors, aliases, merge keys, tags, directives, duplicate keys,
    keys that are not text, numbers that readers disagree on, and anything but exactly one document.
    """
    builder = _Builder(file)
    for event in events(decode(data, file), file):
        builder.take(event)
    return builder.document()


def decode(data: bytes, file: str) -> str:
    """`data` as text. Raises InvalidError for its size, a BOM, CR, what is not UTF-8, control characters."""
    if len(data) > MAX_BYTES:
        raise InvalidError(
            f"the file is larger than {MAX_BYTES} bytes",
            file=file,
            hint="documents are small; put data elsewhere",
        )
    if data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        hint = "save it as UTF-8 without a byte order mark"
        raise InvalidError("the file begins with a byte order mark", file=file, line=1, hint=hint)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidError("the file is not UTF-8", file=file, line=line, hint="save it as UTF-8") from None
    if "\r" in text:
        line = text.count("\n", 0, text.index("\r")) + 1
        hint = "convert it with `dos2unix`, and keep git from doing this: `registry/** -text` in .gitattributes"
        raise InvalidError("the file has Windows line ends (CR)", file=file, line=line, hint=hint)
    if bad := UNPRINTABLE.search(text):
        line = text.count("\n", 0, bad.start()) + 1
        message = f"the character U+{ord(bad.group()):04X} must not stand in a YAML file"
        raise InvalidError(message, file=file, line=line, hint='write it as an escape in double quotes: "\\u…"')
    return text


def events(text: str, file: str) -> Iterator[Any]:
    """libyaml's events of `text`, at most 50,000. Raises InvalidError for text that is not YAML."""
    try:
        if len(text) >= MAX_EVENTS // 2:  # `a,` is two events in two characters: shorter texts have fewer
            _refuse_too_many(text, file)
        yield from yaml.parse(text, Loader=Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        parts = (error.context, error.problem)
        message = f"not valid YAML: {', '.join(part for part in parts if part)}"
        hint = _syntax_hint(message) or "mend the file at that line"
        raise InvalidError(message, file=file, line=mark.line + 1 if mark else None, hint=hint) from None
    except yaml.YAMLError as error:
        raise InvalidError(f"not valid YAML: {type(error).__name__}", file=file) from None


def _refuse_too_many(text: str, file: str) -> None:
    """Counts before anything is built, so that a refusal takes 40 ms, not 140."""
    for count, event in enumerate(yaml.parse(text, Loader=Loader)):
        if count >= MAX_EVENTS:
            line = _mark(event).line
            raise InvalidError(f"the file has more than {MAX_EVENTS} YAML events", file=file, line=line)


def plain(text: str) -> Any:
    """The value of a plain (unquoted) scalar. Raises ValueError where readers disagree on a number."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if special := _SPECIAL.fullmatch(text):
        return float(f"{special[1] or ''}inf") if special[2] else float("nan")
    number = _NUMBER.fullmatch(text)
    if not number:
        return text
    whole, fraction, exponent = number.groups()
    if whole and len(whole) > 1 and whole.startswith("0"):
        raise ValueError("the number begins with zeros")
    if len(whole or "") > MAX_DIGITS or len(text) > 2 * MAX_DIGITS:
        raise ValueError("the number has too many digits")
    if whole and fraction is None and exponent is None:
        return int(text)
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError("the number is too large")
    return value


def _syntax_hint(message: str) -> str | None:
    if "cannot start any token" in message:
        return "put text that begins with a special character into double quotes"
    if "mapping values are not allowed" in message:
        return "put text with `: ` in it into double quotes"
    return None


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
