"""A work tree whose files are read again only where they changed, as git's own index does it (racy-git.txt)."""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache

from modelreg.adapters.door import Door
from modelreg.adapters.index_file import IndexFile
from modelreg.adapters.trees import WorkTree
from modelreg.registry.ports import Entry

_TICK_NS = 100_000_000
_COARSE_NS = 2_000_000_000
"""How long a file must have rested before its times tell it from a later write: file systems keep time in ticks, some
in whole seconds or two."""

_AT_ONCE = 20_000
Told = tuple[str, str, str]
"""What the file's inode said, and then its mode and blob."""


class RememberedTree(WorkTree):
    """Files by what their inodes say: number, size, mode, times of the last write and of the last change (which nobody
    can set). What is new is read as by `WorkTree`, and remembered."""

    def __init__(self, git: Door, file: IndexFile) -> None:
        super().__init__(git)
        self._file = file
        self._known: Mapping[str, Told] = {}
        self._new: dict[str, Told] = {}
        self._plain = _plain_folders(os.fspath(self._top))

    def _entries(self, paths: Sequence[str]) -> Iterator[tuple[str, Entry]]:
        """As `WorkTree._entries`; of so many files at a time what is known is looked up, and what is new remembered."""
        for start in range(0, len(paths), _AT_ONCE):
            part = paths[start : start + _AT_ONCE]
            with suppress(OSError, sqlite3.Error), self._file.reading() as connection:
                self._known = {} if connection is None else self._load(connection, part[0], part[-1])
            yield from super()._entries(part)
            if self._new:
                with suppress(OSError, sqlite3.Error), self._file.writing() as connection:
                    rows = [(os.fsencode(self._top), os.fsencode(path), *told) for path, told in self._new.items()]
                    connection.executemany("INSERT OR REPLACE INTO stat VALUES (?, ?, ?, ?, ?)", rows)
            self._known, self._new = {}, {}

    def _load(self, connection: sqlite3.Connection, first: str, last: str) -> dict[str, Told]:
        query = "SELECT path, told, mode, blob FROM stat WHERE top = ? AND path BETWEEN ? AND ?"
        rows = connection.execute(query, [os.fsencode(text) for text in (self._top, first, last)])
        return {os.fsdecode(path): (told, mode, blob) for path, told, mode, blob in rows}

    def _entry(self, path: str) -> Entry | None:
        folder, _, _ = path.rpartition("/")
        try:
            status = os.lstat(f"{self._top}/{path}")
        except OSError:
            return None
        told = f"{status.st_ino} {status.st_size} {status.st_mode} {status.st_mtime_ns} {status.st_ctime_ns}"
        known = self._known.get(path)
        if known is not None and known[0] == told and self._plain(folder):
            return Entry(known[1], known[2])
        entry = super()._entry(path)
        if entry is not None and stat.S_ISREG(status.st_mode) and _settled(status):
            self._new[path] = (told, entry.mode, entry.blob)
        return entry


def _settled(status: os.stat_result) -> bool:
    times = (status.st_mtime_ns, status.st_ctime_ns)
    coarse = all(each % 1_000_000_000 == 0 for each in times)
    return time.time_ns() - max(times) > (_COARSE_NS if coarse else _TICK_NS)


def _plain_folders(top: str) -> Callable[[str], bool]:
    """Whether no folder on the way is a symlink: files behind one are none of the tree's."""

    @cache
    def plain(folder: str) -> bool:
        if not folder:
            return True
        try:
            is_folder = stat.S_ISDIR(os.lstat(f"{top}/{folder}").st_mode)
        except OSError:
            return False
        return is_folder and plain(folder.rpartition("/")[0])

    return plain
