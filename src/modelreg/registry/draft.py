"""The files of one registration, rendered on one base: manifest, pointers, model.yaml, dvc.yaml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelreg.domain.clock import stamp
from modelreg.domain.formats import MEDIA_TYPES, format_of
from modelreg.domain.manifest import Artifact
from modelreg.domain.names import ModelName
from modelreg.domain.plan import CommitId, Plan
from modelreg.domain.tags import Registered, Step
from modelreg.domain.version import Version
from modelreg.registry.announce import announcing_all
from modelreg.registry.artifact_port import ArtifactStore, Stored
from modelreg.registry.naming import Named, named
from modelreg.registry.ports import Identity
from modelreg.registry.request import Request, Source
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.versioning import Decision
from modelreg.registry.workspace import Workspace
from modelreg.registry.writing import message, render, sha256


@dataclass(frozen=True, slots=True)
class Draft:
    """One registration on one base."""

    workspace: Workspace
    snapshot: Snapshot
    request: Request
    version: Version
    stored: Sequence[Stored]
    metrics: Mapping[str, Any]
    identity: Identity
    at: int

    def plan(self, base: CommitId, store: ArtifactStore | None, decision: Decision) -> Plan:
        """What lands: the version, and the records of the aliases that are to name it. Without a `store`, in a dry run,
        nothing was stored that could be embedded. Raises as `named`."""
        model, version, layout = self.request.model, self.version, self.workspace.layout
        path = layout.manifest(model, version)
        manifest = self._render(path, "manifest", self._manifest(decision.to_mapping()))
        files = {path: manifest} | self._beside() | self._about()
        if store is not None:
            for item in self.stored:
                files |= store.embedded_files(item.md5)
        if self.workspace.settings.dvc_yaml and self._first is not None:
            files[layout.dvc_yaml] = self._dvc_yaml(self._first)
        aliases = self._named(files) if self.request.aliases else None
        digest = sha256(manifest)
        trailers = {"Modelreg-Model": model, "Modelreg-Version": str(version), "Modelreg-Manifest": digest}
        title = f"Register {model} {version}"
        if aliases is not None:
            files |= aliases.files
            trailers |= aliases.trailers
            title += f" as {', '.join(dict.fromkeys(self.request.aliases))}"

        def steps(commit: CommitId) -> list[Step]:
            return [Registered(version, commit, self.at, digest), *(aliases.steps(commit) if aliases else ())]

        return Plan(
            branch=self.workspace.settings.branch,
            base=base,
            files=files,
            message=message(title, trailers, self.request.description or ""),
            at=self.at,
            announce=announcing_all(self.workspace, base, model, steps),
        )

    def _named(self, files: Mapping[str, bytes]) -> Named:
        model, aliases, by = self.request.model, self.request.aliases, self.identity.email
        return named(self.workspace, self.snapshot, model, aliases, self.version, by=by, at=self.at, brought=files)

    def _render(self, path: str, kind: str, body: Mapping[str, Any]) -> bytes:
        return render(self.workspace.documents, self.workspace.layout, path, kind, body)

    def body(self) -> Mapping[str, Any]:
        """The manifest's body as it would be read back: what it is compared by. Raises InvalidError as `plan` does."""
        path = self.workspace.layout.manifest(self.request.model, self.version)
        read: Mapping[str, Any] = self.workspace.documents.load(
            self._render(path, "manifest", self._manifest()), path
        ).value
        return read

    def _manifest(self, bump: Mapping[str, Any] | None = None) -> dict[str, Any]:
        body: dict[str, Any] = {
            "format": 1,
            "model": self.request.model,
            "version": str(self.version),
            "created": stamp(self.at),
            "author": {"name": self.identity.name, "email": self.identity.email},
        }
        if bump is not None:
            body["bump"] = dict(bump)
        facts = dict(self.request.facts)
        for key in ("framework", "architecture"):
            if key in facts:
                body[key] = facts.pop(key)
        body["artifacts"] = [self._artifact(*pair) for pair in zip(self.request.sources, self.stored, strict=True)]
        for key in ("source", "signature", "params"):
            if key in facts:
                body[key] = facts.pop(key)
        if self.metrics:
            body["metrics"] = dict(self.metrics)
        body |= facts
        if self.request.tags:
            body["tags"] = dict(self.request.tags)
        return body

    def _artifact(self, source: Source, item: Stored) -> dict[str, Any]:
        kind = source.format or format_of(item.name, folder=item.listing is not None)
        entry: dict[str, Any] = {"path": item.name, "role": source.role, "format": kind}
        if kind in MEDIA_TYPES and item.listing is None:
            entry["media_type"] = MEDIA_TYPES[kind]
        entry |= {"size_bytes": item.size_bytes, "sha256": item.sha256, "md5": item.md5}
        if item.listing is not None:
            entry["listing"] = {"path": f"{item.name}.sha256", "sha256": item.sha256}
        if source.details:
            entry["details"] = dict(source.details)
        return entry

    def _beside(self) -> dict[str, bytes]:
        """Pointers, listings, the .gitignore that DVC would write, annotations."""
        model, version, layout = self.request.model, self.version, self.workspace.layout
        files: dict[str, bytes] = {}
        for item in self.stored:
            name = Artifact(item.name, "", "", item.size_bytes, item.sha256, item.md5).pointer
            files[layout.version(model, version, name)] = self.workspace.documents.dump(pointer(item))
            if item.listing is not None:
                files[layout.version(model, version, f"{item.name}.sha256")] = item.listing
        if self.stored:
            ignored = "".join(f"/{item.name}\n" for item in self.stored)
            files[layout.version(model, version, ".gitignore")] = ignored.encode()
        notes: dict[str, Any] = {"description": self.request.description, "tags": dict(self.request.labels) or None}
        if said := {key: value for key, value in notes.items() if value is not None}:
            path = layout.version(model, version, "annotations.yaml")
            files[path] = self._render(path, "annotations", {"format": 1} | said)
        return files

    def _about(self) -> dict[str, bytes]:
        """model.yaml and an empty stages.yaml, for a model that is new."""
        model = self.request.model
        if self.snapshot.has_model(model):
            return {}
        return founding(self.workspace, model, self.request.about)

    @property
    def _first(self) -> Stored | None:
        """The model itself; None where its files are elsewhere."""
        pairs = zip(self.request.sources, self.stored, strict=True)
        return next((item for source, item in pairs if source.role != "lock"), None)

    def _dvc_yaml(self, first: Stored) -> bytes:
        """dvc.yaml with this model's entry naming this version, so that DVC resolves it at this commit."""
        layout, model = self.workspace.layout, self.request.model
        document = self.snapshot.document(layout.model(model))
        about = document.value if document else self.request.about
        inside = f"registry/{model}/{self.version}/{first.name}"
        entry = {"path": inside, "type": "model"}
        if about.get("description"):
            entry["desc"] = about["description"]
        text = self.snapshot.tree.read(layout.dvc_yaml) or b""
        return self.workspace.documents.splice(text, layout.dvc_yaml, ("artifacts", model), entry)


def founding(workspace: Workspace, model: ModelName, about: Mapping[str, Any]) -> dict[str, bytes]:
    """The files of a model that is new: model.yaml, which says `about`, and an empty stages.yaml."""
    layout, documents = workspace.layout, workspace.documents
    body = {"format": 1, "name": model, "task": "other"} | dict(about)
    stages = layout.stages(model)
    comment = "who stands where: the sum of transitions/, written by modelreg, not by hand"
    return {
        layout.model(model): render(documents, layout, layout.model(model), "model", body),
        stages: render(documents, layout, stages, "stages", {"format": 1, "aliases": {}}, comment),
    }


def pointer(item: Stored) -> dict[str, Any]:
    """The content of a `.dvc` file as `dvc add` writes it."""
    out: dict[str, Any] = {"md5": item.md5, "size": item.size_bytes}
    if item.listing is not None:
        out["nfiles"] = sum(1 for line in item.listing.splitlines() if line and not line.startswith(b"#"))
    return {"outs": [out | {"hash": "md5", "path": item.name}]}
