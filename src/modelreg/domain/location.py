"""Where a registry is: a folder here, or a git URL, and how fresh an answer from elsewhere must be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from modelreg.errors import UsageError

SCHEMES = ("file", "http", "https", "ssh")
"""What modelreg fetches by. `git://` proves neither side; `ext::` and other helpers start programs (R1, A23)."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(//|:|$)")
_SCP = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*:[^:\-].*")
_AUTHORITY = re.compile(r"(?:[^@/]*@)?(?:[A-Za-z0-9_][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old an answer from elsewhere may be.

    The branch is fetched unless the last fetch was at most `max_age_s` seconds ago. `offline`: nothing is ever asked
    of the network. `once`: one fetch is enough for all that is asked of an opened registry (a command).
    """

    max_age_s: float = 0.0
    offline: bool = False
    once: bool = False

    def __post_init__(self) -> None:
        if not self.max_age_s >= 0:  # not a number is not one either
            raise UsageError("the age of a fetch is a number of seconds, 0 or more", hint="--max-age 300")


@dataclass(frozen=True, slots=True)
class Location:
    """A folder of the registry's repository; or, where `url` is given, a repository elsewhere."""

    path: Path = Path()
    url: str | None = None
    freshness: Freshness = Freshness()

    @classmethod
    def parse(cls, text: str, freshness: Freshness | None = None) -> Location:
        """A path, or a URL that git fetches from. Raises UsageError for what modelreg does not fetch from."""
        url = git_url(text)
        if url is None:
            return cls(Path(text))
        return cls(url=url, freshness=freshness or Freshness())

    def __str__(self) -> str:
        return str(self.path) if self.url is None else public(self.url)

    def folder(self, what: str) -> Path:
        """The path. Raises UsageError for a URL: `what` is done in a folder only."""
        if self.url is not None:
            raise UsageError(f"{what} needs a folder of this machine, not a URL", hint="clone it, or name a path")
        return self.path


def git_url(text: str) -> str | None:
    """`text` where it names a repository elsewhere, as git reads it (giturls); None where it is a path.

    Raises UsageError for schemes that are not fetched from, and for URLs that git could take for options.
    """
    if text.startswith("-"):
        raise UsageError(f"{text[:80]!a} is neither a path nor a URL", hint="a folder of that name: ./-name")
    if text.lower().startswith("modelreg:"):
        raise UsageError("modelreg: URLs are MLflow's", hint="--registry takes the path or git URL itself")
    scheme = _SCHEME.match(text)
    if scheme is None and ":" not in text.partition("/")[0]:
        return None
    if not text.isascii() or not text.isprintable() or " " in text:
        raise UsageError(f"{text[:80]!a} is no URL: it holds spaces or characters beyond ASCII")
    if scheme is None:
        if _SCP.fullmatch(text):
            return text
        raise UsageError(f"{public(text)[:80]!a} is no URL", hint="user@host:path; a folder of that name: ./name")
    if scheme[1].lower() not in SCHEMES or scheme[2] != "//":
        raise UsageError(f"nothing is fetched by {scheme[0]}", hint="https://…, ssh://…, user@host:path, file:///…")
    authority, slash, path = text[scheme.end() :].partition("/")
    local = scheme[1].lower() == "file"
    if not (path and slash) or (authority not in ("", "localhost") if local else not _AUTHORITY.fullmatch(authority)):
        raise UsageError(f"{public(text)[:80]!a} is no URL of a repository", hint="https://host/path.git")
    return text


def credentials(url: str) -> tuple[str, str | None]:
    """A URL without what proves who asks, and the whole of it where it holds any: who may see it may act with it.

    For http the user too, since forges take a token there; for ssh the user is part of the place.
    """
    scheme, mark, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    if not mark or not at or (scheme.lower() == "ssh" and ":" not in user):
        return url, None
    kept = f"{user.partition(':')[0]}@" if scheme.lower() == "ssh" else ""
    return f"{scheme}{mark}{kept}{host}{slash}{path}", url


def public(url: str) -> str:
    """A URL as it may be shown and stored."""
    return credentials(url)[0]
