"""Objects out of DVC's cache, or else the remote, compared with what is on record while they are copied.

Bytes from a remote enter the cache only after that comparison; a bad object in the cache is moved to quarantine and
fetched once more (threat-model A14, A15, F12).
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from modelreg.adapters import hashing
from modelreg.adapters.dvc_cache import DIR_LIMIT_BYTES, Cache, parse_dir
from modelreg.adapters.dvc_config import Configuration
from modelreg.adapters.dvc_folder import FolderRemote
from modelreg.adapters.dvc_remote import Remote
from modelreg.adapters.hashing import Advance, Digests, ListedFile
from modelreg.adapters.parallel import each
from modelreg.errors import IntegrityError, UnavailableError

JOBS = 8


@dataclass(frozen=True, slots=True)
class Expected:
    """What an object must be. `sha256` None: only its MD5 is on record (a folder object, checked by its listing)."""

    size_bytes: int | None
    sha256: str | None

    def check(self, found: Digests, md5: str, *, name_too: bool) -> None:
        """Raises IntegrityError; `name_too`: the MD5 as well, for what goes into the cache under it."""
        wrong_size = self.size_bytes is not None and found.size_bytes != self.size_bytes
        wrong_bytes = self.sha256 is not None and found.sha256 != self.sha256
        if wrong_size or wrong_bytes or ((name_too or self.sha256 is None) and found.md5 != md5[:32]):
            raise IntegrityError(f"the object {md5} is not what is on record: sha256 {found.sha256}")


@dataclass(frozen=True)
class Fetcher:
    """Cache and remote of one configuration. `timeout_s` bounds each wait for the remote."""

    configuration: Configuration
    timeout_s: float

    @property
    def cache(self) -> Cache:
        return self.configuration.cache

    @cached_property
    def remote(self) -> Remote | FolderRemote:
        """Raises UnavailableError where none can be used."""
        return self.configuration.remote(self.timeout_s)

    def dir_files(self, md5: str) -> Mapping[str, str]:
        """A folder's files as path → MD5; empty where the folder object cannot be had: then it is itself missing."""
        if not self.cache.holds(md5) and not self.configuration.embedded and self.remote.sizes([md5])[md5] is None:
            return {}
        try:
            return self._dir(md5)
        except IntegrityError:
            return {}  # an object with other bytes is not the object
        except UnavailableError:
            if self.configuration.embedded or self.remote.sizes([md5])[md5] is None:
                return {}
            raise

    def take_folder(self, md5: str, content: Path, files: Sequence[ListedFile], advance: Advance) -> None:
        names = self._dir(md5)
        if names.keys() != {item.path for item in files}:
            raise IntegrityError(f"the folder object {md5} names other files than the listing on record")
        expected = {names[item.path]: Expected(item.size_bytes, item.sha256) for item in files}
        absent = [name for name in expected if not self.cache.holds(name)]
        if len(absent) > 1 and not self.configuration.embedded:
            self._fetch_all({name: expected[name] for name in absent})
        content.mkdir()
        for item in files:
            # The folder is fresh and private, and the paths are plain: no symlink can lead out of it.
            place = content / item.path
            place.parent.mkdir(parents=True, exist_ok=True)
            self.take(names[item.path], place, Expected(item.size_bytes, item.sha256), advance)

    def _fetch_all(self, wanted: Mapping[str, Expected]) -> None:
        each(JOBS, self._fetch, wanted.items())  # one bad file refuses the folder

    def _dir(self, md5: str) -> dict[str, str]:
        """The folder object, by its MD5; a bad one in the cache is moved away and fetched once."""
        if self.cache.holds(md5):
            try:
                with self.cache.open(md5) as source:
                    data = source.read(DIR_LIMIT_BYTES)
                if hashlib.md5(data, usedforsecurity=False).hexdigest() == md5[:32]:
                    return parse_dir(data, md5)
            except IntegrityError:
                pass
            self.cache.quarantine(md5)
        self._fetch(md5, Expected(None, None))
        return self.cache.read_dir(md5)

    def take(self, md5: str, place: Path, expected: Expected, advance: Advance) -> None:
        """Copy an object out, checked. A bad one in the cache is moved to quarantine and fetched once more."""
        again = self.cache.holds(md5)
        if not again:
            self._fetch(md5, expected)
        try:
            self._copy(md5, place, expected, advance)
        except IntegrityError:
            place.unlink(missing_ok=True)
            self.cache.quarantine(md5)
            if not again:
                raise
            self._fetch(md5, expected)
            self._copy(md5, place, expected, advance)

    def _copy(self, md5: str, place: Path, expected: Expected, advance: Advance) -> None:
        with self.cache.open(md5) as source, place.open("xb") as sink:
            size = os.fstat(source.fileno()).st_size
            if size != expected.size_bytes:
                raise IntegrityError(f"the cached object {md5} has {size} bytes, not {expected.size_bytes}")
            found = hashing.digest_stream(
                source, size_hint=size, limit_bytes=expected.size_bytes, copy_to=sink, advance=advance
            )
            expected.check(found, md5, name_too=False)
            sink.flush()
            os.fsync(sink.fileno())

    def _fetch(self, md5: str, expected: Expected) -> None:
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
                    self.cache.put(write, suffix)
                except IntegrityError as error:
                    refused = error
                else:
                    return
        if refused is not None:
            raise IntegrityError(
                f"{self.configuration.shown} holds other bytes: {refused.message}",
                hint="nothing was written; ask who can write to the remote",
            )
        raise UnavailableError(
            f"neither the cache nor {self.configuration.shown} holds the object {md5}",
            hint="push it from where it was registered: modelreg verify names what is missing",
        )

    def _sources(self, md5: str) -> Iterator[AbstractContextManager[BinaryIO]]:
        if not self.configuration.embedded:
            yield self.remote.open(md5)
            return
        for copy in self.configuration.embedded_copies(md5):
            yield io.BytesIO(copy) if isinstance(copy, bytes) else hashing.open_regular(copy)
