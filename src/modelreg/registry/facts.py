"""Facts for the gate, gathered before it is asked: only those that some requirement needs."""

from __future__ import annotations

from collections.abc import Iterable

from modelreg.domain.gate import ArtifactLevel
from modelreg.domain.manifest import Manifest
from modelreg.domain.names import ModelName, Stage
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
    to: Stage,
) -> ArtifactLevel | None:
    """`recorded` where every pointer agrees with the manifest; `present` where a gate asks and the remote has all.

    None, which fails, for a pointer that is missing or differs. `verified` needs signed evidence, which this version
    does not read.
    """
    manifest = snapshot.manifest(model, version)
    if not pointers_agree(snapshot, manifest):
        return None
    asked = {g.require["artifacts"].get("at_least") for g in gates if g.stage == to and g.require.get("artifacts")}
    if asked <= {None, "recorded"}:
        return "recorded"
    try:
        missing = workspace.store().missing([artifact.md5 for artifact in manifest.artifacts])
    except UnavailableError:
        return "recorded"
    return "recorded" if missing else "present"


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
