"""Objects by their digest, out of DVC's cache or else the remote, which stay as they are.

`dvc_fetch` brings objects into the cache on their way, and moves bad ones out of it; here nothing of that changes.
"""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import BinaryIO

from modelreg.adapters import hashing
from modelreg.adapters.dvc_cache import DIR_LIMIT_BYTES, check_md5, parse_dir
from modelreg.adapters.dvc_config import Configuration
from modelreg.adapters.hashing import Digests, ListedFile
from modelreg.errors import IntegrityError, InvalidError, NotFoundError, UnavailableError


def fetch(
    configuration: Configuration,
    md5: str,
    target: Path,
    *,
    sha256: str | None,
    size_bytes: int | None,
    remote: bool = True,
    timeout_s: float = 60.0,
) -> bool:
    """Bring an object, a folder with its files, to `target`, which must not exist; False where it is nowhere.

    A folder's `sha256` is that of its listing. Raises IntegrityError where only other bytes are there: nothing is left
    at `target` then. UnavailableError where a remote cannot be asked.
    """
    check_md5(md5)
    source = _Source(configuration, remote, timeout_s)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        if md5.endswith(".dir"):
            return _folder(source, md5, target, sha256, size_bytes)
        found = source.copy(md5, target, sha256, size_bytes)
    except BaseException:
        _remove(target)
        raise
    return found is not None


def _folder(source: _Source, md5: str, target: Path, sha256: str | None, size_bytes: int | None) -> bool:
    data = source.read(md5)
    if data is None:
        return False
    target.mkdir()
    listed = []
    for path, name in sorted(parse_dir(data, md5).items()):
        hashing.check_path(path)  # the folder is fresh: a plain path cannot lead out of it
        place = target / path
        place.parent.mkdir(parents=True, exist_ok=True)
        found = source.copy(name, place, None, None, limit_bytes=size_bytes)
        if found is None:
            _remove(target)
            return False
        listed.append(ListedFile(path, found.size_bytes, found.sha256))
    if sha256 is not None and hashlib.sha256(hashing.listing(listed)).hexdigest() != sha256:
        raise IntegrityError(f"the folder object {md5} does not hold the files that are on record")
    return True


class _Source:
    """Where objects are: the cache, then the embedded copies or the remote."""

    def __init__(self, configuration: Configuration, remote: bool, timeout_s: float) -> None:
        self._configuration = configuration
        self._remote = remote
        self._timeout_s = timeout_s

    def copy(
        self, md5: str, target: Path, sha256: str | None, size_bytes: int | None, *, limit_bytes: int | None = None
    ) -> Digests | None:
        """Copy the first one whose bytes are those on record; None where there is none at all."""
        refused: IntegrityError | None = None
        limit = size_bytes if size_bytes is not None else limit_bytes
        for opened in self._all(md5):
            try:
                with opened as stream, target.open("xb") as sink:
                    found = hashing.digest_stream(stream, size_hint=limit or 0, limit_bytes=limit, copy_to=sink)
                right = found.md5 == md5[:32] and sha256 in (None, found.sha256)
                if right and size_bytes in (None, found.size_bytes):
                    return found
                refused = IntegrityError(f"the object {md5} is not what is on record: sha256 {found.sha256}")
            except IntegrityError as error:
                refused = error
            target.unlink(missing_ok=True)
        if refused is not None:
            raise refused
        return None

    def read(self, md5: str) -> bytes | None:
        """A folder object's bytes, or None."""
        refused = False
        for opened in self._all(md5):
            with opened as stream:
                data = stream.read(DIR_LIMIT_BYTES)
            if hashlib.md5(data, usedforsecurity=False).hexdigest() == md5[:32]:
                return data
            refused = True
        if refused:
            raise IntegrityError(f"the folder object {md5} is not what is on record")
        return None

    def _all(self, md5: str) -> Iterator[AbstractContextManager[BinaryIO]]:
        cache = self._configuration.cache
        with suppress(NotFoundError, InvalidError):
            yield hashing.open_regular(cache.path(md5))
        if not self._remote:
            return
        if self._configuration.embedded:
            for copy in self._configuration.embedded_copies(md5):
                yield io.BytesIO(copy) if isinstance(copy, bytes) else hashing.open_regular(copy)
            return
        try:
            remote = self._configuration.remote(self._timeout_s)
        except UnavailableError:
            return  # none is configured: then it holds nothing
        if remote.sizes([md5])[md5] is not None:
            yield remote.open(md5)


def _remove(target: Path) -> None:
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target, ignore_errors=True)
    else:
        target.unlink(missing_ok=True)
