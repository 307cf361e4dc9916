"""Addresses that lead nowhere, and names in the order in which a database gives them."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException

from modelreg.integrations.mlflow.artifacts import files_of
from modelreg.integrations.mlflow.store import ModelregStore
from modelreg.integrations.mlflow.tracking import Tracking
from tests.support import Repo


def test_no_source_is_not_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_text("x")
    assert files_of("", None, Tracking("sqlite:///none.db"), tmp_path / "to") is None


def test_where_there_is_no_registry_the_hint_is_for_users_of_mlflow(tmp_path: Path) -> None:
    bare = Repo.init(tmp_path / "bare")
    for path in (tmp_path / "nowhere", tmp_path, bare.path):
        with pytest.raises(MlflowException, match="write modelreg:///path/to/repository; modelreg init") as caught:
            ModelregStore(f"modelreg://{path}").search_registered_models()
        assert "pass --registry" not in caught.value.message


def test_aliases_come_in_the_order_of_their_names(ours: ModelregStore) -> None:
    ours.create_registered_model("churn")
    ours.create_model_version("churn", "s3://bucket/model")
    for alias in ("b", "a", "A_1"):
        ours.set_registered_model_alias("churn", alias, "1")
    assert ours.get_model_version("churn", "1").aliases == ["A_1", "a", "b"]
