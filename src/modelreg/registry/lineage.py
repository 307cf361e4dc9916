"""`lineage`: where a version came from, and which versions came from a data set, a commit, a lock, a run, a version."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from modelreg.domain.address import Address
from modelreg.domain.lineage import descendants, downstream, upstream
from modelreg.domain.lineage_graph import Graph, Standing, VersionName
from modelreg.domain.lineage_parts import Parent, Part, parents, parts
from modelreg.domain.lineage_query import Query
from modelreg.domain.names import ModelName, Stage
from modelreg.domain.reports.openlineage import run_event
from modelreg.domain.stages import Stages
from modelreg.domain.version import Version
from modelreg.errors import InvalidError, NotFoundError
from modelreg.registry.index_port import Index
from modelreg.registry.mentions import IndexedManifests, Mentions, ScannedManifests
from modelreg.registry.resolve import resolve
from modelreg.registry.snapshot import Snapshot

_KEPT = 1_000


def lineage(snapshot: Snapshot, address: Address, depth: int | None = None) -> Graph:
    """What a version was made of, its ancestors with it. Raises NotFoundError."""
    root = VersionName(address.model, resolve(snapshot, address))
    return upstream(root, _Registered(snapshot), depth)


def reverse(snapshot: Snapshot, asked: Query | Address, depth: int | None = None, index: Index | None = None) -> Graph:
    """What was made of a data set, a commit, an environment, a run, or of a version, and what was made of that.

    Raises NotFoundError where no version names it, InvalidError for a prefix of several digests or a manifest that
    may name it and cannot be read.
    """
    scanned = ScannedManifests(snapshot)
    found: Mentions = scanned
    if index is not None and snapshot.commit is not None:
        found = IndexedManifests(index, snapshot.commit, scanned)
    versions = _Registered(snapshot)
    children = _Children(versions, found)
    if isinstance(asked, Address):
        root = VersionName(asked.model, resolve(snapshot, asked))
        snapshot.list_all()
        return descendants(root, children, versions, depth)
    marked: dict[object, Part] = {}
    graph = downstream(str(asked), _naming(asked, found, versions, marked), children, versions, depth)
    asked.choose(marked.values())
    if not marked:
        raise NotFoundError(f"no version names {asked!s}", hint=_hint(asked))
    return graph


def _naming(
    asked: Query, found: Mentions, versions: _Registered, marked: dict[object, Part]
) -> Iterator[tuple[VersionName, list[Part]]]:
    """The versions that name what is asked, in order, each manifest read once; `marked` takes what fitted."""
    for name in sorted(found.naming(asked)):
        fitting = [part for part in parts(name, versions.body(name) or {}) if asked.fits(part)]
        for part in fitting:
            marked.setdefault(asked.mark(part), part)
        if fitting:
            yield name, fitting


def events(snapshot: Snapshot, registry: str, graph: Graph) -> Iterator[dict[str, Any]]:
    """An OpenLineage event for each version of a graph that the registry holds; `registry` is its id. Raises
    InvalidError for a manifest that cannot be read, or says no time."""
    versions = _Registered(snapshot)
    for node in graph.versions:
        name = VersionName(ModelName(node.facts["model"]), Version.parse(node.facts["version"]))
        path = snapshot.layout.manifest(*name)
        body, data = versions.body(name), snapshot.tree.read(path)
        if body is not None and data is not None:
            try:
                yield run_event(registry, name, body, hashlib.sha256(data).hexdigest())
            except InvalidError as error:
                error.file = path
                raise


def _hint(asked: Query) -> str:
    if asked.path is not None:
        return "the file as it is now went into none; it may have changed since: ask by its name, data:NAME"
    return "modelreg lineage MODEL@VERSION shows what a version names"


class _Registered:
    """The registry as domain/lineage.py asks for it; a model or a manifest that is asked for again soon is read once:
    all hundred thousand are not kept."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._bodies: dict[VersionName, Mapping[str, Any] | None] = {}
        self._policy = snapshot.policy()
        self._models: dict[ModelName, _Model] = {}

    def body(self, name: VersionName) -> Mapping[str, Any] | None:
        if name not in self._bodies:
            if len(self._bodies) >= _KEPT:
                del self._bodies[next(iter(self._bodies))]
            self._bodies[name] = self._read(name)
        return self._bodies[name]

    def _read(self, name: VersionName) -> Mapping[str, Any] | None:
        path = self._snapshot.layout.manifest(*name)
        data = self._snapshot.tree.read(path)
        value = None if data is None else self._snapshot.documents.load(data, path).value
        if data is not None and not isinstance(value, dict):
            raise InvalidError("must be a mapping", file=path, hint=f"modelreg validate {path}")
        return value

    def numbers(self, model: ModelName) -> Sequence[Version]:
        return self._model(model).numbers

    def standing(self, name: VersionName) -> Standing:
        model = self._model(name.model)
        if name.version in model.withdrawn:
            return Standing(None)
        stage = model.stages.stage_of(name.version, self._policy.initial)
        rule = self._policy.stages.get(stage)
        serving = rule is None or rule.announce or rule.protected  # a stage that the policy forgot may be in use
        since = self._since(name, stage) if stage != self._policy.initial else None
        return Standing(stage, since, model.stages.aliases_of(name.version), serving)

    def _since(self, name: VersionName, stage: Stage) -> str | None:
        """When it came into its stage, as the last record of that says."""
        for number in reversed(self._snapshot.transition_numbers(name.model)):
            transition = self._snapshot.transition(name.model, number)
            moved = transition.kind != "alias" and transition.version == name.version and transition.to == stage
            if moved or any(d.version == name.version and d.to == stage for d in transition.displaces):
                return str(transition.at)
        return None

    def _model(self, model: ModelName) -> _Model:
        if model not in self._models:
            snapshot = self._snapshot
            if len(self._models) >= _KEPT:
                self._models = {}
                snapshot.forget()
            there = snapshot.document(snapshot.layout.stages(model)) is not None
            self._models[model] = _Model(
                snapshot.versions(model), snapshot.withdrawn(model), snapshot.stages(model) if there else Stages()
            )
        return self._models[model]


@dataclass(frozen=True, slots=True)
class _Model:
    numbers: tuple[Version, ...]
    withdrawn: frozenset[Version]
    stages: Stages = field(default_factory=Stages)


class _Children:
    """Who names these versions as parents."""

    def __init__(self, versions: _Registered, mentions: Mentions) -> None:
        self._versions = versions
        self._mentions = mentions

    def __call__(self, wanted: Sequence[VersionName]) -> Mapping[VersionName, Sequence[Parent]]:
        among = frozenset(wanted)
        found: dict[VersionName, list[Parent]] = {}
        for name in self._mentions.made_of(wanted):
            named = [parent for parent in parents(self._versions.body(name) or {})[0] if parent.name in among]
            if named:
                found[name] = named
        return found
