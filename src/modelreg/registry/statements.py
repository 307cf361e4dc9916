"""Evidence of a version, read from a tree: checked, bound to its manifest, and with whose signature it carries."""

from __future__ import annotations

from modelreg.domain.evidence import Evidence
from modelreg.domain.finding import failed
from modelreg.domain.names import ModelName
from modelreg.domain.signers import namespace_of
from modelreg.domain.version import Version
from modelreg.errors import ModelregError
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.workspace import Workspace
from modelreg.registry.writing import sha256

NAME_DIGITS = 12
"""How many hex digits of its content's sha256 a statement's file name has: two names never hold one statement."""


def statement_name(type_: str, data: bytes) -> str:
    return f"{type_}-{sha256(data)[:NAME_DIGITS]}.yaml"


def approval_name(data: bytes) -> str:
    """Of an approval of a change of the rules."""
    return f"{sha256(data)[:NAME_DIGITS]}.yaml"


class Statements:
    """Reads evidence from `head` as `base` lets it count: by base's signers and revocations, at time `now`."""

    def __init__(self, workspace: Workspace, base: Snapshot, head: Snapshot, now: int) -> None:
        self._workspace = workspace
        self._base = base
        self._head = head
        self._now = now
        layout = workspace.layout
        self._signers = base.tree.read(layout.allowed_signers) or b""
        self._revoked = base.tree.read(layout.revoked_signers) or b""

    def of(self, model: ModelName, version: Version) -> tuple[Evidence, ...]:
        """All statements that are well-formed and about this manifest; what is not does not count, and `validate`
        says why."""
        layout = self._workspace.layout
        folder = layout.version(model, version, "evidence/")
        paths = [path for path in self._head.tree.paths(folder) if path.endswith(".yaml")]
        before = self._base.tree.read_many(paths) if self._base is not self._head else {}
        contents = self._head.tree.read_many([*paths, *(f"{path}.sig" for path in paths)])
        manifest = self._head.tree.read(layout.manifest(model, version)) or b""
        bound = {
            "registry": self._workspace.settings.id,
            "model": model,
            "version": str(version),
            "manifest_sha256": sha256(manifest),
        }
        found = []
        for path in paths:
            data = contents.get(path)
            if data is None or (body := self._body(path, data, bound)) is None:
                continue
            on_base = self._base is self._head or before.get(path) == data
            signer = self.signer(path, data, contents.get(f"{path}.sig"), body)
            found.append(Evidence(path, body, on_base, signer))
        return tuple(found)

    def signer(self, path: str, data: bytes, signature: bytes | None, body: dict[str, object]) -> str | None:
        """The person of `by`, where the signature beside the document is theirs; else None."""
        place = self._workspace.layout.place(path)
        namespace = namespace_of(place.kind, str(body.get("type"))) if place else None
        by = body.get("by")
        if signature is None or namespace is None or not isinstance(by, str) or not self._signers:
            return None
        holds = self._workspace.signatures.verified(
            data,
            signature,
            namespace=namespace,
            principal=by,
            signers=self._signers,
            revoked=self._revoked,
            at=self._now,
        )
        return by if holds else None

    def _body(self, path: str, data: bytes, bound: dict[str, str]) -> dict[str, object] | None:
        try:
            document = self._workspace.documents.load(data, path)
        except ModelregError:
            return None
        body = document.value
        if failed(self._workspace.documents.check(document, "evidence")) or not isinstance(body, dict):
            return None
        name = path.rsplit("/", 1)[-1]
        if name != statement_name(str(body["type"]), data) or any(body.get(k) != v for k, v in bound.items()):
            return None
        return body
