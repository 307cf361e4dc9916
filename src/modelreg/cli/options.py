"""Options that several commands share, declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperOption

from modelreg.cli.output import note
from modelreg.domain.location import Freshness, Location

_MAX_AGE, _OFFLINE = "modelreg.max_age", "modelreg.offline"


def _location(text: str | Location) -> Location:
    return text if isinstance(text, Location) else Location.parse(text)


def _as_fresh(ctx: typer.Context, value: Location) -> Location:
    """With what --max-age and --offline say, which are read first."""
    age, offline = ctx.meta.get(_MAX_AGE, 0.0), ctx.meta.get(_OFFLINE, False)
    if value.url is not None and offline and (told := _as_of(value.url)) is not None:
        note(f"offline: {value} as of {told}")
    return Location(value.path, value.url, Freshness(age, offline=offline, once=True))


def _as_of(url: str) -> str | None:
    from modelreg.locating import as_of

    return as_of(url)


RegistryPath = Annotated[
    Location,
    typer.Option(
        "--registry",
        "-C",
        metavar="PATH|URL",
        envvar="MODELREG_REGISTRY",
        parser=_location,
        callback=_as_fresh,
        help="A folder of the registry's repository, or a git URL: https, ssh, file, user@host:path.",
    ),
]
Branch = Annotated[
    str | None,
    typer.Option("--branch", metavar="NAME", help="Land on this protected branch though HEAD is elsewhere."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, on one documented shape.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")]
Push = Annotated[bool, typer.Option("--push", help="Push to origin in the same step; nothing lands if it refuses.")]
Reason = Annotated[str, typer.Option("--reason", "-m", metavar="TEXT", help="Why; goes into the record.")]
Key = Annotated[
    Path | None,
    typer.Option(
        "--key", metavar="PATH", help="Sign with this SSH key; else with git's user.signingkey.", show_default=False
    ),
]
Sign = Annotated[bool, typer.Option("--sign", help="Sign what is recorded with your SSH key.")]
On = Annotated[str | None, typer.Option("--on", metavar="BRANCH", help="Land it on this branch (a proposal) instead.")]
Ref = Annotated[str | None, typer.Option("--ref", metavar="REF", help="Read this ref instead of the protected branch.")]
Model = Annotated[str, typer.Argument(metavar="MODEL", show_default=False)]
Version = Annotated[str, typer.Argument(metavar="VERSION", show_default=False)]
StageName = Annotated[str, typer.Argument(metavar="STAGE", show_default=False)]
ProposeOption = Annotated[
    bool, typer.Option("--propose", help="Make a branch with the record, for a pull request, and land nothing.")
]
Address = Annotated[
    str,
    typer.Argument(
        metavar="ADDRESS", help="MODEL@1.3.0, MODEL@latest, MODEL#STAGE or MODEL@ALIAS.", show_default=False
    ),
]
HERE = Location()

_OF_A_URL = "Of a URL: answer from the cache, and ask nothing of the network."
_OFFLINE_HELP = {"verify": "Ask nothing of the network: neither the artifacts' remote nor, of a URL, its server."}


def command_group(name: str, summary: str) -> typer.Typer:
    """A command with commands below it; without one of them it shows its help."""
    return typer.Typer(name=name, help=summary, no_args_is_help=True, rich_markup_mode=None)


def add_freshness(command: Any) -> None:
    """To every command that reads a registry: how old the answer of one that is elsewhere may be."""
    for below in getattr(command, "commands", {}).values():
        add_freshness(below)
    if any(parameter.name == "registry" for parameter in command.params):
        command.params += [_max_age(), _offline(_OFFLINE_HELP.get(command.name, _OF_A_URL))]


def _max_age() -> TyperOption:
    def keep(ctx: typer.Context, _: Any, value: float) -> None:
        ctx.meta[_MAX_AGE] = Freshness(value).max_age_s

    return TyperOption(
        param_decls=["max_age", "--max-age"], type=float, default=0.0, metavar="SECONDS", envvar="MODELREG_MAX_AGE",
        is_eager=True, expose_value=False, callback=keep,
        help="Of a URL: fetch nothing where the last fetch is at most so old.",
    )  # fmt: skip


def _offline(told: str) -> TyperOption:
    def keep(ctx: typer.Context, _: Any, value: bool) -> None:
        ctx.meta[_OFFLINE] = value

    return TyperOption(
        param_decls=["offline", "--offline"], type=bool, is_flag=True, default=False, envvar="MODELREG_OFFLINE",
        is_eager=True, expose_value=False, callback=keep,
        help=told,
    )  # fmt: skip
