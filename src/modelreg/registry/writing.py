"""What every write has in common: documents rendered and checked before they land, and the message of the commit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modelreg.domain.finding import failed
from modelreg.domain.layout import Layout, schema_header
from modelreg.domain.names import ModelName
from modelreg.domain.plan import CommitId, Plan
from modelreg.domain.policy import Policy
from modelreg.domain.stages import Stages, apply
from modelreg.domain.transition import Transition
from modelreg.errors import InvalidError, NotARegistryError
from modelreg.registry.ports import Documents, Landed
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.workspace import Workspace


def render(
    documents: Documents,
    layout: Layout,
    path: str,
    kind: str,
    body: Mapping[str, Any],
    comment: str | None = None,
) -> bytes:
    """The bytes of a document, which passes its schema. Raises InvalidError (the first finding) where it does not."""
    data = documents.dump(body, schema=schema_header(path, kind, layout.root), comment=comment)
    for finding in documents.check(documents.load(data, path), kind):
        if failed([finding]):
            raise InvalidError(finding.message, field=finding.field, hint=finding.hint)
    return data


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def message(title: str, trailers: Mapping[str, str], body: str = "") -> str:
    """A commit message with trailers, for people; nothing reads it back."""
    lines = "".join(f"{key}: {' '.join(value.split())}\n" for key, value in trailers.items())
    middle = f"{body.strip()}\n\n" if body.strip() else ""
    return f"{title}\n\n{middle}{lines}"


def transition_files(workspace: Workspace, policy: Policy, before: Stages, transition: Transition) -> dict[str, bytes]:
    """A transition's record and the stages.yaml that is the new sum."""
    layout, documents = workspace.layout, workspace.documents
    model = transition.model
    after = apply(before, transition, policy.initial)
    record = layout.transition(model, transition.number)
    stages = layout.stages(model)
    comment = f"the sum of transitions/, the last of them {transition.number:04d}: written by modelreg, not by hand"
    body = after.to_mapping(tuple(policy.stages), policy.exclusive)
    return {
        record: render(documents, layout, record, "transition", transition.to_mapping()),
        stages: render(documents, layout, stages, "stages", body, comment),
    }


def next_number(snapshot: Snapshot, model: ModelName) -> int:
    """Transitions count per model from 1, without gap."""
    return max(snapshot.transition_numbers(model), default=0) + 1


def manifest_sha256(snapshot: Snapshot, path: str) -> str:
    """The digest of the stored bytes of a manifest, which must exist."""
    data = snapshot.tree.read(path)
    if data is None:
        raise InvalidError("is missing", file=path)
    return sha256(data)


def land(
    workspace: Workspace,
    plan: Callable[[Snapshot, CommitId], Plan | None],
    *,
    push: bool,
    dry_run: bool,
    branch: str | None = None,
) -> tuple[Plan | None, Landed | None]:
    """Plan on the branch's tip and, unless `dry_run`, land it. Returns the last plan made, and what landed of it.

    `branch` is a proposal's, which may be written whatever is checked out; without, the protected branch is meant.
    """
    last: list[Plan | None] = [None]
    target = workspace.settings.branch if branch is None else branch

    def planner(base: CommitId | None) -> Plan | None:
        if base is None:
            raise NotARegistryError(f"the branch {target} has no commit", hint="run `modelreg init`")
        made = plan(workspace.at(base), base)
        last[0] = made if made is None or workspace.finish is None else workspace.finish(made)
        return last[0]

    if dry_run:
        planner(workspace.repository.branch_tip(target))
        return last[0], None
    force = workspace.other_branch or branch is not None
    landed = workspace.repository.land(planner, target, push=push, force_branch=force)
    if landed is not None and landed.plan.announce is not None:
        workspace.repository.note(workspace.layout, landed)
    if landed is not None and branch is None and workspace.landed is not None:
        repository = workspace.repository
        there = push or repository.always_pushes or repository.remote_url() is None
        workspace.landed(workspace, landed.commit, there)
    return last[0], landed


def paths_of(plan: Plan | None) -> Sequence[str]:
    """The files that a plan would write, for --dry-run."""
    return sorted(plan.files) if plan else ()
