"""Every landing of the past, judged again by the policy that was in force before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelreg.domain.finding import Finding
from modelreg.domain.gate_report import GateReport, JudgedChange
from modelreg.domain.history import Ancestor, turned_back
from modelreg.domain.names import ModelName
from modelreg.domain.plan import CommitId
from modelreg.registry.gate import judge_range
from modelreg.registry.judging import Circumstances
from modelreg.registry.workspace import Workspace

CLOCK_SKEW_S = 300
"""How far a commit's time may lie before one that landed earlier, or after now."""

_COVERED = frozenset(("add-only",))  # verify tells these of the whole history already


def judged_again(
    workspace: Workspace, tip: CommitId, models: Sequence[ModelName] | None = None, *, strict: bool = False
) -> Iterator[Finding]:
    """What no policy of its time allowed. What a clone does not hold (reviews on a forge, how a change came in, what
    a remote had) is a warning `not-judged`, with `strict` an error.

    The clock of a landing is its commit time, which must not run backwards. Raises UnavailableError when shallow.
    """
    line = {ancestor.commit: ancestor for ancestor in reversed(workspace.repository.first_parents(tip))}
    landings = workspace.repository.landings(tip, workspace.layout.prefix)
    if landings:
        yield from _times(workspace, list(line.values()), landings[0].commit)
    for landing in landings:
        places = filter(None, (workspace.layout.place(change.path) for change in landing.changes))
        touched = {place.model for place in places}
        if models is not None and not touched.intersection({None, *models}):
            continue
        ancestor = line[landing.commit]
        report = judge_range(
            workspace,
            ancestor.parent,
            landing.commit,
            Circumstances(landing.at, via=None, again=True, remote=False),
            check_files=False,
        )
        yield from _findings(report, landing.commit, models, strict=strict)


def _times(workspace: Workspace, line: Sequence[Ancestor], first: CommitId) -> Iterator[Finding]:
    """Of every landing since the registry's first, those too that do not touch it: the next one hangs on them."""
    place = workspace.layout.prefix
    start = next(index for index, ancestor in enumerate(line) if ancestor.commit == first)
    for ancestor, seconds in turned_back(line[start:], CLOCK_SKEW_S):
        message = f"landing {ancestor.commit[:12]} says it is {seconds} s older than what had landed before it"
        yield Finding(place, "clock", message, hint="keys and evidence that had expired may have been used")
    for ancestor in line[start:]:
        if ancestor.at > workspace.clock() + CLOCK_SKEW_S:
            yield Finding(place, "clock", f"landing {ancestor.commit[:12]} says it is from the future")


def _findings(
    report: GateReport, commit: CommitId, models: Sequence[ModelName] | None, *, strict: bool
) -> Iterator[Finding]:
    yield from (finding for finding in report.findings if finding.code not in _COVERED)
    for change in report.changes:
        if models is None or change.model is None or change.model in models:
            yield from _verdicts(change, commit, strict=strict)


def _verdicts(change: JudgedChange, commit: CommitId, *, strict: bool) -> Iterator[Finding]:
    for verdict in change.verdicts:
        told = f"landing {commit[:12]}: {verdict.check}"
        if not verdict.passed:
            message = f"{told}: {verdict.reason or verdict.actual}"
            hint = "it landed past the gate: modelreg rollback, and protect the branch (modelreg doctor --github)"
            yield Finding(change.file, "refused", message, line=1, hint=hint)
        elif not verdict.judged:
            message = f"{told}: wanted {verdict.expected}; {verdict.actual}"
            yield Finding(change.file, "not-judged", message, line=1, severity="error" if strict else "warning")
