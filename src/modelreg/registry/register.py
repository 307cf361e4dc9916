"""Registration: artifacts into DVC's cache and remote, then manifest and pointers in one commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelreg.domain.clock import stamp
from modelreg.domain.manifest import Artifact
from modelreg.domain.metric import default_direction, number
from modelreg.domain.names import ModelName, collision_key, metric_name, parse_file
from modelreg.domain.plan import CommitId, Plan
from modelreg.domain.tags import Registered
from modelreg.domain.version import FIRST, Bump, Version
from modelreg.errors import DeniedError, InvalidError, NotFoundError, UsageError
from modelreg.registry.announce import announcing
from modelreg.registry.ports import ArtifactStore, Identity, Progress, Stored
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.workspace import Workspace
from modelreg.registry.writing import land, message, paths_of, render, sha256

FORMATS = {
    ".skops": "skops",
    ".onnx": "onnx",
    ".safetensors": "safetensors",
    ".pkl": "pickle",
    ".pickle": "pickle",
    ".joblib": "joblib",
    ".csv": "csv",
    ".json": "json",
    ".parquet": "parquet",
    ".pt": "pytorch",
    ".pth": "pytorch",
    ".h5": "hdf5",
    ".keras": "keras",
    ".gguf": "gguf",
    ".txt": "text",
}
MEDIA_TYPES = {
    "skops": "application/zip",
    "csv": "text/csv",
    "json": "application/json",
    "text": "text/plain",
}


@dataclass(frozen=True, slots=True)
class Source:
    """An artifact to register: where it lies, its role, its format (None: by its ending)."""

    path: Path
    role: str = "model"
    format: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be registered. `facts` are the manifest's other fields (signature, params, lineage, …) as they are
    to stand there; `about` the fields of model.yaml for a model that is new."""

    model: ModelName
    sources: Sequence[Source]
    metrics: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    description: str | None = None
    version: Version | None = None
    bump: Bump | None = None


@dataclass(frozen=True, slots=True)
class Registration:
    """What came of it. `commit` is None where nothing landed: already registered, or a dry run."""

    model: ModelName
    version: Version
    bump: str | None
    reasons: tuple[str, ...]
    commit: CommitId | None
    existing: bool
    files: tuple[str, ...]


def register(
    workspace: Workspace,
    request: Request,
    *,
    push: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Registration:
    """Register one version. The artifacts are in the remote before the commit names them.

    Content that is registered already lands nothing and names its version. Raises InvalidError for bad input,
    DeniedError for a version that exists, UnavailableError where the remote cannot be reached; nothing is changed then.
    """
    if request.version is not None and request.bump is not None:
        raise UsageError("--version and --bump exclude each other", hint="give one of them")
    identity = workspace.repository.identity()
    metrics = parse_metrics(request.metrics)
    store = workspace.store()
    snapshot = workspace.snapshot()
    _check_new_name(snapshot, request.model)
    _check_names(request.sources)
    stored = [store.add(source.path, dry_run=dry_run, progress=progress) for source in request.sources]
    _check_limits(snapshot, stored)
    if not dry_run and find_same(snapshot, request.model, stored) is None:
        store.push([item.md5 for item in stored])
    made: dict[str, Registration] = {}

    def plan(current: Snapshot, base: CommitId) -> Plan | None:
        same = find_same(current, request.model, stored)
        if same is not None:
            reasons: tuple[str, ...] = (f"the same content is registered already as {same}",)
            made["last"] = Registration(request.model, same, None, reasons, None, True, ())
            return None
        _check_parents(current, request)
        version, bump, reasons = _choose(current, request)
        made["last"] = Registration(request.model, version, bump, reasons, None, False, ())
        draft = _Draft(workspace, current, request, version, stored, metrics, identity, workspace.clock())
        return draft.plan(base, None if dry_run else store, bump, reasons)

    planned, landed = land(workspace, plan, push=push, dry_run=dry_run)
    last = made["last"]
    commit = landed.commit if landed else None
    return Registration(
        last.model, last.version, last.bump, last.reasons, commit, last.existing, tuple(paths_of(planned))
    )


def parse_metrics(given: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers, or mappings with a `value`, as the manifest writes them; nested groups join their names with `_`.

    Directions that are not given follow from the name. Raises InvalidError for what is no finite number.
    """
    found: dict[str, Any] = {}
    for raw, entry in _flat(given):
        name = metric_name(raw)
        body = dict(entry) if isinstance(entry, Mapping) else {"value": entry}
        if number(body.get("value")) is None:
            raise InvalidError(
                f"must be a finite number, not {str(body.get('value'))[:40]!a}",
                field=f"metrics.{raw[:60]}",
                hint="leave out what was not measured; NaN, infinity and text are no metrics",
            )
        if name in found:
            raise InvalidError(
                f"two metrics are called {name}", field=f"metrics.{raw[:60]}", hint="rename one of them in the metrics"
            )
        entry_out: dict[str, Any] = {"value": body.pop("value")}
        entry_out["direction"] = body.pop("direction", None) or default_direction(name)
        entry_out |= body
        if name != raw:
            entry_out.setdefault("source_name", raw)
        found[name] = entry_out
    return found


def _flat(given: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """DVCLive groups metrics (`{"train": {"loss": 0.1}}`): names joined, leaves in order."""
    found: list[tuple[str, Any]] = []
    for key, value in given.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and "value" not in value:
            found += _flat(value, f"{name}_")
        else:
            found.append((name, value))
    return found


def find_same(snapshot: Snapshot, model: ModelName, stored: Sequence[Stored]) -> Version | None:
    """The version in good standing whose model artifacts have exactly these bytes and names, if there is one."""
    wanted = {(item.name, item.sha256) for item in stored}
    digest = stored[0].sha256.encode()
    gone = snapshot.withdrawn(model)
    paths = {snapshot.layout.manifest(model, v): v for v in snapshot.versions(model) if v not in gone}
    for path, data in snapshot.tree.read_many(paths).items():
        if digest in data:  # parse only what can match
            manifest = snapshot.manifest(model, paths[path])
            if {(a.path, a.sha256) for a in manifest.artifacts} == wanted:
                return paths[path]
    return None


def _choose(snapshot: Snapshot, request: Request) -> tuple[Version, str | None, tuple[str, ...]]:
    """The version to register, how it was bumped, and why. Raises DeniedError where it exists."""
    taken = snapshot.versions(request.model)
    if request.version is not None:
        if request.version in taken:
            following = max(taken).bump("patch")
            raise DeniedError(
                f"{request.model} {request.version} is registered already with other content",
                hint=f"a version is never overwritten; the next free one is {following}",
            )
        return request.version, None, ("asked for",)
    if not taken:
        return FIRST, None, ("the first version",)
    bump: Bump = request.bump or "patch"
    reason = "asked for" if request.bump else "patch unless asked otherwise"
    return max(taken).bump(bump), bump, (reason,)


def _check_new_name(snapshot: Snapshot, model: ModelName) -> None:
    for other in snapshot.models():
        if other != model and collision_key(other) == collision_key(model):
            raise InvalidError(f"{model} differs from the model {other} only by - and _", hint="choose another name")


def _check_names(sources: Sequence[Source]) -> None:
    if not sources:
        raise UsageError("there is no artifact to register", hint="modelreg register MODEL ARTIFACT…")
    names = [parse_file(source.path.name) for source in sources]
    # Case-insensitive, and with the names that go beside them: a folder's listing, the pointer.
    taken: set[str] = set()
    for name in names:
        if name.lower() in taken:
            raise InvalidError(f"two artifacts are called {name}", hint="rename one of them")
        taken.add(name.lower())


def _check_parents(snapshot: Snapshot, request: Request) -> None:
    lineage = request.facts.get("lineage") or {}
    for parent in lineage.get("parents") or ():
        if Version.parse(parent["version"]) not in snapshot.versions(ModelName(parent["model"])):
            raise NotFoundError(
                f"there is no {parent['model']}@{parent['version']} in this registry to be a parent",
                hint="modelreg list shows what there is",
            )


def _check_limits(snapshot: Snapshot, stored: Sequence[Stored]) -> None:
    limits = snapshot.policy().limits
    for item in stored:
        allowed = limits.get("artifact_max_bytes")
        if allowed is not None and item.size_bytes > allowed:
            raise DeniedError(f"{item.name} has {item.size_bytes} bytes; the policy allows {allowed}")
    total, allowed = sum(item.size_bytes for item in stored), limits.get("version_max_bytes")
    if allowed is not None and total > allowed:
        raise DeniedError(f"the version has {total} bytes; the policy allows {allowed}")


@dataclass(frozen=True, slots=True)
class _Draft:
    """One registration on one base."""

    workspace: Workspace
    snapshot: Snapshot
    request: Request
    version: Version
    stored: Sequence[Stored]
    metrics: Mapping[str, Any]
    identity: Identity
    at: int

    def plan(self, base: CommitId, store: ArtifactStore | None, bump: str | None, reasons: tuple[str, ...]) -> Plan:
        model, version, layout = self.request.model, self.version, self.workspace.layout
        path = layout.manifest(model, version)
        manifest = self._render(path, "manifest", self._manifest(bump, reasons))
        files = {path: manifest} | self._beside() | self._about()
        if store is not None:  # a dry run stored nothing that could be embedded
            for item in self.stored:
                files |= store.embedded_files(item.md5)
        if self.workspace.settings.dvc_yaml:
            files[layout.dvc_yaml] = self._dvc_yaml()
        digest = sha256(manifest)
        trailers = {"Modelreg-Model": model, "Modelreg-Version": str(version), "Modelreg-Manifest": digest}

        def step(commit: CommitId) -> Registered:
            return Registered(version, commit, self.at, digest)

        return Plan(
            branch=self.workspace.settings.branch,
            base=base,
            files=files,
            message=message(f"Register {model} {version}", trailers, self.request.description or ""),
            at=self.at,
            announce=announcing(self.workspace, base, model, step),
        )

    def _render(self, path: str, kind: str, body: Mapping[str, Any]) -> bytes:
        return render(self.workspace.documents, self.workspace.layout, path, kind, body)

    def _manifest(self, bump: str | None, reasons: tuple[str, ...]) -> dict[str, Any]:
        taken = self.snapshot.versions(self.request.model)
        body: dict[str, Any] = {
            "format": 1,
            "model": self.request.model,
            "version": str(self.version),
            "created": stamp(self.at),
            "author": {"name": self.identity.name, "email": self.identity.email},
        }
        if bump:
            body["bump"] = {"kind": bump, "from": str(max(taken)), "reasons": list(reasons)}
        facts = dict(self.request.facts)
        for key in ("framework", "architecture"):
            if key in facts:
                body[key] = facts.pop(key)
        body["artifacts"] = [self._artifact(*pair) for pair in zip(self.request.sources, self.stored, strict=True)]
        for key in ("signature", "params"):
            if key in facts:
                body[key] = facts.pop(key)
        if self.metrics:
            body["metrics"] = dict(self.metrics)
        body |= facts
        if self.request.tags:
            body["tags"] = dict(self.request.tags)
        return body

    def _artifact(self, source: Source, item: Stored) -> dict[str, Any]:
        kind = source.format or FORMATS.get(source.path.suffix.lower(), "folder" if item.listing else "binary")
        entry: dict[str, Any] = {"path": item.name, "role": source.role, "format": kind}
        if kind in MEDIA_TYPES and item.listing is None:
            entry["media_type"] = MEDIA_TYPES[kind]
        entry |= {"size_bytes": item.size_bytes, "sha256": item.sha256, "md5": item.md5}
        if item.listing is not None:
            entry["listing"] = {"path": f"{item.name}.sha256", "sha256": item.sha256}
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
        ignored = "".join(f"/{item.name}\n" for item in self.stored)
        files[layout.version(model, version, ".gitignore")] = ignored.encode()
        if self.request.description:
            path = layout.version(model, version, "annotations.yaml")
            files[path] = self._render(path, "annotations", {"format": 1, "description": self.request.description})
        return files

    def _about(self) -> dict[str, bytes]:
        """model.yaml and an empty stages.yaml, for a model that is new."""
        model, layout = self.request.model, self.workspace.layout
        if self.snapshot.tree.read(layout.model(model)) is not None:
            return {}
        about = {"format": 1, "name": model, "task": "other"} | dict(self.request.about)
        stages = layout.stages(model)
        comment = "who stands where: the sum of transitions/, written by modelreg, not by hand"
        body = {"format": 1, "aliases": {}}
        return {
            layout.model(model): self._render(layout.model(model), "model", about),
            stages: render(self.workspace.documents, layout, stages, "stages", body, comment),
        }

    def _dvc_yaml(self) -> bytes:
        """dvc.yaml with this model's entry naming this version, so that DVC resolves it at this commit."""
        layout, model = self.workspace.layout, self.request.model
        document = self.snapshot.document(layout.model(model))
        about = document.value if document else self.request.about
        inside = f"registry/{model}/{self.version}/{self.stored[0].name}"
        entry = {"path": inside, "type": "model"}
        if about.get("description"):
            entry["desc"] = about["description"]
        text = self.snapshot.tree.read(layout.dvc_yaml) or b""
        return self.workspace.documents.splice(text, layout.dvc_yaml, ("artifacts", model), entry)


def pointer(item: Stored) -> dict[str, Any]:
    """The content of a `.dvc` file as `dvc add` writes it."""
    out: dict[str, Any] = {"md5": item.md5, "size": item.size_bytes}
    if item.listing is not None:
        out["nfiles"] = sum(1 for line in item.listing.splitlines() if line and not line.startswith(b"#"))
    return {"outs": [out | {"hash": "md5", "path": item.name}]}
