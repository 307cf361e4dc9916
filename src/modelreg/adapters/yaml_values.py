"""The first pass: the values of a sound document in one loop, without marks and without words for what is wrong.

It refuses whatever `yaml_marked` refuses, which is then asked for the reason, so that a document is the same whichever
of the two made it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml

from modelreg.adapters import yaml_text
from modelreg.adapters.yaml_text import MAX_DEPTH, MAX_EVENTS, MAX_KEY, NUMBER_BEGINS, WORDS, plain


class UnsureError(Exception):
    """The text is no sound document, or one that must be looked at more closely."""


_ROOT = object()
"""Stands for the key under which the document itself is placed."""


def values(text: str) -> Any:
    """The document's value. Raises UnsureError."""
    if len(text) >= MAX_EVENTS // 2:  # it may have too many events, see yaml_text.events
        raise UnsureError
    try:
        return _values(yaml_text.Loader(text).get_event)
    except (yaml.YAMLError, ValueError):
        raise UnsureError from None


def _values(event_of: Callable[[], Any]) -> Any:
    """In one function, since a call for each event would double its time."""
    scalar, mapping, sequence = yaml.ScalarEvent, yaml.MappingStartEvent, yaml.SequenceStartEvent
    root: dict[Any, Any] = {}
    stack: list[tuple[Any, bool]] = []
    within: Any = root  # the open mapping or list
    in_list = False
    key: Any = _ROOT  # of the value that comes next; None: a key comes next, or a list's item
    while True:
        event = event_of()
        kind = type(event)
        if kind is scalar:
            value = event.value
            if not event.style:
                if value in WORDS:
                    value = WORDS[value]
                elif value[0] in NUMBER_BEGINS:
                    value = plain(value)
                elif value == "<<" and key is None and not in_list:
                    raise UnsureError
        elif kind is mapping or kind is sequence:
            value = {} if kind is mapping else []
            stack.append((within, in_list))
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            within, in_list = stack.pop()
            continue
        elif kind is yaml.StreamEndEvent:
            break
        elif kind is yaml.AliasEvent or (kind is yaml.DocumentStartEvent and (event.version or event.tags or root)):
            raise UnsureError
        else:
            continue
        if event.anchor is not None or event.tag is not None or len(stack) > MAX_DEPTH:
            raise UnsureError
        if in_list:
            within.append(value)
        elif key is None:
            if type(value) is not str or len(value) > MAX_KEY or value in within:
                raise UnsureError
            key = value
            continue
        else:
            within[key] = value
            key = None
        if kind is not scalar:
            within, in_list = value, kind is sequence
    if root.get(_ROOT) is None:
        raise UnsureError
    return root[_ROOT]
