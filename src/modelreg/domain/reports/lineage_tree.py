"""A lineage graph as a tree of lines for a terminal: what was made of what, each version opened out once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from modelreg.domain.lineage_graph import Edge, Graph
from modelreg.domain.reports.harmless import one_line

DEEPEST = 40
"""Levels; what lies deeper is in the other formats."""
_WIDEST = 200
_FEATURES = 12


class Guides(NamedTuple):
    """What is put before a branch, the last branch, and below each of them."""

    branch: str
    last: str
    below: str
    space: str


UNICODE = Guides("├── ", "└── ", "│   ", "    ")
ASCII = Guides("|-- ", "`-- ", "|   ", "    ")


class _Item(NamedTuple):
    line: str
    node: str | None


def tree(graph: Graph, guides: Guides = UNICODE) -> Iterator[str]:
    """Lines, one for each thing that a version was made of, or that was made of a thing. Text of strangers is made
    harmless, not escaped for any format."""
    children = _children(graph)
    opened: set[str] = set()
    for root in graph.roots:
        yield from _branch(graph, root, children, opened, guides)


def _branch(
    graph: Graph, root: str, children: dict[str, list[Edge]], opened: set[str], guides: Guides
) -> Iterator[str]:
    stack = [("", "", _Item(_line(graph, root, None), root))]
    while stack:
        before, below, (line, id_) = stack.pop()
        again = id_ in opened
        yield f"{before}{line}{' (see above)' if again else ''}"
        if id_ is None or again:
            continue
        held = children.get(id_, ())
        if held:
            opened.add(id_)
        inside = _items(graph, held)
        if inside and len(below) >= DEEPEST * len(guides.below):
            inside = [_Item(f"{len(inside)} more, too deep for a tree", None)]
        for place, item in reversed(list(enumerate(inside, 1))):
            end = place == len(inside)
            stack.append(
                (
                    below + (guides.last if end else guides.branch),
                    below + (guides.space if end else guides.below),
                    item,
                )
            )


def _children(graph: Graph) -> dict[str, list[Edge]]:
    """The edges to what each node holds; their lines are made when it is opened."""
    found: dict[str, list[Edge]] = {}
    for edge in graph.edges:
        found.setdefault(_holder_and_held(graph, edge)[0], []).append(edge)
    return found


def _holder_and_held(graph: Graph, edge: Edge) -> tuple[str, str]:
    upwards = graph.direction == "upstream" and graph.nodes[edge.target].kind != "artifact"
    return (edge.target, edge.source) if upwards else (edge.source, edge.target)


def _items(graph: Graph, edges: Sequence[Edge]) -> list[_Item]:
    """Lines of what a node holds, versions last; many features are counted."""
    items, features = [], 0
    held = [(edge, _holder_and_held(graph, edge)[1]) for edge in edges]
    for edge, id_ in sorted(held, key=lambda pair: graph.nodes[pair[1]].kind == "version"):
        features += graph.nodes[id_].kind == "feature"
        if graph.nodes[id_].kind != "feature" or features <= _FEATURES:
            items.append(_Item(_line(graph, id_, edge), id_))
    return [*items, _Item(f"{features - _FEATURES} more features", None)] if features > _FEATURES else items


def _line(graph: Graph, id_: str, edge: Edge | None) -> str:
    """`data customers (train): 2000 rows, 5 columns, sha256 f989a9895e24; the same as in 1.2.0`."""
    node = graph.nodes[id_]
    kin = "" if edge is None or graph.direction == "reverse" else "parent "
    word = kin if node.kind == "version" else f"{node.kind} "
    plain = {graph.nodes[end].kind for end in (edge.source, edge.target)} if edge else set()
    how = f" ({edge.label})" if edge and edge.label not in plain else ""
    detail = f": {node.detail}" if node.detail else ""
    change = f"; {edge.change_text}" if edge and edge.change_text else ""
    return one_line(f"{word}{node.label}{how}{detail}{change}", limit=_WIDEST)
