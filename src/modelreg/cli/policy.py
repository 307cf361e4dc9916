"""`modelreg policy check|test|approve`."""

from __future__ import annotations

import typer

from modelreg.cli.approvals import approve_rules
from modelreg.cli.changes import tell_checks
from modelreg.cli.findings import Format, known_format, show
from modelreg.cli.options import HERE, Address, Json, Ref, RegistryPath, StageName, command_group
from modelreg.cli.output import emit_json, result

policy = command_group("policy", "Ask about the rules themselves.")


def add_to(app: typer.Typer) -> None:
    app.add_typer(policy)


@policy.command()
def check(
    registry: RegistryPath = HERE,
    ref: Ref = None,
    format: Format = "text",  # noqa: A002 - the option's name
    as_json: Json = False,
) -> None:
    """What the policy asks that can never be met, or that asks nothing. Exit code 1 for the former, 0 for warnings."""
    from modelreg.registry.policy import check as perform
    from modelreg.wiring import open_workspace

    known_format(format)
    done = perform(open_workspace(registry), ref=ref)
    show(done.files, done.findings, "json" if as_json else format)


@policy.command("test")
def try_(
    address: Address, to: StageName, registry: RegistryPath = HERE, ref: Ref = None, as_json: Json = False
) -> None:
    """What the policy demands of a version for a stage: what is met and what is missing. Changes nothing."""
    from modelreg.domain.address import Address as Parsed
    from modelreg.domain.names import parse_stage
    from modelreg.registry.policy_test import try_policy
    from modelreg.registry.resolve import resolve
    from modelreg.wiring import open_workspace

    workspace = open_workspace(registry)
    snapshot, parsed = workspace.snapshot(ref), Parsed.parse(address)
    tested = try_policy(workspace, snapshot, parsed.model, resolve(snapshot, parsed), parse_stage(to))
    if as_json:
        emit_json(tested.to_mapping())
    elif tested.stands_there:
        result(f"{tested.model}@{tested.version} is in {tested.to} already")
    else:
        tell_checks(tested.report.verdicts)
        missing = len(tested.report.failures)
        word = "all of it is met" if not missing else f"{missing} of {len(tested.report.verdicts)} checks are missing"
        result(f"{tested.model}@{tested.version} {tested.from_} -> {tested.to}: {word}")
    if not tested.met:
        raise typer.Exit(1)


policy.command("approve")(approve_rules)
