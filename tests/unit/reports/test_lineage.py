"""A lineage graph as a tree, Mermaid and DOT: what is shown, and that strangers' text stays in its label."""

from __future__ import annotations

import re
import warnings
from html import unescape

import pydot
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelreg.domain.lineage import descendants, upstream
from modelreg.domain.lineage_graph import Graph
from modelreg.domain.reports.dot import dot
from modelreg.domain.reports.harmless import one_line
from modelreg.domain.reports.lineage_tree import ASCII, tree
from modelreg.domain.reports.mermaid import mermaid
from tests.lineage import InMemory, body, data, everything, name, parent
from tests.payloads import PAYLOADS
from tests.unit.test_lineage import TEAM, children_in

# The part of Mermaid's grammar (flow.jison) that we write: ids are ours, labels are quoted, `#…;` is an entity code.
_LABEL = r'"(?:[A-Za-z0-9 ,._@/=-]|#[0-9]{1,7};|<br/>)*"'
_SHAPE = rf"(?:\(\[{_LABEL}\]\)|\[\({_LABEL}\)\]|\[{_LABEL}\]|\[\[{_LABEL}\]\]|\{{\{{{_LABEL}\}}\}}|\({_LABEL}\)|\[/{_LABEL}/\])"
MERMAID = re.compile(
    rf"flowchart LR|  n[0-9]+{_SHAPE}(?::::serving)?|  n[0-9]+ -->\|{_LABEL}\| n[0-9]+|  classDef serving stroke-width:4px"
)


def hostile(text: str) -> Graph:
    return upstream(name("m@1.1.0"), InMemory({"m@1.0.0": body(data=[data(text)]), "m@1.1.0": everything(text)}))


def test_the_tree() -> None:
    bodies = TEAM | {"tuned@1.2.0": body(data=[data("own", "new")], parents=[parent("tuned@1.1.0")])}
    graph = upstream(name("tuned@1.2.0"), InMemory(bodies, serving=["tuned@1.2.0"]))
    assert [re.sub("sha256 [0-9a-f]{12}", "sha256 ID", line) for line in tree(graph)] == [
        "tuned@1.2.0: production since 2026-11-25, champion",
        "├── data own: sha256 ID; changed: other content since 1.1.0",
        "└── parent tuned@1.1.0 (fine-tuned): development",
        "    ├── data own: sha256 ID; the same as in 1.0.0",
        "    └── parent tuned@1.0.0 (retrained): development",
        "        ├── data own: sha256 ID",
        "        └── parent base@1.0.0 (fine-tuned): development",
        "            └── data pile: sha256 ID",
    ]


def test_the_tree_downwards_in_ascii_opens_each_version_once() -> None:
    bodies = TEAM | {"mix@1.0.0": body(parents=[parent("tuned@1.0.0"), parent("base@1.0.0", "ensemble")])}
    graph = descendants(name("base@1.0.0"), children_in(bodies), InMemory(bodies))
    assert list(tree(graph, ASCII)) == [
        "base@1.0.0: development",
        "|-- mix@1.0.0 (ensemble): development",
        "`-- tuned@1.0.0 (fine-tuned): development",
        "    |-- mix@1.0.0 (fine-tuned): development",
        "    `-- tuned@1.1.0 (retrained): development",
    ]
    diamond = {
        "a@1.0.0": body(parents=[parent("b@1.0.0"), parent("c@1.0.0")]),
        **{f"{m}@1.0.0": body(parents=[parent("d@1.0.0")]) for m in "bc"},
        "d@1.0.0": body(data=[data("x")]),
    }
    lines = list(tree(upstream(name("a@1.0.0"), InMemory(diamond)), ASCII))
    assert sum("data x" in line for line in lines) == 1
    assert lines[-1] == "    `-- parent d@1.0.0 (fine-tuned): development (see above)"


def test_a_deep_chain_and_many_features_are_cut_and_said() -> None:
    chain = {f"m@1.{n}.0": body(parents=[parent(f"m@1.{n - 1}.0")] if n else []) for n in range(1000)}
    lines = list(tree(upstream(name("m@1.999.0"), InMemory(chain))))
    assert len(lines) == 42
    assert lines[-1].strip() == "└── 1 more, too deep for a tree"
    wide = {"m@1.0.0": body(features=[{"name": f"f{n}"} for n in range(30)])}
    assert list(tree(upstream(name("m@1.0.0"), InMemory(wide))))[-1] == "└── 18 more features"


def unlabelled(text: str) -> str:
    return unescape(re.sub(r"#([0-9]+);", r"&#\1;", text))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a25_every_line_is_one_line_of_our_mermaid(payload: str) -> None:
    lines = list(mermaid(hostile(payload)))
    assert [line for line in lines if not MERMAID.fullmatch(line)] == []
    shown = one_line(payload, limit=40)[:39]
    assert sum(shown in unlabelled(line) for line in lines) > 5


def test_a25_dot_holds_our_nodes_and_edges_only() -> None:
    """All payloads in one graph: pydot takes 0.2 s for each."""
    sets = [data(text, role=text) for text in PAYLOADS]
    graph = upstream(name("m@1.0.0"), InMemory({"m@1.0.0": body(data=sets)}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it calls pyparsing by its old names
        (parsed,) = pydot.graph_from_dot_data("\n".join(dot(graph))) or []
    ours = {f"n{number}" for number in range(len(PAYLOADS) + 1)}
    assert {node.get_name() for node in parsed.get_nodes()} == ours
    assert {end for edge in parsed.get_edges() for end in (edge.get_source(), edge.get_destination())} == ours
    assert len(parsed.get_edges()) == len(PAYLOADS)
    assert all(set(node.get_attributes()) <= {"shape", "style", "label"} for node in parsed.get_nodes())
    assert not parsed.get_subgraphs()


DOT_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


@given(st.text(max_size=60))
def test_any_text_stays_in_its_label(text: str) -> None:
    graph = hostile(text)
    assert all(MERMAID.fullmatch(line) for line in mermaid(graph))
    for line in dot(graph):
        bare = DOT_STRING.sub('""', line)
        assert re.fullmatch(r'digraph lineage \{|  rankdir=LR;|\}|  n\d+ \[shape=[a-z]+(, style=bold)?, label=""\];|  n\d+ -> n\d+ \[label=""\];', bare)  # fmt: skip
        assert "&" not in re.sub("&amp;", "", line)
    assert all(line.isprintable() or "\u3000" in line or not line.isascii() for line in tree(graph))
    assert all("\n" not in line and "\x1b" not in line for line in tree(graph))
