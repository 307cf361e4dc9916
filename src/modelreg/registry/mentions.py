"""Which manifests may hold a text: the one question that reverse lineage asks of all versions at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache, cached_property
from typing import Protocol

from modelreg.domain.lineage_graph import VersionName
from modelreg.domain.lineage_query import Query
from modelreg.domain.names import parse_model
from modelreg.domain.plan import CommitId
from modelreg.domain.version import Version
from modelreg.errors import ModelregError
from modelreg.registry.index_port import Index
from modelreg.registry.snapshot import Snapshot

# Between these a text in a YAML file may be broken over lines, or written with an escape or a doubled quote.
_RUN = re.compile(r"""[^\s'"\\\x00-\x1f\x7f-\x9f]+""")
_ESCAPE = b"\\"
_WORD = re.compile(rb"[A-Za-z0-9._-]+")
MANY = 50
"""From so many groups on it is quicker to note every manifest's words than to search all manifests for each group."""


class Mentions(Protocol):
    """What all manifests hold, asked at once: by reading them, or from an index."""

    def naming(self, query: Query) -> Sequence[VersionName]:
        """Versions whose manifests may name what a query asks for. Some may not; none that does is left out."""

    def made_of(self, versions: Sequence[VersionName]) -> Sequence[VersionName]:
        """Versions whose manifests may name one of these as a parent; in the same sense."""


class ScannedManifests:
    """Finds manifests by their bytes: to read ten thousand takes half a second, to parse them ten.

    Whatever a manifest holds is found, since YAML writes a text without quotes and spaces as it is, unless there are
    escapes: a manifest with a backslash is always a candidate (YAML 1.2.2, section 5.7).
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._layout = snapshot.layout
        self._asked = 0

    def naming(self, query: Query) -> Sequence[VersionName]:
        """As `Mentions` says. Raises InvalidError for a manifest in a folder whose name is no version's."""
        return self._holding([text] for text in query.texts)

    def made_of(self, versions: Sequence[VersionName]) -> Sequence[VersionName]:
        """As `naming`."""
        return self._holding(((name.model, str(name.version), "parents") for name in versions), whole=True)

    def _holding(self, any_of: Iterable[Sequence[str]], *, whole: bool = False) -> Sequence[VersionName]:
        """Manifests that may hold all texts of one of these groups, in keys or values (`whole`: as one)."""
        groups = [tuple(group) for group in any_of]
        self._asked += len(groups)
        if whole and self._asked > MANY and all(_WORD.fullmatch(text.encode()) for group in groups for text in group):
            return [self._name(path) for path in self._with_words(groups)]
        by_first: dict[bytes, list[tuple[bytes, ...]]] = {}
        for group in groups:
            first, *rest = (_sought(text) for text in group)
            by_first.setdefault(first, []).append(tuple(rest))
        return [self._name(path) for path, data in self._manifests.items() if _may_hold(data, by_first)]

    def _with_words(self, groups: Iterable[Sequence[str]]) -> Sequence[str]:
        found = set(self._words.get(_ESCAPE, ()))
        for group in groups:
            first, *rest = sorted((self._words.get(text.encode(), set()) for text in group), key=len)
            found |= first.intersection(*rest)
        return sorted(found)

    @cached_property
    def _words(self) -> dict[bytes, set[str]]:
        """The manifests with each word; a value that is a word has no other letter beside it in the file."""
        found: dict[bytes, set[str]] = {}
        for path, data in self._manifests.items():
            for word in {*_WORD.findall(data), *([_ESCAPE] if _ESCAPE in data else ())}:
                found.setdefault(word, set()).add(path)
        return found

    @cached_property
    def _manifests(self) -> dict[str, bytes]:
        self._snapshot.list_all()
        prefix = self._layout.prefix
        depth = prefix.count("/") + 2
        paths = self._snapshot.tree.paths(prefix)
        wanted = [path for path in paths if path.endswith("/manifest.yaml") and path.count("/") == depth]
        return dict(self._snapshot.tree.read_many(wanted))

    def _name(self, path: str) -> VersionName:
        model, version, _ = path[len(self._layout.prefix) :].split("/")
        try:
            return VersionName(parse_model(model), Version.parse(version))
        except ModelregError as error:
            error.file = path
            raise


_FIELDS = {"data": "data", "commit": "commit", "env": "lock", "run": "run"}


class IndexedManifests:
    """Asks an index, and reads all manifests only where it has no answer."""

    def __init__(self, index: Index, commit: CommitId, scanned: ScannedManifests) -> None:
        self._index = index
        self._commit = commit
        self._scanned = scanned

    def naming(self, query: Query) -> Sequence[VersionName]:
        """As `Mentions` says."""
        found = self._index.citing(self._commit, _FIELDS[query.kind], query.texts, beginning=True)
        return self._scanned.naming(query) if found is None else _names(found)

    def made_of(self, versions: Sequence[VersionName]) -> Sequence[VersionName]:
        """As `Mentions` says."""
        names = [f"{name.model}@{name.version}" for name in versions]
        found = self._index.citing(self._commit, "parent", names)
        return self._scanned.made_of(versions) if found is None else _names(found)


def _names(found: Iterable[tuple[str, str]]) -> list[VersionName]:
    model = cache(parse_model)  # one name for all versions of a model
    return [VersionName(model(name), Version.parse(version)) for name, version in found]


def _sought(text: str) -> bytes:
    """The longest part of a text that stands in a file as it is."""
    return max(_RUN.findall(text), key=len, default="").encode("utf-8", "surrogatepass")


def _may_hold(data: bytes, by_first: dict[bytes, list[tuple[bytes, ...]]]) -> bool:
    return _ESCAPE in data or any(
        first in data and any(all(text in data for text in rest) for rest in groups)
        for first, groups in by_first.items()
    )
