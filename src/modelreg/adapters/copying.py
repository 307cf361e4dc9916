"""Copies of files by the kernel: shared blocks where the file system has them, else from page cache to page cache.

What is digested is what lies in the copy, so that no byte is vouched for that was only in the source.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from modelreg.adapters.hashing import CHUNK_BYTES, Advance, Digests, digest_chunks, open_unchanged
from modelreg.errors import IntegrityError

_FICLONE = 0x40049409
"""ioctl_ficlonerange(2): Linux, and there btrfs, XFS, bcachefs, overlayfs on them."""
_WINDOW_BYTES = 64 * CHUNK_BYTES
"""So much is copied before it is read back and digested: large, since the kernel copies best undisturbed, and small
beside a machine's memory, so that it is read back from there."""
_NOT_HERE = frozenset({errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EBADF, errno.EPERM})
"""What copy_file_range(2) says where two file systems, or a filter of system calls, do not let it."""


def digest_copy(path: Path, sink: BinaryIO, *, advance: Advance | None = None) -> Digests:
    """Copy a regular file into `sink`, an empty file open for reading and writing; the digests of what arrived.

    Raises as `hashing.digest_file`; OSError for what the file system of `sink` refuses.
    """
    with open_unchanged(path) as (source, size):
        chunks = _stored(sink, size) if clone(source, sink) else _copied(source, sink, size)
        found = digest_chunks(chunks, size_hint=size, advance=advance)
        if found.size_bytes != size:
            raise IntegrityError("is shorter than it was")
    return found


def copy(source: BinaryIO, sink: BinaryIO, advance: Advance) -> None:
    """Copy all of one open file to another that is empty."""
    size = os.fstat(source.fileno()).st_size
    if clone(source, sink):
        advance(size)
        return
    for done in _pieces(source, sink):
        advance(done)


def clone(source: BinaryIO, sink: BinaryIO) -> bool:
    """Let two files share their blocks until one is written to; False where the file system has no such thing."""
    if sys.platform != "linux":
        return False
    try:
        fcntl.ioctl(sink.fileno(), _FICLONE, source.fileno())
    except OSError:
        return False
    return True


def _stored(sink: BinaryIO, size: int) -> Iterator[bytes]:
    """The bytes of a clone; of one that is larger than it should be no more than shows it."""
    offset = 0
    while chunk := os.pread(sink.fileno(), CHUNK_BYTES, offset):
        offset += len(chunk)
        _refuse_growth(offset, size)
        yield chunk


def _copied(source: BinaryIO, sink: BinaryIO, size: int) -> Iterator[bytes]:
    """The bytes of the copy while it is made. Raises IntegrityError where they are more than `size`."""
    offset = 0
    for done in _pieces(source, sink):
        end = offset + done
        _refuse_growth(end, size)
        while offset < end:
            chunk = os.pread(sink.fileno(), min(CHUNK_BYTES, end - offset), offset)
            if not chunk:
                raise IntegrityError("the copy is shorter than what was written")
            offset += len(chunk)
            yield chunk


def _pieces(source: BinaryIO, sink: BinaryIO) -> Iterator[int]:
    """Copy piece by piece, by the kernel or else through this process; how many bytes each piece had."""
    by_kernel, copied = hasattr(os, "copy_file_range"), False
    while by_kernel:
        try:
            done = os.copy_file_range(source.fileno(), sink.fileno(), _WINDOW_BYTES)
        except OSError as error:
            if copied or error.errno not in _NOT_HERE:
                raise
            done = 0
        if not done:
            if copied:
                return
            break  # it cannot be done here, or the file is empty: some file systems say 0 for both
        copied = True
        yield done
    while chunk := os.read(source.fileno(), CHUNK_BYTES):
        view = memoryview(chunk)
        while view:
            view = view[os.write(sink.fileno(), view) :]
        yield len(chunk)


def _refuse_growth(offset: int, size: int) -> None:
    if offset > size:
        raise IntegrityError(f"holds more than {size} bytes")
