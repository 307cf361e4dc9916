"""A proposal as the text of its pull request, in GitHub's Markdown; strangers' text in code spans only (markdown)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from modelreg.domain.comparison import compare_metrics, data_that_differ, params_that_differ, size_bytes
from modelreg.domain.manifest import Manifest
from modelreg.domain.policy import Gate
from modelreg.domain.proposal import ProposalName
from modelreg.domain.reports.markdown import code, within
from modelreg.domain.reports.tables import ROWS, number, section
from modelreg.domain.signature import incompatibilities
from modelreg.domain.transition import Transition
from modelreg.domain.verdict import Report, Verdict


def proposal_body(
    name: ProposalName,
    transition: Transition,
    report: Report,
    candidate: Manifest,
    holder: Manifest | None,
    asked: Sequence[Gate],
) -> str:
    """What changes, candidate against holder, checks missing and met, and what reviewers can do. `asked` are the
    gates that the transition must pass."""
    sections = [_change(transition), _comparison(candidate, holder), _checks(report), _approving(name, report, asked)]
    return within(sections)


def _change(transition: Transition) -> str:
    rows: list[Sequence[object]] = [
        ("model", transition.model),
        ("version", transition.version),
        ("from", transition.from_),
        ("to", transition.to),
        ("displaces", ", ".join(f"{d.version} to {d.to}" for d in transition.displaces) or "nothing"),
    ]
    for alias, version in sorted(transition.aliases.items()):
        rows.append((f"alias {alias}", f"-> {version}" if version else "removed"))
    rows += [("proposed by", transition.by), ("reason", transition.reason or "none given")]
    if transition.cause is not None:
        rows.append(("cause of the rollback", transition.cause))
    rows.append(("manifest sha256", transition.manifest_sha256))
    return _section("What changes", ("", ""), rows)


def _comparison(candidate: Manifest, holder: Manifest | None) -> str:
    if holder is None:
        metrics = [(name, number(metric.value)) for name, metric in sorted(candidate.metrics.items())]
        text = _section("Candidate", ("metric", str(candidate.version)), metrics)
        return text + "\nNobody holds the stage now: there is nothing to compare with.\n"
    mine, theirs = str(candidate.version), str(holder.version)
    rows = []
    for row in compare_metrics(candidate, holder):
        mark = {"better": "✅ better", "worse": "❌ worse", "equal": "equal"}.get(row.word, "not comparable")
        told = number(row.difference, sign=True) if row.difference is not None else row.why
        rows.append((row.name, number(row.candidate), number(row.holder), mark, told))
    sections = [_section(f"Candidate {mine} against holder {theirs}", ("metric", mine, theirs, "", "difference"), rows)]
    params = [(d.name, _shown(d.candidate), _shown(d.holder)) for d in params_that_differ(candidate, holder)]
    data = [(d.name, _shown(d.candidate)[:12], _shown(d.holder)[:12]) for d in data_that_differ(candidate, holder)]
    for title, found in (("Parameters that differ", params), ("Data that differ", data)):
        sections.append(_section(title, ("name", mine, theirs), found) if found else f"#### {title}\n\nNone.\n")
    sections.append(_signature(candidate, holder))
    sizes = [("bytes of all artifacts", size_bytes(candidate), size_bytes(holder))]
    sections.append(_section("Size", ("", mine, theirs), sizes))
    return "\n".join(sections)


def _signature(candidate: Manifest, holder: Manifest) -> str:
    found = incompatibilities(holder.body.get("signature"), candidate.body.get("signature"))
    if not found:
        return f"#### Signature\n\nCompatible: callers of {code(holder.version)} may call it unchanged.\n"
    lines = [f"- {code(text)}" for text in found[:ROWS]]
    lines += [f"- and {len(found) - ROWS} more"] if len(found) > ROWS else []
    return "#### Signature\n\nNot known to be compatible:\n\n" + "\n".join(lines) + "\n"


def _checks(report: Report) -> str:
    missing = [verdict for verdict in report.verdicts if not verdict.passed]
    met = [verdict for verdict in report.verdicts if verdict.passed]
    head = ("", "check", "expected", "actual", "reason")
    sections = [
        _section(f"Missing ({len(missing)})", head, [_verdict(v) for v in missing])
        if missing
        else "#### Missing\n\nNothing, as far as it was known when this was written; the gate judges again.\n"
    ]
    sections.append(_section(f"Met ({len(met)})", head, [_verdict(v) for v in met]))
    return "\n".join(sections)


def _verdict(verdict: Verdict) -> Sequence[object]:
    mark = "❌" if not verdict.passed else "✅" if verdict.judged else "not judged here"
    return (mark, verdict.check, verdict.expected, verdict.actual, verdict.reason)


def _approving(name: ProposalName, report: Report, asked: Sequence[Gate]) -> str:
    lines = ["#### How to approve", ""]
    wanted = [gate.require["approvals"] for gate in asked if gate.require.get("approvals")]
    for requirement in wanted:
        lines += [f"- {text}" for text in _approval(name, requirement)]
    if not wanted:
        lines.append("- The policy asks for no approval here: whoever may merge, may merge.")
    if any(not verdict.passed for verdict in report.verdicts):
        lines.append("- What is missing is brought as commits on this branch, or on the protected branch before.")
    refresh = f"modelreg propose {name.model} {name.version} {name.stage} --refresh --push"
    lines.append(f"- When another change of the model has landed first: {code(refresh)}")
    return "\n".join(lines) + "\n"


def _approval(name: ProposalName, requirement: Mapping[str, object]) -> Iterator[str]:
    sources = requirement.get("from") or ("signature", "forge")
    who = f"of role {code(requirement['role'])}" if requirement.get("role") else "not the proposer, not the registrant"
    yield f"{code(requirement.get('count'))} persons, {who}, say yes:"
    if isinstance(sources, Iterable) and "forge" in sources:
        yield "by a review of this pull request that approves, or"
    if isinstance(sources, Iterable) and "signature" in sources:
        yield f"with their key: {code(f'modelreg approve {name.model} {name.version} {name.stage} --push')}"


_OURS = frozenset(("", "❌", "✅", "not judged here", "✅ better", "❌ worse", "equal", "not comparable"))


def _section(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    return section(title, columns, rows, _OURS)


def _shown(value: object) -> str:
    return "not recorded" if value is None else str(value)
