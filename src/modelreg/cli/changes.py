"""How a stage change is told, made or proposed: for people, and as JSON of one shape."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import typer

from modelreg.cli.output import emit_json, next_step, note, result, short, table

if TYPE_CHECKING:
    from modelreg.domain.names import ModelName
    from modelreg.domain.verdict import Verdict
    from modelreg.domain.version import Version
    from modelreg.integrations.pull_request import Opened
    from modelreg.registry.propose import Proposed
    from modelreg.registry.stage import StageChange


def change_mapping(model: ModelName, version: Version | None, change: StageChange) -> dict[str, Any]:
    """The shape of schemas/output/stage-set.v1.json for what landed, or would."""
    transition = change.transition
    return {
        "model": model,
        "version": str(version) if version else None,
        "from": transition.from_ if transition else change.stage,
        "to": transition.to if transition else change.stage,
        "displaced": [str(d.version) for d in transition.displaces] if transition else [],
        "transition": transition.number if transition else None,
        "commit": change.commit,
        "report": change.report.to_mapping(),
        "proposal": None,
    }


def proposal_mapping(proposed: Proposed, opened: Opened | None) -> dict[str, Any]:
    """The same shape for what is proposed: nothing has landed."""
    transition, name = proposed.transition, proposed.name
    proposal = {
        "branch": proposed.branch,
        "into": proposed.into,
        "commit": proposed.commit,
        "made": proposed.made,
        "stale": proposed.stale,
        "pushed": proposed.pushed,
        "url": opened.url if opened else None,
        "title": proposed.title,
        "body": proposed.body,
    }
    return {
        "model": name.model,
        "version": str(name.version),
        "from": transition.from_ if transition else name.stage,
        "to": name.stage,
        "displaced": [str(d.version) for d in transition.displaces] if transition else [],
        "transition": transition.number if transition else None,
        "commit": None,
        "report": proposed.report.to_mapping(),
        "proposal": proposal if transition else None,
    }


def answer_change(model: ModelName, version: Version, change: StageChange, *, dry_run: bool, as_json: bool) -> None:
    """The answer to whoever moves a version; exit 1 for a dry run of what may not be."""
    if as_json:
        emit_json(change_mapping(model, version, change))
    else:
        tell_change(model, version, change, dry_run=dry_run)
    if dry_run and change.transition is not None and not change.report.allowed:
        raise typer.Exit(1)


def tell_change(model: ModelName, version: Version, change: StageChange, *, dry_run: bool) -> None:
    """What a change did, or (`dry_run`) would do."""
    transition = change.transition
    if transition is None:
        result(f"{model}@{version} is in {change.stage} already")
        return
    if dry_run:
        tell_checks(change.report.verdicts)
        verb = "would move" if change.report.allowed else "may not move"
        result(f"{verb} {model}@{version} from {transition.from_} to {transition.to}")
        for path in change.files if change.report.allowed else ():
            result(f"would write {path}")
    else:
        result(f"{model}@{version}: {transition.from_} -> {transition.to} in commit {short(change.commit)}")
    for displaced in transition.displaces if change.report.allowed else ():
        result(f"{'would displace' if dry_run else 'displaced'} {model}@{displaced.version} to {displaced.to}")
    if not dry_run:
        next_step(f"modelreg pull {model}#{transition.to}")


def tell_checks(verdicts: Iterable[Verdict]) -> None:
    """All checks, in the order of the policy."""
    rows = [("yes" if v.passed else "NO", v.check, v.expected, v.actual, v.reason) for v in verdicts]
    table(("passed", "check", "expected", "actual", "reason"), rows)


def tell_proposal(proposed: Proposed, opened: Opened | None, *, dry_run: bool) -> None:
    """What was proposed, what its checks say, and what comes next."""
    name, transition = proposed.name, proposed.transition
    if transition is None and proposed.commit is None:
        result(f"{name.model}@{name.version} is in {name.stage} already")
        return
    tell_checks(proposed.report.verdicts)
    if dry_run and proposed.commit is None:
        result(f"{'can never land' if proposed.hopeless else 'would propose'}: {proposed.title}")
        for path in proposed.files:
            result(f"would write {path} on {proposed.branch}")
        return
    if proposed.made:
        result(f"proposed on branch {proposed.branch} in commit {short(proposed.commit)}: {proposed.title}")
    else:
        result(f"there is an open proposal already: {proposed.branch} at {short(proposed.commit)}")
    refresh = f"modelreg propose {name.model} {name.version} {name.stage} --refresh"
    if proposed.stale:
        next_step(f"{refresh}: another change landed first")
    elif opened is not None and opened.url is not None:
        result(f"pull request: {opened.url}")
    for line in opened.steps if opened is not None else ():
        note(line)
    if not proposed.pushed:
        next_step(f"git push origin {proposed.branch}, and open a pull request into {proposed.into}; or --push")
