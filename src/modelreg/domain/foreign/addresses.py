"""Addresses without what may be secret in them: user and password, signed queries."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

_LOCAL = frozenset({"", "file", "sqlite"})
_SERVICES = frozenset({"databricks", "databricks-uc", "uc"})
"""MLflow's words for services, which look like folders."""
_USER = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)(:/{2,})([^/\s?#@\"']*(?:@[^/\s?#@\"']*)*)@")
_CONTAINERS = frozenset({"wasb", "wasbs", "abfs", "abfss"})
"""Azure's schemes write `container@account`; what stands before the @ is public there."""
_HIDDEN = "***"


def is_local(address: str) -> bool:
    """Whether an address is a path of the machine that reads it: a folder, a `file:` URI, an SQLite file."""
    return address not in _SERVICES and urlsplit(address).scheme.split("+")[0].lower() in _LOCAL


def public(address: str) -> str:
    """An address as everybody may read it: no user and password, no query, no fragment."""
    text = without_users(address)
    return re.split(r"[?#]", text, maxsplit=1)[0] if "://" in text else text


def without_users(text: str) -> str:
    """Any text, without user and password in whatever addresses stand in it."""

    def bare(match: re.Match[str]) -> str:
        scheme, slashes, user = match.groups()
        if scheme.lower() in _CONTAINERS and ":" not in user:
            return match[0]
        return f"{scheme}{slashes}"

    return _USER.sub(bare, text)


def place(address: str) -> str:
    """A registry for people: `https://mlflow.example`, `postgresql://db.example:5432/mlflow`, and of what is on this
    machine its last name only: `mlflow.db`."""
    if is_local(address):
        return public(address).rstrip("/").rpartition("/")[2] or "this machine"
    scheme, _, rest = public(address).rstrip("/").partition("://")
    return f"{scheme.split('+')[0]}://{rest}" if rest else scheme


def scrubbed(text: str, addresses: Iterable[str]) -> str:
    """A message of a library, without the secrets of these addresses, however it quotes them."""
    for address in addresses:
        found = _USER.match(address)
        if found is None:
            continue
        user, _, password = found[3].partition(":")
        secrets = {found[3], password} if password else {user}
        for secret in sorted({*secrets, *map(unquote, secrets)}, key=len, reverse=True):
            if secret:
                text = text.replace(secret, _HIDDEN)
    return without_users(text)
