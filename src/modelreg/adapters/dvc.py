"""The artifact store: DVC's cache and remote, with a check of its own (threat-model R5).

DVC moves bytes under an MD5, which is an address and proves nothing: whatever is handed out was compared with the
sha256 on record while it was copied. Bytes from a remote enter the cache only after that comparison.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from modelreg.adapters import hashing
from modelreg.adapters.dvc_cache import DIR_LIMIT_BYTES, Cache, check_md5, parse_dir
from modelreg.adapters.dvc_config import Configuration
from modelreg.adapters.dvc_remote import UNKNOWN_SIZE, Remote, checked_upload
from modelreg.adapters.hashing import Advance, Digests, ListedFile
from modelreg.adapters.staging import metered, refuse_existing, staging
from modelreg.errors import IntegrityError, InvalidError, UnavailableError
from modelreg.registry.ports import Progress, Stored

EMBEDDED_LIMIT_BYTES = 95 * 1024 * 1024
"""GitHub refuses files of 100 MiB; below that an embedded remote works, above git is the wrong place."""


@dataclass(frozen=True, slots=True)
class _Expected:
    """What an object must be. `sha256` None: only its MD5 is on record (a folder object, checked by its listing)."""

    size_bytes: int | None
    sha256: str | None

    def check(self, found: Digests, md5: str, *, name_too: bool) -> None:
        """Raises IntegrityError; `name_too`: the MD5 as well, for what goes into the cache under it."""
        wrong_size = self.size_bytes is not None and found.size_bytes != self.size_bytes
        wrong_bytes = self.sha256 is not None and found.sha256 != self.sha256
        if wrong_size or wrong_bytes or ((name_too or self.sha256 is None) and found.md5 != md5[:32]):
            raise IntegrityError(f"the object {md5} is not what is on record: sha256 {found.sha256}")


class DvcStore:
    """`ArtifactStore` on DVC. `top` is the work tree's top (None: bare), `git_dir` the common git directory.

    `remote` names the DVC remote, or is "embedded": objects are files below `.dvc/remote`, committed to git. `read`
    reads files of the protected branch by path from the top; `.dvc/config` is taken from there, not from what a pull
    request may have put into the work tree. `timeout_s` bounds each wait for a remote where DVC lets us say so.
    """

    def __init__(
        self,
        top: Path | None,
        git_dir: Path,
        *,
        remote: str | None = None,
        read: Callable[[str], bytes | None] | None = None,
        root: str = "",
        timeout_s: float = 60.0,
    ) -> None:
        self._configuration = Configuration(top, git_dir, remote, read, root)
        self._timeout_s = timeout_s

    def add(self, source: Path, *, dry_run: bool = False, progress: Progress | None = None) -> Stored:
        """See `ArtifactStore.add`. A folder is stored file by file, and then as DVC's `.dir` object."""
        hashing.check_name(source.name, str(source))
        if source.is_symlink():
            raise InvalidError("is a symbolic link; give the file or folder itself", file=str(source))
        if not source.is_dir():
            size = source.stat().st_size if source.is_file() else 0
            with metered(progress, source.name, size) as advance:
                found = self._read(source, dry_run, advance)
            return Stored(source.name, found.size_bytes, found.sha256, found.md5, None)
        files = hashing.walk(source)
        total = sum(item.size_bytes for item in files)
        with metered(progress, source.name, total) as advance:
            read = {item.path: self._read(item.file, dry_run, advance) for item in files}
        return self._add_folder(source.name, read, dry_run)

    def embedded_files(self, md5: str) -> Mapping[str, bytes]:
        """See `ArtifactStore.embedded_files`. Raises InvalidError for what is too large for git."""
        check_md5(md5)
        if not self._configuration.embedded:
            return {}
        files: dict[str, bytes] = {}
        for name in self._with_files([md5], self._cache.read_dir):
            with self._cache.open(name) as source:
                data = source.read(EMBEDDED_LIMIT_BYTES + 1)
            if len(data) > EMBEDDED_LIMIT_BYTES:
                raise InvalidError(
                    f"an artifact of more than {EMBEDDED_LIMIT_BYTES} bytes cannot be committed to git",
                    hint="use a remote outside of git: dvc remote add --default storage URL",
                )
            files[self._configuration.embedded_path(name)] = data
        return files

    def push(self, md5s: Sequence[str]) -> None:
        """See `ArtifactStore.push`. For an embedded remote the commit carries the objects: nothing to do.

        Raises IntegrityError where the cache is corrupt: bad bytes are not spread.
        """
        if self._configuration.embedded or not md5s:
            return
        remote = self._remote
        objects: dict[str, tuple[Path, int]] = {}
        absent: list[str] = []
        for md5 in self._with_files(md5s, self._dir_files):
            size = self._cache.size(md5)
            if size is None:
                absent.append(md5)
            elif hashing.digest_file(self._cache.path(md5)).md5 != md5[:32]:
                self._cache.quarantine(md5)
                raise IntegrityError(
                    f"the cached object {md5} is corrupt and was moved to quarantine",
                    hint="register the artifact again from its source",
                )
            else:
                objects[md5] = (self._cache.path(md5), size)
        lost = [md5 for md5, size in remote.sizes(absent).items() if size is None] if absent else []
        if lost:
            raise UnavailableError(f"neither the cache nor the remote {remote.shown} holds {lost[0]}")
        checked_upload(remote, objects)

    def missing(self, md5s: Sequence[str]) -> Sequence[str]:
        """See `ArtifactStore.missing`. What the remote holds in another size than the cache counts as missing."""
        wanted = self._with_files(md5s, self._dir_files)
        if self._configuration.embedded:
            return [md5 for md5 in wanted if next(self._configuration.embedded_copies(md5), None) is None]
        if not wanted:
            return []
        sizes = self._remote.sizes(wanted)
        return [md5 for md5 in wanted if not self._plausible(md5, sizes[md5])]

    def export(
        self,
        md5: str,
        target: Path,
        *,
        sha256: str,
        size_bytes: int,
        listing: bytes | None = None,
        progress: Progress | None = None,
    ) -> None:
        """See `ArtifactStore.export`. Raises InvalidError where something is at `target` already."""
        check_md5(md5)
        refuse_existing(target)
        files = None if listing is None else _listed(listing, sha256, size_bytes)
        if md5.endswith(".dir") != (files is not None):
            raise InvalidError("a folder, and only a folder, is exported by its listing", file=str(target))
        with staging(target) as room, metered(progress, target.name, size_bytes) as advance:
            content = room / "content"
            if files is None:
                self._take(md5, content, _Expected(size_bytes, sha256), advance)
            else:
                self._take_folder(md5, content, files, advance)
            refuse_existing(target)
            content.rename(target)

    # -- reading into the cache

    def _read(self, file: Path, dry_run: bool, advance: Advance) -> Digests:
        if dry_run:
            return hashing.digest_file(file, advance=advance)
        return self._cache.put(lambda stream: hashing.digest_file(file, copy_to=stream, advance=advance))

    def _add_folder(self, name: str, read: Mapping[str, Digests], dry_run: bool) -> Stored:
        listing = hashing.listing(ListedFile(path, d.size_bytes, d.sha256) for path, d in read.items())
        if len({d.md5 for d in read.values()}) != len({d.sha256 for d in read.values()}):
            raise IntegrityError("two different files in the folder have the same MD5: a collision made on purpose")
        data = hashing.dir_object((path, d.md5) for path, d in read.items())
        if not dry_run:
            self._cache.put(lambda stream: hashing.digest_stream(io.BytesIO(data), copy_to=stream), ".dir")
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        size = sum(d.size_bytes for d in read.values())
        return Stored(name, size, hashlib.sha256(listing).hexdigest(), f"{md5}.dir", listing)

    # -- out of the cache, or else the remote

    def _take_folder(self, md5: str, content: Path, files: Sequence[ListedFile], advance: Advance) -> None:
        names = self._verified_dir(md5)
        if names.keys() != {item.path for item in files}:
            raise IntegrityError(f"the folder object {md5} names other files than the listing on record")
        expected = {names[item.path]: _Expected(item.size_bytes, item.sha256) for item in files}
        absent = [name for name in expected if not self._cache.holds(name)]
        if len(absent) > 1 and not self._configuration.embedded:
            _ = self._remote  # opened once, before the threads ask for it
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda name: self._fetch(name, expected[name]), absent))
        content.mkdir()
        for item in files:
            # The folder is fresh and private, and the paths are plain: no symlink can lead out of it.
            place = content / item.path
            place.parent.mkdir(parents=True, exist_ok=True)
            self._take(names[item.path], place, _Expected(item.size_bytes, item.sha256), advance)

    def _verified_dir(self, md5: str) -> dict[str, str]:
        """The folder object, by its MD5; a bad one in the cache is moved away and fetched once."""
        if self._cache.holds(md5):
            try:
                with self._cache.open(md5) as source:
                    data = source.read(DIR_LIMIT_BYTES)
                if hashlib.md5(data, usedforsecurity=False).hexdigest() == md5[:32]:
                    return parse_dir(data, md5)
            except IntegrityError:
                pass
            self._cache.quarantine(md5)
        self._fetch(md5, _Expected(None, None))
        return self._cache.read_dir(md5)

    def _take(self, md5: str, place: Path, expected: _Expected, advance: Advance) -> None:
        """Copy an object out, checked. A bad one in the cache is moved to quarantine and fetched once more."""
        again = self._cache.holds(md5)
        if not again:
            self._fetch(md5, expected)
        try:
            self._copy(md5, place, expected, advance)
        except IntegrityError:
            place.unlink(missing_ok=True)
            self._cache.quarantine(md5)
            if not again:
                raise
            self._fetch(md5, expected)
            self._copy(md5, place, expected, advance)

    def _copy(self, md5: str, place: Path, expected: _Expected, advance: Advance) -> None:
        with self._cache.open(md5) as source, place.open("xb") as sink:
            size = os.fstat(source.fileno()).st_size
            if size != expected.size_bytes:
                raise IntegrityError(f"the cached object {md5} has {size} bytes, not {expected.size_bytes}")
            found = hashing.digest_stream(
                source, size_hint=size, limit_bytes=expected.size_bytes, copy_to=sink, advance=advance
            )
            expected.check(found, md5, name_too=False)
            sink.flush()
            os.fsync(sink.fileno())

    def _fetch(self, md5: str, expected: _Expected) -> None:
        """Bring an object into the cache, from the first source whose bytes are the ones on record."""
        limit = DIR_LIMIT_BYTES if expected.size_bytes is None else expected.size_bytes
        suffix = md5[32:]
        refused: IntegrityError | None = None
        for source in self._sources(md5):
            with source as stream:

                def write(sink: BinaryIO, stream: BinaryIO = stream) -> Digests:
                    found = hashing.digest_stream(stream, size_hint=limit, limit_bytes=limit, copy_to=sink)
                    expected.check(found, md5, name_too=True)
                    return found

                try:
                    self._cache.put(write, suffix)
                except IntegrityError as error:
                    refused = error
                else:
                    return
        if refused is not None:
            raise IntegrityError(
                f"{self._configuration.shown} holds other bytes: {refused.message}",
                hint="nothing was written; ask who can write to the remote",
            )
        raise UnavailableError(
            f"neither the cache nor {self._configuration.shown} holds the object {md5}",
            hint="push it from where it was registered: modelreg verify names what is missing",
        )

    def _sources(self, md5: str) -> Iterator[AbstractContextManager[BinaryIO]]:
        if not self._configuration.embedded:
            yield self._remote.open(md5)
            return
        for copy in self._configuration.embedded_copies(md5):
            yield io.BytesIO(copy) if isinstance(copy, bytes) else hashing.open_regular(copy)

    # -- a folder's files

    def _with_files(self, md5s: Sequence[str], read_dir: Callable[[str], Mapping[str, str]]) -> list[str]:
        """The objects, each once, a folder's files before the folder."""
        names: dict[str, None] = {}
        for md5 in md5s:
            if check_md5(md5).endswith(".dir"):
                names |= dict.fromkeys(read_dir(md5).values())
            names[md5] = None
        return list(names)

    def _dir_files(self, md5: str) -> Mapping[str, str]:
        """A folder object from the cache, else the remote; empty where neither has it: then it is itself missing."""
        if self._cache.holds(md5):
            return self._cache.read_dir(md5)
        if not self._configuration.embedded and self._remote.sizes([md5])[md5] is None:
            return {}
        try:
            self._fetch(md5, _Expected(None, None))
        except IntegrityError:
            # Whoever asks what is missing is told so: an object with other bytes is not the object.
            return {}
        except UnavailableError:
            if self._configuration.embedded:
                return {}
            raise
        return self._cache.read_dir(md5)

    def _plausible(self, md5: str, size: int | None) -> bool:
        """Whether an object of that size on the remote can be the one that the cache holds, if it does."""
        return size is not None and (size == UNKNOWN_SIZE or self._cache.size(md5) in {None, size})

    @property
    def _cache(self) -> Cache:
        return self._configuration.cache

    @cached_property
    def _remote(self) -> Remote:
        return self._configuration.remote(self._timeout_s)


def _listed(listing: bytes, sha256: str, size_bytes: int) -> tuple[ListedFile, ...]:
    """The files of a listing that is the one on record. Raises IntegrityError."""
    if hashlib.sha256(listing).hexdigest() != sha256:
        raise IntegrityError("the listing is not the one on record")
    files = hashing.parse_listing(listing)
    if sum(item.size_bytes for item in files) != size_bytes:
        raise IntegrityError(f"the listing does not add up to the {size_bytes} bytes on record")
    return files
