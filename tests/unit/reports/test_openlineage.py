"""OpenLineage's events, against the classes that its own client generates from the specification (openlineage-python):
every field is known there, required ones are given, values are of the declared type and pass the client's validators.
"""

from __future__ import annotations

import enum
import json
import types
import typing
import uuid
from collections.abc import Callable
from typing import Any

import attr
import pytest
from openlineage.client import event_v2, facet_v2
from openlineage.client.generated import base

from modelreg.domain.reports.openlineage import PRODUCER, run_event
from modelreg.errors import InvalidError
from tests.lineage import body, data, everything, name, parent, sha
from tests.payloads import PAYLOADS

FACETS: dict[str, type[Any]] = {
    "jobType": facet_v2.job_type_job.JobTypeJobFacet,
    "sourceCodeLocation": facet_v2.source_code_location_job.SourceCodeLocationJobFacet,
    "processing_engine": facet_v2.processing_engine_run.ProcessingEngineRunFacet,
    "dataSource": facet_v2.datasource_dataset.DatasourceDatasetFacet,
    "schema": facet_v2.schema_dataset.SchemaDatasetFacet,
    "version": facet_v2.dataset_version_dataset.DatasetVersionDatasetFacet,
    "datasetType": facet_v2.dataset_type_dataset.DatasetTypeDatasetFacet,
    "inputStatistics": facet_v2.input_statistics_input_dataset.InputStatisticsInputDatasetFacet,
    "outputStatistics": facet_v2.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
}
OURS = {"modelreg_training", "modelreg_version"}
REGISTRY = "0" * 32
FULL = body(
    code={"repository": "https://example.org/ml.git", "commit": "a" * 40, "branch": "main", "dirty": False},
    data=[
        data("customers", rows=3, size_bytes=9, role="train", schema=[{"name": "a", "type": "int64"}]),
        data("pile", source="s3://user:secret@bucket.example/raw/pile.parquet?sig=secret#x"),
        {"name": "bare"},
    ],
    environment={"python": "3.11.7", "lock": {"path": "uv.lock", "sha256": sha("lock")}},
    pipeline={"file": "dvc.yaml", "stage": "train"},
    run={"tracker": "mlflow", "id": "42"},
    parents=[parent("base@2.0.0")],
) | {"framework": {"name": "scikit-learn", "version": "1.6.1"}, "artifacts": [{"path": "m", "size_bytes": 7}]}


def event(made: dict[str, Any]) -> dict[str, Any]:
    return run_event(REGISTRY, name("churn@1.3.0"), made, sha("manifest"))


def check(value: Any, wanted: Any, at: str = "") -> None:
    """`value` is as an annotation of the client's classes wants it."""
    origin = typing.get_origin(wanted)
    if origin is types.UnionType:
        choices = [each for each in typing.get_args(wanted) if each is not type(None)]
        assert len(choices) == 1, at
        check(value, choices[0], at)
    elif origin is list:
        assert isinstance(value, list), at
        for number, item in enumerate(value):
            check(item, typing.get_args(wanted)[0], f"{at}[{number}]")
    elif origin is dict:
        for key, item in value.items():
            check_facet(key, item, f"{at}.{key}")
    elif isinstance(wanted, type) and issubclass(wanted, enum.Enum):
        assert value in {each.value for each in wanted}, at
    elif attr.has(wanted):
        check_fields(value, wanted, at)
    else:
        assert type(value) is wanted, at


def check_fields(value: Any, wanted: Any, at: str) -> None:
    assert isinstance(value, dict), at
    fields = {field.name: field for field in attr.fields(attr.resolve_types(wanted))}
    assert set(value) <= set(fields), at
    assert {n for n, f in fields.items() if f.default is attr.NOTHING} <= set(value), at
    for key, item in value.items():
        check(item, fields[key].type, f"{at}.{key}")
        if fields[key].validator:
            judge: Callable[..., None] = fields[key].validator
            judge(None, fields[key], item)


def check_facet(key: str, value: Any, at: str) -> None:
    assert value["_producer"] == PRODUCER, at
    if key in OURS:
        assert value["_schemaURL"].startswith("https://modelreg.dev/schemas/output/lineage.v1.json#/$defs/")
        return
    assert value["_schemaURL"] == FACETS[key]._get_schema(), at
    check_fields(value, FACETS[key], at)


def valid(made: dict[str, Any]) -> None:
    check_fields(made, base.RunEvent, "event")
    assert made["schemaURL"] == event_v2.RunEvent._get_schema()
    json.dumps(made, allow_nan=False)


def test_an_event_is_as_the_specification_wants_it() -> None:
    made = event(FULL)
    valid(made)
    assert made["eventType"] == "COMPLETE"
    assert made["job"]["name"] == "churn/dvc.yaml:train"
    assert [(item["namespace"], item["name"]) for item in made["inputs"]] == [
        (f"modelreg://{REGISTRY}", "customers"),
        ("s3://bucket.example", "raw/pile.parquet"),
        (f"modelreg://{REGISTRY}", "bare"),
        (f"modelreg://{REGISTRY}", "base"),
    ]
    assert made["inputs"][3]["facets"]["version"]["datasetVersion"] == "2.0.0"
    (output,) = made["outputs"]
    assert (output["name"], output["facets"]["version"]["datasetVersion"]) == ("churn", "1.3.0")
    assert output["outputFacets"]["outputStatistics"]["size"] == 7


SPOILT: list[Callable[[dict[str, Any]], Any]] = [
    lambda e: e["run"].update(runId="not-a-uuid"),
    lambda e: e.update(eventType="DONE"),
    lambda e: e.pop("eventTime"),
    lambda e: e["job"].pop("namespace"),
    lambda e: e["inputs"][0].update(size=3),
    lambda e: e["inputs"][0]["facets"]["schema"]["fields"][0].pop("name"),
    lambda e: e["inputs"][0]["inputFacets"]["inputStatistics"].update(rowCount="3"),
    lambda e: e["outputs"][0]["facets"]["version"].pop("datasetVersion"),
    lambda e: e["outputs"][0]["facets"].update(odd={"_producer": PRODUCER, "_schemaURL": "x"}),
]


@pytest.mark.parametrize("spoil", SPOILT)
def test_the_check_itself_refuses(spoil: Callable[[dict[str, Any]], Any]) -> None:
    made = event(FULL)
    spoil(made)
    with pytest.raises((AssertionError, ValueError, KeyError)):
        valid(made)


def test_no_secret_of_an_address_goes_out() -> None:
    assert "secret" not in json.dumps(event(FULL))


def test_the_same_version_is_the_same_run() -> None:
    first = event(FULL)["run"]["runId"]
    assert uuid.UUID(first).version == 5
    assert event(FULL)["run"]["runId"] == first
    assert run_event("1" * 32, name("churn@1.3.0"), FULL, sha("manifest"))["run"]["runId"] != first
    assert run_event(REGISTRY, name("churn@1.3.0"), FULL, sha("other"))["run"]["runId"] != first


def test_an_event_without_a_time_is_none() -> None:
    for created in ("", "yesterday", "2026-11-24"):
        with pytest.raises(InvalidError):
            event(body(created=created))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a25_any_text_gives_a_valid_event(payload: str) -> None:
    valid(event(everything(payload)))


@pytest.mark.parametrize("source", ["x", "//host/x", "http://[bad/x", "javascript:alert(1)", "file:///etc/passwd", "s3://bucket", "a b://c/d", "http://h:99999999/x"])  # fmt: skip
def test_what_is_no_address_is_named_in_the_registry(source: str) -> None:
    made = event(body(data=[{"name": "d", "source": source}]))
    valid(made)
    assert made["inputs"][0]["namespace"] == f"modelreg://{REGISTRY}"
