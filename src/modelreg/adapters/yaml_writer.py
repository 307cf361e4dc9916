"""Writing canonical YAML: the same value gives the same bytes, and every reader the same value.

Text is written without quotes only where YAML 1.1 (PyYAML), YAML 1.2 (ruamel.yaml, DVC) and modelreg's own
reader all take it for text. Short collections are written in flow style, others in block style.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from modelreg.adapters import yaml_reader, yaml_text
from modelreg.domain.document import Path, dotted
from modelreg.errors import InvalidError

FLOW_WIDTH = 96
_SHORT = 100
MAX_KEY = yaml_text.MAX_KEY  # libyaml takes a key on one line of at most 1024 characters, escapes included

_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))
# Truth values in the letter of YAML 1.1, but in no reader that these files meet: `n: 2000` needs no quotes.
_BARE_KEYS = frozenset("yn")
_DIGEST = re.compile(r"(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64})(?:\.dir)?")
_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{1,2}.*")
_NUMBERISH = re.compile(r"[-+.0-9][-+.0-9_:eExXoObBa-fA-F]*")
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+){2,3}")
# What must be written as an escape: odd blanks, invisible and bidirectional controls, what YAML forbids.
_ESCAPED = re.compile("[\x7f-\xa0\xad\u2000-\u200f\u2028-\u202f\u205f-\u206f\ufeff\ufff0-\uffff]")
_PLAIN = re.compile(r"(?:[\w/($]|\./)[^:#\x00-\x1f]*")  # no `:` and `#` at all, no indicator in front
_FLOW_INDICATOR = re.compile(r"[,\[\]{}?]")  # PyYAML's own parser stumbles over `[a?]`, libyaml does not


def write(value: Mapping[str, object], *, schema: str | None = None, comment: str | None = None) -> tuple[bytes, Any]:
    """`value` as UTF-8 with LF, keys in their order, and the equal value that is read from it.

    Raises InvalidError, with the field, for what a document cannot hold: numbers that are not finite or have
    more than 20 digits, keys that are not text, other types, and what the reader's limits refuse.
    """
    lines = [f"# yaml-language-server: $schema={schema}"] if schema else []
    lines += [f"# {_harmless(line)}".rstrip() for line in (comment or "").splitlines()]
    lines += block_lines(value)
    try:
        data = ("\n".join(lines) + "\n").encode()
    except UnicodeEncodeError:
        raise InvalidError("a text holds half a character (a lone surrogate)") from None
    return data, yaml_reader.read(data, "(new document)").value  # it can be read again, whatever the limits are


def block_lines(value: Any, path: Path = ()) -> list[str]:
    """A mapping or list in block style, one line each, without indentation of its own."""
    if len(path) >= yaml_text.MAX_DEPTH:
        raise _invalid(path, f"nested deeper than {yaml_text.MAX_DEPTH} levels")
    if not value:
        return ["{}" if isinstance(value, Mapping) else "[]"]
    lines: list[str] = []
    if isinstance(value, Mapping):
        for key, item in value.items():
            if type(item) is str and "\n" not in item:  # nearly all lines of a manifest are packages
                lines.append(f"{_key(key, path)}: {string(item)}")
            else:
                lines += _entry(_key(key, path), item, (*path, key))
    else:
        for index, item in enumerate(value):
            lines += _item(item, (*path, index))
    return lines


def flow(value: Any, path: Path = ()) -> str:
    """`value` on one line: `{name: plan, shape: [-1]}`."""
    if len(path) > yaml_text.MAX_DEPTH:
        raise _invalid(path, f"nested deeper than {yaml_text.MAX_DEPTH} levels")
    if isinstance(value, Mapping):
        pairs = (f"{_key(key, path)}: {flow(item, (*path, key))}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if _is_list(value):
        return "[" + ", ".join(flow(item, (*path, index)) for index, item in enumerate(value)) + "]"
    return _scalar(value, path, in_flow=True)


def _entry(key: str, value: Any, path: Path) -> list[str]:
    """The lines of `key: value`."""
    if isinstance(value, str) and "\n" in value and _is_literal(value):
        return [f"{key}: {_literal_header(value)}", *indented(_literal_lines(value))]
    if not _is_collection(value):
        return [f"{key}: {_scalar(value, path)}"]
    if short := _short_flow(value, path):
        return [f"{key}: {short}"]
    return [f"{key}:", *indented(block_lines(value, path))]


def _item(value: Any, path: Path) -> list[str]:
    """The lines of `- value`."""
    if isinstance(value, str) and "\n" in value and _is_literal(value):
        return [f"- {_literal_header(value)}", *indented(_literal_lines(value))]
    if not _is_collection(value):
        return [f"- {_scalar(value, path)}"]
    if short := _short_flow(value, path):
        return [f"- {short}"]
    first, *others = indented(block_lines(value, path))
    return ["- " + first[2:], *others]


def _short_flow(value: Any, path: Path) -> str | None:
    """Flow style, where it is short and flat enough to be read at a glance: else None."""
    if 3 * len(value) > FLOW_WIDTH:  # `1, ` is the least that an item takes: packages by the hundred are not tried
        return None
    if isinstance(value, Mapping) and any(_is_deep(item) for item in value.values()):
        return None
    text = flow(value, path)
    return text if len(text) <= FLOW_WIDTH else None


def _is_deep(value: Any) -> bool:
    """Whether a mapping that holds `value` is better read line by line; a list of scalars does no harm."""
    if isinstance(value, str):
        return "\n" in value
    if isinstance(value, Mapping):
        return bool(value)
    return _is_list(value) and any(_is_collection(item) and item for item in value)


def indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" if line else line for line in lines]


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _is_collection(value: Any) -> bool:
    return isinstance(value, Mapping) or _is_list(value)


def _is_literal(text: str) -> bool:
    """Whether a literal block gives back exactly this text, whoever reads it."""
    if text[0].isspace() or yaml_text.UNPRINTABLE.search(text) or _ESCAPED.search(text):
        return False
    return all(line == line.rstrip() for line in text.split("\n"))


def _literal_header(text: str) -> str:
    return "|+" if text.endswith("\n\n") else "|" if text.endswith("\n") else "|-"


def _literal_lines(text: str) -> list[str]:
    lines = text.split("\n")
    return lines[:-1] if text.endswith("\n") else lines


def _key(key: object, path: Path) -> str:
    if not isinstance(key, str):
        raise _invalid(path, "a key must be text")
    text = key if key in _BARE_KEYS else string(key, in_flow=True)
    if len(text) > MAX_KEY:
        raise _invalid(path, f"a key is longer than {MAX_KEY} characters")
    return text


def _scalar(value: Any, path: Path, *, in_flow: bool = False) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if abs(value) >= 10**yaml_text.MAX_DIGITS:
            raise _invalid(path, f"the number has more than {yaml_text.MAX_DIGITS} digits")
        return int.__repr__(value)
    if isinstance(value, float):
        return _float(value, path)
    if isinstance(value, str):
        return string(value, in_flow=in_flow)
    raise _invalid(path, f"a document cannot hold a value of type {type(value).__name__}")


def _float(value: float, path: Path) -> str:
    """With a point and a signed exponent, since PyYAML reads `1e-05` as text."""
    if not math.isfinite(value):
        raise _invalid(path, "must be a finite number", "leave it out: NaN and infinity are no values here")
    text = float.__repr__(value)
    mantissa, e, exponent = text.partition("e")
    return text if "." in mantissa else f"{mantissa}.0{e}{exponent}"


def string(text: str, *, in_flow: bool = False) -> str:
    """Text without quotes where every reader takes it for that very text; else in double quotes."""
    return (_short_string if len(text) <= _SHORT else _string)(str.__str__(text), in_flow)


def _string(text: str, in_flow: bool) -> str:
    if _is_plain(text) and not (in_flow and _FLOW_INDICATOR.search(text)):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match.group()):04x}", quoted)


_short_string = lru_cache(maxsize=8192)(_string)
"""Keys and packages are the same in nearly every document."""


def _is_plain(text: str) -> bool:
    if not _PLAIN.fullmatch(text) or _ESCAPED.search(text) or text != text.strip():
        return False
    if text.lower() in _WORDS or _DIGEST.fullmatch(text) or _TIMESTAMP.fullmatch(text):
        return False
    return not _NUMBERISH.fullmatch(text) or bool(_VERSION.fullmatch(text))


def _harmless(text: str) -> str:
    return yaml_text.UNPRINTABLE.sub("?", _ESCAPED.sub("?", text))


def _invalid(path: Path, message: str, hint: str | None = None) -> InvalidError:
    return InvalidError(message, field=dotted(path) or None, hint=hint)
