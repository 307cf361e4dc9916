"""The text of a proposal's pull request: gathered here, written by domain/reports/proposal.py."""

from __future__ import annotations

from modelreg.domain.proposal import ProposalName
from modelreg.domain.reports.proposal import proposal_body
from modelreg.domain.transition import Transition
from modelreg.domain.verdict import Report
from modelreg.registry.judging import Circumstances, Judge
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.workspace import Workspace


def body_of(
    workspace: Workspace, base: Snapshot, head: Snapshot, transition: Transition, report: Report, now: int
) -> str:
    """Markdown. `transition` names a version and a stage; `base` is the protected branch, `head` the proposal."""
    model, version, to = transition.model, transition.version, transition.to
    if version is None or to is None:
        return ""
    judge = Judge(workspace, base, head, Circumstances(now, via="pull-request"))
    holder = base.stages(model).answer(to)
    return proposal_body(
        ProposalName(model, version, to),
        transition,
        report,
        base.manifest(model, version),
        None if holder in (None, version) else base.manifest(model, holder),
        judge.asked(model, to) if transition.kind != "rollback" else (),
    )
