"""A lineage graph in Graphviz' DOT (https://graphviz.org/doc/info/lang.html).

Ids are ours; text of strangers stands in quoted strings: backslashes doubled, since labels read `\\N` and `\\l`, quotes
escaped, and `&` written out, since labels read HTML's entities.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelreg.domain.lineage_graph import Graph, Node, NodeKind
from modelreg.domain.reports.harmless import one_line

_LONGEST = 120
_SHAPES: dict[NodeKind, str] = {
    "version": "box",
    "data": "cylinder",
    "code": "note",
    "environment": "component",
    "pipeline": "hexagon",
    "run": "ellipse",
    "feature": "parallelogram",
    "artifact": "folder",
}


def dot(graph: Graph) -> Iterator[str]:
    """Lines of one digraph; versions that are in an announced or protected stage have a bold outline."""
    yield "digraph lineage {"
    yield "  rankdir=LR;"
    names = {id_: f"n{number}" for number, id_ in enumerate(graph.nodes)}
    for id_, node in graph.nodes.items():
        bold = ", style=bold" if node.facts.get("serving") else ""
        yield f'  {names[id_]} [shape={_SHAPES[node.kind]}{bold}, label="{_label(node)}"];'
    for edge in graph.edges:
        yield f'  {names[edge.source]} -> {names[edge.target]} [label="{_text(edge.label)}"];'
    yield "}"


def _label(node: Node) -> str:
    label = _text(node.label if node.kind == "version" else f"{node.kind} {node.label}")
    return f"{label}\\n{_text(node.detail)}" if node.detail else label


def _text(value: str) -> str:
    line = one_line(value, limit=_LONGEST)
    return line.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
