"""What came out of a reproduction: the version that the code registered in its clone, or the files that it left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modelreg.domain.manifest import Artifact, Manifest
from modelreg.domain.plan import CommitId
from modelreg.domain.recipe import Recipe
from modelreg.registry.artifact_port import Stored
from modelreg.registry.sandbox import Sandbox
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.workspace import Workspace

Environment = tuple[str, Mapping[str, str]]
"""The version of Python, and of each distribution by name."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`body` is what came out, as the body of a manifest; `files` where artifacts lie in the clone, by name, which
    were not registered there."""

    body: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        return tuple(Artifact.from_mapping(entry) for entry in self.body["artifacts"])


def outcome_of(
    workspace: Workspace,
    manifest: Manifest,
    recipe: Recipe,
    room: Sandbox,
    before: CommitId | None,
    environment: Environment,
) -> Outcome | None:
    """What came out, or None where nothing did.

    Any modelreg may have registered it: the version is read from the clone's branch. What ran may have changed
    everything there, so it is read with the care that a stranger's repository is. Raises InvalidError.
    """
    if (registered := _registered(workspace, manifest, room, before)) is not None:
        return Outcome(registered)
    if recipe.outputs:
        return _left(manifest, recipe, room, environment)
    return _known_already(workspace, manifest, room, before)


def _registered(
    workspace: Workspace, manifest: Manifest, room: Sandbox, before: CommitId | None
) -> Mapping[str, Any] | None:
    """The body of the version that is new on the clone's branch: the same artifacts first, else the highest."""
    repository = room.repository()
    tip = repository.branch_tip(workspace.settings.branch)
    if tip is None or tip == before:
        return None
    now = Snapshot(repository.tree(tip), workspace.documents, workspace.layout, tip)
    old = Snapshot(repository.tree(before), workspace.documents, workspace.layout, before) if before else None
    known = old.versions(manifest.model) if old else ()
    new = [now.manifest(manifest.model, v, check=True) for v in now.versions(manifest.model) if v not in known]
    wanted = _digests(manifest.body)
    return next((m.body for m in new if _digests(m.body) == wanted), new[-1].body if new else None)


def _left(manifest: Manifest, recipe: Recipe, room: Sandbox, environment: Environment) -> Outcome | None:
    """The recorded body with what now lies where its files were, data sets and environment as they are now."""
    found = {name: room.left(path) for name, path in recipe.outputs.items()}
    if not any(found.values()):
        return None
    body = {key: value for key, value in manifest.body.items() if key != "metrics"}
    entries = [(entry, found.get(entry["path"])) for entry in body["artifacts"]]
    body["artifacts"] = [_again(entry, item) for entry, item in entries if item is not None]
    lineage = dict(body.get("lineage") or {})
    places = {data.name: data.path for data in recipe.data}
    lineage["data"] = [_data_now(entry, room, places.get(entry["name"])) for entry in lineage.get("data") or ()]
    python, packages = environment
    recorded = lineage.get("environment") or {}
    lineage["environment"] = recorded | {"python": python if recorded.get("python") else None}
    if recorded.get("packages"):
        lineage["environment"]["packages"] = dict(packages)
    body["lineage"] = lineage
    missing = [ascii(entry["path"])[1:-1] for entry, item in entries if item is None and entry.get("role") != "lock"]
    notes = (f"not made again: {', '.join(missing)}",) if missing else ()
    return Outcome(body, notes, recipe.outputs)


def _known_already(workspace: Workspace, manifest: Manifest, room: Sandbox, before: CommitId | None) -> Outcome | None:
    """Code that finds its content registered lands nothing. All artifacts of the version that it found are in the
    clone's cache then, which was empty before it ran."""
    known = [manifest]
    if before is not None:
        old = Snapshot(room.repository().tree(before), workspace.documents, workspace.layout, before)
        known += [old.manifest(manifest.model, version) for version in reversed(old.versions(manifest.model))]
    for number, other in enumerate(known):
        artifacts = [artifact for artifact in other.artifacts if artifact.role != "lock"]
        places = [room.folder / "recorded" / f"known-{number}-{n}" for n in range(len(artifacts))]
        if all(
            room.made(artifact.md5, place, sha256=artifact.sha256, size_bytes=artifact.size_bytes)
            for artifact, place in zip(artifacts, places, strict=True)
        ):
            note = f"the code found what it made registered as {other.version}, and registered nothing"
            return Outcome(other.body, (note,))
    return None


def _again(entry: Mapping[str, Any], item: Stored) -> dict[str, Any]:
    return dict(entry) | {"sha256": item.sha256, "md5": item.md5, "size_bytes": item.size_bytes}


def _data_now(entry: Mapping[str, Any], room: Sandbox, path: str | None) -> Mapping[str, Any]:
    """A data set as it lies there after the run; one that does not lie in the clone is taken as it was."""
    item = room.left(path) if path is not None else None
    if item is None or item.sha256 == entry.get("sha256"):
        return entry
    changed = {key: value for key, value in entry.items() if key not in ("rows", "columns", "files", "schema")}
    return _again(changed, item)


def _digests(body: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(e["path"], e["sha256"]) for e in body["artifacts"] if e.get("role") != "lock"}
