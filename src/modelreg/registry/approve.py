"""`approve`: say yes to one move of one version, signed, so that it counts for nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelreg.domain.approvals import approvals
from modelreg.domain.clock import stamp
from modelreg.domain.context import Actor
from modelreg.domain.metric import number
from modelreg.domain.names import ModelName, Stage
from modelreg.domain.plan import CommitId, Plan
from modelreg.domain.proposal import ProposalName
from modelreg.domain.signers import APPROVAL
from modelreg.domain.transition import Transition
from modelreg.domain.verdict import Verdict
from modelreg.domain.version import Version
from modelreg.errors import ConflictError, DeniedError, GateDeniedError, InvalidError
from modelreg.registry.question import Question, drafted, find_question, proposed
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.stating import Key, Stated, check_key, common, rendered, signed, statement_plan
from modelreg.registry.workspace import Workspace
from modelreg.registry.writing import land

VALID_DAYS = 14.0
"""How long an approval lives where neither the gate nor its author says."""

_DAY_S = 86_400
_LONGEST_DAYS = 3650.0


@dataclass(frozen=True, slots=True)
class Ballot:
    """What an approver is asked to sign. `proposal` is the branch that proposes the move; without, nobody has yet.

    `statement` is what counts (domain/approvals.py), `asked` what the gates want ("2 of reviewer"), `verdicts` what
    the judge says of all else, `not_after` when the approval dies.
    """

    transition: Transition
    proposal: str | None
    statement: Mapping[str, Any]
    by: str
    days: float
    not_after: str
    asked: tuple[str, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def version(self) -> Version:
        return Version.parse(str(self.transition.version))


def prepare(
    workspace: Workspace,
    model: ModelName,
    version: Version,
    to: Stage,
    *,
    key: Key,
    on: str | None = None,
    valid_days: float | None = None,
    fetch: bool = False,
) -> Ballot:
    """What `approve` would sign; with `fetch` of what origin has now, for who will push it.

    Raises as `find_question`, and DeniedError for what would not count anyway.
    """
    branch = None if on == workspace.settings.branch else on
    if fetch:
        workspace.repository.catch_up(workspace.settings.branch, branch or str(ProposalName(model, version, to)))
    if on is not None and branch is None:
        return _ballot(workspace, drafted(workspace, workspace.snapshot(), model, version, to), key, valid_days)
    return _ballot(workspace, find_question(workspace, model, version, to, branch), key, valid_days)


def approve(
    workspace: Workspace,
    ballot: Ballot,
    key: Key,
    *,
    comment: str = "",
    push: bool = False,
    dry_run: bool = False,
) -> Stated:
    """Sign the ballot and land it where the move is proposed, else on the protected branch; one commit.

    Raises ConflictError where what would be signed is no longer what the ballot showed.
    """
    branch, model, version = ballot.proposal, ballot.transition.model, ballot.version
    made: dict[str, Stated] = {}

    def plan(snapshot: Snapshot, base: CommitId) -> Plan | None:
        question = _question_again(workspace, ballot, snapshot, base)
        now = _ballot(workspace, question, key, ballot.days)
        if now.statement != ballot.statement:
            raise ConflictError("what you were shown has changed meanwhile", hint="look at it again, then approve")
        at = workspace.clock()
        path, body, data = _statement(workspace, snapshot, ballot, now.statement, comment, at)
        while snapshot.tree.read(path) is not None:  # said in this very second, and taken back: it stays taken back
            at += 1
            path, body, data = _statement(workspace, snapshot, ballot, now.statement, comment, at)
        files = {path: data}
        if not dry_run:
            files[f"{path}.sig"] = signed(workspace, question.judge.statements, path, data, ballot.by, key)
        made["last"] = Stated(path, body, branch or workspace.settings.branch, ballot.by)
        title = f"Approve {model} {version} for {ballot.transition.to}"
        return statement_plan(workspace, branch, base, files, model, version, title, at, comment)

    _, landed = land(workspace, plan, push=push, dry_run=dry_run, branch=branch)
    last = made["last"]
    return Stated(last.path, last.body, last.branch, last.signer, landed.commit if landed else None)


def _statement(
    workspace: Workspace, snapshot: Snapshot, ballot: Ballot, wanted: Mapping[str, Any], comment: str, at: int
) -> tuple[str, dict[str, Any], bytes]:
    """Path, body and bytes of the approval, said at `at` (epoch seconds)."""
    model, version = ballot.transition.model, ballot.version
    body = common(workspace, snapshot, model, version, "approval", ballot.by, at)
    body |= dict(wanted) | {"not_after": stamp(at + int(ballot.days * _DAY_S))}
    if comment:
        body["comment"] = comment
    path, data = rendered(workspace, model, version, body)
    return path, body, data


def _question_again(workspace: Workspace, ballot: Ballot, snapshot: Snapshot, base: CommitId) -> Question:
    transition, version = ballot.transition, ballot.version
    to = Stage(str(transition.to))
    if ballot.proposal is None:
        return drafted(workspace, snapshot, transition.model, version, to)
    return proposed(workspace, transition.model, version, to, ballot.proposal, base)


def _ballot(workspace: Workspace, question: Question, key: Key, valid_days: float | None) -> Ballot:
    by = workspace.repository.identity().email
    wanted = question.wanted
    mine = _eligible(question, by)
    _check_access(question, by)
    check_key(workspace, question.judge.base, by, key, APPROVAL)
    _check_new(question, by, wanted, mine)
    days = days_valid(valid_days, [d for d in (number(asked.get("valid_days")) for asked in mine) if d is not None])
    return Ballot(
        transition=question.transition,
        proposal=question.branch,
        statement=wanted,
        by=by,
        days=days,
        not_after=stamp(workspace.clock() + int(days * _DAY_S)),
        asked=tuple(f"{asked.get('count')} of {asked.get('role') or 'anybody else'}" for asked in question.asked),
        verdicts=question.verdicts,
    )


def _eligible(question: Question, by: str) -> list[Mapping[str, Any]]:
    """The requirements that this person's signature counts for. Raises DeniedError where it counts for none."""
    if by in question.barred:
        hint = "four eyes: ask a colleague to approve it"
        raise DeniedError(f"{by} {question.barred[by]}, and so may not approve it", hint=hint)
    takers = question.by_signature
    if question.asked and not takers:
        raise DeniedError(
            f"the gate of {question.transition.to} counts reviews on the forge, not signatures",
            hint="review the pull request there",
        )
    policy = question.judge.policy
    mine = [asked for asked in takers if not asked.get("role") or by in policy.members(asked["role"])]
    if takers and not mine:
        roles = ", ".join(sorted({str(asked["role"]) for asked in takers}))
        hint = f"policy.yaml lists who is: {', '.join(sorted(policy.members(str(takers[0]['role'])))) or 'nobody'}"
        raise DeniedError(f"{by} is not in the role {roles}, whose approval the gate asks for", hint=hint)
    return mine


def _check_access(question: Question, by: str) -> None:
    transition = question.transition
    verdict = question.judge.access("approve", Actor(by, "signature"), transition.model, transition.to)
    if verdict is not None and not verdict.passed:
        report = {"allowed": False, "verdicts": [verdict.to_mapping()]}
        raise GateDeniedError(f"{by} may not approve {transition.model}: {verdict.reason}", report)


def _check_new(question: Question, by: str, wanted: Mapping[str, Any], mine: list[Mapping[str, Any]]) -> None:
    """Raises DeniedError where an approval of theirs counts already: a person has one vote."""
    days = min((d for d in (number(asked.get("valid_days")) for asked in mine) if d is not None), default=None)
    now = question.judge.circumstances.now
    for item, trouble in approvals(question.evidence, wanted, None, {}, now, days):
        if not trouble and item.signer in question.judge.policy.also(by):
            raise DeniedError(
                f"{item.signer} has approved this already, until {item.body['not_after']}: {item.path}",
                hint="modelreg approval withdraw takes it back",
            )


def days_valid(asked_for: float | None, known: Sequence[float] = ()) -> float:
    """How long an approval lives: what was asked for, but no longer than the gates let it count, which is also the
    default. Raises InvalidError for what is out of range."""
    if asked_for is None:
        return min(max(known, default=VALID_DAYS), _LONGEST_DAYS)
    if not 0 < asked_for <= _LONGEST_DAYS:
        raise InvalidError(
            f"--valid-days {asked_for:g} is out of range", hint=f"more than 0, at most {_LONGEST_DAYS:.0f}"
        )
    return min([asked_for, max(known)] if known else [asked_for])
