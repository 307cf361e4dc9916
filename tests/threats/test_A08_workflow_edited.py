"""A08: a pull request that moves a version and edits the workflow that judges it."""

from __future__ import annotations

import pytest

from tests.threats.lab import STAGES, Lab, dumped

WORKFLOWS = (
    *(".github/workflows/gate.yml", ".gitlab-ci.yml", ".gitlab/ci/gate.yml", ".github/actions/gate/action.yml"),
    *(".gitea/workflows/gate.yml", ".forgejo/workflows/gate.yml"),
)


@pytest.mark.parametrize("path", WORKFLOWS)
def test_it_is_refused_and_seen_by_verify(lab: Lab, path: str) -> None:
    files = {**lab.move("1.0.1", "staging"), path: b"on: pull_request\n"}
    with lab.branch():
        lab.commit(files)
    assert lab.refused() == ["together"]
    assert lab.land(files) == ["together"]


def test_a_workflow_removed_or_renamed_with_it(lab: Lab) -> None:
    lab.commit({".github/workflows/gate.yml": b"on: pull_request\n"})
    for files in ({}, {".github/workflows/gate.yaml": b"on: pull_request\n"}):
        with lab.branch():
            lab.commit({**lab.move("1.0.1", "staging"), ".github/workflows/gate.yml": None, **files})
        assert set(lab.refused()) == {"together"}


def test_in_two_commits_of_one_pull_request(lab: Lab) -> None:
    with lab.branch():
        lab.commit({".github/workflows/gate.yml": b"on: pull_request\n"})
        lab.commit(lab.move("1.0.1", "staging"))
    assert lab.refused() == ["together"]


def test_workflows_alone_or_beside_a_registration_may_change(lab: Lab) -> None:
    lab.register_on("topic", 0.5)
    lab.repo.git("switch", "-q", "topic")
    lab.commit({".github/workflows/gate.yml": b"on: pull_request\n"})
    assert lab.refused() == []
    with lab.branch():
        lab.commit({**lab.move("1.0.1", "staging"), "docs/.github/x": b"1\n", "gitlab-ci.yml": b"1\n"})
    assert lab.refused() == [], "these are none"


def test_what_the_edited_workflow_let_through_is_judged_again(lab: Lab) -> None:
    """The gate was off: promoted below the floor, past a stage, and by hand."""
    assert "refused" in lab.land(lab.move("1.0.2", "staging"))
    assert "refused" in lab.land(lab.move("1.0.1", "production"))


def test_a_stage_without_record_is_seen_though_the_next_landing_took_it_back(lab: Lab) -> None:
    """Whoever asked meanwhile was served a version that nobody let into production."""
    before = lab.data(STAGES)
    lab.commit({STAGES: dumped({"format": 1, "production": "1.0.2", "archived": ["1.0.0"], "aliases": {}})})
    assert lab.land({STAGES: before}) == ["stages-sum", "stages-sum"]
