"""Strangers' text made harmless for a line of a report."""

from __future__ import annotations

import re

# C0 and C1 controls, and the characters that reorder or hide text (Unicode bidi, zero width, tags, variation).
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
_SPACES = re.compile(r"[\t\n\r\x0b\x0c\x85\u2028\u2029 ]+")


def one_line(text: object, limit: int = 400) -> str:
    """One line of at most `limit` characters, without anything that a terminal or a reader's eye would obey."""
    line = _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", _SPACES.sub(" ", str(text)).strip())
    return line if len(line) <= limit else line[: limit - 1] + "…"
