"""`import mlflow`: models of another registry, landed version by version, then their stages and aliases.

Killed at any moment it goes on where it was: what has landed is found again by `source` of the manifests. Each model
is brought in as a whole before the next; what may not come in is told, and stops nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelreg.domain.foreign.entities import VERSION_TAG, Fetched, ForeignModel, ForeignVersion
from modelreg.domain.foreign.facts import TOOL, RunFacts, run_facts, source_of
from modelreg.domain.foreign.mlmodel import FILE, mlmodel_facts
from modelreg.domain.foreign.mlmodel_format import folder_format
from modelreg.domain.foreign.outward import without_marks
from modelreg.domain.foreign.standing import Standing
from modelreg.domain.names import parse_file
from modelreg.domain.version import Version
from modelreg.errors import InvalidError
from modelreg.registry.editing import Change, annotate, create_model, edit_model
from modelreg.registry.foreign import Counter, Naming, Origin
from modelreg.registry.import_standing import Stander
from modelreg.registry.register import register
from modelreg.registry.request import Request, Source
from modelreg.registry.scratch import scratch
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.transfer import REFUSALS, Imported, Landed, Options
from modelreg.registry.workspace import Workspace

LONGEST_DESCRIPTION = 5000
_MODEL = "model"


def import_models(
    workspace: Workspace, origin: Origin, naming: Naming, names: Sequence[str], options: Options, counter: Counter
) -> Iterator[Imported]:
    """Bring in those models, or all; each is told when it is done.

    Raises UnavailableError where the other registry, or the remote, does not answer, NotFoundError for a name that is
    not there; what was told, and what landed before, stays.
    """
    for model in origin.models(names):
        snapshot = workspace.snapshot()
        shown = {folder: snapshot.model(folder).value.get("display_name") for folder in snapshot.models()}
        one = _Model(workspace, origin, naming, options, model, Imported(model.name, naming.folder(model.name, shown)))
        one.bring(snapshot, counter)
        yield one.told


@dataclass(frozen=True, slots=True)
class _Known:
    """A version that is here: when it was made there as its manifest says, whether it is withdrawn here."""

    version: Version
    created: str | None
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class _Model:
    """One model on its way."""

    workspace: Workspace
    origin: Origin
    naming: Naming
    options: Options
    theirs: ForeignModel
    told: Imported

    def bring(self, snapshot: Snapshot, counter: Counter) -> None:
        ours, told = self.told.model, self.told
        new = not snapshot.has_model(ours)
        here = {} if new else self._here(snapshot)
        if not here and not new and snapshot.versions(ours):
            told.refuse(f"the model {self.theirs.name}", f"{ours} is here, and none of its versions came from there")
            return
        if (other := self._first_other(here)) is not None:
            why = f"its version {other} is another one than that which was imported: it is another registry's model"
            told.refuse(f"the model {self.theirs.name}", why)
            return
        if not self._describe(new=new):
            return
        standing: list[Standing] = []
        counter.start(self.theirs.name, self.theirs.last)
        try:
            for version in self.origin.versions(self.theirs.name):
                placed = self._place(snapshot, version, here.get(version.number))
                standing += [Standing(version.number, placed, version.stage)] if placed else []
                counter.reach(version.number)
        finally:
            counter.finish()
        if not (new and self.options.dry_run):
            stander = Stander(self.workspace, self.origin.name, self.naming, self.options, told)
            stander.stand(standing, self.theirs.aliases)

    def _here(self, snapshot: Snapshot) -> dict[int, _Known]:
        """The versions of the model that came from there, by their number there."""
        found = {}
        versions = snapshot.versions(self.told.model)
        gone = snapshot.withdrawn(self.told.model)
        for version, body in zip(versions, snapshot.manifest_bodies(self.told.model, versions), strict=True):
            source = body.get("source") or {}
            ours = source.get("tool") == TOOL and source.get("model") == self.theirs.name
            if ours and str(source.get("version")).isdecimal():
                found[int(source["version"])] = _Known(version, source.get("created"), version in gone)
        return found

    def _first_other(self, here: Mapping[int, _Known]) -> int | None:
        """The number of a version that was made at another time than the one that is here: two registries may have a
        model of one name. One version of each tells."""
        if not here:
            return None
        for version in self.origin.versions(self.theirs.name):
            if version.number in here:
                same = here[version.number].created == source_of(version)["created"]
                return None if same else version.number
        return None

    def _describe(self, *, new: bool) -> bool:
        """model.yaml as it is there. False where the model may not be created."""
        theirs, ours = self.theirs, self.told.model
        about = _kept(self._description(theirs.description, "the model"), without_marks(theirs.tags))
        if theirs.name != ours:
            about["display_name"] = theirs.name
        push, dry_run = self.options.push, self.options.dry_run
        try:
            if new:
                create_model(self.workspace, ours, about, push=push, dry_run=dry_run)
                return True
            done = edit_model(self.workspace, ours, _changed(about), push=push, dry_run=dry_run)
        except REFUSALS as error:
            self.told.refuse("the model" if new else "description and tags of the model", error)
            return not new
        self.told.changes += ["description and tags of the model"] if done.files else []
        return True

    def _place(self, snapshot: Snapshot, theirs: ForeignVersion, known: _Known | None) -> Version | None:
        """What the version is here in the end; None where it may not be, is withdrawn, or would be new (dry run)."""
        what = f"version {theirs.number}"
        if known is not None:
            self.told.present += 1
            if known.withdrawn:
                return None
            self._annotate(snapshot, theirs, known.version)
            return known.version
        if theirs.tags.get(VERSION_TAG, "").startswith(f"{self.workspace.settings.id}/"):
            self.told.notes.append(f"{what}: it was exported from this registry, and is not brought back")
            return None
        if not theirs.ready:
            self.told.refuse(what, "its registration there is not complete")
            return None
        if self.options.dry_run:
            self.told.landed.append(Landed(theirs.number, None, self.options.artifacts))
            return None
        try:
            landed = self._register(theirs)
        except REFUSALS as error:
            self.told.refuse(what, error)
            return None
        self.told.landed.append(landed)
        return landed.version

    def _register(self, theirs: ForeignVersion) -> Landed:
        what = f"version {theirs.number}"
        run = self.origin.run(theirs)
        made = run_facts(run) if run is not None else RunFacts({}, {}, ())
        with scratch() as folder:
            fetched = Fetched(None, "no file was asked for")
            if self.options.artifacts:
                fetched = self.origin.fetch(theirs, folder)
            sources, facts = self._files(fetched.path)
            request = Request(
                model=self.told.model,
                sources=sources,
                metrics=made.metrics,
                facts={"source": source_of(theirs, fetched.location)} | _joined(facts, made.facts),
                description=self._description(theirs.description, what) or None,
                labels=without_marks(theirs.tags),
                bump="auto",
                again=True,
            )
            done = register(self.workspace, request, push=self.options.push)
        self.told.notes += [f"{what}: {note}" for note in made.notes]
        if fetched.path is None:
            self.told.notes.append(f"{what}: only the address of its files is recorded: {fetched.why}")
        return Landed(theirs.number, done.version, fetched.path is not None)

    def _files(self, path: Path | None) -> tuple[list[Source], dict[str, Any]]:
        """What is registered, and what its MLmodel file says."""
        if path is None:
            return [], {}
        described = path / FILE
        if not described.is_file() or described.is_symlink():
            return [Source(path, name=_called(path))], {}
        try:
            body = self.workspace.documents.load(described.read_bytes(), FILE).value
        except InvalidError as error:
            self.told.notes.append(f"{error}: no signature is recorded")
            body = {}
        body = body if isinstance(body, Mapping) else {}
        files = [one.relative_to(path).as_posix() for one in path.rglob("*") if one.is_symlink() or not one.is_dir()]
        return [Source(path, format=folder_format(body, files), name=_called(path))], mlmodel_facts(body)

    def _annotate(self, snapshot: Snapshot, theirs: ForeignVersion, version: Version) -> None:
        """Description and tags as they are there."""
        model, what = self.told.model, f"version {theirs.number}"
        change = _changed(_kept(self._description(theirs.description, what), without_marks(theirs.tags)))
        text = snapshot.tree.read(snapshot.layout.version(model, version, "annotations.yaml"))
        before = snapshot.documents.load(text, "annotations.yaml").value if text is not None else {"format": 1}
        if change(before) == before:
            return
        push, dry_run = self.options.push, self.options.dry_run
        try:
            annotate(self.workspace, model, version, change, push=push, dry_run=dry_run)
        except REFUSALS as error:
            self.told.refuse(f"description and tags of {what}", error)
        else:
            self.told.changes.append(f"description and tags of {what}")

    def _description(self, text: str, what: str) -> str:
        if len(text) <= LONGEST_DESCRIPTION:
            return text
        self.told.refuse(f"the description of {what}", f"{len(text)} characters are too many")
        return ""


def _called(path: Path) -> str:
    """What files are called here: a folder `model`, a file as it is there if it can be."""
    if path.is_dir():
        return _MODEL
    try:
        return parse_file(path.name)
    except InvalidError:
        return _MODEL


def _kept(description: str, tags: Mapping[str, str]) -> dict[str, Any]:
    """Description and tags as documents have them: absent where there are none."""
    given = {"description": description, "tags": dict(sorted(tags.items()))}
    return {key: value for key, value in given.items() if value}


def _changed(wanted: Mapping[str, Any]) -> Change:
    """The change that makes a document say just this of what the other registry is asked for."""

    def change(before: Mapping[str, Any]) -> Mapping[str, Any]:
        kept = {key: value for key, value in before.items() if key not in ("description", "tags")}
        return kept | dict(wanted)

    return change


def _joined(files: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, Any]:
    """What the files say of themselves, and what the run says."""
    found = {key: value for key, value in files.items() if key != "environment"} | dict(run)
    if "environment" in files:
        found["lineage"] = {**(run.get("lineage") or {}), "environment": files["environment"]}
    return found
