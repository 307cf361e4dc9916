"""The log of what landed: which landing brought which manifest, transition and policy, kept from one write to the next.

What is announced for a landing depends on all that landed of the model before, and to walk a history of ten thousand
commits takes a fifth of a second. The log goes on from the commit that it knows. It is in a sealed file and is asked
for by nobody but those who announce their own landing (docs/decisions/0008); whoever judges walks.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

from modelreg.adapters import history, ranges
from modelreg.adapters.door import Door
from modelreg.adapters.refresh import tree_entries
from modelreg.adapters.sealed_file import SealedFile
from modelreg.adapters.trees import blob_id
from modelreg.domain.history import Change, Landing, Line, registrations
from modelreg.domain.layout import Layout
from modelreg.domain.plan import CommitId
from modelreg.errors import ModelregError, UnavailableError
from modelreg.registry.ports import Landed

NAME = "landings"
_TABLES = """
CREATE TABLE registry (
  id INTEGER PRIMARY KEY, prefix BLOB NOT NULL UNIQUE, tip TEXT NOT NULL, landings INTEGER NOT NULL,
  merges INTEGER NOT NULL);
CREATE TABLE change (
  registry INTEGER, folder BLOB, landing INTEGER, place INTEGER, id BLOB, at INTEGER, path BLOB, status TEXT,
  mode TEXT, blob BLOB, PRIMARY KEY (registry, folder, landing, place)) WITHOUT ROWID;
CREATE TABLE account (
  registry INTEGER, folder BLOB, landing INTEGER, text TEXT, PRIMARY KEY (registry, folder)) WITHOUT ROWID;
"""
_KINDS = ("manifest", "transition", "policy")
_SOURCES = (
    *("adapters/history.py", "adapters/landing_log.py", "adapters/ranges.py"),
    *("domain/layout.py", "domain/stages.py", "domain/tags.py", "domain/transition.py"),
    *("registry/announce.py", "registry/snapshot.py"),
)
"""What is kept, how it is found, and what accounts are made of it."""


@dataclass(frozen=True, slots=True)
class _Known:
    """How far the log of a registry goes; `merges`: whether a merge is among all that the tip descends from."""

    registry: int
    tip: CommitId
    landings: int
    merges: bool


class LandingLog:
    """The log of a repository; of each registry in it, by its prefix."""

    def __init__(self, git: Door) -> None:
        self._git = git
        self._file = SealedFile(git.common_dir, NAME, _TABLES, _written_by)

    def line(self, tip: CommitId, layout: Layout, model: str) -> Line:
        """See `registry.ports.Repository.line`."""
        history.require_whole(self._git)
        landings, merges, account = self._remembered(tip, layout, model) or _walked(self._git, tip, layout, model)
        wanted = registrations(landings)
        if merges and wanted:
            return Line(landings, history.first_commits(self._git, tip, wanted), account, walked=True)
        return Line(landings, history.first_on_one_line(landings, wanted), account)

    def keep_account(self, tip: CommitId, layout: Layout, model: str, account: str) -> None:
        """See `registry.ports.Repository.keep_account`."""
        with self._trying(), self._file.writing() as db:
            known = _known(db, layout)
            if known is not None and known.tip == tip:
                about = (known.registry, os.fsencode(model), known.landings, account)
                db.execute("INSERT OR REPLACE INTO account VALUES (?, ?, ?, ?)", about)

    def add(self, layout: Layout, landed: Landed) -> None:
        """See `registry.ports.Repository.note`. Where the log ends elsewhere, or there is none, it stays as it is."""
        plan = landed.plan
        with self._trying():
            with self._file.reading() as db:
                known = None if db is None else _known(db, layout)
            if known is None or known.tip != plan.base or plan.merges is not None:
                return
            changes = _changes(self._git, known.tip, plan.files)
            with self._file.writing() as db:
                if _known(db, layout) == known:
                    landing = Landing(landed.commit, plan.at, "", "", changes)
                    _append(db, layout, known, [landing], landed.commit, merges=known.merges)

    def _remembered(self, tip: CommitId, layout: Layout, model: str) -> tuple[Sequence[Landing], bool, str] | None:
        """The landings of a model and of the policy up to `tip`, whether a merge is among its ancestors, and an account
        after which the model's begin ("": none); None where no log can be kept."""
        with self._trying():
            with self._file.reading() as db:
                known = None if db is None else _known(db, layout)
                if db is not None and known is not None and known.tip == tip:
                    return _told(db, layout, known, model)
            with self._file.writing() as db:
                known = self._brought_up(db, layout, tip)
                return _told(db, layout, known, model)
        return None

    def _brought_up(self, db: sqlite3.Connection, layout: Layout, tip: CommitId) -> _Known:
        """The log at `tip`: continued where what it knows is on the first-parent line of that, else made anew."""
        known = _known(db, layout)
        if known is not None and not self._on_the_line(known.tip, tip):
            db.execute("DELETE FROM change WHERE registry = ?", (known.registry,))
            db.execute("DELETE FROM account WHERE registry = ?", (known.registry,))
            db.execute("DELETE FROM registry WHERE id = ?", (known.registry,))
            known = None
        since = None if known is None else known.tip
        merges = history.has_merges(self._git, tip, since)
        if known is not None:
            if merges:  # it may bring an older commit that holds a manifest
                db.execute("DELETE FROM account WHERE registry = ?", (known.registry,))
            merges = merges or known.merges
        for step, landings in history.in_parts(self._git, since, tip, layout.prefix):
            known = _append(db, layout, known, landings, step, merges=merges)
        assert known is not None  # noqa: S101 - there is one part at least
        return known

    def _on_the_line(self, known: CommitId, tip: CommitId) -> bool:
        with suppress(UnavailableError):  # it may be gone
            return ranges.first_parent_range(self._git, known, tip) is not None
        return False

    @contextmanager
    def _trying(self) -> Iterator[None]:
        """Whatever is wrong with the log or with what it is made of: the same answer without it, or the right error."""
        try:
            yield
        except sqlite3.Error:
            self._file.discard()
        except (OSError, ModelregError, ValueError):
            pass


def _walked(git: Door, tip: CommitId, layout: Layout, model: str) -> tuple[Sequence[Landing], bool, str]:
    """As `LandingLog._remembered`, from the history itself."""
    landings = history.landings(git, tip, layout.prefix)
    kept = ((landing, _kept(layout, landing.changes)) for landing in landings)
    own = ((landing, [c for c, folder in changes if folder in (model, "")]) for landing, changes in kept)
    found = [Landing(landing.commit, landing.at, "", "", tuple(changes)) for landing, changes in own if changes]
    return found, history.has_merges(git, tip), ""


def _kept(layout: Layout, changes: Iterable[Change]) -> Iterator[tuple[Change, str]]:
    """Those changes that a log keeps, with their models; of the policy "" is the model."""
    for change in changes:
        place = layout.place(change.path)
        if place is not None and place.kind in _KINDS:
            yield change, place.model or ""


def _changes(git: Door, base: CommitId, files: Mapping[str, bytes]) -> tuple[Change, ...]:
    """What a landing changed, as `git log --raw` will tell it: by path, and nothing of what stood there already."""
    before = tree_entries(git, base, files)
    found = []
    for path in sorted(files, key=os.fsencode):
        blob, old = blob_id(files[path], git.object_format), before.get(path)
        if old is None or old.blob != blob:
            found.append(Change(path, "A" if old is None else "M", "100644", blob))
    return tuple(found)


def _known(db: sqlite3.Connection, layout: Layout) -> _Known | None:
    query = "SELECT id, tip, landings, merges FROM registry WHERE prefix = ?"
    row = db.execute(query, (os.fsencode(layout.prefix),)).fetchone()
    return None if row is None else _Known(row[0], CommitId(row[1]), row[2], bool(row[3]))


def _append(
    db: sqlite3.Connection,
    layout: Layout,
    known: _Known | None,
    landings: Sequence[Landing],
    tip: CommitId,
    *,
    merges: bool,
) -> _Known:
    """Landings after what is known (None: the first ones), up to `tip`."""
    prefix = os.fsencode(layout.prefix)
    count = 0 if known is None else known.landings
    if known is None:
        db.execute("INSERT INTO registry (prefix, tip, landings, merges) VALUES (?, ?, 0, 0)", (prefix, tip))
        (registry,) = db.execute("SELECT id FROM registry WHERE prefix = ?", (prefix,)).fetchone()
    else:
        registry = known.registry
    rows = []
    for number, landing in enumerate(landings, count + 1):
        commit = bytes.fromhex(landing.commit)
        for place, (change, model) in enumerate(_kept(layout, landing.changes)):
            path, blob = os.fsencode(change.path)[len(prefix) :], bytes.fromhex(change.blob or "")
            about = (commit, landing.at, path, change.status, change.mode, blob)
            rows.append((registry, os.fsencode(model), number, place, *about))
    db.executemany("INSERT INTO change VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    after = _Known(registry, tip, count + len(landings), merges)
    query = "UPDATE registry SET tip = ?, landings = ?, merges = ? WHERE id = ?"
    db.execute(query, (after.tip, after.landings, after.merges, registry))
    return after


def _told(db: sqlite3.Connection, layout: Layout, known: _Known, model: str) -> tuple[Sequence[Landing], bool, str]:
    """See `LandingLog._remembered`."""
    since, account = _account(db, known, model)
    return _landings(db, layout, known, model, since), known.merges, account


def _account(db: sqlite3.Connection, known: _Known, model: str) -> tuple[int, str]:
    """The account of a model that holds, and the number of the landing that it reaches to.

    It was made of documents as they are at a tip: none holds of a model of which one was ever changed or removed.
    """
    about = (known.registry, os.fsencode(model))
    if db.execute("SELECT 1 FROM change WHERE registry = ? AND folder = ? AND status <> 'A' LIMIT 1", about).fetchone():
        return 0, ""
    row = db.execute("SELECT landing, text FROM account WHERE registry = ? AND folder = ?", about).fetchone()
    return row or (0, "")


def _landings(db: sqlite3.Connection, layout: Layout, known: _Known, model: str, since: int) -> list[Landing]:
    """What the log holds of the policy, and of a model after the landing of that number, oldest first."""
    query = """SELECT landing, id, at, path, status, mode, blob FROM change
      WHERE registry = ? AND (folder = ? OR (folder = ? AND landing > ?)) ORDER BY landing, place"""
    rows = db.execute(query, (known.registry, b"", os.fsencode(model), since)).fetchall()
    found = []
    for (_, commit, at), group in groupby(rows, key=lambda row: row[:3]):
        changes = tuple(
            Change(layout.prefix + os.fsdecode(path), status, mode, blob.hex() or None)
            for *_, path, status, mode, blob in group
        )
        found.append(Landing(CommitId(commit.hex()), at, "", "", changes))
    return found


@cache
def _written_by() -> str:
    """The code that a log is of: what is kept, and how it is found."""
    root, digest = Path(__file__).parents[1], hashlib.sha256(sqlite3.sqlite_version.encode())
    for name in _SOURCES:
        digest.update((root / name).read_bytes())
    return digest.hexdigest()
