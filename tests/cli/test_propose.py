"""Proposals on real repositories: a bare server, two clones, a user's unfinished work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.runner import artifact, done, everything, metrics, modelreg
from tests.support import Repo

POLICY = """\
format: 1
serial: 2
initial: development
stages:
  development: {from: [staging, archived]}
  staging: {from: [development, archived], announce: true}
  production:
    {from: [staging], exclusive: true, displaced_to: archived, protected: true, via: pull-request, rollback: propose,
     announce: true}
  archived: {from: [development, staging, production]}
aliases:
  champion: {requires: production}
gates:
  - {stage: production, require: {metrics: {f1: {min: 0.5}}}}
"""
BRANCH = "promote/churn/1.0.0/production"
PROPOSE = ("stage", "set", "churn", "1.0.0", "production", "--propose")


@pytest.fixture
def registry(repo: Repo, tmp_path: Path) -> Repo:
    """churn 1.0.0 and 1.0.1 and fraud 1.0.0 in staging; production by pull request; origin is a bare server."""
    files = tmp_path / "files"
    done("init", "--embedded", registry=repo.path)
    for text in ("one", "two"):
        done("register", "churn", artifact(files, text), "--metrics", metrics(files, 0.8), registry=repo.path)
    done("register", "fraud", artifact(files, "three"), "--metrics", metrics(files, 0.8), registry=repo.path)
    for model, version in (("churn", "1.0.0"), ("churn", "1.0.1"), ("fraud", "1.0.0")):
        done("stage", "set", model, version, "staging", registry=repo.path)
    repo.commit("policy", {"registry/policy.yaml": POLICY})
    repo.bare(tmp_path / "server")
    return repo


def second(registry: Repo, tmp_path: Path, name: str = "other") -> Repo:
    return Repo(tmp_path / "server").clone(tmp_path / name)


def ask(repo: Repo, *arguments: str, schema: str = "stage-set") -> Any:
    return done(*arguments, "--json", registry=repo.path).json(schema)


def land(repo: Repo, branch: str, *options: str) -> None:
    """What a forge does when a pull request is merged."""
    repo.git("fetch", "-q", "origin")
    repo.git("merge", "-q", "--ff-only", "origin/main")
    repo.merge(f"origin/{branch}", "merge", *options)
    repo.git("push", "-q", "origin", "main")


def gate(repo: Repo, branch: str) -> Any:
    return modelreg("gate", "--base", "main", "--head", branch, "--format", "json", registry=repo.path)


def test_a_proposal_is_a_branch_with_one_commit(registry: Repo) -> None:
    main = registry.head
    told = ask(registry, *PROPOSE, "-m", "better")
    proposal = told["proposal"]
    assert (proposal["branch"], proposal["made"], proposal["pushed"]) == (BRANCH, True, False)
    assert (told["from"], told["to"], told["transition"], told["commit"]) == ("staging", "production", 3, None)
    assert registry.rev("main") == main
    assert registry.git("rev-list", "--parents", "-1", BRANCH).split() == [proposal["commit"], main]
    changed = registry.git("diff", "--name-only", "main", BRANCH).split()
    assert changed == ["registry/churn/stages.yaml", "registry/churn/transitions/0003.yaml"]
    assert registry.git("tag", "--points-at", BRANCH) == ""
    assert gate(registry, BRANCH).code == 0


def test_a_users_work_is_untouched(registry: Repo) -> None:
    registry.write("registry/churn/stages.yaml", "edited: true\n")
    registry.write("README.md", "staged\n")
    registry.git("add", "README.md")
    registry.write("new.txt", "untracked\n")
    before, head = registry.state(), registry.head
    done(*PROPOSE, "--push", registry=registry.path)
    assert (registry.state(), registry.head) == (before, head)
    registry.git("stash", "-q", "-u")
    registry.git("switch", "-q", "-c", "topic")
    done("propose", "churn", "1.0.1", "production", registry=registry.path)
    assert registry.git("symbolic-ref", "HEAD") == "refs/heads/topic"


def test_an_open_one_is_said_and_left(registry: Repo) -> None:
    first = ask(registry, *PROPOSE)["proposal"]
    before = everything(registry)
    again = ask(registry, *PROPOSE)["proposal"]
    assert (again["commit"], again["made"]) == (first["commit"], False)
    assert again["body"].startswith("#### What changes")
    fresh = ask(registry, "propose", "churn", "1.0.0", "production", "--refresh")["proposal"]
    assert (fresh["commit"], fresh["made"]) == (first["commit"], False)  # nothing has moved
    assert everything(registry) == before
    assert "open proposal already" in done(*PROPOSE, registry=registry.path).out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("churn", "1.0.0", "nowhere"), "no stage nowhere"),
        (("churn", "9.0.0", "production"), "no version 9.0.0"),
        (("fraud", "1.0.1", "production"), "no version"),
        (("nothing", "1.0.0", "production"), "no model nothing"),
    ],
)
def test_what_can_never_land_is_refused(registry: Repo, arguments: tuple[str, ...], words: str) -> None:
    before = everything(registry)
    told = modelreg("propose", *arguments, registry=registry.path)
    assert (told.code, words in told.err) == (1, True), told.err
    assert everything(registry) == before


def test_moves_that_the_lifecycle_has_not_are_refused(registry: Repo, tmp_path: Path) -> None:
    done("register", "churn", artifact(tmp_path, "four"), "--metrics", metrics(tmp_path, 0.1), registry=registry.path)
    before = everything(registry)
    told = modelreg("propose", "churn", "1.0.2", "production", registry=registry.path)
    assert (told.code, "entered from staging" in told.err) == (1, True)
    assert modelreg("propose", "churn", "1.0.2", "production", "--dry-run", registry=registry.path).code == 1
    done("withdraw", "churn", "1.0.1", "-m", "leaks", registry=registry.path)
    told = modelreg("propose", "churn", "1.0.1", "production", registry=registry.path)
    assert (told.code, "withdrawn" in told.err) == (1, True)
    assert before.count("refs/heads/") == everything(registry).count("refs/heads/")


def test_what_is_missing_does_not_stop_it(registry: Repo) -> None:
    registry.commit(
        "stricter", {"registry/policy.yaml": POLICY.replace("0.5", "0.95").replace("serial: 2", "serial: 3")}
    )
    told = ask(registry, *PROPOSE)
    assert told["report"]["allowed"] is False
    assert "`metrics.f1`" in told["proposal"]["body"]
    assert gate(registry, BRANCH).code == 1


def test_dry_run_writes_nothing(registry: Repo) -> None:
    before = everything(registry)
    told = ask(registry, *PROPOSE, "--dry-run", "--push")
    assert (told["proposal"]["commit"], told["proposal"]["made"]) == (None, False)
    assert "would propose" in done(*PROPOSE, "--dry-run", registry=registry.path).out
    assert everything(registry) == before


def test_a_checked_out_proposal_is_not_moved_under_somebody(registry: Repo) -> None:
    done(*PROPOSE, registry=registry.path)
    registry.git("switch", "-q", BRANCH)
    registry.git("commit", "-q", "--allow-empty", "-m", "more")
    told = modelreg("propose", "churn", "1.0.0", "production", "--refresh", registry=registry.path)
    assert (told.code, "checked out here" in told.err) == (4, True)
