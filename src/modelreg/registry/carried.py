"""A tree with files that it does not have yet: evidence that a proposal has gathered, or what is about to land."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from modelreg.domain.layout import holding
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

    def holding(self, folder: str, name: str) -> Sequence[str]:
        return _both(self._base.holding(folder, name), holding(self._entries, folder, name))

    def read(self, path: str) -> bytes | None:
        return self.read_many([path]).get(path)

    def read_many(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        wanted = list(paths)
        found = dict(self._base.read_many(wanted))
        return found | dict(self._other.read_many(p for p in wanted if p in self._entries and p not in found))


class Planned:
    """`base` with `files` written over it, whose blobs do not exist yet."""

    def __init__(self, base: Tree, files: Mapping[str, bytes]) -> None:
        self._base = base
        self._files = files

    def paths(self, prefix: str) -> Mapping[str, Entry]:
        new = {path: Entry("100644", "") for path in self._files if path.startswith(prefix)}
        return dict(sorted({**self._base.paths(prefix), **new}.items())) if new else self._base.paths(prefix)

    def list_many(self, prefixes: Iterable[str]) -> None:
        self._base.list_many(prefixes)

    def holding(self, folder: str, name: str) -> Sequence[str]:
        return _both(self._base.holding(folder, name), holding(self._files, folder, name))

    def read(self, path: str) -> bytes | None:
        return self._files[path] if path in self._files else self._base.read(path)

    def read_many(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        wanted = list(paths)
        found = dict(self._base.read_many(path for path in wanted if path not in self._files))
        return found | {path: self._files[path] for path in wanted if path in self._files}


def _both(one: Sequence[str], other: Sequence[str]) -> Sequence[str]:
    """Names of folders in tree order, in which a `/` follows each."""
    return sorted({*one, *other}, key=lambda called: f"{called}/") if other else one
