"""A tree with some files of another: the protected branch's, with the evidence that a proposal has gathered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

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
        added = (path.removeprefix(folder).split("/") for path in self._entries if path.startswith(folder))
        mine = (parts[0] for parts in added if len(parts) == 2 and parts[1] == name)
        return sorted({*self._base.holding(folder, name), *mine}, key=lambda called: f"{called}/")

    def read(self, path: str) -> bytes | None:
        return self.read_many([path]).get(path)

    def read_many(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        wanted = list(paths)
        found = dict(self._base.read_many(wanted))
        return found | dict(self._other.read_many(p for p in wanted if p in self._entries and p not in found))
