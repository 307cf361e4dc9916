"""`modelreg doctor`: does everything stand that modelreg leans on, here and on the forge?"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Annotated

import typer

from modelreg.cli.options import HERE, Json, RegistryPath
from modelreg.cli.output import emit_json, next_step, note, result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelreg.domain.diagnosis import Examined
    from modelreg.domain.enforcement import Demand

_ORIGIN = re.compile(r"(?:.*[/:@])?([A-Za-z0-9-]+/[A-Za-z0-9._-]+?)(?:\.git)?/?")


def add_to(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(
    registry: RegistryPath = HERE,
    github: Annotated[
        bool,
        typer.Option("--github", help="What GitHub must enforce; with GITHUB_TOKEN, whether it does."),
    ] = False,
    repo: Annotated[
        str | None, typer.Option("--repo", metavar="OWNER/NAME", help="On GitHub; without, as origin says.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check tools, registry and policy; with --github what the forge must enforce. Exit code 1 where it does not."""
    from modelreg.domain.diagnosis import worst
    from modelreg.errors import UsageError

    if repo is not None and not github:
        raise UsageError("--repo is for --github", hint="modelreg doctor --github --repo OWNER/NAME")
    examined, asked = _forge(registry, repo) if github else (_here(registry), ())
    answer = worst(examined)
    if as_json:
        _emit(examined, asked, answer)
    elif asked:
        _demand(asked)
    else:
        _tell(examined)
    if answer != "yes":
        raise typer.Exit(1 if answer == "no" else 4)


def _here(registry: RegistryPath) -> Sequence[Examined]:
    from modelreg.services import diagnose

    return diagnose(registry)


def _forge(registry: RegistryPath, repo: str | None) -> tuple[Sequence[Examined], Sequence[Demand]]:
    """With a token the answers, without one the demands."""
    from modelreg.domain.enforcement import demands
    from modelreg.integrations.github import api_from_environment
    from modelreg.integrations.github_rules import forge_state
    from modelreg.registry.doctor import duties
    from modelreg.services import origin
    from modelreg.wiring import open_workspace

    needed = duties(open_workspace(registry))
    asked = demands(needed)
    if not (os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN")):
        return (), asked
    match = _ORIGIN.fullmatch(origin(registry) or "")
    api = api_from_environment("administration: read", repo or (match[1] if match else None))
    state = forge_state(api, needed.branch)
    return [demand.examine(state) for demand in asked], ()


def _tell(examined: Sequence[Examined]) -> None:
    for item in examined:
        result(f"{item.answer:7} {item.check}: {item.found}")
        if item.hint:
            result(f"        {item.hint}")
    bad = sum(item.answer != "yes" for item in examined)
    note(f"{len(examined)} things looked at: " + (f"{bad} to see to" if bad else "all well"))


def _demand(asked: Sequence[Demand]) -> None:
    for demand in asked:
        result(f"{demand.check}: {demand.way}")
        result(f"        because {demand.why}")
    next_step("GITHUB_TOKEN=… modelreg doctor --github checks them (a token with administration: read)")


def _emit(examined: Sequence[Examined], asked: Sequence[Demand], answer: str) -> None:
    demanded = [{"check": d.check, "answer": None, "found": d.why, "hint": d.way} for d in asked]
    checks = [item.to_mapping() for item in examined]
    emit_json({"ok": answer == "yes" if examined else None, "checks": checks or demanded})
