"""What a schema cannot say of one model: names agree with folders, digests with bytes, stages with transitions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from modelreg.domain.document import Document, Path
from modelreg.domain.finding import Finding
from modelreg.domain.layout import Layout, Place
from modelreg.domain.manifest import Artifact, Manifest, datasets_of
from modelreg.domain.names import parse_file, parse_model
from modelreg.domain.version import Version
from modelreg.errors import InvalidError
from modelreg.registry.checking import Checked
from modelreg.registry.ports import Entry
from modelreg.registry.rules_stages import stage_rules
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.workspace import Workspace


def model_rules(
    checked: Checked, snapshot: Snapshot, workspace: Workspace, model: str, entries: Mapping[str, Entry]
) -> Iterator[Finding]:
    """All rules on one model's folder; `entries` are its files (others do not matter)."""
    layout = workspace.layout
    folder = layout.model_folder(model)
    try:
        parse_model(model)
    except InvalidError as error:
        yield Finding(folder, "name", error.message, line=1, hint=error.hint)
        return
    places = [p for p in (layout.place(path) for path in entries if path.startswith(folder)) if p]
    about = layout.model(model)
    if about not in entries:
        yield Finding(about, "missing", "every model has a model.yaml", line=1, hint="git log -- shows who removed it")
    elif (document := checked.documents.get(about)) and document.value["name"] != model:
        yield document.finding(("name",), "name", f"says {document.value['name']!r}, and its folder is {model}")
    versions = {p.version for p in places if p.kind == "manifest"}
    by_version: dict[str, list[Place]] = {}
    for place in places:
        if place.version is not None:
            by_version.setdefault(place.version, []).append(place)
    for name, files in sorted(by_version.items()):
        yield from _version_rules(checked, snapshot, layout, model, name, files)
    yield from stage_rules(checked, layout, model, places, {v for v in versions if v})
    if workspace.settings.dvc_yaml and versions:
        yield from _dvc_yaml(checked, workspace, model, [p.path for p in places if p.kind == "manifest"])


def _version_rules(
    checked: Checked, snapshot: Snapshot, layout: Layout, model: str, version: str, places: Iterable[Place]
) -> Iterator[Finding]:
    path = layout.manifest(model, version)
    folder = layout.version(model, version, "")
    by_kind: dict[str, list[str]] = {}
    for place in places:
        by_kind.setdefault(place.kind, []).append(place.path)
    try:
        Version.parse(version)
    except InvalidError as error:
        yield Finding(folder, "name", error.message, line=1, hint=error.hint)
        return
    if path not in by_kind.get("manifest", ()):
        yield Finding(path, "missing", "a version has a manifest", line=1, hint="modelreg register writes it")
        return
    digest = checked.sha256(path)
    document = checked.documents.get(path)
    if document is not None:
        yield from _manifest_rules(snapshot, layout, document, model, version)
        yield from _pointer_rules(checked, layout, document, by_kind.get("pointer", []))
    for statement in (*by_kind.get("evidence", ()), *by_kind.get("withdrawn", ())):
        if (said := checked.documents.get(statement)) is not None:
            yield from _bound(checked, layout, said, model, version, digest)


def _manifest_rules(
    snapshot: Snapshot, layout: Layout, document: Document, model: str, version: str
) -> Iterator[Finding]:
    body = document.value
    if body["model"] != model:
        yield document.finding(("model",), "name", f"says {body['model']!r}, and its folder is {model}")
    if body["version"] != version:
        yield document.finding(("version",), "name", f"says {body['version']}, and its folder is {version}")
    seen: set[str] = set()
    for index, entry in enumerate(body["artifacts"]):
        try:
            parse_file(entry["path"])
        except InvalidError as error:
            yield document.finding(("artifacts", index, "path"), "name", error.message, hint=error.hint)
        if entry["path"].lower() in seen:
            yield document.finding(("artifacts", index, "path"), "duplicate", "another artifact has this name")
        seen.add(entry["path"].lower())
    known = datasets_of(body)
    for name, metric in (body.get("metrics") or {}).items():
        dataset = metric.get("dataset")
        if isinstance(dataset, str) and dataset not in known:
            hint = "name an entry of lineage.data that has a sha256, or write {name, sha256}"
            message = f"{dataset!r} is not among lineage.data"
            yield document.finding(("metrics", name, "dataset"), "dataset", message, hint=hint)
    yield from _parents(snapshot, layout, document)


def _parents(snapshot: Snapshot, layout: Layout, document: Document) -> Iterator[Finding]:
    parents = (document.value.get("lineage") or {}).get("parents") or ()
    for index, parent in enumerate(parents):
        path = layout.manifest(parent["model"], parent["version"])
        if snapshot.tree.read(path) is None:
            message = f"there is no {parent['model']}@{parent['version']} in this registry"
            yield document.finding(("lineage", "parents", index), "parent", message)
        elif path == document.file:
            yield document.finding(("lineage", "parents", index), "parent", "a version is not its own parent")


def _pointer_rules(checked: Checked, layout: Layout, document: Document, pointers: Iterable[str]) -> Iterator[Finding]:
    manifest = Manifest.from_mapping(document.value)
    left = set(pointers)
    for index, artifact in enumerate(manifest.artifacts):
        path = layout.version(manifest.model, manifest.version, artifact.pointer)
        left.discard(path)
        if path not in checked.contents:
            message = f"{artifact.path} has no DVC pointer {artifact.pointer}"
            yield document.finding(("artifacts", index), "pointer", message)
        elif (pointer := checked.documents.get(path)) is not None:
            yield from _pointer(pointer, artifact)
        if artifact.listing_path is not None:
            listing = layout.version(manifest.model, manifest.version, artifact.listing_path)
            stated = document.value["artifacts"][index]["listing"]["sha256"]
            if checked.sha256(listing) != stated or stated != artifact.sha256:
                message = f"{artifact.listing_path} is missing or is not the listing that the manifest names"
                yield document.finding(("artifacts", index, "listing"), "digest", message)
        elif artifact.md5.endswith(".dir"):
            yield document.finding(("artifacts", index), "digest", "a folder needs a listing")
    for path in sorted(left):
        yield Finding(path, "pointer", "no artifact of the manifest has this pointer", line=1)


def _pointer(pointer: Document, artifact: Artifact) -> Iterator[Finding]:
    outs = pointer.value.get("outs") if isinstance(pointer.value, dict) else None
    if not isinstance(outs, list) or len(outs) != 1 or not isinstance(outs[0], dict):
        yield pointer.finding(("outs",), "pointer", "a pointer has one entry under outs")
        return
    expected: dict[str, Any] = {
        "md5": artifact.md5,
        "size": artifact.size_bytes,
        "hash": "md5",
        "path": artifact.path,
    }
    for key, value in expected.items():
        if outs[0].get(key) != value:
            message = f"is {str(outs[0].get(key))[:60]!a}, and the manifest says {value}"
            yield pointer.finding(("outs", 0, key), "digest" if key == "md5" else "pointer", message)
    more: list[Path] = [(key,) for key in pointer.value if key != "outs"]
    more += [("outs", 0, key) for key in outs[0] if key not in (*expected, "nfiles")]
    for place in more:  # wdir, deps, remote: DVC would write elsewhere, or fetch from elsewhere
        message = f"{str(place[-1])[:60]!a} does not belong in a pointer of a registry"
        yield pointer.finding(place, "pointer", message, hint="modelreg register writes the pointers")


def _bound(
    checked: Checked, layout: Layout, document: Document, model: str, version: str, digest: str | None
) -> Iterator[Finding]:
    """Evidence and tombstones name the manifest that they speak of."""
    registry = checked.documents.get(layout.registry)
    expected = {"model": model, "version": version, "manifest_sha256": digest}
    if registry is not None and "registry" in document.value:
        expected["registry"] = registry.value["id"]
    for key, value in expected.items():
        if value is not None and document.value.get(key) != value:
            message = f"is {str(document.value.get(key))[:70]!a}, and should be {value}"
            yield document.finding((key,), "digest" if key == "manifest_sha256" else "name", message)


def _dvc_yaml(checked: Checked, workspace: Workspace, model: str, manifests: Sequence[str]) -> Iterator[Finding]:
    """dvc.yaml's entry of the model names the model artifact of one of its versions."""
    layout = workspace.layout
    path = layout.dvc_yaml
    hint = "modelreg register keeps it; git checkout HEAD -- dvc.yaml brings it back"
    documents = [document for path in manifests if (document := checked.documents.get(path))]
    unread = [path for path in manifests if path in checked.contents and path not in checked.documents]
    models = [
        (d.file, entry["path"]) for d in documents for entry in d.value["artifacts"][:1] if entry["role"] != "lock"
    ]
    if not unread and not models:
        return  # no version has a file that DVC could resolve
    data = checked.contents.get(path)
    if data is None:
        yield Finding(path, "dvc-yaml", f"is missing, and should name {model}", line=1, hint=hint)
        return
    try:
        entry = workspace.documents.find(data, path, ("artifacts", model))
    except InvalidError as error:
        yield Finding(path, "yaml", error.message, line=error.line or 1, field=error.field, hint=error.hint or hint)
        return
    if entry is None:
        yield Finding(path, "dvc-yaml", f"has no entry artifacts.{model}", line=1, hint=hint)
        return
    named = entry.value.get("path") if isinstance(entry.value, dict) else None
    sound = {_folder(layout, file) + name for file, name in models}
    broken = any(str(named).startswith(_folder(layout, path)) for path in unread)
    if sound and named not in sound and not broken:
        message = f"{str(named)[:80]!a} is not the model of any version of {model}"
        yield entry.finding(("path",), "dvc-yaml", message, hint=hint)


def _folder(layout: Layout, path: str) -> str:
    """The folder of a file (with its `/`) as dvc.yaml writes it: from the registry's root."""
    below = path[len(layout.root) + 1 :] if layout.root else path
    return below.rsplit("/", 1)[0] + "/"
