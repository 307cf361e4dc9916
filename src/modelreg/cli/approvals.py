"""`modelreg approve`, `modelreg approval withdraw|list`, and what `modelreg policy approve` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelreg.cli.evidence import stated_mapping
from modelreg.cli.options import HERE, Address, Branch, DryRun, Json, Key, On, Push, Reason, RegistryPath, command_group
from modelreg.cli.output import emit_json, next_step, note, result, short, table

if TYPE_CHECKING:
    from modelreg.domain.names import ModelName, Stage
    from modelreg.domain.version import Version
    from modelreg.registry.approvals import Standing
    from modelreg.registry.approve import Ballot
    from modelreg.registry.approve_rules import RulesBallot
    from modelreg.registry.stating import Stated

approval = command_group("approval", "Approvals on record; taking one back.")

Words = Annotated[
    list[str], typer.Argument(metavar="MODEL VERSION STAGE", help="Or MODEL@VERSION STAGE.", show_default=False)
]
WithdrawWords = Annotated[
    list[str],
    typer.Argument(
        metavar="MODEL VERSION STAGE|FILE", help="The stage, or approval-….yaml; or MODEL@VERSION …", show_default=False
    ),
]
Comment = Annotated[str, typer.Option("--comment", metavar="TEXT", help="A remark, signed with the rest.")]
ValidDays = Annotated[
    float | None, typer.Option("--valid-days", metavar="N", help="How long it lives; else as long as the gate says.")
]
RulesBranch = Annotated[
    str, typer.Argument(metavar="BRANCH", help="The branch that changes the rules.", show_default=False)
]


def add_to(app: typer.Typer) -> None:
    app.command()(approve)
    app.add_typer(approval)


def approve(
    words: Words,
    on: On = None,
    comment: Comment = "",
    valid_days: ValidDays = None,
    key: Key = None,
    registry: RegistryPath = HERE,
    branch: Branch = None,
    push: Push = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Approve one move of one version with your SSH key: its open proposal, else what `stage set` would record."""
    from modelreg.domain.names import parse_stage
    from modelreg.registry.approve import approve as perform
    from modelreg.registry.approve import prepare
    from modelreg.wiring import open_workspace, required_key

    workspace = open_workspace(registry, branch)
    model, version, last = _parsed(words)
    stage = parse_stage(last)
    signing = required_key(registry, key)
    fetch = push and not dry_run
    ballot = prepare(workspace, model, version, stage, key=signing, on=on, valid_days=valid_days, fetch=fetch)
    if not as_json:
        _show(ballot, as_fetched=not fetch and workspace.repository.remote_url() is not None)
    done = perform(workspace, ballot, signing, comment=comment, push=push, dry_run=dry_run)
    if as_json:
        emit_json(_approved_mapping(model, version, stage, ballot, done))
        return
    _tell(done, "approve", dry_run=dry_run)
    if not dry_run:
        next_step(_after(ballot, done, stage, push=push))


def _parsed(words: list[str]) -> tuple[ModelName, Version, str]:
    """MODEL VERSION LAST or MODEL@VERSION LAST."""
    from modelreg.domain.names import parse_model
    from modelreg.domain.version import Version as Parsed
    from modelreg.errors import UsageError

    if len(words) == 2 and "@" in words[0]:
        words = [*words[0].split("@", 1), words[1]]
    if len(words) != 3:
        raise UsageError(f"{len(words)} words given", hint="MODEL VERSION STAGE, or MODEL@VERSION STAGE")
    return parse_model(words[0]), Parsed.parse(words[1]), words[2]


def _show(ballot: Ballot, *, as_fetched: bool) -> None:
    """What is signed, and what the judge says of all else: nobody approves unseen."""
    transition, said = ballot.transition, ballot.statement
    nowhere = "not proposed, as far as was fetched" if as_fetched else "not proposed yet"
    where = f"proposed on {ballot.proposal} by {transition.by}" if ballot.proposal else nowhere
    result(f"{said['model']}@{said['version']}: {said['from']} -> {said['to']} ({where})")
    rows = [
        ("displaces", ", ".join(said["displaces"]) or "nobody"),
        ("manifest", said["manifest_sha256"]),
        ("gate", said["gate_sha256"]),
        ("entry", f"{said['entry']} times entered before"),
        ("asked for", ", ".join(ballot.asked) or "no gate asks for approvals"),
        ("by", ballot.by),
        ("not after", ballot.not_after),
    ]
    table(("you sign", ""), rows)
    if ballot.verdicts:
        table(
            ("passed", "check", "expected", "actual", "reason"),
            [
                (
                    "yes" if v.passed and v.judged else "not judged" if v.passed else "NO",
                    v.check,
                    v.expected,
                    v.actual,
                    v.reason,
                )
                for v in sorted(ballot.verdicts, key=lambda v: v.passed)
            ],
        )


def _after(ballot: Ballot, done: Stated, stage: Stage, *, push: bool) -> str:
    if ballot.proposal is None:
        return f"modelreg stage set {ballot.transition.model} {ballot.transition.version} {stage}"
    address = f"{ballot.transition.model}@{ballot.transition.version}"
    return f"modelreg approval list {address}" if push else f"git push origin {done.branch}"


def _approved_mapping(
    model: ModelName, version: Version, stage: Stage, ballot: Ballot, done: Stated
) -> dict[str, object]:
    return stated_mapping(done) | {
        "model": model,
        "version": str(version),
        "from": ballot.transition.from_,
        "to": stage,
        "displaces": list(ballot.statement["displaces"]),
        "gate_sha256": ballot.statement["gate_sha256"],
        "entry": ballot.statement["entry"],
        "not_after": done.body["not_after"],
        "proposal": ballot.proposal,
        "asked": list(ballot.asked),
        "verdicts": [verdict.to_mapping() for verdict in ballot.verdicts],
    }


def _tell(done: Stated, verb: str, *, dry_run: bool) -> None:
    if dry_run:
        result(f"would sign and write {done.path} on {done.branch}")
    else:
        result(f"{verb}d as {done.signer}: {done.path} on {done.branch} in commit {short(done.commit)}")


@approval.command("withdraw")
def withdraw(
    words: WithdrawWords,
    reason: Reason = "",
    on: On = None,
    key: Key = None,
    registry: RegistryPath = HERE,
    branch: Branch = None,
    push: Push = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take back your own approval, signed with the same name; the record of both stays."""
    from modelreg.registry.approvals import withdraw_approval
    from modelreg.wiring import open_workspace, required_key

    workspace = open_workspace(registry, branch)
    model, version, what = _parsed(words)
    signing = required_key(registry, key)
    done = withdraw_approval(
        workspace, model, version, what, key=signing, reason=reason, on=on, push=push, dry_run=dry_run
    )
    if as_json:
        rows = [stated_mapping(item) | {"approval": item.body["approval"]} for item in done]
        emit_json({"model": model, "version": str(version), "withdrawals": rows})
        return
    for item in done:
        if dry_run:
            result(f"would take back {item.body['approval']} on {item.branch}")
        else:
            result(f"took back {item.body['approval']} on {item.branch} in commit {short(item.commit)}")
    next_step(f"modelreg approval list {model}@{version}")


@approval.command("list")
def list_(address: Address, registry: RegistryPath = HERE, as_json: Json = False) -> None:
    """The approvals of a version, on the protected branch and on open proposals: which count now, which not and why."""
    from modelreg.domain.address import Address as Parsed
    from modelreg.registry.approvals import list_approvals
    from modelreg.registry.resolve import resolve
    from modelreg.wiring import open_workspace

    workspace = open_workspace(registry)
    parsed = Parsed.parse(address)
    version = resolve(workspace.snapshot(), parsed)
    rows = [_listed(standing) for standing in list_approvals(workspace, parsed.model, version)]
    if as_json:
        emit_json({"model": parsed.model, "version": str(version), "approvals": rows})
        return
    table(
        ("counts", "stage", "by", "until", "branch", "file", "why not"),
        [
            (
                "yes" if row["counts"] else "NO",
                row["to"],
                row["by"],
                row["not_after"],
                row["branch"],
                row["file"].rsplit("/", 1)[-1],
                row["reason"],
            )
            for row in rows
        ],
    )
    if not rows:
        note(f"nobody has signed an approval of {parsed.model}@{version}")


def _listed(standing: Standing) -> dict[str, Any]:
    item = standing.item
    return {
        "by": item.body["by"],
        "signer": item.signer,
        "from": item.body["from"],
        "to": item.body["to"],
        "at": item.body["at"],
        "not_after": item.body["not_after"],
        "counts": standing.counts,
        "reason": standing.trouble,
        "branch": standing.branch,
        "file": item.path,
    }


def approve_rules(
    head: RulesBranch,
    comment: Comment = "",
    valid_days: ValidDays = None,
    key: Key = None,
    registry: RegistryPath = HERE,
    push: Push = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Approve a change of the rules (policy, signers, a model's gates) with your SSH key, on its branch."""
    from modelreg.registry.approve_rules import approve_rules as perform
    from modelreg.registry.approve_rules import prepare_rules
    from modelreg.wiring import open_workspace, required_key

    workspace = open_workspace(registry)
    signing = required_key(registry, key)
    fetch = push and not dry_run
    ballot = prepare_rules(workspace, head, key=signing, valid_days=valid_days, fetch=fetch)
    if not as_json:
        _show_rules(ballot, workspace.settings.branch)
    done = perform(workspace, ballot, signing, comment=comment, push=push, dry_run=dry_run)
    if as_json:
        emit_json(
            stated_mapping(done) | {"paths": ballot.paths, "not_after": done.body["not_after"], "asked": ballot.asked}
        )
        return
    _tell(done, "approve", dry_run=dry_run)
    if not dry_run and not push:
        next_step(f"git push origin {head}")


def _show_rules(ballot: RulesBallot, base: str) -> None:
    result(f"{ballot.branch} changes the rules; written by {', '.join(ballot.authors)}")
    rows = [(path, (new["old"] or "absent")[:12], (new["new"] or "removed")[:12]) for path, new in ballot.paths.items()]
    table(("you approve", "old sha256", "new sha256"), rows)
    result(f"asked for: {ballot.asked}; by {ballot.by}, not after {ballot.not_after}")
    note(f"to read it: git diff {base}...{ballot.branch} -- {' '.join(ballot.paths)}")
