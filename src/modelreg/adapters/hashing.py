"""Reading bytes once for both digests, walking folders, and the listing that binds a folder to one sha256.

The listing is what `sha256sum -c` checks: a `HEX  path` line per file, sorted by path, each after a `# size_bytes N`
line, which sha256sum takes for a comment. DVC's `.dir` object is JSON as `dvc_data.hashfile.tree.Tree.as_bytes`
writes it; its MD5 is how DVC names the folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from modelreg.errors import IntegrityError, InvalidError, NotFoundError

CHUNK_BYTES = 4 * 1024 * 1024
_THREAD_FROM_BYTES = 4 * CHUNK_BYTES
"""Below this a second thread costs more than it brings."""
_AHEAD = 4
"""So many chunks may wait for the slower digest: what bounds the memory of one reading."""

_RESERVED = frozenset({".git", ".hg", ".dvc"})
"""DVC never reads these inside an output, so that its digest would not be ours; and nobody wants a hook pulled."""

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, line and paragraph separators, bidi controls, and what stands for bytes that are not UTF-8."""

_LINE = re.compile(rb"([0-9a-f]{64})  (.+)")
_SIZE = re.compile(rb"# size_bytes (0|[1-9][0-9]{0,18})")

Advance = Callable[[int], None]
"""Told how many more bytes were read."""


@dataclass(frozen=True, slots=True)
class Digests:
    """What one reading of some bytes gave: size, and both digests in lower-case hex."""

    size_bytes: int
    sha256: str
    md5: str


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file of a folder artifact: POSIX path below the folder, size and sha256."""

    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Found:
    """A file that a walk found: where it lies, its POSIX path below the folder, its size then."""

    file: Path
    path: str
    size_bytes: int


def digest_stream(
    source: BinaryIO,
    *,
    size_hint: int = 0,
    limit_bytes: int | None = None,
    copy_to: BinaryIO | None = None,
    advance: Advance | None = None,
) -> Digests:
    """Read `source` to its end, once, for both digests, writing what is read to `copy_to`.

    Raises IntegrityError as soon as there are more than `limit_bytes`: an endless stream ends there.
    """
    return digest_chunks(_read(source, limit_bytes, copy_to), size_hint=size_hint, advance=advance)


def digest_chunks(chunks: Iterable[bytes], *, size_hint: int = 0, advance: Advance | None = None) -> Digests:
    """Both digests of bytes that come in pieces; of many, MD5 in a thread of its own (hashlib lets go of the lock).

    MD5 is the slower by far: the next pieces are read and given to SHA-256 while it works.
    """
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    total = 0
    if size_hint < _THREAD_FROM_BYTES:
        for chunk in chunks:
            total += len(chunk)
            md5.update(chunk)
            sha256.update(chunk)
            if advance is not None:
                advance(len(chunk))
        return Digests(total, sha256.hexdigest(), md5.hexdigest())
    with ThreadPoolExecutor(1) as beside:
        waiting: deque[Future[None]] = deque()
        for chunk in chunks:
            total += len(chunk)
            waiting.append(beside.submit(md5.update, chunk))
            sha256.update(chunk)
            if len(waiting) > _AHEAD:
                waiting.popleft().result()
            if advance is not None:
                advance(len(chunk))
        for pending in waiting:
            pending.result()
    return Digests(total, sha256.hexdigest(), md5.hexdigest())


def digest_file(path: Path, *, copy_to: BinaryIO | None = None, advance: Advance | None = None) -> Digests:
    """Both digests of a regular file, read once. Follows no symlink at `path` itself.

    Raises NotFoundError, InvalidError where it is no regular file or changed while it was read.
    """
    with open_unchanged(path) as (source, size):
        return digest_stream(source, size_hint=size, limit_bytes=size, copy_to=copy_to, advance=advance)


@contextmanager
def open_unchanged(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """A regular file, open to be read to its end, and its size. Raises as `digest_file`.

    Whatever reads it raises IntegrityError for more bytes than that: it grows, perhaps faster than it can be read.
    """
    with open_regular(path) as source:
        before = os.fstat(source.fileno())
        try:
            yield source, before.st_size
            after = os.fstat(source.fileno())
            changed = (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)
        except IntegrityError:
            changed = True
    if changed:
        raise InvalidError("changed while it was read; try again when nothing writes to it", file=str(path))


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading, following no symlink and waiting for no pipe.

    Raises NotFoundError, InvalidError for anything else than a regular file.
    """
    try:
        # O_NONBLOCK: opening a FIFO would otherwise wait for a writer for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise NotFoundError(
            "there is no such file", file=str(path), hint="is the path right? it counts from the current folder"
        ) from None
    except OSError as error:
        if path.is_symlink():
            raise InvalidError("is a symbolic link; give the file itself", file=str(path)) from None
        raise InvalidError(f"cannot be read: {error.strerror}", file=str(path)) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InvalidError("is not a regular file", file=str(path))
    return os.fdopen(descriptor, "rb")


def check_name(name: str, file: str | None = None) -> None:
    """Raises InvalidError for a file or folder name that a listing or a pointer cannot hold safely."""
    if name in {"", ".", ".."} or "/" in name:
        raise InvalidError(f"{name!a} is no name for a file", file=file)
    if name.casefold() in _RESERVED:
        raise InvalidError(f"{name} must not be part of an artifact", file=file)
    # sha256sum escapes backslashes and line ends with a prefix that other readers do not know: refused instead.
    if "\\" in name or _UNPRINTABLE.search(name):
        raise InvalidError(f"the name {name!a} holds a backslash or a character that does not print", file=file)


def check_path(path: str, file: str | None = None) -> None:
    """Raises InvalidError unless `path` is a plain relative POSIX path whose every part is a storable name."""
    for part in path.split("/"):
        check_name(part, file)


def walk(folder: Path) -> tuple[Found, ...]:
    """All files below a folder, sorted by POSIX path.

    Raises NotFoundError, and InvalidError for a symlink, a special file, a name that cannot be stored, and a folder
    without anything in it: DVC and git would lose it silently.
    """
    if not folder.is_dir():
        raise NotFoundError("there is no such folder", file=str(folder))
    return tuple(sorted(_walk(folder, ""), key=lambda found: found.path))


def dir_object(files: Iterable[tuple[str, str]]) -> bytes:
    """DVC's `.dir` object for (path, MD5) pairs; the folder's name in DVC is the MD5 of these bytes and `.dir`."""
    entries = [{"md5": md5, "relpath": path} for path, md5 in sorted(files)]
    return json.dumps(entries, sort_keys=True).encode()


def listing(files: Iterable[ListedFile]) -> bytes:
    """The listing of a folder. Raises InvalidError for paths that it cannot hold, or that clash."""
    ordered = sorted(files, key=lambda item: item.path)
    _check_paths([item.path for item in ordered], None)
    lines = (f"# size_bytes {item.size_bytes}\n{item.sha256}  {item.path}\n" for item in ordered)
    return "".join(lines).encode()


def parse_listing(data: bytes, file: str | None = None) -> tuple[ListedFile, ...]:
    """Read a listing back: `listing(parse_listing(data)) == data`. Raises InvalidError with the line."""
    if not data.endswith(b"\n"):
        raise InvalidError("is cut off, or empty: a listing ends with a line end", file=file)
    lines = data[:-1].split(b"\n")
    files: list[ListedFile] = []
    for number in range(0, len(lines), 2):
        size = _SIZE.fullmatch(lines[number])
        if size is None:
            raise InvalidError("must be `# size_bytes N`", file=file, line=number + 1)
        entry = _LINE.fullmatch(lines[number + 1]) if number + 1 < len(lines) else None
        if entry is None:
            raise InvalidError("must be 64 hex digits, two spaces and a path", file=file, line=number + 2)
        try:
            path = entry[2].decode()
        except UnicodeDecodeError:
            raise InvalidError("the path is not UTF-8", file=file, line=number + 2) from None
        files.append(ListedFile(path, int(size[1]), entry[1].decode()))
    _check_paths([item.path for item in files], file)
    return tuple(files)


def _check_paths(paths: Sequence[str], file: str | None) -> None:
    """Sorted, each once, each storable, and none a folder of another."""
    if not paths:
        raise InvalidError("a folder artifact needs at least one file", file=file)
    known = set(paths)
    for number, path in enumerate(paths):
        line = 2 * number + 2
        try:
            check_path(path)
        except InvalidError as error:
            raise InvalidError(error.message, file=file, line=line) from None
        if number and not paths[number - 1] < path:
            raise InvalidError("paths must be sorted, each once", file=file, line=line)
        parts = path.split("/")
        if any("/".join(parts[:n]) in known for n in range(1, len(parts))):
            raise InvalidError("lies below a path that is a file", file=file, line=line)


def _walk(folder: Path, prefix: str) -> Iterator[Found]:
    empty = True
    with os.scandir(folder) as entries:
        for entry in entries:
            empty = False
            check_name(entry.name, str(folder))
            path = prefix + entry.name
            if entry.is_symlink():
                raise InvalidError("is a symbolic link; put the file itself there", file=entry.path)
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path), path + "/")
            elif entry.is_file(follow_symlinks=False):
                yield Found(Path(entry.path), path, entry.stat(follow_symlinks=False).st_size)
            else:
                raise InvalidError("is neither a file nor a folder", file=entry.path)
    if empty:
        raise InvalidError("is an empty folder, which cannot be stored", file=str(folder))


def _read(source: BinaryIO, limit_bytes: int | None, copy_to: BinaryIO | None) -> Iterator[bytes]:
    """The bytes of a stream, written to `copy_to` on the way. Raises IntegrityError beyond the limit."""
    total = 0
    while chunk := source.read(CHUNK_BYTES):
        total += len(chunk)
        if limit_bytes is not None and total > limit_bytes:
            raise IntegrityError(f"holds more than the {limit_bytes} bytes that are on record")
        if copy_to is not None:
            copy_to.write(chunk)
        yield chunk


def content_sha256(path: Path) -> str:
    """The sha256 that a manifest gives a file, of a folder that of its listing. Raises NotFoundError, InvalidError."""
    if not path.is_dir():
        return digest_file(path).sha256
    read = ((found, digest_file(path / found.path)) for found in walk(path))
    listed = (ListedFile(found.path, digests.size_bytes, digests.sha256) for found, digests in read)
    return hashlib.sha256(listing(listed)).hexdigest()
