"""Copies by the kernel: what is digested is what lies in the copy, and a source that changes is refused."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from modelreg.adapters import copying, hashing
from modelreg.errors import InvalidError, NotFoundError

CHUNK = hashing.CHUNK_BYTES
Patch = Callable[[pytest.MonkeyPatch], None]


def kernel(_patch: pytest.MonkeyPatch) -> None:
    """As the machine does it; without shared blocks, which few test machines have."""
    _patch.setattr(copying, "clone", lambda _source, _sink: False)


def shared(patch: pytest.MonkeyPatch) -> None:
    def clone(source: BinaryIO, sink: BinaryIO) -> bool:
        os.write(sink.fileno(), os.pread(source.fileno(), 1 << 30, 0))
        return True

    patch.setattr(copying, "clone", clone)


def refused(patch: pytest.MonkeyPatch) -> None:
    def copy_file_range(*_: object) -> int:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    kernel(patch)
    patch.setattr(os, "copy_file_range", copy_file_range)


def silent(patch: pytest.MonkeyPatch) -> None:
    kernel(patch)
    patch.setattr(os, "copy_file_range", lambda *_: 0)


def short(patch: pytest.MonkeyPatch) -> None:
    """The kernel may copy less than it is asked for."""
    real = os.copy_file_range
    kernel(patch)
    patch.setattr(os, "copy_file_range", lambda source, sink, _: real(source, sink, 100_001))


WAYS: tuple[Patch, ...] = (kernel, shared, refused, silent, short)


def copied(source: Path, target: Path) -> hashing.Digests:
    with target.open("w+b") as sink:
        return copying.digest_copy(source, sink)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [0, 1, CHUNK, 2 * CHUNK + 3])
def test_a_copy_and_its_digests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Patch, size: int) -> None:
    data, told = os.urandom(size), list[int]()
    (tmp_path / "model").write_bytes(data)
    way(monkeypatch)
    with (tmp_path / "copy").open("w+b") as sink:
        found = copying.digest_copy(tmp_path / "model", sink, advance=told.append)
    assert (tmp_path / "copy").read_bytes() == data
    assert found == hashing.Digests(size, hashlib.sha256(data).hexdigest(), hashlib.md5(data).hexdigest())
    assert sum(told) == size


def test_the_copy_is_digested_and_not_the_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that stores other bytes than it was given is noticed at the latest by whoever reads them."""

    def clone(_source: BinaryIO, sink: BinaryIO) -> bool:
        os.write(sink.fileno(), b"bad")
        return True

    (tmp_path / "model").write_bytes(b"abc")
    monkeypatch.setattr(copying, "clone", clone)
    assert copied(tmp_path / "model", tmp_path / "copy").sha256 == hashlib.sha256(b"bad").hexdigest()


def _longer(file: Path) -> None:
    with file.open("ab") as more:
        more.write(b"more")


def _shorter(file: Path) -> None:
    os.truncate(file, 5)


def _other(file: Path) -> None:
    file.write_bytes(b"B" * file.stat().st_size)
    os.utime(file, ns=(0, 0))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("change", [_longer, _shorter, _other])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_source_that_changes_while_it_is_copied_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Patch, change: Callable[[Path], None], when: str
) -> None:
    file = tmp_path / "model"
    file.write_bytes(b"A" * 1000)
    way(monkeypatch)
    real: Any = copying.clone

    def clone(source: BinaryIO, sink: BinaryIO) -> bool:
        if when == "before":
            change(file)
        done = bool(real(source, sink))
        if when == "after":
            change(file)
        return done

    monkeypatch.setattr(copying, "clone", clone)
    with pytest.raises(InvalidError, match="changed while"):
        copied(file, tmp_path / "copy")


def test_a_full_disk_in_the_middle_is_an_error_and_not_another_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = os.copy_file_range, list[int]()

    def copy_file_range(source: int, sink: int, _count: int) -> int:
        calls.append(1)
        if len(calls) > 1:
            raise OSError(errno.EINVAL, "in the middle")
        return real(source, sink, 10)

    (tmp_path / "model").write_bytes(b"A" * 100)
    kernel(monkeypatch)
    monkeypatch.setattr(os, "copy_file_range", copy_file_range)
    with pytest.raises(OSError, match="in the middle"):
        copied(tmp_path / "model", tmp_path / "copy")


def test_what_is_no_regular_file_is_not_copied(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/hostname")
    with pytest.raises(InvalidError, match="symbolic link"):
        copied(tmp_path / "link", tmp_path / "copy")
    with pytest.raises(NotFoundError):
        copied(tmp_path / "nothing", tmp_path / "copy")


def test_chunks_that_wait_for_the_slower_digest_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """What bounds the memory: chunks that were read, and that MD5 has not taken."""
    lock, most, waiting = threading.Lock(), 0, 0

    class Slow:
        def update(self, _chunk: bytes) -> None:
            nonlocal waiting
            threading.Event().wait(0.002)
            with lock:
                waiting -= 1

        def hexdigest(self) -> str:
            return ""

    def chunks() -> Any:
        nonlocal most, waiting
        for _ in range(60):
            with lock:
                waiting += 1
                most = max(most, waiting)
            yield b"x"

    monkeypatch.setattr(hashlib, "md5", lambda **_: Slow())
    assert hashing.digest_chunks(chunks(), size_hint=1 << 40).size_bytes == 60
    assert waiting == 0
    assert most <= hashing._AHEAD + 2
