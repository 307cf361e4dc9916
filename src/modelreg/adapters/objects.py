"""Commits and tags as objects: composed in this process, then written, a few as loose objects and many as one pack.

To start a git that makes them takes longer than to make them. No ref becomes visible, and no configuration of the
repository is read. Every object is on disk (fsync) before its id is given to anybody who moves a ref.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

from modelreg.adapters.door import Door
from modelreg.adapters.object_format import (
    FOLDER,
    GitObject,
    TreeEntry,
    commit_content,
    git_object,
    sorted_tree,
    tag_content,
    tree_content,
)
from modelreg.adapters.paths import check_paths
from modelreg.domain.plan import CommitId, Plan, Tag
from modelreg.errors import UnavailableError
from modelreg.registry.ports import Identity

MOST_LOOSE = 100
"""More objects than that become a pack, as they do in git's own imports (git-config: fastimport.unpackLimit)."""
_KINDS = {b"commit": 1, b"tree": 2, b"blob": 3, b"tag": 4}
"""Git's numbers for them in a pack (gitformat-pack(5))."""


class Composer:
    """Objects of one landing, whose ids are known before any is written."""

    def __init__(self, git: Door, who: Identity) -> None:
        self._git = git
        self._who = who
        self._made: dict[str, GitObject] = {}

    def commit(self, plan: Plan) -> CommitId:
        """The id of a plan's commit. Raises InvalidError for a path that may not be."""
        check_paths(plan.files)
        root = None if plan.base is None else self._git.objects.root(plan.base)
        tree = self._tree(root, _nested(plan.files))
        parents = [parent for parent in (plan.base, plan.merges) if parent is not None]
        commit = self._add(b"commit", commit_content(tree, parents, self._who, plan.at, plan.message))
        return CommitId(commit)

    def tags(self, tags: Iterable[Tag]) -> list[str]:
        """The ids of annotated tags, in order."""
        return [self._add(b"tag", tag_content(tag, self._who)) for tag in tags]

    def write(self) -> None:
        """Raises UnavailableError where they cannot all be written, naming the folder, and in a hook's quarantine."""
        self._git.git.allow(write=True)
        made = tuple(self._made.values())
        if len(made) > MOST_LOOSE:
            _write_pack(self._git, made)
            return
        objects = self._git.common_dir / "objects"
        try:
            _write_loose(objects, made)
        except OSError as error:
            raise UnavailableError(f"no object can be written to {objects}: {error.strerror}") from error

    def _tree(self, folder: str | None, files: Mapping[str, object]) -> str:
        """The id of a folder with files and folders put into it, in place of what has their name there."""
        entries = {} if folder is None else {entry.name: entry for entry in self._git.objects.trees([folder])[folder]}
        for key, value in files.items():
            name = os.fsencode(key)
            if isinstance(value, Mapping):
                below = entries.get(name)
                known = below.id if below is not None and below.mode == FOLDER else None
                entries[name] = TreeEntry(name, FOLDER, self._tree(known, value))
            elif isinstance(value, bytes):
                entries[name] = TreeEntry(name, "100644", self._add(b"blob", value))
        inside = sorted_tree(entries.values())
        made = self._add(b"tree", tree_content(inside))
        self._git.objects.keep(made, inside)
        return made

    def _add(self, kind: bytes, content: bytes) -> str:
        item = git_object(kind, content, self._git.object_format)
        self._made[item.id] = item
        return item.id


def write_tags(git: Door, tags: Sequence[Tag], who: Identity) -> list[str]:
    """Annotated tag objects, in order; their ids."""
    composer = Composer(git, who)
    ids = composer.tags(tags)
    composer.write()
    return ids


def _nested(files: Mapping[str, bytes]) -> dict[str, object]:
    """Files by path as folders in folders."""
    top: dict[str, object] = {}
    for path, content in files.items():
        *folders, name = path.split("/")
        place = top
        for folder in folders:
            below = place.setdefault(folder, {})
            assert isinstance(below, dict)  # noqa: S101 - no path is a folder of another: check_paths
            place = below
        place[name] = content
    return top


def _write_loose(objects: Path, items: Iterable[GitObject]) -> None:
    """Files of their own, by temporary ones that `git gc` takes away where they are left (git: object-file.c)."""
    new = [(item, path) for item in items if not _freshened(path := objects / item.id[:2] / item.id[2:])]
    with ExitStack() as ends:
        made = []
        for item, path in new:
            file, name = _temporary(path.parent, like=objects)
            ends.callback(_discard, file, name)
            file.write(zlib.compress(item.whole, 1))
            file.flush()
            made.append((file, name, path))
        for file, _, _ in made:
            os.fsync(file.fileno())
        for _, name, path in made:
            os.rename(name, path)


def _freshened(path: Path) -> bool:
    """Whether an object is there already; a `git prune` that runs now must not take it for an old one."""
    try:
        os.utime(path)
    except (
        FileNotFoundError,
        PermissionError,
    ):  # another user's in a shared repository: it is written anew, as git does
        return False
    return True


def _temporary(folder: Path, *, like: Path) -> tuple[BinaryIO, str]:
    """A file that will be read-only, as git's own are, and its name; a new folder is shared as its neighbours are."""
    with suppress(FileExistsError):
        folder.mkdir()
        folder.chmod(stat.S_IMODE(like.stat().st_mode))
    descriptor, name = tempfile.mkstemp(prefix="tmp_obj_", dir=folder)
    os.fchmod(descriptor, 0o444)
    return os.fdopen(descriptor, "wb"), name


def _discard(file: BinaryIO, name: str) -> None:
    with suppress(OSError):
        file.close()
    with suppress(FileNotFoundError):  # it has its own name now
        os.unlink(name)


def _write_pack(git: Door, items: Sequence[GitObject]) -> None:
    """All of them in one pack, which git checks, names and puts in its place."""
    parts = [b"PACK" + (2).to_bytes(4) + len(items).to_bytes(4)]
    for item in items:
        parts += [_pack_header(_KINDS[item.kind], len(item.content)), zlib.compress(item.content, 1)]
    body = b"".join(parts)
    trailer = hashlib.new(git.object_format, body, usedforsecurity=False).digest()
    git.run(["index-pack", "--stdin"], data=body + trailer, write=True, here=True)


def _pack_header(kind: int, size: int) -> bytes:
    """Kind and size before an object of a pack: four bits of the size, then seven at a time (gitformat-pack(5))."""
    first, size = kind << 4 | size & 0b1111, size >> 4
    found = bytearray()
    while size:
        found.append(first | 0x80)
        first, size = size & 0x7F, size >> 7
    found.append(first)
    return bytes(found)
