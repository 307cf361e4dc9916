"""What becomes of another registry's data: names, addresses without secrets, MLmodel files, the way out again."""

from __future__ import annotations

import io
import json
import math
import sys
from typing import Any

import pytest

from modelreg.cli.progress import Count
from modelreg.domain.foreign.addresses import is_local, place, public, scrubbed, without_users
from modelreg.domain.foreign.entities import MANIFEST_TAG, VERSION_TAG, ForeignData, ForeignRun, ForeignVersion
from modelreg.domain.foreign.facts import metric_names, run_facts, source_of
from modelreg.domain.foreign.mlmodel import mlmodel_facts
from modelreg.domain.foreign.outward import elsewhere, marks, run_mark, run_of, tag_changes, tags_of, too_long
from modelreg.domain.manifest import Manifest

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def manifest(**body: Any) -> Manifest:
    return Manifest.from_mapping({"model": "churn", "version": "1.2.0", "artifacts": [], **body})


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://ada:s3cret@mlflow.example/team", "https://mlflow.example/team"),
        ("https://ada:p@ss@mlflow.example", "https://mlflow.example"),
        ("https://token@mlflow.example/?key=1#x", "https://mlflow.example"),
        (
            "postgresql+psycopg2://ada:s3cret@db.example:5432/mlflow?sslmode=require",
            "postgresql://db.example:5432/mlflow",
        ),
        ("sqlite:////home/ada/secret place/mlflow.db", "mlflow.db"),
        ("file:///home/ada/mlruns/", "mlruns"),
        ("/home/ada/mlruns", "mlruns"),
        ("databricks", "databricks"),
    ],
)
def test_a_registry_is_named_without_secrets_and_paths(address: str, shown: str) -> None:
    assert place(address) == shown


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("s3://bucket/a?X-Amz-Signature=abc", "s3://bucket/a"),
        ("wasbs://container@account.blob.core.windows.net/a", "wasbs://container@account.blob.core.windows.net/a"),
        ("wasbs://user:key@account/a", "wasbs://account/a"),
        ("models:/m-0123", "models:/m-0123"),
        ("runs:/0123/model", "runs:/0123/model"),
        ("mlflow-artifacts://ada:pw@host:5000/1/2", "mlflow-artifacts://host:5000/1/2"),
        ("/data/what? is#this", "/data/what? is#this"),
    ],
)
def test_an_address_goes_into_a_manifest_without_secrets(address: str, kept: str) -> None:
    assert public(address) == kept


def test_a_message_quotes_no_secret() -> None:
    uri = "postgresql://ada:s%40cret@db/mlflow"
    said = f"cannot reach {uri} as s@cret or s%40cret; see https://bo:pw@x.example/y"
    assert scrubbed(said, [uri]) == "cannot reach postgresql://db/mlflow as *** or ***; see https://x.example/y"
    assert "tok3n" not in scrubbed("user tok3n", ["https://tok3n@x.example"])
    assert without_users("git+https://ada:pw@github.com/x") == "git+https://github.com/x"


def test_what_is_a_path_of_this_machine() -> None:
    assert all(map(is_local, ("/a", "a/b", "file:///a", "file:a", "sqlite:///a")))
    assert not any(
        map(is_local, ("s3://a", "mlflow-artifacts:/1", "models:/m-1", "postgresql://a", "http://a", "databricks"))
    )


def test_metrics_have_names_of_ours_and_keep_their_own() -> None:
    names = metric_names(["f1_score", "F1 score", "f1-score", "2fa", "Größe", "primary", "准确率", "a" * 250])
    assert names["f1_score"] == "f1_score"
    assert names["F1 score"] == "f1_score_2"
    assert names["f1-score"] == "f1_score_3"
    assert names["2fa"] == "m_2fa"
    assert names["Größe"] == "gr_e"
    assert names["primary"] == "m_primary"
    assert len(names["准确率"]) == len("m_") + 12
    assert names["a" * 250] == "a" * 128
    facts = run_facts(ForeignRun("r", metrics={"F1 score": 0.5, "loss": math.nan, "auc": math.inf}))
    assert facts.metrics == {"f1_score": {"value": 0.5, "source_name": "F1 score"}}
    assert [note.split(":")[0] for note in facts.notes] == [
        "the metric 'auc' is inf, which is no number",
        "the metric 'loss' is nan, which is no number",
    ]


def test_a_run_is_lineage() -> None:
    data = ForeignData("customers", "0a1b", "s3", '{"uri": "s3://u:p@lake/c"}', "", '{"num_rows": 7}', "training")
    run = ForeignRun(
        "r1",
        "sweep",
        "experiment",
        params={"depth": "3"},
        tags={
            "mlflow.source.git.commit": COMMIT,
            "mlflow.source.git.repoURL": "https://ada:pw@git.example/x",
            "mlflow.parentRunId": "r0",
            "mlflow.log-model.history": "[]",
        },
        data=(data, data),
        parent="r0",
        url="https://mlflow.example/#/experiments/1/runs/r1",
    )
    facts = run_facts(run).facts
    assert facts["params"] == {"depth": "3"}
    assert facts["lineage"]["code"] == {"commit": COMMIT, "repository": "https://git.example/x"}
    assert facts["lineage"]["data"] == [
        {
            "name": "customers",
            "role": "training",
            "source": '{"uri": "s3://lake/c"}',
            "version": "0a1b",
            "format": "s3",
            "rows": 7,
        }
    ]
    made = facts["lineage"]["run"]
    assert (made["id"], made["parent"], made["experiment"], made["name"]) == ("r1", "r0", "experiment", "sweep")
    assert set(made["tags"]) == {"mlflow.source.git.commit", "mlflow.source.git.repoURL"}
    assert "pw" not in json.dumps(facts)
    assert "p@" not in json.dumps(facts)


def test_a_run_comes_out_as_it_went_in() -> None:
    data = ForeignData("d", "0a", "local", '{"uri": "d.csv"}', "", '{"num_rows": 7}', "eval")
    run = ForeignRun("r", "name", "exp", {"F1 x": 0.1, "f1_x": 0.2}, {"a": "", "b": "1"}, {"t": "u"}, (data,), "p")
    facts = run_facts(run)
    there = run_of(manifest(metrics=facts.metrics, **facts.facts))
    assert there == run


def test_a_version_that_never_was_in_mlflow_has_a_run_there() -> None:
    body = manifest(
        metrics={"f1": {"value": 1}},
        params={"depth": 3, "layers": [1, 2], "long": "x" * 6001},
        lineage={"code": {"commit": COMMIT}, "data": [{"name": "d", "path": "d.csv", "sha256": "ab" * 32}]},
    )
    run = run_of(body)
    assert run.params["layers"] == "[1, 2]"
    assert too_long(run) == ("long",)
    assert run.tags == {"mlflow.source.git.commit": COMMIT}
    assert run.data == (ForeignData("d", ("ab" * 32)[:36], "local", '{"uri": "d.csv"}'),)
    assert run_mark("id", body) == "id/churn@1.2.0"
    assert run_mark("id", manifest(lineage={"run": {"tracker": "mlflow", "id": "r"}})) == "id/r"
    assert run_mark("id", manifest(lineage={"run": {"tracker": "wandb", "id": "r"}})) == "id/churn@1.2.0"
    assert marks("id", body, "ab") == {VERSION_TAG: "id/churn@1.2.0", MANIFEST_TAG: "ab"}


def test_where_files_are_that_are_not_here() -> None:
    there = {"tool": "mlflow", "uri": "models:/m-1", "location": "s3://bucket/a"}
    assert elsewhere("id", manifest(source=there)) == ("s3://bucket/a", {})
    assert elsewhere("id", manifest(source={"uri": "/home/ada/x"})) == (
        "modelreg:/id/churn@1.2.0",
        {"modelreg.source": "/home/ada/x"},
    )


def test_tags_are_those_that_may_change_over_those_that_may_not() -> None:
    body = manifest(tags={"a": "1", "b": "1"})
    assert tags_of(body, {"tags": {"b": "2", "modelreg.x": "y"}}) == {"a": "1", "b": "2"}
    assert tag_changes({"a": "1", "b": "2"}, {"b": "1", "c": "3", "modelreg.x": "y"}) == ({"a": "1", "b": "2"}, ("c",))


def test_the_source_of_a_version_tells_no_password() -> None:
    version = ForeignVersion("Churn", 7, 1_700_000_000, "s3://u:p@bucket/a?sig=1", by="ada", logged="m-1")
    assert source_of(version, "s3://u:p@other/b") == {
        "uri": "s3://bucket/a",
        "location": "s3://other/b",
        "model_id": "m-1",
        "tool": "mlflow",
        "model": "Churn",
        "version": "7",
        "created": "2023-11-14T22:13:20Z",
        "by": "ada",
    }
    assert source_of(ForeignVersion("Churn", 7, 0))["uri"] == "models:/Churn/7"


def mlmodel(inputs: Any = None, outputs: Any = None, params: Any = None) -> Any:
    texts = {"inputs": inputs, "outputs": outputs, "params": params}
    return {"signature": {key: value if value is None or isinstance(value, str) else json.dumps(value)
                          for key, value in texts.items()}}  # fmt: skip


def test_an_mlmodel_file_tells_signature_and_framework() -> None:
    body = mlmodel(
        [
            {"type": "double", "name": "age", "required": True},
            {"type": "string", "name": "country", "required": False},
            {"type": "array", "name": "xs", "items": {"type": "long"}},
            {"type": "object", "name": "o", "properties": {"a": {"type": "map", "values": {"type": "string"}}}},
        ],
        [{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1, 2]}}],
        [{"name": "t", "type": "double", "default": 0.5, "shape": None}, {"name": "u", "type": "long", "shape": [-1]}],
    )
    body["flavors"] = {
        "python_function": {"python_version": "3.11.7"},
        "sklearn": {"sklearn_version": "1.5.2", "pickled_model": "model.pkl"},
    }
    assert mlmodel_facts(body) == {
        "framework": {"name": "scikit-learn", "version": "1.5.2"},
        "environment": {"python": "3.11.7"},
        "signature": {
            "inputs": [
                {"name": "age", "type": "double"},
                {"name": "country", "type": "string", "nullable": True},
                {"name": "xs", "type": "array<long>"},
                {"name": "o", "type": "object<a:map<string>>"},
            ],
            "outputs": [{"name": "0", "type": "int64", "shape": [-1, 2]}],
            "parameters": [
                {"name": "t", "type": "double", "default": 0.5},
                {"name": "u", "type": "long", "shape": [-1]},
            ],
        },
    }


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"flavors": [], "signature": "text"},
        {"flavors": {"python_function": None}, "signature": {"inputs": "{"}},
        mlmodel("null", "5"),
        mlmodel([{"name": "a"}]),
        mlmodel([{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": ["x"]}}]),
        mlmodel([{"type": "double", "name": "a" * 501}]),
        mlmodel('[{"type": "double", "default": NaN}]'),
        mlmodel("[" * 100_000),
    ],
    ids=lambda body: str(body)[:40],
)
def test_an_mlmodel_file_that_is_none_tells_nothing(body: Any) -> None:
    assert mlmodel_facts(body) == {}


def test_the_bar_over_versions_is_for_those_who_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    for screen in (io.StringIO(), Terminal()):
        monkeypatch.setattr(sys, "stderr", screen)
        bar = Count()
        bar.start("churn", 20)
        bar.reach(7)
        bar.finish()
        bar.reach(8)
        assert ("7/20" in screen.getvalue()) is screen.isatty()
