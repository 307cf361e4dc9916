"""`verify`: does the record hold together? History, digests, artifacts and tags, from a clone alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from modelreg.domain.finding import Finding, failed
from modelreg.domain.manifest import Manifest
from modelreg.domain.names import ModelName
from modelreg.domain.version import Version
from modelreg.errors import IntegrityError, UnavailableError
from modelreg.registry.addonly import touched_since_landing
from modelreg.registry.announce import expected_tags
from modelreg.registry.artifact_port import ArtifactStore
from modelreg.registry.pull import listing_of
from modelreg.registry.rejudge import judged_again
from modelreg.registry.scratch import scratch
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.validate import validate_tree
from modelreg.registry.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Verification:
    """How many versions were looked at, and what does not hold. A missing tag is a warning: it can be made again."""

    versions: int
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether none of it is an error."""
        return not failed(self.findings)


def verify(
    workspace: Workspace,
    model: ModelName | None = None,
    version: Version | None = None,
    *,
    content: bool = False,
    offline: bool = False,
    strict: bool = False,
    fresh: bool = False,
) -> Verification:
    """Verify one version, a model, or (neither given) all of them; every landing is judged again by its own policy.

    Looks whether the remote has every object (not with `offline`); with `content` fetches and hashes them, with `fresh`
    from the remote even where they are cached. Raises
    NotFoundError for what does not exist, UnavailableError where history is missing (shallow) or the remote cannot
    be asked.
    """
    tip = workspace.tip()
    snapshot = workspace.at(tip)
    if model is not None:
        snapshot.require_model(model)
        if version is not None:
            snapshot.manifest(model, version)
    models = (model,) if model is not None else snapshot.models()
    chosen = [(m, v) for m in models for v in ([version] if version else snapshot.versions(m))]
    findings = [f for f in validate_tree(workspace, snapshot) if _concerns(workspace, f, model, version)]
    findings += touched_since_landing(workspace, tip, model)
    broken = {finding.file for finding in findings}
    sound = [(m, v) for m, v in chosen if workspace.layout.manifest(m, v) not in broken]
    if not offline:
        findings += _objects(workspace.store(), snapshot, _standing(snapshot, sound))
    if content:
        with scratch() as cache:
            store = workspace.fresh_store(cache) if fresh else workspace.store()
            findings += _contents(store, snapshot, _standing(snapshot, sound))
    findings += judged_again(workspace, tip, None if model is None else [model], strict=strict)
    findings += _tags(workspace, tip, models)
    return Verification(len(chosen), tuple(dict.fromkeys(findings)))


def _concerns(workspace: Workspace, finding: Finding, model: ModelName | None, version: Version | None) -> bool:
    place = workspace.layout.place(finding.file)
    if model is None or place is None or place.model is None:
        return True
    return place.model == model and (version is None or place.version in (None, str(version)))


def _standing(snapshot: Snapshot, versions: Iterable[tuple[ModelName, Version]]) -> Iterator[Manifest]:
    """The manifests of those that are not withdrawn, of one model at a time: nobody holds a hundred thousand."""
    for model, group in groupby(versions, key=itemgetter(0)):
        withdrawn = snapshot.withdrawn(model)
        yield from (snapshot.manifest(model, version) for _, version in group if version not in withdrawn)
        snapshot.forget()


def _objects(store: ArtifactStore, snapshot: Snapshot, manifests: Iterable[Manifest]) -> Iterator[Finding]:
    """Objects that the remote does not hold."""
    wanted = {
        a.md5: (snapshot.layout.version(m.model, m.version, a.pointer), a.path) for m in manifests for a in m.artifacts
    }
    for md5 in store.missing(list(wanted)) if wanted else ():
        # A folder's files are reported by their own names; the folder that holds them is not known here.
        path, name = wanted.get(md5, (None, ""))
        if path is None:
            yield Finding(
                "",
                "object-missing",
                f"the remote has no object {md5}",
                hint="dvc push from where it was made",
            )
            continue
        yield Finding(path, "object-missing", f"the remote does not have {name}", hint="dvc push, where it still is")


def _contents(store: ArtifactStore, snapshot: Snapshot, manifests: Iterable[Manifest]) -> Iterator[Finding]:
    """Bytes that are not what the manifest says."""
    for manifest in manifests:
        for artifact in manifest.artifacts:
            path = snapshot.layout.version(manifest.model, manifest.version, artifact.pointer)
            with scratch() as folder:
                try:
                    store.export(
                        artifact.md5,
                        folder / "artifact",
                        sha256=artifact.sha256,
                        size_bytes=artifact.size_bytes,
                        listing=listing_of(snapshot, manifest, artifact),
                    )
                except IntegrityError as error:
                    yield Finding(path, "content", error.message, hint=error.hint)
                except UnavailableError as error:
                    yield Finding(path, "object-missing", error.message, hint=error.hint)


def _tags(workspace: Workspace, tip: str, models: Sequence[ModelName]) -> Iterator[Finding]:
    """Tags that say something else than history (forged), or that are missing (can be made again)."""
    layout = workspace.layout
    wanted = {tag.name: tag for tag in expected_tags(workspace, workspace.tip(tip), models)}
    standing = {}
    for model in models:
        artifact = layout.artifact_name(model)
        for tag in (*workspace.repository.tags(f"{artifact}@*"), *workspace.repository.tags(f"{artifact}#*")):
            standing[tag.name] = tag
    for name, found in standing.items():
        expected = wanted.get(name)
        place = f"refs/tags/{name}"
        if expected is None:
            yield Finding(
                place,
                "tag-unknown",
                "no registration or transition calls for this tag",
                hint=f"git tag -d '{name}'",
            )
        elif not found.annotated or found.inner_name != name:
            yield Finding(
                place,
                "tag-forged",
                "is no annotated tag of that name",
                hint="modelreg announce makes it again",
            )
        elif found.target != expected.target or found.message.strip() != expected.message.strip():
            yield Finding(
                place,
                "tag-forged",
                "does not say what the history says",
                hint=f"git tag -d '{name}' && modelreg announce",
            )
    missing = [name for name in wanted if name not in standing]
    if missing:
        text = f"{len(missing)} of {len(wanted)} tags are missing ({', '.join(missing[:3])}, …); they can be made again"
        yield Finding("refs/tags", "tag-missing", text, severity="warning", hint="modelreg announce")
