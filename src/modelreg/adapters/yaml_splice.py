"""Setting one mapping in a YAML file that belongs to the user, and leaving every other byte as it is.

The file may hold what the strict reader refuses, so it is read leniently (`yaml_tree`). Each edit replaces as
little text as it can; in the end the file is read again, and refused unless what was wanted is the only
difference.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelreg.adapters import yaml_entries, yaml_text, yaml_writer
from modelreg.adapters.yaml_tree import Node, anchors, document, mark_of, parse, put, scalar_label, shape
from modelreg.domain.document import Document, dotted
from modelreg.errors import InvalidError

MAX_EDITS = 256

_LARGE = 64 * 1024
"""Of a larger file only the entry that is asked for is read, if it is of the form of `yaml_entries`."""
_BOM = b"\xef\xbb\xbf"
_Value = Mapping[str, object]


class _ByHandError(Exception):
    """The edit would touch what is not its business."""


@dataclass(frozen=True, slots=True)
class _Edit:
    """`text` instead of what stands between two indexes."""

    start: int
    end: int
    text: str


def splice(data: bytes, file: str, keys: Sequence[str], value: _Value) -> bytes:
    """The file with exactly `value` at `keys`; missing parents are appended, entries inserted sorted.

    Raises InvalidError for what is not a YAML mapping within the bounds, and where the edit cannot be made
    without touching something else: the hint then says what to write by hand.
    """
    text = _decode(data, file)
    if (simple := yaml_entries.set_entry(text, keys, value)) is not None:
        return simple.encode()
    before = parse(text, file)
    wanted = put(shape(before), keys, shape(parse("\n".join([*yaml_writer.block_lines(value), ""]), file)))
    if shape(before) == wanted:
        return data
    place = dotted(tuple(keys))
    hint = f"edit the file by hand, so that `{place}` is: {yaml_writer.flow(value)}"
    edited, after = text, before
    try:
        for _ in range(MAX_EDITS):
            edit = _next_edit(edited, after, keys, value)
            if edit is None:
                break
            new = edit.text.replace("\n", "\r\n") if "\r\n" in text else edit.text
            edited = edited[: edit.start] + new + edited[edit.end :]
            after = parse(edited, file)
    except _ByHandError as error:
        raise InvalidError(str(error), file=file, field=place, hint=hint) from None
    except InvalidError:  # an edit has made the file unreadable
        after = None
    if shape(after) != wanted or anchors(after) != anchors(before):
        message = "the entry cannot be changed without touching other parts of the file"
        raise InvalidError(message, file=file, field=place, hint=hint)
    return (_BOM if data.startswith(_BOM) else b"") + edited.encode()


def find(data: bytes, file: str, keys: Sequence[str]) -> Document | None:
    """The value at `keys`, read as leniently as by `splice`; None where there is none. Raises InvalidError."""
    node: Node | InvalidError | None
    if _LARGE < len(data) <= yaml_text.MAX_BYTES and (text := yaml_entries.alone(data, keys)) is not None:
        node = parse(text, file)
    elif isinstance(node := _parsed(data, file), InvalidError):
        raise node.with_traceback(None)
    mark = mark_of(node) if node else None
    for key in keys:
        found = node.named(key) if node else None
        if found is None:
            return None
        mark, node = mark_of(found[0]), found[1]
    return document(node, file, mark) if node and mark else None


@functools.lru_cache(maxsize=2)
def _parsed(data: bytes, file: str) -> Node | InvalidError | None:
    """A file that holds an entry for every model is asked once for each of them, and so is one that cannot be read."""
    try:
        return parse(_decode(data, file), file)
    except InvalidError as error:
        return error


def _decode(data: bytes, file: str) -> str:
    if len(data) > yaml_text.MAX_BYTES:
        raise InvalidError(f"the file is larger than {yaml_text.MAX_BYTES} bytes", file=file)
    try:
        return data.removeprefix(_BOM).decode()
    except UnicodeDecodeError:
        raise InvalidError("the file is not UTF-8", file=file, hint="save it as UTF-8") from None


def _next_edit(text: str, root: Node | None, keys: Sequence[str], value: _Value) -> _Edit | None:
    """The next step from what the file says to what it should say; None where there is none."""
    if root is None or root.label == scalar_label(None):
        return _lines_at(text, len(text), _block(keys, value), 0)
    node, parent = root, None
    for depth, key in enumerate(keys):
        if node.kind != "mapping":
            raise _ByHandError(f"`{dotted(tuple(keys[:depth])) or 'the file'}` is not a mapping")
        entry = _find(node, key)
        if entry is None:
            return _insertion(text, node, parent, keys[depth:], value)
        parent, child = entry
        if child.is_empty:
            return _filling(text, node, entry, keys[depth + 1 :], value)
        if child.kind != "mapping" and depth == len(keys) - 1:
            return _replacement(text, child, value) if child.in_flow else _deletion(text, parent, child)
        node = child
    return _difference(text, node, value)


def _find(node: Node, key: str) -> tuple[Node, Node] | None:
    found = [pair for pair in node.pairs if pair[0].label == scalar_label(key)]
    if len(found) > 1:
        raise _ByHandError(f"the key `{key}` stands twice")
    return found[0] if found else None


def _difference(text: str, node: Node, value: _Value) -> _Edit | None:
    """The first entry of an existing mapping that is wrong, missing or too much."""
    if node.in_flow:
        same = shape(node) == shape(parse(yaml_writer.flow(value), ""))
        return None if same else _replacement(text, node, value)
    for key, child in node.pairs:
        name = key.label[-1] if key.label == scalar_label(key.label[-1]) else None
        if name is None or name not in value:
            return _deletion(text, key, child)
        if shape(child) != shape(parse(yaml_writer.flow(value[name]), "")):
            return _replacement(text, child, value[name]) if child.in_flow else _deletion(text, key, child)
    missing = next((name for name in value if _find(node, name) is None), None)
    if missing is None:
        return None
    lines = yaml_writer.block_lines({missing: value[missing]})
    return _lines_at(text, _line_after(text, node.last_index), lines, node.children[0].column)


def _insertion(text: str, node: Node, parent: Node | None, keys: Sequence[str], value: _Value) -> _Edit:
    """A new entry: at the end of the file's own mapping, else in sorted position."""
    pairs = node.pairs
    later = (index for index, (key, _) in enumerate(pairs) if parent and str(key.label[-1]) > keys[0])
    place = next(later, len(pairs))
    if node.in_flow:
        entry = yaml_writer.flow(_nested(keys, value))[1:-1]
        if place < len(pairs):
            return _Edit(pairs[place][0].start, pairs[place][0].start, f"{entry}, ")
        close = node.end - 1
        comma = ", " if pairs and "," not in text[pairs[-1][1].last_index : close] else ""
        return _Edit(close, close, comma + entry)
    index = _line_after(text, pairs[place - 1][1].last_index if place else parent.end if parent else 0)
    if parent is None and _only_comments(text[index:]):
        index = len(text)
    return _lines_at(text, index, _block(keys, value), pairs[0][0].column)


def _filling(text: str, node: Node, entry: tuple[Node, Node], keys: Sequence[str], value: _Value) -> _Edit:
    """Entries for a mapping that has none: on the lines after its key; comments of that line are kept."""
    key, child = entry
    if node.in_flow:
        return _replacement(text, child, _nested(keys, value))
    _refuse_comments(text, child.start, child.end, child)
    start = len(text[: child.start].rstrip(" ")) if child.end > child.start else child.start
    end = _line_after(text, child.end)
    lines = _lines_at("", 0, _block(keys, value), key.column + 2).text
    return _Edit(start, end, text[child.end : end].rstrip("\r\n") + "\n" + lines)


def _replacement(text: str, child: Node, value: Any) -> _Edit:
    _refuse_comments(text, child.start, child.end, child)
    blank = " " if child.end == child.start else ""
    return _Edit(child.start, child.end, blank + yaml_writer.flow(value))


def _deletion(text: str, key: Node, child: Node) -> _Edit:
    start = text.rfind("\n", 0, key.start) + 1
    end = _line_after(text, child.last_index)
    if text[start : key.start].strip():
        raise _ByHandError("an entry does not begin its line")
    _refuse_comments(text, start, end, key, child)
    return _Edit(start, end, "")


def _refuse_comments(text: str, start: int, end: int, *nodes: Node) -> None:
    """Raises _ByHandError for a `#` between two indexes that is in none of the scalars of `nodes`."""
    for leaf in (leaf for node in nodes for leaf in node.leaves):
        if "#" in text[start : leaf.start]:
            break
        start = max(start, leaf.end)
    if "#" in text[start:end]:
        raise _ByHandError("a comment stands in the part to be changed")


def _only_comments(text: str) -> bool:
    return all(not line.strip() or line.lstrip().startswith("#") for line in text.splitlines())


def _nested(keys: Sequence[str], value: Any) -> Any:
    for key in reversed(keys):
        value = {key: value}
    return value


def _block(keys: Sequence[str], value: _Value) -> list[str]:
    """`value` below `keys` in block style, an entry a line."""
    if not keys:
        return yaml_writer.block_lines(value)
    return [f"{yaml_writer.string(keys[0])}:", *yaml_writer.indented(_block(keys[1:], value))]


def _line_after(text: str, index: int) -> int:
    """The beginning of the line after the one in which the text up to `index` ends."""
    if index and text[index - 1] == "\n":
        return index
    end = text.find("\n", index)
    return len(text) if end < 0 else end + 1


def _lines_at(text: str, index: int, lines: Sequence[str], indent: int) -> _Edit:
    first = "\n" if index and text[index - 1] != "\n" else ""
    body = "".join(f"{' ' * indent}{line}\n" if line else "\n" for line in lines)
    return _Edit(index, index, first + body)
