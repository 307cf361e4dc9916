"""Approving a change of the rules: policy, signers, identity, what a model's gates hang on. Signed, on its branch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from modelreg.domain.approvals import ineligible
from modelreg.domain.clock import stamp
from modelreg.domain.plan import CommitId, Plan
from modelreg.domain.signers import APPROVAL
from modelreg.errors import ConflictError, DeniedError, NotFoundError
from modelreg.registry.approve import days_valid
from modelreg.registry.gate_range import Range
from modelreg.registry.gate_rules import Digests, authors, governed, votes
from modelreg.registry.judging import Circumstances, Judge
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.statements import approval_name
from modelreg.registry.stating import Key, Stated, check_key, signed
from modelreg.registry.workspace import Workspace
from modelreg.registry.writing import land, message, render

_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class RulesBallot:
    """What is asked: the governed files that `branch` changes, with old and new sha256, and what the base wants."""

    branch: str
    paths: Digests
    by: str
    days: float
    not_after: str
    asked: str
    authors: tuple[str, ...]


def prepare_rules(
    workspace: Workspace, branch: str, *, key: Key, valid_days: float | None = None, fetch: bool = False
) -> RulesBallot:
    """What `approve_rules` would sign; with `fetch` of what origin has now, for who will push it.

    Raises NotFoundError for a branch that is not there or changes no rules, DeniedError for what would not count: by an
    author, by nobody of the role, a key that is not listed, twice.
    """
    if fetch:
        workspace.repository.catch_up(workspace.settings.branch, branch)
    tip = workspace.repository.branches(branch).get(branch)
    if tip is None or branch == workspace.settings.branch:
        hint = "git fetch origin, and name the branch that changes the rules"
        raise NotFoundError(f"there is no branch {branch[:100]!a} with a change to approve", hint=hint)
    return _ballot(workspace, branch, tip, key, valid_days)[0]


def approve_rules(
    workspace: Workspace,
    ballot: RulesBallot,
    key: Key,
    *,
    comment: str = "",
    push: bool = False,
    dry_run: bool = False,
) -> Stated:
    """Sign the ballot and land it on its branch: registry/approvals/HASH.yaml, one commit.

    Raises ConflictError where the branch changes other things than the ballot showed.
    """
    made: dict[str, Stated] = {}

    def plan(_: Snapshot, base: CommitId) -> Plan | None:
        now, judge = _ballot(workspace, ballot.branch, base, key, ballot.days)
        if now.paths != ballot.paths:
            raise ConflictError("what you were shown has changed meanwhile", hint="look at it again, then approve")
        at, layout = workspace.clock(), workspace.layout
        body = {
            "format": 1,
            "registry": workspace.settings.id,
            "paths": now.paths,
            "by": ballot.by,
            "at": stamp(at),
            "not_after": stamp(at + int(ballot.days * _DAY_S)),
        } | ({"comment": comment} if comment else {})
        data = render(workspace.documents, layout, f"{layout.approvals}approval.yaml", "approval", body)
        path = layout.approvals + approval_name(data)
        files = {path: data}
        if not dry_run:
            files[f"{path}.sig"] = signed(workspace, judge.statements, path, data, ballot.by, key)
        made["last"] = Stated(path, body, ballot.branch, ballot.by)
        trailers = {"Modelreg-Approval": path.rsplit("/", 1)[-1]}
        text = message(f"Approve the change of {', '.join(_short(now.paths))}", trailers, comment)
        return Plan(branch=ballot.branch, base=base, files=files, message=text, at=at)

    _, landed = land(workspace, plan, push=push, dry_run=dry_run, branch=ballot.branch)
    last = made["last"]
    return Stated(last.path, last.body, last.branch, last.signer, landed.commit if landed else None)


def _short(paths: Mapping[str, object]) -> list[str]:
    return [
        "/".join(path.split("/")[-2:]) if path.endswith("model.yaml") else path.rsplit("/", 1)[-1] for path in paths
    ]


def _ballot(
    workspace: Workspace, branch: str, tip: CommitId, key: Key, valid_days: float | None
) -> tuple[RulesBallot, Judge]:
    repository, by = workspace.repository, workspace.repository.identity().email
    base = workspace.tip()
    result = repository.merged(base, tip)
    judge = Judge(workspace, workspace.at(base), workspace.at(result), Circumstances(workspace.clock()))
    changes = repository.diff(base, result, workspace.layout.prefix)
    placed = [(change, place) for change in changes if (place := workspace.layout.place(change.path)) is not None]
    what = Range(judge, placed, [change.path for change in changes], (base, tip))
    changed = governed(what.base, what.head, [place for _, place in placed])
    if not changed:
        hint = f"git diff {workspace.settings.branch}...{branch} -- {workspace.layout.prefix}"
        raise NotFoundError(f"{branch} changes no rules", hint=hint)
    change = judge.policy.change
    if change is None or change[0] == 0:
        raise DeniedError(f"the policy on {workspace.settings.branch} asks for no approvals of such changes")
    wrote = sorted(authors(what, changed))
    barred = dict.fromkeys(wrote, "wrote the change")
    members = judge.policy.members(change[1])
    if trouble := ineligible(by, members, barred):
        hint = f"in the role {change[1]} are: {', '.join(sorted(members)) or 'nobody'}"
        raise DeniedError(f"{by} {trouble}, and so may not approve it", hint=hint)
    check_key(workspace, what.base, by, key, APPROVAL)
    if judge.policy.also(by).intersection(votes(what, changed, members, barred).persons):
        raise DeniedError(f"{by} has approved this change already", hint="git fetch origin brings what came since")
    days = days_valid(valid_days)
    not_after = stamp(workspace.clock() + int(days * _DAY_S))
    asked = f"{change[0]} of {change[1]}"
    return RulesBallot(branch, changed, by, days, not_after, asked, tuple(wrote)), judge
