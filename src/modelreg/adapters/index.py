"""The index of a registry: a cache in the git directory, for reads by people. docs/index.md says what it is not for."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar, overload

from modelreg.adapters import index_search
from modelreg.adapters.door import Door
from modelreg.adapters.index_file import IndexFile, judged_by
from modelreg.adapters.index_tree import RememberedTree
from modelreg.adapters.index_update import Update
from modelreg.domain.card import Card, annotated, approvers, registration_card
from modelreg.domain.layout import Layout
from modelreg.domain.names import ModelName, Stage
from modelreg.domain.plan import CommitId
from modelreg.domain.search import Query, matches, refers
from modelreg.errors import ModelregError
from modelreg.registry.index_port import Added, Listed
from modelreg.registry.ports import Documents, Tree

T = TypeVar("T")

_FAILURES = (sqlite3.Error, OSError, ModelregError, ValueError, OverflowError)
"""Whatever is wrong with the index, or with what it is made of: without it the same answer, or the right error."""
_LISTED = ("model", "stages", "manifest", "annotations", "withdrawn")
_TOLD = ("manifest", "transition", "evidence")

_ALIASES = """(SELECT group_concat(alias) FROM
  (SELECT a.alias FROM alias a WHERE a.document = s.document AND a.version = f.version ORDER BY a.alias))"""
_COLUMNS = f"SELECT f.model, f.version, h.stage, w.kind IS NOT NULL, {_ALIASES}, md.card, d.card, nd.card"
_EVENTS = """
SELECT e.kind, e.model, e.version, d.card, l.id, l.at
FROM event e JOIN landing l ON l.registry = e.registry AND l.number = e.landing
LEFT JOIN file f ON f.registry = e.registry AND f.kind = e.kind AND f.model = e.model AND f.version = e.version
  AND f.name = e.name
LEFT JOIN document d ON d.id = f.document
WHERE e.registry = ?"""
_OF_A_REGISTRATION = tuple(registration_card(None))
"""Of a manifest's card a history tells this alone; a hundred thousand whole ones take a quarter of a gigabyte."""
_CARDS = """
SELECT d.card FROM file f JOIN document d ON d.id = f.document
WHERE f.registry = ? AND f.kind = ? AND f.model = ?"""

_Row = tuple[str, str, str | None, int, str | None, str, str, str | None]


class SqliteIndex:
    """Implements `registry.index_port.Index` for the registry of one layout."""

    def __init__(self, git: Door, documents: Documents, layout: Layout) -> None:
        self._git = git
        self._documents = documents
        self._layout = layout
        self._file = IndexFile(git.common_dir)

    def versions(
        self, commit: CommitId, query: Query, *, initial: Stage, model: ModelName | None = None
    ) -> Sequence[Listed] | None:
        def answer(connection: sqlite3.Connection, registry: int) -> Sequence[Listed] | None:
            if _unsound(connection, registry, _LISTED, model):
                return None
            return _Rows(_select(connection, registry, query, initial, model))

        return self._ask(commit, answer)

    def history(self, commit: CommitId, model: ModelName | None = None) -> list[Added] | None:
        def answer(connection: sqlite3.Connection, registry: int) -> list[Added] | None:
            if _unsound(connection, registry, _TOLD, model):
                return None
            found = list(_added(connection, registry, model))
            return None if any(a.kind == "transition" and a.card is None for a in found) else found

        return self._ask(commit, answer, landings=True)

    def citing(
        self, commit: CommitId, field: str, names: Sequence[str], *, beginning: bool = False
    ) -> Sequence[tuple[str, str]] | None:
        def answer(connection: sqlite3.Connection, registry: int) -> list[tuple[str, str]] | None:
            if _unsound(connection, registry, ("manifest",), None):
                return None
            text = """SELECT f.model, f.rank, f.version FROM edge e JOIN file f ON f.document = e.document
              WHERE f.registry = ? AND f.kind = 'manifest' AND e.field = ? AND e.value BETWEEN ? AND ?"""
            ranges = ((name, name + index_search.LAST if beginning else name) for name in names)
            found = {row for ends in ranges for row in connection.execute(text, (registry, field, *ends))}
            return [(model, version) for model, _, version in sorted(found)]

        return self._ask(commit, answer)

    def work_tree(self) -> Tree | None:
        return None if self._git.top is None else RememberedTree(self._git, self._file)

    def sound(self, keys: Iterable[str]) -> Mapping[str, Sequence[str]] | None:
        wanted = list(keys)
        try:
            with self._file.reading() as connection:
                if connection is None:
                    return None
                found = {}
                for key in wanted:
                    row = connection.execute("SELECT paths FROM sound WHERE key = ?", (_judged(key),)).fetchone()
                    if row is not None:
                        found[key] = json.loads(row[0])
                return found
        except sqlite3.Error:
            self._file.discard()
        except _FAILURES:
            pass
        return None

    def remember(self, sound: Mapping[str, Sequence[str]]) -> None:
        rows = [(_judged(key), json.dumps(list(paths))) for key, paths in sound.items()]
        with suppress(*_FAILURES), self._file.writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO sound VALUES (?, ?)", rows)

    def _ask(
        self, commit: CommitId, answer: Callable[[sqlite3.Connection, int], T | None], *, landings: bool = False
    ) -> T | None:
        """`answer` of the index at `commit`, brought up to it where it is not; None where that cannot be had."""
        try:
            with self._file.reading() as connection:
                registry = None if connection is None else self._at(connection, commit, landings=landings)
                if connection is not None and registry is not None:
                    return answer(connection, registry)
            with self._file.writing() as connection:
                update = Update(self._git, self._documents, self._layout, connection)
                update.to(commit)
                if landings:
                    update.landings_to(commit)
                return answer(connection, update.registry)
        except sqlite3.Error:
            self._file.discard()
        except _FAILURES:
            pass
        return None

    def _at(self, connection: sqlite3.Connection, commit: CommitId, *, landings: bool) -> int | None:
        """The registry's number, if the index knows it at this very commit."""
        query = "SELECT id, tip, landed FROM registry WHERE prefix = ?"
        row = connection.execute(query, (self._layout.prefix,)).fetchone()
        current = row is not None and row[1] == commit and (not landings or row[2] == commit)
        return int(row[0]) if current else None


class _Rows(Sequence[Listed]):
    """Rows as SQLite gave them, read when they are asked for: a hundred thousand take as little room as their text."""

    def __init__(self, rows: list[_Row]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Listed: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Listed]: ...
    def __getitem__(self, index: int | slice) -> Listed | Sequence[Listed]:
        if isinstance(index, slice):
            return _Rows(self._rows[index])
        model, version, stage, withdrawn, aliases, about, card, notes = self._rows[index]
        named = tuple(aliases.split(",")) if aliases else ()
        primary = json.loads(about)["primary_metric"]
        said = annotated(json.loads(card), None if notes is None else json.loads(notes))
        return Listed(model, version, stage, bool(withdrawn), named, primary, said)


def _judged(key: str) -> bytes:
    """A verdict is that of the code that came to it."""
    return hashlib.sha256(f"{judged_by()} {key}".encode()).digest()


def _select(connection: sqlite3.Connection, registry: int, query: Query, initial: str, model: str | None) -> list[_Row]:
    connection.create_function("matches", 3, matches, deterministic=True)
    connection.create_function("refers", 2, refers, deterministic=True)
    text = index_search.FROM.replace("\nLEFT", "\nJOIN document md ON md.id = m.document\nLEFT", 1)
    parameters: list[object] = [registry]
    if model is not None:
        text += " AND f.model = ?"
        parameters.append(model)
    if query.where is not None:
        condition, given = index_search.where(query.where, initial)
        text += f" AND {condition}"
        parameters += given
    order, given = index_search.order_by(query.order, initial)
    parameters += given
    text += f" ORDER BY {order} LIMIT ?"
    parameters.append(-1 if query.limit is None else query.limit)
    return connection.execute(f"{_COLUMNS} {text}", parameters).fetchall()


def _unsound(connection: sqlite3.Connection, registry: int, kinds: Sequence[str], model: str | None) -> bool:
    """Whether a document that the answer rests on cannot be read: git's own answer says which."""
    # Left to itself SQLite goes through all files of the kind.
    text = "SELECT 1 FROM file INDEXED BY unsound WHERE registry = ? AND kind = ? AND sound = 0"
    if model is not None:
        text += " AND model = ?"
    rest = () if model is None else (model,)
    return any(connection.execute(text, (registry, kind, *rest)).fetchone() for kind in kinds)


def _added(connection: sqlite3.Connection, registry: int, model: str | None) -> Iterator[Added]:
    text, parameters = (_EVENTS, [registry]) if model is None else (f"{_EVENTS} AND e.model = ?", [registry, model])
    approvals = _Approvals(connection, registry)
    for kind, name, version, card, landing, at in connection.execute(f"{text} ORDER BY e.landing, e.place", parameters):
        said = None if card is None else json.loads(card)
        if kind == "manifest" and said is not None:
            said = {key: said[key] for key in _OF_A_REGISTRATION}
        by = approvals.of(said) if kind == "transition" and said is not None else ()
        yield Added(kind, name, version or None, said, CommitId(landing), at, by)


class _Approvals:
    """Whose approvals of promotions the tree holds; of each model read once, when a promotion of it is told."""

    def __init__(self, connection: sqlite3.Connection, registry: int) -> None:
        self._db = connection
        self._registry = registry
        self._moves: dict[str, list[Card]] = {}

    def of(self, move: Card) -> tuple[str, ...]:
        if move["kind"] != "promote" or move["version"] is None:
            return ()
        text = f"{_CARDS} AND f.version = ? AND f.name >= 'approval-' AND f.name < 'approval.'"
        rows = self._db.execute(text, (self._registry, "evidence", move["model"], move["version"])).fetchall()
        if not rows:
            return ()
        entry = sum(
            1 for m in self._transitions(move["model"]) if m["number"] < move["number"] and m["to"] == move["to"]
        )
        return approvers((json.loads(card) for (card,) in rows), move["to"], entry)

    def _transitions(self, model: str) -> list[Card]:
        if model not in self._moves:
            rows = self._db.execute(_CARDS, (self._registry, "transition", model))
            self._moves[model] = [json.loads(card) for (card,) in rows]
        return self._moves[model]
