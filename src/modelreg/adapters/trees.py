"""Files by path, from a commit's tree or from the work tree. Nothing here follows a symlink."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from modelreg.adapters.door import Door
from modelreg.adapters.file_list import FileList, records
from modelreg.domain.layout import holders
from modelreg.domain.plan import CommitId
from modelreg.errors import UnavailableError
from modelreg.registry.ports import Entry

_MOST = 1_000_000
"""More files below a folder of a registry are somebody's trick: a tree may hold itself a thousand times over."""
_KEPT = 16 * 1024 * 1024
"""Bytes of contents that a tree keeps; who reads more reads it once."""
_NAMES_KEPT = 50_000
"""Files in the listings of narrow folders that a tree keeps."""
_FOLDER = "040000"
_REGULAR = ("100644", "100755")
_NOT_A_FILE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.ENAMETOOLONG)


class CommitTree:
    """The tree of one commit (or a tree itself), read from objects.

    A path is looked up folder by folder, so that a symlink is none of the files, whatever its target says, and an
    object that cannot be read is told from a file that is not there.
    """

    def __init__(self, git: Door, commit: CommitId) -> None:
        self._git = git
        self._commit = commit
        self._listed: dict[str, FileList] = {}
        self._wide: dict[str, FileList] = {}
        self._names = 0
        self._contents: dict[str, bytes | None] = {}
        self._kept = 0

    def paths(self, prefix: str) -> Mapping[str, Entry]:
        entries = self._known(prefix)
        if entries is None:
            return self._list(prefix)
        if prefix in self._listed or prefix in self._wide:
            return entries
        return FileList((path, entry) for path, entry in entries.items() if path.startswith(prefix))

    def list_many(self, prefixes: Iterable[str]) -> None:
        for prefix in dict.fromkeys(prefixes):
            if self._known(prefix) is None:
                self._list(prefix)

    def holding(self, folder: str, name: str) -> Mapping[str, Entry]:
        inside, wanted = self._find(folder.rstrip("/")), os.fsencode(name)
        if inside is None or inside.mode != _FOLDER:
            return {}
        objects = self._git.objects
        folders = [item for item in objects.trees([inside.blob])[inside.blob] if item.mode == _FOLDER]
        objects.trees(item.id for item in folders)
        files = ((item.name, objects.entry(item.id, wanted)) for item in folders)
        return {os.fsdecode(n): Entry(file.mode, file.id) for n, file in files if file and file.mode != _FOLDER}

    def read(self, path: str) -> bytes | None:
        return self.read_many([path]).get(path)

    def read_many(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        paths = list(paths)
        wanted = [path for path in dict.fromkeys(paths) if path not in self._contents]
        entries = {path: self._entry(path) for path in wanted}
        files = {path: e.blob for path, e in entries.items() if e is not None and e.mode in _REGULAR}
        blobs = self._git.objects.blobs(files.values())
        new = {path: blobs[files[path]] if path in files else None for path in wanted}
        found = {path: new[path] if path in new else self._contents[path] for path in paths}
        self._kept += sum(len(data) for data in blobs.values())
        if self._kept <= _KEPT:
            self._contents |= new
        return {path: data for path, data in found.items() if data is not None}

    @cached_property
    def _root(self) -> str:
        return self._git.objects.root(self._commit)

    def _known(self, prefix: str) -> FileList | None:
        """An earlier listing in which whatever begins with `prefix` is found: of it, or of a folder above it."""
        folders = [prefix, ""] + [prefix[: end + 1] for end, letter in enumerate(prefix) if letter == "/"]
        for listed in (self._listed, self._wide):
            for folder in folders:
                if (entries := listed.get(folder)) is not None:
                    return entries
        return None

    def _list(self, prefix: str) -> FileList:
        """The file of that name, or all files below the folder; a wide folder by git itself, in one go.

        It is kept, but of narrow folders only so many names: who goes through all models asks for each once.
        """
        if prefix.rstrip("/").count("/") < 1:
            found = self._wide[prefix] = self._ls_tree(prefix.rstrip("/"))
            return found
        found = self._narrow(prefix)
        self._names += len(found)
        if self._names > _NAMES_KEPT:
            self._listed, self._names = {}, len(found)
        self._listed[prefix] = found
        return found

    def _narrow(self, prefix: str) -> FileList:
        path = prefix.rstrip("/")
        entry = self._find(path)
        if entry is None or (prefix.endswith("/") and entry.mode != _FOLDER):
            return FileList(())
        if entry.mode != _FOLDER:
            return FileList([(path, entry)])
        found: dict[str, Entry] = {}
        folders = [(path, entry.blob)]
        while folders:
            trees = self._git.objects.trees(id_ for _, id_ in folders)
            deeper = []
            for folder, id_ in folders:
                for item in trees[id_]:
                    below = f"{folder}/{os.fsdecode(item.name)}"
                    if item.mode == _FOLDER:
                        deeper.append((below, item.id))
                    else:
                        found[below] = Entry(item.mode, item.id)
            if len(found) + len(deeper) > _MOST:
                raise UnavailableError(f"more than {_MOST} files below {path}", hint="a registry holds no such folder")
            folders = deeper
        return FileList(sorted(found.items()))

    def _ls_tree(self, path: str) -> FileList:
        command = ["ls-tree", "-r", "-z", "--full-tree", self._commit, "--", *([path] if path else [])]
        return FileList(map(_listed, records(self._git.run(command))))

    def _entry(self, path: str) -> Entry | None:
        known = self._known(path)
        return known.get(path) if known is not None else self._find(path)

    def _find(self, path: str) -> Entry | None:
        """What stands at a path, folders too."""
        entry = Entry(_FOLDER, self._root)
        for part in path.split("/"):
            if entry.mode != _FOLDER:
                return None
            found = self._git.objects.entry(entry.blob, os.fsencode(part))
            if found is None:
                return None
            entry = Entry(found.mode, found.id)
        return entry


class WorkTree:
    """The files on disk, tracked or not, less what is ignored; what a sparse checkout leaves out is as in the index."""

    def __init__(self, git: Door) -> None:
        if git.top is None:
            raise UnavailableError("the repository is bare: it has no work tree", hint="clone it, or pass --ref")
        self._git = git
        self._top = git.top

    def paths(self, prefix: str) -> Mapping[str, Entry]:
        command = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]
        if prefix:
            command += ["--", prefix.rstrip("/")]
        return FileList(self._entries(self._sorted(command, prefix)))

    def _sorted(self, command: Sequence[str], prefix: str) -> list[str]:
        names = sorted(set(records(self._git.run(command))))
        return [path for name in names if (path := os.fsdecode(name)).startswith(prefix)]

    def _entries(self, paths: Sequence[str]) -> Iterator[tuple[str, Entry]]:
        """Those of the paths, which are sorted by their bytes, that are there."""
        for path in paths:
            if (entry := self._entry(path) or self._left_out.get(path)) is not None:
                yield path, entry

    def list_many(self, prefixes: Iterable[str]) -> None:
        """Files on disk may change: nothing is kept."""

    def holding(self, folder: str, name: str) -> Mapping[str, Entry]:
        listed = self.paths(folder)
        return {called: listed[path] for called, path in holders(listed, folder, name).items()}

    def read(self, path: str) -> bytes | None:
        try:
            descriptor = self._open(path)
        except OSError as error:
            if error.errno == errno.ENOENT and path in self._left_out:
                blob = self._left_out[path].blob
                return self._git.objects.blobs([blob])[blob]
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

    @cached_property
    def _left_out(self) -> Mapping[str, Entry]:
        """Tracked files that are not to be on disk (git-sparse-checkout(1))."""
        if (self._git.git.setting("core.sparsecheckout") or "").lower() not in ("true", "yes", "on", "1"):
            return {}
        found = {}
        for record in records(self._git.run(["ls-files", "-t", "--stage", "-z"])):
            head, _, name = record.partition(b"\t")
            letter, mode, blob, _ = head.decode().split(" ")
            if letter == "S" and mode in _REGULAR:
                found[os.fsdecode(name)] = Entry(mode, blob)
        return found

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


def _listed(record: bytes) -> tuple[str, Entry]:
    """A line of ls-tree: `MODE TYPE ID TAB NAME`."""
    head, _, name = record.partition(b"\t")
    mode, _, blob = head.decode().split(" ")
    return os.fsdecode(name), Entry(mode, blob)


def blob_id(data: bytes, object_format: str) -> str:
    """The id that git gives a blob (gitformat: hash of `blob SIZE\\0` and the bytes)."""
    return hashlib.new(object_format, b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
