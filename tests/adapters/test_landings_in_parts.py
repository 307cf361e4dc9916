"""A history that is read some landings at a time tells what it tells at once."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from modelreg.adapters import history as walked
from modelreg.adapters.repository import GitRepository
from modelreg.registry import landings
from modelreg.registry.addonly import touched_since_landing
from modelreg.registry.history import history
from modelreg.wiring import open_workspace
from tests.histories import History
from tests.support import Repo


def test_parts_are_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    past = History(Repo.init(tmp_path / "repo"), random.Random(11))
    past.found()
    for step in range(20):
        (past.move if step % 3 == 2 else past.register)(past.trees["main"])
        past.commit("main")
    manifest = next(path for path in past.trees["main"] if path.endswith("manifest.yaml"))
    past.trees["main"][manifest] += "# edited\n"
    past.commit("main")
    workspace = open_workspace(past.repo.path)
    tip = workspace.tip()
    at_once = workspace.repository.landings(tip, "registry/")
    events, touched = history(workspace), touched_since_landing(workspace, tip)
    assert len(events) > 5
    assert manifest in {finding.file for finding in touched}
    for size in (1, 3, len(at_once) - 1, len(at_once)):
        monkeypatch.setattr(landings, "AT_ONCE", size)
        parts = list(landings.landings_in_parts(workspace.repository, tip, "registry/"))
        assert [landing for part in parts for landing in part] == list(at_once)
        assert max(map(len, parts)) <= size
        assert history(workspace) == events
        assert touched_since_landing(workspace, tip) == touched
    monkeypatch.setattr(landings, "CHANGES_AT_ONCE", 3)
    monkeypatch.setattr(landings, "AT_ONCE", 100)
    parts = list(landings.landings_in_parts(workspace.repository, tip, "registry/"))
    assert [landing for part in parts for landing in part] == list(at_once)
    assert max(map(len, parts[1:])) <= 3
    since = at_once[3].commit
    assert [
        landing
        for part in landings.landings_in_parts(workspace.repository, tip, "registry/", since)
        for landing in part
    ] == list(at_once[4:])

    assert isinstance(workspace.repository, GitRepository)
    git = workspace.repository.git
    for most, changes in ((1, 100), (3, 100), (100, 3), (100, 100)):
        monkeypatch.setattr(walked, "AT_ONCE", most)
        monkeypatch.setattr(walked, "CHANGES_AT_ONCE", changes)
        parted = list(walked.in_parts(git, None, tip, "registry/"))
        assert [landing for _, part in parted for landing in part] == list(at_once)
        assert parted[-1][0] == tip
        assert max(len(part) for _, part in parted[1:] or parted) <= most
        after = list(walked.in_parts(git, since, tip, "registry/"))
        assert [landing for _, part in after for landing in part] == list(at_once[4:])
    monkeypatch.setattr(walked, "AT_ONCE", 100)
    monkeypatch.setattr(walked, "CHANGES_AT_ONCE", 3)
    assert max(len(part) for _, part in list(walked.in_parts(git, None, tip, "registry/"))[2:]) <= 3
