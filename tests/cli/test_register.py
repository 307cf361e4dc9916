"""What `register` records of where a version comes from, and what it refuses, changing nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.cli.runner import done, everything, manifest_of, modelreg
from tests.support import Repo


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """A registry with code, data and a pipeline beside it, all committed but the model."""
    repo = Repo.init(tmp_path_factory.mktemp("made") / "repo")
    repo.commit(
        "code",
        {
            "job/train.py": "print('trained')\n",
            "job/dvc.yaml": "stages:\n  train:\n    cmd: python train.py\n",
            "data/in.csv": "a,b\n1,x\n2,y\n",
            ".gitignore": "/out\n",
        },
    )
    done("init", "--embedded", registry=repo.path)
    repo.write("out/model.bin", "weights")
    return repo


@pytest.fixture
def here(made: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    repo = made.copy(tmp_path / "copy")
    monkeypatch.chdir(repo.path)
    return repo


def manifest(repo: Repo, version: str = "1.0.0", model: str = "churn") -> Any:
    return manifest_of(repo, model, version)


def lineage(repo: Repo, version: str = "1.0.0") -> Any:
    return manifest(repo, version)["lineage"]


def test_the_command_and_where_it_left_the_model(here: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(here.path / "job")
    done("register", "churn", "../out/model.bin", "--command", "python train.py --x 1", "--seed", "python=7")
    assert lineage(here)["pipeline"] == {
        "command": "python train.py --x 1",
        "folder": "job",
        "outputs": {"model.bin": "out/model.bin"},
        "seeds": {"python": 7},
    }


def test_the_stage(here: Repo) -> None:
    done("register", "churn", "out/model.bin", "--stage", "job/dvc.yaml:train")
    outputs = {"model.bin": "out/model.bin"}
    assert lineage(here)["pipeline"] == {"file": "job/dvc.yaml", "stage": "train", "outputs": outputs}


def test_the_stage_that_it_runs_in(here: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_STAGE", "job/dvc.yaml:train")
    monkeypatch.setenv("DVC_ROOT", str(here.path))
    monkeypatch.chdir(here.path / "job")
    done("register", "churn", "../out/model.bin")
    assert lineage(here)["pipeline"]["stage"] == "train"


def test_nothing_is_said_of_what_nobody_stated(here: Repo) -> None:
    done("register", "churn", "out/model.bin")
    assert "pipeline" not in lineage(here)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--command", "python /tmp/train.py"], "a path of this machine"),
        (["--command", "TOKEN=abc python train.py"], "looks like a secret"),
        (["--command", "x", "--stage", "train"], "exclude each other"),
        (["--stage", "job/dvc.yaml:gone"], "no stage"),
        (["--seed", "python=7.5"], "no whole number"),
        (["--seed", "7"], "not KEY=VALUE"),
        (["--data", "data/gone.csv"], "no such data"),
        (["--data", "data/pipe"], "neither a file nor a folder"),
        (["--data", "data"], "neither a file nor a folder"),
        (["--data", "data/link.csv"], "points nowhere"),
        (["--data", "data/in.csv", "--data", "in=job"], "two data sets are called in"),
        (["--data", "data/in.csv", "--data-source", "out=s3://x"], "no data set is called 'out'"),
        (["--feature", "=a: b"], "names no feature"),
        (["--env", "gone.lock"], "no such lock file"),
        (["--env", "data"], "no lock file"),
    ],
)
def test_what_is_refused(here: Repo, options: list[str], says: str) -> None:
    os.mkfifo(here.path / "data/pipe")
    (here.path / "data/link.csv").symlink_to("nowhere")
    before = everything(here)
    said = modelreg("register", "churn", "out/model.bin", *options)
    assert said.code in (1, 2)
    assert says in said.err
    assert everything(here) == before


def test_data_features_and_where_it_came_from(here: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    here.write("parts/one.csv", "a,b\n1,x\n")
    here.write("parts/two.csv", "a,b\n2,y\n3,z\n")
    monkeypatch.chdir(here.path / "job")
    options = ["--data", "../data/in.csv", "--data", "more=../parts:test", "--data-source", "more=s3://lake/more"]
    feature = "tenure=signed_up, now: whole months: until now"
    said = done("register", "churn", "../out/model.bin", *options, "--feature", feature, "--feature", "age")
    assert said.err == "next: modelreg stage set churn 1.0.0 staging\n"
    first, second = lineage(here)["data"]
    assert (first["name"], first["role"], first["path"], first["rows"]) == ("in", "train", "data/in.csv", 2)
    assert (second["name"], second["role"], second["path"], second["files"]) == ("more", "test", "parts", 2)
    assert (second["rows"], second["columns"], second["source"]) == (3, 2, "s3://lake/more")
    assert second["md5"].endswith(".dir")
    assert lineage(here)["features"] == [
        {"name": "tenure", "from": ["signed_up", "now"], "transformation": "whole months: until now"},
        {"name": "age"},
    ]
    assert done("validate", registry=here.path).code == 0


def test_rows_that_cannot_be_counted_are_left_out_and_said(here: Repo) -> None:
    here.write("data/bad.csv", "a,b\n1\n")
    said = done("register", "churn", "out/model.bin", "--data", "data/bad.csv")
    assert "the rows of data/bad.csv are not recorded: a row has 1 values, the header 2\n" in said.err
    (data,) = lineage(here)["data"]
    assert data["size_bytes"] == 6
    assert "rows" not in data


def test_a_dirty_tree_is_recorded_and_said(here: Repo) -> None:
    here.write("job/train.py", "print('other')\n")
    said = done("register", "churn", "out/model.bin")
    assert said.err.startswith("job/train.py differs from the commit, which is recorded")
    assert lineage(here)["code"]["dirty_files"] == ["job/train.py"]
    assert done("register", "churn", "out/model.bin").err.startswith("the same content"), "nothing is recorded anew"


def test_outside_git_is_said(here: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = done("register", "churn", "copy/out/model.bin", registry=here.path)
    assert "the code is not recorded: " in said.err
    assert "is in no git repository" in said.err
    assert "code" not in lineage(here)


def test_a_shell_says_little_of_the_environment(here: Repo) -> None:
    """What is installed beside modelreg's own command is not what the version was made with."""
    done("register", "churn", "out/model.bin")
    environment = lineage(here)["environment"]
    assert "packages" not in environment
    assert "lock" not in environment
    assert [artifact["role"] for artifact in manifest(here)["artifacts"]] == ["model"]


def test_the_lock_that_lies_near(here: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    here.commit("lock", {"uv.lock": "version = 1\n"})
    monkeypatch.chdir(here.path / "job")
    done("register", "churn", "../out/model.bin")
    lock = lineage(here)["environment"]["lock"]
    assert (lock["path"], lock["source"]) == ("uv.lock", "file")
    assert len(manifest(here)["artifacts"]) == 1, "the commit has it"


def test_a_lock_that_the_commit_has_not_is_kept(here: Repo, tmp_path: Path) -> None:
    here.write("out/model.lock", "numpy==2\n")
    dry = done("register", "churn", "out/model.bin", "--env", "out/model.lock", "--dry-run")
    assert "model.lock.dvc" in dry.out
    done("register", "churn", "out/model.bin", "--env", "out/model.lock")
    assert [(a["path"], a["role"]) for a in manifest(here)["artifacts"]] == [
        ("model.bin", "model"),
        ("model.lock", "lock"),
    ]
    here.write("out/model.lock", "numpy==3\n")
    again = done("register", "churn", "out/model.bin", "--env", "out/model.lock")
    assert "already registered: churn@1.0.0" in again.out, "a lock is no content"
    done("pull", "churn@1.0.0", "--to", tmp_path / "pulled", registry=here.path)
    assert (tmp_path / "pulled/model.lock").read_text() == "numpy==2\n"


def test_a_lock_with_the_name_of_an_artifact(here: Repo) -> None:
    here.write("out/requirements.txt", "numpy==2\n")
    here.write("other/requirements.txt", "numpy==3\n")
    done("register", "churn", "out/requirements.txt", "--env", "other/requirements.txt")
    assert [a["path"] for a in manifest(here)["artifacts"]] == ["requirements.txt", "lock-requirements.txt"]


def test_the_run_of_a_tracker(here: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_RUN_ID", "abc123")
    done("register", "churn", "out/model.bin")
    assert lineage(here)["run"] == {"tracker": "mlflow", "id": "abc123"}
