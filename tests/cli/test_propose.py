"""Proposals on real repositories: a bare server, two clones, a user's unfinished work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.runner import artifact, done, everything, founded, metrics, modelreg
from tests.support import Repo, run

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


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """What `registry` copies."""
    tmp_path = tmp_path_factory.mktemp("made")
    repo = founded(tmp_path / "repo")
    files = tmp_path / "files"
    for text in ("one", "two"):
        done("register", "churn", artifact(files, text), "--metrics", metrics(files, 0.8), registry=repo.path)
    done("register", "fraud", artifact(files, "three"), "--metrics", metrics(files, 0.8), registry=repo.path)
    for model, version in (("churn", "1.0.0"), ("churn", "1.0.1"), ("fraud", "1.0.0")):
        done("stage", "set", model, version, "staging", registry=repo.path)
    repo.commit("policy", {"registry/policy.yaml": POLICY}, at=int(time.time()))
    return repo


@pytest.fixture
def registry(made: Repo, tmp_path: Path) -> Repo:
    """churn 1.0.0 and 1.0.1 and fraud 1.0.0 in staging; production by pull request; origin is a bare server."""
    repo = made.copy(tmp_path / "repo")
    repo.bare(tmp_path / "server")
    return repo


def second(registry: Repo, tmp_path: Path, name: str = "other") -> Repo:
    return Repo(tmp_path / "server").clone(tmp_path / name)


def ask(repo: Repo, *arguments: str, schema: str = "stage-set") -> Any:
    return done(*arguments, "--json", registry=repo.path).json(schema)


def land(repo: Repo, branch: str) -> None:
    """What a forge does when a pull request is merged."""
    repo.git("fetch", "-q", "origin")
    repo.git("merge", "-q", "--ff-only", "origin/main")
    repo.git("merge", "-q", "--no-ff", "-m", "merge", f"origin/{branch}")
    repo.git("push", "-q", "origin", "main")


def sound(repo: Repo) -> None:
    """verify has nothing against it; how a change came in, and tags that a forge's merge does not make, it warns of."""
    findings = done("verify", "--json", registry=repo.path).json("verify")["findings"]
    assert [finding for finding in findings if finding["severity"] == "error"] == []


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


# --- rivals


def test_two_rivals_of_one_model(registry: Repo, tmp_path: Path) -> None:
    """The second cannot land without a refresh; after it, it is judged on the new state."""
    other = second(registry, tmp_path)
    done(*PROPOSE, "--push", registry=registry.path)
    rival = "promote/churn/1.0.1/production"
    told = ask(other, "propose", "churn", "1.0.1", "production", "--push")
    assert (told["proposal"]["pushed"], told["displaced"]) == (True, [])
    land(registry, BRANCH)
    other.git("pull", "-q", "--ff-only", "origin", "main")
    listed = ask(other, "proposals", "churn", schema="proposals")["proposals"]
    assert [(item["branch"], item["state"], item["may_land"]) for item in listed] == [(rival, "stale", False)]
    assert "propose --refresh" in gate(other, rival).err
    assert ask(other, "propose", "churn", "1.0.1", "production")["proposal"]["stale"] is True
    before = told["proposal"]["commit"]
    fresh = ask(other, "propose", "churn", "1.0.1", "production", "--refresh", "--push")
    assert (fresh["displaced"], fresh["transition"]) == (["1.0.0"], 4)
    parents = other.git("rev-list", "--parents", "-1", rival).split()[1:]
    assert parents == [other.rev("main"), before]
    assert Repo(tmp_path / "server").rev(rival) == fresh["proposal"]["commit"]  # a fast forward, nothing forced
    changed = other.git("diff", "--name-only", "main", rival).split()
    assert changed == ["registry/churn/stages.yaml", "registry/churn/transitions/0004.yaml"]
    assert gate(other, rival).code == 0
    land(other, rival)
    assert done("stage", "get", "churn", "production", registry=other.path).out == "1.0.1\n"
    sound(other)
    assert ask(other, "proposals", schema="proposals")["proposals"] == []


@pytest.mark.parametrize("options", [(), ("--squash",)])
def test_two_models_do_not_disturb_each_other(registry: Repo, tmp_path: Path, options: tuple[str, ...]) -> None:
    done(*PROPOSE, "--push", registry=registry.path)
    other = second(registry, tmp_path)
    done("propose", "fraud", "1.0.0", "production", "--push", registry=other.path)
    registry.git("fetch", "-q", "origin")
    if options:
        registry.git("merge", "-q", "--squash", f"origin/{BRANCH}")
        registry.commit("squashed", at=int(time.time()))
        registry.git("push", "-q", "origin", "main")
    else:
        land(registry, BRANCH)
    other.git("pull", "-q", "--ff-only", "origin", "main")
    listed = ask(other, "proposals", schema="proposals")["proposals"]
    assert [(item["model"], item["state"], item["may_land"]) for item in listed] == [("fraud", "open", True)]
    assert gate(other, "promote/fraud/1.0.0/production").code == 0
    land(other, "promote/fraud/1.0.0/production")
    sound(other)


def test_a_refresh_keeps_what_was_gathered_and_who_proposed(registry: Repo, tmp_path: Path) -> None:
    done(*PROPOSE, "-m", "better", "--push", registry=registry.path)
    other = second(registry, tmp_path)
    other.git("config", "user.email", "bo@example.org")
    other.git("switch", "-q", BRANCH)
    gathered = "registry/churn/1.0.0/evidence/evaluation-0123456789ab.yaml"
    other.commit("more", {gathered: "a: 1\n", f"{gathered}.sig": "sig\n", "registry/churn/1.0.0/x.txt": "no\n"})
    other.git("push", "-q", "origin", BRANCH)
    other.git("switch", "-q", "main")
    done("register", "churn", artifact(tmp_path, "new"), "--metrics", metrics(tmp_path, 0.9), registry=other.path)
    done("stage", "set", "churn", "1.0.2", "staging", "--push", registry=other.path)
    fresh = ask(other, "propose", "churn", "1.0.0", "production", "--refresh", "--push")
    assert fresh["transition"] == 4
    changed = other.git("diff", "--name-only", "main", BRANCH).split()
    record = "registry/churn/transitions/0004.yaml"
    assert changed == [gathered, f"{gathered}.sig", "registry/churn/stages.yaml", record]
    text = other.show(record, BRANCH)
    assert "by: ada@example.com" in text  # else bo could refresh ada's proposal, and ada approve it
    assert "reason: better" in text
    assert other.git("log", "-1", "--format=%ae", BRANCH) == "bo@example.org"


def test_a_proposal_of_somebody_else_that_diverged_is_never_overwritten(registry: Repo, tmp_path: Path) -> None:
    other = second(registry, tmp_path)
    done(*PROPOSE, "-m", "mine", "--push", registry=registry.path)
    done(*PROPOSE, "-m", "theirs", registry=other.path)
    told = modelreg(*PROPOSE, "--push", registry=other.path)
    assert (told.code, "diverged" in told.err) == (5, True)
    assert Repo(tmp_path / "server").rev(BRANCH) == registry.rev(BRANCH)


def test_proposed_again_after_it_landed(registry: Repo, tmp_path: Path) -> None:
    done(*PROPOSE, "--push", registry=registry.path)
    land(registry, BRANCH)
    assert "already" in done(*PROPOSE, registry=registry.path).out
    for stage in ("archived", "staging"):
        done("stage", "set", "churn", "1.0.0", stage, "--push", registry=registry.path)
    told = ask(registry, *PROPOSE, "--push")
    assert (told["transition"], told["proposal"]["made"]) == (6, True)
    assert registry.git("rev-list", "--count", f"main..{BRANCH}") == "1"


def test_local_main_behind_its_remote_is_no_hindrance(registry: Repo, tmp_path: Path) -> None:
    other = second(registry, tmp_path)
    done(
        "register",
        "fraud",
        artifact(tmp_path, "new"),
        "--metrics",
        metrics(tmp_path, 0.9),
        "--push",
        registry=other.path,
    )
    registry.write("README.md", "dirty\n")
    before, head = registry.state(), registry.head
    done(*PROPOSE, "--push", registry=registry.path)
    assert (registry.state(), registry.head) == (before, head)
    assert registry.git("rev-parse", f"{BRANCH}^") == other.head


def test_pushed_later_when_it_was_made_without(registry: Repo, tmp_path: Path) -> None:
    first = ask(registry, *PROPOSE)["proposal"]
    told = ask(registry, *PROPOSE, "--push")["proposal"]
    assert (told["made"], told["pushed"], told["commit"]) == (False, True, first["commit"])
    assert Repo(tmp_path / "server").rev(BRANCH) == first["commit"]


# --- F01

POINTS = ("before-objects", "after-objects", "after-push", "after-journal", "after-refs", "after-refresh")


@pytest.mark.parametrize("point", POINTS)
def test_F01_killed_and_run_again(registry: Repo, tmp_path: Path, point: str) -> None:
    registry.write("README.md", "dirty\n")
    before, head = registry.state(), registry.head
    env = os.environ | {"MODELREG_FAILPOINT": point}
    command = [sys.executable, "-m", "modelreg", *PROPOSE, "--push"]
    killed = subprocess.run(command, cwd=registry.path, env=env, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    done(*PROPOSE, "--push", registry=registry.path)
    assert (registry.state(), registry.head) == (before, head)
    tip = Repo(tmp_path / "server").rev(BRANCH)
    assert tip is not None
    registry.git("fetch", "-q", "origin")
    assert registry.rev(f"origin/{BRANCH}") == tip
    assert registry.git("rev-list", "--count", f"main..{tip}") == "1"
    listed = ask(registry, "proposals", schema="proposals")["proposals"]
    assert [(item["branch"], item["commit"], item["may_land"]) for item in listed] == [(BRANCH, tip, True)]
    assert not (registry.path / ".git/modelreg/journal.json").exists()
    run("git", "fsck", "--strict", cwd=registry.path)


# --- the pull request

GH = """#!/bin/sh
printf '%s\\n' "$@" > {folder}/arguments-$1-$2
cat > {folder}/text-$1-$2
pwd > {folder}/where
env > {folder}/environment
{answer}
"""


def fake_gh(folder: Path, answer: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder.mkdir()
    program = folder / "gh"
    program.write_text(GH.format(folder=folder, answer=answer))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def on_github(registry: Repo, server: Path) -> None:
    """origin's address is GitHub's; git is told to find it in a folder."""
    url = "https://secret-token@github.com/acme/models.git"
    registry.git("remote", "set-url", "origin", url)
    registry.git("config", "--global", f"url.{server}.insteadOf", url)


def test_gh_opens_the_pull_request(registry: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_github(registry, tmp_path / "server")
    gh = fake_gh(tmp_path / "bin", "echo https://github.com/acme/models/pull/7", monkeypatch)
    monkeypatch.chdir(registry.path)
    told = ask(registry, *PROPOSE, "--push", "-m", "$(touch /tmp/x) `x`")["proposal"]
    assert told["url"] == "https://github.com/acme/models/pull/7"
    arguments = (gh / "arguments-pr-create").read_text().splitlines()
    assert arguments == [
        "pr", "create", "--repo", "github.com/acme/models", "--head", BRANCH, "--base", "main",
        "--title", "Promote churn 1.0.0 to production", "--body-file", "-",
    ]  # fmt: skip
    assert (gh / "text-pr-create").read_text() == told["body"]
    assert not Path((gh / "where").read_text().strip()).is_relative_to(registry.path)
    assert "secret-token" not in (gh / "environment").read_text() + told["body"]


def test_an_open_pull_request_gets_the_new_text(
    registry: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_github(registry, tmp_path / "server")
    answer = '[ "$2" = edit ] || { echo "already exists: https://github.com/acme/models/pull/7" >&2; exit 1; }'
    gh = fake_gh(tmp_path / "bin", answer, monkeypatch)
    told = ask(registry, *PROPOSE, "--push")["proposal"]
    assert told["url"] == "https://github.com/acme/models/pull/7"
    assert (gh / "text-pr-edit").read_text() == told["body"]


def test_a_gh_that_fails_is_said_and_nothing_is_lost(
    registry: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_github(registry, tmp_path / "server")
    fake_gh(tmp_path / "bin", "echo 'no login' >&2; exit 4", monkeypatch)
    told = modelreg(*PROPOSE, "--push", "--json", registry=registry.path)
    assert (told.code, told.json("stage-set")["proposal"]["url"]) == (0, None)
    assert "no login" in told.err
    assert f"https://github.com/acme/models/compare/main...{BRANCH}?expand=1" in told.err
    assert "secret-token" not in told.err + told.out
    path = registry.path / f".git/modelreg/proposals/{BRANCH.replace('/', '-')}.md"
    assert str(path) in told.err
    assert path.read_text() == told.json("stage-set")["proposal"]["body"]
    assert Repo(tmp_path / "server").rev(BRANCH) is not None


def test_gh_is_not_started_for_another_forge(registry: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gh = fake_gh(tmp_path / "bin", "", monkeypatch)
    told = done(*PROPOSE, "--push", registry=registry.path)
    assert f"open a pull request of {BRANCH} into main" in told.err
    assert not (gh / "where").exists()


def test_A25_strangers_text_stays_text_in_the_body(registry: Repo) -> None:
    hostile = "`|\\n<img src=x> [x](http://evil.example) @everyone #1 \u202e"
    body: Any = ask(registry, *PROPOSE, "-m", hostile)["proposal"]["body"]
    line = next(line for line in body.splitlines() if "evil.example" in line)
    assert line.count("`") == 4
    assert line.startswith("| `reason` | `")
    assert line.endswith("` |")
    assert "\u202e" not in body
