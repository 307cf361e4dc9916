"""A tree with files that it does not have yet: evidence that a proposal has gathered, or what is about to land."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from modelreg.domain.layout import holders
from modelreg.registry.ports import Entry, Tree


class Carried:
    """`base` with `entries` of `other` added; a path that both have is base's."""

    def __init__(self, base: Tree, other: Tree, entries: Mapping[str, Entry]) -> None:
        self._base = base
        self._other = other
        self._entries = entries

    def paths(self, prefix: str) -> Mapping[str, Entry]:
        added = {path: entry for path, entry in self._entries.items() if path.startswith(prefix)}
        return added | dict(self._base.paths(prefix))

    def list_many(self, prefixes: Iterable[str]) -> None:
        self._base.list_many(prefixes)

    def holding(self, folder: str, name: str) -> Mapping[str, Entry]:
        mine = {called: self._entries[path] for called, path in holders(self._entries, folder, name).items()}
        return _both(mine, self._base.holding(folder, name))

    def read(self, path: str) -> bytes | None:
        return self.read_many([path]).get(path)

    def read_many(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        wanted = list(paths)
        found = dict(self._base.read_many(wanted))
        return found | dict(self._other.read_many(p for p in wanted if p in self._entries and p not in found))


_NEW = Entry("100644", "")


class Planned:
    """`base` with `files` written over it, whose blobs do not exist yet."""

    def __init__(self, base: Tree, files: Mapping[str, bytes]) -> None:
        self._base = base
        self._files = files

    def paths(self, prefix: str) -> Mapping[str, Entry]:
        new = {path: _NEW for path in self._files if path.startswith(prefix)}
        return dict(sorted({**self._base.paths(prefix), **new}.items())) if new else self._base.paths(prefix)

    def list_many(self, prefixes: Iterable[str]) -> None:
        self._base.list_many(prefixes)

    def holding(self, folder: str, name: str) -> Mapping[str, Entry]:
        mine = dict.fromkeys(holders(self._files, folder, name), _NEW)
        return _both(self._base.holding(folder, name), mine)

    def read(self, path: str) -> bytes | None:
        return self._files[path] if path in self._files else self._base.read(path)

    def read_many(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        wanted = list(paths)
        found = dict(self._base.read_many(path for path in wanted if path not in self._files))
        return found | {path: self._files[path] for path in wanted if path in self._files}


def _both(one: Mapping[str, Entry], other: Mapping[str, Entry]) -> Mapping[str, Entry]:
    """The second before the first where both have a folder; in tree order, in which a `/` follows each name."""
    return dict(sorted({**one, **other}.items(), key=lambda item: f"{item[0]}/"))
