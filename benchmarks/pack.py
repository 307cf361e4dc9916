"""A history written straight into one pack. A hundred thousand commits that each rewrite a tree of ten thousand entries
take `git fast-import` an hour, and this two minutes.

Formats: git's gitformat-pack(5). What is written is as `git gc` leaves it: one pack, deltas from newer to older at most
fifty deep, packed refs, a commit graph. `git index-pack` reads every object again.
"""

from __future__ import annotations

import hashlib
import subprocess
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

_TYPES = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
_BY_OFFSET = 6
_DEPTH = 50
_LONGEST_INSERT = 127
FILE, FOLDER = b"100644", b"40000"


class Pack:
    """Objects of a new repository without any; nothing is there for git before the context ends."""

    def __init__(self, git_dir: Path) -> None:
        self._git_dir = git_dir
        self._path = git_dir / "objects" / "pack" / "benchmark.pack"
        self._file: BinaryIO = self._path.open("w+b")
        self._written: set[bytes] = set()
        self._count = 0
        self._file.write(b"PACK\0\0\0\2\0\0\0\0")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> None:
        with self._file as file:
            file.seek(8)
            file.write(self._count.to_bytes(4, "big"))
            file.seek(0)
            digest = hashlib.sha1(usedforsecurity=False)
            while piece := file.read(1 << 20):
                digest.update(piece)
            file.write(digest.digest())
        if kind is None:
            subprocess.run(["git", "index-pack", self._path], cwd=self._git_dir, check=True, stdout=subprocess.DEVNULL)

    def add(self, kind: str, data: bytes) -> bytes:
        """An object, once; its id."""
        id_ = id_of(kind, data)
        if id_ not in self._written:
            self._written.add(id_)
            self._write(_TYPES[kind], len(data), b"", data)
        return id_

    def delta(self, base: int, delta: bytes) -> int:
        """An object as its difference from the one at offset `base`; its own offset."""
        distance = self._file.tell() - base
        packed = [distance & 0x7F]
        while distance := distance >> 7:
            distance -= 1
            packed.append(0x80 | distance & 0x7F)
        return self._write(_BY_OFFSET, len(delta), bytes(reversed(packed)), delta)

    def whole(self, data: bytes) -> int:
        """A tree; its offset."""
        return self._write(_TYPES["tree"], len(data), b"", data)

    def _write(self, kind: int, size: int, link: bytes, data: bytes) -> int:
        at = self._file.tell()
        head = bytearray([kind << 4 | size & 0xF])
        size >>= 4
        while size:
            head[-1] |= 0x80
            head.append(size & 0x7F)
            size >>= 7
        self._file.write(bytes(head) + link + zlib.compress(data, 1))
        self._count += 1
        return at


class WideTree:
    """A folder with many subfolders of names of one length, of which each new state changes one."""

    def __init__(self, pack: Pack, rest: Mapping[str, bytes]) -> None:
        """`rest`: files (name → blob) that stand behind all the subfolders."""
        self._pack = pack
        self._folders = bytearray()
        self._rest = b"".join(entry(FILE, name, id_) for name, id_ in sorted(rest.items()))
        self._pending: list[
            tuple[int, bytes, int]
        ] = []  # of each state: where it changed, what stood there, new length

    def change(self, number: int, name: str, tree: bytes) -> bytes:
        """Put `tree` at subfolder `number` (in order of names; the next one is new); the id of the whole."""
        new = entry(FOLDER, name, tree)
        at = number * len(new)
        before = bytes(self._folders[at : at + len(new)])
        self._folders[at : at + len(new)] = new
        self._pending.append((at, before, len(new)))
        id_ = id_of("tree", self._folders, self._rest)
        if len(self._pending) > _DEPTH:
            self.flush()
        return id_

    def flush(self) -> None:
        """Write the states that were not written yet: the last one whole, each older one by the next."""
        if not self._pending:
            return
        size = len(self._folders) + len(self._rest)
        offset = self._pack.whole(bytes(self._folders) + self._rest)
        for at, before, length in reversed(self._pending[1:]):
            older = size - length + len(before)
            parts = _copy(0, at) + _insert(before) + _copy(at + length, size - at - length)
            offset = self._pack.delta(offset, _number(size) + _number(older) + parts)
            size = older
        self._pending.clear()


def entry(mode: bytes, name: str, id_: bytes) -> bytes:
    """One line of a tree."""
    return mode + b" " + name.encode() + b"\0" + id_


def id_of(kind: str, *parts: bytes | bytearray) -> bytes:
    digest = hashlib.sha1(f"{kind} {sum(map(len, parts))}\0".encode(), usedforsecurity=False)
    for part in parts:
        digest.update(part)
    return digest.digest()


def write_refs(git_dir: Path, refs: Mapping[str, bytes], tags: Iterable[tuple[str, bytes, bytes]]) -> None:
    """packed-refs: refs by name, and annotated tags (name, tag object, commit)."""
    lines = {name: f"{id_.hex()} {name}\n" for name, id_ in refs.items()}
    lines |= {f"refs/tags/{n}": f"{tag.hex()} refs/tags/{n}\n^{commit.hex()}\n" for n, tag, commit in tags}
    with (git_dir / "packed-refs").open("w", encoding="ascii") as file:
        file.write("# pack-refs with: peeled fully-peeled sorted \n")
        file.writelines(lines[name] for name in sorted(lines))


def _number(value: int) -> bytes:
    out = bytearray()
    while value > _LONGEST_INSERT:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _copy(offset: int, size: int) -> bytes:
    """Copy from the base: an instruction may copy 0xFFFFFF bytes at most."""
    if size == 0:
        return b""
    if size > 0xFFFFFF:
        raise ValueError("no tree of these benchmarks is so large")
    command, out = 0x80, bytearray()
    for bit, byte in enumerate((*offset.to_bytes(4, "little"), *size.to_bytes(3, "little"))):
        if byte:
            command |= 1 << bit
            out.append(byte)
    return bytes([command, *out])


def _insert(data: bytes) -> bytes:
    return bytes([len(data)]) + data if data else b""
