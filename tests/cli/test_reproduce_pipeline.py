"""`modelreg reproduce` of a stage of a DVC pipeline: its data is put in place by digest, or made by the stages before."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.reproducible import Lab, make_pipeline


@pytest.fixture(scope="module")
def _lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return make_pipeline(tmp_path_factory.mktemp("pipeline"))


@pytest.fixture
def lab(_lab: Lab, tmp_path: Path) -> Lab:
    return _lab.copy(tmp_path / "repo")


def test_only_the_stage_runs_where_its_data_can_be_had(lab: Lab, tmp_path: Path) -> None:
    clone = Lab(lab.room, lab.repo.clone(tmp_path / "fresh"))
    before = clone.theirs()
    said = clone.reproduce("--env", "current")
    assert said.code == 0, said.err
    assert "is reproduced (bitwise)" in said.out
    assert "  runs         dvc repro train" in said.err
    assert "  | registered 1.0.0" in said.err
    assert "preparing" not in said.err
    assert clone.theirs() == before


def test_the_stages_before_run_where_it_cannot(lab: Lab, tmp_path: Path) -> None:
    config = lab.repo.read(".dvc/config")
    lab.repo.commit("an empty remote", {".dvc/config": config.replace("/remote\n", "/empty\n")})
    shutil.rmtree(lab.repo.path / ".dvc" / "cache")
    said = lab.reproduce("--env", "current")
    assert said.code == 0, said.err
    assert "  | preparing" in said.err
    assert "note: data rows is not at hand: what runs must make it" in said.err


def test_the_stages_before_run_where_that_is_asked(lab: Lab) -> None:
    said = lab.reproduce("--env", "current", "--upstream")
    assert (said.code, "  | preparing" in said.err) == (0, True), said.err


def test_a_stage_that_fails(lab: Lab) -> None:
    lab.use("2.0")
    command = "echo \"raise SystemExit('no luck')\" > train.py && dvc repro -q -s -f train"
    said = lab.reproduce("--env", "current", "--command", command)
    assert said.code == 1
    assert "  | no luck" in said.err
    assert "failed with exit code" in said.err
