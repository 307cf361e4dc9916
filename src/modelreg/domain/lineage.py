"""Lineage, both ways: what a version was made of, through all its ancestors; and what was made of one thing.

The two are each other's inverse: a version is in `downstream` of a thing exactly where the thing is in its `upstream`,
as long as neither was cut, which the notes say.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from modelreg.domain.data_change import DataChange, data_changes
from modelreg.domain.lineage_graph import Change, Direction, Edge, Graph, Node, Standing, VersionName, version_node
from modelreg.domain.lineage_parts import Parent, Part, datasets, mapping, parents, parts, text
from modelreg.domain.names import ModelName
from modelreg.domain.version import Version
from modelreg.errors import InvalidError

MOST_VERSIONS = 1000
"""Ancestors of one version that are followed."""
MOST_NOTES = 20


class Versions(Protocol):
    """What the registry holds."""

    def body(self, name: VersionName) -> Mapping[str, Any] | None:
        """The manifest as it was parsed, whatever its shape; None where there is none. Raises InvalidError for one
        that is no YAML mapping."""

    def numbers(self, model: ModelName) -> Sequence[Version]:
        """The versions of a model, in order."""

    def standing(self, name: VersionName) -> Standing:
        """Where a version that there is stands now."""


class _Draft:
    """A graph in the making: nodes and edges once each, in the order in which they are found."""

    def __init__(self, versions: Versions) -> None:
        self.versions = versions
        self.nodes: dict[str, Node] = {}
        self.edges: dict[Edge, None] = {}
        self.notes: dict[str, None] = {}

    def note(self, words: str) -> None:
        self.notes[words] = None

    def version(self, name: VersionName) -> Mapping[str, Any] | None:
        """Add a version; its body, or None where there is nothing to read, which is noted."""
        try:
            body, trouble = self.versions.body(name), "is not in this registry"
        except InvalidError:
            body, trouble = None, "cannot be read: modelreg validate"
        there = body is not None or trouble.startswith("cannot")
        node = version_node(name, self.versions.standing(name) if there else None, body)
        self.nodes[node.id] = node
        if body is None:
            self.note(f"{name} {trouble}")
        return body

    def id(self, name: VersionName) -> str:
        """The id of a version's node: one text for all edges, of which there may be a hundred thousand."""
        node = self.nodes.get(name.node_id)
        return name.node_id if node is None else node.id

    def graph(self, subject: str, direction: Direction, roots: Iterable[str]) -> Graph:
        notes = list(self.notes)
        more = len(notes) - MOST_NOTES
        notes = [*notes[:MOST_NOTES], f"and {more} more notes"] if more > 0 else notes
        return Graph(subject, direction, tuple(roots), self.nodes, tuple(self.edges), tuple(notes))


def upstream(root: VersionName, versions: Versions, depth: int | None = None) -> Graph:
    """What `root` was made of, and what its parents were made of, `depth` generations of parents back (None: all)."""
    draft = _Draft(versions)
    level, seen, generation = [root], {root}, 0
    while level:
        following: dict[VersionName, None] = {}
        for name in level:
            body = draft.version(name)
            if body is None:
                continue
            _add_parts(draft, name, body)
            found, bad = parents(body)
            if bad:
                draft.note(f"{name}: {bad} of its parents name no version")
            if depth is not None and generation >= depth:
                if found:
                    draft.note(f"{name} has parents, which --depth {depth} leaves out")
                continue
            for parent in found:
                if parent.name not in seen and len(seen) >= MOST_VERSIONS:
                    draft.note(f"more than {MOST_VERSIONS} ancestors: the others are left out")
                    continue
                draft.edges[Edge(parent.name.node_id, name.node_id, parent.relation)] = None
                if parent.name not in seen:
                    seen.add(parent.name)
                    following[parent.name] = None
        level, generation = list(following), generation + 1
    for words in _cycles(root, draft):
        draft.note(words)
    return draft.graph(str(root), "upstream", (root.node_id,))


def _add_parts(draft: _Draft, name: VersionName, body: Mapping[str, Any]) -> None:
    found = parts(name, body)
    before, changes = _changes(draft, name, body)
    for part in found:
        draft.nodes.setdefault(part.node.id, part.node)
        if part.node.kind == "artifact":
            draft.edges[Edge(name.node_id, part.node.id, part.label)] = None
        elif part.node.kind == "data" and before is not None:
            change = next((change for change in changes if change.after == part.node.facts), None)
            word: Change = "same" if change is None else "added" if change.before is None else "changed"
            told = f"{change.what} since {before}" if change else f"the same as in {before}"
            draft.edges[Edge(part.node.id, name.node_id, part.label, word, told)] = None
        else:
            draft.edges[Edge(part.node.id, name.node_id, part.label)] = None
    for change in changes:
        if change.after is None:
            draft.note(f"{name}: {change.text} since {before}")


def _changes(draft: _Draft, name: VersionName, body: Mapping[str, Any]) -> tuple[Version | None, Sequence[DataChange]]:
    """The version before, and what changed in the data since.

    That is the version that the number was raised from where the manifest says it, else the one below in order.
    """
    numbers = draft.versions.numbers(name.model)
    asked = text(mapping(body.get("bump")), "from")
    before = _version(asked)
    if before is None or before not in numbers[(place := bisect_left(numbers, before)) : place + 1]:
        below = bisect_left(numbers, name.version)
        before = numbers[below - 1] if below else None
    if before is None or before == name.version:
        return None, ()
    try:
        old = draft.versions.body(VersionName(name.model, before))
    except InvalidError:
        old = None
    if old is None:
        draft.note(f"{name.model}@{before} cannot be read: whether the data changed since is not known")
        return None, ()
    return before, data_changes(datasets(old), datasets(body))


def _version(asked: str) -> Version | None:
    try:
        return Version.parse(asked)
    except InvalidError:
        return None


def _cycles(root: VersionName, draft: _Draft) -> Iterable[str]:
    """A version among its own ancestors: no registration makes that, a file written by hand can."""
    above: dict[str, list[str]] = {}
    for edge in draft.edges:
        if edge.source.startswith("version:") and edge.target.startswith("version:"):
            above.setdefault(edge.target, []).append(edge.source)
    path, done, stack = {root.node_id}, set[str](), [(root.node_id, iter(above.get(root.node_id, ())))]
    while stack:
        node, rest = stack[-1]
        parent = next(rest, None)
        if parent is None:
            stack.pop()
            path.discard(node)
            done.add(node)
        elif parent in path:
            yield f"{draft.nodes[parent].label} is among its own ancestors, through {draft.nodes[node].label}"
        elif parent not in done:
            path.add(parent)
            stack.append((parent, iter(above.get(parent, ()))))


Children = Callable[[Sequence[VersionName]], Mapping[VersionName, Sequence[Parent]]]
"""Versions that name one of these as a parent, each with its parents among them."""


def downstream(
    subject: str,
    direct: Iterable[tuple[VersionName, Sequence[Part]]],
    children: Children,
    versions: Versions,
    depth: int | None = None,
) -> Graph:
    """What was made of some things: the versions that name them (`direct`, each once and in order, asked for one at a
    time), and their children, `depth` generations (None: all)."""
    draft = _Draft(versions)
    things: dict[str, Node] = {}
    named: list[VersionName] = []
    for name, fitting in direct:
        named.append(name)
        draft.version(name)
        for part in fitting:
            thing = things.setdefault(part.node.id, part.node)
            draft.edges[Edge(thing.id, draft.id(name), part.label)] = None
    roots = tuple(things)
    things.update(draft.nodes)
    draft.nodes = things
    _add_children(draft, named, children, depth)
    return draft.graph(subject, "reverse", roots)


def descendants(root: VersionName, children: Children, versions: Versions, depth: int | None = None) -> Graph:
    """What was made of one version: its children, their children, `depth` generations (None: all)."""
    draft = _Draft(versions)
    draft.version(root)
    _add_children(draft, [root], children, depth)
    return draft.graph(str(root), "reverse", (root.node_id,))


def _add_children(draft: _Draft, level: Sequence[VersionName], children: Children, depth: int | None) -> None:
    generation = 0
    while level:
        found = children(level)
        if depth is not None and generation >= depth:
            if found:
                draft.note(f"--depth {depth} leaves out the children of the last generation")
            return
        following = [name for name in sorted(found) if name.node_id not in draft.nodes]
        for name in following:
            draft.version(name)
        for name in sorted(found):
            for parent in found[name]:
                draft.edges[Edge(draft.id(parent.name), draft.id(name), parent.relation)] = None
        level, generation = following, generation + 1
