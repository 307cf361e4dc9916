"""`verify --record`: that every byte was read and agreed, as a statement that gates may ask for."""

from __future__ import annotations

from modelreg.domain.finding import failed
from modelreg.domain.names import ModelName
from modelreg.domain.version import Version
from modelreg.errors import DeniedError
from modelreg.registry.evidence import Content, add_evidence
from modelreg.registry.stating import Key, Stated
from modelreg.registry.verify import Verification
from modelreg.registry.workspace import Workspace


def record_verification(
    workspace: Workspace,
    model: ModelName,
    version: Version,
    verification: Verification,
    *,
    key: Key | None = None,
    push: bool = False,
) -> Stated:
    """State that a verification of this version's content, read fresh, agreed; a gate takes it only where it is signed.

    Raises DeniedError where it did not agree or, the version being withdrawn, read nothing; else as `add_evidence`.
    """
    snapshot = workspace.snapshot()
    if failed(verification.findings):
        raise DeniedError("what does not hold is not recorded as verified")
    if version in snapshot.withdrawn(model):
        raise DeniedError(f"{model}@{version} is withdrawn: its content was not read")
    fields = {
        "level": "verified",
        "ok": True,
        "remote": workspace.settings.remote,
        "artifacts": [
            {"path": artifact.path, "sha256": artifact.sha256, "size_bytes": artifact.size_bytes}
            for artifact in snapshot.manifest(model, version).artifacts
        ],
    }
    return add_evidence(workspace, model, version, Content("verification", fields), key=key, push=push)
