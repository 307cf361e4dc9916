"""A version as an OpenLineage run event (https://openlineage.io/spec/2-0-2/OpenLineage.json), for lineage servers.

The training is the job, its data sets and parents are the inputs, the version is the output: a data set of type MODEL
whose name is the model's. What has no facet of OpenLineage's own stands in two of ours, `modelreg_training` and
`modelreg_version`. A run's id follows from registry and manifest, so that an event sent twice is one run.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from modelreg.domain.lineage_graph import VersionName
from modelreg.domain.lineage_parts import datasets, digest, mapping, mappings, number, parents, text
from modelreg.errors import InvalidError

PRODUCER = "https://modelreg.dev"
_SPEC = "https://openlineage.io/spec"
_OURS = "https://modelreg.dev/schemas/output/lineage.v1.json#/$defs"
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_AUTHORITY = re.compile(r"[A-Za-z0-9._-]+(?::[0-9]{1,5})?")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")


def run_event(registry: str, name: VersionName, body: Mapping[str, Any], manifest_sha256: str) -> dict[str, Any]:
    """The event COMPLETE of the run that made a version. `registry` is the registry's id. Raises InvalidError for a
    manifest without the time of its registration, which an event must have."""
    created = text(body, "created")
    if not _TIME.fullmatch(created):
        raise InvalidError(f"{name} has no time, which an event of OpenLineage needs", field="created")
    namespace = f"modelreg://{registry}"
    return {
        "eventType": "COMPLETE",
        "eventTime": created,
        "run": {
            "runId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{namespace}/{manifest_sha256}")),
            "facets": _run_facets(body),
        },
        "job": {"namespace": namespace, "name": _job_name(name, body), "facets": _job_facets(body)},
        "inputs": [*_data(namespace, body), *_parents(namespace, body)],
        "outputs": [_output(namespace, name, body, manifest_sha256)],
        "producer": PRODUCER,
        "schemaURL": f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent",
    }


def _facet(schema: str, **values: Any) -> dict[str, Any]:
    """A facet of OpenLineage's own: `facets/1-0-1/DatasetVersionDatasetFacet`."""
    url = f"{_SPEC}/{schema}.json#/$defs/{schema.rsplit('/', 1)[1]}"
    return {"_producer": PRODUCER, "_schemaURL": url} | _told(values)


def _own(definition: str, **values: Any) -> dict[str, Any]:
    return {"_producer": PRODUCER, "_schemaURL": f"{_OURS}/{definition}"} | _told(values)


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value not in (None, "", [], {})}


def _lineage(body: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    return mapping(mapping(body.get("lineage")).get(key))


def _job_name(name: VersionName, body: Mapping[str, Any]) -> str:
    pipeline, code = _lineage(body, "pipeline"), _lineage(body, "code")
    stage = ":".join(filter(None, (text(pipeline, "file"), text(pipeline, "stage"))))
    return f"{name.model}/{stage or text(code, 'entry_point') or 'train'}"


def _job_facets(body: Mapping[str, Any]) -> dict[str, Any]:
    facets = {
        "jobType": _facet(
            "facets/2-0-4/JobTypeJobFacet", processingType="BATCH", integration="MODELREG", jobType="TRAINING"
        )
    }
    code = _lineage(body, "code")
    if url := _uri(text(code, "repository")):
        facets["sourceCodeLocation"] = _facet(
            "facets/1-1-0/SourceCodeLocationJobFacet",
            type="git",
            url=url,
            repoUrl=url,
            path=text(code, "entry_point"),
            version=digest(code, "commit"),
            branch=text(code, "branch"),
        )
    return facets


def _run_facets(body: Mapping[str, Any]) -> dict[str, Any]:
    facets = {}
    framework = mapping(body.get("framework"))
    if text(framework, "version"):
        facets["processing_engine"] = _facet(
            "facets/1-1-1/ProcessingEngineRunFacet", version=text(framework, "version"), name=text(framework, "name")
        )
    code, pipeline, run = (_lineage(body, key) for key in ("code", "pipeline", "run"))
    environment = _lineage(body, "environment")
    facets["modelreg_training"] = _own(
        "training_facet",
        commit=digest(code, "commit"),
        tree=digest(code, "tree"),
        dirty=code.get("dirty") if isinstance(code.get("dirty"), bool) else None,
        diffSha256=digest(code, "diff_sha256"),
        command=text(pipeline, "command"),
        python=text(environment, "python"),
        platform=text(environment, "platform"),
        lockSha256=digest(mapping(environment.get("lock")), "sha256"),
        tracker=text(run, "tracker"),
        trackerRunId=text(run, "id"),
        trackerUrl=text(run, "url"),
    )
    return facets


def _data(namespace: str, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [_dataset(namespace, entry) for entry in datasets(body)]


def _dataset(namespace: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """By its source where that is an address (https://openlineage.io/docs/spec/naming), else by its path or name."""
    source = _uri(entry.get("source", ""))
    scheme, _, rest = source.partition("://")
    place, _, name = rest.partition("/")
    where, what = (f"{scheme}://{place}", name) if name else (namespace, entry.get("path") or entry["name"])
    facets = {"dataSource": _facet("facets/1-0-1/DatasourceDatasetFacet", name=where, uri=source or namespace)}
    if "schema" in entry:
        fields = [{"name": column["name"], "type": column["type"]} for column in entry["schema"]]
        facets["schema"] = _facet("facets/1-2-0/SchemaDatasetFacet", fields=fields)
    if version := entry.get("sha256") or entry.get("md5") or entry.get("version"):
        facets["version"] = _facet("facets/1-0-1/DatasetVersionDatasetFacet", datasetVersion=version)
    statistics = _facet(
        "facets/1-0-0/InputStatisticsInputDatasetFacet",
        rowCount=entry.get("rows"),
        size=entry.get("size_bytes"),
        fileCount=entry.get("files"),
    )
    return {"namespace": where, "name": what, "facets": facets, "inputFacets": {"inputStatistics": statistics}}


def _parents(namespace: str, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    found, _ = parents(body)
    return [
        {"namespace": namespace, "name": parent.name.model, "facets": _model(namespace, str(parent.name.version))}
        for parent in found
    ]


def _model(namespace: str, version: str) -> dict[str, Any]:
    return {
        "dataSource": _facet("facets/1-0-1/DatasourceDatasetFacet", name=namespace, uri=namespace),
        "datasetType": _facet("facets/1-0-1/DatasetTypeDatasetFacet", datasetType="MODEL"),
        "version": _facet("facets/1-0-1/DatasetVersionDatasetFacet", datasetVersion=version),
    }


def _output(namespace: str, name: VersionName, body: Mapping[str, Any], manifest_sha256: str) -> dict[str, Any]:
    files = mappings(body.get("artifacts"))
    own = _own(
        "version_facet",
        manifestSha256=manifest_sha256,
        architecture=text(body, "architecture"),
        artifacts=[
            _told(
                {
                    "path": text(file, "path"),
                    "role": text(file, "role"),
                    "format": text(file, "format"),
                    "sha256": digest(file, "sha256"),
                    "sizeBytes": number(file, "size_bytes"),
                }
            )
            for file in files
        ],
    )
    sizes = [number(file, "size_bytes") for file in files]
    size = sum(value for value in sizes if value is not None) if None not in sizes else None
    statistics = _facet("facets/1-0-2/OutputStatisticsOutputDatasetFacet", size=size, fileCount=len(files) or None)
    return {
        "namespace": namespace,
        "name": name.model,
        "facets": _model(namespace, str(name.version)) | {"modelreg_version": own},
        "outputFacets": {"outputStatistics": statistics},
    }


def _uri(address: str) -> str:
    """An address without user, password, query and fragment, which may hold secrets; empty for what is none."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    authority = parts.netloc.rsplit("@", 1)[-1]
    if not _SCHEME.fullmatch(parts.scheme) or not _AUTHORITY.fullmatch(authority):
        return ""
    return f"{parts.scheme}://{authority}{quote(parts.path, safe='/%:@!$&+,;=~-._', errors='replace')}"
