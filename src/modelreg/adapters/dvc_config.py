"""What DVC's configuration says about cache and remote, read without importing DVC (which takes half a second).

The levels are DVC's own: machine, user, repository, `config.local`; the later one wins. The repository's is taken
from the protected branch, never from what a pull request put into the work tree (threat-model A17).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from modelreg.adapters import dvc_setup
from modelreg.adapters.dvc_cache import Cache, object_path
from modelreg.adapters.dvc_folder import FolderRemote
from modelreg.adapters.dvc_remote import Remote
from modelreg.adapters.git import Git
from modelreg.errors import InvalidError, UnavailableError

_SECRETS = frozenset(
    (
        "access_key_id",
        "account_key",
        "client_secret",
        "connection_string",
        "passphrase",
        "password",
        "sas_token",
        "secret_access_key",
        "session_token",
        "sse_customer_key",
        "token",
    )
)
"""Settings of DVC's remotes that prove who asks (`dvc.config_schema.REMOTE_SCHEMAS`)."""


@dataclass(frozen=True)
class Configuration:
    """The configuration of the repository at `top` (None: bare) with the common git directory `git_dir`.

    `wanted` names the remote, or is "embedded"; None is DVC's default remote. `read` reads files of the protected
    branch by path; without it the work tree's count. `root` is the registry's folder, from the top.
    """

    top: Path | None
    git_dir: Path
    wanted: str | None
    read: dvc_setup.Read | None
    root: str = ""
    cache_folder: Path | None = None
    offline: bool = False

    @cached_property
    def prefix(self) -> str:
        """Where `.dvc` is, as a prefix for paths from the top: "" or ending in a slash."""
        return dvc_setup.dvc_folder(self.read or self._on_disk, self.root)

    @property
    def dvc_dir(self) -> Path:
        """The folder that relative paths are resolved from; in a bare repository it does not exist."""
        if self.top is None:
            return self.git_dir / "modelreg" / "dvc"
        return self.top / f"{self.prefix}.dvc"

    @cached_property
    def committed(self) -> bytes:
        return (self.read or self._on_disk)(f"{self.prefix}.dvc/config") or b""

    @cached_property
    def local(self) -> bool:
        """Whether there is a config.local that is the user's own. Raises UnavailableError where it is in git."""
        if self.top is None or not (self.dvc_dir / "config.local").is_file():
            return False
        path = f"{self.prefix}.dvc/config.local"
        if Git(self.top).run(["ls-files", "--", path], check=False).out:
            raise UnavailableError(
                "is under version control, but only yours to write",
                file=path,
                hint=f"git rm --cached {path}",
            )
        return True

    @cached_property
    def merged(self) -> dict[str, Any]:
        """All levels in one; paths as they are written, but the cache folder absolute."""
        levels = [(path.parent, path.read_bytes(), path) for path in dvc_setup.user_configs() if path.is_file()]
        levels.append((self.dvc_dir, self.committed, Path(f"{self.prefix}.dvc/config")))
        if self.local:
            path = self.dvc_dir / "config.local"
            levels.append((self.dvc_dir, path.read_bytes(), path))
        return dvc_setup.merge(*(_level(folder, data, str(file)) for folder, data, file in levels))

    @cached_property
    def name(self) -> str | None:
        """The DVC remote that is used: the wanted one where it exists, else DVC's default remote."""
        wanted = None if self.wanted in {None, "embedded"} else str(self.wanted).lower()
        known = dvc_setup.remote_url(self.merged, wanted)
        return wanted if known is not None else dvc_setup.remote_name(self.merged)

    @cached_property
    def embedded(self) -> bool:
        return self.wanted == "embedded" or dvc_setup.is_embedded(self.merged, self.name)

    @cached_property
    def cache(self) -> Cache:
        """DVC's cache; without a `.dvc` in the work tree, and in a bare repository, one of modelreg's own."""
        if self.cache_folder is not None:
            return Cache(self.cache_folder)
        section = self.merged.get("cache", {})
        default = self.dvc_dir / "cache" if self.dvc_dir.is_dir() else self.git_dir / "modelreg" / "cache"
        folder = Path(section["dir"]) if isinstance(section.get("dir"), str) else default
        return Cache(folder, shared=section.get("shared") == "group")

    @property
    def shown(self) -> str:
        """The remote, for messages."""
        if self.embedded:
            return f"the embedded remote ({self.prefix}.dvc/remote)"
        url = dvc_setup.remote_url(self.merged, self.name)
        return f"the remote {self.name} ({dvc_setup.shown_url(url)})" if url else "a remote"

    def refuse_secrets(self) -> None:
        """Raises InvalidError where the committed configuration holds what proves who asks: everybody has it then."""
        settings = dvc_setup.read_config(self.committed)["remote"].get(self.name, {}) if self.name else {}
        for key in _SECRETS.intersection(settings):
            raise InvalidError(
                f"sets {key} of the remote {self.name}, for all who can read the repository",
                file=f"{self.prefix}.dvc/config",
                hint=f"dvc remote modify --local {self.name} {key} VALUE keeps it in .dvc/config.local; renew it too",
            )

    def remote(self, timeout_s: float) -> Remote | FolderRemote:
        """Raises UnavailableError where no remote is configured, or one that cannot be reached from here."""
        url = dvc_setup.remote_url(self.merged, self.name)
        if self.name is None or url is None:
            raise UnavailableError(
                f"no remote is configured: .dvc/config on the protected branch has no {self.name or 'default remote'}",
                hint="dvc remote add --default storage URL, then commit .dvc/config there",
            )
        if self.top is None and "://" not in url and not os.path.isabs(os.path.expanduser(url)):
            raise UnavailableError(
                f"the remote {self.name} is a folder relative to a clone ({url}), and this is no clone with files",
                hint="work in a clone that has a work tree, or give the remote an absolute path or a URL",
            )
        folder = self._folder(self.name, url)
        if folder is not None:
            return FolderRemote(self.name, folder, url)
        if self.offline:
            raise UnavailableError(f"offline: {self.shown} is not asked", hint="leave out --offline")
        return Remote(self.name, url, self.dvc_dir, self.committed, self.local, timeout_s)

    def _folder(self, name: str, url: str) -> Path | None:
        """The folder that a remote is, where its URL is all that is said of it: more is DVC's to read."""
        if "://" in url or set(self.merged["remote"][name]) != {"url"}:
            return None
        path = os.path.expanduser(url)
        if not os.path.isabs(path) and dvc_setup.remote_url(dvc_setup.read_config(self.committed), name) != url:
            return None  # relative to another level's file
        return Path(os.path.normpath(os.path.join(self.dvc_dir, path)))

    def embedded_path(self, md5: str) -> str:
        """Where an embedded remote has an object, from the top."""
        return f"{self.prefix}.dvc/{dvc_setup.EMBEDDED}/{object_path(md5)}"

    def embedded_copies(self, md5: str) -> Iterator[bytes | Path]:
        """An embedded object: from the protected branch, and as it lies in the work tree."""
        path = self.embedded_path(md5)
        if self.read is not None and (data := self.read(path)) is not None:
            yield data
        if self.top is not None:
            place, room = self.top / path, self.dvc_dir / dvc_setup.EMBEDDED
            # A symlink on the way could point anywhere; no byte is read through one.
            if place.is_file() and place.resolve() == room.resolve() / object_path(md5) and not room.is_symlink():
                yield place

    def _on_disk(self, path: str) -> bytes | None:
        if self.top is None:
            return None
        file = self.top / path
        return file.read_bytes() if file.is_file() and not file.is_symlink() else None


def _level(folder: Path, data: bytes, file: str) -> dict[str, Any]:
    config = dvc_setup.read_config(data, file)
    cache = config.get("cache", {})
    if isinstance(cache.get("dir"), str):
        cache["dir"] = os.path.abspath(os.path.join(folder, os.path.expanduser(cache["dir"])))
    return config
