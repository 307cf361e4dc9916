"""A pull request on GitHub: what an event says of it, its reviews, one comment and one status kept up to date."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from modelreg.domain.reports.harmless import one_line
from modelreg.domain.reviews import DECISIVE, Review, latest
from modelreg.errors import NotFoundError, UnavailableError
from modelreg.integrations.github_api import Api, segment

EVENT_BYTES = 10 * 1024 * 1024
"""GitHub's own limit of a payload is 25 MB, but that of a pull request has some 30 kB."""
MARKER = "<!-- modelreg-gate -->"
"""The first line of the comment that `comment` keeps: how it knows its own again."""
CONTEXT = "modelreg/gate"
"""The status that the forge must require."""

_MALFORMED = (AttributeError, KeyError, TypeError, ValueError)
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(\[bot\])?")
_QUEUE = re.compile(r"refs/heads/gh-readonly-queue/.+/pr-([1-9][0-9]{0,9})-[0-9a-f]{40,64}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


@dataclass(frozen=True, slots=True)
class PullRequest:
    """What is proposed: the commit `head`, to land on `base` ("" where the event does not say: a workflow_run).

    `branch` is the base's name, None where that is not a pull request's to choose.

    `number` is None for a push. `reviewed` is the commit that reviews must be of: the head, but in a merge queue that
    of the pull request behind the group. `author` is the account that opened it, a bot's too (`NAME[bot]`).
    Both are None before `proposed` has asked the forge, where the event is of a merge queue.
    """

    event: str
    base: str
    head: str
    number: int | None = None
    branch: str | None = None
    reviewed: str | None = None
    author: str | None = None


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
    """What an event of kind pull_request, pull_request_review, merge_group or push proposes, from its payload alone.

    Raises UnavailableError for any other, and for one that lacks what is asked of it.
    """
    try:
        if "pull_request" in event:
            kind = "pull_request_review" if "review" in event else "pull_request"
            return _described(event["pull_request"], kind)
        if "merge_group" in event:
            group = event["merge_group"]
            number = _queued(_text(group["head_ref"]))
            return PullRequest("merge_group", _commit(group["base_sha"]), _commit(group["head_sha"]), number)
        if "before" in event and "after" in event:
            return PullRequest("push", _commit(event["before"]), _commit(event["after"]))
    except _MALFORMED as error:
        raise UnavailableError(f"the event's payload is not as GitHub's: {error}") from error
    raise UnavailableError(
        "the event is of no pull request", hint="run it on pull_request, pull_request_review or merge_group"
    )


def proposed(api: Api, event: Mapping[str, Any]) -> PullRequest:
    """As `pull_request`, and for workflow_run; what the payload does not say is asked of the forge.

    The workflow that a workflow_run tells of ran as the pull request wished, but what is read here GitHub wrote.
    Raises NotFoundError where the pull request moved on meanwhile, UnavailableError.
    """
    if "workflow_run" not in event:
        found = pull_request(event)
        return found if found.event != "merge_group" else _behind(api, found)
    try:
        run = event["workflow_run"]
        kind, head, branch = _text(run["event"]), _commit(run["head_sha"]), _text(run["head_branch"])
        owner, base = _login(run["head_repository"]["owner"]), _text(event["repository"]["default_branch"])
        if kind == "merge_group":
            return _behind(api, PullRequest(kind, "", head, _queued(f"refs/heads/{branch}")))
    except _MALFORMED as error:
        raise UnavailableError(f"the event's payload is not as GitHub's: {error}") from error
    # The event's own list of pull requests is empty for those from forks. One branch may be proposed for several
    # bases: what was said of it for another says nothing of this one.
    listed = api.get_all(f"pulls?state=open&head={segment(f'{owner}:{branch}')}&base={segment(base)}")
    for item in listed:
        described = _answered(item, kind)
        if (described.head, described.branch) == (head, base):
            return described
    raise NotFoundError(f"no open pull request to {base} has the head {head[:10]}", hint="it moved on, or was closed")


def numbered(api: Api, number: int) -> PullRequest:
    """The pull request as the forge has it now."""
    return _answered(api.get(f"pulls/{_number(number)}"), "pull_request")


def reviews(api: Api, number: int) -> tuple[Review, ...]:
    """The last decision of each person's account (REST: "List reviews for a pull request").

    Bots are no persons and count for nothing; neither does an account that was deleted. Raises UnavailableError.
    """
    found = [_review(item) for item in api.get_all(f"pulls/{_number(number)}/reviews")]
    return latest(review for review in found if review is not None)


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


def status(api: Api, commit: str, state: str, description: str, url: str | None = None) -> None:
    """Say of a commit what the gate said: `state` is success, failure or error. Of a context the last one counts.

    A status, not a check's run: of runs with one name GitHub wants all to pass, those before the review included.
    """
    body = {"state": state, "context": CONTEXT, "description": one_line(description, 140)}
    api.send("POST", f"statuses/{commit}", body | ({"target_url": url} if url else {}))


def _behind(api: Api, group: PullRequest) -> PullRequest:
    """The pull request for which the merge queue made the group."""
    if group.number is None:
        raise UnavailableError("the merge queue's group names no pull request")
    found = _answered(api.get(f"pulls/{group.number}"), group.event)
    return replace(found, base=group.base, head=group.head)


def _answered(item: Any, kind: str) -> PullRequest:
    try:
        return _described(item, kind)
    except _MALFORMED as error:
        raise UnavailableError(f"the forge's pull request is not as GitHub's: {error}") from error


def _described(found: Any, kind: str) -> PullRequest:
    base, head, user = found["base"], found["head"], found["user"]
    return PullRequest(
        kind,
        base=_commit(base["sha"]),
        head=_commit(head["sha"]),
        number=_number(found["number"]),
        branch=_text(base["ref"]),
        reviewed=_commit(head["sha"]),
        author=_login(user),
    )


def _queued(ref: str) -> int | None:
    """The number in the name of a merge queue's branch, which GitHub alone can make."""
    match = _QUEUE.fullmatch(ref)
    return int(match[1]) if match else None


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
