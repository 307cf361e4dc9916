"""`doctor`: what it finds on this machine, and what it asks of the forge."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.runner import done, modelreg
from tests.integrations.forge import REPOSITORY, TOKEN, Forge, Reply, serving
from tests.support import Repo
from tests.unit.test_enforcement import OWNERS, good


@pytest.fixture
def forge(monkeypatch: pytest.MonkeyPatch) -> Iterator[Forge]:
    with serving() as found:
        monkeypatch.setenv("GITHUB_API_URL", found.url)
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        state = good()
        found.paged("rules/branches/main", list(state.rules or ()))
        found.paged("rulesets", [{"id": 1}, {"id": 2}])
        for ruleset in state.rulesets or ():
            found.answers[f"GET rulesets/{ruleset['id']}"] = ruleset
        found.answers["GET "] = state.settings
        found.answers["GET actions/permissions/workflow"] = state.actions
        yield found


@pytest.fixture
def registry(repo: Repo) -> Repo:
    """A registry whose production is entered by pull request only, and whose rules have owners."""
    done("init", registry=repo.path)
    policy = repo.read("registry/policy.yaml").replace("production: {", "production: {via: pull-request, ")
    repo.commit("by pull request", {"registry/policy.yaml": policy, ".github/CODEOWNERS": OWNERS})
    repo.git("remote", "add", "origin", f"git@github.com:{REPOSITORY}.git")
    return repo


def answers(said: Any) -> dict[str, str]:
    return {item["check"]: item["answer"] for item in said["checks"]}


def test_all_is_well(registry: Repo) -> None:
    said = done("doctor", "--json", registry=registry.path).json("doctor")
    assert said["ok"] is True
    assert set(answers(said).values()) == {"yes"}
    assert {"git", "registry", "branch", "identity", "artifacts", "policy", "leftovers"} <= set(answers(said))


def test_what_is_wrong_here(registry: Repo, tmp_path: Path) -> None:
    text = registry.read("registry/policy.yaml")
    signed = text.replace("production: {", "production: {signed: true, ").replace("serial: 1", "serial: 0")
    registry.commit("worse", {"registry/policy.yaml": signed, ".dvc/config": ""})
    (registry.path / ".git" / "refs" / "heads" / "main.lock").touch()
    registry.git("config", "--global", "--unset", "user.email")
    found = modelreg("doctor", "--json", registry=registry.path)
    said = answers(found.json("doctor"))
    wrong = {check for check, answer in said.items() if answer == "no"}
    assert (found.code, wrong) == (1, {"identity", "artifacts", "policy", "signers", "leftovers"})
    shown = modelreg("doctor", registry=registry.path)
    assert "refs/heads/main.lock (" in shown.out


def test_without_a_registry_or_a_whole_history(registry: Repo, tmp_path: Path) -> None:
    outside = modelreg("doctor", "--json", registry=tmp_path)
    assert (outside.code, answers(outside.json("doctor"))["registry"]) == (1, "no")
    shallow = registry.clone(tmp_path / "shallow", "--depth=1")
    assert answers(modelreg("doctor", "--json", registry=shallow.path).json("doctor"))["history"] == "no"


def test_no_git_and_no_ssh_keygen(registry: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = modelreg("doctor", "--json", registry=registry.path)
    assert (found.code, answers(found.json("doctor"))["git"]) == (1, "no")


def test_without_a_token_it_says_what_to_set_up(registry: Repo) -> None:
    said = done("doctor", "--github", registry=registry.path)
    assert "status: ruleset for the branch main: Require status checks to pass: modelreg/gate\n" in said.out
    assert "because the policy lets nobody into production but by pull request" in said.out
    body = done("doctor", "--github", "--json", registry=registry.path).json("doctor")
    assert body["ok"] is None
    assert set(answers(body).values()) == {None}


def test_with_a_token_it_asks(registry: Repo, forge: Forge) -> None:
    said = done("doctor", "--github", "--json", registry=registry.path).json("doctor")
    assert (said["ok"], len(said["checks"])) == (True, 12)
    assert {request.token for request in forge.asked} == {TOKEN}
    assert {request.method for request in forge.asked} == {"GET"}


def test_what_is_not_enforced_is_a_no(registry: Repo, forge: Forge) -> None:
    forge.paged("rules/branches/main", [rule for rule in good().rules or () if rule["type"] != "pull_request"])
    found = modelreg("doctor", "--github", registry=registry.path)
    assert found.code == 1
    assert (
        "no      pull-request: no active ruleset says so\n        ruleset for the branch main: Require a" in found.out
    )


def test_what_the_token_may_not_see_is_unknown(registry: Repo, forge: Forge) -> None:
    forge.answers["GET actions/permissions/workflow"] = Reply({}, 403)
    found = modelreg("doctor", "--github", registry=registry.path)
    assert found.code == 4
    assert "unknown token-reads: the forge did not say" in found.out
    forge.answers["GET rules/branches/main"] = Reply({}, 404)
    assert modelreg("doctor", "--github", registry=registry.path).code == 4


def test_the_repository_is_origins_or_named(registry: Repo, forge: Forge) -> None:
    registry.git("remote", "set-url", "origin", "https://github.com/acme/models")
    done("doctor", "--github", registry=registry.path)
    registry.git("remote", "remove", "origin")
    assert modelreg("doctor", "--github", registry=registry.path).code == 4
    done("doctor", "--github", "--repo", REPOSITORY, registry=registry.path)
    assert modelreg("doctor", "--repo", REPOSITORY, registry=registry.path).code == 2
