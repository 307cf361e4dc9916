"""Landings, told of: a command's when it is done, any other program's as each one is made. Where use cases meet what
sends."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelreg.domain.plan import CommitId
from modelreg.errors import ModelregError
from modelreg.registry.workspace import Workspace

if TYPE_CHECKING:
    from modelreg.registry.promote import Promotion


@dataclass
class Collected:
    """What one command did. `pending` landed here, and not yet in the remote."""

    workspace: Workspace | None = None
    landings: list[CommitId] = field(default_factory=list)
    pending: list[CommitId] = field(default_factory=list)
    refused: list[Promotion] = field(default_factory=list)

    def add(self, workspace: Workspace, commit: CommitId, counts: bool) -> None:
        self.workspace = workspace
        (self.landings if counts else self.pending).append(commit)


CURRENT: ContextVar[Collected | None] = ContextVar("landings of the command that runs", default=None)


def telling() -> Callable[[Workspace, CommitId, bool], None]:
    """What notes a landing for the command that runs, or tells of it at once where none does."""
    current = CURRENT.get()
    return current.add if current is not None else _tell_now


def _tell_now(workspace: Workspace, commit: CommitId, counts: bool) -> None:
    """For a program that has no end to wait for (the SDK, MLflow's plugin); what was not sent is in its log."""
    import logging

    done = Collected()
    done.add(workspace, commit, counts)
    for line in tell(done):
        logging.getLogger("modelreg").warning("modelreg: %s", line)


def refuse(workspace: Workspace, promotion: Promotion) -> None:
    """Note a promotion that no gate let pass."""
    current = CURRENT.get()
    if current is not None:
        current.workspace = workspace
        current.refused.append(promotion)


def tell(done: Collected) -> list[str]:
    """Send what the rules ask for; a line for each message that did not arrive. Raises nothing: it is done already."""
    if done.workspace is None:
        return []
    lines = []
    if done.pending:
        lines.append(f"nobody was told of what is not pushed yet: later, modelreg notify --since {done.pending[0]}^")
    try:
        return [*lines, *_told(done, done.workspace)]
    except ModelregError as error:
        return [*lines, f"nobody was told: {error}" + (f" ({error.hint})" if error.hint else "")]
    except Exception as error:  # noqa: BLE001 - its text may hold anything
        return [*lines, f"nobody was told: {type(error).__name__}"]


def _told(done: Collected, workspace: Workspace) -> list[str]:
    if not done.landings and not done.refused:
        return []
    from modelreg.integrations.notifications import deliver
    from modelreg.registry.notify import messages_of
    from modelreg.services import notification_targets

    targets = notification_targets(workspace)
    wanted = messages_of(workspace, done.landings, done.refused)
    here = [message for message in wanted if message.target in targets]
    failed = (one for one in deliver(here, targets) if one.status != "sent")
    return [f"{one.message.target} was not told: {one.detail}" for one in failed]
