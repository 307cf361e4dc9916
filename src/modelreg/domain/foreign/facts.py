"""A run of another tracker as a manifest has it: metrics under our names, parameters, lineage.

What a manifest cannot hold is left out and said; no text of a stranger is trusted to be short or printable.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from modelreg.domain.clock import stamp
from modelreg.domain.foreign.addresses import public, without_users
from modelreg.domain.foreign.entities import ForeignData, ForeignRun, ForeignVersion
from modelreg.domain.names import metric_name
from modelreg.errors import InvalidError

TOOL = "mlflow"
PARENT_TAG = "mlflow.parentRunId"
NAME_TAG = "mlflow.runName"
_COMMIT_TAG = "mlflow.source.git.commit"
_NOT_KEPT = frozenset({PARENT_TAG, NAME_TAG, "mlflow.log-model.history", "mlflow.artifactLocation"})
"""Tags whose content is elsewhere in the manifest, or names what there is only there."""
_CODE = {"repository": "mlflow.source.git.repoURL", "branch": "mlflow.source.git.branch"}
_LONGEST_METRIC = 128
_HEX = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class RunFacts:
    """`metrics` as `Request.metrics`, `facts` as `Request.facts`; `notes` say what was left out, for people."""

    metrics: Mapping[str, Any]
    facts: Mapping[str, Any]
    notes: tuple[str, ...]


def source_of(version: ForeignVersion, location: str = "") -> dict[str, Any]:
    """`source` of the manifest: where the version is from, and by which name and number it was known there."""
    found = {
        "uri": _fit(public(version.source), 4000) or f"models:/{version.model}/{version.number}",
        "location": _fit(public(location), 4000) if location != version.source else None,
        "model_id": _fit(version.logged, 200),
        "tool": TOOL,
        "model": version.model[:500],
        "version": str(version.number),
        "created": stamp(version.created),
        "by": _fit(version.by, 254),
    }
    return {key: value for key, value in found.items() if value}


def run_facts(run: ForeignRun) -> RunFacts:
    """What a manifest says of a run."""
    metrics, notes = _metrics(run.metrics)
    data, dropped = _data(run.data)
    lineage = {"code": _code(run.tags), "data": data, "run": _run(run)}
    facts: dict[str, Any] = {"lineage": {key: value for key, value in lineage.items() if value}}
    if run.params:
        facts["params"] = dict(sorted(run.params.items()))
    return RunFacts(metrics, facts, (*notes, *dropped))


def _metrics(given: Mapping[str, float]) -> tuple[dict[str, Any], list[str]]:
    names = metric_names(given)
    found, notes = {}, []
    for theirs in sorted(given):
        value = given[theirs]
        if not math.isfinite(value):
            notes.append(f"the metric {theirs[:60]!a} is {value}, which is no number: left out")
            continue
        entry: dict[str, Any] = {"value": value}
        if names[theirs] != theirs:
            entry["source_name"] = theirs
        found[names[theirs]] = entry
    return found, notes


def metric_names(theirs: Iterable[str]) -> dict[str, str]:
    """Our name of each metric, no two the same: `F1-Score (test)` gives f1_score_test, one that is ours stays."""
    wanted = {name: _metric(name) for name in theirs}
    taken = {name for name, ours in wanted.items() if ours == name}
    found = {name: name for name in taken}
    for name in sorted(wanted.keys() - taken):
        tries = (wanted[name], *(f"{wanted[name][: _LONGEST_METRIC - 8]}_{n}" for n in range(2, len(wanted) + 2)))
        found[name] = next(text for text in tries if text not in taken)
        taken.add(found[name])
    return found


def _metric(theirs: str) -> str:
    """A name of ours that looks like theirs; one that has nothing to show is named by its digest."""
    shows = re.search("[A-Za-z0-9]", theirs)
    for text in (theirs, f"m_{theirs}") if shows else ():
        try:
            return metric_name(text)[:_LONGEST_METRIC].rstrip("_")
        except InvalidError:
            continue
    return f"m_{hashlib.sha256(theirs.encode(errors='replace')).hexdigest()[:12]}"


def _run(run: ForeignRun) -> dict[str, Any]:
    tags = {key: without_users(value) for key, value in sorted(run.tags.items()) if key not in _NOT_KEPT}
    found = {
        "tracker": TOOL,
        "id": _fit(run.id, 200),
        "url": _fit(without_users(run.url), 1000) if run.url.startswith(("http://", "https://")) else None,
        "name": _fit(run.name, 500),
        "experiment": _fit(run.experiment, 500),
        "parent": _fit(run.parent, 200),
        "tags": tags,
    }
    return {key: value for key, value in found.items() if value}


def _code(tags: Mapping[str, str]) -> dict[str, Any]:
    """lineage.code, as far as MLflow knows it: the commit, not whether the work tree differed from it."""
    commit = tags.get(_COMMIT_TAG, "")
    if not _HEX.fullmatch(commit):
        return {}
    limits = {"repository": 1000, "branch": 250}
    found = {key: _fit(without_users(tags.get(tag, "")), limits[key]) for key, tag in _CODE.items()}
    return {"commit": commit} | {key: value for key, value in found.items() if value}


def _data(given: Iterable[ForeignData]) -> tuple[list[dict[str, Any]], list[str]]:
    found: list[dict[str, Any]] = []
    notes, seen = [], set()
    for data in given:
        entry, dropped = _dataset(data)
        if entry is None:
            notes.append("an input without a name is left out")
        elif json.dumps(entry, sort_keys=True) not in seen:
            seen.add(json.dumps(entry, sort_keys=True))
            found.append(entry)
            notes += [f"of the input {data.name[:60]!a}, {', '.join(dropped)} is left out"] if dropped else []
    return found, notes


def _dataset(data: ForeignData) -> tuple[dict[str, Any] | None, list[str]]:
    name = _fit(data.name, 200)
    if name is None:
        return None, []
    source = without_users(data.source)
    texts = {
        "role": (data.context or "input", 100),
        "source": (source, 1000),
        "version": (data.digest, 200),
        "format": (data.source_type, 40),
    }
    entry: dict[str, Any] = {"name": name}
    entry |= {key: fitted for key, (text, longest) in texts.items() if (fitted := _fit(text, longest))}
    dropped = [key for key, (text, _) in texts.items() if text and key not in entry]
    rows = _loaded(data.profile).get("num_rows")
    if type(rows) is int and rows >= 0:
        entry["rows"] = rows
    columns = [
        {"name": column["name"], "type": column["type"]}
        for column in _list(_loaded(data.schema).get("mlflow_colspec"))
        if isinstance(column, Mapping) and _fit(column.get("name"), 500) and _fit(column.get("type"), 200)
    ]
    if columns and len(columns) <= 1000:
        entry |= {"columns": len(columns), "schema": columns}
    return entry, dropped


def _fit(text: Any, longest: int) -> str | None:
    """A text that is not empty and not too long; a cut one would name something else."""
    return text if isinstance(text, str) and 0 < len(text) <= longest else None


def _loaded(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text) if text else {}
    except ValueError:
        return {}
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
