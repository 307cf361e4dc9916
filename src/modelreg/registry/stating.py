"""Statements made: rendered, named after their content, signed, and landed on the branch where they are to stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelreg.domain.clock import stamp
from modelreg.domain.evidence import Evidence
from modelreg.domain.names import ModelName
from modelreg.domain.plan import CommitId, Plan
from modelreg.domain.signers import APPROVAL, EVIDENCE, TRANSITION, in_force, is_principal, namespace_of, speaks
from modelreg.domain.version import Version
from modelreg.errors import DeniedError, NotFoundError
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.statements import Statements, statement_name
from modelreg.registry.workspace import Workspace
from modelreg.registry.writing import manifest_sha256, message, render

Key = Path | str
"""A private key, a public one whose private half an agent holds, or that public key as text."""

_SAID_ANEW = ("at", "not_after")


@dataclass(frozen=True, slots=True)
class Stated:
    """A statement on record, or (dry run) as it would be. `commit` is None where nothing landed; `existing` says that
    the same was said before, and needed nothing more."""

    path: str
    body: Mapping[str, Any]
    branch: str
    signer: str | None
    commit: CommitId | None = None
    existing: bool = False

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]


def target(workspace: Workspace, on: str | None) -> str | None:
    """The branch of `--on`, None for the protected one. Raises NotFoundError where there is no such branch here."""
    if on is None or on == workspace.settings.branch:
        return None
    if on not in workspace.repository.branches(on):
        raise NotFoundError(f"there is no branch {on[:100]!a} here", hint="git fetch origin, and try again")
    return on


def head_of(workspace: Workspace, on: str | None) -> Snapshot:
    """The registry as the branch of `--on` has it, local or origin's; without, the protected one."""
    branch = target(workspace, on)
    return workspace.snapshot() if branch is None else workspace.at(workspace.repository.branches(branch)[branch])


def common(
    workspace: Workspace, snapshot: Snapshot, model: ModelName, version: Version, type_: str, by: str, at: int
) -> dict[str, Any]:
    """What every statement says first. Raises NotFoundError for an unknown version."""
    snapshot.manifest(model, version)
    return {
        "format": 1,
        "type": type_,
        "registry": workspace.settings.id,
        "model": model,
        "version": str(version),
        "manifest_sha256": manifest_sha256(snapshot, workspace.layout.manifest(model, version)),
        "by": by,
        "at": stamp(at),
    }


def rendered(workspace: Workspace, model: ModelName, version: Version, body: Mapping[str, Any]) -> tuple[str, bytes]:
    """A statement's path, which its content decides, and its bytes. Raises InvalidError where its schema objects."""
    layout = workspace.layout
    folder = layout.version(model, version, "evidence/")
    data = render(workspace.documents, layout, f"{folder}statement.yaml", "evidence", body)
    return folder + statement_name(str(body["type"]), data), data


def said_before(known: tuple[Evidence, ...], body: Mapping[str, Any]) -> Evidence | None:
    """The same statement by the same person, whenever it was said; a signed one first."""

    def said(other: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in other.items() if key not in _SAID_ANEW}

    same = [item for item in known if said(item.body) == said(body)]
    return next((item for item in same if item.signer is not None), same[0] if same else None)


def check_key(workspace: Workspace, base: Snapshot, by: str, key: Key, namespace: str) -> None:
    """Raises DeniedError where a signature with `key` would not count by the base's signers, with the line to add."""
    layout = workspace.layout
    if not is_principal(by):
        hint = "git config user.email ann@example.org"
        raise DeniedError(
            f"{by[:100]!a} cannot be listed in {layout.allowed_signers}, so nobody signs as it", hint=hint
        )
    public = workspace.signatures.public_key(key)
    signers = in_force(base.tree.read(layout.allowed_signers) or b"", base.tree.read(layout.revoked_signers) or b"")
    if not speaks(signers, by, public, namespace):
        raise DeniedError(
            f"{layout.allowed_signers} on {workspace.settings.branch} does not list this key for {by} in {namespace}: "
            "the signature would count for nothing",
            hint=f'have this line added to it: {by} namespaces="{EVIDENCE},{APPROVAL},{TRANSITION}" {public}',
        )


def signed(workspace: Workspace, statements: Statements, path: str, data: bytes, by: str, key: Key) -> bytes:
    """The signature of a document at `path`. Raises DeniedError where it does not hold now: an expired key, perhaps."""
    body = workspace.documents.load(data, path).value
    place = workspace.layout.place(path)
    namespace = namespace_of(place.kind, str(body.get("type"))) if place else None
    if namespace is None:
        raise DeniedError("such a document is not signed", file=path)
    signature = workspace.signatures.sign(data, namespace=namespace, key=key)
    if statements.signer(path, data, signature, body) != by:
        hint = f"look at valid-after and valid-before in {workspace.layout.allowed_signers}"
        raise DeniedError(f"the key of {by} does not count at this time", hint=hint)
    return signature


def statement_plan(
    workspace: Workspace,
    branch: str | None,
    base: CommitId,
    files: Mapping[str, bytes],
    model: ModelName,
    version: Version,
    title: str,
    at: int,
    comment: str = "",
) -> Plan:
    """The plan of one commit that brings statements about a version."""
    names = dict.fromkeys(path.rsplit("/", 1)[-1].removesuffix(".sig") for path in sorted(files))
    trailers = {"Modelreg-Model": str(model), "Modelreg-Version": str(version), "Modelreg-Evidence": " ".join(names)}
    return Plan(
        branch=workspace.settings.branch if branch is None else branch,
        base=base,
        files=dict(files),
        message=message(title, trailers, comment),
        at=at,
    )
