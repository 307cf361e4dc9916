"""A pull request on GitHub: what the event says of it, its reviews, and one comment that is kept up to date."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelreg.domain.reviews import DECISIVE, Review, latest
from modelreg.errors import NotFoundError, UnavailableError
from modelreg.integrations.github_api import Api, segment

EVENT_BYTES = 10 * 1024 * 1024
"""GitHub's own limit of a payload is 25 MB, but that of a pull request has some 30 kB."""
MARKER = "<!-- modelreg-gate -->"
"""The first line of the comment that `comment` keeps: how it knows its own again."""

_MALFORMED = (AttributeError, KeyError, TypeError, ValueError)
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(\[bot\])?")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


@dataclass(frozen=True, slots=True)
class PullRequest:
    """What is proposed. `number` and `author` are None where the event is a push, or a merge queue's group.

    `author` is the account that opened it, None for a bot: bots are no persons. `head_repository` is None where the
    fork was deleted.
    """

    event: str
    base: str
    head: str
    number: int | None = None
    author: str | None = None
    head_repository: str | None = None
    is_fork: bool = False


def api_from_environment(needs: str = "pull-requests: read", repository: str | None = None) -> Api:
    """The API as a workflow's environment names it. Raises UnavailableError where it names none."""
    return Api(
        os.environ.get("GITHUB_API_URL") or "https://api.github.com",
        repository or os.environ.get("GITHUB_REPOSITORY", ""),
        os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN") or "",
        needs,
    )


def read_event(path: Path) -> Mapping[str, Any]:
    """The payload file (`GITHUB_EVENT_PATH`). Raises UnavailableError where it cannot be read or is no mapping."""
    try:
        with path.open("rb") as file:
            content = file.read(EVENT_BYTES + 1)
        value = json.loads(content) if len(content) <= EVENT_BYTES else None
    except (OSError, ValueError, RecursionError) as error:
        raise UnavailableError(f"the event cannot be read: {error}", file=str(path)) from error
    if not isinstance(value, dict):
        raise UnavailableError("is no event's payload", file=str(path))
    return value


def pull_request(event: Mapping[str, Any]) -> PullRequest:
    """What an event of kind pull_request, pull_request_review, merge_group or push proposes.

    Raises UnavailableError for any other, and for one that lacks what is asked of it.
    """
    try:
        if "pull_request" in event:
            return _of_pull_request(event, "pull_request_review" if "review" in event else "pull_request")
        if "merge_group" in event:
            group = event["merge_group"]
            return PullRequest("merge_group", _commit(group["base_sha"]), _commit(group["head_sha"]))
        if "before" in event and "after" in event:
            return PullRequest("push", _commit(event["before"]), _commit(event["after"]))
    except _MALFORMED as error:
        raise UnavailableError(f"the event's payload is not as GitHub's: {error}") from error
    raise UnavailableError(
        "the event is of no pull request", hint="run it on pull_request, pull_request_review or merge_group"
    )


def reviews(api: Api, number: int) -> tuple[Review, ...]:
    """The last decision of each person's account (REST: "List reviews for a pull request").

    Bots are no persons and count for nothing; neither does an account that was deleted. Raises UnavailableError.
    """
    found = [_review(item) for item in api.get_all(f"pulls/{_number(number)}/reviews")]
    return latest(review for review in found if review is not None)


def number_of(api: Api, event: Mapping[str, Any]) -> int:
    """The open pull request whose gate has run: from a workflow_run event, which GitHub writes, not its author.

    Raises NotFoundError where its branch has moved on or none is open, UnavailableError for a malformed event.
    """
    try:
        run = event["workflow_run"]
        head, branch, owner = _commit(run["head_sha"]), str(run["head_branch"]), _login(run["head_repository"]["owner"])
    except _MALFORMED as error:
        raise UnavailableError(f"the event is no workflow_run: {error}", hint="pass --number") from error
    # The event's own list of pull requests is empty for those from forks.
    listed = api.get_all(f"pulls?state=open&head={segment(f'{owner}:{branch}')}")
    found = [item for item in listed if isinstance(item.get("head"), dict) and item["head"].get("sha") == head]
    if not found:
        raise NotFoundError(f"no open pull request has the head {head[:10]}", hint="it moved on, or was closed")
    return _number(found[0].get("number"))


def head_of(api: Api, number: int) -> str:
    """The commit that is the head of the pull request now."""
    answer = api.get(f"pulls/{_number(number)}")
    try:
        return _commit(answer["head"]["sha"])
    except _MALFORMED as error:
        raise UnavailableError("the forge's answer is of no pull request") from error


def comment(api: Api, number: int, text: str) -> str:
    """Put `text` into the one comment of the pull request that bears the marker; "created", "updated" or "unchanged".

    Only a comment that a bot wrote is taken for modelreg's own: anybody can write the marker.
    """
    body = f"{MARKER}\n{text}"
    where = f"issues/{_number(number)}/comments"
    for found in api.get_all(where):
        user = found.get("user")
        ours = isinstance(user, dict) and user.get("type") == "Bot" and str(found.get("body")).startswith(MARKER)
        if ours and found.get("body") == body:
            return "unchanged"
        if ours:
            api.send("PATCH", f"issues/comments/{_number(found.get('id'))}", {"body": body})
            return "updated"
    api.send("POST", where, {"body": body})
    return "created"


def _of_pull_request(event: Mapping[str, Any], kind: str) -> PullRequest:
    found = event["pull_request"]
    base, head, user = found["base"], found["head"], found["user"]
    source = head.get("repo")
    name = None if source is None else str(source["full_name"])
    return PullRequest(
        kind,
        base=_commit(base["sha"]),
        head=_commit(head["sha"]),
        number=_number(found["number"]),
        author=_login(user) if user["type"] == "User" else None,
        head_repository=name,
        is_fork=name != str(base["repo"]["full_name"]),
    )


def _review(item: Mapping[str, Any]) -> Review | None:
    """None for what is no decision of a person. Raises UnavailableError for a shape that is not GitHub's."""
    try:
        state, user = _text(item["state"]), item["user"]
        if user is None or user["type"] != "User" or state not in DECISIVE:
            return None
        # The commit is null where a force-push took it away: such a review is of no head.
        commit = "" if item["commit_id"] is None else _commit(item["commit_id"])
        return Review(_login(user), state, commit, _text(item["submitted_at"], _TIME))
    except _MALFORMED as error:
        raise UnavailableError(f"a review of the forge is not as GitHub's: {error}") from error


def _commit(value: Any) -> str:
    return _text(value, _COMMIT)


def _login(user: Any) -> str:
    return _text(user["login"], _LOGIN)


def _text(value: Any, form: re.Pattern[str] | None = None) -> str:
    if not isinstance(value, str) or (form and not form.fullmatch(value)):
        raise ValueError("a commit, an account, a state or a time is malformed")
    return value


def _number(value: Any) -> int:
    if type(value) is not int or value <= 0:
        raise UnavailableError("the number of a pull request or comment is malformed")
    return value
