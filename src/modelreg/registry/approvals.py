"""Approvals on record: which count now, which do not and why; and taking one back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from modelreg.domain.approvals import approvals, withdrawals
from modelreg.domain.context import Actor
from modelreg.domain.evidence import Evidence, of_type
from modelreg.domain.metric import number
from modelreg.domain.names import ModelName, Stage
from modelreg.domain.plan import CommitId, Plan
from modelreg.domain.proposal import PREFIX
from modelreg.domain.signers import APPROVAL
from modelreg.domain.version import Version
from modelreg.errors import DeniedError, GateDeniedError, ModelregError, NotFoundError
from modelreg.registry.judging import Circumstances, Judge
from modelreg.registry.question import Question, find_question
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.statements import Statements
from modelreg.registry.stating import (
    Key,
    Stated,
    check_key,
    common,
    rendered,
    signed,
    statement_plan,
    target,
)
from modelreg.registry.workspace import Workspace
from modelreg.registry.writing import land

_FILE = re.compile(r"approval-[0-9a-f]{12,64}\.yaml")


@dataclass(frozen=True, slots=True)
class Standing:
    """An approval and, where it does not count now, why; `branch` is where it stands."""

    item: Evidence
    branch: str
    trouble: str

    @property
    def counts(self) -> bool:
        return not self.trouble


def list_approvals(workspace: Workspace, model: ModelName, version: Version) -> tuple[Standing, ...]:
    """All approvals of a version, of the protected branch and of open proposals, by stage and time."""
    base = workspace.snapshot()
    base.manifest(model, version)
    found: dict[str, Standing] = {}
    for branch, evidence in _places(workspace, base, model, version):
        for item in of_type(evidence, "approval"):
            if item.path not in found:
                found[item.path] = Standing(item, branch or workspace.settings.branch, "")
    troubles: dict[str, str] = {}
    for to in sorted({str(standing.item.body["to"]) for standing in found.values()}):
        troubles |= _troubles(workspace, model, version, Stage(to))
    listed = [
        Standing(s.item, s.branch, troubles.get(path, "is not on the branch that proposes the move"))
        for path, s in found.items()
    ]
    return tuple(sorted(listed, key=lambda s: (str(s.item.body["to"]), str(s.item.body["at"]), s.item.path)))


def _places(
    workspace: Workspace, base: Snapshot, model: ModelName, version: Version, also: str | None = None
) -> Iterator[tuple[str | None, tuple[Evidence, ...]]]:
    """The statements of the protected branch (None), then those that each open proposal (and `also`) adds."""
    now = workspace.clock()
    yield None, Statements(workspace, base, base, now).of(model, version)
    branches = workspace.repository.branches
    found = {**branches(f"{PREFIX}{model}/{version}/*"), **(branches(also) if also else {})}
    for name, tip in sorted(found.items()):
        evidence = Statements(workspace, base, workspace.at(tip), now).of(model, version)
        yield name, tuple(item for item in evidence if not item.on_base)


def _troubles(workspace: Workspace, model: ModelName, version: Version, to: Stage) -> dict[str, str]:
    """Why each approval for a stage does not count; empty where it does. By path."""
    try:
        question = find_question(workspace, model, version, to)
    except ModelregError as error:
        reason = error.message
        items = [e for _, found in _places(workspace, workspace.snapshot(), model, version) for e in found]
        return {item.path: reason for item in items if item.type == "approval" and item.body["to"] == to}
    items = [item for item in of_type(question.evidence, "approval") if item.body["to"] == to]
    counts = _counting(question)
    return {item.path: counts.get(item.path, "") for item in items}


def _counting(question: Question) -> dict[str, str]:
    """The trouble of every approval: none where one of the requirements takes it."""
    if not question.asked:
        return {item.path: "no gate asks for approvals" for item in of_type(question.evidence, "approval")}
    found: dict[str, str] = {}
    for asked in question.by_signature:
        role = asked.get("role")
        eligible = question.judge.policy.members(role) if role else None
        days, now = number(asked.get("valid_days")), question.judge.circumstances.now
        for item, trouble in approvals(question.evidence, question.wanted, eligible, question.barred, now, days):
            if found.get(item.path) != "":
                found[item.path] = trouble
    if not question.by_signature:
        reason = "the gate counts reviews on the forge, not signatures"
        return {item.path: reason for item in of_type(question.evidence, "approval")}
    return found


def withdraw_approval(
    workspace: Workspace,
    model: ModelName,
    version: Version,
    what: str,
    *,
    key: Key,
    reason: str = "",
    on: str | None = None,
    push: bool = False,
    dry_run: bool = False,
) -> tuple[Stated, ...]:
    """Take back one's own approvals: of a stage, or by file name (`approval-….yaml`); one commit where each stands.

    Raises NotFoundError where there is none that still counts as given, DeniedError for another person's.
    """
    by = workspace.repository.identity().email
    only = target(workspace, on)
    if push and not dry_run:
        workspace.repository.catch_up(workspace.settings.branch, only or f"{PREFIX}{model}/{version}")
    base = workspace.snapshot()
    base.manifest(model, version)
    check_key(workspace, base, by, key, APPROVAL)
    mine: dict[str | None, list[Evidence]] = {}
    for branch, evidence in _places(workspace, base, model, version, only):
        if (on is None or branch == only) and (chosen := _own(evidence, what, by)):
            mine[branch] = chosen
    if not mine:
        raise NotFoundError(
            f"{by} has no approval of {model}@{version} for {what[:60]} to take back",
            hint=f"modelreg approval list {model}@{version}",
        )
    return tuple(
        stated
        for branch, items in mine.items()
        for stated in _withdraw(workspace, branch, model, version, items, by, key, reason, push=push, dry_run=dry_run)
    )


def _own(evidence: Sequence[Evidence], what: str, by: str) -> list[Evidence]:
    """The person's own approvals that are meant and not taken back yet."""
    gone = withdrawals(evidence)
    by_name = _FILE.fullmatch(what) is not None
    found = []
    for item in of_type(evidence, "approval"):
        if (item.name if by_name else item.body["to"]) != what or (item.signer, item.name) in gone:
            continue
        if item.signer == by:
            found.append(item)
        elif by_name and item.body["by"] != by:
            raise DeniedError(f"{item.name} is by {item.body['by']}, who alone can take it back")
    return found


def _withdraw(
    workspace: Workspace,
    branch: str | None,
    model: ModelName,
    version: Version,
    items: Sequence[Evidence],
    by: str,
    key: Key,
    reason: str,
    *,
    push: bool,
    dry_run: bool,
) -> list[Stated]:
    made: list[Stated] = []

    def plan(snapshot: Snapshot, base: CommitId) -> Plan | None:
        made.clear()
        at = workspace.clock()
        ruling = snapshot if branch is None else workspace.snapshot()
        judge = Judge(workspace, ruling, snapshot, Circumstances(at))
        if branch is None:
            verdict = judge.access("approve", Actor(by, "signature"), model)
            if verdict is not None and not verdict.passed:
                report = {"allowed": False, "verdicts": [verdict.to_mapping()]}
                raise GateDeniedError(f"{by} may not take back approvals of {model}: {verdict.reason}", report)
        files: dict[str, bytes] = {}
        for item in items:
            body = common(workspace, snapshot, model, version, "approval-withdrawal", by, at)
            body |= {"approval": item.name} | ({"reason": reason} if reason else {})
            path, data = rendered(workspace, model, version, body)
            files[path] = data
            if not dry_run:
                files[f"{path}.sig"] = signed(workspace, judge.statements, path, data, by, key)
            made.append(Stated(path, body, branch or workspace.settings.branch, by))
        title = f"Take back the approval of {model} {version} for {items[0].body['to']}"
        return statement_plan(workspace, branch, base, files, model, version, title, at, reason)

    _, landed = land(workspace, plan, push=push, dry_run=dry_run, branch=branch)
    return [Stated(s.path, s.body, s.branch, s.signer, landed.commit if landed else None) for s in made]
