"""Automated promotion and `policy test`: the newest version whose gate is met, and nothing that people took out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.runner import Result, artifact, change_policy, done, everything, founded, metrics, modelreg, policy_of
from tests.support import Repo


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """What `registry` copies."""
    tmp_path = tmp_path_factory.mktemp("made")
    repo = founded(tmp_path / "repo")
    for number, f1 in enumerate((0.8, 0.9, 0.4)):
        path = artifact(tmp_path, f"model {number}")
        done("register", "churn", path, "--metrics", metrics(tmp_path, f1), registry=repo.path)
    floor = {"stage": "staging", "require": {"metrics": {"f1": {"min": 0.5}}}}
    change_policy(repo, gates=[floor, {"stage": "production", "require": {"metrics": {"f1": {"min": 0.5}}}}])
    return repo


@pytest.fixture
def registry(made: Repo, tmp_path: Path) -> Repo:
    """churn 1.0.0 (f1 0.8), 1.0.1 (0.9), 1.0.2 (0.4), all in development; staging asks for an f1 of 0.5."""
    return made.copy(tmp_path / "repo")


def via_pull_request(repo: Repo, **gate: Any) -> None:
    body = policy_of(repo)
    body["stages"]["production"]["via"] = "pull-request"
    body["gates"][1]["require"] |= gate
    change_policy(repo, stages=body["stages"], gates=body["gates"])


def auto(repo: Repo, to: str, *options: str) -> Result:
    return modelreg("promote", "churn", "--to", to, "--auto", *options, registry=repo.path)


def test_the_newest_that_is_met_and_then_nothing(registry: Repo) -> None:
    answer = auto(registry, "staging", "--json").json("promote")
    assert (answer["version"], answer["change"]["commit"]) == ("1.0.1", registry.head)
    assert [(c["version"], c["met"]) for c in answer["considered"]] == [("1.0.2", False), ("1.0.1", True)]
    before = everything(registry)
    told = auto(registry, "staging", "--json")
    assert (told.code, told.json("promote")["nothing_new"]) == (1, False)  # 1.0.2 is newer, and is not met
    assert "metrics.f1" in auto(registry, "staging").err
    done("withdraw", "churn", "1.0.2", "-m", "bad", registry=registry.path)
    told = auto(registry, "staging", "--json")
    assert (told.code, told.json("promote")["nothing_new"]) == (0, True)
    assert "nothing to promote" in auto(registry, "staging").out
    assert before != everything(registry)  # the withdrawal only
    assert registry.git("log", "-1", "--format=%s").startswith("Withdraw")


def test_dry_run(registry: Repo) -> None:
    before = everything(registry)
    told = auto(registry, "staging", "--dry-run", "--json").json("promote")
    assert (told["version"], told["change"]["commit"]) == ("1.0.1", None)
    assert auto(registry, "staging", "--dry-run").code == 0
    assert everything(registry) == before


def test_what_was_taken_out_is_never_put_back_by_a_machine(registry: Repo) -> None:
    for version in ("1.0.0", "1.0.1"):
        for stage in ("staging", "production"):
            done("stage", "set", "churn", version, stage, registry=registry.path)
    done("rollback", "churn", "--cause", "it fell", registry=registry.path)
    done("withdraw", "churn", "1.0.2", "-m", "bad", registry=registry.path)
    before = everything(registry)
    for stage in ("staging", "production"):
        answer = auto(registry, stage, "--json").json("promote")
        assert (answer["version"], answer["nothing_new"]) == (None, True), stage
    assert everything(registry) == before
    done("stage", "set", "churn", "1.0.1", "staging", registry=registry.path)  # a person tries it again
    answer = auto(registry, "production", "--json").json("promote")
    assert (answer["version"], answer["nothing_new"]) == (None, True)
    assert "a person may" in answer["considered"][0]["reasons"][0]


def test_what_stands_further_on_is_not_moved_back(registry: Repo) -> None:
    stages = policy_of(registry)["stages"]
    stages["staging"]["from"] = ["development", "production", "archived"]
    stages["production"]["from"] = ["development", "staging"]
    change_policy(registry, stages=stages)
    done("stage", "set", "churn", "1.0.1", "production", registry=registry.path)
    answer = auto(registry, "staging", "--json").json("promote")
    assert answer["version"] == "1.0.0"
    assert answer["considered"][1] == {
        "version": "1.0.1",
        "candidate": False,
        "met": False,
        "reasons": ["it stands in production"],
    }
    assert done("stage", "get", "churn", "production", registry=registry.path).out == "1.0.1\n"


def test_proposed_by_pull_request_though_approvals_are_missing(registry: Repo) -> None:
    via_pull_request(registry, approvals={"count": 1})
    done("stage", "set", "churn", "1.0.1", "staging", registry=registry.path)
    main = registry.head
    answer = auto(registry, "production", "--json").json("promote")
    proposal = answer["change"]["proposal"]
    assert (answer["version"], proposal["branch"], proposal["made"]) == (
        "1.0.1",
        "promote/churn/1.0.1/production",
        True,
    )
    assert registry.head == main
    before = everything(registry)
    again = auto(registry, "production", "--json")
    assert (again.code, again.json("promote")["change"]["proposal"]["made"]) == (0, False)
    assert everything(registry) == before


def test_not_proposed_where_more_than_approvals_is_missing(registry: Repo) -> None:
    via_pull_request(registry, soak={"stage": "staging", "at_least_hours": 24})
    done("stage", "set", "churn", "1.0.1", "staging", registry=registry.path)
    told = auto(registry, "production", "--json")
    assert told.code == 1
    assert any("soak" in reason for c in told.json("promote")["considered"] for reason in c["reasons"])
    assert registry.git("branch", "--list", "promote/*") == ""


def test_without_auto(registry: Repo) -> None:
    told = modelreg("promote", "churn", "--to", "staging", registry=registry.path)
    assert (told.code, "--auto" in told.err) == (2, True)
    assert auto(registry, "nowhere").code == 1
    assert modelreg("promote", "nothing", "--to", "staging", "--auto", registry=registry.path).code == 1


def test_policy_test_says_what_is_missing_and_changes_nothing(registry: Repo) -> None:
    before = everything(registry)
    told = modelreg("policy", "test", "churn@1.0.2", "staging", "--json", registry=registry.path)
    answer = told.json("policy-test")
    assert (told.code, answer["met"]) == (1, False)
    assert [verdict["check"] for verdict in answer["missing"]] == ["metrics.f1"]
    assert answer["demanded"] == [{"origin": "policy.yaml", "require": {"metrics": {"f1": {"min": 0.5}}}}]
    told = modelreg("policy", "test", "churn@1.0.1", "staging", "--json", registry=registry.path)
    assert (told.code, told.json("policy-test")["missing"]) == (0, [])
    assert "all of it is met" in modelreg("policy", "test", "churn@1.0.1", "staging", registry=registry.path).out
    assert modelreg("policy", "test", "churn@1.0.1", "nowhere", registry=registry.path).code == 1
    assert "already" in done("policy", "test", "churn@1.0.1", "development", registry=registry.path).out
    assert everything(registry) == before
