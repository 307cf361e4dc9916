"""A write in a clone that has no contents asks the remote for what it needs together, not file by file."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelreg.domain.names import ModelName, Stage
from modelreg.domain.version import Version
from modelreg.registry.stage import set_stage
from modelreg.wiring import open_workspace
from tests.cli.runner import artifact, done
from tests.support import Repo


@pytest.fixture
def partial(repo: Repo, tmp_path: Path) -> Repo:
    """A bare clone without contents of a registry with three versions."""
    done("init", "--embedded", registry=repo.path)
    for name in ("one", "two", "three"):
        done("register", "churn", artifact(tmp_path / name, name), registry=repo.path)
    server = repo.clone(tmp_path / "server.git", "--bare")
    server.git("config", "uploadpack.allowFilter", "true")
    return server.clone(tmp_path / "partial.git", "--bare", "--filter=blob:none")


def test_documents_are_fetched_together(partial: Repo) -> None:
    workspace = open_workspace(partial.path)
    read = workspace.repository.tree(workspace.tip()).read(workspace.layout.policy)
    assert read is not None
    objects = Path(partial.path) / "objects" / "pack"
    before = set(objects.glob("*.promisor"))
    made = set_stage(workspace, ModelName("churn"), Version.parse("1.0.1"), Stage("staging"))
    assert made.commit == partial.rev("main")
    assert partial.git("tag", "--list", "churn#*") == "churn#staging#1"
    # Git says of every fetch what it brought: one for what is judged, one for what is announced.
    assert len(set(objects.glob("*.promisor")) - before) <= 2
