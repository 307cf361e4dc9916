"""Git's index beside a landing: what it holds at the touched paths, and those entries made what has landed.

To read it and to write it grows with the tree, and with nothing else does a landing: it is read once and written once
where that can be. Bytes and ids are modelreg's own, whatever a repository's attributes would make of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice

from modelreg.adapters.door import Door
from modelreg.adapters.paths import folders_of
from modelreg.adapters.processes import Running
from modelreg.adapters.trees import WorkTree, blob_id
from modelreg.errors import ModelregError
from modelreg.registry.ports import Entry

_CHUNK = 500
_ATTRIBUTES = ".gitattributes"
_AS_THEY_LIE = (("core.attributesFile", "/dev/null"), ("core.safecrlf", "false"))


@dataclass(frozen=True, slots=True)
class Look:
    """What the index holds at the touched paths, and which folders on the way it has as a file.

    `skipped` are paths that a sparse checkout leaves out (git-sparse-checkout(1)). `plain`: git, asked to add the files
    as they lie there once they have landed, would take their bytes as they are.
    """

    entries: Mapping[str, Entry]
    staged_folders: list[str]
    skipped: frozenset[str]
    plain: bool


def look(git: Door, landed: Mapping[str, Entry], files: Mapping[str, bytes]) -> Look:
    """Git looks once: beside a folder that landed it is asked for a file in it, since what has something below is no
    file, and below a new one for whatever there is. Only where the index knows no such file, it looks again.

    `landed` is what the commit has at `files` and the folders above them.
    """
    folders = folders_of(files)
    attributes = {f"{folder}/{_ATTRIBUTES}" for folder in folders} | {_ATTRIBUTES}
    beside, new = set(), set()
    for folder in folders:
        entry = landed.get(folder)
        if entry is None:
            new.add(folder)
        else:
            names = (item.name for item in git.objects.trees([entry.blob])[entry.blob] if item.mode == "100644")
            beside |= {f"{folder}/{os.fsdecode(name)}" for name in islice(names, 1)}
    found = dict(_listed(git, {*files, *beside, *new, *attributes}))
    index = {path: entry for path, (_, entry) in found.items()}
    unsure = folders - new - folders_of(index)
    staged = [*(folder for folder in new if folder in index), *(_staged_folders(git, unsure) if unsure else ())]
    plain = all(found[path][0] == "H" for path in files if path in found) and not any(map(_may_change, files.values()))
    skipped = frozenset(path for path in files if path in found and found[path][0] == "S")
    return Look(index, staged, skipped, plain and not _encoded(git, attributes, index, files))


def index_entries(git: Door, paths: Iterable[str]) -> dict[str, Entry]:
    """What the index holds at `paths`, and below where one is a folder there."""
    return {path: entry for path, (_, entry) in _listed(git, paths)}


class IndexUpdate:
    """A `git update-index` that reads the index and holds its lock while a landing is made: to read 300,000 entries
    takes longer than all else. It is told of the files when they lie there; until then it changes nothing."""

    def __init__(self, git: Door) -> None:
        self._git = git
        self._running: Running | None = None
        self._fits = True

    def start(self) -> None:
        """Unless it runs already, or does not fit."""
        if self._fits and self._running is None:
            command = ["update-index", "--add", "-z", "--stdin"]
            config = [*self._git.git.filters_off(), *_AS_THEY_LIE]
            self._running = self._git.git.begin(command, write=True, config=config, env={"GIT_ATTR_NOSYSTEM": "1"})

    def add(self, files: Iterable[str]) -> bool:
        """Stage files as they lie there, and end; False where git has not, and nothing is changed."""
        return self._end(b"".join(os.fsencode(path) + b"\0" for path in files))

    def stop(self, *, fits: bool = True) -> None:
        """Let go of the index, which stays as it is. Where it does not fit (a `Look` is not plain) it is not needed."""
        self._fits = fits
        self._end(b"")

    def _end(self, names: bytes) -> bool:
        running, self._running = self._running, None
        return running is not None and running.result(names).code == 0


@contextmanager
def updating(git: Door) -> Iterator[IndexUpdate]:
    """An update that lets go of the index at the end, whatever happens."""
    update = IndexUpdate(git)
    try:
        yield update
    finally:
        update.stop()


def stage(git: Door, files: Mapping[str, bytes]) -> None:
    """Stage exactly these contents, which lie in the work tree, with the files' times, so that `git status` need not
    read them again."""
    off = git.git.filters_off()
    # Even `--index-info` reads files: those that changed in the second of the index itself (git: racy-git.txt).
    lines = (b"100644 %s\t%s\0" % (_id(git, data), os.fsencode(path)) for path, data in files.items())
    git.git.run(["update-index", "-z", "--index-info"], input=b"".join(lines), config=off, write=True)
    names = b"".join(os.fsencode(path) + b"\0" for path in files)
    command = ["add", "--refresh", "--pathspec-from-file=-", "--pathspec-file-nul"]
    git.git.run(command, input=names, config=off, write=True, check=False)


def _may_change(data: bytes) -> bool:
    """Whether attributes for line ends or keywords could make git take other bytes (gitattributes: text, ident)."""
    return b"\r\n" in data or b"$Id" in data


def _encoded(git: Door, attributes: Iterable[str], index: Mapping[str, Entry], files: Mapping[str, bytes]) -> bool:
    """Whether files may have an encoding of their own in the work tree (gitattributes: working-tree-encoding)."""
    work = WorkTree(git)
    try:
        texts = [work.read(path) for path in attributes]
        texts += git.objects.blobs(index[path].blob for path in attributes if path in index).values()
        texts += [files.get(path) for path in attributes]
        with suppress(FileNotFoundError):
            texts.append((git.common_dir / "info" / "attributes").read_bytes())
    except (OSError, ModelregError):
        return True
    return any(b"working-tree-encoding" in text for text in texts if text is not None)


def _listed(git: Door, paths: Iterable[str]) -> Iterator[tuple[str, tuple[str, Entry]]]:
    """Paths with git's letter for them ("H"; another one where the work tree is not looked at) and their entries."""
    for some in _chunks(paths):
        for record in git.run(["ls-files", "-v", "--stage", "-z", "--", *some]).split(b"\0"):
            if record:
                head, _, name = record.partition(b"\t")
                letter, mode, blob, step = head.decode().split(" ")
                yield os.fsdecode(name), (letter, Entry(mode if step == "0" else "conflict", blob))


def _staged_folders(git: Door, folders: Iterable[str]) -> list[str]:
    """Those of `folders` that the index has as a file, whatever lies on disk."""
    names = sorted(folders)
    asked = b"".join(b":0:" + os.fsencode(name) + b"\n" for name in names)
    answers = git.run(["cat-file", "--batch-check"], data=asked).splitlines()
    return [name for name, answer in zip(names, answers, strict=True) if not answer.endswith(b" missing")]


def _chunks(paths: Iterable[str]) -> Iterator[list[str]]:
    """So many at a time that a command line holds them."""
    listed = sorted(paths)
    yield from (listed[start : start + _CHUNK] for start in range(0, len(listed), _CHUNK))


def _id(git: Door, data: bytes) -> bytes:
    return blob_id(data, git.object_format).encode()
