"""A lenient view of somebody else's YAML: libyaml's events as a light tree, aliases unexpanded.

It takes what the strict reader refuses (anchors, tags, templates), and serves to find and to edit an entry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

from modelreg.adapters import yaml_text
from modelreg.domain.document import Document, Mark, Path
from modelreg.errors import InvalidError

MAX_DEPTH = 64


@dataclass(slots=True)
class Node:
    """A value and where it stands: indexes in characters, line and column, all from 0."""

    kind: Literal["scalar", "alias", "sequence", "mapping"]
    start: int
    end: int
    line: int
    column: int
    label: tuple[str | None, ...]  # kind, tag, anchor; for a scalar also type and text
    in_flow: bool
    value: Any = None  # of a scalar
    children: list[Node] = field(default_factory=list)
    by_label: dict[tuple[str | None, ...], tuple[Node, Node]] | None = field(default=None, compare=False)

    @property
    def pairs(self) -> list[tuple[Node, Node]]:
        return list(zip(self.children[::2], self.children[1::2], strict=True))

    @property
    def is_empty(self) -> bool:
        """Plain null or `{}`."""
        return self.label == scalar_label(None) or (self.label == ("mapping", None, None) and not self.children)

    @property
    def leaves(self) -> list[Node]:
        """The scalars and aliases in it, in the order of the file."""
        if self.kind in ("scalar", "alias"):
            return [self]
        return [leaf for child in self.children for leaf in child.leaves]

    def named(self, key: object) -> tuple[Node, Node] | None:
        """The pair of a mapping under a key, of several the last; for a tree that is finished."""
        if self.by_label is None:
            self.by_label = {key.label: (key, value) for key, value in self.pairs} if self.kind == "mapping" else {}
        return self.by_label.get(scalar_label(key))

    @property
    def last_index(self) -> int:
        """Where the text of the value ends; a block collection has no end of its own."""
        if self.kind in ("mapping", "sequence") and not self.in_flow and self.children:
            return self.children[-1].last_index
        return self.end


def parse(text: str, file: str) -> Node | None:
    """The file as a light tree; None where it holds no document."""
    root: Node | None = None
    stack: list[Node] = []
    documents = 0
    event: Any
    for event in yaml_text.events(text, file):
        line, end = _place(event)
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise InvalidError("the file holds more than one document", file=file, line=line)
        elif isinstance(event, yaml.CollectionEndEvent):
            stack.pop().end = end
        elif isinstance(event, yaml.NodeEvent):
            node = _node(event)
            if stack:
                stack[-1].children.append(node)
            else:
                root = node
            if isinstance(event, yaml.CollectionStartEvent):
                stack.append(node)
                if len(stack) > MAX_DEPTH:
                    raise InvalidError(f"nested deeper than {MAX_DEPTH} levels", file=file, line=line)
    return root


def _place(event: Any) -> tuple[int, int]:
    """Line from 1 and index after the end."""
    return event.start_mark.line + 1, event.end_mark.index


def _node(event: Any) -> Node:
    mark = event.start_mark
    place = (mark.index, event.end_mark.index, mark.line, mark.column)
    if isinstance(event, yaml.AliasEvent):
        return Node("alias", *place, ("alias", None, event.anchor), in_flow=True)
    if isinstance(event, yaml.ScalarEvent):
        value = _value(event)
        label = scalar_label(value, event.tag, event.anchor)
        return Node("scalar", *place, label, in_flow=event.style not in ("|", ">"), value=value)
    kind: Literal["mapping", "sequence"] = "mapping" if isinstance(event, yaml.MappingStartEvent) else "sequence"
    return Node(kind, *place, (kind, event.tag, event.anchor), in_flow=bool(event.flow_style))


def _value(event: Any) -> Any:
    if event.style not in (None, "") or event.tag is not None:
        return event.value
    try:
        return yaml_text.plain(event.value)
    except ValueError:
        return event.value


def scalar_label(value: Any, tag: str | None = None, anchor: str | None = None) -> tuple[str | None, ...]:
    """What a scalar means, so that `a`, "a" and 'a' are equal, and `1`, `1.0` and "1" are not."""
    return ("scalar", tag, anchor, type(value).__name__, str(value))


def shape(node: Node | None) -> Any:
    """What the value means, without where it stands; mappings without order, aliases by name."""
    if node is None:
        return scalar_label(None)
    if node.kind == "sequence":
        return (*node.label, [shape(child) for child in node.children])
    if node.kind == "mapping":
        entries: dict[Any, Any] = {}
        for key, value in node.pairs:
            name: tuple[str | None, ...] = (str(shape(key)),) if key.children else key.label
            while name in entries:
                name = (*name, "again")
            entries[name] = shape(value)
        return (*node.label, entries)
    return node.label


def put(shape: Any, keys: Sequence[str], value: Any) -> Any:
    """The shape of a mapping with another value at `keys`."""
    if not keys:
        return value
    *head, entries = shape if isinstance(shape[-1], dict) else ("mapping", None, None, {})
    key = scalar_label(keys[0])
    return (*head, {**entries, key: put(entries.get(key, scalar_label(None)), keys[1:], value)})


def document(node: Node, file: str, mark: Mark) -> Document:
    """`node` as plain data, its marks counted from the top of the file; an alias is the text `*name`."""
    marks: dict[Path, Mark] = {}
    value = _plain(node, (), mark, marks)
    return Document(file, value, marks)


def mark_of(node: Node) -> Mark:
    return Mark(node.line + 1, node.column + 1)


def _plain(node: Node, path: Path, mark: Mark, marks: dict[Path, Mark]) -> Any:
    marks[path] = mark
    if node.kind == "mapping":
        names = [str(key.value if key.kind == "scalar" else shape(key)) for key, _ in node.pairs]
        pairs = zip(names, node.pairs, strict=True)
        return {name: _plain(child, (*path, name), mark_of(key), marks) for name, (key, child) in pairs}
    if node.kind == "sequence":
        return [_plain(child, (*path, n), mark_of(child), marks) for n, child in enumerate(node.children)]
    return f"*{node.label[2]}" if node.kind == "alias" else node.value


def anchors(node: Node | None) -> list[str]:
    """The names of all anchors, in the order of the file."""
    if node is None:
        return []
    name = node.label[2] if node.kind != "alias" else None
    return ([name] if name else []) + [inner for child in node.children for inner in anchors(child)]
