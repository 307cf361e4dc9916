"""Files by path, from a commit's tree or from the work tree. Nothing here follows a symlink."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Mapping, Sequence

from modelreg.adapters.door import Door
from modelreg.domain.plan import CommitId
from modelreg.errors import IntegrityError, UnavailableError
from modelreg.registry.ports import Entry

_MANY = 200
"""So many paths are looked up one by one; for more, the folder that holds them all is listed."""
_REGULAR = ("100644", "100755")
_NOT_A_FILE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.ENAMETOOLONG)


class CommitTree:
    """The tree of one commit (or a tree itself), read from objects.

    A path is looked up in its folder's listing, so that a symlink is none of the files, whatever its target says, and
    an object that cannot be read is told from a file that is not there.
    """

    def __init__(self, git: Door, commit: CommitId) -> None:
        self._git = git
        self._commit = commit
        self._listed: dict[str, dict[str, Entry]] = {}
        self._contents: dict[str, bytes | None] = {}

    def paths(self, prefix: str) -> Mapping[str, Entry]:
        entries = self._known(prefix)
        if entries is None:
            entries = self._listed[prefix] = self._list(["-r"], [prefix.rstrip("/")] if prefix else [])
        return {path: entry for path, entry in entries.items() if path.startswith(prefix)}

    def list_many(self, prefixes: Iterable[str]) -> None:
        wanted = [prefix for prefix in dict.fromkeys(prefixes) if self._known(prefix) is None]
        if wanted:
            entries = self._list(["-r"], [prefix.rstrip("/") for prefix in wanted])
            for prefix in wanted:
                self._listed[prefix] = {path: e for path, e in entries.items() if path.startswith(prefix)}

    def read(self, path: str) -> bytes | None:
        if path not in self._contents:
            self.read_many([path])
        return self._contents[path]

    def read_many(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        paths = list(paths)
        wanted = [path for path in dict.fromkeys(paths) if path not in self._contents]
        entries = self._entries(wanted)
        files = {path: e.blob for path in wanted if (e := entries.get(path)) and e.mode in _REGULAR}
        blobs = read_blobs(self._git, files.values())
        for path in wanted:
            self._contents[path] = blobs[files[path]] if path in files else None
        found = {path: self._contents[path] for path in paths}
        return {path: data for path, data in found.items() if data is not None}

    def _entries(self, paths: Sequence[str]) -> Mapping[str, Entry]:
        found: dict[str, Entry] = {}
        unknown = []
        for path in paths:
            known = self._known(path)
            if known is None:
                unknown.append(path)
            elif path in known:
                found[path] = known[path]
        if len(unknown) > _MANY:
            first, last = min(unknown), max(unknown)  # what these two share, all share
            same = next((n for n, pair in enumerate(zip(first, last, strict=False)) if len(set(pair)) > 1), len(first))
            found |= self.paths(first[: first.rfind("/", 0, same) + 1])
        elif unknown := [path for path in unknown if path and "\0" not in path]:
            found |= self._list([], unknown)
        return found

    def _known(self, prefix: str) -> Mapping[str, Entry] | None:
        """An earlier listing in which whatever begins with `prefix` is found."""
        for folder, entries in self._listed.items():
            if prefix == folder or (prefix.startswith(folder) and (not folder or folder.endswith("/"))):
                return entries
        return None

    def _list(self, options: Sequence[str], paths: Sequence[str]) -> dict[str, Entry]:
        entries = {}
        for record in self._git.run(["ls-tree", *options, "-z", "--full-tree", self._commit, "--", *paths]).split(
            b"\0"
        ):
            if record:
                head, _, path = record.partition(b"\t")
                mode, _, blob = head.decode().split(" ")
                entries[os.fsdecode(path)] = Entry(mode, blob)
        return entries


class WorkTree:
    """The files on disk, tracked or not, less what is ignored."""

    def __init__(self, git: Door) -> None:
        if git.top is None:
            raise UnavailableError("the repository is bare: it has no work tree", hint="clone it, or pass --ref")
        self._git = git
        self._top = git.top

    def paths(self, prefix: str) -> Mapping[str, Entry]:
        command = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]
        if prefix:
            command += ["--", prefix.rstrip("/")]
        found = {}
        for name in sorted(set(self._git.run(command).split(b"\0"))):
            path = os.fsdecode(name)
            if path and path.startswith(prefix) and (entry := self._entry(path)) is not None:
                found[path] = entry
        return found

    def list_many(self, prefixes: Iterable[str]) -> None:
        """Files on disk may change: nothing is kept."""

    def read(self, path: str) -> bytes | None:
        try:
            descriptor = self._open(path)
        except OSError as error:
            if error.errno in _NOT_A_FILE:
                return None
            raise UnavailableError(f"cannot be read: {error.strerror}", file=path) from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return None
        with os.fdopen(descriptor, "rb") as file:
            return file.read()

    def read_many(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        found = {path: self.read(path) for path in paths}
        return {path: data for path, data in found.items() if data is not None}

    def _open(self, path: str) -> int:
        """Open component by component, so that no symlink on the way is followed."""
        *folders, name = path.split("/")
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        folder = os.open(self._top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in folders:
                deeper = os.open(part, flags | os.O_DIRECTORY, dir_fd=folder)
                os.close(folder)
                folder = deeper
            return os.open(name, flags | os.O_NONBLOCK, dir_fd=folder)
        finally:
            os.close(folder)

    def _entry(self, path: str) -> Entry | None:
        try:
            status = os.lstat(self._top / path)
        except OSError:
            return None  # tracked, and removed from disk
        if stat.S_ISLNK(status.st_mode):
            return Entry("120000", self._blob_id(os.fsencode(os.readlink(self._top / path))))
        data = self.read(path)
        if data is None:
            return Entry("160000" if stat.S_ISDIR(status.st_mode) else "000000", "")
        return Entry("100755" if status.st_mode & stat.S_IXUSR else "100644", self._blob_id(data))

    def _blob_id(self, data: bytes) -> str:
        return blob_id(data, self._git.object_format)


def blob_id(data: bytes, object_format: str) -> str:
    """The id that git gives a blob (gitformat: hash of `blob SIZE\\0` and the bytes)."""
    return hashlib.new(object_format, b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def read_blobs(git: Door, ids: Iterable[str]) -> dict[str, bytes]:
    """The contents of blobs that a tree names, by id, each hashed again.

    Raises UnavailableError for one that a partial clone has not and its remote does not give, IntegrityError for one
    that is missing or damaged.
    """
    wanted = list(dict.fromkeys(ids))
    output = git.run(["cat-file", "--batch"], data="".join(f"{blob}\n" for blob in wanted).encode()) if wanted else b""
    found = {}
    position = 0
    for blob in wanted:
        end = output.find(b"\n", position)
        header = output[position:end].split(b" ")
        if end < 0 or len(header) != 3 or header[1] != b"blob":
            raise _missing(git, blob)
        position = end + 1 + int(header[2])
        found[blob] = output[end + 1 : position]
        position += 1
        if blob_id(found[blob], git.object_format) != blob:
            raise IntegrityError(f"object {blob} is damaged: its bytes are not those of its id", hint="git fsck")
    return found


def _missing(git: Door, blob: str) -> IntegrityError | UnavailableError:
    if git.git.is_partial:
        return UnavailableError(
            f"object {blob} is not in this partial clone, and its remote did not give it", hint="is the network there?"
        )
    return IntegrityError(f"object {blob} is missing or damaged in this clone", hint="git fsck, then clone again")
