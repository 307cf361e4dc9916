"""What the index's tables hold of one document, and the rows of many written at once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from modelreg.domain.card import Card, annotations_card, evidence_card, manifest_card, transition_card
from modelreg.domain.layout import Place
from modelreg.domain.properties import Properties, properties_of
from modelreg.domain.stages import Stages
from modelreg.domain.transition import Transition
from modelreg.errors import InvalidError

BROKEN = (InvalidError, KeyError, TypeError, ValueError, AttributeError, IndexError)
"""What a document raises that a reader would trip over."""

_INSERTS = {
    "document": "INSERT INTO document VALUES (?, ?, ?, ?, ?, ?, ?)",
    "value": "INSERT INTO value VALUES (?, ?, ?, ?)",
    "edge": "INSERT OR IGNORE INTO edge VALUES (?, ?, ?)",
    # The first stage that lists a version counts, as in Stages.stage_of.
    "holder": "INSERT OR IGNORE INTO holder VALUES (?, ?, ?)",
    "alias": "INSERT INTO alias VALUES (?, ?, ?)",
}


@dataclass(frozen=True, slots=True)
class Made:
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


@dataclass(slots=True)
class Rows:
    """Rows by table, in the order in which they came."""

    rows: dict[str, list[tuple[object, ...]]] = field(default_factory=lambda: {name: [] for name in _INSERTS})

    def add(self, document: int, blob: bytes, kind: str, made: Made | None) -> None:
        """A document, by the number that it shall have; `made` None: it cannot be read."""
        card = None if made is None else json.dumps(made.card)
        properties = made.properties if made is not None else None
        p = properties
        scalars = (p.created, p.framework, p.architecture) if p else (None, None, None)
        self.rows["document"].append((document, blob, kind, card, *scalars))
        if properties is not None:
            self._manifest(document, properties)
        if made is not None and made.tags is not None:
            self.rows["value"] += [(document, "tags", key, value) for key, value in made.tags.items()]
        if made is not None and made.stages is not None:
            holders = [(document, str(v), stage) for stage, listed in made.stages.holders.items() for v in listed]
            self.rows["holder"] += holders
            self.rows["alias"] += [(document, str(version), alias) for alias, version in made.stages.aliases.items()]

    def _manifest(self, document: int, properties: Properties) -> None:
        fields = {"metrics": properties.metrics, "params": properties.params, "tags": properties.tags}
        self.rows["value"] += [
            (document, name, key, bytes((value,)) if isinstance(value, bool) else value)
            for name, named in fields.items()
            for key, value in named.items()
        ]
        self.rows["edge"] += [(document, name, text) for name, text in _edges(properties)]

    def write(self, connection: sqlite3.Connection) -> None:
        for table, rows in self.rows.items():
            connection.executemany(_INSERTS[table], rows)


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
