"""Where a registry is: a path or a URL as a user gives it, and what is asked of one that is elsewhere."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from modelreg.domain.location import Freshness, Location
from modelreg.errors import UnavailableError, UsageError
from modelreg.registry.ports import Repository
from modelreg.registry.workspace import Workspace

if TYPE_CHECKING:
    from modelreg.adapters.clones import Cached
    from modelreg.adapters.remote_registry import RemoteRepository


def locate(text: str, *, max_age: float | None = None, offline: bool | None = None) -> Location:
    """Where a registry is, by path or URL. `max_age` in seconds and `offline` default to the environment's
    MODELREG_MAX_AGE and MODELREG_OFFLINE. Raises UsageError."""
    if max_age is None:
        given = os.environ.get("MODELREG_MAX_AGE") or "0"
        try:
            max_age = float(given)
        except ValueError:
            raise UsageError(f"MODELREG_MAX_AGE is no number of seconds: {given[:40]!a}") from None
    if offline is None:
        offline = os.environ.get("MODELREG_OFFLINE", "").lower() not in ("", "0", "false", "no")
    return Location.parse(text, Freshness(max_age, offline))


def one_state(workspace: Workspace) -> AbstractContextManager[None]:
    """Reads inside see one state of the registry, which is as fresh as was asked for."""
    elsewhere = as_remote(workspace.repository)
    return nullcontext() if elsewhere is None else elsewhere.settled()


def as_remote(repository: Repository) -> RemoteRepository | None:
    """The repository, where it is elsewhere."""
    if not repository.always_pushes:
        return None
    from modelreg.adapters.remote_registry import RemoteRepository

    return repository if isinstance(repository, RemoteRepository) else None


def folder_of(where: Path | Location) -> Path:
    """Where git reads the user's settings from: for a URL a cached clone, whose own say nothing of the user.

    Raises UnavailableError for a URL that was never fetched.
    """
    if isinstance(where, Path):
        return where
    if where.url is None:
        return where.path
    from modelreg.adapters.clones import Clone

    clone = Clone.of(where.url)
    if not clone.repository.is_dir():
        raise UnavailableError(f"{clone.url} was never fetched: nothing of it is here", hint="modelreg cache list")
    return clone.repository


def here(where: Path | Location, what: str) -> Path:
    """The path. Raises UsageError for a URL: `what` is done in a folder only."""
    return where if isinstance(where, Path) else where.folder(what)


def as_of(url: str) -> str | None:
    """When a URL was fetched last (UTC); None: never."""
    from modelreg.adapters.clones import Clone

    return Clone.of(url).as_of


def cached() -> tuple[Path, Sequence[Cached]]:
    """The cache folder, and what it keeps of registries that are elsewhere."""
    from modelreg.adapters import clones

    return clones.cache_folder(), clones.cached()


def forget(text: str) -> str:
    """Remove what is cached of a URL; the URL as it was kept. Raises UsageError for a path, NotFoundError."""
    from modelreg.adapters.clones import Clone

    where = Location.parse(text)
    if where.url is None:
        raise UsageError(f"{text[:80]!a} is a path: nothing is cached of it", hint="modelreg cache list")
    clone = Clone.of(where.url)
    clone.forget()
    return clone.url
