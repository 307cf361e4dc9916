"""What a version's exports are written from, read at the protected branch."""

from __future__ import annotations

from modelreg.domain.address import Address
from modelreg.domain.dossier import Dossier
from modelreg.domain.manifest import Manifest
from modelreg.errors import NotFoundError
from modelreg.registry.resolve import resolve
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.statements import Statements
from modelreg.registry.workspace import Workspace
from modelreg.registry.writing import sha256


def dossier(workspace: Workspace, address: Address, ref: str | None = None) -> Dossier:
    """Every document that goes into an export has passed its schema; evidence that did not is left out.

    Raises NotFoundError, InvalidError.
    """
    snapshot = workspace.snapshot(ref)
    version, model, layout = resolve(snapshot, address), address.model, snapshot.layout
    manifest = snapshot.manifest(model, version, check=True)
    tombstone_path, notes_path = layout.withdrawn(model, version), layout.version(model, version, "annotations.yaml")
    tombstone = snapshot.checked(tombstone_path, "withdrawn") if snapshot.document(tombstone_path) else None
    annotations = snapshot.checked(notes_path, "annotations") if snapshot.document(notes_path) else None
    stages = snapshot.stages(model)
    return Dossier(
        registry=workspace.settings.id,
        commit=str(snapshot.commit),
        manifest=manifest,
        manifest_sha256=sha256(snapshot.tree.read(layout.manifest(model, version)) or b""),
        about=snapshot.checked(layout.model(model), "model").value,
        stage=None if tombstone else stages.stage_of(version, snapshot.policy().initial),
        aliases=stages.aliases_of(version),
        annotations=annotations.value if annotations else {},
        withdrawn=str(tombstone.value.get("reason") or "no reason given") if tombstone else None,
        evidence=Statements(workspace, snapshot, snapshot, workspace.clock()).of(model, version),
        parents=_parents(snapshot, manifest),
    )


def _parents(snapshot: Snapshot, manifest: Manifest) -> dict[str, Manifest]:
    found: dict[str, Manifest] = {}
    for model, version in manifest.parents:
        try:
            found[f"{model}@{version}"] = snapshot.manifest(model, version, check=True)
        except NotFoundError:
            continue  # it may have been named before parents were looked up: the export says no more than its name
    return found
