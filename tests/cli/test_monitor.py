"""Live metrics: nothing is written while all is well, a breach rolls back, what cannot be judged does neither."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cli.runner import Result, artifact, change_policy, done, everything, founded, metrics, modelreg, policy_of
from tests.support import Repo

RULES = [
    {"stage": "production", "name": "live-f1", "expr": "live.metrics.f1 < 0.7"},
    {"stage": "production", "name": "far-below-promise", "expr": "live.metrics.f1 < metrics.f1 - 0.3"},
]
GOOD, BAD = {"f1": 0.8}, {"f1": 0.6}


def set_policy(repo: Repo, rules: list[dict[str, str]], **production: Any) -> None:
    stages = policy_of(repo)["stages"]
    stages["production"] |= production
    change_policy(repo, stages=stages, rollback_when=rules)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """What `registry` copies."""
    tmp_path = tmp_path_factory.mktemp("made")
    repo = founded(tmp_path / "repo")
    for version in ("1.0.0", "1.0.1"):
        path = artifact(tmp_path, version)
        done("register", "churn", path, "--metrics", metrics(tmp_path, 0.8), registry=repo.path)
        for stage in ("staging", "production"):
            done("stage", "set", "churn", version, stage, registry=repo.path)
    set_policy(repo, RULES)
    return repo


@pytest.fixture
def registry(made: Repo, tmp_path: Path) -> Repo:
    """churn 1.0.1 serves in production, 1.0.0 did before."""
    return made.copy(tmp_path / "repo")


def watch(repo: Repo, live: Mapping[str, object] | str, *options: str) -> Result:
    path = repo.path.parent / "live.json"
    path.write_text(live if isinstance(live, str) else json.dumps(live))
    return modelreg("monitor", "churn", "--metrics", path, *options, registry=repo.path)


def test_metrics_of_a_version_that_serves_no_more_roll_nothing_back(registry: Repo) -> None:
    before = everything(registry)
    told = watch(registry, BAD, "--of", "1.0.0", "--json")
    assert (told.code, json.loads(told.err)["error"]["code"]) == (5, "conflict")
    assert everything(registry) == before
    assert watch(registry, BAD, "--of", "1.0.1", "--json").json("monitor")["rolled_back_to"] == "1.0.0"
    assert watch(registry, BAD, "--of", "1.0.1").code == 5, "a job that is late rolls back once"


def test_all_is_well(registry: Repo) -> None:
    before = everything(registry)
    told = watch(registry, GOOD, "--json")
    answer = told.json("monitor")
    assert (told.code, answer["breach"], answer["rule"], answer["change"]) == (0, False, None, None)
    assert [rule["broken"] for rule in answer["rules"]] == [False, False]
    assert "nothing was written" in watch(registry, GOOD).out
    assert everything(registry) == before


@pytest.mark.parametrize(
    "live",
    [{}, {"recall": 0.9}, '{"f1": NaN}', '{"f1": Infinity}', '{"f1": "0.9"}', '{"f1": null}', "{", "[0.9]", ""],
)
def test_what_cannot_be_judged_neither_passes_nor_rolls_back(registry: Repo, live: Mapping[str, object] | str) -> None:
    before = everything(registry)
    told = watch(registry, live, "--json")
    assert told.code == 4, told.out + told.err
    assert everything(registry) == before


def test_a_missing_file(registry: Repo) -> None:
    told = modelreg("monitor", "churn", "--metrics", registry.path / "none.json", registry=registry.path)
    assert told.code == 4


def test_a_breach_is_recorded_and_rolled_back_in_one_commit(registry: Repo) -> None:
    head = registry.head
    told = watch(registry, BAD, "--json")
    answer = told.json("monitor")
    assert (told.code, answer["breach"], answer["rule"]) == (0, True, "live-f1")
    assert (answer["rolled_back_to"], answer["commit"]) == ("1.0.0", registry.head)
    assert registry.git("rev-list", "--count", f"{head}..HEAD") == "1"
    statement = registry.read(answer["evidence"])
    assert "breach: live-f1" in statement
    assert "value: 0.6" in statement
    assert "/1.0.1/evidence/monitoring-" in answer["evidence"]
    assert done("stage", "get", "churn", "production", registry=registry.path).out == "1.0.0\n"
    record = registry.read(f"registry/churn/transitions/{answer['change']['transition']:04d}.yaml")
    assert "kind: rollback" in record
    assert "live-f1" in record
    done("validate", registry=registry.path)
    assert done("verify", "--json", registry=registry.path).json("verify")["findings"] == []


def test_a_breach_counts_though_another_rule_cannot_be_evaluated(registry: Repo) -> None:
    set_policy(registry, [{"stage": "production", "name": "auc", "expr": "live.metrics.auc < 0.5"}, *RULES])
    answer = watch(registry, BAD, "--json").json("monitor")
    assert [(rule["name"], rule["broken"]) for rule in answer["rules"][:2]] == [("auc", None), ("live-f1", True)]
    assert answer["rolled_back_to"] == "1.0.0"
    assert watch(registry, GOOD).code == 4


def test_proposed_where_the_policy_wants_it(registry: Repo) -> None:
    set_policy(registry, RULES, rollback="propose")
    main = registry.head
    answer = watch(registry, BAD, "--json").json("monitor")
    branch = answer["change"]["proposal"]["branch"]
    assert (answer["commit"], branch, registry.head) == (None, "promote/churn/1.0.0/production", main)
    assert "breach: live-f1" in registry.show(answer["evidence"], branch)
    assert done("gate", "--base", "main", "--head", branch, registry=registry.path).code == 0
    before = everything(registry)
    again = watch(registry, BAD, "--json").json("monitor")
    assert again["change"]["proposal"]["made"] is False
    assert everything(registry) == before


def test_nobody_to_roll_back_to(registry: Repo) -> None:
    done("withdraw", "churn", "1.0.0", "-m", "leaks", registry=registry.path)
    head = registry.head
    told = watch(registry, BAD, "--json")
    answer = told.json("monitor")
    assert (told.code, answer["breach"], answer["rolled_back_to"], answer["change"]) == (1, True, None, None)
    assert registry.git("diff", "--name-only", head, "HEAD") == answer["evidence"]
    before = everything(registry)
    again = watch(registry, BAD, "--json")
    assert (again.code, again.json("monitor")["commit"]) == (1, None)  # on record since it entered the stage
    assert "nobody to roll back to" in watch(registry, BAD).out
    assert everything(registry) == before


def test_nothing_to_watch_is_said(registry: Repo) -> None:
    for options, words in (
        (("--stage", "staging"), "no version of churn is in staging"),
        (("--stage", "nowhere"), "no stage nowhere"),
        (("--stage", "archived"), "nothing is watched"),
    ):
        told = watch(registry, GOOD, *options)
        assert (told.code, words in told.err) == (1, True), told.err
    set_policy(registry, [])
    told = watch(registry, GOOD)
    assert (told.code, "nothing is watched" in told.err) == (1, True)


def test_who_may_not_add_evidence_records_no_breach(registry: Repo) -> None:
    allowed = {"role": "bot", "may": ["rollback"], "models": ["*"]}
    change_policy(registry, roles={"bot": ["ada@example.com"]}, access=[allowed])
    before = everything(registry)
    told = watch(registry, BAD)
    assert (told.code, "may not add evidence" in told.err) == (1, True)
    assert everything(registry) == before
