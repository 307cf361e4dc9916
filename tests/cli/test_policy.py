"""`modelreg policy check`, and `init --policy`, on real repositories."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelreg.domain.templates import TEMPLATES
from tests.cli.runner import artifact, done, everything, metrics, modelreg
from tests.support import Repo, run

POLICY = "registry/policy.yaml"
GATE = """\
  - stage: production
    require:
      metrics: {f1: {min: 0.9}}
      approvals: {count: 2, role: reviewer}
"""


def edit(repo: Repo, old: str, new: str, path: str = POLICY) -> None:
    text = repo.read(path)
    assert old in text
    repo.write(path, text.replace(old, new, 1))


def line(repo: Repo, text: str, path: str = POLICY) -> int:
    before, found, _ = repo.read(path).partition(text)
    assert found
    return before.count("\n") + 1


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_new_registry_has_no_error(repo: Repo, tmp_path: Path, name: str) -> None:
    said = done("init", "--embedded", "--policy", name, registry=repo.path)
    assert done("validate", "--json", registry=repo.path).json("validate")["findings"] == []
    found = done("policy", "check", "--json", registry=repo.path).json("policy-check")
    assert found["ok"]
    assert f"template {name}" in repo.read(POLICY)
    warned = [f["field"] for f in found["findings"]]
    if name in ("team", "strict"):
        assert "ada@example.com" in repo.read(POLICY)
        assert "policy check" in said.err
        assert "change.approvals" in warned
        assert any(field.endswith("approvals.count") for field in warned)
        assert all(f["line"] and f["severity"] == "warning" and f["hint"] for f in found["findings"])
    else:
        assert "ada@" not in repo.read(POLICY)
        assert warned == []
    # and a version can be registered, and enters staging where nobody must agree
    done("register", "churn", artifact(tmp_path, "one"), "--metrics", metrics(tmp_path, 0.8), registry=repo.path)
    assert done("policy", "check", registry=repo.path).code == 0


def test_a_second_init_changes_nothing(repo: Repo) -> None:
    done("init", "--embedded", "--policy", "team", registry=repo.path)
    before = everything(repo)
    done("init", "--embedded", "--policy", "team", registry=repo.path)
    assert everything(repo) == before


@pytest.mark.parametrize("name", ["team", "strict"])
def test_init_names_nobody_whom_it_cannot(repo: Repo, name: str) -> None:
    repo.git("config", "user.email", "ann dee@example.com")
    before = everything(repo)
    result = modelreg("init", "--embedded", "--policy", name, registry=repo.path)
    assert result.code == 2
    assert "user.email" in result.err
    assert everything(repo) == before
    repo.git("config", "user.useConfigOnly", "true")
    repo.git("config", "user.email", "")
    assert modelreg("init", "--embedded", "--policy", name, registry=repo.path).code == 4


@pytest.fixture
def registry(repo: Repo, tmp_path: Path) -> Repo:
    """A registry with the standard policy and one model."""
    done("init", "--embedded", registry=repo.path)
    model, measured = artifact(tmp_path, "one"), metrics(tmp_path, 0.8)
    done("register", "churn", model, "--metrics", measured, "--task", "classification", registry=repo.path)
    return repo


def test_what_can_never_be_met(registry: Repo) -> None:
    edit(registry, "gates:\n", "gates:\n" + GATE)
    registry.write(POLICY, registry.read(POLICY) + "roles: {reviewer: [bo@example.org]}\n")
    before = everything(registry)
    result = modelreg("policy", "check", registry=registry.path)
    assert result.code == 1
    place = f"{POLICY}:{line(registry, 'count: 2')}:"
    assert any(text.startswith(place) and "can never be met [approvals]" in text for text in result.out.splitlines())
    assert "hint: " in result.out
    assert "1 error" in result.err
    assert everything(registry) == before
    found = modelreg("policy", "check", "--json", registry=registry.path).json("policy-check")
    assert not found["ok"]
    assert found["files"] == 2
    annotated = modelreg("policy", "check", "--format", "github", registry=registry.path)
    assert annotated.code == 1
    assert f"::error file={POLICY},line={line(registry, 'count: 2')},col=" in annotated.out


def test_warnings_are_no_refusal(registry: Repo) -> None:
    edit(
        registry,
        "gates:\n",
        "gates:\n  - {stage: staging, match: {model: chrn}, require: {metrics: {f1: {min: 85}}}}\n",
    )
    result = done("policy", "check", registry=registry.path)
    assert "warning: gates[0].match: no registered model fits" in result.out
    assert "(0.85, not 85)" in result.out
    assert "no error, 2 warnings" in result.err


def test_signers_and_the_gates_of_a_model(registry: Repo, tmp_path: Path) -> None:
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bo", "-f", tmp_path / "key")
    key = (tmp_path / "key.pub").read_text()
    registry.write(POLICY, registry.read(POLICY) + "roles: {reviewer: [bo@example.org, cy@example.org]}\n")
    model = "registry/churn/model.yaml"
    asked = "{stage: production, require: {approvals: {count: 1, role: reviewer, from: [signature]}}}"
    registry.write(model, registry.read(model) + f"gates:\n  - {asked}\n")

    def codes() -> set[str]:
        found = done("policy", "check", "--json", registry=registry.path).json("policy-check")
        return {
            f["code"] for f in found["findings"] if f["file"] == model and f["line"] == line(registry, asked, model)
        }

    assert codes() == {"signers"}
    registry.write("registry/allowed_signers", f'bo@example.org namespaces="modelreg-evidence-v1" {key}')
    assert codes() == {"approvals"}
    registry.write("registry/allowed_signers", f'bo@example.org namespaces="modelreg-approval-v1" {key}')
    assert codes() == set()
    registry.write("registry/revoked_signers", key)
    assert codes() == {"approvals"}
    edit(registry, "role: reviewer", "role: reviewr", model)
    assert modelreg("policy", "check", registry=registry.path).code == 1


def test_rules_are_found_by_validate_with_their_line(registry: Repo) -> None:
    rule = "      rules: [{name: floor, expr: metric.f1 > 0.5}]\n"
    edit(registry, "  - stage: production\n    require:\n", "  - stage: production\n    require:\n" + rule)
    for command in (("validate",), ("policy", "check")):
        result = modelreg(*command, "--json", registry=registry.path)
        assert result.code == 1
        (found,) = json.loads(result.out)["findings"]
        assert (found["code"], found["line"]) == ("rule", line(registry, rule))
        assert found["message"] == "unknown variable metric: did you mean metrics?"
    model = "registry/churn/model.yaml"
    edit(registry, "metric.f1", "metrics.f1")
    registry.write(
        model,
        registry.read(model) + "gates:\n  - stage: staging\n    require:\n      rules:\n"
        "        - {name: team, expr: \"tags.team.matches('a')\"}\n",
    )
    for command in (("validate",), ("validate", model), ("policy", "check")):
        result = modelreg(*command, "--json", registry=registry.path)
        (found,) = json.loads(result.out)["findings"]
        assert (result.code, found["file"], found["line"]) == (1, model, line(registry, "matches", model))


def test_what_cannot_be_read_is_a_finding(registry: Repo) -> None:
    registry.write("registry/churn/model.yaml", "format: 1\nname: churn\n")
    found = modelreg("policy", "check", "--json", registry=registry.path).json("policy-check")
    assert [(f["file"], f["code"]) for f in found["findings"]] == [("registry/churn/model.yaml", "schema")]
    registry.write(POLICY, "format: 1\nserial: [\n")
    found = modelreg("policy", "check", "--json", registry=registry.path).json("policy-check")
    assert (POLICY, "yaml") in [(f["file"], f["code"]) for f in found["findings"]]
    (registry.path / POLICY).unlink()
    found = modelreg("policy", "check", "--json", registry=registry.path).json("policy-check")
    assert (POLICY, "missing") in [(f["file"], f["code"]) for f in found["findings"]]


def test_of_a_commit_and_of_a_bare_repository(registry: Repo, tmp_path: Path) -> None:
    edit(registry, "gates:\n", "gates:\n" + GATE)
    assert modelreg("policy", "check", registry=registry.path).code == 1
    assert done("policy", "check", "--ref", "main", registry=registry.path).code == 0
    bare = registry.bare(tmp_path / "server.git")
    assert done("policy", "check", registry=bare.path).code == 0
    assert modelreg("policy", "check", "--ref", "nowhere", registry=registry.path).code == 1
    assert modelreg("policy", "check", "--format", "xml", registry=registry.path).code == 2
