"""py-yaml12, where it is installed (the extra `fast`), for texts of which it is known to make what libyaml makes.

It takes anchors, tags and duplicate keys in silence, and reads some numbers otherwise. So it is given only what has the
form in which modelreg writes documents: a grammar of lines, in which nothing of the kind can be said, every number is
one that all readers agree on, and every mapping's keys can be counted. What has another form is libyaml's to read.
MODELREG_FAST=0 leaves all to it.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable
from functools import cache
from typing import Any

from modelreg.adapters.yaml_text import MAX_DEPTH

VARIABLE = "MODELREG_FAST"
WORTH = 50
"""So many documents are read sooner without: to compile the grammar takes as long as it then saves."""
_asked = itertools.count()
_MAX_LENGTH = 24_000
"""Longer texts may have too many events (`yaml_text.MAX_EVENTS`)."""

_QUOTED = r'"[^"\\\n]*+"'
_KEY = rf"(?:[a-zA-Z_][a-zA-Z0-9_.-]{{0,99}}+|{_QUOTED})"
_NUMBER = r"-?(?:0|[1-9][0-9]{0,16}+)(?:\.[0-9]{1,17}+(?:e[+-][0-9]{2})?+)?+"
_DOTTED = r"[0-9]++\.[0-9]++\.[0-9]++[a-z0-9.-]*+"  # a version: no number has two points
_WORD = r"[a-zA-Z_/][a-zA-Z0-9_./@+-]*+"
_TEXT = rf"{_WORD}(?: [a-zA-Z0-9_./@+(][a-zA-Z0-9_./@+()%=-]*+)*+"  # words, of which none begins like anything else
_END = r"(?![^\n,\]}])"  # a scalar ends with its line, or in a flow collection
_SCALAR = rf"(?:{_QUOTED}|(?:{_NUMBER}|{_DOTTED}|{_TEXT}){_END})"


def _flow(item: str) -> str:
    """An item, or a list or mapping of items on the same line."""
    return rf"(?:{item}|\[(?:{item}(?:, (?!\])|(?=\])))*+\]|\{{(?:{_KEY}: {item}(?:, (?!\}})|(?=\}})))*+\}})"


_VALUE = _flow(_flow(_flow(_SCALAR)))
_REST = r"[a-zA-Z_/][^\n\t:#\"]*+(?<! )"  # text to the end of the line, in which more may stand than in a collection
_LINE = rf" *+(?:(?:- )*+{_KEY}:(?: (?:{_VALUE}|{_REST}))?|(?:- )++(?:{_VALUE}|{_REST})|#[^\n]*+|)\n"


@cache
def _form() -> re.Pattern[str]:
    # Nothing can stand further left than a first line without indentation: what did, would be left out in silence.
    return re.compile(rf"((?:#[^\n]*+\n|\n)*+)(?! )(?:{_LINE})*+", re.ASCII)


_COLLECTIONS = frozenset((dict, list))
_NO_KEYS = re.compile(rf"{_QUOTED}|^ *#[^\n]*$", re.MULTILINE)


def values(text: str) -> Any:
    """The document's value; None where libyaml is to be asked."""
    if next(_asked) < WORTH or len(text) > _MAX_LENGTH or not text.isascii():
        return None
    parse = _parser()
    form = None if parse is None else _form().fullmatch(text)
    if parse is None or form is None:
        return None
    try:
        value = parse(text)
    except ValueError:
        return None
    return value if _keys(value) == _colons(text[form.end(1) :]) else None


@cache
def _parser() -> Callable[[str], Any] | None:
    if os.environ.get(VARIABLE) == "0":
        return None
    try:
        from yaml12 import parse_yaml
    except ImportError:
        return None
    parse: Callable[[str], Any] = parse_yaml
    return parse


def _colons(text: str) -> int:
    """How many colons stand neither in quotes nor in a comment: in a text of the form one a key."""
    if "#" in text:
        return _NO_KEYS.sub("", text).count(":")
    return "".join(text.split('"')[::2]).count(":")


def _keys(value: Any) -> int:
    """How many keys there are, a duplicate being none; -1 where one is no text, or the nesting is too deep."""
    if type(value) not in _COLLECTIONS:
        return 0
    count, depth, level = 0, 0, [value]
    while level:
        depth += 1
        deeper: list[Any] = []
        for within in level:
            if type(within) is dict:
                count += len(within)
                for key, item in within.items():
                    if type(key) is not str:
                        return -1
                    if type(item) in _COLLECTIONS:
                        deeper.append(item)
            else:
                deeper += [item for item in within if type(item) in _COLLECTIONS]
        level = deeper
    return count if depth <= MAX_DEPTH else -1
