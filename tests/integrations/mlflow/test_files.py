"""The files of a version: found where MLflow says that they are, kept, checked, and handed out again."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from modelreg import Registry
from modelreg.integrations.mlflow.artifacts import cache_folder
from modelreg.integrations.mlflow.store import ModelregStore
from modelreg.integrations.mlflow.tracking import recorded_metrics
from tests.cli.runner import done
from tests.support import Repo

pytestmark = pytest.mark.filterwarnings("ignore")
COLUMNS = [{"type": "double", "name": "age", "required": True}, {"type": "long", "required": False}]
TENSOR = [{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}]
PARAMS = [{"name": "threshold", "type": "double", "default": 0.5, "shape": None}]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder as MLflow saves one; what it calls the model is bytes that nobody loads."""
    folder = tmp_path / "runs" / "artifacts"
    (folder / "data").mkdir(parents=True)
    signature = {"inputs": json.dumps(COLUMNS), "outputs": json.dumps(TENSOR), "params": json.dumps(PARAMS)}
    lines = [f"  {key}: '{text}'" for key, text in signature.items()]
    (folder / "MLmodel").write_text("\n".join(["flavors: {}", "signature:", *lines, ""]))
    (folder / "data" / "model.pkl").write_bytes(b"\x80\x04cposix\nsystem\n.")
    return folder


def made(store: ModelregStore, source: object, **more: Any) -> ModelVersion:
    if not store.search_registered_models():
        store.create_registered_model("churn")
    return store.create_model_version("churn", str(source), **more)


def folder_of(store: ModelregStore, number: int) -> Path:
    uri = store.get_model_version_download_uri("churn", number)
    assert uri.startswith("file:///")
    return Path(uri.removeprefix("file://"))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_local_folder_is_kept_with_its_signature(ours: ModelregStore, repo: Repo, model: Path) -> None:
    assert made(ours, model.as_uri()).source == model.as_uri()
    made(ours, model)
    made(ours, "elsewhere", local_model_path=str(model))
    before = contents(model)
    shutil.rmtree(model.parent)
    for number in (1, 2, 3):
        assert contents(folder_of(ours, number)) == before
    manifest = Registry(repo.path).get("churn@1.0.0").manifest.body
    artifact = manifest["artifacts"][0]
    assert (artifact["path"], artifact["role"], artifact["format"]) == ("model", "model", "mlflow")
    assert manifest["signature"] == {
        "inputs": [{"name": "age", "type": "double"}, {"name": "1", "type": "long", "nullable": True}],
        "outputs": [{"name": "0", "type": "float32", "shape": [-1, 2]}],
        "parameters": [{"name": "threshold", "type": "double", "default": 0.5}],
    }
    assert done("verify", registry=repo.path).code == 0


def test_what_has_no_files_keeps_its_address(ours: ModelregStore, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    sources = [
        "gs://bucket/m",
        "http://127.0.0.1:1/m",
        "runs:/0123/model",
        "mlflow-artifacts:/a/b",
        "any text",
        "empty",
    ]
    for number, source in enumerate(sources, 1):
        assert made(ours, source).source == source
        assert ours.get_model_version_download_uri("churn", number) == source
    assert not (tmp_path / "mlflow.db").exists()  # to ask a tracking store that is not there would make one


def test_a_password_is_not_committed(ours: ModelregStore, repo: Repo) -> None:
    version = made(ours, "hdfs://ann:secret@host/m", run_link="https://ann:secret@host/run")
    assert (version.source, version.run_link) == ("hdfs://ann@host/m", "https://ann@host/run")
    assert "secret" not in repo.git("grep", "-rn", "ann", "main")


def test_the_registry_does_not_swallow_itself(ours: ModelregStore, repo: Repo) -> None:
    for source in (repo.path, repo.path.parent):
        made(ours, source)
    assert Registry(repo.path).get("churn@1.0.1").manifest.artifacts == ()


def test_a_symlink_in_a_model_is_refused(ours: ModelregStore, model: Path) -> None:
    (model / "link").symlink_to("/etc/passwd")
    with pytest.raises(MlflowException, match="symlink") as refused:
        made(ours, model)
    assert refused.value.error_code == "INVALID_PARAMETER_VALUE"
    assert ours.search_model_versions() == []


def test_an_mlmodel_that_is_no_plain_data_tells_no_signature(ours: ModelregStore, repo: Repo, model: Path) -> None:
    for text in (
        "signature: &a {inputs: *a}",
        "signature: !!python/object:os.system {}",
        "[]",
        "signature: {inputs: '{'}",
    ):
        (model / "MLmodel").write_text(text)
        version = made(ours, model)
        assert "signature" not in Registry(repo.path).get(f"churn@{version.tags['modelreg.version']}").manifest.body


def altered(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file() and b"posix" in path.read_bytes():
            path.chmod(0o644)
            path.write_bytes(path.read_bytes().replace(b"posix", b"POSIX"))


def test_an_object_that_was_altered_is_not_handed_out(tmp_path: Path, model: Path) -> None:
    repo = Repo.init(tmp_path / "other")
    repo.commit("first", {"README.md": "hello\n"})
    done("init", "--policy", "open", "--remote", tmp_path / "storage", registry=repo.path)
    store = ModelregStore(f"modelreg://{repo.path}")
    made(store, model)
    before = contents(model)
    altered(repo.path / ".dvc" / "cache")
    assert contents(folder_of(store, 1)) == before  # the remote has the right one
    shutil.rmtree(cache_folder())
    altered(repo.path / ".dvc" / "cache")
    altered(tmp_path / "storage")
    with pytest.raises(MlflowException) as refused:
        store.get_model_version_download_uri("churn", 1)
    assert refused.value.error_code == "DATA_LOSS"
    assert not list(cache_folder().rglob("MLmodel"))


def test_a_folder_that_was_handed_out_and_touched_is_made_anew(ours: ModelregStore, model: Path) -> None:
    made(ours, model)
    folder = folder_of(ours, 1)
    before = contents(folder)
    (folder / "registered_model_meta").write_text("MLflow's own note\n")
    inode = (folder / "MLmodel").stat().st_ino
    assert folder_of(ours, 1) == folder
    assert (folder / "MLmodel").stat().st_ino == inode
    (folder / "data" / "model.pkl").write_bytes(b"another")
    assert contents(folder_of(ours, 1)) == before
    (folder / "more").write_bytes(b"x")
    assert contents(folder_of(ours, 1)) == before
    os.utime(folder / "MLmodel", ns=(1, 1))
    assert contents(folder_of(ours, 1)) == before


def test_a_copy_holds_what_was_copied(ours: ModelregStore, repo: Repo, model: Path) -> None:
    made(ours, model, run_id="run1")
    (folder_of(ours, 1) / "registered_model_meta").write_text("MLflow's own note\n")
    copy = ours.copy_model_version(ours.get_model_version("churn", 1), "Other")
    first, second = (Registry(repo.path).get(address).manifest for address in ("churn@1.0.0", "other@1.0.0"))
    assert [a.sha256 for a in first.artifacts] == [a.sha256 for a in second.artifacts]
    assert second.body["signature"] == first.body["signature"]
    assert second.parents == (("churn", first.version),)
    assert copy.source == "models:/churn/1"


def test_what_modelreg_registered_is_a_version_too(ours: ModelregStore, repo: Repo) -> None:
    repo.write("../model.csv", "a,b\n1,2\n")
    repo.write("../metrics.json", '{"accuracy": 0.9}')
    top = repo.path.parent
    done(
        "register", "fraud", top / "model.csv", "--metrics", top / "metrics.json", "--tag", "team=a", registry=repo.path
    )
    version = ours.get_model_version("fraud", 1)
    assert (version.name, version.version, version.source) == ("fraud", 1, "modelreg:fraud@1.0.0")
    assert version.tags == {"team": "a"}
    assert version.tags["modelreg.version"] == "1.0.0"
    uri = ours.get_model_version_download_uri("fraud", 1)
    assert contents(Path(uri.removeprefix("file://"))) == {"model.csv": b"a,b\n1,2\n"}
    copy = ours.copy_model_version(version, "fraud 2")
    body = Registry(repo.path).get("fraud-2@1.0.0").manifest.body
    assert (copy.version, body["metrics"]["accuracy"]["value"]) == (1, 0.9)
    with pytest.raises(MlflowException, match="was registered with it and cannot be deleted"):
        ours.delete_model_version_tag("fraud", 1, "team")


def test_metrics_keep_the_names_that_they_had() -> None:
    given = {"f1": 1.0, "val/F1-Score": 2.0, "val f1 score": 3.0, "1st": 4.0, "primary": 5.0, "é": 6.0}
    found = recorded_metrics([*given.items(), ("nan", float("nan")), ("inf", float("inf")), ("f1", 7.0)])
    assert {entry.get("source_name", name): entry["value"] for name, entry in found.items()} == given | {"f1": 7.0}
    assert list(found) == ["f1", "val_f1_score", "val_f1_score_2", "m_1st", "m_primary", "m"]
