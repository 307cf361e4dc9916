"""GitHub's API as spoken by a server on this machine: what counts, and that every failure is "cannot decide"."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelreg.errors import NotFoundError, UnavailableError
from modelreg.integrations import github_api
from modelreg.integrations.github import (
    MARKER,
    api_from_environment,
    comment,
    proposed,
    pull_request,
    read_event,
    reviews,
    status,
)
from modelreg.integrations.github_api import Api
from tests.integrations.forge import REPOSITORY, TOKEN, Forge, Reply, account, pull_request_event, review, serving

REVIEWS = "pulls/7/reviews"


@pytest.fixture
def forge() -> Iterator[Forge]:
    with serving() as found:
        yield found


@pytest.fixture
def api(forge: Forge) -> Api:
    return Api(forge.url, REPOSITORY, TOKEN)


def test_the_last_decision_of_each_person(forge: Forge, api: Api) -> None:
    forge.paged(
        REVIEWS,
        [
            review("ann", "APPROVED", 1),
            review("ann", "COMMENTED", 2),
            review("bob", "APPROVED", 3),
            review("bob", "CHANGES_REQUESTED", 4),
            review("dee", "APPROVED", 5, type_="Bot"),
            {**review("ghost", "APPROVED", 6), "user": None},
            {**review("eve", "PENDING", 7), "submitted_at": None},
            {**review("fay", "APPROVED", 8), "commit_id": None},
        ],
    )
    found = reviews(api, 7)
    assert [(r.account, r.state, r.commit[:1]) for r in found] == [
        ("ann", "APPROVED", "b"),
        ("bob", "CHANGES_REQUESTED", "b"),
        ("fay", "APPROVED", ""),
    ]
    assert {request.token for request in forge.asked} == {TOKEN}


def test_all_pages_are_read(forge: Forge, api: Api) -> None:
    forge.paged(REVIEWS, [review(f"user{n}", "APPROVED", n) for n in range(250)])
    assert len(reviews(api, 7)) == 250
    assert len(forge.asked) == 3


def test_a_withdrawal_on_the_last_page_counts(forge: Forge, api: Api) -> None:
    forge.paged(REVIEWS, [review("ann", "APPROVED", n) for n in range(100)] + [review("ann", "DISMISSED", 100)])
    assert [r.state for r in reviews(api, 7)] == ["DISMISSED"]


def test_an_endless_list_ends(forge: Forge, api: Api) -> None:
    link = f'<{forge.url}/repos/{REPOSITORY}/{REVIEWS}>; rel="next"'
    forge.answers[f"GET {REVIEWS}"] = Reply([], headers={"Link": link})
    with pytest.raises(UnavailableError, match="more than 30 pages"):
        reviews(api, 7)


def test_the_token_goes_to_one_host_only(forge: Forge, api: Api) -> None:
    with serving() as other:
        other.paged(REVIEWS, [review("mallory", "APPROVED", 1)])
        link = f'<{other.url}/repos/{REPOSITORY}/{REVIEWS}>; rel="next"'
        forge.answers[f"GET {REVIEWS}"] = Reply([], headers={"Link": link})
        with pytest.raises(UnavailableError, match="another host"):
            reviews(api, 7)
        for status in (301, 302, 307, 308):
            forge.answers[f"GET {REVIEWS}"] = Reply(status=status, headers={"Location": f"{other.url}/x"})
            with pytest.raises(UnavailableError, match="elsewhere"):
                reviews(api, 7)
        assert other.asked == []


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply({"message": "Resource not accessible by integration"}, 403), "refuses"),
        (Reply({}, 401), "refuses"),
        (Reply({}, 404), "refuses"),
        (Reply({}, 403, {"X-RateLimit-Remaining": "0"}), "rate limit"),
        (Reply({}, 403, {"Retry-After": "60"}), "rate limit"),
        (Reply({}, 429), "rate limit"),
        (Reply({}, 500), "fails"),
        (Reply({}, 502), "fails"),
        (Reply(raw=b""), "not JSON"),
        (Reply(raw=b"<html>"), "not JSON"),
        (Reply([review("ann", "APPROVED", 1)], cut=5), "not JSON|did not answer"),
        (Reply(raw=b"[" * 100_000), "not JSON"),
        (Reply(raw=b"\xff\xfe[]"), "not JSON|not a list"),
        (Reply(raw=b" " * (1024 * 1024 + 1)), "larger"),
        (Reply({}), "not a list"),
        (Reply(None), "not a list"),
        (Reply("APPROVED"), "not a list"),
        (Reply([1]), "not a list"),
        (Reply([{}]), "not as GitHub's"),
        (Reply([review("ann", "APPROVED", 1) | {"state": ["APPROVED"]}]), "not as GitHub's"),
        (Reply([review("ann", "APPROVED", 1) | {"user": "ann"}]), "not as GitHub's"),
        (Reply([review("ann", "APPROVED", 1) | {"user": {"login": 7, "type": "User"}}]), "not as GitHub's"),
        (Reply([review("a\nb", "APPROVED", 1)]), "not as GitHub's"),
        (Reply([review("ann", "APPROVED", 1, "HEAD")]), "not as GitHub's"),
        (Reply([review("ann", "APPROVED", 1) | {"submitted_at": "tomorrow"}]), "not as GitHub's"),
        (Reply([review("ann", "APPROVED", 1) | {"submitted_at": None}]), "not as GitHub's"),
    ],
)
def test_every_failure_is_cannot_decide(forge: Forge, api: Api, reply: Reply, message: str) -> None:
    forge.answers[f"GET {REVIEWS}"] = reply
    with pytest.raises(UnavailableError, match=message):
        reviews(api, 7)


def test_a_refusal_names_the_permission(forge: Forge, api: Api) -> None:
    with pytest.raises(UnavailableError) as refused:
        reviews(api, 7)
    assert refused.value.hint == "the token needs `permissions: pull-requests: read`"
    assert TOKEN not in str(refused.value) + repr(api)


def test_a_server_that_is_silent_or_gone(forge: Forge, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(github_api, "TIMEOUT_S", 0.2)

    def slow(_: object) -> Reply:
        import time

        time.sleep(0.5)
        return Reply([])

    forge.answers[f"GET {REVIEWS}"] = slow
    with pytest.raises(UnavailableError, match="did not answer"):
        reviews(api, 7)
    with pytest.raises(UnavailableError, match="did not answer"):
        reviews(Api("http://127.0.0.1:9", REPOSITORY, TOKEN), 7)


@pytest.mark.parametrize(
    ("url", "repository", "token"),
    [
        ("http://api.github.com", REPOSITORY, TOKEN),
        ("http://127.0.0.1.evil.example", REPOSITORY, TOKEN),
        ("file:///etc/passwd", REPOSITORY, TOKEN),
        ("ftp://127.0.0.1", REPOSITORY, TOKEN),
        ("https://user:word@api.github.com", REPOSITORY, TOKEN),
        ("https://", REPOSITORY, TOKEN),
        ("https://api.github.com", "", TOKEN),
        ("https://api.github.com", "acme", TOKEN),
        ("https://api.github.com", "acme/models/../../x", TOKEN),
        ("https://api.github.com", "acme/..", TOKEN),
        ("https://api.github.com", "acme/x?y", TOKEN),
        ("https://api.github.com", REPOSITORY, ""),
        ("https://api.github.com", REPOSITORY, "a\nX-Evil: 1"),
    ],
)
def test_no_request_leaves_for_a_bad_address(url: str, repository: str, token: str) -> None:
    with pytest.raises(UnavailableError):
        Api(url, repository, token)


def test_the_environment_of_a_workflow(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnavailableError, match="OWNER/NAME"):
        api_from_environment()
    monkeypatch.setenv("GITHUB_REPOSITORY", REPOSITORY)
    with pytest.raises(UnavailableError, match="no token"):
        api_from_environment()
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    assert api_from_environment().url == "https://api.github.com"
    monkeypatch.setenv("GITHUB_API_URL", "https://forge.example/api/v3")
    assert api_from_environment().url == "https://forge.example/api/v3"


# --- events

GROUP = {
    "merge_group": {
        "base_sha": "a" * 40,
        "head_sha": "c" * 40,
        "head_ref": f"refs/heads/gh-readonly-queue/main/pr-7-{'a' * 40}",
    }
}


def test_events() -> None:
    found = pull_request(pull_request_event())
    assert (found.event, found.number, found.author) == ("pull_request", 7, "ann")
    assert (found.base, found.head) == ("a" * 40, "b" * 40)
    fork = pull_request(pull_request_event(fork=True) | {"review": {}})
    assert (fork.event, fork.reviewed, found.reviewed) == ("pull_request_review", fork.head, found.head)
    queue = pull_request(GROUP)
    assert (queue.event, queue.number, queue.author, queue.reviewed) == ("merge_group", 7, None, None)
    assert pull_request({"before": "a" * 40, "after": "b" * 40}).event == "push"


def test_a_deleted_fork_has_an_author_and_a_bot_is_named_as_one() -> None:
    event = pull_request_event()
    event["pull_request"]["head"]["repo"] = None
    event["pull_request"]["user"] = account("github-actions[bot]", "Bot")
    found = pull_request(event)
    assert found.author == "github-actions[bot]"


def _without(*path: str, value: Any = None) -> dict[str, Any]:
    event: Any = pull_request_event()
    place = event
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return dict(event)


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"action": "created"},
        {"pull_request": None},
        {"pull_request": {}},
        {"merge_group": {"base_sha": "main", "head_sha": "b" * 40, "head_ref": "x"}},
        {"merge_group": {"base_sha": "a" * 40, "head_sha": "b" * 40}},
        {"merge_group": []},
        {"before": "0", "after": 1},
        _without("pull_request", "number", value="7"),
        _without("pull_request", "number", value=True),
        _without("pull_request", "number", value=-1),
        _without("pull_request", "head", "sha", value="--output=x"),
        _without("pull_request", "head", value=[]),
        _without("pull_request", "base", "sha", value=None),
        _without("pull_request", "user", value=None),
        _without("pull_request", "user", "login", value="a b"),
    ],
)
def test_a_malformed_event_is_cannot_decide(event: dict[str, Any]) -> None:
    with pytest.raises(UnavailableError):
        pull_request(event)


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{", b"\xff", b" " * (10 * 1024 * 1024 + 1)])
def test_an_event_that_cannot_be_read(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "event.json"
    file.write_bytes(content)
    with pytest.raises(UnavailableError):
        read_event(file)
    with pytest.raises(UnavailableError):
        read_event(tmp_path / "none.json")


def test_an_event_is_read(tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    file.write_text(json.dumps(pull_request_event()))
    assert pull_request(read_event(file)).number == 7


def run_event(kind: str = "pull_request", head: str = "b" * 40, branch: str = "promote/churn") -> dict[str, Any]:
    repository = {"owner": account("stranger")}
    run = {"event": kind, "head_sha": head, "head_branch": branch, "head_repository": repository}
    return {"workflow_run": run, "repository": {"default_branch": "main"}}


def test_a_workflow_run_is_of_the_pull_request_that_the_forge_names(forge: Forge, api: Api) -> None:
    other, mine = (pull_request_event(n, head=h * 40, fork=True)["pull_request"] for n, h in ((6, "d"), (7, "b")))
    forge.paged("pulls", [other, mine])
    found = proposed(api, run_event("pull_request_review"))
    assert (found.event, found.number, found.author) == ("pull_request_review", 7, "ann")
    assert forge.asked[0].query == {
        "state": ["open"], "head": ["stranger:promote/churn"], "base": ["main"], "per_page": ["100"],
    }  # fmt: skip
    mine["base"]["ref"] = "lenient"
    with pytest.raises(NotFoundError, match="no open pull request to main"):
        proposed(api, run_event())
    mine["base"]["ref"] = "main"
    moved = run_event(head="e" * 40)
    with pytest.raises(NotFoundError, match="no open pull request"):
        proposed(api, moved)
    forge.paged("pulls", [{"number": 7}])
    with pytest.raises(UnavailableError, match="not as GitHub's"):
        proposed(api, run_event())


@pytest.mark.parametrize(
    "event", [GROUP, run_event("merge_group", "c" * 40, f"gh-readonly-queue/main/pr-7-{'a' * 40}")]
)
def test_a_group_of_the_merge_queue_is_reviewed_at_its_pull_requests_head(
    forge: Forge, api: Api, event: dict[str, Any]
) -> None:
    forge.answers["GET pulls/7"] = pull_request_event()["pull_request"]
    found = proposed(api, event)
    assert (found.number, found.head, found.reviewed, found.author) == (7, "c" * 40, "b" * 40, "ann")
    forge.answers["GET pulls/7"] = []
    with pytest.raises(UnavailableError):
        proposed(api, event)


@pytest.mark.parametrize(
    "event",
    [
        {"workflow_run": None},
        {"workflow_run": run_event()["workflow_run"]},
        {"workflow_run": {"event": "pull_request", "head_sha": 1}},
        run_event("merge_group", branch="gh-readonly-queue/main/pr-x"),
        run_event() | {"workflow_run": {**run_event()["workflow_run"], "head_repository": None}},
    ],
)
def test_a_workflow_run_that_tells_nothing(api: Api, event: dict[str, Any]) -> None:
    with pytest.raises(UnavailableError):
        proposed(api, event)


def test_a_pull_request_asks_the_forge_nothing(forge: Forge, api: Api) -> None:
    assert proposed(api, pull_request_event()).number == 7
    assert forge.asked == []


# --- what is written


def test_a_status_is_one_short_line(forge: Forge, api: Api) -> None:
    forge.answers[f"POST statuses/{'b' * 40}"] = Reply({}, 201)
    status(api, "b" * 40, "failure", "two\nlines " + "x" * 300)
    body = forge.asked[-1].body
    assert (body["state"], body["context"]) == ("failure", "modelreg/gate")
    assert body["description"].startswith("two lines xxx")
    assert len(body["description"]) == 140


def test_one_comment_is_kept_up_to_date(forge: Forge, api: Api) -> None:
    comments: list[dict[str, Any]] = [
        {"id": 1, "user": account("mallory"), "body": f"{MARKER}\nforged"},
        {"id": 2, "user": account("other[bot]", "Bot"), "body": f"see {MARKER}"},
        {"id": 3, "user": None, "body": None},
    ]
    forge.paged("issues/7/comments", comments)
    forge.answers["POST issues/7/comments"] = {}
    assert comment(api, 7, "first") == "created"
    assert forge.asked[-1].body == {"body": f"{MARKER}\nfirst"}
    comments.append({"id": 4, "user": account("github-actions[bot]", "Bot"), "body": f"{MARKER}\nfirst"})
    assert comment(api, 7, "first") == "unchanged"
    forge.answers["PATCH issues/comments/4"] = {}
    assert comment(api, 7, "second") == "updated"
    assert (forge.asked[-1].method, forge.asked[-1].body) == ("PATCH", {"body": f"{MARKER}\nsecond"})
