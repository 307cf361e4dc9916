"""Files by path, from a commit's tree or from the work tree. Nothing here follows a symlink."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Mapping

from modelreg.adapters.door import Door
from modelreg.domain.plan import CommitId
from modelreg.errors import UnavailableError
from modelreg.registry.ports import Entry


class CommitTree:
    """The tree of one commit, read from objects."""

    def __init__(self, git: Door, commit: CommitId) -> None:
        self._git = git
        self._commit = commit
        self._listed: dict[str, dict[str, Entry]] = {}
        self._contents: dict[str, bytes | None] = {}

    def paths(self, prefix: str) -> Mapping[str, Entry]:
        for known, entries in self._listed.items():
            if prefix.startswith(known):
                return {path: e for path, e in entries.items() if path.startswith(prefix)}
        command = ["ls-tree", "-r", "-z", "--full-tree", self._commit]
        if prefix:
            command += ["--", prefix.rstrip("/") + ("/" if prefix.endswith("/") else "")]
        entries = {}
        for record in self._git.run(command).split(b"\0"):
            if record:
                head, _, path = record.partition(b"\t")
                mode, _, blob = head.decode().split(" ")
                entries[os.fsdecode(path)] = Entry(mode, blob)
        self._listed[prefix] = entries
        return entries

    def read(self, path: str) -> bytes | None:
        if path not in self._contents:
            self.read_many([path])
        return self._contents[path]

    def read_many(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        paths = list(paths)
        wanted = [path for path in paths if path not in self._contents]
        if wanted:
            specs = [os.fsencode(f"{self._commit}:{path}") for path in wanted]
            for path, data in zip(wanted, cat_file(self._git, specs), strict=True):
                self._contents[path] = data
        found = {path: self._contents[path] for path in paths}
        return {path: data for path, data in found.items() if data is not None}


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

    def read(self, path: str) -> bytes | None:
        try:
            descriptor = self._open(path)
        except OSError:
            return None
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


def cat_file(git: Door, specs: Iterable[bytes]) -> list[bytes | None]:
    """The blobs that `specs` (`COMMIT:PATH` or ids) name, in order; None for what is missing or no regular file.

    A symlink's blob is its target: `COMMIT:PATH` says nothing of the mode, so modes are the caller's to ask where
    they matter; here a path is only read after its folder was listed, or to be parsed, which a link's target is not.
    """
    specs = list(specs)
    sound = [spec for spec in specs if b"\n" not in spec]
    output = git.run(["cat-file", "--batch"], data=b"".join(spec + b"\n" for spec in sound))
    found: dict[bytes, bytes | None] = {}
    position = 0
    for spec in sound:
        end = output.index(b"\n", position)
        header = output[position:end].rsplit(b" ", 2)
        position = end + 1
        if len(header) == 3 and header[2].isdigit():
            size = int(header[2])
            found[spec] = output[position : position + size] if header[1] == b"blob" else None
            position += size + 1
        else:
            found[spec] = None
    return [found.get(spec) for spec in specs]
