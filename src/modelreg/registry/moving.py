"""A stage change as a draft: made, judged, rendered and signed, not landed. Every way to land one begins here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from modelreg.domain.clock import stamp
from modelreg.domain.lifecycle import check_stage, move
from modelreg.domain.names import ModelName, Stage
from modelreg.domain.policy import Policy
from modelreg.domain.signers import TRANSITION
from modelreg.domain.stages import Stages
from modelreg.domain.transition import Transition
from modelreg.domain.verdict import Report
from modelreg.domain.version import Version
from modelreg.errors import DeniedError
from modelreg.registry.judging import Circumstances, Judge
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.stating import check_key, signed
from modelreg.registry.workspace import Workspace
from modelreg.registry.writing import manifest_sha256, next_number, transition_files

_READ = (".yaml", ".yaml.sig", ".dvc")


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for. With `cause` it is a rollback; `key` signs the record."""

    model: ModelName
    version: Version
    to: Stage
    by: str
    reason: str = ""
    cause: str | None = None
    key: Path | str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """`transition` is None where the version stands there already. `files` are the record, its signature, the sum."""

    transition: Transition | None
    report: Report
    files: dict[str, bytes]
    policy: Policy
    stages: Stages


def draft(
    workspace: Workspace, base: Snapshot, wish: Wish, circumstances: Circumstances, head: Snapshot | None = None
) -> Draft:
    """The transition on `base`, judged. `head` holds evidence that has not landed (a proposal's branch).

    Raises NotFoundError for an unknown model, version or stage, DeniedError for a key that does not count and for a
    withdrawn version where it would stay; whether it may be is the report's to say.
    """
    _fetch(base, wish)
    judge = Judge(workspace, base, head or base, circumstances)
    policy = judge.policy
    check_stage(policy, wish.to)
    base.manifest(wish.model, wish.version, check=True)
    stages = base.stages(wish.model)
    if stages.stage_of(wish.version, policy.initial) == wish.to:
        if wish.version in base.withdrawn(wish.model):
            hint = "it stands in no stage any more, and comes into none; register its successor"
            raise DeniedError(f"{wish.model}@{wish.version} is withdrawn", hint=hint)
        return Draft(None, Report(()), {}, policy, stages)
    number = next_number(base, wish.model)
    transition = record_of(workspace, base, wish, policy, stages, number, circumstances.now)
    files = transition_files(workspace, policy, stages, transition)
    path = workspace.layout.transition(wish.model, transition.number)
    signer = None
    if wish.key is not None:
        check_key(workspace, base, wish.by, wish.key, TRANSITION)
        files[f"{path}.sig"] = signed(workspace, judge.statements, path, files[path], wish.by, wish.key)
        signer = wish.by
    return Draft(transition, judge.judge(transition, stages, signer), files, policy, stages)


def _fetch(base: Snapshot, wish: Wish) -> None:
    """Read what a judge will ask for: a partial clone fetches in one go what it lacks."""
    layout, model = base.layout, wish.model
    beside = (path for path in base.below(model, layout.version(model, wish.version, "")) if path.endswith(_READ))
    base.tree.read_many([layout.policy, layout.model(model), layout.stages(model), *beside])


def record_of(
    workspace: Workspace, base: Snapshot, wish: Wish, policy: Policy, stages: Stages, number: int, now: int
) -> Transition:
    """The record that fulfils a wish where versions stand as in `stages`. Raises NotFoundError for an unknown stage."""
    return move(
        stages,
        policy,
        model=wish.model,
        version=wish.version,
        manifest_sha256=manifest_sha256(base, workspace.layout.manifest(wish.model, wish.version)),
        to=wish.to,
        number=number,
        by=wish.by,
        at=stamp(now),
        reason=wish.reason,
        cause=wish.cause,
    )
