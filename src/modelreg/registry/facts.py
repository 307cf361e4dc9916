"""Facts for the gate, gathered before it is asked: only those that some requirement needs."""

from __future__ import annotations

from collections.abc import Iterable

from modelreg.domain.context import ArtifactLevel
from modelreg.domain.evidence import Evidence, of_type
from modelreg.domain.manifest import Manifest
from modelreg.domain.names import ModelName
from modelreg.domain.policy import Gate
from modelreg.domain.version import Version
from modelreg.errors import UnavailableError
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.workspace import Workspace


def artifact_level(
    workspace: Workspace,
    snapshot: Snapshot,
    gates: Iterable[Gate],
    model: ModelName,
    version: Version,
    statements: Iterable[Evidence] = (),
    *,
    remote: bool = True,
) -> ArtifactLevel | None:
    """How sure it is that the artifacts are there; None, which fails, where there are none (only the address of some),
    or a pointer is missing or differs.

    `recorded`: every pointer agrees with the manifest. `verified`: a signed verification of all artifacts that agreed
    is on record. `present`: a gate asks, `remote` may be asked, and it has all.
    """
    manifest = snapshot.manifest(model, version)
    if not manifest.content or not pointers_agree(snapshot, manifest):
        return None
    if any(_verifies(item, manifest) for item in of_type(statements, "verification")):
        return "verified"
    asked = {gate.require["artifacts"].get("at_least") for gate in gates if gate.require.get("artifacts")}
    if asked <= {None, "recorded"} or not remote:
        return "recorded"
    try:
        missing = workspace.store().missing([artifact.md5 for artifact in manifest.artifacts])
    except UnavailableError:
        return "recorded"
    return "recorded" if missing else "present"


def _verifies(item: Evidence, manifest: Manifest) -> bool:
    """Whether somebody signed that every artifact was read and agreed."""
    if item.signer is None or item.body.get("ok") is not True or item.body.get("level") != "verified":
        return False
    read = {(entry["path"], entry["sha256"]) for entry in item.body["artifacts"]}
    return {(artifact.path, artifact.sha256) for artifact in manifest.artifacts} <= read


def pointers_agree(snapshot: Snapshot, manifest: Manifest) -> bool:
    """Whether each artifact has a DVC pointer with its MD5, size and name."""
    for artifact in manifest.artifacts:
        document = snapshot.document(snapshot.layout.version(manifest.model, manifest.version, artifact.pointer))
        if document is None:
            return False
        outs = document.value.get("outs") if isinstance(document.value, dict) else None
        out = outs[0] if isinstance(outs, list) and len(outs) == 1 else None
        if not isinstance(out, dict):
            return False
        found = (out.get("md5"), out.get("size"), out.get("path"))
        if found != (artifact.md5, artifact.size_bytes, artifact.path):
            return False
    return True
