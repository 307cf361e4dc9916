"""The artifact store: DVC's cache and remote, with a check of its own (threat-model R5).

DVC moves bytes under an MD5, which is an address and proves nothing: whatever is handed out was compared with the
sha256 on record while it was copied. Bytes from a remote enter the cache only after that comparison.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from modelreg.adapters import hashing
from modelreg.adapters.copying import digest_copy
from modelreg.adapters.dvc_cache import check_md5
from modelreg.adapters.dvc_config import Configuration
from modelreg.adapters.dvc_fetch import Expected, Fetcher
from modelreg.adapters.dvc_remote import UNKNOWN_SIZE, checked_upload
from modelreg.adapters.hashing import Advance, Digests, ListedFile
from modelreg.adapters.parallel import each
from modelreg.adapters.staging import metered, refuse_existing, staging
from modelreg.errors import IntegrityError, InvalidError, UnavailableError
from modelreg.registry.artifact_port import Progress, Stored

EMBEDDED_LIMIT_BYTES = 95 * 1024 * 1024
"""GitHub refuses files of 100 MiB; below that an embedded remote works, above git is the wrong place."""
JOBS = min(4, os.cpu_count() or 1)
"""So many files of a folder are read at once; more would only take turns, and each holds some chunks in memory."""


class DvcStore:
    """`ArtifactStore` on DVC. `top` is the work tree's top (None: bare), `git_dir` the common git directory.

    `remote` names the DVC remote, or is "embedded": objects are files below `.dvc/remote`, committed to git. `read`
    reads files of the protected branch by path from the top; `.dvc/config` is taken from there, not from what a pull
    request may have put into the work tree. `timeout_s` bounds each wait for a remote where DVC lets us say so. `cache`
    is a folder to use instead of DVC's cache; `offline`: no remote is asked that is not a folder of this machine.
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
        cache: Path | None = None,
        offline: bool = False,
    ) -> None:
        self._configuration = Configuration(top, git_dir, remote, read, root, cache, offline)
        self._fetcher = Fetcher(self._configuration, timeout_s)
        self._added: dict[str, tuple[int, ...] | None] = {}
        """The objects that were digested as they were written here, with their marks then."""

    @property
    def configuration(self) -> Configuration:
        """What DVC's configuration says of cache and remote."""
        return self._configuration

    def where(self) -> str:
        """See `ArtifactStore.where`."""
        if not self._configuration.embedded:
            self._configuration.remote(timeout_s=1.0)
        return self._configuration.shown

    def add(self, source: Path, *, dry_run: bool = False, progress: Progress | None = None) -> Stored:
        """See `ArtifactStore.add`. A folder is stored file by file, and then as DVC's `.dir` object."""
        hashing.check_name(source.name, str(source))
        if source.is_symlink():
            raise InvalidError("is a symbolic link", file=str(source), hint="give the file or folder itself")
        if not source.is_dir():
            size = source.stat().st_size if source.is_file() else 0
            with metered(progress, source.name, size) as advance:
                found = self._read(source, dry_run, advance)
            return Stored(source.name, found.size_bytes, found.sha256, found.md5, None)
        files = hashing.walk(source)
        total = sum(item.size_bytes for item in files)
        with metered(progress, source.name, total) as advance:
            read = each(JOBS, self._read, ((item.file, dry_run, advance) for item in files))
        return self._add_folder(source.name, dict(zip((item.path for item in files), read, strict=True)), dry_run)

    def embedded_files(self, md5: str) -> Mapping[str, bytes]:
        """See `ArtifactStore.embedded_files`. Raises InvalidError for what is too large for git."""
        check_md5(md5)
        if not self._configuration.embedded:
            return {}
        files: dict[str, bytes] = {}
        for name in self._with_files([md5], self._fetcher.cache.read_dir):
            with self._fetcher.cache.open(name) as source:
                data = source.read(EMBEDDED_LIMIT_BYTES + 1)
            if len(data) > EMBEDDED_LIMIT_BYTES:
                raise InvalidError(
                    f"an artifact of more than {EMBEDDED_LIMIT_BYTES} bytes cannot be committed to git",
                    hint="use a remote outside of git: dvc remote add --default storage URL",
                )
            files[self._configuration.embedded_path(name)] = data
        return files

    def push(self, md5s: Sequence[str], *, progress: Progress | None = None) -> None:
        """See `ArtifactStore.push`. For an embedded remote the commit carries the objects: nothing to do.

        Raises IntegrityError where the cache is corrupt: bad bytes are not spread. What the remote has is not read;
        what this store has just written is not read again.
        """
        if self._configuration.embedded or not md5s:
            return
        self._configuration.refuse_secrets()
        remote, cache = self._fetcher.remote, self._fetcher.cache
        sizes = {md5: cache.size(md5) for md5 in self._with_files(md5s, self._fetcher.dir_files)}
        there = remote.sizes(sizes)
        lost = [md5 for md5, size in sizes.items() if size is None and there[md5] is None]
        if lost:
            raise UnavailableError(f"neither the cache nor {remote.shown} holds {lost[0]}")
        held = {md5: size for md5, size in sizes.items() if size is not None}
        wanted = {md5: size for md5, size in held.items() if there[md5] not in {size, UNKNOWN_SIZE}}
        for md5 in wanted:
            self._check_cached(md5)
        with metered(progress, remote.name, sum(wanted.values())) as advance:
            checked_upload(remote, {md5: (cache.path(md5), size) for md5, size in wanted.items()}, advance)

    def missing(self, md5s: Sequence[str]) -> Sequence[str]:
        """See `ArtifactStore.missing`. What the remote holds in another size than the cache counts as missing."""
        wanted = self._with_files(md5s, self._fetcher.dir_files)
        if self._configuration.embedded:
            return [md5 for md5 in wanted if next(self._configuration.embedded_copies(md5), None) is None]
        if not wanted:
            return []
        sizes = self._fetcher.remote.sizes(wanted)
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
                self._fetcher.take(md5, content, Expected(size_bytes, sha256), advance)
            else:
                self._fetcher.take_folder(md5, content, files, advance)
            refuse_existing(target)
            content.rename(target)

    # -- reading into the cache

    def _read(self, file: Path, dry_run: bool, advance: Advance) -> Digests:
        if dry_run:
            return hashing.digest_file(file, advance=advance)
        found = self._fetcher.cache.put(lambda stream: digest_copy(file, stream, advance=advance))
        self._added[found.md5] = self._fetcher.cache.mark(found.md5)
        return found

    def _check_cached(self, md5: str) -> None:
        """Raises IntegrityError for an object that is not what its name says, which is moved away."""
        cache = self._fetcher.cache
        mark = cache.mark(md5)
        if mark is not None and mark == self._added.get(md5):
            return
        if hashing.digest_file(cache.path(md5)).md5 != md5[:32]:
            cache.quarantine(md5)
            raise IntegrityError(
                f"the cached object {md5} is corrupt and was moved to quarantine",
                hint="register the artifact again from its source",
            )

    def _add_folder(self, name: str, read: Mapping[str, Digests], dry_run: bool) -> Stored:
        listing = hashing.listing(ListedFile(path, d.size_bytes, d.sha256) for path, d in read.items())
        if len({d.md5 for d in read.values()}) != len({d.sha256 for d in read.values()}):
            raise IntegrityError("two different files in the folder have the same MD5: a collision made on purpose")
        data = hashing.dir_object((path, d.md5) for path, d in read.items())
        if not dry_run:
            self._fetcher.cache.put(lambda stream: hashing.digest_stream(io.BytesIO(data), copy_to=stream), ".dir")
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        size = sum(d.size_bytes for d in read.values())
        return Stored(name, size, hashlib.sha256(listing).hexdigest(), f"{md5}.dir", listing)

    # -- a folder's files

    def _with_files(self, md5s: Sequence[str], read_dir: Callable[[str], Mapping[str, str]]) -> list[str]:
        """The objects, each once, a folder's files before the folder."""
        names: dict[str, None] = {}
        for md5 in md5s:
            if check_md5(md5).endswith(".dir"):
                names |= dict.fromkeys(read_dir(md5).values())
            names[md5] = None
        return list(names)

    def _plausible(self, md5: str, size: int | None) -> bool:
        """Whether an object of that size on the remote can be the one that the cache holds, if it does."""
        return size is not None and (size == UNKNOWN_SIZE or self._fetcher.cache.size(md5) in {None, size})


def _listed(listing: bytes, sha256: str, size_bytes: int) -> tuple[ListedFile, ...]:
    """The files of a listing that is the one on record. Raises IntegrityError."""
    if hashlib.sha256(listing).hexdigest() != sha256:
        raise IntegrityError("the listing is not the one on record")
    files = hashing.parse_listing(listing)
    if sum(item.size_bytes for item in files) != size_bytes:
        raise IntegrityError(f"the listing does not add up to the {size_bytes} bytes on record")
    return files
