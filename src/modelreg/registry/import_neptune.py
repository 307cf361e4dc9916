"""`import neptune`: models and model versions of an export, and runs that are named, become models and versions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from modelreg.domain.clock import is_stamp
from modelreg.domain.foreign.filing import file_name
from modelreg.domain.gto import model_name
from modelreg.domain.names import ModelName, parse_stage
from modelreg.domain.neptune import Entity, EntityFacts, entity_facts
from modelreg.domain.reports.harmless import one_line
from modelreg.domain.version import Version
from modelreg.errors import InvalidError, NotFoundError
from modelreg.registry.import_git import Brought, Wanted, come_before
from modelreg.registry.register import register
from modelreg.registry.request import Request, Source
from modelreg.registry.stage import set_stage
from modelreg.registry.transfer import REFUSALS
from modelreg.registry.workspace import Workspace

TOOL = "neptune"
_NO_STAGE = ("", "none")
_ORDER = ("archived", "staging", "production")


class Export(Protocol):
    """An export of Neptune's, read as it lies there."""

    @property
    def name(self) -> str: ...

    def models(self) -> Iterator[Entity]: ...

    def versions(self) -> Iterator[Entity]: ...

    def runs(self, wanted: frozenset[str]) -> Iterator[Entity]: ...

    def file(self, entity: Entity, path: str) -> Path:
        """Raises NotFoundError, InvalidError."""


def import_neptune(
    workspace: Workspace,
    export: Export,
    runs: Mapping[str, str],
    wanted: Wanted,
    reach: Callable[[int, int], None],
) -> Iterator[Brought]:
    """Bring in the models (`wanted.names`: ids, none: all), and `runs` (id to model); each is told when it is done.

    Raises NotFoundError for a model or run that is not there, InvalidError for files that the exporter did not write,
    UnavailableError; what landed before stays.
    """
    models = {model.id: model for model in export.models()}
    versions: dict[str, list[Entity]] = {id_: [] for id_ in models}
    for version in export.versions():
        versions.setdefault(version.model_id, []).append(version)
    missing = next((name for name in wanted.names if name not in versions), None)
    if missing is not None:
        raise NotFoundError(
            f"no model {missing!a} is in the export", hint=f"known are: {', '.join(versions) or 'none'}"
        )
    coming = {
        (id_, _called(id_, models.get(id_), wanted)): sorted(found, key=lambda version: version.number)
        for id_, found in versions.items()
        if (id_ in wanted.names if wanted.names or runs else True)
    }
    found_runs = {run.id: run for run in export.runs(frozenset(runs))}
    lost = next((id_ for id_ in runs if id_ not in found_runs), None)
    if lost is not None:
        raise NotFoundError(f"no run {lost!a} is in the export")
    for id_, name in runs.items():
        coming.setdefault((name, model_name(name, {})), []).append(found_runs[id_])
    _check_names([model for _, model in coming])
    total, done = sum(map(len, coming.values())), 0
    for (id_, model), entities in coming.items():
        one = _Model(workspace, export, wanted, models.get(id_), Brought(id_, model))
        for _ in one.bring(entities):
            done += 1
            reach(done, total)
        yield one.told


def _called(id_: str, model: Entity | None, wanted: Wanted) -> ModelName:
    """As `--as` says, by its name, or by its id."""
    name = model.text("sys/name") if model is not None else ""
    for text in (id_, name) if id_ in wanted.models or not name else (name, id_):
        try:
            return model_name(text, wanted.models)
        except InvalidError:
            continue
    return model_name(id_, wanted.models)


def _check_names(models: Sequence[ModelName]) -> None:
    twice = next((name for name in models if models.count(name) > 1), None)
    if twice is not None:
        raise InvalidError(f"two models would both be {twice}", hint="--as ID=ANOTHER")


@dataclass(frozen=True, slots=True)
class _Model:
    """One model on its way; `about` is what the export says of it, if anything."""

    workspace: Workspace
    export: Export
    wanted: Wanted
    about: Entity | None
    told: Brought

    def bring(self, entities: Sequence[Entity]) -> Iterator[str]:
        """Register what is not here, then move to where it stood; yields the id of each that is done."""
        here = come_before(self.workspace.snapshot(), TOOL, self.told, self.told.name)
        if here is None:
            return
        placed: list[tuple[Entity, Version]] = []
        for entity in entities:
            version = here.get(entity.id)
            if version is not None:
                self.told.present += 1
            elif self.wanted.dry_run:
                self.told.registered.append((entity.id, self.wanted.artifacts))
            else:
                version = self._register(entity)
            placed += [(entity, version)] if version is not None else []
            yield entity.id
        self._stand(placed)

    def _register(self, entity: Entity) -> Version | None:
        facts = entity_facts(entity)
        try:
            sources, notes = self._files(entity, facts)
            fields = {"source": self._source(entity), "lineage": {"run": {"tracker": TOOL, "id": entity.id}}}
            request = Request(
                model=self.told.model,
                sources=sources,
                metrics=facts.metrics,
                facts=fields | ({"params": dict(facts.params)} if facts.params else {}),
                about=self._about(),
                description=entity.text("sys/description")[:5000] or None,
                bump="auto",
                again=True,
                labels={"tags": ", ".join(entity.tags)} if entity.tags else {},
            )
            done = register(self.workspace, request, push=self.wanted.push)
        except REFUSALS as error:
            self.told.refuse(entity.id, error)
            return None
        self.told.registered.append((str(done.version), bool(sources)))
        self.told.notes += [f"{entity.id}: {note}" for note in (*facts.notes, *notes)]
        return done.version

    def _files(self, entity: Entity, facts: EntityFacts) -> tuple[list[Source], list[str]]:
        if not self.wanted.artifacts:
            return [], ["its files are not asked for"]
        sources: list[Source] = []
        notes = []
        taken: set[str] = set()
        for path, value in facts.files.items():
            try:
                found = self.export.file(entity, value)
            except (NotFoundError, InvalidError) as error:
                notes.append(f"the file {path[:60]!a} is left out: {error.message}")
                continue
            name = file_name(path, found.name, taken)
            taken.add(name.lower())
            sources.append(Source(found, "other" if sources else "model", name=name))
        return sources, notes if sources else [*notes, "no file of it is registered"]

    def _source(self, entity: Entity) -> dict[str, str]:
        created = entity.text("sys/creation_time")
        found = {
            "uri": one_line(f"neptune:{entity.project}/{entity.id}", 4000),
            "tool": TOOL,
            "model": self.told.name[:500],
            "version": entity.id[:200],
            "by": one_line(entity.text("sys/owner"), 254),
            "created": created if is_stamp(created) else "",
        }
        return {key: value for key, value in found.items() if value}

    def _about(self) -> dict[str, str]:
        found = {} if self.told.name == self.told.model else {"display_name": self.told.name}
        if self.about is not None and self.about.text("sys/description"):
            found["description"] = self.about.text("sys/description")[:5000]
        return found

    def _stand(self, placed: Sequence[tuple[Entity, Version]]) -> None:
        """Move what was never moved here to where it stood there; of two in one stage the later comes last."""
        for stage in _ORDER:
            for entity, version in placed:
                theirs = entity.text("sys/stage").lower()
                if theirs == stage:
                    self._move(version, theirs)
        for entity, version in placed:
            theirs = entity.text("sys/stage").lower()
            if theirs not in (*_ORDER, *_NO_STAGE):
                self.told.refuse(f"{version} to {one_line(theirs, 60)}", "Neptune has no such stage")

    def _move(self, version: Version, theirs: str) -> None:
        model = self.told.model
        if any(transition.version == version for transition in self.workspace.snapshot().transitions(model)):
            return
        what = f"{version} to {theirs}"
        if self.wanted.dry_run:
            self.told.moves.append(what)
            return
        try:
            to = parse_stage(self.wanted.stages.get(theirs, theirs))
            reason = f"it stood in {theirs} in Neptune"
            change = set_stage(self.workspace, model, version, to, reason=reason, push=self.wanted.push)
        except REFUSALS as error:
            self.told.refuse(what, error)
        else:
            self.told.moves += [what] if change.commit is not None else []
