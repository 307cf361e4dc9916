"""Runs under MLflow's Python: a store with the versions that standard input lists, and the ways to ask it for metrics.

`search_model_versions` cannot ask for a metric, so that an MLflow user has three ways to the versions with a metric
above something: all versions with their tags, compared in Python; the runs that have the metric, and the versions of
those runs; or the logged models that have it, whose tag names their versions.

Given: the store's URI, the number of runs, and JSON {rows: [[name, number, {metric: value}], …], metrics: {NAME: [sign,
value]}}. Printed: JSON {way: {seconds: […], answer: [[name, number], …]}}.
"""

from __future__ import annotations

import json
import operator
import sqlite3
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import mlflow
from mlflow import MlflowClient

Row = tuple[str, int, Mapping[str, float]]
Wanted = Mapping[str, tuple[str, float]]
_SIGNS = {">=": operator.ge, "<": operator.lt}
_PAGE = 1000
_IN = 500
_TABLES = (
    "runs",
    "tags",
    "metrics",
    "latest_metrics",
    "logged_models",
    "logged_model_metrics",
    "logged_model_tags",
    "registered_models",
    "model_versions",
    "model_version_tags",
)


def fill(uri: str, rows: Sequence[Row]) -> None:
    """The first version through MLflow's API: a run with its metrics, a logged model, a registered version; the rows
    that this made are written again for every other one: the API would take ten minutes for ten thousand."""
    client = MlflowClient()
    name, _, metrics = rows[0]
    run = client.create_run("0").info.run_id
    model = client.create_logged_model("0", name, source_run_id=run).model_id
    for key, value in metrics.items():
        client.log_metric(run, key, value, model_id=model)
    client.finalize_logged_model(model, "READY")
    mlflow.register_model(f"models:/{model}", name, tags={key: str(value) for key, value in metrics.items()})
    database = sqlite3.connect(uri.removeprefix("sqlite:///"))
    for table in _TABLES:
        found = database.execute(f"SELECT * FROM {table}")
        columns, first = [column[0] for column in found.description], found.fetchall()
        if not first:
            raise RuntimeError(f"MLflow has nothing in {table}")
        marks = ", ".join("?" * len(columns))
        insert = f"INSERT OR IGNORE INTO {table} VALUES ({marks})"
        database.executemany(insert, _again(columns, first, (run, model), rows))
    database.commit()
    database.close()


def _again(
    columns: Sequence[str], first: Sequence[Sequence[Any]], ids: tuple[str, str], rows: Sequence[Row]
) -> Iterator[list[Any]]:
    name = rows[0][0]
    keys = ("key", "metric_name")
    for other, number, metrics in rows[1:]:
        fresh = uuid.uuid5(uuid.NAMESPACE_OID, f"{other} {number}").hex
        words = {ids[0]: fresh, ids[1]: f"m-{fresh}", f'"{name}", "version": 1': f'"{other}", "version": {number}'}
        for row in first:
            metric = next((metrics[row[n]] for n, c in enumerate(columns) if c in keys and row[n] in metrics), None)
            yield [
                _changed(c, value, words, (name, other), number, metric) for c, value in zip(columns, row, strict=True)
            ]


def _changed(
    column: str, value: Any, words: Mapping[str, str], names: tuple[str, str], number: int, metric: float | None
) -> Any:
    if column == "version":
        return number
    if metric is not None and column in ("value", "metric_value"):
        return str(metric) if isinstance(value, str) else metric
    if not isinstance(value, str):
        return value
    if value == names[0]:
        return names[1]
    for before, after in words.items():
        value = value.replace(before, after)
    return value


Answer = set[tuple[str, int]]


def by_versions(client: MlflowClient, wanted: Wanted) -> Answer:
    found = _pages(partial(client.search_model_versions, "name LIKE 'model-%'", _PAGE, None))
    signs = {key: (_SIGNS[sign], value) for key, (sign, value) in wanted.items()}
    return {
        (v.name, int(v.version))
        for v in found
        if all(sign(float(v.tags[key]), value) for key, (sign, value) in signs.items())
    }


def by_runs(client: MlflowClient, wanted: Wanted) -> Answer:
    runs = [
        run.info.run_id
        for run in _pages(lambda token: client.search_runs(["0"], _filter(wanted), max_results=_PAGE, page_token=token))
    ]
    found: Answer = set()
    for some in (runs[start : start + _IN] for start in range(0, len(runs), _IN)):
        text = "run_id IN ({})".format(", ".join(f"'{run}'" for run in some))
        page = partial(client.search_model_versions, text, _PAGE, None)
        found |= {(version.name, int(version.version)) for version in _pages(page)}
    return found


def by_logged_models(client: MlflowClient, wanted: Wanted) -> Answer:
    def page(token: str | None) -> Any:
        return client.search_logged_models(["0"], _filter(wanted), max_results=_PAGE, page_token=token)

    return {
        (version["name"], int(version["version"]))
        for model in _pages(page)
        for version in json.loads(model.tags["mlflow.modelVersions"])
    }


def _filter(wanted: Wanted) -> str:
    return " AND ".join(f"metrics.{key} {sign} {value}" for key, (sign, value) in wanted.items())


def _pages(page: Callable[[str | None], Any]) -> Iterable[Any]:
    token: str | None = None
    while True:
        found = page(token)
        yield from found
        token = found.token
        if not token:
            return


def main() -> None:
    uri, runs = sys.argv[1], int(sys.argv[2])
    given = json.load(sys.stdin)
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    client = MlflowClient()
    fill(uri, given["rows"])
    told = {}
    for way, ask in {
        "`search_model_versions`, metrics as tags": by_versions,
        "`search_runs`, then their versions": by_runs,
        "`search_logged_models`": by_logged_models,
    }.items():
        answer, seconds = ask(client, given["metrics"]), []
        for _ in range(runs):
            start = time.perf_counter()
            answer = ask(client, given["metrics"])
            seconds.append(time.perf_counter() - start)
        told[way] = {"seconds": seconds, "answer": sorted(answer)}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
