"""The index's file: its tables, and the code whose answers it holds. Who may use it: adapters/sealed_file.py."""

from __future__ import annotations

import hashlib
import sqlite3
from functools import cache
from pathlib import Path

import yaml

from modelreg.adapters.sealed_file import SealedFile

SCHEMA = 2
"""PRAGMA user_version of the tables below."""
NAME = "index.sqlite"
_ROOT = Path(__file__).parents[1]
_SOURCES = {
    "adapters": (
        *("index", "index_file", "index_rows", "index_search", "index_update"),
        *("yaml_fast", "yaml_marked", "yaml_reader", "yaml_text", "yaml_values"),
    ),
    "domain": ("card", "manifest", "metric", "names", "properties", "search", "stages", "transition", "version"),
}
_TABLES = """
CREATE TABLE registry (id INTEGER PRIMARY KEY, prefix TEXT NOT NULL UNIQUE, tip TEXT, landed TEXT);
CREATE TABLE document (
  id INTEGER PRIMARY KEY, blob BLOB NOT NULL, kind TEXT NOT NULL, card TEXT,
  created TEXT, framework TEXT, architecture TEXT, UNIQUE (blob, kind));
CREATE TABLE name (id INTEGER PRIMARY KEY, field TEXT, name TEXT, UNIQUE (field, name));
CREATE TABLE value (document INTEGER, name INTEGER, value, PRIMARY KEY (document, name)) WITHOUT ROWID;
CREATE TABLE edge (field TEXT, value TEXT, document INTEGER, PRIMARY KEY (field, value, document)) WITHOUT ROWID;
CREATE TABLE holder (document INTEGER, version TEXT, stage TEXT, PRIMARY KEY (document, version)) WITHOUT ROWID;
CREATE TABLE alias (
  document INTEGER, version TEXT, alias TEXT, PRIMARY KEY (document, version, alias)) WITHOUT ROWID;
CREATE TABLE file (
  registry INTEGER, kind TEXT, model TEXT, version TEXT, name TEXT, rank TEXT, document INTEGER,
  sound INTEGER, PRIMARY KEY (registry, kind, model, version, name)) WITHOUT ROWID;
CREATE INDEX file_by_document ON file (document);
CREATE INDEX unsound ON file (registry, kind, model) WHERE sound = 0;
CREATE TABLE landing (registry INTEGER, number INTEGER, id TEXT, at INTEGER, PRIMARY KEY (registry, number));
CREATE TABLE event (
  registry INTEGER, landing INTEGER, place INTEGER, kind TEXT, model TEXT, version TEXT, name TEXT,
  PRIMARY KEY (registry, landing, place)) WITHOUT ROWID;
CREATE INDEX event_by_model ON event (registry, model);
CREATE TABLE sound (key BLOB PRIMARY KEY, paths TEXT) WITHOUT ROWID;
CREATE TABLE stat (
  top BLOB, path BLOB, told TEXT, mode TEXT, blob TEXT, PRIMARY KEY (top, path)) WITHOUT ROWID;
"""


class IndexFile(SealedFile):
    """`index.sqlite` in the folder `modelreg` of the common git directory."""

    def __init__(self, common_dir: Path) -> None:
        super().__init__(common_dir, "index", f"{_TABLES} PRAGMA user_version = {SCHEMA};", written_by)


@cache
def written_by() -> str:
    """The code whose answers an index holds: its tables, its parser and what it takes from documents."""
    digest = hashlib.sha256(f"{SCHEMA} {yaml.__version__} {sqlite3.sqlite_version}".encode())
    for folder, names in _SOURCES.items():
        for name in names:
            digest.update((_ROOT / folder / f"{name}.py").read_bytes())
    return digest.hexdigest()


@cache
def judged_by() -> str:
    """The code whose verdicts are remembered: all of it that judges, and the schemas."""
    from modelreg.adapters.schema_files import schema_names, schema_text

    digest = hashlib.sha256(written_by().encode())
    for folder in ("adapters", "domain", "registry"):
        for path in sorted((_ROOT / folder).glob("*.py")):
            digest.update(path.read_bytes())
    for name in schema_names():
        digest.update(schema_text(name).encode())
    return digest.hexdigest()
