"""A move that waits for approval: found on its proposal's branch, or drafted as `stage set` would record it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelreg.domain.checks_people import SOURCES
from modelreg.domain.evidence import Evidence
from modelreg.domain.gate_report import JudgedChange
from modelreg.domain.names import ModelName, Stage
from modelreg.domain.plan import CommitId
from modelreg.domain.proposal import ProposalName
from modelreg.domain.transition import Transition
from modelreg.domain.verdict import Verdict
from modelreg.domain.version import Version
from modelreg.errors import ConflictError, DeniedError, NotFoundError
from modelreg.registry.gate_changes import transitions
from modelreg.registry.gate_range import Range
from modelreg.registry.judging import Circumstances, Judge
from modelreg.registry.moving import Wish, draft
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.workspace import Workspace

NOBODY = "whoever makes the change"
"""Stands for the actor of a change that nobody has made yet."""

_OF_THE_ACTOR = ("access", "signed", "via")
_BINDING = ("number", "manifest", "record", "record.kind", "record.from", "record.displaces")
"""What of a record an approval binds; the rest may be made again without that the approval dies."""


@dataclass(frozen=True, slots=True)
class Question:
    """May this transition be made? `branch` is its proposal's, None where nobody has proposed it yet.

    `verdicts` are the judge's but those on approvals; without a proposal also but those on who makes the change.
    """

    judge: Judge
    transition: Transition
    branch: str | None
    verdicts: tuple[Verdict, ...]
    signer: str | None = None

    @property
    def wanted(self) -> dict[str, Any]:
        """What an approval must say."""
        return self.judge.wanted(self.transition)

    @property
    def barred(self) -> dict[str, str]:
        return self.judge.barred(self.transition, self.signer)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        assert self.transition.version is not None  # noqa: S101 - only promotions are questions
        return self.judge.statements.of(self.transition.model, self.transition.version)

    @property
    def asked(self) -> list[Mapping[str, Any]]:
        """The requirements of approvals that the gates make."""
        gates = self.judge.asked(self.transition.model, self.transition.to)
        return [gate.require["approvals"] for gate in gates if gate.require.get("approvals")]

    @property
    def by_signature(self) -> list[Mapping[str, Any]]:
        """Those of them that a signed approval counts for."""
        return [asked for asked in self.asked if "signature" in (asked.get("from") or SOURCES)]


def find_question(
    workspace: Workspace, model: ModelName, version: Version, to: Stage, branch: str | None = None
) -> Question:
    """The open proposal of a move (on `branch`, or where proposals are made), else the move as it would be drafted.

    Raises NotFoundError for an unknown model, version or stage, and for a branch that does not propose it;
    DeniedError where the version stands there already, or the proposal's record is not as it should be;
    ConflictError where the proposal does not merge.
    """
    name = branch or str(ProposalName(model, version, to))
    tip = workspace.repository.branches(name).get(name)
    if branch is not None and tip is None:
        raise NotFoundError(f"there is no branch {branch[:100]!a} here", hint="git fetch origin, and try again")
    found = None if tip is None else _on_branch(workspace, model, version, to, name, tip)
    if found is not None:
        return found
    if branch is not None:
        raise _proposes_nothing(workspace, branch, model, version, to)
    return drafted(workspace, workspace.snapshot(), model, version, to)  # not proposed, or landed and left standing


def drafted(workspace: Workspace, base: Snapshot, model: ModelName, version: Version, to: Stage) -> Question:
    """The move as `stage set` would record it on `base`. Raises NotFoundError, DeniedError."""
    circumstances = Circumstances(workspace.clock())
    made = draft(workspace, base, Wish(model, version, to, NOBODY), circumstances)
    if made.transition is None:
        raise DeniedError(f"{model}@{version} stands in {to} already: there is nothing to approve")
    verdicts = tuple(v for v in made.report.verdicts if v.check not in (*_OF_THE_ACTOR, "approvals"))
    return Question(Judge(workspace, base, base, circumstances), made.transition, None, verdicts)


def proposed(
    workspace: Workspace, model: ModelName, version: Version, to: Stage, branch: str, tip: CommitId
) -> Question:
    """The move as a branch proposes it, on what its merge would be. Raises as `find_question`."""
    found = _on_branch(workspace, model, version, to, branch, tip)
    if found is None:
        raise _proposes_nothing(workspace, branch, model, version, to)
    return found


def _proposes_nothing(
    workspace: Workspace, branch: str, model: ModelName, version: Version, to: Stage
) -> NotFoundError:
    hint = f"git log {workspace.settings.branch}..{branch}"
    return NotFoundError(f"{branch} proposes no move of {model}@{version} to {to}", hint=hint)


def _on_branch(
    workspace: Workspace, model: ModelName, version: Version, to: Stage, branch: str, tip: CommitId
) -> Question | None:
    base = workspace.tip()
    try:
        result = workspace.repository.merged(base, tip)
    except ConflictError as error:
        hint = f"{workspace.settings.branch} has moved: modelreg propose --refresh makes the record again on it"
        raise ConflictError(f"{branch} does not merge: {error.message}", hint=hint) from error
    circumstances = Circumstances(workspace.clock(), via="pull-request")
    judge = Judge(workspace, workspace.at(base), workspace.at(result), circumstances)
    changes = workspace.repository.diff(base, result, workspace.layout.model_folder(model))
    placed = [(change, place) for change in changes if (place := workspace.layout.place(change.path)) is not None]
    judged = transitions(Range(judge, placed, [change.path for change in changes], (base, tip)))
    for change in judged:
        if (change.version, change.to) != (str(version), to):
            continue
        if change.kind == "rollback":
            raise DeniedError(f"{branch} proposes a rollback, which asks for no approvals", hint="modelreg proposals")
        return _question(judge, change, model, branch)
    return None


def _question(judge: Judge, change: JudgedChange, model: ModelName, branch: str) -> Question:
    wrong = [v for v in change.verdicts if not v.passed and v.check in _BINDING]
    if wrong:
        reasons = "; ".join(verdict.reason for verdict in wrong)
        raise DeniedError(f"the record on {branch} cannot land as it is, so no approval of it counts: {reasons}")
    transition = judge.head.transition(model, int(str(change.transition)))
    data, signature = (judge.head.tree.read(path) for path in (change.file, f"{change.file}.sig"))
    signer = None
    if data is not None and signature is not None:
        signer = judge.statements.signer(change.file, data, signature, {"by": transition.by})
    verdicts = tuple(verdict for verdict in change.verdicts if verdict.check != "approvals")
    return Question(judge, transition, branch, verdicts, signer)
