"""A19: a small file of a pull request that makes the judge work for hours: a record whose name is a huge number."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.runner import artifact, done, modelreg
from tests.support import Repo


@pytest.mark.parametrize("number", ["0005", "9999999", "9" * 40])
def test_A19_a_gap_is_one_finding_however_wide(tmp_path: Path, number: str) -> None:
    repo = Repo.init(tmp_path / "repo")
    done("init", "--embedded", registry=repo.path)
    done("register", "churn", artifact(tmp_path, "one"), registry=repo.path)
    done("stage", "set", "churn", "1.0.0", "staging", registry=repo.path)
    repo.git("switch", "-q", "-c", "attack")
    record = repo.read("registry/churn/transitions/0001.yaml")
    repo.commit("a record", {f"registry/churn/transitions/{number}.yaml": record})
    told = modelreg("validate", "--json", "--ref", "attack", registry=repo.path)
    assert told.code == 1
    (gap,) = [f for f in told.json("validate")["findings"] if f["code"] == "transition-gap"]
    assert gap["file"] == "registry/churn/transitions/0002.yaml"
    assert f"all up to {int(number) - 1:04d}" in gap["message"]
    assert modelreg("gate", "--base", "main", "--head", "attack", registry=repo.path).code == 1
    assert modelreg("list", "--ref", "attack", registry=repo.path).code == 0
