"""A12: an approval says yes to one move of one version, once. For anything else it counts for nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modelreg.domain.clock import stamp
from tests.keys import Key
from tests.team import APPROVALS, Team, dumped, join, make_server, person, policy

DAY_S = 86_400
ONE = {**APPROVALS, "count": 1}
PRODUCTION_ONLY = [{"stage": "production", "require": {"approvals": ONE}}]


def bos(team: Team, branch: str, folder: str = "", **fields: Any) -> dict[str, bytes]:
    """Bo's approval of 1.0.0 for staging, with some fields changed."""
    return team.forged(team.keys["bo"], person("bo"), branch, "1.0.0", "staging", fields, folder=folder)


def approves(team: Team, name: str, version: str, stage: str) -> None:
    result = team.approves(name, version, stage, "--push")
    assert result.code == 0, result.err
    team.fetch()


FIELDS: list[dict[str, Any]] = [
    {"registry": "0" * 32},
    {"model": "churn2"},
    {"version": "1.0.1"},
    {"manifest_sha256": "0" * 64},
    {"from": "archived"},
    {"from": None},
    {"to": "production"},
    {"to": "archived"},
    {"displaces": ["1.0.1"]},
    {"gate_sha256": "0" * 64},
    {"entry": 1},
    {"not_after": "2026-01-01T00:00:00Z"},
    {"not_after": "2027-02-31T00:00:00Z"},
    {"by": person("cy")},
]


def test_each_field_alone(team: Team) -> None:
    branch = team.propose("ann", "1.0.0", "staging")
    assert team.votes_with(branch, bos(team, branch)) == "1: bo@example.org", "what is changed was good before"
    counted = [changed for changed in FIELDS if team.votes_with(branch, bos(team, branch, **changed)) != "0"]
    assert counted == []


def test_times(team: Team) -> None:
    branch = team.propose("ann", "1.0.0", "staging")
    now = int(team.clones["dan"].git("log", "-1", "--format=%ct", f"origin/{branch}"))
    far = stamp(now + 300 * DAY_S)
    for at, counts in ((now - 6 * DAY_S, True), (now - 8 * DAY_S, False), (now + DAY_S, False)):
        forged = bos(team, branch, at=stamp(at), not_after=far)
        assert team.votes_with(branch, forged) == ("1: bo@example.org" if counts else "0"), "valid_days is the gate's"


def test_another_name_or_another_version_s_folder(team: Team) -> None:
    branch = team.propose("ann", "1.0.0", "staging")
    files = bos(team, branch)
    assert (
        team.votes_with(branch, {path.replace("approval-", "approval-0"): data for path, data in files.items()}) == "0"
    )
    other = team.propose("ann", "1.0.1", "staging")
    moved = {path.replace("/1.0.0/", "/1.0.1/"): data for path, data in files.items()}
    assert team.votes_with(other, moved) == "0"
    assert team.votes_with(branch, bos(team, branch, folder="1.0.1")) == "0"


def test_another_document_s_signature(team: Team) -> None:
    branch = team.propose("ann", "1.0.0", "staging")
    first, second = bos(team, branch), bos(team, branch, comment="another")
    (path, sig), (other, _) = first, second
    assert team.votes_with(branch, first) == "1: bo@example.org"
    assert team.votes_with(branch, {path: first[path], sig: second[f"{other}.sig"]}) == "0"
    assert team.votes_with(branch, {path: first[path]}) == "0", "unsigned"


def test_unsigned_where_anybody_may_approve(team: Team) -> None:
    gates = [{"stage": "staging", "require": {"approvals": {"count": 1, "from": ["signature"]}}}]
    team.change_rules({"registry/policy.yaml": dumped(policy(serial=3, gates=gates))})
    branch = team.propose("ann", "1.0.0", "staging")
    files = bos(team, branch)
    assert team.votes_with(branch, files) == "1: bo@example.org"
    assert team.votes_with(branch, {path: data for path, data in files.items() if path.endswith(".yaml")}) == "0"


def test_another_registry(team: Team, keys_of_all: dict[str, Key], tmp_path: Path) -> None:
    branch = team.propose("ann", "1.0.0", "staging")
    files = bos(team, branch)
    twin = join(make_server(tmp_path / "twin", keys_of_all), tmp_path / "twin-team", keys_of_all)
    there = twin.propose("ann", "1.0.0", "staging")
    assert twin.votes_with(there, bos(twin, there)) == "1: bo@example.org"
    assert twin.votes_with(there, files) == "0"


def test_promoted_twice(team: Team) -> None:
    """In, out to where it came from, and in again: all is as it was but that the stage has been entered."""
    team.change_rules(
        {
            "registry/policy.yaml": dumped(
                policy(serial=3, gates=[{**g, "require": {"approvals": ONE}} for g in policy()["gates"]])
            )
        }
    )
    first = team.propose("ann", "1.0.0", "staging")
    approves(team, "bo", "1.0.0", "staging")
    assert team.gate(first)["allowed"] is True
    team.land(first)
    team.does("dan", "stage", "set", "churn", "1.0.0", "development", "--push")
    team.fetch()
    again = team.propose("ann", "1.0.0", "staging", branch="promote/churn/1.0.0/again")
    assert team.votes(again) == "0"
    assert team.run("dan", "stage", "set", "churn", "1.0.0", "staging").code == 1
    rows = team.does("dan", "approval", "list", "churn@1.0.0", "--json").json("approvals")["approvals"]
    assert [(row["counts"], row["reason"]) for row in rows] == [
        (False, "is for another entry into the stage (it has been used)")
    ]


def test_the_policy_has_changed_in_between(team: Team) -> None:
    team.propose("ann", "1.0.0", "staging")
    approves(team, "bo", "1.0.0", "staging")
    approves(team, "cy", "1.0.0", "staging")
    gates = [{"stage": "staging", "require": {"approvals": ONE}}, policy()["gates"][1]]
    team.change_rules({"registry/policy.yaml": dumped(policy(serial=3, gates=gates))})
    assert team.votes("promote/churn/1.0.0/staging") == "0", "even a weaker gate is another gate"
    stricter = [*policy()["gates"], {"stage": "staging", "require": {"metrics": {"f1": {"min": 0.1}}}}]
    team.change_rules({"registry/policy.yaml": dumped(policy(serial=4, gates=stricter))}, "stricter")
    assert team.votes("promote/churn/1.0.0/staging") == "0"
    other_stage = [*policy()["gates"], {"stage": "archived", "require": {"metrics": {"f1": {"min": 0.1}}}}]
    team.change_rules({"registry/policy.yaml": dumped(policy(serial=5, gates=other_stage))}, "elsewhere")
    assert team.votes("promote/churn/1.0.0/staging").startswith("2"), "the gate that they judged is in force again"


def test_the_model_s_own_gates_have_changed_in_between(team: Team) -> None:
    branch = team.propose("ann", "1.0.0", "staging")
    approves(team, "bo", "1.0.0", "staging")
    about = team.clones["ann"].read("registry/churn/model.yaml")
    own = "gates:\n  - stage: staging\n    require:\n      metrics: {f1: {min: 0.1}}\n"
    team.change_rules({"registry/churn/model.yaml": about + own})
    assert team.votes(branch) == "0"


def test_the_holder_has_changed_in_between(team: Team) -> None:
    team.change_rules({"registry/policy.yaml": dumped(policy(serial=3, gates=PRODUCTION_ONLY))})
    for version in ("1.0.0", "1.0.1"):
        team.does("dan", "stage", "set", "churn", version, "staging", "--push")
    team.fetch()
    approves(team, "bo", "1.0.1", "production")
    approves(team, "bo", "1.0.0", "production")
    branch = team.propose("dan", "1.0.1", "production")
    assert team.votes(branch) == "1: bo@example.org", "with nobody to displace"
    team.does("dan", "stage", "set", "churn", "1.0.0", "production", "--push")
    team.fetch()
    again = team.propose("dan", "1.0.1", "production", branch="promote/churn/1.0.1/again")
    assert team.votes(again) == "0"
    approves(team, "bo", "1.0.1", "archived")  # of another stage: not counted, and not in the way
    assert team.approves("bo", "1.0.1", "production", "--on", "main", "--push").code == 0
    team.fetch()
    assert team.votes(again) == "1: bo@example.org"
    # The displaced holder leaves by another door: whom it displaces is another matter again.
    team.does("dan", "stage", "set", "churn", "1.0.0", "archived", "--push")
    team.fetch()
    third = team.propose("dan", "1.0.1", "production", branch="promote/churn/1.0.1/third")
    assert team.votes(third) == "0"


def test_used_up_by_a_squash_as_well(team: Team) -> None:
    """How it landed does not matter: what counts is that the stage has been entered."""
    team.change_rules(
        {"registry/policy.yaml": dumped(policy(serial=3, gates=[{"stage": "staging", "require": {"approvals": ONE}}]))}
    )
    branch = team.propose("ann", "1.0.0", "staging")
    approves(team, "bo", "1.0.0", "staging")
    repo = team.clones["ann"]
    repo.git("merge", "-q", "--squash", f"origin/{branch}")
    repo.git("commit", "-q", "-m", "squashed")
    repo.git("push", "-q", "origin", "main")
    team.fetch()
    team.does("dan", "stage", "set", "churn", "1.0.0", "development", "--push")
    assert team.run("dan", "stage", "set", "churn", "1.0.0", "staging").code == 1
