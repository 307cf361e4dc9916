"""`modelreg hook pre-receive|install`: the gate on a git server of one's own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from modelreg.cli.options import HERE, RegistryPath, command_group
from modelreg.cli.output import next_step, note, result

hook = command_group("hook", "The gate as a hook of a git server.")


def add_to(app: typer.Typer) -> None:
    app.add_typer(hook)


@hook.command("pre-receive")
def pre_receive_command(registry: RegistryPath = HERE) -> None:
    """Judge a push; git runs this with one `old new ref` per line on standard input. Exit 1 refuses all of it."""
    from modelreg.errors import UsageError
    from modelreg.registry.hook import RefUpdate, pre_receive
    from modelreg.wiring import open_pushed

    updates = []
    for line in sys.stdin.read().splitlines():
        parts = line.split(" ", 2)
        if len(parts) != 3:
            raise UsageError("standard input holds no `old new ref` lines", hint="git runs this, not you: hook install")
        updates.append(RefUpdate(*parts))
    registries = open_pushed(registry, [(update.ref, update.new) for update in updates])
    refusals = list(dict.fromkeys(refusal for each in registries for refusal in pre_receive(each, updates)))
    for refusal in refusals:
        note(f"refused {refusal.ref}: {refusal.reason}")
        if refusal.hint:
            note(f"  hint: {refusal.hint}")
    if refusals:
        raise typer.Exit(1)


@hook.command("install")
def install_command(
    repository: Annotated[Path, typer.Argument(metavar="PATH", help="The bare repository of the server.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a hook that is there.")] = False,
) -> None:
    """Put the gate before every push to a bare repository on this machine."""
    from modelreg.services import install_hook

    path = install_hook(repository, force=force)
    result(f"installed {path}")
    next_step(f"git push to {repository}: what the policy does not allow is refused")
