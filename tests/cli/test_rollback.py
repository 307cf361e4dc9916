"""Rollback on real repositories: whom it brings back, who may, and where it is only proposed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.runner import artifact, change_policy, done, everything, founded, metrics, modelreg, policy_of
from tests.support import Repo

CAUSE = ("--cause", "live accuracy fell")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """What `registry` copies."""
    tmp_path = tmp_path_factory.mktemp("made")
    repo = founded(tmp_path / "repo")
    files = tmp_path / "files"
    for number in range(4):
        path = artifact(files, f"model {number}")
        done("register", "churn", path, "--metrics", metrics(files, 0.8), registry=repo.path)
    for number in range(3):
        for stage in ("staging", "production"):
            done("stage", "set", "churn", f"1.0.{number}", stage, registry=repo.path)
        if number == 0:
            done("alias", "set", "churn", "champion", "1.0.0", registry=repo.path)
    return repo


@pytest.fixture
def registry(made: Repo, tmp_path: Path) -> Repo:
    """churn 1.0.0, 1.0.1 and 1.0.2 were in production one after the other; 1.0.3 never was. champion follows."""
    return made.copy(tmp_path / "repo")


def proposals_only(registry: Repo) -> None:
    """The policy wants rollbacks of production proposed."""
    stages = policy_of(registry)["stages"]
    stages["production"]["rollback"] = "propose"
    change_policy(registry, stages=stages)


def ask(repo: Repo, *arguments: str) -> Any:
    return done("rollback", "churn", *arguments, "--json", registry=repo.path).json("stage-set")


def test_the_last_former_holder_comes_back(registry: Repo) -> None:
    told = ask(registry, *CAUSE, "-m", "until it is understood")
    assert (told["version"], told["from"], told["to"]) == ("1.0.1", "archived", "production")
    assert (told["displaced"], told["commit"], told["proposal"]) == (["1.0.2"], registry.head, None)
    record = registry.read(f"registry/churn/transitions/{told['transition']:04d}.yaml")
    assert "kind: rollback" in record
    assert "cause: live accuracy fell" in record
    assert "champion: 1.0.1" in registry.read("registry/churn/stages.yaml")
    assert done("verify", "--json", registry=registry.path).json("verify")["findings"] == []


def test_what_was_rolled_back_from_does_not_come_back_by_itself(registry: Repo) -> None:
    assert ask(registry, *CAUSE)["version"] == "1.0.1"
    assert ask(registry, *CAUSE)["version"] == "1.0.0"
    told = modelreg("rollback", "churn", *CAUSE, registry=registry.path)
    assert (told.code, "nobody can be brought back" in told.err) == (1, True)
    assert ask(registry, *CAUSE, "--to", "1.0.2")["version"] == "1.0.2"  # a person may


def test_withdrawn_versions_are_passed_over_and_refused(registry: Repo) -> None:
    done("withdraw", "churn", "1.0.1", "-m", "leaks", registry=registry.path)
    before = everything(registry)
    told = modelreg("rollback", "churn", *CAUSE, "--to", "1.0.1", registry=registry.path)
    assert (told.code, "withdrawn" in told.err) == (1, True)
    assert everything(registry) == before
    assert ask(registry, *CAUSE)["version"] == "1.0.0"


def test_a_withdrawn_version_is_in_no_stage_already(registry: Repo) -> None:
    done("withdraw", "churn", "1.0.0", "--reason", "bad", registry=registry.path)
    before = everything(registry)
    said = modelreg("stage", "set", "churn", "1.0.0", "development", registry=registry.path)
    assert (said.code, said.out) == (1, "")
    assert "churn@1.0.0 is withdrawn" in said.err
    assert everything(registry) == before


def test_after_the_holder_was_withdrawn(registry: Repo) -> None:
    done("withdraw", "churn", "1.0.2", "-m", "leaks", registry=registry.path)
    assert ask(registry, *CAUSE)["version"] == "1.0.1"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((*CAUSE, "--to", "1.0.3"), 1, "never stood in production"),
        ((*CAUSE, "--to", "9.0.0"), 1, "no version 9.0.0"),
        ((*CAUSE, "--stage", "nowhere"), 1, "no stage nowhere"),
        (("--cause", " "), 1, "what made it necessary"),
        ((), 2, "cause"),
    ],
)
def test_refused(registry: Repo, arguments: tuple[str, ...], code: int, words: str) -> None:
    before = everything(registry)
    told = modelreg("rollback", "churn", *arguments, registry=registry.path)
    assert (told.code, words in told.err) == (code, True), told.err
    assert everything(registry) == before


def test_dry_run(registry: Repo) -> None:
    before = everything(registry)
    assert ask(registry, *CAUSE, "--dry-run")["commit"] is None
    assert "would move churn@1.0.1" in done("rollback", "churn", *CAUSE, "--dry-run", registry=registry.path).out
    assert everything(registry) == before


def test_where_the_policy_wants_it_proposed(registry: Repo) -> None:
    proposals_only(registry)
    main = registry.head
    told = done("rollback", "churn", *CAUSE, "--json", registry=registry.path)
    assert "proposed" in told.err
    answer = told.json("stage-set")
    assert (answer["commit"], answer["proposal"]["branch"]) == (None, "promote/churn/1.0.1/production")
    assert registry.head == main
    branch = answer["proposal"]["branch"]
    report = done("gate", "--base", "main", "--head", branch, "--format", "json", registry=registry.path).json("gate")
    assert [(c["kind"], c["allowed"]) for c in report["changes"]] == [("rollback", True)]
    assert "cause of the rollback" in answer["proposal"]["body"]
    listed = done("proposals", "--json", registry=registry.path).json("proposals")["proposals"]
    assert [(item["kind"], item["may_land"]) for item in listed] == [("rollback", True)]


def test_a_direct_one_is_refused_by_the_gate_there(registry: Repo) -> None:
    """The defence behind the command: whoever calls the use case cannot land one directly either."""
    from modelreg.domain.names import parse_model, parse_stage
    from modelreg.domain.version import Version
    from modelreg.errors import GateDeniedError
    from modelreg.registry.moving import Wish
    from modelreg.registry.stage import make
    from modelreg.wiring import open_workspace

    proposals_only(registry)
    wish = Wish(
        parse_model("churn"), Version.parse("1.0.1"), parse_stage("production"), "ada@example.com", cause="it fell"
    )
    with pytest.raises(GateDeniedError, match="pull request"):
        make(open_workspace(registry.path), lambda _: wish, hint="")


def test_a_proposed_one_stays_one_when_it_is_refreshed(registry: Repo) -> None:
    first = ask(registry, *CAUSE, "--propose")
    done("stage", "set", "churn", "1.0.3", "staging", registry=registry.path)
    fresh = done("propose", "churn", "1.0.1", "production", "--refresh", "--json", registry=registry.path).json(
        "stage-set"
    )
    assert fresh["transition"] == first["transition"] + 1
    record = registry.show(f"registry/churn/transitions/{fresh['transition']:04d}.yaml", fresh["proposal"]["branch"])
    assert "kind: rollback" in record
    assert "cause: live accuracy fell" in record


def test_who_may(registry: Repo) -> None:
    access = """\
roles:
  platform: [ed@example.org]
  trainer: [ada@example.com]
access:
  - {role: platform, may: [rollback], models: ["*"], stages: [production]}
  - {role: trainer, may: [promote], models: ["*"]}
"""
    text = registry.read("registry/policy.yaml").replace("serial: 1", "serial: 2")
    registry.commit("policy", {"registry/policy.yaml": text + access}, at=int(time.time()))
    told = modelreg("rollback", "churn", *CAUSE, registry=registry.path)
    assert (told.code, "access" in told.err) == (1, True)
    registry.git("config", "user.email", "ed@example.org")
    assert ask(registry, *CAUSE)["version"] == "1.0.1"
