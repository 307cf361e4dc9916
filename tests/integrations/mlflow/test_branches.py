"""MLflow's clients know of no branches: a write lands on the protected one, whatever is checked out."""

from __future__ import annotations

import pytest

from modelreg.integrations.mlflow.store import ModelregStore
from tests.support import Repo


@pytest.mark.parametrize("elsewhere", [("switch", "-q", "-c", "topic"), ("switch", "-q", "--detach")])
def test_a_program_that_runs_on_another_branch(ours: ModelregStore, repo: Repo, elsewhere: tuple[str, ...]) -> None:
    repo.git(*elsewhere)
    repo.write("README.md", "half an edit\n")
    before = repo.head, repo.state()
    ours.create_registered_model("churn")
    assert [model.name for model in ours.search_registered_models()] == ["churn"]
    assert (repo.head, repo.state()) == before
    assert "registry/churn/model.yaml" in repo.git("ls-tree", "-r", "--name-only", "main")
