"""`modelreg reproduce`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelreg.cli.evidence import stated_mapping, tell
from modelreg.cli.options import HERE, Address, Branch, DryRun, Json, Key, Push, RegistryPath, Sign
from modelreg.cli.output import emit_json, next_step, note, result

if TYPE_CHECKING:
    from modelreg.registry.reproduce import Prepared, Reproduction

Command = Annotated[
    str | None,
    typer.Option("--command", metavar="TEXT", help="What made it, where the manifest does not say: run from the top."),
]
Environment = Annotated[
    str, typer.Option("--env", metavar="KIND", help="fresh: from the recorded lock; current: what runs modelreg.")
]
Upstream = Annotated[bool, typer.Option("--upstream", help="Run the stages before the recorded one as well.")]
Tolerance = Annotated[
    float | None,
    typer.Option(
        "--tolerance",
        metavar="X",
        help="Greatest difference of predictions and metrics; 1e-9 unless said otherwise.",
        show_default=False,
    ),
]
TimeLimit = Annotated[
    float | None, typer.Option("--time-limit", metavar="MINUTES", help="Stop the run after this.", show_default=False)
]
KeepVariable = Annotated[
    list[str], typer.Option("--pass-env", metavar="NAME", help="Let the code see this environment variable; again.")
]
Keep = Annotated[
    Path | None,
    typer.Option("--keep", metavar="DIR", help="Make clone and environment here, and keep them.", show_default=False),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Run the code without asking, as in CI.")]
Record = Annotated[bool, typer.Option("--record", help="State what came of it, as evidence.")]


def add_to(app: typer.Typer) -> None:
    app.command()(reproduce)


def reproduce(
    address: Address,
    command: Command = None,
    env: Environment = "fresh",
    upstream: Upstream = False,
    tolerance: Tolerance = None,
    time_limit: TimeLimit = None,
    pass_env: KeepVariable = [],
    keep: Keep = None,
    yes: Yes = False,
    record: Record = False,
    sign: Sign = False,
    key: Key = None,
    push: Push = False,
    registry: RegistryPath = HERE,
    branch: Branch = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make a version again from its commit, lock and data in a throwaway clone, and compare; exit code 1 where it differs."""
    from modelreg.domain.address import Address as Parsed
    from modelreg.registry.reproduce import Options, perform, prepare
    from modelreg.registry.reproduce_record import record_reproduction
    from modelreg.services import open_sandbox, predictions_apart
    from modelreg.wiring import open_workspace, signing_key

    options = Options.checked(env, tolerance, time_limit, command=command, upstream=upstream, pass_env=pass_env)
    _check(keep, record=record, signed=sign or push or key is not None)
    workspace = open_workspace(registry, branch)
    prepared = prepare(workspace, Parsed.parse(address), options)
    if dry_run:
        _show(prepared, as_json=as_json)
        return
    _ask(prepared, yes=yes)
    signing = signing_key(registry, key, wanted=sign) if record else None
    sandbox = open_sandbox(workspace, prepared.code.commit, prepared.code.records, keep)
    done = perform(workspace, prepared, sandbox, predictions_apart, _silent if as_json else _line)
    recorded = record_reproduction(workspace, done, key=signing, push=push) if record else None
    if as_json:
        emit_json(done.to_mapping() | ({"recorded": stated_mapping(recorded)} if recorded else {}))
    else:
        _tell(done)
        if recorded is not None:
            tell(recorded, dry_run=False)
        elif done.judgement.ok:
            next_step("the same with --record --sign states it, for a gate that asks provenance: [reproduced]")
    if not done.judgement.ok:
        raise typer.Exit(1)


def _check(keep: Path | None, *, record: bool, signed: bool) -> None:
    """Raises UsageError for options that make no sense."""
    from modelreg.errors import UsageError

    if keep is not None and keep.exists():
        raise UsageError(f"{keep} exists; nothing is overwritten", hint="name a folder that is not there yet")
    if signed and not record:
        raise UsageError("--sign, --key and --push are for --record", hint="modelreg reproduce MODEL@V --record --sign")


def _ask(prepared: Prepared, *, yes: bool) -> None:
    """Code of the past runs only where a person, or --yes, said so.

    Raises UsageError where nobody can be asked, DeniedError where the answer is no.
    """
    import sys

    from modelreg.errors import DeniedError, UsageError

    for line in _plan(prepared):
        note(line)
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "this runs code of the repository, and there is nobody to ask", hint="--yes, if you trust that commit"
        )
    note("This runs the code of that commit as you, on this machine.")
    if not typer.confirm("Run it?", default=False, err=True):
        raise DeniedError("nothing was run", hint="--dry-run shows what would")


def _plan(prepared: Prepared) -> list[str]:
    where = prepared.recipe.folder or "the top"
    lines = [
        f"{prepared.model}@{prepared.version}",
        f"  commit       {prepared.commit}",
        f"  runs         {prepared.recipe.shown}",
        f"  in           {where} of a throwaway clone",
        f"  environment  {prepared.environment}",
    ]
    for data in prepared.recipe.data:
        digest = f"sha256 {data.sha256[:12]}…" if data.sha256 else "no digest on record"
        lines.append(f"  data         {data.name}: {digest} at {data.path or 'a place outside of the repository'}")
    return [*lines, *(f"  note         {text}" for text in prepared.notes)]


def _show(prepared: Prepared, *, as_json: bool) -> None:
    if as_json:
        emit_json(prepared.to_mapping() | {"dry_run": True})
        return
    for line in _plan(prepared):
        result(line)
    next_step(f"modelreg reproduce {prepared.model}@{prepared.version}")


_SHOWN = 30


def _tell(done: Reproduction) -> None:
    judgement = done.judgement
    address = f"{done.prepared.model}@{done.prepared.version}"
    for text in (*done.notes, *judgement.notes):
        if text in done.prepared.notes:
            continue  # said before it ran
        note(f"note: {text}")
    verdict = "is reproduced" if judgement.ok else "is NOT reproduced"
    result(f"{address} {verdict} ({judgement.kind}): {judgement.reason}")
    if judgement.causes:
        result("what differs, and did not matter:" if judgement.ok else "what differs, the likeliest cause first:")
    for text in judgement.causes[:_SHOWN]:
        result(f"  {text}")
    if len(judgement.causes) > _SHOWN:
        result(f"  and {len(judgement.causes) - _SHOWN} more: --json lists all")


def _line(text: str) -> None:
    note(f"  | {text}")


def _silent(_: str) -> None:
    """With --json standard error is for the error alone; the last lines are in the answer."""
