"""Events as plain text for people elsewhere: a chat, a mailbox, a ticket.

Each of these reads markup of its own (Slack's mrkdwn, Markdown, HTML) and makes links and mentions of what looks like
one. So a stranger's text is a single line in which the characters that begin a link, a mention or an entity are
others that look alike; and nothing of ours is a link.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from modelreg.domain.reports.harmless import one_line

MOST = 40
"""Events that one message names; of more it says how many."""
_REASON = 300
_ALIKE = str.maketrans({"<": "‹", ">": "›", "@": "＠", "&": "＆", "`": "ˋ", "|": "¦"})
_DOMAIN = re.compile(r"(?<=\w)\.(?=[^\W\d_]{2})")
_VERBS = {
    "register": "registered",
    "archive": "archived",
    "withdraw": "withdrawn",
    "promote": "promoted",
}


def inert(text: object, limit: int = _REASON) -> str:
    """One line that no service takes for a link, a mention, an entity or code."""
    line = one_line(text, limit).translate(_ALIKE)
    line = line.replace("://", ":∕∕").replace("](", "] (")
    return _DOMAIN.sub("․", line)


def title_of(events: Sequence[Mapping[str, Any]]) -> str:
    """A subject line."""
    return f"modelreg: {_line(events[0]) if len(events) == 1 else f'{len(events)} changes'}"


def body_of(events: Sequence[Mapping[str, Any]]) -> str:
    """Of one event all that is told of it; of several a line each."""
    if len(events) == 1:
        return "\n".join(_details(events[0]))
    lines = [f"{_line(event)}{_by(event)}" for event in events[:MOST]]
    if len(events) > MOST:
        lines.append(f"and {len(events) - MOST} more: modelreg history")
    return "\n".join(lines)


def _line(event: Mapping[str, Any]) -> str:
    kind, model, version = event["kind"], inert(event["model"], 64), inert(event["version"] or "", 64)
    if kind == "rollback":
        return f"{inert(event['to'])} of {model} rolled back to {version}"
    if kind == "alias":
        return f"alias {inert(event['alias'])} of {model} " + (f"points at {version}" if version else "removed")
    if kind == "evidence":
        return f"{model} {version}: evidence recorded ({inert(event['reason'], 64)})"
    if kind == "refuse":
        return f"no version of {model} may enter {inert(event['to'])}"
    ways = (("from", event["from"]), ("to", event["to"]))
    way = "".join(f" {word} {inert(stage)}" for word, stage in ways if stage)
    return f"{model} {version} {_VERBS.get(kind, inert(kind, 32))}{way}"


def _details(event: Mapping[str, Any]) -> list[str]:
    said = {
        "displaced": ", ".join(event["displaced"]),
        "reason": event["reason"] if event["kind"] != "evidence" else "",
        "cause": event["cause"],
        "by": event["by"],
        "approved by": ", ".join(event["approved_by"]),
        "at": event["at"],
        "commit": event["landing"][:12],
    }
    return [_line(event), *(f"{word}: {inert(text)}" for word, text in said.items() if text)]


def _by(event: Mapping[str, Any]) -> str:
    return f", by {inert(event['by'], 100)}" if event["by"] else ""
