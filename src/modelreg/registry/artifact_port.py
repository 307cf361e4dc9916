"""Where artifacts are kept, as the use cases need it. `adapters/dvc.py` implements it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Stored:
    """An artifact as it was read, once, for both digests.

    A file has `sha256` and no `listing`. A folder has `listing` (the bytes of its `sha256sum -c` list), `sha256` is
    the digest of that listing, and `md5` ends in `.dir` as DVC writes it. `size_bytes` is the sum of the contents.
    """

    name: str
    size_bytes: int
    sha256: str
    md5: str
    listing: bytes | None


class Progress(Protocol):
    """A progress bar, or nothing."""

    def start(self, what: str, total_bytes: int | None) -> None: ...

    def advance(self, done_bytes: int) -> None: ...

    def finish(self) -> None: ...


class ArtifactStore(Protocol):
    """DVC's cache and remote, as configured for the repository. Objects are named by DVC's MD5."""

    def where(self) -> str:
        """The remote, for people; it is not asked. Raises UnavailableError where none is configured."""

    def add(self, source: Path, *, dry_run: bool = False, progress: Progress | None = None) -> Stored:
        """Read a file or folder once, into the cache (not with `dry_run`). Raises InvalidError for symlinks inside,
        special files, empty folders and names that cannot be stored; NotFoundError where nothing is there."""

    def embedded_files(self, md5: str) -> Mapping[str, bytes]:
        """For an embedded remote: the files to commit (path from the top → content) so that it holds the object;
        empty for any other remote."""

    def push(self, md5s: Sequence[str], *, progress: Progress | None = None) -> None:
        """Bring those cached objects (a folder's files with it) to the remote that it lacks. Raises UnavailableError
        naming the remote."""

    def missing(self, md5s: Sequence[str]) -> Sequence[str]:
        """Those objects (a folder's files with it) that the remote does not hold. Raises UnavailableError."""

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
        """Put the object at `target` (which must not exist), from the cache or else the remote, checked while it is
        copied: IntegrityError for any byte too many or different (nothing stays at `target`, a bad cache object is
        moved to quarantine and fetched once more first), UnavailableError where neither holds it."""
