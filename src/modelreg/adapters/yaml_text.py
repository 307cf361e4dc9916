"""What every pass over a YAML text shares: its limits, its characters, libyaml's events, and what a plain scalar means.

Scalars are those of YAML 1.2's core schema, decimal numbers only: `no`, `1_000`, `0x10`, `1:30` and dates are text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from modelreg.errors import InvalidError

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_EVENTS = 50_000
MAX_KEY = 512
MAX_DIGITS = 20  # of an integer: an unsigned 64-bit number has 20, the shortest digest 32

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
"""Plain scalars that are no text."""
NUMBER_BEGINS = frozenset("0123456789+-.")
"""A plain scalar that begins otherwise is a word of those above, or text."""
_SPECIAL = re.compile(r"([-+]?)\.(inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_NUMBER = re.compile(r"[-+]?(?:([0-9]+)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
# What YAML 1.2 does not call printable (production 1), and the BOM. Said as what it is not, it takes 6 ms to compile.
UNPRINTABLE = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x84\\x86-\\x9f\\ud800-\\udfff\\ufeff\\ufffe\\uffff]")


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
    event: Any
    for count, event in enumerate(yaml.parse(text, Loader=Loader)):
        if count >= MAX_EVENTS:
            line = event.start_mark.line + 1
            raise InvalidError(f"the file has more than {MAX_EVENTS} YAML events", file=file, line=line)


def plain(text: str) -> Any:
    """The value of a plain (unquoted) scalar. Raises ValueError where readers disagree on a number."""
    if text in WORDS:
        return WORDS[text]
    if text[0] not in NUMBER_BEGINS:
        return text
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
