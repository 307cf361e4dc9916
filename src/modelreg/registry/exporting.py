"""`export mlflow`: this registry's models, made again in another one, and kept up to date there.

What was exported is found again by its tags, which name this registry, the model and the version: run again, an
export goes on where it was, and makes nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from modelreg.domain.address import Address
from modelreg.domain.foreign.entities import (
    MANIFEST_TAG,
    NO_STAGE,
    VERSION_TAG,
    ForeignModel,
    ForeignVersion,
    Upload,
)
from modelreg.domain.foreign.outward import (
    MODEL_TAG,
    STAGE_TAG,
    WITHDRAWN_TAG,
    address,
    elsewhere,
    had_no_run,
    marks,
    run_mark,
    run_of,
    tag_changes,
    tags_of,
    too_long,
    without_marks,
)
from modelreg.domain.foreign.standing import stage_there
from modelreg.domain.manifest import Manifest
from modelreg.domain.names import ModelName
from modelreg.domain.version import Version
from modelreg.registry.foreign import Counter, Destination, Naming
from modelreg.registry.pull import pull
from modelreg.registry.scratch import scratch
from modelreg.registry.sequence import sequence
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.transfer import REFUSALS, Transferred
from modelreg.registry.workspace import Workspace
from modelreg.registry.writing import manifest_sha256

ARCHIVED = "Archived"


@dataclass(slots=True)
class Exported(Transferred):
    """`created` are versions with their numbers there (None in a dry run), `changes` what was brought up to date."""

    created: list[tuple[Version, int | None]] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)

    def to_mapping(self) -> dict[str, Any]:
        """For --json."""
        return {
            "name": self.name,
            "model": self.model,
            "created": [{"version": str(version), "number": number} for version, number in self.created],
            "present": self.present,
            "changes": self.changes,
            "notes": self.notes,
            "not_exported": self.refused_mappings(),
        }


def export_models(
    workspace: Workspace,
    destination: Destination,
    naming: Naming,
    models: Sequence[ModelName],
    counter: Counter,
    *,
    dry_run: bool = False,
) -> Iterator[Exported]:
    """Export those models, or all; each is told when it is done.

    Raises NotFoundError for a model that is not here, UnavailableError where the other registry does not answer, or
    files are not to be had.
    """
    snapshot = workspace.snapshot()
    for model in models:
        snapshot.require_model(model)
    documents = {folder: snapshot.model(folder).value for folder in snapshot.models()}
    names = naming.there({folder: body.get("display_name") for folder, body in documents.items()})
    for model in models or snapshot.models():
        one = _Model(workspace, workspace.at(workspace.tip()), destination, Exported(names[model], model), dry_run)
        one.send(documents[model], counter)
        yield one.told


@dataclass(frozen=True, slots=True)
class _Model:
    """One model on its way."""

    workspace: Workspace
    snapshot: Snapshot
    destination: Destination
    told: Exported
    dry_run: bool

    @property
    def _registry(self) -> str:
        return self.workspace.settings.id

    def send(self, body: Mapping[str, Any], counter: Counter) -> None:
        model, told = self.told.model, self.told
        theirs = self.destination.model(told.name)
        mark = f"{self._registry}/{model}"
        if body.get("retired"):
            told.notes.append("it is retired, and not exported")
            return
        if theirs is not None and theirs.tags.get(MODEL_TAG) != mark:
            told.refuse("the model", f"there is a model {told.name} that did not come from here")
            return
        try:
            self._describe(theirs, body, mark)
        except REFUSALS as error:
            self.told.refuse("the model", error)
            return
        there = {} if theirs is None else self._there()
        versions = sequence(self.workspace, model, self.snapshot.commit)
        numbers: dict[Version, int] = {}
        counter.start(told.name, len(versions))
        try:
            for done, version in enumerate(versions, start=1):
                if number := self._send(version, there):
                    numbers[version] = number
                counter.reach(done)
        finally:
            counter.finish()
        self._name(numbers, theirs.aliases if theirs else {}, body.get("alias_names") or {})

    def _there(self) -> dict[str, ForeignVersion]:
        """The versions that were exported, by their mark."""
        found = self.destination.versions(self.told.name)
        return {version.tags[VERSION_TAG]: version for version in found if VERSION_TAG in version.tags}

    def _describe(self, theirs: ForeignModel | None, body: Mapping[str, Any], mark: str) -> None:
        name, description = self.told.name, str(body.get("description") or "")
        tags = without_marks(body.get("tags") or {}) | {MODEL_TAG: mark}
        if theirs is None:
            if not self.dry_run:
                self.destination.create_model(ForeignModel(name, description, tags))
            return
        changed, removed = tag_changes(tags, theirs.tags)
        if changed or removed or description != theirs.description:
            if not self.dry_run:
                self.destination.describe_model(name, description, changed, removed)
            self.told.changes.append("description and tags of the model")

    # --- versions

    def _send(self, version: Version, there: Mapping[str, ForeignVersion]) -> int | None:
        """The version's number there; None where it is not there (yet)."""
        model = self.told.model
        manifest = self.snapshot.manifest(model, version)
        known = there.get(address(self._registry, manifest))
        gone = version in self.snapshot.withdrawn(model)
        try:
            if known is None:
                if gone:
                    self.told.notes.append(f"{version} is withdrawn, and not exported")
                    return None
                known = self._create(manifest)
            else:
                self.told.present += 1
            if known is not None:
                self._bring_up_to_date(manifest, known, gone=gone)
        except REFUSALS as error:
            self.told.refuse(str(version), error)
        return known.number if known is not None and not gone else None

    def _create(self, manifest: Manifest) -> ForeignVersion | None:
        version = manifest.version
        if self.dry_run:
            self.told.created.append((version, None))
            return None
        sha256 = manifest_sha256(self.snapshot, self.snapshot.layout.manifest(manifest.model, version))
        annotations = self._annotations(manifest)
        run = run_of(manifest)
        self.told.notes += [f"{version}: the parameter {key[:60]!a} is too long for MLflow" for key in too_long(run)]
        source, beside = ("", {}) if manifest.artifacts else elsewhere(self._registry, manifest)
        id_ = None
        if manifest.artifacts or not had_no_run(manifest):
            id_ = self.destination.run(run_mark(self._registry, manifest), run)
        wanted = ForeignVersion(
            model=self.told.name,
            number=0,
            created=0,
            source=source,
            description=str(annotations.get("description") or ""),
            tags=tags_of(manifest, annotations) | beside | marks(self._registry, manifest, sha256),
            run=None if had_no_run(manifest) else id_,
        )
        with scratch() as folder:
            number = self.destination.create_version(wanted, self._upload(manifest, id_, folder))
        self.told.created.append((version, number))
        return replace(wanted, number=number)

    def _upload(self, manifest: Manifest, run: str | None, folder: Path) -> Upload | None:
        if not manifest.artifacts or run is None:
            return None
        pull(self.workspace, Address(manifest.model, version=manifest.version), folder / "files")
        below = f"modelreg/{manifest.model}/{manifest.version}"
        return Upload(run, folder / "files", below, manifest.primary.path)

    def _annotations(self, manifest: Manifest) -> Mapping[str, Any]:
        path = self.snapshot.layout.version(manifest.model, manifest.version, "annotations.yaml")
        document = self.snapshot.document(path)
        body: Mapping[str, Any] = document.value if document is not None else {}
        return body

    def _bring_up_to_date(self, manifest: Manifest, there: ForeignVersion, *, gone: bool) -> None:
        """Description, tags and stage. What is withdrawn here is archived there."""
        model, version = self.told.name, manifest.version
        sha256 = manifest_sha256(self.snapshot, self.snapshot.layout.manifest(manifest.model, version))
        if there.tags.get(MANIFEST_TAG) != sha256:
            self.told.refuse(str(version), "what stands there under its name has another manifest")
            return
        annotations = self._annotations(manifest)
        stage, extra = self._stage(version, gone=gone)
        tags = tags_of(manifest, annotations) | extra
        changed, removed = tag_changes(tags, there.tags)
        removed += tuple(key for key in (STAGE_TAG, WITHDRAWN_TAG) if key in there.tags and key not in tags)
        description = str(annotations.get("description") or "")
        if changed or removed or description != there.description:
            if not self.dry_run:
                self.destination.describe_version(model, there.number, description, changed, removed)
            self.told.changes.append(f"description and tags of {version}")
        if stage != there.stage:
            if not self.dry_run:
                self.destination.move(model, there.number, stage)
            self.told.changes.append(f"{version} to {stage}")

    def _stage(self, version: Version, *, gone: bool) -> tuple[str, dict[str, str]]:
        """MLflow's stage for it, and tags that say what MLflow's stages cannot."""
        policy = self.snapshot.policy()
        ours = self.snapshot.stages(self.told.model).stage_of(version, policy.initial)
        if gone:
            return ARCHIVED, {WITHDRAWN_TAG: "true"}
        stage = stage_there(ours, policy)
        return (NO_STAGE, {STAGE_TAG: str(ours)}) if stage is None else (stage, {})

    # --- aliases

    def _name(self, numbers: Mapping[Version, int], there: Mapping[str, int], called: Mapping[str, str]) -> None:
        """Aliases as they are here, and no others: the model there is a copy."""
        ours = self.snapshot.stages(self.told.model).aliases
        wanted = {
            called.get(alias, str(alias)): numbers[version] for alias, version in ours.items() if version in numbers
        }
        changes: dict[str, int | None] = {alias: n for alias, n in wanted.items() if there.get(alias) != n}
        changes |= dict.fromkeys(alias for alias in there if alias not in wanted)
        for alias, number in sorted(changes.items()):
            try:
                if not self.dry_run:
                    self.destination.point(self.told.name, alias, number)
            except REFUSALS as error:
                self.told.refuse(f"the alias {alias}", error)
            else:
                self.told.changes.append(f"alias {alias} at {number}" if number else f"no alias {alias}")
