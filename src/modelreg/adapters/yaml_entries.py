"""One entry set, or read, in a file that holds an entry a model and nothing else: as modelreg keeps `dvc.yaml`.

To read such a file as YAML takes a second at ten thousand models, and then it has more events than a document may have.
Here every line has to be of one form, in which nothing spans lines and nothing can be said but text, so that an
entry can be read, replaced or inserted without reading the others. Whatever has another form is for `yaml_splice`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache

from modelreg.adapters import yaml_writer

_NAME = r"[a-z][a-z0-9_-]*+"
_WORD = r"[A-Za-z0-9_./@+()=,-]"
_PLAIN = rf"[A-Za-z0-9_/.]{_WORD}*+(?: [A-Za-z0-9_./@+(=]{_WORD}*+)*+"
_LINE = rf'[a-z_]++: (?:{_PLAIN}|"[^"\\\n]*+")'
_NOT_TEXT = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))
"""Names that some reader of YAML takes for something else, unless they are quoted."""


def set_entry(text: str, keys: Sequence[str], value: Mapping[str, object]) -> str | None:
    """The text with exactly `value` at `keys` (two of them: the file's only key, and an entry); None where text or
    value are not of the form. A new entry stands before the first whose name sorts behind its own."""
    if len(keys) != 2 or keys[1] in _NOT_TEXT or not re.fullmatch(_NAME, keys[1]) or not text.isascii():
        return None
    lines = yaml_writer.block_lines(value)
    if not lines or not all(re.fullmatch(_LINE, line) for line in lines) or not _form().fullmatch(text):
        return None
    top, name = keys
    if not text.startswith(f"{top}:\n"):
        return None
    new = f"  {name}:\n" + "".join(f"    {line}\n" for line in lines)
    headers = re.finditer(rf"^  ({_NAME}):$", text, re.MULTILINE)
    places = [(header[1], header.start()) for header in headers]
    own = [number for number, (other, _) in enumerate(places) if other == name]
    if len(own) > 1:
        return None
    if not own:
        start = next((start for other, start in places if other > name), len(text))
        return text[:start] + new + text[start:]
    start = places[own[0]][1]
    end = places[own[0] + 1][1] if own[0] + 1 < len(places) else len(text)
    old = text[start:end]
    if sorted(old.splitlines()) == sorted(new.splitlines()):
        return text
    # What is spelt otherwise may say the same.
    return None if '"' in old or '"' in new else text[:start] + new + text[end:]


def alone(data: bytes, keys: Sequence[str]) -> str | None:
    """The text of the file with no other entry than that at `keys`, which stands where it stood; empty where there is
    no such entry, None where the file is not of the form."""
    found = _entries(data)
    if found is None or len(keys) != 2:
        return None
    top, entries = found
    if keys[0] != top or keys[1] not in entries:
        return ""
    line, block = entries[keys[1]]
    return f"{top}:" + "\n" * line + block


@lru_cache(maxsize=2)
def _entries(data: bytes) -> tuple[str, Mapping[str, tuple[int, str]]] | None:
    """The file's only key, and by name the line (from 0) and text of each entry; None where it is not of the form."""
    text = data.decode("ascii", "replace")
    if not text.isascii() or not _form().fullmatch(text):
        return None
    top, _, rest = text.partition(":\n")
    headers = list(re.finditer(rf"^  ({_NAME}):$", rest, re.MULTILINE))
    ends = [*(header.start() for header in headers[1:]), len(rest)]
    found, line = {}, 1
    for header, end in zip(headers, ends, strict=True):
        block = rest[header.start() : end]
        found[header[1]] = line, block
        line += block.count("\n")
    return None if len(found) != len(headers) or _NOT_TEXT & found.keys() else (top, found)


@cache
def _form() -> re.Pattern[str]:
    return re.compile(rf"[a-z]++:\n(?:  {_NAME}:\n(?:    {_LINE}\n)++)++")
