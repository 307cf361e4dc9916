"""`modelreg repair`."""

from __future__ import annotations

from typing import Annotated

import typer

from modelreg.cli.options import HERE, DryRun, Json, RegistryPath
from modelreg.cli.output import emit_json, next_step, note, result


def add_to(app: typer.Typer) -> None:
    app.command()(repair)


def repair(
    registry: RegistryPath = HERE,
    locks: Annotated[bool, typer.Option("--locks", help="Remove lock files that a killed git left.")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Complete a landing that was interrupted, and name stale lock files. Exit code 1 if any lock file stays."""
    from modelreg.services import repair as perform

    done = perform(registry, remove_locks=locks, dry_run=dry_run)
    stay = bool(done.locks) and not done.removed
    if as_json:
        gone = done.removed and not dry_run
        found = [{"path": str(lock.path), "age_seconds": lock.age_s, "removed": gone} for lock in done.locks]
        emit_json({"completed": done.completed and not dry_run, "interrupted": done.completed, "locks": found})
    else:
        verb = ("would remove " if dry_run else "removed ") if done.removed else ""
        for lock in done.locks:
            result(f"{verb}{lock.path}, {lock.age_s} s old")
        completed = f"{'would complete' if dry_run else 'completed'} an interrupted landing"
        note(completed if done.completed else "no landing was interrupted")
        if stay:
            next_step("modelreg repair --locks, if no git command runs here")
    if stay:
        raise typer.Exit(1)
