"""A server on this machine that speaks as much of GitHub's REST API as modelreg asks."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "ghs_test"
REPOSITORY = "acme/models"


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, list[str]]
    token: str | None
    body: Any = None


@dataclass
class Reply:
    """What is sent: JSON of `value`, or the very bytes of `raw`; `cut` bytes fewer than Content-Length says."""

    value: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    cut: int = 0


Answer = Callable[[Request], Reply]


@dataclass
class Forge:
    """Answers by "METHOD path" below /repos/acme/models/; all that it was asked is in `asked`."""

    url: str = ""
    answers: dict[str, Answer | Reply | Any] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)

    def reply(self, request: Request) -> Reply:
        self.asked.append(request)
        below = request.path.removeprefix(f"/repos/{REPOSITORY}").lstrip("/")
        answer = self.answers.get(f"{request.method} {below}", Reply({"message": "Not Found"}, 404))
        if callable(answer):
            answer = answer(request)
        return answer if isinstance(answer, Reply) else Reply(answer)

    def paged(self, path: str, items: list[Any], size: int = 100) -> None:
        """A list in pages, linked as GitHub links them."""

        def answer(request: Request) -> Reply:
            page = int(request.query.get("page", ["1"])[0])
            headers = {}
            if page * size < len(items):
                link = f"{self.url}/repos/{REPOSITORY}/{path}?per_page=100&page={page + 1}"
                headers["Link"] = f'<{link}>; rel="next", <{link}>; rel="last"'
            return Reply(items[(page - 1) * size : page * size], headers=headers)

        self.answers[f"GET {path}"] = answer


class _Handler(BaseHTTPRequestHandler):
    forge: Forge

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        parts = urlsplit(self.path)
        bearer = self.headers.get("Authorization")
        token = bearer.removeprefix("Bearer ") if bearer else None
        reply = self.forge.reply(Request(self.command, parts.path, parse_qs(parts.query), token, body))
        content = json.dumps(reply.value).encode() if reply.raw is None else reply.raw
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(content)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content[: len(content) - reply.cut])

    do_GET = do_POST = do_PATCH = _serve  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has hung up is what some tests are about."""


@contextmanager
def serving() -> Iterator[Forge]:
    forge = Forge()
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"forge": forge}))
    forge.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield forge
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def account(login: str, type_: str = "User") -> dict[str, Any]:
    return {"login": login, "id": 1, "type": type_}


def review(login: str, state: str, at: int, commit: str = "b" * 40, type_: str = "User") -> dict[str, Any]:
    """A review as the API lists it."""
    time = f"2026-11-24T{at // 60:02d}:{at % 60:02d}:00Z"
    return {"id": at, "user": account(login, type_), "state": state, "commit_id": commit, "submitted_at": time}


def pull_request_event(
    number: int = 7, *, head: str = "b" * 40, base: str = "a" * 40, fork: bool = False
) -> dict[str, Any]:
    """The payload of a pull_request event, as far as it is read."""
    source = "stranger/models" if fork else REPOSITORY
    return {
        "action": "synchronize",
        "number": number,
        "pull_request": {
            "number": number,
            "user": account("ann"),
            "base": {"sha": base, "ref": "main", "repo": {"full_name": REPOSITORY}},
            "head": {"sha": head, "ref": "promote/churn", "repo": {"full_name": source}},
        },
        "repository": {"full_name": REPOSITORY, "default_branch": "main"},
    }
