"""The cache of registries that are elsewhere: for each URL a bare partial clone, and the artifacts that were fetched.

    CACHE/registries/DIGEST/repository.git    what git fetched; its settings name the URL, without credentials
    CACHE/registries/DIGEST/artifacts         a DVC cache
    CACHE/registries/DIGEST/fetched           its time is that of the last fetch
    CACHE/registries/DIGEST.lock              held by who makes, fetches or removes it

DIGEST is of the URL without credentials. A clone is made in a folder of another name and renamed when it is whole, so
that a killed process leaves nothing that looks like one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from modelreg.adapters import remote
from modelreg.adapters.door import Door
from modelreg.adapters.git import NETWORK_TIMEOUT_S, Git, check_ref
from modelreg.adapters.locking import held
from modelreg.domain.clock import stamp
from modelreg.domain.location import credentials, public
from modelreg.errors import IntegrityError, NotARegistryError, NotFoundError, UnavailableError

WAIT_S = float(NETWORK_TIMEOUT_S)
MOST_PACKS = 50
"""Each fetch leaves a pack; beyond so many they are made one."""
PARTIAL = (
    (f"remote.{remote.REMOTE}.promisor", "true"),
    (f"remote.{remote.REMOTE}.partialclonefilter", "blob:none"),
)
_REPOSITORY = "repository.git"


def cache_folder() -> Path:
    """Where clones and artifacts are kept: `MODELREG_CACHE`, else the user's cache folder."""
    if named := os.environ.get("MODELREG_CACHE"):
        return Path(os.path.abspath(os.path.expanduser(named)))
    import platformdirs

    return Path(platformdirs.user_cache_dir("modelreg"))


@dataclass(frozen=True, slots=True)
class Clone:
    """The cached clone of one URL, whether it is there or not. `url` holds no credentials, `secret` the URL that does
    where one was given."""

    url: str
    secret: str | None = None

    @classmethod
    def of(cls, url: str) -> Clone:
        plain, secret = credentials(url)
        return cls(plain, secret)

    @property
    def folder(self) -> Path:
        return cache_folder() / "registries" / hashlib.sha256(self.url.encode()).hexdigest()[:32]

    @property
    def repository(self) -> Path:
        return self.folder / _REPOSITORY

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts"

    @property
    def fetched_at(self) -> float | None:
        """Epoch seconds of the last fetch; None: there was none."""
        try:
            return (self.folder / "fetched").stat().st_mtime
        except OSError:
            return None

    @property
    def as_of(self) -> str | None:
        """The time of the last fetch, for people; None: there was none."""
        at = self.fetched_at
        return None if at is None else f"{stamp(int(at))[:16].replace('T', ' ')} UTC"

    def note_fetch(self) -> None:
        (self.folder / "fetched").touch()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Alone with this clone. Raises ConflictError, UnavailableError where the cache cannot be written."""
        folder = self.folder
        try:
            folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise _unwritable(folder.parent, error) from error
        with held(folder.with_suffix(".lock"), WAIT_S, "fetching"):
            yield

    def door(self, *, offline: bool) -> Door:
        """The clone, opened. Raises IntegrityError where it is another URL's, UnavailableError."""
        door = Door.open(self.repository)
        if door.git.setting(f"remote.{remote.REMOTE}.url") != self.url:
            raise IntegrityError(
                f"the cached clone is not of {self.url}", file=str(self.repository), hint=f"remove {self.folder}"
            )
        door.git.offline = offline
        door.git.own = self._own()
        return door

    def make(self) -> None:
        """Clone, where it is not there. Raises UnavailableError, NotARegistryError for an empty repository."""
        with self.locked():
            if self.repository.is_dir():
                return
            try:
                self._sweep()
                room = Path(tempfile.mkdtemp(prefix=f".{self.folder.name}-", dir=self.folder.parent))
            except OSError as error:
                raise _unwritable(self.folder.parent, error) from error
            try:
                self._clone(room / _REPOSITORY)
                (room / "fetched").touch()
                room.rename(self.folder)
            finally:
                shutil.rmtree(room, ignore_errors=True)

    def forget(self) -> None:
        """Remove it, artifacts too. Raises NotFoundError where it is not there."""
        with self.locked():
            if not self.folder.is_dir():
                raise NotFoundError(f"no clone of {self.url} is cached", hint="modelreg cache list shows which are")
            room = Path(tempfile.mkdtemp(prefix=f".{self.folder.name}-", dir=self.folder.parent))
            self.folder.rename(room / "gone")
            self._sweep()

    def _clone(self, place: Path) -> None:
        door = self._init(place, "sha1")
        try:
            found = remote.head_branch(door)
        except UnavailableError as error:  # to whoever gave a URL it has no other name
            raise UnavailableError(error.message.replace(remote.REMOTE, self.url, 1), hint=error.hint) from None
        if found is None:
            raise NotARegistryError(f"{self.url} is empty: it has no branch", hint="push a registry there first")
        branch, commit = found
        if len(commit) == 64:
            shutil.rmtree(place)
            door = self._init(place, "sha256")
        follow(door, branch)

    def _init(self, place: Path, object_format: str) -> Door:
        """An empty bare repository; no template, no hook."""
        git = Git(place.parent)
        git.run(
            ["init", "--quiet", "--bare", "--template=", f"--object-format={object_format}", place.name], write=True
        )
        name = remote.REMOTE
        settings = {
            f"remote.{name}.url": self.url,
            f"remote.{name}.fetch": f"+refs/heads/*:refs/remotes/{name}/*",
        }
        for key, value in settings.items():
            Git(place).run(["config", key, value], write=True)
        door = Door.open(place)
        door.git.own = self._own()
        return door

    def _own(self) -> tuple[tuple[str, str], ...]:
        """What git is told by its environment when it asks the remote: that blobs are left there until they are read,
        and credentials, which go into no file and no argument.

        A git that only reads here does not hear of it, so that what is missing is missing, not fetched one by one.
        """
        secret = () if self.secret is None else ((f"url.{self.secret}.insteadOf", self.url),)
        return (*PARTIAL, *secret)

    def _sweep(self) -> None:
        """What makers and removers left that were killed. Only with the lock."""
        for left in self.folder.parent.glob(f".{self.folder.name}-*"):
            shutil.rmtree(left, ignore_errors=True)


def follow(door: Door, branch: str) -> None:
    """Fetch a branch, and keep to it from now on. Raises as `remote.fetch`."""
    remote.fetch(door, check_ref(branch))
    tracked = f"refs/remotes/{remote.REMOTE}/{branch}"
    door.run(["symbolic-ref", "HEAD", tracked], write=True)
    door.run(["config", remote.FORWARD_ONLY, branch], write=True)
    door.git.reread()


def tidy(door: Door) -> None:
    """Many packs made one, so that reads stay quick."""
    if len(list((door.common_dir / "objects" / "pack").glob("*.pack"))) > MOST_PACKS:
        door.git.run(["repack", "-a", "-d", "-q"], config=PARTIAL, write=True, check=False)


@dataclass(frozen=True, slots=True)
class Cached:
    """What is kept of one URL; `fetched` as a UTC timestamp, `head` the last commit of its branch that was seen."""

    url: str
    path: Path
    fetched: str | None
    head: str | None
    size_bytes: int

    def to_mapping(self) -> dict[str, object]:
        return {"url": self.url, "path": str(self.path), "fetched": self.fetched, "head": self.head,
                "size_bytes": self.size_bytes}  # fmt: skip


def cached() -> list[Cached]:
    """What there is, by URL; what cannot be read is left out."""
    found = []
    for folder in cache_folder().glob(f"registries/*/{_REPOSITORY}"):
        with suppress(UnavailableError):
            door = Door.open(folder)
            clone = Clone(public(door.git.setting(f"remote.{remote.REMOTE}.url") or ""))
            if clone.folder == folder.parent:
                found.append(
                    Cached(clone.url, clone.folder, clone.as_of, door.objects.commit("HEAD"), _size(clone.folder))
                )
    return sorted(found, key=lambda item: item.url)


def _size(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size
    return total


def _unwritable(folder: Path, error: OSError) -> UnavailableError:
    return UnavailableError(
        f"the cache cannot be written: {error.strerror}", file=str(folder), hint="MODELREG_CACHE=FOLDER names another"
    )
