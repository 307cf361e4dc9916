"""`list`, `show`, `stage get`, `stage list`: what is, read from git objects at the protected branch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

from modelreg.domain.address import Address
from modelreg.domain.card import Card, annotated, manifest_card
from modelreg.domain.names import ModelName, Stage
from modelreg.domain.version import Version
from modelreg.registry.index_port import Index, Listed
from modelreg.registry.resolve import resolve
from modelreg.registry.snapshot import Snapshot

FEW = 16
"""So many manifests of one model are read more quickly than an index is opened."""


@dataclass(frozen=True, slots=True)
class Row:
    """One version in a list. `stage` is None for a withdrawn one; `card` is as domain/card.py makes it."""

    model: ModelName
    version: Version
    stage: Stage | None
    aliases: tuple[str, ...]
    card: Card
    primary_metric: str | None

    @property
    def created(self) -> str | None:
        """When it was registered (UTC), as its manifest says."""
        value: str | None = self.card["created"]
        return value

    @property
    def metrics(self) -> dict[str, float]:
        return dict(self.card["metrics"])

    @property
    def tags(self) -> dict[str, str]:
        return dict(self.card["tags"])

    @property
    def metric(self) -> tuple[str, float] | None:
        """The model's primary metric, where the version has it: name and value."""
        name = self.primary_metric
        value = self.card["metrics"].get(name) if isinstance(name, str) else None
        return None if value is None else (str(name), value)

    def to_mapping(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "version": str(self.version),
            "stage": self.stage,
            "withdrawn": self.stage is None,
            "aliases": list(self.aliases),
            "created": self.created,
            "metrics": self.metrics,
            "tags": self.tags,
        }


class IndexedRows(Sequence[Row]):
    """Rows that the index gave, made when they are asked for."""

    def __init__(self, found: Sequence[Listed], initial: Stage) -> None:
        self._found = found
        self._initial = initial

    def __len__(self) -> int:
        return len(self._found)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        if isinstance(index, slice):
            return IndexedRows(self._found[index], self._initial)
        one = self._found[index]
        stage = None if one.withdrawn else Stage(one.stage) if one.stage else self._initial
        return Row(ModelName(one.model), Version.parse(one.version), stage, one.aliases, one.card, one.primary_metric)


def list_versions(
    snapshot: Snapshot,
    model: ModelName | None = None,
    stage: Stage | None = None,
    index: Callable[[], Index] | None = None,
) -> Sequence[Row]:
    """Versions by model, newest first; `index` opens one, where it pays. Raises NotFoundError for an unknown model or
    stage."""
    policy = snapshot.policy()
    if stage is not None:
        from modelreg.domain.lifecycle import check_stage

        check_stage(policy, stage)
    if model is not None:
        snapshot.require_model(model)
    few = model is not None and len(snapshot.versions(model)) <= FEW
    if index is not None and not few and (found := _indexed(snapshot, index, policy.initial, model, stage)) is not None:
        return IndexedRows(found, policy.initial)
    models = (model,) if model is not None else snapshot.models()
    return [row for row, _ in rows_of(snapshot, models, policy.initial) if stage is None or row.stage == stage]


def _indexed(
    snapshot: Snapshot, index: Callable[[], Index], initial: Stage, model: ModelName | None, stage: Stage | None
) -> Sequence[Listed] | None:
    from modelreg.domain.search import WITHDRAWN, Comparison, Field, Query

    if snapshot.commit is None or stage == WITHDRAWN:
        return None
    where = Comparison(Field("stage"), "=", (str(stage),)) if stage is not None else None
    return index().versions(snapshot.commit, Query(where), initial=initial, model=model)


def rows_of(snapshot: Snapshot, models: Sequence[ModelName], initial: Stage) -> Iterator[tuple[Row, Any]]:
    """All versions of these models, newest first, each with its manifest's mapping, annotated. Raises as
    `Snapshot.manifest`."""
    for name in models:
        stages, gone = snapshot.stages(name), snapshot.withdrawn(name)
        primary = snapshot.model(name).value.get("primary_metric")
        versions = snapshot.versions(name)[::-1]
        noted = snapshot.annotated(name)
        for version, manifest in zip(versions, snapshot.manifest_bodies(name, versions), strict=True):
            notes = snapshot.annotations(name, version) if version in noted else None
            body = annotated(manifest, notes)
            where = None if version in gone else stages.stage_of(version, initial)
            yield Row(name, version, where, stages.aliases_of(version), manifest_card(body), primary), body


def show(snapshot: Snapshot, address: Address) -> dict[str, Any]:
    """The manifest's mapping, and what else the tree says of the version. Raises NotFoundError."""
    version = resolve(snapshot, address)
    model, layout = address.model, snapshot.layout
    manifest = snapshot.manifest(model, version)
    stages, policy = snapshot.stages(model), snapshot.policy()
    tombstone = snapshot.document(layout.withdrawn(model, version))
    annotations = snapshot.document(layout.version(model, version, "annotations.yaml"))
    places = [layout.place(path) for path in snapshot.files(model)]
    evidence = [p.path for p in places if p and p.kind == "evidence" and p.version == str(version)]
    body = manifest.to_mapping()
    body["stage"] = None if tombstone else stages.stage_of(version, policy.initial)
    body["aliases"] = list(stages.aliases_of(version))
    body["annotations"] = _without_format(annotations.value) if annotations else {}
    body["evidence"] = evidence
    body["withdrawn"] = _without_format(tombstone.value) if tombstone else None
    return body


@dataclass(frozen=True, slots=True)
class StageAnswer:
    """Who stands in a stage; the one that answers first."""

    model: ModelName
    stage: Stage
    versions: tuple[Version, ...]

    def to_mapping(self) -> dict[str, Any]:
        return {"model": self.model, "stage": self.stage, "versions": [str(v) for v in self.versions]}


def stage_get(snapshot: Snapshot, model: ModelName, stage: Stage) -> StageAnswer:
    """Raises NotFoundError for an unknown model or stage, and where nobody stands there."""
    answer = resolve(snapshot, Address(model, stage=stage))
    held = snapshot.stages(model).holders.get(stage, ())
    return StageAnswer(model, stage, (answer, *(v for v in reversed(held) if v != answer)))


def stage_list(snapshot: Snapshot, model: ModelName) -> dict[str, Any]:
    """All stages of the policy with their versions (the last of a list answers), and the aliases."""
    snapshot.require_model(model)
    policy, stages, gone = snapshot.policy(), snapshot.stages(model), snapshot.withdrawn(model)
    listed: dict[str, list[str]] = {}
    for name in policy.stages:
        if name == policy.initial:
            free = (v for v in snapshot.versions(model) if stages.stage_of(v, name) == name and v not in gone)
            listed[name] = [str(v) for v in free]
        else:
            listed[name] = [str(v) for v in stages.holders.get(name, ())]
    aliases = {alias: str(version) for alias, version in sorted(stages.aliases.items())}
    return {"model": model, "stages": listed, "aliases": aliases}


def _without_format(value: Any) -> dict[str, Any]:
    return {k: v for k, v in value.items() if k != "format"} if isinstance(value, dict) else {}
