"""Proposals of a team: approvals outlive a refresh, records are signed, and four eyes stay four."""

from __future__ import annotations

import time

import pytest

from tests.cli.runner import modelreg
from tests.team import Team, person

BRANCH = "promote/churn/1.0.0/staging"


def propose(team: Team, name: str, *options: str) -> None:
    team.does(name, "propose", "churn", "1.0.0", "staging", "--push", *options)


def land_a_rival(team: Team) -> None:
    """Another change of the same model takes the number."""
    repo = team.clones["ann"]
    team.fetch("ann")
    repo.git("switch", "-q", "main")
    team.does("ann", "alias", "set", "churn", "best", "1.0.1", "--push")
    team.fetch()


def test_approvals_outlive_a_refresh(team: Team) -> None:
    propose(team, "dan")
    team.fetch()
    for name in ("bo", "cy"):
        assert team.approves(name, "1.0.0", "staging", "--push").code == 0
        team.fetch()
    assert team.gate(BRANCH)["allowed"] is True
    land_a_rival(team)
    listed = team.does("dan", "proposals", "--json").json("proposals")["proposals"]
    assert [(item["state"], item["may_land"]) for item in listed] == [("stale", False)]
    propose(team, "dan", "--refresh")
    assert team.votes(BRANCH) == "2: bo@example.org, cy@example.org"
    assert team.gate(BRANCH)["allowed"] is True
    listed = team.does("dan", "proposals", "--json").json("proposals")["proposals"]
    assert [(item["state"], item["may_land"]) for item in listed] == [("open", True)]
    team.land(BRANCH)
    assert team.does("ann", "stage", "get", "churn", "staging").out == "1.0.0\n"


def test_a_refresh_by_another_makes_the_proposer_no_approver(team: Team) -> None:
    propose(team, "bo")
    land_a_rival(team)
    propose(team, "dan", "--refresh")
    team.fetch()
    assert "proposed" in team.approves("bo", "1.0.0", "staging", "--push").err
    assert team.votes(BRANCH) == "0"


def test_a_signed_proposal(team: Team) -> None:
    propose(team, "dan", "--key", str(team.keys["dan"].path))
    names = team.clones["dan"].git("diff", "--name-only", "main", BRANCH).split()
    assert [name for name in names if name.endswith(".sig")] == ["registry/churn/transitions/0001.yaml.sig"]
    (change,) = team.gate(BRANCH)["changes"]
    assert change["by"] == person("dan")


def test_a_key_that_does_not_count_is_refused_before_anything_is_written(team: Team) -> None:
    repo = team.clones["dan"]
    told = modelreg("propose", "churn", "1.0.0", "staging", "--push", "--key", team.keys["bo"].path, registry=repo.path)
    assert (told.code, "does not list this key" in told.err) == (1, True)
    assert repo.rev(BRANCH) is None
    assert team.server.rev(BRANCH) is None


@pytest.mark.parametrize("command", ["stage", "rollback"])
def test_no_key_at_all(team: Team, command: str) -> None:
    words = {
        "stage": ("stage", "set", "churn", "1.0.0", "staging"),
        "rollback": ("rollback", "churn", "--cause", f"it fell at {time.time():.0f}"),
    }[command]
    told = team.run("dan", *words, "--sign")
    assert (told.code, "no key to sign with" in told.err) == (4, True)
