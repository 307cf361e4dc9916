"""Bringing the index up to a commit: what differs from the commit that it knows, and each new blob parsed once."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import islice

from modelreg.adapters import history, ranges
from modelreg.adapters.door import Door
from modelreg.adapters.index_rows import BROKEN, Made, Rows, insert_all, made_of
from modelreg.domain.history import Change, Landing
from modelreg.domain.layout import Layout, Place
from modelreg.domain.plan import CommitId
from modelreg.domain.version import Version
from modelreg.errors import InvalidError, UnavailableError
from modelreg.registry.ports import Documents

KINDS = frozenset({"model", "stages", "manifest", "annotations", "withdrawn", "transition", "evidence"})
_LANDED = ("manifest", "evidence", "transition")
"""What a history tells of, in the order of one landing."""
_AT_ONCE = 1_000
_Key = tuple[str, str]
_File = tuple[Place, str | None]
"""A document's place in the tree and its blob; None: it is there no longer."""


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
        for change in self._differing(commit):
            blob = change.blob if change.mode in ("100644", "100755") or change.blob is None else ""
            yield from self._of_interest(change.path, blob)
        if self.tip is not None:
            return
        self._db.execute("DELETE FROM file WHERE registry = ?", (self.registry,))
        command = ["ls-tree", "-r", "-z", "--full-tree", commit, "--", self._layout.prefix.rstrip("/")]
        for record in self._git.run(command).split(b"\0"):
            head, _, name = record.partition(b"\t")
            if name.endswith(b".yaml"):
                mode, _, blob = head.decode().split(" ")
                yield from self._of_interest(os.fsdecode(name), blob if mode in ("100644", "100755") else "")

    def _differing(self, commit: CommitId) -> Sequence[Change]:
        """What differs from the commit that is known; where that is gone from the repository, none is known."""
        if self.tip is not None:
            try:
                return ranges.diff(self._git, CommitId(self.tip), commit, self._layout.prefix)
            except UnavailableError:
                self.tip = None
        return ()

    def _of_interest(self, path: str, blob: str | None) -> Iterator[_File]:
        place = self._layout.place(path)
        if place is not None and place.kind in KINDS:
            yield place, blob

    def _take(self, files: list[_File]) -> None:
        gone = [(self.registry, *_key(place)) for place, blob in files if blob is None]
        where = "registry = ? AND kind = ? AND model = ? AND version = ? AND name = ?"
        self._db.executemany(f"DELETE FROM file WHERE {where}", gone)  # noqa: S608 - the text above
        known = self._parsed({(blob, place.kind): place for place, blob in files if blob})
        rows: list[object] = []
        for place, blob in files:
            if blob is not None:
                document, sound = known.get((blob, place.kind), (None, False))
                rank = _rank(place.version) if place.version is not None else ""
                rows += (self.registry, *_key(place), rank, document, sound and rank is not None)
        insert_all(self._db, "INSERT OR REPLACE INTO file VALUES", 8, rows)

    def _parsed(self, wanted: dict[_Key, Place]) -> dict[_Key, tuple[int, bool]]:
        """By blob and kind the documents' ids, and whether they can be read; what is not known yet is parsed."""
        known: dict[_Key, tuple[int, bool]] = {}
        blobs = [bytes.fromhex(blob) for blob, _ in wanted]
        marks = ", ".join("?" * len(blobs))
        query = f"SELECT blob, kind, id, card IS NOT NULL FROM document WHERE blob IN ({marks})"  # noqa: S608 - marks
        for blob, kind, document, sound in self._db.execute(query, blobs):
            known[blob.hex(), kind] = document, bool(sound)
        new = {key: place for key, place in wanted.items() if key not in known}
        contents = self._git.objects.blobs(blob for blob, kind in new if kind != "withdrawn")
        (last,) = self._db.execute("SELECT coalesce(max(id), 0) FROM document").fetchone()
        rows = Rows(self._db)
        for document, ((blob, kind), place) in enumerate(new.items(), last + 1):
            made = self._made(place, contents.get(blob))
            rows.add(document, bytes.fromhex(blob), kind, made)
            known[blob, kind] = document, made is not None
        rows.write()
        return known

    def _made(self, place: Place, data: bytes | None) -> Made | None:
        """What the tables hold of a document; None where it cannot be read: whatever needs it is asked of git."""
        try:
            return made_of(place, None if data is None else self._documents.load(data, place.path).value)
        except BROKEN:
            return None

    # --- what landed, in order

    def landings_to(self, commit: CommitId) -> None:
        """Events of the first-parent line up to `commit`, going on from the last landing that is on it."""
        if self.landed == commit:
            return
        since = self._last_common(commit)
        query = "SELECT coalesce(max(number), 0) FROM landing WHERE registry = ?"
        (number,) = self._db.execute(query, (self.registry,)).fetchone()
        for _, landings in history.in_parts(self._git, since, commit, self._layout.prefix):
            for landing in landings:
                number += 1
                self._landing(number, landing)
        self._db.execute("UPDATE registry SET landed = ? WHERE id = ?", (commit, self.registry))
        self.landed = commit

    def _last_common(self, commit: CommitId) -> CommitId | None:
        """The last known commit that is on the line of `commit`; what landed after it is forgotten."""
        if self.landed is None:
            return None
        with suppress(UnavailableError):  # it may be gone
            if ranges.first_parent_range(self._git, CommitId(self.landed), commit) is not None:
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


@lru_cache(maxsize=4096)
def _rank(version: str) -> str | None:
    """How a version sorts; None for a folder that is no version's."""
    try:
        return Version.parse(version).rank
    except InvalidError:
        return None
