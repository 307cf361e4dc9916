"""`list`, `show`, `stage get`, `stage list`: what is, read from git objects at the protected branch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from modelreg.domain.address import Address
from modelreg.domain.manifest import Manifest
from modelreg.domain.names import ModelName, Stage
from modelreg.domain.version import Version
from modelreg.registry.resolve import resolve
from modelreg.registry.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Row:
    """One version in a list. `stage` is None for a withdrawn one."""

    model: ModelName
    version: Version
    stage: Stage | None
    aliases: tuple[str, ...]
    manifest: Manifest
    primary_metric: str | None

    def to_mapping(self) -> dict[str, Any]:
        body = self.manifest.body
        return {
            "model": self.model,
            "version": str(self.version),
            "stage": self.stage,
            "withdrawn": self.stage is None,
            "aliases": list(self.aliases),
            "created": body.get("created"),
            "metrics": {name: metric.value for name, metric in self.manifest.metrics.items()},
            "tags": dict(body.get("tags") or {}),
        }


def list_versions(snapshot: Snapshot, model: ModelName | None = None, stage: Stage | None = None) -> list[Row]:
    """Versions by model, newest first. Raises NotFoundError for an unknown model or stage."""
    policy = snapshot.policy()
    if stage is not None:
        from modelreg.domain.lifecycle import check_stage

        check_stage(policy, stage)
    if model is not None:
        snapshot.require_model(model)
    models = (model,) if model is not None else snapshot.models()
    layout = snapshot.layout
    versions = {name: snapshot.versions(name) for name in models}
    snapshot.load_many(layout.manifest(name, v) for name, listed in versions.items() for v in listed)
    rows: list[Row] = []
    for name, listed in versions.items():
        stages, gone = snapshot.stages(name), snapshot.withdrawn(name)
        primary = snapshot.model(name).value.get("primary_metric")
        for version in reversed(listed):
            where = None if version in gone else stages.stage_of(version, policy.initial)
            if stage is None or where == stage:
                manifest = snapshot.manifest(name, version)
                rows.append(Row(name, version, where, stages.aliases_of(version), manifest, primary))
    return rows


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
