"""Bringing the index up to a commit: what differs from the commit that it knows, and each new blob parsed once."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from modelreg.adapters import history, ranges
from modelreg.adapters.door import Door
from modelreg.domain.card import Card, evidence_card, manifest_card, transition_card
from modelreg.domain.history import Landing
from modelreg.domain.layout import Layout, Place
from modelreg.domain.plan import CommitId
from modelreg.domain.properties import Properties, properties_of
from modelreg.domain.stages import Stages
from modelreg.domain.transition import Transition
from modelreg.domain.version import Version
from modelreg.errors import InvalidError
from modelreg.registry.ports import Documents

KINDS = frozenset({"model", "stages", "manifest", "withdrawn", "transition", "evidence"})
_LANDED = ("manifest", "evidence", "transition")
"""What a history tells of, in the order of one landing."""
_AT_ONCE = 500
_BROKEN = (InvalidError, KeyError, TypeError, ValueError, AttributeError, IndexError)


@dataclass(frozen=True, slots=True)
class _File:
    """A document's place in the tree and its blob; None: it is there no longer."""

    place: Place
    blob: str | None


@dataclass(frozen=True, slots=True)
class _Rows:
    """What one document brings: its card, and of a manifest or a stages.yaml what is in it."""

    card: Card
    properties: Properties | None = None
    stages: Stages | None = None


class Update:
    """One transaction's work on the index of one registry."""

    def __init__(self, git: Door, documents: Documents, layout: Layout, connection: sqlite3.Connection) -> None:
        self._git = git
        self._documents = documents
        self._layout = layout
        self._db = connection
        prefix = layout.prefix
        connection.execute("INSERT OR IGNORE INTO registry (prefix) VALUES (?)", (prefix,))
        query = "SELECT id, tip, landed FROM registry WHERE prefix = ?"
        self.registry, self.tip, self.landed = connection.execute(query, (prefix,)).fetchone()

    # --- what the tree holds

    def to(self, commit: CommitId) -> None:
        """Files and documents as `commit` has them."""
        if self.tip == commit:
            return
        changes = self._changes(commit)
        while part := list(islice(changes, _AT_ONCE)):
            self._take(part)
        self._db.execute("UPDATE registry SET tip = ? WHERE id = ?", (commit, self.registry))
        self.tip = commit

    def _changes(self, commit: CommitId) -> Iterator[_File]:
        if self.tip is not None and self._git.attempt(["cat-file", "-e", f"{self.tip}^{{tree}}"]).code == 0:
            for change in ranges.diff(self._git, CommitId(self.tip), commit, self._layout.prefix):
                blob = change.blob if change.mode in ("100644", "100755") or change.blob is None else ""
                yield from self._of_interest(change.path, blob)
            return
        self._db.execute("DELETE FROM file WHERE registry = ?", (self.registry,))
        command = ["ls-tree", "-r", "-z", "--full-tree", commit, "--", self._layout.prefix.rstrip("/")]
        for record in self._git.run(command).split(b"\0"):
            head, _, name = record.partition(b"\t")
            if name.endswith(b".yaml"):
                mode, _, blob = head.decode().split(" ")
                yield from self._of_interest(os.fsdecode(name), blob if mode in ("100644", "100755") else "")

    def _of_interest(self, path: str, blob: str | None) -> Iterator[_File]:
        place = self._layout.place(path)
        if place is not None and place.kind in KINDS:
            yield _File(place, blob)

    def _take(self, files: list[_File]) -> None:
        gone = [(self.registry, *_key(file.place)) for file in files if file.blob is None]
        where = "registry = ? AND kind = ? AND model = ? AND version = ? AND name = ?"
        self._db.executemany(f"DELETE FROM file WHERE {where}", gone)  # noqa: S608 - the text above
        known = self._parsed({(f.blob, f.place.kind): f.place for f in files if f.blob})
        rows = []
        for file in files:
            if file.blob is not None:
                document, sound = known.get((file.blob, file.place.kind), (None, False))
                rank = _rank(file.place) if file.place.version is not None else ""
                sound = sound and rank is not None
                rows.append((self.registry, *_key(file.place), rank, document, sound))
        self._db.executemany("INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def _parsed(self, wanted: dict[tuple[str, str], Place]) -> dict[tuple[str, str], tuple[int, bool]]:
        """By blob and kind the documents' ids, and whether they can be read; what is not known yet is parsed."""
        known: dict[tuple[str, str], tuple[int, bool]] = {}
        query = "SELECT id, card IS NOT NULL FROM document WHERE blob = ? AND kind = ?"
        new = {}
        for key, place in wanted.items():
            row = self._db.execute(query, (bytes.fromhex(key[0]), key[1])).fetchone()
            if row is None:
                new[key] = place
            else:
                known[key] = row[0], bool(row[1])
        contents = self._git.objects.blobs(blob for blob, kind in new if kind != "withdrawn")
        for (blob, kind), place in new.items():
            known[blob, kind] = self._insert(blob, place, contents.get(blob))
        return known

    def _insert(self, blob: str, place: Place, data: bytes | None) -> tuple[int, bool]:
        """A document's rows. Where it cannot be read it has no card, and whatever needs it is asked of git."""
        try:
            rows = _rows(place, None if data is None else self._documents.load(data, place.path).value)
        except _BROKEN:
            return self._document(blob, place.kind, None), False
        document = self._document(blob, place.kind, json.dumps(rows.card), rows.properties)
        if rows.properties is not None:
            self._manifest(document, rows.properties)
        if rows.stages is not None:
            self._stages(document, rows.stages)
        return document, True

    def _document(self, blob: str, kind: str, card: str | None, properties: Properties | None = None) -> int:
        p = properties
        scalars = (p.created, p.framework, p.architecture) if p else (None, None, None)
        text = "INSERT INTO document (blob, kind, card, created, framework, architecture) VALUES (?, ?, ?, ?, ?, ?)"
        cursor = self._db.execute(text, (bytes.fromhex(blob), kind, card, *scalars))
        return int(cursor.lastrowid or 0)

    def _manifest(self, document: int, properties: Properties) -> None:
        fields = {"metrics": properties.metrics, "params": properties.params, "tags": properties.tags}
        values = [
            (document, field, name, bytes((value,)) if isinstance(value, bool) else value)
            for field, named in fields.items()
            for name, value in named.items()
        ]
        self._db.executemany("INSERT INTO value VALUES (?, ?, ?, ?)", values)
        edges = [(document, field, text) for field, text in _edges(properties)]
        self._db.executemany("INSERT OR IGNORE INTO edge VALUES (?, ?, ?)", edges)

    def _stages(self, document: int, stages: Stages) -> None:
        # The first stage that lists a version counts, as in Stages.stage_of.
        holders = [(document, str(v), stage) for stage, listed in stages.holders.items() for v in listed]
        self._db.executemany("INSERT OR IGNORE INTO holder VALUES (?, ?, ?)", holders)
        aliases = [(document, str(version), alias) for alias, version in stages.aliases.items()]
        self._db.executemany("INSERT INTO alias VALUES (?, ?, ?)", aliases)

    # --- what landed, in order

    def landings_to(self, commit: CommitId) -> None:
        """Events of the first-parent line up to `commit`, going on from the last landing that is on it."""
        if self.landed == commit:
            return
        since = self._last_common(commit)
        query = "SELECT coalesce(max(number), 0) FROM landing WHERE registry = ?"
        (number,) = self._db.execute(query, (self.registry,)).fetchone()
        for landing in history.landings(self._git, commit, self._layout.prefix, since):
            number += 1
            self._landing(number, landing)
        self._db.execute("UPDATE registry SET landed = ? WHERE id = ?", (commit, self.registry))
        self.landed = commit

    def _last_common(self, commit: CommitId) -> CommitId | None:
        """The last known commit that is on the line of `commit`; what landed after it is forgotten."""
        if self.landed is None:
            return None
        if self._git.attempt(["cat-file", "-e", f"{self.landed}^{{commit}}"]).code == 0:
            following = ranges.first_parent_range(self._git, CommitId(self.landed), commit)
            if following is not None:
                return CommitId(self.landed)
        line = {ancestor.commit for ancestor in history.first_parents(self._git, commit)}
        query = "SELECT number, id FROM landing WHERE registry = ? ORDER BY number DESC"
        common = next(((n, id_) for n, id_ in self._db.execute(query, (self.registry,)) if id_ in line), (0, None))
        self._db.execute("DELETE FROM event WHERE registry = ? AND landing > ?", (self.registry, common[0]))
        self._db.execute("DELETE FROM landing WHERE registry = ? AND number > ?", (self.registry, common[0]))
        return CommitId(common[1]) if common[1] else None

    def _landing(self, number: int, landing: Landing) -> None:
        added = (self._layout.place(change.path) for change in landing.changes if change.status == "A")
        places = sorted((p for p in added if p and p.kind in _LANDED), key=lambda p: _LANDED.index(p.kind))
        # Without events too: the next update goes on from it.
        row = (self.registry, number, landing.commit, landing.at)
        self._db.execute("INSERT INTO landing VALUES (?, ?, ?, ?)", row)
        events = [(self.registry, number, n, *_key(place)) for n, place in enumerate(places)]
        self._db.executemany("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?)", events)


def _key(place: Place) -> tuple[str, str, str, str]:
    """Kind, model, version and name: of a path all that its kind does not say already."""
    name = place.path.rsplit("/", 1)[1] if place.kind in ("transition", "evidence") else ""
    return place.kind, place.model or "", place.version or "", name


def _rank(place: Place) -> str | None:
    """How the version sorts; None for a folder that is no version's."""
    try:
        return Version.parse(place.version or "").rank
    except InvalidError:
        return None


def _rows(place: Place, body: Any) -> _Rows:
    """What the tables hold of a document. Raises one of _BROKEN for one that a reader would trip over."""
    if place.kind == "withdrawn":
        return _Rows({})
    if not isinstance(body, dict):
        raise TypeError(place.path)
    if place.kind == "manifest":
        return _Rows(manifest_card(body), properties=properties_of(body))
    if place.kind == "stages":
        return _Rows({}, stages=Stages.from_mapping(body))
    if place.kind == "model":
        return _Rows({"primary_metric": body.get("primary_metric")})
    if place.kind == "evidence":
        return _Rows(evidence_card(body) | {"by": str(body["by"])})
    transition = Transition.from_mapping(body)
    if (transition.model, transition.number) != (place.model, place.number):
        raise ValueError(place.path)
    return _Rows(transition_card(transition))


def _edges(properties: Properties) -> Iterable[tuple[str, str]]:
    for author in properties.authors:
        yield "author", author
    for entry in properties.data:
        for text in entry:
            if text is not None:
                yield "data", text
    for model, version in properties.parents:
        yield "parent", model
        yield "parent", f"{model}@{version}"
    for field, one in (("commit", properties.commit), ("lock", properties.lock), ("run", properties.run)):
        if one is not None:
            yield field, one
