"""This repository is a registry, and it is sound; its models can be pulled and used from a fresh clone."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelreg.domain.address import Address
from modelreg.registry.validate import validate
from modelreg.registry.verify import verify
from modelreg.wiring import open_workspace
from tests.support import clone_of

TOP = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clone_of(TOP, tmp_path_factory.mktemp("own") / "clone")


def test_it_is_valid_and_verifies(clone: Path) -> None:
    workspace = open_workspace(clone)
    assert validate(workspace).findings == ()
    found = verify(workspace, content=True)
    assert found.versions >= 6
    assert [finding for finding in found.findings if finding.severity == "error"] == []


@pytest.mark.parametrize("model", ["churn_predictor", "diabetes_progression"])
def test_production_predicts_on_its_own_example(clone: Path, model: str, tmp_path: Path) -> None:
    import pandas as pd

    from modelreg import Registry

    version = Registry(clone)[model].stage("production")
    pulled = version.pull(tmp_path / "pulled")
    rows = pd.read_csv(pulled.path / "input_example.csv")
    assert len(version.load().predict(rows)) == len(rows)
    assert Address.parse(f"{model}#production").stage == "production"
