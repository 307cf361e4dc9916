"""Proposals as they stand: read from their branches, judged on the present protected branch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from modelreg.domain.clock import stamp
from modelreg.domain.finding import failed
from modelreg.domain.gate_report import GateReport
from modelreg.domain.names import ModelName
from modelreg.domain.plan import CommitId
from modelreg.domain.proposal import PREFIX, ProposalName, outdated
from modelreg.domain.transition import Transition
from modelreg.domain.verdict import NOT_JUDGED, Report
from modelreg.errors import ConflictError, InvalidError, NotFoundError
from modelreg.registry.gate import gate
from modelreg.registry.judging import Circumstances
from modelreg.registry.workspace import Workspace

State = Literal["open", "stale", "landed"]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A branch that proposes. `stale`: its record does not fit the present base, and is to be made again.

    `landed` where the base holds all that it records. `report` is on its transition; `waits_for` says in a line each
    what keeps it from landing. `since` is its last commit's time, epoch seconds (UTC).
    """

    name: ProposalName
    commit: CommitId
    state: State
    since: int
    transition: Transition | None = None
    report: Report = NOT_JUDGED
    waits_for: tuple[str, ...] = ()

    @property
    def may_land(self) -> bool:
        return self.state == "open" and not self.waits_for


def open_proposals(workspace: Workspace, model: ModelName | None = None) -> tuple[Proposal, ...]:
    """All that have not landed, by name: local branches and origin's, as far as they were fetched.

    Raises NotFoundError for a model that there is not.
    """
    base, now = workspace.tip(), workspace.clock()
    snapshot = workspace.at(base)
    snapshot.policy(check=True)  # a broken one is the base's trouble, not a proposal's
    if model is not None:
        snapshot.require_model(model)
    branches = workspace.repository.branches(f"{PREFIX}{model or '*'}/*/*")
    found = []
    for branch, tip in sorted(branches.items()):
        name = ProposalName.parse(branch)
        if name is not None:
            proposal = look(workspace, name, tip, base, now)
            found += [proposal] if proposal.state != "landed" else []
    return tuple(found)


def look(workspace: Workspace, name: ProposalName, tip: CommitId, base: CommitId, now: int) -> Proposal:
    """The proposal at `tip`, judged as a pull request into `base`. Reviews of a forge are not asked."""
    since = workspace.repository.committed_at(tip)
    paths = [] if workspace.repository.is_ancestor(tip, base) else _own_records(workspace, name, tip, base)
    if not paths:
        return Proposal(name, tip, "landed", since)
    transition = None
    try:
        transition = _transition(workspace, name, tip, paths)
        report = gate(workspace, base, tip, Circumstances(now, via="pull-request"))
    except ConflictError as error:
        return Proposal(name, tip, "stale", since, transition, waits_for=(f"conflict: {error.message}",))
    except (InvalidError, NotFoundError) as error:
        return Proposal(name, tip, "stale", since, transition, waits_for=(f"record: {error}",))
    own = [change for change in report.changes if change.file in paths]
    verdicts = tuple(verdict for change in own for verdict in change.verdicts)
    state: State = "stale" if outdated(verdicts) or not own else "open"
    return Proposal(name, tip, state, since, transition, Report(verdicts), tuple(_waits_for(report)))


def _own_records(workspace: Workspace, name: ProposalName, tip: CommitId, base: CommitId) -> list[str]:
    """The transitions of the model that the base does not hold as they are here."""
    folder = workspace.layout.transitions(name.model)
    landed = workspace.repository.tree(base).paths(folder)
    here = workspace.repository.tree(tip).paths(folder)
    places = (workspace.layout.place(path) for path, entry in sorted(here.items()) if landed.get(path) != entry)
    return [place.path for place in places if place is not None and place.kind == "transition"]


def _transition(workspace: Workspace, name: ProposalName, tip: CommitId, paths: Iterable[str]) -> Transition:
    """The record that the branch is named after. Raises InvalidError where it has none that can be read."""
    snapshot = workspace.at(tip)
    for path in paths:
        place = workspace.layout.place(path)
        snapshot.checked(path, "transition")
        transition = snapshot.transition(name.model, int(str(place.number if place else 0)))
        if (transition.model, transition.version, transition.to) == (name.model, name.version, name.stage):
            return transition
    raise InvalidError(f"the branch {name} holds no record of that change")


def _waits_for(report: GateReport) -> Iterable[str]:
    for finding in report.findings:
        if failed([finding]):
            yield f"{finding.code}: {finding.file}: {finding.message}"
    for change in report.changes:
        for verdict in change.verdicts:
            if not verdict.passed:
                yield f"{verdict.check}: {verdict.reason or f'expected {verdict.expected}, found {verdict.actual}'}"


def told_age(since: int, now: int) -> str:
    """`3 d`, `5 h` or `12 min`."""
    minutes = max(0, now - since) // 60
    if minutes >= 2 * 24 * 60:
        return f"{minutes // (24 * 60)} d"
    return f"{minutes // 60} h" if minutes >= 120 else f"{minutes} min"


def proposals_mapping(proposals: Iterable[Proposal], now: int) -> list[dict[str, object]]:
    """The list of `proposals --json`."""
    return [
        {
            "model": p.name.model,
            "version": str(p.name.version),
            "to": p.name.stage,
            "kind": p.transition.kind if p.transition else None,
            "branch": str(p.name),
            "commit": p.commit,
            "by": p.transition.by if p.transition else None,
            "at": stamp(p.since),
            "age_s": max(0, now - p.since),
            "state": p.state,
            "may_land": p.may_land,
            "waits_for": list(p.waits_for),
        }
        for p in proposals
    ]
