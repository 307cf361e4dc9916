"""Files that a user names by URL, through DVC's file systems: brought into a folder here, in one pass, up to a limit.

Only what was typed is fetched: no URL here comes out of a manifest, a pull request or a remote (threat-model A17).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from modelreg.adapters import hashing
from modelreg.adapters.dvc_config import Configuration
from modelreg.adapters.dvc_remote import Remote, is_absence
from modelreg.adapters.dvc_setup import remote_url, shown_url
from modelreg.adapters.hashing import CHUNK_BYTES, Advance
from modelreg.adapters.staging import metered
from modelreg.errors import IntegrityError, NotFoundError, UnavailableError, UsageError
from modelreg.registry.artifact_port import Progress

SCHEMES = ("s3", "gs", "azure", "ssh", "http", "https", "remote")
"""What is fetched from; `remote://NAME/path` is below a remote of the DVC configuration."""

MOST_FILES = 100_000

Allowed = Callable[[str, int | None], int | None]
"""From a name and its size in bytes (None: not told) to how many bytes it may have (None: no limit). May refuse."""


def is_named(text: str) -> bool:
    """Whether `text` is a URL; else it is a path. Raises UsageError for schemes that nothing is fetched from."""
    if "://" not in text or text.startswith("file://"):
        return False
    scheme = text.partition("://")[0].lower()
    if scheme not in SCHEMES:
        raise UsageError(f"nothing is fetched by {scheme[:20]!a}", hint=", ".join(f"{s}://" for s in SCHEMES))
    return True


def name_of(url: str) -> str:
    """What a URL's file or folder is called. Raises InvalidError for what cannot be stored."""
    path = url.partition("://")[2] if not url.startswith("http") else unquote(urlsplit(url).path)
    name = path.rstrip("/").rpartition("/")[2]
    hashing.check_name(name, shown_url(url))
    return name


def bring(
    configuration: Configuration, url: str, folder: Path, allowed: Allowed, progress: Progress | None = None
) -> Path:
    """The file or folder at `url`, in `folder` under its own name; where it lies then.

    Raises NotFoundError, UnavailableError where the place does not answer, whatever `allowed` raises, IntegrityError
    where it is not as large as it says.
    """
    if configuration.offline:
        raise UnavailableError(f"offline: {shown_url(url)} is not asked", hint="leave out --offline")
    lender = _lender(configuration, url)
    named = _Named(lender, url, configuration.dvc_dir, configuration.committed, configuration.local)
    target = folder / name_of(url)
    sizes = named.files()
    total = None if None in sizes.values() else sum(size or 0 for size in sizes.values())
    limit = allowed(target.name, total)
    if total is None and limit is None:
        raise UnavailableError(
            f"{named.shown} does not say how large it is",
            hint="limits: {artifact_max_bytes: …} in the policy bounds it",
        )
    with metered(progress, target.name, total or 0) as advance:
        done = 0
        for below, size in sizes.items():
            place = target if below == "" else target / below
            place.parent.mkdir(parents=True, exist_ok=True)
            rest = None if limit is None else limit - done

            def allowed_now(count: int, rest: int | None = rest) -> None:
                if rest is not None and count > rest:
                    allowed(target.name, (limit or 0) + 1)

            done += named.copy(below, size, place, allowed_now, advance)
    return target


def _lender(configuration: Configuration, url: str) -> str:
    """The remote whose settings (endpoint, region, profile) count for a URL: the one that it names, or that is in the
    same bucket, on the same host; "" where none is. Raises UsageError for one that there is not."""
    scheme, _, rest = url.partition("://")
    place = rest.partition("/")[0]
    known = configuration.merged["remote"]
    if scheme == "remote":
        if place.lower() not in known:
            raise UsageError(f"no remote is called {place[:60]!a}", hint=f"remotes are: {', '.join(known) or 'none'}")
        return place.lower()
    others = ((name, remote_url(configuration.merged, name) or "") for name in known)
    return next((name for name, other in others if other.split("/")[:3] == [f"{scheme}:", "", place]), "")


@dataclass(frozen=True)
class _Named(Remote):
    """One file or folder at `url`, with the settings of the remote `name` where that is not empty."""

    @property
    def shown(self) -> str:
        return shown_url(self.url)

    def files(self) -> dict[str, int | None]:
        """Sizes in bytes by path below the URL; the path is "" where it is a file. Raises NotFoundError."""
        with self._talk():
            fs, path = self._place
            try:
                info = fs.info(path)
            except FileNotFoundError as error:
                if not is_absence(error):
                    raise
                raise NotFoundError(f"there is nothing at {self.shown}") from None
            if info.get("type") != "directory":
                return {"": None if info.get("size") is None else int(info["size"])}
            found: dict[str, int | None] = {}
            for file, about in fs.fs.find(path, detail=True).items():
                below = os.path.relpath(file, path).replace(os.sep, "/")
                hashing.check_path(below, self.shown)
                found[below] = None if about.get("size") is None else int(about["size"])
                if len(found) > MOST_FILES:
                    raise UnavailableError(f"more than {MOST_FILES} files are below {self.shown}")
            if not found:
                raise NotFoundError(f"there is no file below {self.shown}")
            return dict(sorted(found.items()))

    def copy(self, below: str, size: int | None, place: Path, check: Callable[[int], None], advance: Advance) -> int:
        """Stream one file to `place`; its size in bytes. Raises IntegrityError where it is not `size`."""
        count = 0
        with self._talk():
            fs, path = self._place
            file = path if below == "" else fs.join(path, *below.split("/"))
            with fs.open(file, "rb") as source, place.open("xb") as sink:
                while chunk := source.read(CHUNK_BYTES):
                    count += len(chunk)
                    check(count)
                    if size is not None and count > size:
                        break
                    sink.write(chunk)
                    advance(len(chunk))
        if size is not None and count != size:
            raise IntegrityError(f"{self.shown} has not the {size} bytes that it says", hint="try again")
        return count

    @cached_property
    def _place(self) -> tuple[Any, str]:
        fs, path, _ = self._filesystem
        return fs, path

    def _wanted(self, config: Any) -> dict[str, Any]:
        settings = dict(config["remote"].get(self.name, {}))
        url = self.url
        if url.startswith("remote://"):
            url = f"{settings['url'].rstrip('/')}/{url.partition('://')[2].partition('/')[2]}"
        return {**settings, "url": url}
