"""`modelreg notify`, and what other commands tell of when they are done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelreg.cli.options import HERE, DryRun, Json, RegistryPath
from modelreg.cli.output import emit_json, note, result

if TYPE_CHECKING:
    from modelreg.domain.notification import Message
    from modelreg.integrations.notifications import Delivery

Since = Annotated[
    str, typer.Option("--since", metavar="COMMIT", help="Tell of what landed after this commit.", show_default=False)
]


def add_to(app: typer.Typer) -> None:
    app.command()(notify)


def notify(since: Since, registry: RegistryPath = HERE, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Tell whom the policy names of what landed, where this environment has their addresses.

    For a workflow, after the push; commands that land something tell of it themselves. Exit code 4 where a message did
    not arrive; a target that has no address here is none of this environment's.
    """
    from modelreg.integrations.notifications import deliver
    from modelreg.registry.notify import messages_since
    from modelreg.services import notification_targets
    from modelreg.wiring import open_workspace

    workspace = open_workspace(registry)
    targets = notification_targets(workspace)
    wanted = messages_since(workspace, since)
    done = [] if dry_run else deliver(wanted, targets)
    if as_json:
        emit_json({"messages": _dry(wanted, targets) if dry_run else [_mapping(one) for one in done]})
    elif dry_run:
        _tell_dry(wanted, targets)
    else:
        _tell(done)
    if any(one.status == "failed" for one in done):
        raise typer.Exit(4)


def _mapping(one: Delivery) -> dict[str, Any]:
    return _message(one.message) | {"status": one.status, "detail": one.detail or None}


def _message(message: Message) -> dict[str, Any]:
    return {
        "target": message.target,
        "rules": list(message.rules),
        "severity": message.severity,
        "title": message.title,
        "body": message.body,
        "events": len(message.events),
    }


def _dry(wanted: tuple[Message, ...], targets: Any) -> list[dict[str, Any]]:
    return [
        _message(one) | {"status": "to-send" if targets.get(one.target) else "no-address", "detail": None}
        for one in wanted
    ]


def _tell_dry(wanted: tuple[Message, ...], targets: Any) -> None:
    from modelreg.domain.notification import variable

    for message in wanted:
        known = targets.get(message.target)
        result(f"would tell {message.target}: {message.title}" + ("" if known else " (no address here)"))
        for line in message.body.splitlines():
            result(f"  {line}")
        if not known:
            note(f"{message.target} has no address here: set {variable(message.target)}")
    if not wanted:
        note("nobody is to be told of anything")


def _tell(done: list[Delivery]) -> None:
    for one in done:
        if one.status == "sent":
            result(f"told {one.message.target}: {one.message.title}")
        else:
            note(f"{one.message.target} was not told: {one.detail}")
    if not done:
        note("nobody is to be told of anything")


@contextmanager
def telling() -> Iterator[None]:
    """Around one command: what it lands is told at its end, whatever its exit code, which stays as it is."""
    from modelreg import notifying

    done = notifying.Collected()
    before = notifying.CURRENT.set(done)
    try:
        yield
    finally:
        notifying.CURRENT.reset(before)
        for line in notifying.tell(done):
            note(line)
