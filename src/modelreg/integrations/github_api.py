"""GitHub's REST API, as little of it as modelreg needs, with the standard library.

The token goes to one host, over TLS, and nowhere else: no redirect to another place is followed, and a page of a list
that lies elsewhere is refused. Answers are bounded in time, size and number. Every failure is an UnavailableError:
what the forge did not say is never taken for a yes.
"""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPMessage
from typing import IO, Any, NoReturn
from urllib.parse import quote, urlsplit

from modelreg.errors import UnavailableError

TIMEOUT_S = 20.0
PAGE_BYTES = 1024 * 1024
MOST_PAGES = 30
API_VERSION = "2022-11-28"
_NEXT = re.compile(r'<([^<>]+)>\s*;[^,]*\brel="?next"?')
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would take the token along: GitHub answers with none where a repository was not renamed."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        del req, fp, code, msg, headers, newurl


@dataclass(frozen=True, slots=True)
class Api:
    """The API at `url` (`GITHUB_API_URL`) for one repository, `OWNER/NAME`. `needs` names the permissions, for hints.

    Raises UnavailableError for a URL that is neither https nor this machine's own, and for a malformed repository.
    """

    url: str
    repository: str
    token: str = field(repr=False)
    needs: str = "pull-requests: read"

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        local = parts.scheme == "http" and parts.hostname in _LOOPBACK
        if (parts.scheme != "https" and not local) or parts.username or not parts.hostname:
            raise UnavailableError(f"the API's address is not https: {self.url!a}", hint="unset GITHUB_API_URL")
        if not _REPOSITORY.fullmatch(self.repository) or self.repository.endswith(("/.", "/..")):
            raise UnavailableError(f"{self.repository!a} is not OWNER/NAME", hint="set GITHUB_REPOSITORY, or --repo")
        if not self.token or not self.token.isascii() or not self.token.isprintable():
            raise UnavailableError("there is no token for the forge", hint="set GITHUB_TOKEN to the workflow's token")

    def get(self, path: str) -> Any:
        """The answer to GET /repos/OWNER/NAME/`path`. Segments of `path` from outside must be quoted."""
        return self._ask("GET", self._at(path))[0]

    def get_all(self, path: str) -> list[Mapping[str, Any]]:
        """All pages of a list of objects, in order."""
        url: str | None = self._at(path) + ("&" if "?" in path else "?") + "per_page=100"
        found: list[Mapping[str, Any]] = []
        for _ in range(MOST_PAGES):
            answer, links = self._ask("GET", url or "")
            if not isinstance(answer, list) or not all(isinstance(item, dict) for item in answer):
                raise UnavailableError(f"the forge's answer about {path} is not a list")
            found += answer
            url = self._next(links)
            if url is None:
                return found
        raise UnavailableError(f"the forge's list of {path} has more than {MOST_PAGES} pages")

    def send(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        """POST or PATCH a JSON body."""
        return self._ask(method, self._at(path), json.dumps(body).encode())[0]

    def _at(self, path: str) -> str:
        return f"{self.url.rstrip('/')}/repos/{self.repository}/{path}".rstrip("/")

    def _next(self, links: str) -> str | None:
        match = _NEXT.search(links)
        if match is None:
            return None
        here, there = urlsplit(self.url), urlsplit(match[1])
        if (here.scheme, here.netloc) != (there.scheme, there.netloc):
            raise UnavailableError("the forge's next page is on another host", hint="the token was not sent there")
        return match[1]

    def _ask(self, method: str, url: str, data: bytes | None = None) -> tuple[Any, str]:
        request = urllib.request.Request(url, data=data, method=method)  # noqa: S310 - https, or loopback, by __post_init__
        request.add_header("Accept", "application/vnd.github+json")
        request.add_header("User-Agent", "modelreg")
        request.add_header("X-GitHub-Api-Version", API_VERSION)
        # Not one of urllib's ordinary headers: those are kept when it follows a redirect.
        request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        if data is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with _opener().open(request, timeout=TIMEOUT_S) as answer:
                content = answer.read(PAGE_BYTES + 1)
                links = answer.headers.get("Link") or ""
        except urllib.error.HTTPError as error:
            with error:
                self._refused(error, urlsplit(url).path)
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise UnavailableError(f"the forge did not answer: {reason}", hint="try again later") from error
        if len(content) > PAGE_BYTES:
            raise UnavailableError(f"the forge's answer is larger than {PAGE_BYTES} bytes")
        try:
            return json.loads(content), links
        except (ValueError, RecursionError) as error:
            raise UnavailableError("the forge's answer is not JSON", hint="try again later") from error

    def _refused(self, error: urllib.error.HTTPError, path: str) -> NoReturn:
        spent = error.code == 429 or (error.code == 403 and error.headers.get("X-RateLimit-Remaining") == "0")
        if spent or error.headers.get("Retry-After"):
            raise UnavailableError("the forge's rate limit is used up", hint="try again within the hour") from error
        if error.code in (401, 403, 404):
            raise UnavailableError(
                f"the forge refuses {path} ({error.code})", hint=f"the token needs `permissions: {self.needs}`"
            ) from error
        if 300 <= error.code < 400:
            raise UnavailableError(
                f"the forge sends {path} elsewhere ({error.code})", hint="was the repository renamed? use its new name"
            ) from error
        raise UnavailableError(f"the forge fails on {path} ({error.code})", hint="try again later") from error


def segment(text: str) -> str:
    """A path's segment, quoted: a branch's name may hold slashes."""
    return quote(text, safe="")


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_NoRedirects)
