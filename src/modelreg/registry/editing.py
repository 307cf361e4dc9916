"""What may change about a model and its versions: descriptions, tags, names for people; and the end of a model."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from modelreg.domain.clock import stamp
from modelreg.domain.names import ModelName
from modelreg.domain.plan import CommitId, Plan
from modelreg.domain.stages import apply
from modelreg.domain.tags import Moved, Step
from modelreg.domain.transition import Transition
from modelreg.domain.version import Version
from modelreg.errors import DeniedError, InvalidError, UsageError
from modelreg.registry.announce import announcing_all
from modelreg.registry.draft import founding
from modelreg.registry.gate_rules import DECIDING
from modelreg.registry.register import check_new_name
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.withdraw import Withdrawing
from modelreg.registry.workspace import Workspace
from modelreg.registry.writing import land, message, next_number, paths_of, render

Change = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""From what a document says to what it shall say; asked again on every new tip, so it must not depend on the first."""


@dataclass(frozen=True, slots=True)
class Edited:
    """What came of it. `commit` is None where nothing landed: it said so already, or a dry run."""

    commit: CommitId | None
    files: tuple[str, ...]


def changing(
    *,
    description: str | None = None,
    tags: Mapping[str, str] | None = None,
    untag: Collection[str] = (),
    display_name: str | None = None,
) -> Change:
    """Fields that are given anew, the others as they were; what is empty goes. Raises UsageError for nothing at all."""
    wanted = {"description": description, "display_name": display_name}
    given = {key: value for key, value in wanted.items() if value is not None}
    gone = {untag} if isinstance(untag, str) else set(untag)
    if not given and not tags and not untag:
        raise UsageError("nothing is to change", hint="--description TEXT, --tag KEY=VALUE, --untag KEY")

    def change(before: Mapping[str, Any]) -> Mapping[str, Any]:
        kept = {key: value for key, value in (before.get("tags") or {}).items() if key not in gone}
        after = {**before, **given, "tags": {**kept, **(tags or {})}}
        return {key: value for key, value in after.items() if value not in ("", {})}

    return change


def create_model(
    workspace: Workspace, model: ModelName, about: Mapping[str, Any], *, push: bool = False, dry_run: bool = False
) -> Edited:
    """A model without versions; `about` are fields of model.yaml. Raises DeniedError where it exists already, or for
    who may not register it, InvalidError for a field that is not as it should be."""

    def plan(snapshot: Snapshot, base: CommitId) -> Plan | None:
        _may(workspace, snapshot, "register", model)
        if snapshot.has_model(model):
            raise DeniedError(f"the model {model} exists already", hint=f"modelreg list {model}")
        check_new_name(snapshot, model)
        return _plan(workspace, base, founding(workspace, model, about), f"Create {model}", model)

    return _landed(workspace, plan, push=push, dry_run=dry_run)


def edit_model(
    workspace: Workspace,
    model: ModelName,
    change: Change,
    *,
    title: str = "",
    push: bool = False,
    dry_run: bool = False,
) -> Edited:
    """Change model.yaml, comments and order kept; `title` is the commit's subject.

    Raises NotFoundError for an unknown model, DeniedError for who may not, and for what gates hang on where the policy
    asks for approvals of that; InvalidError.
    """

    def plan(snapshot: Snapshot, base: CommitId) -> Plan | None:
        _may(workspace, snapshot, "annotate", model)
        before = snapshot.model(model).value
        after = change(before)
        if after.get("name") != model:
            raise InvalidError("the folder's name is the model's, and stays", field="name", hint="display_name changes")
        asked = snapshot.policy(check=True).change
        decided = next((key for key in DECIDING if after.get(key) != before.get(key)), None)
        if decided is not None and asked is not None and asked[0] > 0:
            raise DeniedError(
                f"gates hang on the {decided} of {model}: a change needs {asked[0]} approvals of {asked[1]}",
                hint="change model.yaml in a pull request; modelreg policy approve",
            )
        files = edited(workspace, snapshot, workspace.layout.model(model), "model", lambda _: after)
        return _plan(workspace, base, files, title or f"Describe {model}", model) if files else None

    return _landed(workspace, plan, push=push, dry_run=dry_run)


def annotate(
    workspace: Workspace,
    model: ModelName,
    version: Version,
    change: Change,
    *,
    title: str = "",
    push: bool = False,
    dry_run: bool = False,
) -> Edited:
    """Change a version's annotations.yaml (description, tags), which may be new. Raises as `edit_model`."""

    def plan(snapshot: Snapshot, base: CommitId) -> Plan | None:
        _may(workspace, snapshot, "annotate", model)
        snapshot.manifest(model, version)
        path = workspace.layout.version(model, version, "annotations.yaml")
        files = edited(workspace, snapshot, path, "annotations", change)
        return _plan(workspace, base, files, title or f"Annotate {model} {version}", model, version) if files else None

    return _landed(workspace, plan, push=push, dry_run=dry_run)


def retire(workspace: Workspace, model: ModelName, *, reason: str, push: bool = False, dry_run: bool = False) -> Edited:
    """Take a model out of service as a whole, in one commit: every version in good standing is withdrawn, with a
    record and a tombstone each, and model.yaml says so. Nothing is deleted; its name for people is free again.

    Raises NotFoundError for an unknown model, GateDeniedError where one version may not be withdrawn. Retiring twice is
    no error and lands nothing.
    """
    by = workspace.repository.identity().email

    def plan(snapshot: Snapshot, base: CommitId) -> Plan | None:
        if snapshot.model(model).value.get("retired"):
            return None
        _may(workspace, snapshot, "annotate", model)
        policy, at, path = snapshot.policy(check=True), workspace.clock(), workspace.layout.model(model)
        retired = {"at": stamp(at), "by": by} | ({"reason": reason} if reason else {})
        files = edited(workspace, snapshot, path, "model", lambda before: {**before, "retired": retired})
        stages = snapshot.stages(model)
        moves: list[Transition] = []
        for version in snapshot.versions(model):
            if version in snapshot.withdrawn(model):
                continue
            out = Withdrawing(model, version, next_number(snapshot, model) + len(moves), by, at, reason)
            move, written = out.files(workspace, snapshot, stages, dry_run=dry_run)
            stages, files = apply(stages, move, policy.initial), files | written
            moves.append(move)

        def steps(commit: CommitId) -> list[Step]:
            return [Moved(move, commit, at, policy.announced, policy.initial) for move in moves]

        said = message(f"Retire {model}", {"Modelreg-Model": model}, reason)
        return Plan(workspace.settings.branch, base, files, said, at, announcing_all(workspace, base, model, steps))

    return _landed(workspace, plan, push=push, dry_run=dry_run)


def _landed(
    workspace: Workspace, plan: Callable[[Snapshot, CommitId], Plan | None], *, push: bool, dry_run: bool
) -> Edited:
    planned, landed = land(workspace, plan, push=push, dry_run=dry_run)
    return Edited(landed.commit if landed else None, tuple(paths_of(planned)))


def _may(workspace: Workspace, snapshot: Snapshot, action: str, model: ModelName) -> None:
    by = workspace.repository.identity().email
    if not snapshot.policy().may(by, action, model, None):
        raise DeniedError(
            f"no entry of the policy's access lets {by} {action} {model}",
            hint="policy.yaml says under access who may; git config user.email says who you are",
        )


def edited(workspace: Workspace, snapshot: Snapshot, path: str, kind: str, change: Change) -> dict[str, bytes]:
    """The document as it shall be, checked; empty where it says so already. An edit leaves comments as they are."""
    documents, text = workspace.documents, snapshot.tree.read(path)
    document = snapshot.document(path)
    before = document.value if document else {"format": 1}
    after = change(before)
    if after == before:
        return {}
    if text is None:
        return {path: render(documents, workspace.layout, path, kind, after)}
    data = documents.splice(text, path, (), after)
    for finding in documents.check(documents.load(data, path), kind):
        raise InvalidError(finding.message, file=path, field=finding.field, hint=finding.hint)
    return {path: data}


def _plan(
    workspace: Workspace,
    base: CommitId,
    files: Mapping[str, bytes],
    title: str,
    model: ModelName,
    version: Version | None = None,
) -> Plan:
    trailers: dict[str, str] = {"Modelreg-Model": model}
    if version is not None:
        trailers["Modelreg-Version"] = str(version)
    return Plan(workspace.settings.branch, base, files, message(title, trailers), workspace.clock())
