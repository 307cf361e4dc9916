"""`modelreg gate`: judge what a range does to the registry by the policy of its base, from git objects alone."""

from __future__ import annotations

from collections.abc import Sequence

from modelreg.domain.finding import Finding
from modelreg.domain.gate_report import GateReport, JudgedChange
from modelreg.domain.history import Change
from modelreg.domain.plan import CommitId
from modelreg.errors import ModelregError
from modelreg.registry.gate_changes import descriptions, evidence, registrations, sums, transitions
from modelreg.registry.gate_range import Range, add_only, together, well_formed
from modelreg.registry.gate_rules import rules_change
from modelreg.registry.judging import Circumstances, Judge
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.validate import validate_tree
from modelreg.registry.workspace import Workspace

_PARTS = (registrations, transitions, evidence, descriptions, rules_change)


def gate(workspace: Workspace, base: CommitId, head: CommitId, circumstances: Circumstances) -> GateReport:
    """Judge the merge of `head` into `base`. Raises ConflictError where they do not merge, UnavailableError where
    history is missing, InvalidError where the base's own policy is broken."""
    result = workspace.repository.merged(base, head)
    report = judge_range(workspace, base, result, circumstances, tip=head)
    return GateReport(base, head, report.changes, report.findings)


def judge_range(
    workspace: Workspace,
    base: CommitId | None,
    result: CommitId,
    circumstances: Circumstances,
    *,
    tip: CommitId | None = None,
    changes: Sequence[Change] | None = None,
    check_files: bool = True,
) -> GateReport:
    """Judge what leads from `base` to `result`. Without a base, or on one without a registry, it founds the registry.

    `tip` is the head in history where `result` is a merge that was only tried. `changes` are what is known to have
    changed, else git is asked. `check_files` False leaves out what one look at the newest tree covers (`verify`).
    """
    layout = workspace.layout
    head = workspace.at(result)
    if base is None or workspace.at(base).tree.read(layout.registry) is None:
        return _founded(workspace, base, result, head, check_files=check_files)
    if changes is None:
        changes = workspace.repository.diff(base, result, "")
    placed = [(change, place) for change in changes if (place := layout.place(change.path)) is not None]
    judge = Judge(workspace, workspace.at(base), head, circumstances)
    folders = sorted({layout.model_folder(place.model) for _, place in placed if place.model})
    for snapshot in (judge.base, head):
        snapshot.tree.list_many(folders)
    what = Range(judge, placed, [change.path for change in changes], (base, tip or result))
    findings = [*add_only(what), *together(what)]
    if check_files and (placed or layout.dvc_yaml in what.paths):
        findings += well_formed(workspace, what)
    judged: list[JudgedChange] = []
    for part in _PARTS:
        try:
            judged += part(what)
        except ModelregError as error:  # a document that cannot be read is a no, and the rest is judged still
            findings.append(_finding(error, layout.prefix))
    if not check_files:
        try:
            findings += sums(what)
        except ModelregError as error:
            findings.append(_finding(error, layout.prefix))
    return GateReport(base, result, tuple(judged), tuple(dict.fromkeys(findings)))


def _founded(
    workspace: Workspace, base: CommitId | None, result: CommitId, head: Snapshot, *, check_files: bool
) -> GateReport:
    """The landing that brings registry.yaml is the root of trust, and holds no transition."""
    findings: list[Finding] = []
    if head.tree.read(workspace.layout.registry) is not None:
        for place in filter(None, map(workspace.layout.place, head.tree.paths(workspace.layout.prefix))):
            if place.kind in ("transition", "evidence", "approval"):
                message = "the landing that founds a registry holds no transition, evidence or approval"
                findings.append(Finding(place.path, "root", message, line=1, hint="found it first, on its own"))
        if check_files:
            findings += validate_tree(workspace, head)
    return GateReport(base or "", result, (), tuple(findings))


def _finding(error: ModelregError, prefix: str) -> Finding:
    return Finding(error.file or prefix, error.code, error.message, line=error.line, field=error.field, hint=error.hint)
