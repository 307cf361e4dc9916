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
    return re.compile(rf"(?:#[^\n]*+\n|\n)*+(?! )(?:{_LINE})*+", re.ASCII)


_NO_KEYS = re.compile(rf"{_QUOTED}|^ *#[^\n]*$", re.MULTILINE)


def values(text: str) -> Any:
    """The document's value; None where libyaml is to be asked."""
    if next(_asked) < WORTH or len(text) > _MAX_LENGTH or not text.isascii():
        return None
    parse = _parser()
    if parse is None or not _form().fullmatch(text):
        return None
    try:
        value = parse(text)
    except ValueError:
        return None
    return value if _keys(value) == _NO_KEYS.sub("", text).count(":") else None


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


def _keys(value: Any) -> int:
    """How many keys there are, a duplicate being none; -1 where one is no text, or the nesting is too deep."""
    count, depth, level = 0, 0, [value]
    while level:
        mappings = [item for item in level if type(item) is dict]
        lists = [item for item in level if type(item) is list]
        depth += bool(mappings or lists)
        count += sum(map(len, mappings))
        if any(type(key) is not str for mapping in mappings for key in mapping):
            return -1
        level = [item for within in (*lists, *(mapping.values() for mapping in mappings)) for item in within]
    return count if depth <= MAX_DEPTH else -1
