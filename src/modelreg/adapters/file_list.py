"""Files by path as git lists them, in half the room of a dict of entries: of a registry there may be 300,000."""

from __future__ import annotations

import re
from collections.abc import ItemsView, Iterable, Iterator, Mapping

from modelreg.registry.ports import Entry

_RECORD = re.compile(rb"[^\0]+")


class FileList(Mapping[str, Entry]):
    """Mode and raw blob id of each file, in the order given; an `Entry` is made when it is asked for.

    It never changes. A mode holds no space; a blob id is hexadecimal, or empty.
    """

    def __init__(self, files: Iterable[tuple[str, Entry]]) -> None:
        self._files = {path: b"%s %s" % (entry.mode.encode(), bytes.fromhex(entry.blob)) for path, entry in files}

    def __getitem__(self, path: str) -> Entry:
        return _entry(self._files[path])

    def __contains__(self, path: object) -> bool:
        return path in self._files

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def items(self) -> ItemsView[str, Entry]:
        return _Items(self._files)


class _Items(ItemsView[str, Entry]):
    """All entries in one pass: one by one would look up every path once more."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def __iter__(self) -> Iterator[tuple[str, Entry]]:
        return ((path, _entry(told)) for path, told in self._files.items())

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, item: object) -> bool:
        return any(item == each for each in self)


def _entry(told: bytes) -> Entry:
    mode, _, blob = told.partition(b" ")
    return Entry(mode.decode(), blob.hex())


def records(output: bytes) -> Iterator[bytes]:
    """What stands between the NULs of `git … -z`, one at a time: a list of it takes more room than the output."""
    return (match.group() for match in _RECORD.finditer(output))
