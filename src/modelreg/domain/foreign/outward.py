"""A version of ours as MLflow would have it: the run that made it, its tags, where it stands. Undoes `facts`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from modelreg.domain.foreign.entities import MANIFEST_TAG, OURS, VERSION_TAG, ForeignData, ForeignRun
from modelreg.domain.foreign.facts import TOOL
from modelreg.domain.lineage_parts import mapping, mappings, number, text
from modelreg.domain.manifest import Manifest

EXPERIMENT = "modelreg"
"""Where runs go of which no experiment is known."""
LONGEST_PARAM = 6000
"""MLflow's limit (utils/validation.py, MAX_PARAM_VAL_LENGTH)."""
RUN_TAG = f"{OURS}run"
MODEL_TAG = f"{OURS}model"
STAGE_TAG = f"{OURS}stage"
SOURCE_TAG = f"{OURS}source"
WITHDRAWN_TAG = f"{OURS}withdrawn"
_ONLY_THERE = ("models", "runs", "mlflow-artifacts", "file", "")
"""Schemes of addresses that lead nowhere but in the MLflow, or on the machine, where they were made."""
_GIT = {
    "repository": "mlflow.source.git.repoURL",
    "commit": "mlflow.source.git.commit",
    "branch": "mlflow.source.git.branch",
}


def marks(registry: str, manifest: Manifest, sha256: str) -> dict[str, str]:
    """The tags by which the next export finds this version again."""
    return {VERSION_TAG: address(registry, manifest), MANIFEST_TAG: sha256}


def address(registry: str, manifest: Manifest) -> str:
    """`REGISTRY-ID/MODEL@VERSION`."""
    return f"{registry}/{manifest.model}@{manifest.version}"


def run_id(manifest: Manifest) -> str:
    """The id of the run of MLflow's that made the version; "" where none is known."""
    run = mapping(manifest.lineage.get("run"))
    return text(run, "id") if text(run, "tracker") in ("", TOOL) else ""


def run_mark(registry: str, manifest: Manifest) -> str:
    """What a run there is tagged with: versions of one run there share it, any other version has its own."""
    known = run_id(manifest)
    return f"{registry}/{known}" if known else address(registry, manifest)


def had_no_run(manifest: Manifest) -> bool:
    """Whether the version came from MLflow, and no run had made it there."""
    return manifest.source.get("tool") == TOOL and not run_id(manifest)


def elsewhere(registry: str, manifest: Manifest) -> tuple[str, dict[str, str]]:
    """The address of a version whose files are not here, and its tags: one that leads nowhere from another MLflow is
    kept as a tag, in its place stands what the version is called here."""
    known = [str(manifest.source.get(key) or "") for key in ("uri", "location")]
    for uri in known:
        if urlsplit(uri).scheme not in _ONLY_THERE:
            return uri, {}
    return f"{OURS.rstrip('.')}:/{address(registry, manifest)}", {SOURCE_TAG: known[0]}


def run_of(manifest: Manifest) -> ForeignRun:
    """The run, with metrics under their own names."""
    run = mapping(manifest.lineage.get("run"))
    tags = {key: value for key, value in mapping(run.get("tags")).items() if isinstance(value, str)}
    code = mapping(manifest.lineage.get("code"))
    tags = {tag: text(code, key) for key, tag in _GIT.items() if text(code, key)} | tags
    return ForeignRun(
        id=run_id(manifest),
        name=text(run, "name") or f"{manifest.model} {manifest.version}",
        experiment=text(run, "experiment") or EXPERIMENT,
        metrics=_metrics(manifest.body.get("metrics") or {}),
        params={key: _param(value) for key, value in (manifest.body.get("params") or {}).items()},
        tags=tags,
        data=tuple(map(_data, mappings(manifest.lineage.get("data")))),
        parent=text(run, "parent"),
    )


def too_long(run: ForeignRun) -> tuple[str, ...]:
    """The parameters that MLflow would cut."""
    return tuple(key for key, value in run.params.items() if len(value) > LONGEST_PARAM)


def _metrics(body: Mapping[str, Any]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, entry in body.items():
        theirs = entry.get("source_name") or name
        found[name if theirs in found else theirs] = float(entry["value"])
    return found


def _param(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _data(entry: Mapping[str, Any]) -> ForeignData:
    """MLflow wants a digest of at most 36 characters, a type and an address of everything."""
    columns = mappings(entry.get("schema"))
    schema = {"mlflow_colspec": [{"type": c["type"], "name": c["name"], "required": True} for c in columns]}
    rows = number(entry, "rows")
    digest = text(entry, "version") or text(entry, "md5").removesuffix(".dir") or text(entry, "sha256")
    return ForeignData(
        name=text(entry, "name"),
        digest=digest[:36] or "unknown",
        source_type=text(entry, "format") or "local",
        source=text(entry, "source") or json.dumps({"uri": text(entry, "path")}),
        schema=json.dumps(schema) if columns else "",
        profile=json.dumps({"num_rows": rows}) if rows is not None else "",
        context="" if text(entry, "role") == "input" else text(entry, "role"),
    )


def tags_of(manifest: Manifest, annotations: Mapping[str, Any]) -> dict[str, str]:
    """A version's tags: those that may change over those of the manifest, none of which looks like a mark."""
    found = dict(mapping(manifest.body.get("tags"))) | dict(mapping(annotations.get("tags")))
    return without_marks(found)


def without_marks(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags but those that modelreg writes there itself."""
    return {key: str(value) for key, value in tags.items() if not key.startswith(OURS)}


def tag_changes(wanted: Mapping[str, str], there: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Tags to set, and tags to remove; marks are set, never removed."""
    to_set = {key: value for key, value in wanted.items() if there.get(key) != value}
    return to_set, tuple(sorted(key for key in there if key not in wanted and not key.startswith(OURS)))
