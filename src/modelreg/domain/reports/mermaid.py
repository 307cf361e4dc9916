"""A lineage graph as a Mermaid flowchart (https://mermaid.js.org/syntax/flowchart.html), for Markdown that shows it.

Ids are ours; text of strangers stands between double quotes, all but plain letters, digits and a few signs written as
entity codes (`#60;`), so that it can neither leave them nor be Markdown, HTML, a directive or a link.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelreg.domain.lineage_graph import Graph, Node, NodeKind
from modelreg.domain.reports.harmless import one_line

_LONGEST = 120
_PLAIN = re.compile(r"[^A-Za-z0-9 ,._@/=-]")
_SHAPES: dict[NodeKind, tuple[str, str]] = {
    "version": ("([", "])"),
    "data": ("[(", ")]"),
    "code": ("[", "]"),
    "environment": ("[[", "]]"),
    "pipeline": ("{{", "}}"),
    "run": ("(", ")"),
    "feature": ("[/", "/]"),
    "artifact": ("[", "]"),
}


def mermaid(graph: Graph) -> Iterator[str]:
    """Lines of one flowchart; versions that are in an announced or protected stage are of the class `serving`."""
    yield "flowchart LR"
    names = {id_: f"n{number}" for number, id_ in enumerate(graph.nodes)}
    for id_, node in graph.nodes.items():
        begin, end = _SHAPES[node.kind]
        mark = ":::serving" if node.facts.get("serving") else ""
        yield f'  {names[id_]}{begin}"{_label(node)}"{end}{mark}'
    for edge in graph.edges:
        yield f'  {names[edge.source]} -->|"{_text(edge.label)}"| {names[edge.target]}'
    yield "  classDef serving stroke-width:4px"


def _label(node: Node) -> str:
    label = _text(node.label if node.kind == "version" else f"{node.kind} {node.label}")
    return f"{label}<br/>{_text(node.detail)}" if node.detail else label


def _text(value: str) -> str:
    return _PLAIN.sub(lambda match: f"#{ord(match.group())};", one_line(value, limit=_LONGEST))
