"""Options and answers that the imports from git repositories share."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelreg.cli.output import emit_json, next_step, note, result
from modelreg.cli.progress import Count

if TYPE_CHECKING:
    from modelreg.registry.import_git import Brought

From = Annotated[
    Path | None,
    typer.Option("--from", metavar="PATH", help="A clone of the repository to import; without, the registry's own."),
]
Names = Annotated[
    list[str], typer.Option("--artifact", metavar="NAME", help="Only this artifact, by its name there; again for more.")
]
As = Annotated[
    list[str], typer.Option("--as", metavar="NAME=MODEL", help="What an artifact is called here; again for more.")
]
NoFiles = Annotated[
    bool, typer.Option("--no-files", help="Record where the files are, and fetch none: that cannot be made up for.")
]


class Counted:
    """How far an import is, of how many; the bar is gone when all is done."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._bar = Count()
        self._started = False

    def __call__(self, done: int, total: int) -> None:
        if not self._started:
            self._started = True
            self._bar.start(self._what, total)
        self._bar.reach(done)
        if done == total:
            self._bar.finish()


def answer(origin: str, brought: Iterable[Brought], *, dry_run: bool, as_json: bool) -> None:
    """Tell of each as it is done. Raises typer.Exit(1) where something was not imported."""
    told: list[dict[str, Any]] = []
    for one in brought:
        told.append(one.to_mapping())
        if not as_json:
            _tell(one, dry_run=dry_run)
    if as_json:
        emit_json({"from": origin, "dry_run": dry_run, "models": told})
    elif not told:
        result(f"{origin} has nothing to import")
    elif not dry_run:
        next_step("modelreg list")
    if any(one["not_imported"] for one in told):
        raise typer.Exit(1)


def _tell(one: Brought, *, dry_run: bool) -> None:
    called = one.model if one.name == one.model else f"{one.model} ({one.name})"
    would = "would be " if dry_run else ""
    count = len(one.registered)
    result(f"{called}: {count} version{'' if count == 1 else 's'} {would}registered, {one.present} here already")
    for version, files in one.registered:
        result(f"  {version}{'' if files else ' (without files)'}")
    for move in one.moves:
        result(f"  {'would move: ' if dry_run else ''}{move}")
    for text in one.notes:
        note(f"  {text}")
    for what, reason in one.refused:
        note(f"  not imported: {what}: {reason}")
