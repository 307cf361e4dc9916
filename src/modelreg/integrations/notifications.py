"""Messages to targets, by apprise (https://github.com/caronc/apprise): Slack, e-mail, Jira, webhooks and more.

An address holds secrets. It comes from the environment of whoever sends, is handed to apprise and to nothing else, and
no text of apprise's, which may quote it, is passed on.
"""

from __future__ import annotations

import logging
import re
import threading
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from modelreg.domain.document import Document
from modelreg.domain.notification import CONFIG, PREFIX, Message, is_target, variable
from modelreg.errors import InvalidError, UnavailableError

WAIT_S = 5.0
"""Seconds that all of them together have to answer."""
_STATUS = re.compile(r"\berror=([0-9]{3})\b")
_HINT = "targets: {team-chat: 'slack://…'}, outside of the repository"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a message. `no-address`: nobody said here where the target is. `detail`: why it was not sent."""

    message: Message
    status: Literal["sent", "failed", "no-address"]
    detail: str = ""


def read_targets(
    environ: Mapping[str, str], top: Path | None, load: Callable[[bytes, str], Document]
) -> dict[str, tuple[str, ...]]:
    """Addresses by target: those of the file that MODELREG_NOTIFY_CONFIG names, then those of the environment.

    One may hold several addresses, with space between. Raises UnavailableError for a file that cannot be read, is no
    mapping of targets, or lies in the repository (`top`).
    """
    found: dict[str, tuple[str, ...]] = {}
    if name := environ.get(CONFIG):
        found |= _of_file(Path(name).expanduser(), top, load)
    for key, value in environ.items():
        target = key.removeprefix(PREFIX).lower().replace("_", "-")
        if key.startswith(PREFIX) and key != CONFIG and is_target(target) and value.strip():
            found[target] = tuple(value.split())
    return found


def _of_file(path: Path, top: Path | None, load: Callable[[bytes, str], Document]) -> dict[str, tuple[str, ...]]:
    if top is not None and path.resolve().is_relative_to(top.resolve()):
        raise UnavailableError(f"{CONFIG} names a file in the repository, where secrets get committed", hint=_HINT)
    try:
        body = load(path.read_bytes(), path.name).value
    except OSError as error:
        raise UnavailableError(f"the file that {CONFIG} names cannot be read: {error.strerror}") from None
    except InvalidError as error:  # its message may quote the file
        raise UnavailableError(f"line {error.line or 1} of the file that {CONFIG} names is no YAML") from None
    targets = body.get("targets") if isinstance(body, Mapping) else None
    if not isinstance(targets, Mapping) or not all(is_target(t) and isinstance(u, str) for t, u in targets.items()):
        raise UnavailableError(f"the file that {CONFIG} names holds no targets", hint=_HINT)
    return {target: tuple(text.split()) for target, text in targets.items()}


def deliver(messages: Sequence[Message], targets: Mapping[str, Sequence[str]]) -> list[Delivery]:
    """Send each message to its target, all at once; what has no answer after WAIT_S seconds has failed.

    Raises UnavailableError where apprise is not installed and there is something to send.
    """
    here = [message for message in messages if targets.get(message.target)]
    sending = [_Sending(message, targets[message.target]) for message in here]
    for one in sending:
        one.start()
    until = time.monotonic() + WAIT_S
    done = {one.message.target: one.outcome(until) for one in sending}
    return [done.get(m.target) or Delivery(m, "no-address", f"{variable(m.target)} is not set") for m in messages]


class _Sending:
    """One message on its way, in a thread that the end of the program does not wait for."""

    def __init__(self, message: Message, addresses: Sequence[str]) -> None:
        self.message = message
        self._failed: str | None = None
        self._service = _service(addresses)
        self._thread = threading.Thread(target=self._send, name="modelreg-notify", daemon=True)

    def start(self) -> None:
        if self._service is not None:
            self._thread.start()

    def outcome(self, until: float) -> Delivery:
        if self._service is None:
            return Delivery(
                self.message, "failed", f"{variable(self.message.target)} holds no address that apprise knows"
            )
        self._thread.join(max(0.0, until - time.monotonic()))
        if self._thread.is_alive():
            return Delivery(self.message, "failed", f"no answer within {WAIT_S:g} s")
        return Delivery(self.message, "failed" if self._failed else "sent", self._failed or "")

    def _send(self) -> None:
        assert self._service is not None  # noqa: S101 - `start` looks
        try:
            answer = self._service.notify(
                body=self.message.body,
                title=self.message.title,
                notify_type=self.message.severity,
                body_format="text",
            )
            if not answer:
                status = _STATUS.search("\n".join(entry.message for entry in answer.logs()))
                self._failed = f"refused with status {status[1]}" if status else "could not be reached, or refused"
        except Exception as error:  # noqa: BLE001 - whatever a service does, what landed has landed
            self._failed = f"apprise failed ({type(error).__name__})"


def _service(addresses: Sequence[str]) -> Any:
    """What sends to all of these; None where one is no address. Raises UnavailableError without apprise."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it loads a hundred services, and what their libraries deprecate is not ours
        try:
            import apprise
        except ImportError:
            hint = "pip install 'modelreg[notify]'"
            raise UnavailableError("notifications need apprise, which is not installed", hint=hint) from None
        logging.getLogger("apprise").propagate = False  # its log quotes addresses
        # With a time limit of its own it starts threads that the end of the program waits for.
        service = apprise.Apprise(asset=apprise.AppriseAsset(service_timeout=0, async_mode=False))
        return service if all(service.add(address) for address in addresses) else None
