"""The lineage graph: what it is made of. Arrows run from what something was made of to what was made of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from modelreg.domain.names import ModelName
from modelreg.domain.version import Version

NodeKind = Literal["version", "data", "code", "environment", "pipeline", "run", "feature", "artifact"]
Direction = Literal["upstream", "reverse"]
Change = Literal["added", "changed", "same"]


class VersionName(NamedTuple):
    """A version by its model and number; in order by both."""

    model: ModelName
    version: Version

    def __str__(self) -> str:
        return f"{self.model}@{self.version}"

    @property
    def node_id(self) -> str:
        return f"version:{self}"


@dataclass(frozen=True, slots=True)
class Node:
    """One thing. `label` and `detail` hold text of strangers, as it came; `facts` are JSON values."""

    id: str
    kind: NodeKind
    label: str
    detail: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_mapping(self) -> dict[str, Any]:
        return {"id": self.id, "kind": self.kind, "label": self.label, "detail": self.detail, "facts": dict(self.facts)}


@dataclass(frozen=True, slots=True)
class Edge:
    """`target` was made of `source` (an artifact: is a part of it). `label` says how: a role, a relation.

    For data `change` says how the set of that name differs from the one of the version before, `change_text` by how
    much; None: there is nothing to compare with.
    """

    source: str
    target: str
    label: str
    change: Change | None = None
    change_text: str | None = None

    def to_mapping(self) -> dict[str, Any]:
        return {
            "from": self.source,
            "to": self.target,
            "label": self.label,
            "change": self.change,
            "change_text": self.change_text,
        }


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a version stands now. `stage` None: withdrawn; `since` (UTC): None where no transition says it.

    `serving`: the policy announces or protects the stage, so that somebody may be using the version.
    """

    stage: str | None
    since: str | None = None
    aliases: tuple[str, ...] = ()
    serving: bool = False

    @property
    def text(self) -> str:
        """`production since 2026-11-25, champion`."""
        since = f" since {self.since[:10]}" if self.since else ""
        return ", ".join((f"{self.stage or 'withdrawn'}{since}", *self.aliases))


@dataclass(frozen=True, slots=True)
class Graph:
    """What was asked (`subject`, `roots`), nodes by id, edges, and what is to be known of it (`notes`)."""

    subject: str
    direction: Direction
    roots: tuple[str, ...]
    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]
    notes: tuple[str, ...] = ()

    @property
    def versions(self) -> Iterator[Node]:
        return (node for node in self.nodes.values() if node.kind == "version")

    @property
    def serving(self) -> tuple[Node, ...]:
        """Versions in a stage that is announced or protected."""
        return tuple(node for node in self.versions if node.facts.get("serving"))

    def to_mapping(self) -> dict[str, Any]:
        """The shape that `lineage --json` prints."""
        return {key: list(value) if isinstance(value, Iterator) else value for key, value in self.streamed().items()}

    def streamed(self) -> dict[str, Any]:
        """As `to_mapping`, with what may be long as iterators, each to be used once."""
        return {
            "subject": self.subject,
            "direction": self.direction,
            "roots": iter(self.roots),
            "nodes": (node.to_mapping() for node in self.nodes.values()),
            "edges": (edge.to_mapping() for edge in self.edges),
            "serving": (
                {key: node.facts[key] for key in ("model", "version", "stage", "since")} for node in self.serving
            ),
            "notes": iter(self.notes),
        }


def version_node(name: VersionName, standing: Standing | None, body: Mapping[str, Any] | None) -> Node:
    """A version; one without `standing` is named by a manifest but not in the registry."""
    facts: dict[str, Any] = {"model": name.model, "version": str(name.version), "missing": standing is None}
    where = standing or Standing(None)
    created = (body or {}).get("created")
    facts |= {
        "created": created if isinstance(created, str) else None,
        "stage": where.stage,
        "since": where.since,
        "aliases": list(where.aliases),
        "withdrawn": standing is not None and where.stage is None,
        "serving": where.serving,
    }
    detail = "not in this registry" if standing is None else sys.intern(where.text)
    return Node(name.node_id, "version", str(name), detail, facts)
