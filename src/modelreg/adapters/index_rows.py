"""What the index's tables hold of one document, and the rows of many written at once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from modelreg.domain.card import Card, annotations_card, evidence_card, manifest_card, transition_card
from modelreg.domain.layout import Place
from modelreg.domain.properties import Properties, Value, properties_of
from modelreg.domain.stages import Stages
from modelreg.domain.transition import Transition
from modelreg.errors import InvalidError

BROKEN = (InvalidError, KeyError, TypeError, ValueError, AttributeError, IndexError)
"""What a document raises that a reader would trip over."""

_INSERTS = {
    "document": ("INSERT INTO document VALUES", 7),
    "value": ("INSERT INTO value VALUES", 3),
    "edge": ("INSERT OR IGNORE INTO edge VALUES", 3),
    # The first stage that lists a version counts, as in Stages.stage_of.
    "holder": ("INSERT OR IGNORE INTO holder VALUES", 3),
    "alias": ("INSERT INTO alias VALUES", 3),
}
"""How a row comes into its table, and how many values it has."""
_MOST_VALUES = 500
"""In one statement. SQLite takes 999; of more than some fifty rows at a time a row costs the same."""


class Made(NamedTuple):
    """What one document brings: its card, and of a manifest, annotations or a stages.yaml what is in it."""

    card: Card
    properties: Properties | None = None
    stages: Stages | None = None
    tags: Mapping[str, str] | None = None


def made_of(place: Place, body: Any) -> Made:
    """What the tables hold of a document. Raises one of BROKEN for one that a reader would trip over."""
    if place.kind == "withdrawn":
        return Made({})
    if not isinstance(body, dict):
        raise TypeError(place.path)
    if place.kind == "manifest":
        return Made(manifest_card(body), properties=properties_of(body))
    if place.kind == "annotations":
        card = annotations_card(body)
        return Made(card, tags=card["tags"])
    if place.kind == "stages":
        return Made({}, stages=Stages.from_mapping(body))
    if place.kind == "model":
        return Made({"primary_metric": body.get("primary_metric")})
    if place.kind == "evidence":
        return Made(evidence_card(body) | {"by": str(body["by"])})
    transition = Transition.from_mapping(body)
    if (transition.model, transition.number) != (place.model, place.number):
        raise ValueError(place.path)
    return Made(transition_card(transition))


class Rows:
    """Rows of many documents. The values of a table's rows stand one after the other, since a statement takes many rows
    at once: in a third of the time, and without a hundred thousand tuples."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._values: dict[str, list[object]] = {table: [] for table in _INSERTS}
        self._names = {field: _Names(connection, field) for field in ("metrics", "params", "tags")}

    def add(self, document: int, blob: bytes, kind: str, made: Made | None) -> None:
        """A document, by the number that it shall have; `made` None: it cannot be read."""
        card = None if made is None else json.dumps(made.card)
        p = made.properties if made is not None else None
        scalars = (p.created, p.framework, p.architecture) if p is not None else (None, None, None)
        self._values["document"] += (document, blob, kind, card, *scalars)
        if p is not None:
            self._manifest(document, p)
        if made is not None and made.tags is not None:
            self._named(document, "tags", made.tags)
        if made is not None and made.stages is not None:
            for stage, listed in made.stages.holders.items():
                for version in listed:
                    self._values["holder"] += (document, str(version), stage)
            for alias, version in made.stages.aliases.items():
                self._values["alias"] += (document, str(version), alias)

    def _manifest(self, document: int, properties: Properties) -> None:
        self._named(document, "metrics", properties.metrics)
        self._named(document, "params", properties.params)
        self._named(document, "tags", properties.tags)
        edges = self._values["edge"]
        for field, text in _edges(properties):
            edges += (field, text, document)

    def _named(self, document: int, field: str, named: Mapping[str, Value]) -> None:
        values, names = self._values["value"], self._names[field]
        for name, value in named.items():
            values += (document, names[name], bytes((value,)) if type(value) is bool else value)

    def write(self) -> None:
        for table, (insert, width) in _INSERTS.items():
            insert_all(self._db, insert, width, self._values[table])


class _Names(dict[str, int]):
    """The numbers of names in one field; a name that has none gets one."""

    def __init__(self, connection: sqlite3.Connection, field: str) -> None:
        self._db = connection
        self._field = field

    def __missing__(self, name: str) -> int:
        self._db.execute("INSERT OR IGNORE INTO name (field, name) VALUES (?, ?)", (self._field, name))
        query = "SELECT id FROM name WHERE field = ? AND name = ?"
        (number,) = self._db.execute(query, (self._field, name)).fetchone()
        self[name] = number
        return int(number)


def insert_all(connection: sqlite3.Connection, insert: str, width: int, values: list[object]) -> None:
    """Rows of `width` values each, by `insert` ("INSERT INTO t VALUES"), as many in a statement as it may take."""
    row = f"({', '.join('?' * width)})"
    at_once = _MOST_VALUES // width * width
    whole = len(values) // at_once * at_once
    many = f"{insert} {', '.join([row] * (at_once // width))}"
    connection.executemany(many, (values[start : start + at_once] for start in range(0, whole, at_once)))
    if rest := values[whole:]:
        connection.execute(f"{insert} {', '.join([row] * (len(rest) // width))}", rest)


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
    for name, one in (("commit", properties.commit), ("lock", properties.lock), ("run", properties.run)):
        if one is not None:
            yield name, one
