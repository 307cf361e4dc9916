"""What one manifest says a version was made of. Its body may be anybody's: nothing is believed but the shape checked.

Two versions share a node where what they name is the same by digest, commit or id; what is named without any of
these is the version's own, since nobody can tell whether two of the same name are the same.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from modelreg.domain.lineage_graph import Node, VersionName
from modelreg.domain.names import parse_model
from modelreg.domain.version import Version
from modelreg.errors import InvalidError

MOST = 1000
"""So many entries of one list are read."""
_HEX = re.compile(r"[0-9a-f]+(?:\.dir)?")
_SHOWN = 12


class Part(NamedTuple):
    """A thing that a version was made of, and how; `name` is what the version calls it."""

    node: Node
    label: str
    name: str


class Parent(NamedTuple):
    name: VersionName
    relation: str


def parts(name: VersionName, body: Mapping[str, Any]) -> list[Part]:
    """All but parents: data, code, environment, pipeline, run, features, artifacts, in this order."""
    lineage = mapping(body.get("lineage"))
    one: dict[str, Callable[[VersionName, Mapping[str, Any]], Node | None]] = {
        "code": _code,
        "environment": _environment,
        "pipeline": _pipeline,
        "run": _run,
    }
    found = [_data(name, entry) for entry in datasets(body)]
    for key, make in one.items():
        node = make(name, mapping(lineage.get(key)))
        found += [Part(node, key, key)] if node else []
    found += [_feature(name, entry) for entry in mappings(lineage.get("features")) if text(entry, "name")]
    return found + [_artifact(name, entry) for entry in mappings(body.get("artifacts")) if text(entry, "path")]


def datasets(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entries of `lineage.data` that have a name, each with only those keys whose values are as they should be."""
    return [_dataset(e) for e in mappings(mapping(body.get("lineage")).get("data")) if text(e, "name")]


def parents(body: Mapping[str, Any]) -> tuple[list[Parent], int]:
    """The parents, and how many entries name no version."""
    found, bad = [], 0
    for entry in mappings(mapping(body.get("lineage")).get("parents")):
        try:
            parent = VersionName(parse_model(text(entry, "model")), Version.parse(text(entry, "version")))
        except InvalidError:
            bad += 1
        else:
            found.append(Parent(parent, text(entry, "relation") or "derived"))
    return found, bad


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def mappings(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value[:MOST] if isinstance(item, Mapping)] if isinstance(value, list) else []


def text(entry: Mapping[str, Any], key: str) -> str:
    """The text at `key`; empty for anything else."""
    value = entry.get(key)
    return value if isinstance(value, str) else ""


def number(entry: Mapping[str, Any], key: str) -> int | None:
    value = entry.get(key)
    return value if type(value) is int else None


def digest(entry: Mapping[str, Any], key: str) -> str:
    """The lower-case hexadecimal at `key`; empty for anything else."""
    value = text(entry, key)
    return value if _HEX.fullmatch(value) else ""


def _dataset(entry: Mapping[str, Any]) -> dict[str, Any]:
    texts = {key: _shared(text(entry, key)) for key in ("name", "role", "path", "source", "version", "format")}
    digests = {key: digest(entry, key) for key in ("sha256", "md5")}
    numbers = {key: number(entry, key) for key in ("size_bytes", "rows", "columns", "files")}
    kept = {key: value for key, value in (texts | digests | numbers).items() if value not in ("", None)}
    columns = [
        {"name": column["name"], "type": column["type"]}
        for column in mappings(entry.get("schema"))
        if isinstance(column.get("name"), str) and isinstance(column.get("type"), str)
    ]
    return kept | ({"schema": columns} if columns else {})


def _data(name: VersionName, entry: Mapping[str, Any]) -> Part:
    known = next((f"{key}:{entry[key]}" for key in ("sha256", "md5") if entry.get(key)), None)
    told = [f"{entry[key]} {word}" for key, word in (("rows", "rows"), ("columns", "columns")) if key in entry]
    if not told and "size_bytes" in entry:
        told = [f"{entry['size_bytes']} bytes"]
    if "version" in entry:
        told.append(f"version {entry['version']}")
    told.append(_short(known) if known else "no digest")
    own = f"{name}/{entry['name']}"
    node = Node(f"data:{known or own}", "data", entry["name"], ", ".join(told), entry)
    return Part(node, entry.get("role", "data"), entry["name"])


def _code(name: VersionName, entry: Mapping[str, Any]) -> Node | None:
    facts = _texts(entry, ("repository", "branch", "entry_point"))
    facts |= {key: digest(entry, key) for key in ("commit", "tree", "diff_sha256") if digest(entry, key)}
    dirty = entry.get("dirty") is True or "diff_sha256" in facts
    if not facts:
        return None
    facts["dirty"] = dirty
    commit = facts.get("commit", "")
    own = dirty and "diff_sha256" not in facts  # what differed is not known: nobody else had the same
    known = commit + (f"+{facts['diff_sha256']}" if dirty and not own else "")
    told = [commit[:_SHOWN] or "no commit", "with uncommitted changes" if dirty else "", facts.get("entry_point", "")]
    id_ = f"code:{known}" if commit and not own else f"code:{name}"
    return Node(id_, "code", " ".join(filter(None, told)), facts.get("repository", ""), facts)


def _environment(_: VersionName, entry: Mapping[str, Any]) -> Node | None:
    facts: dict[str, Any] = _texts(entry, ("python", "platform", "container"))
    lock = mapping(entry.get("lock"))
    if digest(lock, "sha256"):
        facts["lock"] = {"path": text(lock, "path"), "sha256": digest(lock, "sha256")}
    if not facts:
        return None
    label = ", ".join(filter(None, (f"python {facts['python']}" if "python" in facts else "", facts.get("platform"))))
    told = [f"{facts['lock']['path']} sha256 {facts['lock']['sha256'][:_SHOWN]}"] if "lock" in facts else ["no lock"]
    told += [facts["container"]] if "container" in facts else []
    return Node(f"environment:{_same(facts)}", "environment", label or "unknown", ", ".join(told), facts)


def _pipeline(_: VersionName, entry: Mapping[str, Any]) -> Node | None:
    facts: dict[str, Any] = _texts(entry, ("file", "stage", "command", "folder"))
    if not facts:
        return None
    where = ":".join(facts[key] for key in ("file", "stage") if key in facts)
    label = where or facts.get("command", "") or facts["folder"]
    detail = facts["command"] if where and "command" in facts else ""
    return Node(f"pipeline:{_same(facts)}", "pipeline", label, detail, facts)


def _run(_: VersionName, entry: Mapping[str, Any]) -> Node | None:
    facts: dict[str, Any] = _texts(entry, ("tracker", "id", "url"))
    if not facts:
        return None
    label = " ".join(facts[key] for key in ("tracker", "id") if key in facts) or facts["url"]
    return Node(f"run:{_same(facts)}", "run", label, facts.get("url", ""), facts)


def _feature(name: VersionName, entry: Mapping[str, Any]) -> Part:
    facts: dict[str, Any] = _texts(entry, ("name", "transformation", "code"))
    columns = entry.get("from")
    if isinstance(columns, list):
        facts["from"] = [column for column in columns[:MOST] if isinstance(column, str)]
    told = [f"from {', '.join(facts['from'])}"] if facts.get("from") else []
    told += [facts["transformation"]] if "transformation" in facts else []
    node = Node(f"feature:{name}/{facts['name']}", "feature", facts["name"], ": ".join(told), facts)
    return Part(node, "feature", facts["name"])


def _artifact(name: VersionName, entry: Mapping[str, Any]) -> Part:
    facts: dict[str, Any] = _texts(entry, ("path", "role", "format"))
    facts |= {key: digest(entry, key) for key in ("sha256", "md5") if digest(entry, key)}
    if (size := number(entry, "size_bytes")) is not None:
        facts["size_bytes"] = size
    known = f"sha256:{facts['sha256']}" if "sha256" in facts else ""
    told = [f"{size} bytes"] if size is not None else []
    told += [_short(known)] if known else []
    node = Node(f"artifact:{known or name}/{facts['path']}", "artifact", facts["path"], ", ".join(told), facts)
    return Part(node, facts.get("role", "artifact"), facts["path"])


def _texts(entry: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    return {key: text(entry, key) for key in keys if text(entry, key)}


def _same(facts: Mapping[str, Any]) -> str:
    """A short id of equal facts."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def _shared(value: str) -> str:
    """The same text, held once: thousands of versions say the same of their data."""
    return sys.intern(str(value))


def _short(known: str) -> str:
    kind, _, value = known.partition(":")
    return f"{kind} {value[:_SHOWN]}"
