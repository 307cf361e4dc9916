"""What `register` records of where a version comes from, and what it refuses, changing nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelreg.adapters.documents import YamlDocuments
from tests.cli.runner import done, everything, modelreg
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
    repo.write("out/model.onnx", "weights")
    return repo


@pytest.fixture
def here(made: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    repo = made.copy(tmp_path / "copy")
    monkeypatch.chdir(repo.path)
    return repo


def manifest(repo: Repo, version: str = "1.0.0", model: str = "churn") -> Any:
    path = f"registry/{model}/{version}/manifest.yaml"
    return YamlDocuments().load(repo.show(path).encode(), path).value


def lineage(repo: Repo, version: str = "1.0.0") -> Any:
    return manifest(repo, version)["lineage"]


def test_the_command_and_where_it_left_the_model(here: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(here.path / "job")
    done("register", "churn", "../out/model.onnx", "--command", "python train.py --x 1", "--seed", "python=7")
    assert lineage(here)["pipeline"] == {
        "command": "python train.py --x 1",
        "folder": "job",
        "outputs": {"model.onnx": "out/model.onnx"},
        "seeds": {"python": 7},
    }


def test_the_stage(here: Repo) -> None:
    done("register", "churn", "out/model.onnx", "--stage", "job/dvc.yaml:train")
    outputs = {"model.onnx": "out/model.onnx"}
    assert lineage(here)["pipeline"] == {"file": "job/dvc.yaml", "stage": "train", "outputs": outputs}


def test_the_stage_that_it_runs_in(here: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_STAGE", "job/dvc.yaml:train")
    monkeypatch.setenv("DVC_ROOT", str(here.path))
    monkeypatch.chdir(here.path / "job")
    done("register", "churn", "../out/model.onnx")
    assert lineage(here)["pipeline"]["stage"] == "train"


def test_nothing_is_said_of_what_nobody_stated(here: Repo) -> None:
    done("register", "churn", "out/model.onnx")
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
    ],
)
def test_what_is_refused(here: Repo, options: list[str], says: str) -> None:
    before = everything(here)
    said = modelreg("register", "churn", "out/model.onnx", *options)
    assert said.code in (1, 2)
    assert says in said.err
    assert everything(here) == before
