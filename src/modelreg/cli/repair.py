"""`modelreg repair`."""

from __future__ import annotations

from typing import Annotated

import typer

from modelreg.cli.options import HERE, Json, RegistryPath
from modelreg.cli.output import emit_json, next_step, note, result


def add_to(app: typer.Typer) -> None:
    app.command()(repair)


def repair(
    registry: RegistryPath = HERE,
    locks: Annotated[bool, typer.Option("--locks", help="Remove lock files that a killed git left.")] = False,
    as_json: Json = False,
) -> None:
    """Complete a landing that was interrupted, and name stale lock files. Exit code 1 if any lock file stays."""
    from modelreg.services import repair as perform

    done = perform(registry, remove_locks=locks)
    stay = bool(done.locks) and not done.removed
    if as_json:
        found = [{"path": str(lock.path), "age_seconds": lock.age_s, "removed": done.removed} for lock in done.locks]
        emit_json({"completed": done.completed, "locks": found})
    else:
        for lock in done.locks:
            result(f"{'removed ' if done.removed else ''}{lock.path}, {lock.age_s} s old")
        note("completed an interrupted landing" if done.completed else "no landing was interrupted")
        if stay:
            next_step("modelreg repair --locks, if no git command runs here")
    if stay:
        raise typer.Exit(1)
