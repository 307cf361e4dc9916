"""What the imports of artifacts have in common: an artifact of a commit becomes a version; and what came of it.

Killed at any moment an import goes on where it was: what has landed is found again by `source` of the manifests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelreg.domain.clock import stamp
from modelreg.domain.declared import DeclaredArtifact
from modelreg.domain.foreign.filing import file_name
from modelreg.domain.gto import model_name
from modelreg.domain.names import ModelName, metric_name
from modelreg.domain.plan import CommitId
from modelreg.domain.reports.harmless import one_line
from modelreg.domain.version import Bump, Version
from modelreg.errors import ConflictError, InvalidError
from modelreg.registry.origin import Fetched, GitOrigin
from modelreg.registry.register import register
from modelreg.registry.request import Request, Source
from modelreg.registry.scratch import scratch
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.transfer import Options, Transferred
from modelreg.registry.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Wanted(Options):
    """What to import, and how. `names` are of artifacts there (none: all), `models` and `stages` say what some are
    called here."""

    names: Sequence[str] = ()
    models: Mapping[str, str] = field(default_factory=dict)
    stages: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Brought(Transferred):
    """What came of one artifact: `registered` are versions that landed (or would), and whether with their files,
    `moves` their stage changes."""

    registered: list[tuple[str, bool]] = field(default_factory=list)
    moves: list[str] = field(default_factory=list)

    def to_mapping(self) -> dict[str, Any]:
        """For --json."""
        return {
            "name": self.name,
            "model": self.model,
            "registered": [{"version": version, "files": files} for version, files in self.registered],
            "present": self.present,
            "moves": self.moves,
            "notes": self.notes,
            "not_imported": self.refused_mappings(),
        }


@dataclass(frozen=True, slots=True)
class Coming:
    """A version on its way: `known_as` is its name there, `version` None: numbered here (`bump`); `again`: a version of
    its own even if its content is registered already."""

    tool: str
    artifact: str
    known_as: str
    commit: CommitId
    at: int
    by: str
    version: Version | None = None
    bump: Bump | None = None
    description: str = ""
    again: bool = True


def our_names(names: Iterable[str], wanted: Wanted) -> dict[ModelName, str]:
    """The artifacts by what they are called here. Raises InvalidError where two would be one model."""
    found: dict[ModelName, str] = {}
    for name in names:
        model = model_name(name, wanted.models)
        if model in found:
            raise InvalidError(f"{found[model]} and {name} would both be {model}", hint=f"--as {name}=ANOTHER")
        found[model] = name
    return found


def come_before(snapshot: Snapshot, tool: str, told: Brought, what: str) -> dict[str, Version] | None:
    """The versions that came from there, by their names there.

    None, and `what` is refused, where the model has versions and none of them did: it is another model.
    """
    versions = snapshot.versions(told.model) if snapshot.has_model(told.model) else ()
    found: dict[str, Version] = {}
    for version, body in zip(versions, snapshot.manifest_bodies(told.model, versions), strict=True):
        source = body.get("source") or {}
        if (source.get("tool"), source.get("model")) == (tool, told.name):
            found[str(source.get("version"))] = version
    if versions and not found:
        told.refuse(what, f"the model {told.model} is here, and none of its versions came from there")
        return None
    return found


def bring(
    workspace: Workspace,
    origin: GitOrigin,
    coming: Coming,
    declared: DeclaredArtifact | None,
    wanted: Wanted,
    told: Brought,
) -> Version:
    """Register it, with its files where they can be had. Raises one of REFUSALS where it may not come in."""
    with scratch() as folder:
        fetched = Fetched(None, "no dvc.yaml of that commit declares it")
        if declared is not None:
            fetched = Fetched(None, "not asked for")
            if wanted.artifacts:
                fetched = origin.fetch(coming.commit, declared.path, folder)
        metrics, params, notes = _measured(origin, coming, declared)
        facts = {"source": _source(origin, coming, declared), "lineage": {"code": _code(origin, coming)}}
        if params:
            facts["params"] = dict(params)
        request = Request(
            model=told.model,
            sources=[] if fetched.path is None else [_file(fetched.path)],
            metrics=metrics,
            facts=facts,
            about=_about(coming.artifact, told.model, declared),
            description=coming.description[:5000] or None,
            version=coming.version,
            bump=coming.bump,
            again=coming.again,
            labels={"labels": ", ".join(declared.labels)} if declared is not None and declared.labels else {},
        )
        done = register(workspace, request, push=wanted.push)
    if done.existing:
        told.present += 1
        return done.version
    told.registered.append((str(done.version), fetched.path is not None))
    told.notes += [f"{coming.known_as}: {note}" for note in notes]
    if fetched.path is None:
        told.notes.append(f"{coming.known_as}: only where its files are is recorded: {fetched.why}")
    return done.version


def check_tags(workspace: Workspace, origin: GitOrigin, model: ModelName) -> None:
    """A registry announces its versions by tags in GTO's grammar: GTO's own would say otherwise for ever.

    Raises ConflictError where tags of that name stand here and the model does not: they were made by somebody else.
    """
    artifact = workspace.layout.artifact_name(model)
    repository = workspace.repository
    standing = next((t.name for mark in "@#" for t in repository.tags(f"{artifact}{mark}*")), None)
    if standing is None or workspace.snapshot().has_model(model):
        return
    where = "this repository" if origin.same_as(repository.git_dir) else "the registry's repository"
    raise ConflictError(
        f"{where} has the tag {standing} of GTO's, and the registry announces {model} by tags of that name, elsewhere",
        hint="make the registry in another repository and import --from this one; or in a subfolder, whose name its"
        " tags begin with (modelreg init -C FOLDER); or call the model otherwise (--as)",
    )


def _file(path: Path) -> Source:
    """The file, by another name where the registry does not take its own."""
    return Source(path, name=file_name(path.name, path.name, ()))


def _measured(
    origin: GitOrigin, coming: Coming, declared: DeclaredArtifact | None
) -> tuple[dict[str, Any], Mapping[str, Any], list[str]]:
    if declared is None:
        return {}, {}, []
    try:
        metrics, params, notes = origin.measured(coming.commit, declared.name.rpartition(":")[0])
    except InvalidError as error:
        return {}, {}, [f"no metrics and parameters are recorded: {error}"]
    found, notes = {}, list(notes)
    for name, value in metrics.items():
        try:
            ours = metric_name(name)
        except InvalidError:
            ours = metric_name(f"m_{name}") if any(c.isalnum() and c.isascii() for c in name) else ""
        if not ours or ours in found:
            notes.append(f"the metric {name[:60]!a} is left out: there is no name for it here, or another has it")
            continue
        found[ours] = {"value": value} | ({"source_name": name} if name != ours else {})
    return found, params, notes


def _source(origin: GitOrigin, coming: Coming, declared: DeclaredArtifact | None) -> dict[str, Any]:
    path = f":{declared.path}" if declared is not None else ""
    found = {
        "uri": one_line(f"{origin.name}@{coming.commit}{path}", 4000),
        "tool": coming.tool,
        "model": coming.artifact[:500],
        "version": coming.known_as[:200],
        "created": stamp(coming.at),
        "by": one_line(coming.by, 254),
    }
    return {key: value for key, value in found.items() if value}


def _code(origin: GitOrigin, coming: Coming) -> dict[str, Any]:
    repository = {"repository": origin.name[:1000]} if "://" in origin.name else {}
    return {"commit": coming.commit} | repository


def _about(artifact: str, model: str, declared: DeclaredArtifact | None) -> dict[str, Any]:
    found = {"display_name": artifact} if artifact != model else {}
    if declared is not None and declared.description:
        found["description"] = declared.description[:5000]
    return found
