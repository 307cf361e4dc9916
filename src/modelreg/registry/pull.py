"""`pull`: bring a version's artifacts into a fresh folder, checked byte for byte against its manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelreg.domain.address import Address
from modelreg.domain.manifest import Artifact, Manifest
from modelreg.domain.names import ModelName, parse_file
from modelreg.domain.version import Version
from modelreg.errors import ConflictError, DeniedError, IntegrityError, UnavailableError
from modelreg.registry.artifact_port import Progress
from modelreg.registry.facts import pointers_agree
from modelreg.registry.resolve import resolve
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.workspace import Workspace
from modelreg.registry.writing import sha256


@dataclass(frozen=True, slots=True)
class Pulled:
    """Where the artifacts lie now; paths in `files` are below `path`."""

    model: ModelName
    version: Version
    path: Path
    artifacts: tuple[Artifact, ...]

    def to_mapping(self) -> dict[str, Any]:
        files = [{"path": a.path, "sha256": a.sha256, "size_bytes": a.size_bytes} for a in self.artifacts]
        return {"model": self.model, "version": str(self.version), "path": str(self.path), "files": files}


def pull(
    workspace: Workspace,
    address: Address,
    target: Path,
    *,
    roles: Sequence[str] = (),
    ref: str | None = None,
    progress: Progress | None = None,
) -> Pulled:
    """Fetch the artifacts (all, or those of `roles`) into `target`, a folder that is made if it is missing.

    Nothing is overwritten (ConflictError). Raises NotFoundError, DeniedError for a withdrawn version, IntegrityError
    where bytes or pointers disagree with the manifest, UnavailableError where neither cache nor remote has them.
    """
    snapshot = workspace.snapshot(ref)
    version = resolve(snapshot, address)
    if version in snapshot.withdrawn(address.model):
        raise DeniedError(
            f"{address.model}@{version} is withdrawn and must not be served",
            hint=f"modelreg show {address.model}@{version} says why; modelreg list {address.model} shows the others",
        )
    manifest = snapshot.manifest(address.model, version, check=True)
    wanted = tuple(a for a in manifest.artifacts if not roles or a.role in roles)
    if not roles:
        _ = manifest.primary  # says where the files are, where they are not here
    if not pointers_agree(snapshot, manifest):
        raise IntegrityError(
            "the DVC pointers do not say what the manifest says",
            file=snapshot.layout.manifest(address.model, version),
            hint="modelreg validate names the difference",
        )
    taken = [a.path for a in wanted if (target / a.path).exists()]
    if taken:
        raise ConflictError(f"{target / taken[0]} exists; nothing is overwritten", hint="name another folder: --to DIR")
    _made(target)
    store = workspace.store()
    for artifact in wanted:
        store.export(
            artifact.md5,
            target / parse_file(artifact.path),
            sha256=artifact.sha256,
            size_bytes=artifact.size_bytes,
            listing=listing_of(snapshot, manifest, artifact),
            progress=progress,
        )
    return Pulled(address.model, version, target, wanted)


def _made(target: Path) -> None:
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        hint = "name another folder: --to DIR"
        raise UnavailableError(f"cannot be made a folder: {error.strerror}", file=str(target), hint=hint) from error


def listing_of(snapshot: Snapshot, manifest: Manifest, artifact: Artifact) -> bytes | None:
    """A folder's listing, which its digest binds. Raises IntegrityError where it is missing or other."""
    if artifact.listing_path is None:
        return None
    path = snapshot.layout.version(manifest.model, manifest.version, artifact.listing_path)
    data = snapshot.tree.read(path)
    if data is None or sha256(data) != artifact.sha256:
        raise IntegrityError("is not the listing that the manifest names", file=path)
    return data
