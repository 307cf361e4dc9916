"""Options and answers that imports and exports of whole models share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from modelreg.cli.output import counted, emit_json, next_step, note, result
from modelreg.cli.progress import Count

if TYPE_CHECKING:
    from modelreg.registry.exporting import Exported
    from modelreg.registry.import_git import Brought
    from modelreg.registry.transfer import Imported, Transferred

One = TypeVar("One", "Brought", "Imported", "Exported")

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
Stages = Annotated[
    list[str],
    typer.Option("--stage", metavar="THEIRS=OURS", help="What a stage is called in the policy here; again for more."),
]
NoFiles = Annotated[
    bool, typer.Option("--no-files", help="Record where the files are, and fetch none: that cannot be made up for.")
]
TrackingUri = Annotated[
    str,
    typer.Option(
        "--tracking-uri", metavar="URI", help="The MLflow: https://…, postgresql://…, sqlite:///FILE or a folder."
    ),
]
RegistryUri = Annotated[
    str | None, typer.Option("--registry-uri", metavar="URI", help="Its model registry, where that is elsewhere.")
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


def answer(
    other: Mapping[str, str],
    done: Iterable[One],
    tell: Callable[[One], None],
    nothing: str,
    *,
    then: str = "",
    dry_run: bool,
    as_json: bool,
) -> None:
    """Tell of each model as it is done, or that there is none (`nothing`).

    `other` is where they come from or go to: `{"from": NAME}`. Raises typer.Exit(1) where something was refused.
    """
    told: list[dict[str, Any]] = []
    refused = False
    for one in done:
        told.append(one.to_mapping())
        refused = refused or bool(one.refused)
        if not as_json:
            tell(one)
    if as_json:
        emit_json({**other, "dry_run": dry_run, "models": told})
    elif not told:
        result(nothing)
    elif then and not dry_run:
        next_step(then)
    if refused:
        raise typer.Exit(1)


def answer_brought(origin: str, brought: Iterable[Brought], *, dry_run: bool, as_json: bool) -> None:
    """`answer` for artifacts of another repository or export."""

    def tell(one: Brought) -> None:
        versions = [f"{version}{'' if files else ' (without files)'}" for version, files in one.registered]
        moves = [f"{'would move: ' if dry_run else ''}{move}" for move in one.moves]
        tell_imported(one, len(versions), [*versions, *moves], dry_run=dry_run)

    nothing = f"{origin} has nothing to import"
    answer({"from": origin}, brought, tell, nothing, then="modelreg list", dry_run=dry_run, as_json=as_json)


def tell_imported(one: Transferred, count: int, lines: Iterable[str], *, dry_run: bool) -> None:
    """What came of a model: how many versions were registered, and in `lines` what else was done."""
    called = one.model if one.name == one.model else f"{one.model} ({one.name})"
    done = f"{'would be ' if dry_run else ''}registered, {one.present} here already"
    tell_transferred(one, f"{called}: {counted(count, 'version')} {done}", lines, "not imported")


def tell_transferred(one: Transferred, headline: str, lines: Iterable[str], refused: str) -> None:
    """What came of a model, for people: `headline`, `lines` of what was done, then what was not (`refused`), and why."""
    result(headline)
    for line in lines:
        result(f"  {line}")
    for text in one.notes:
        note(f"  {text}")
    for left in one.refused:
        note(f"  {refused}: {left.what}: {left.reason}")
