"""`register --alias`: the version and the aliases that name it in one commit, by all rules of `alias set`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from modelreg.adapters import remote
from modelreg.adapters.documents import YamlDocuments
from modelreg.adapters.door import Door
from modelreg.adapters.dvc import DvcStore
from modelreg.domain.names import ModelName, parse_alias
from modelreg.domain.version import Version
from modelreg.errors import DeniedError, GateDeniedError, InvalidError
from modelreg.registry import naming
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.stage import set_alias
from modelreg.sdk import Registry
from modelreg.wiring import open_workspace
from tests.cli.runner import done, everything, modelreg
from tests.support import Repo

STAGES = "registry/churn/stages.yaml"
RECORD = "registry/churn/transitions/{:04d}.yaml"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    repo = Repo.init(tmp_path_factory.mktemp("made") / "repo")
    repo.commit("code", {"train.py": "\n"})
    done("init", "--embedded", registry=repo.path)
    repo.write(".git/one.json", "[1]")
    repo.write(".git/two.json", "[2]")
    return repo


@pytest.fixture
def here(made: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repo]:
    repo = made.copy(tmp_path / "repo")
    monkeypatch.chdir(repo.path)
    yield repo
    done("validate")
    done("verify")
    assert repo.git("status", "--porcelain") == ""


def body(repo: Repo, path: str) -> dict[str, Any]:
    value: dict[str, Any] = YamlDocuments().load(repo.show(path).encode(), path).value
    return value


def commits(repo: Repo) -> int:
    return int(repo.git("rev-list", "--count", "main"))


def test_one_commit_holds_what_two_commands_write(here: Repo, tmp_path: Path) -> None:
    other = here.copy(tmp_path / "other")
    before = commits(here)
    said = done("register", "churn", ".git/one.json", "--alias", "best", "--alias", "second-look")
    assert commits(here) == before + 1
    assert "churn@best -> 1.0.0\nchurn@second-look -> 1.0.0\n" in said.out
    done("register", "churn", ".git/one.json", registry=other.path)
    for alias in ("best", "second-look"):
        done("alias", "set", "churn", alias, "1.0.0", registry=other.path)
    assert commits(other) == before + 3
    assert here.git("ls-tree", "-r", "--name-only", "main") == other.git("ls-tree", "-r", "--name-only", "main")
    assert here.show(STAGES) == other.show(STAGES)
    for number in (1, 2):
        mine, theirs = body(here, RECORD.format(number)), body(other, RECORD.format(number))
        for record, repo in ((mine, here), (theirs, other)):
            digest = repo.git("cat-file", "blob", "main:registry/churn/1.0.0/manifest.yaml") + "\n"
            assert record.pop("manifest_sha256") == hashlib.sha256(digest.encode()).hexdigest()
            record.pop("at")
        assert mine == theirs
    assert here.git("tag") == other.git("tag") == "churn@v1.0.0"
    message = here.git("log", "-1", "--format=%B")
    assert message.startswith("Register churn 1.0.0 as best, second-look\n")
    assert "Modelreg-Transition: 1, 2\n" in message + "\n"


def test_the_history_tells_of_both(here: Repo) -> None:
    done("register", "churn", ".git/one.json", "--alias", "best")
    done("register", "churn", ".git/two.json", "--alias", "best", "-d", "better")
    events = done("history", "churn", "--json").json("history")["events"]
    assert [(e["kind"], e["version"], e["alias"], e["transition"]) for e in events] == [
        ("register", "1.0.0", None, None),
        ("alias", "1.0.0", "best", 1),
        ("register", "1.0.1", None, None),
        ("alias", "1.0.1", "best", 2),
    ]
    assert events[2]["landing"] == events[3]["landing"] == here.head
    assert done("show", "churn@best", "--json").json("show")["version"] == "1.0.1"
    done("alias", "remove", "churn", "best")
    assert body(here, STAGES) == {"format": 1, "aliases": {}}


def test_as_json(here: Repo) -> None:
    first = done("register", "churn", ".git/one.json", "--alias", "best", "--json").json("register")
    assert (first["version"], first["aliases"], first["commit"]) == ("1.0.0", ["best"], here.head)
    again = done("register", "churn", ".git/one.json", "--alias", "best", "--json").json("register")
    assert (again["already_registered"], again["aliases"], again["commit"]) == (True, ["best"], None)
    assert done("register", "churn", ".git/two.json", "--json").json("register")["aliases"] == []


def test_twice_is_once(here: Repo) -> None:
    done("register", "churn", ".git/one.json", "--alias", "best")
    before = everything(here)
    assert "nothing was changed" in done("register", "churn", ".git/one.json", "--alias", "best").err
    assert everything(here) == before


def test_a_version_that_is_there_is_named_too(here: Repo) -> None:
    done("register", "churn", ".git/one.json", "--alias", "best")
    done("register", "churn", ".git/two.json", "--alias", "best")
    before = commits(here)
    dry = done("register", "churn", ".git/one.json", "--alias", "best", "--alias", "old", "--dry-run")
    assert f"would write {RECORD.format(4)}" in dry.out
    assert commits(here) == before
    said = done("register", "churn", ".git/one.json", "--alias", "best", "--alias", "old")
    assert commits(here) == before + 1
    assert "already registered: churn@1.0.0" in said.out
    assert f"churn@best -> 1.0.0 in commit {here.head[:10]}" in said.out
    assert here.git("log", "-1", "--format=%s") == "Point churn@best, churn@old at 1.0.0"
    assert body(here, STAGES)["aliases"] == {"best": "1.0.0", "old": "1.0.0"}
    assert "registry/churn/1.0.2" not in here.git("ls-tree", "-r", "--name-only", "main")


def test_a_dry_run_names_all_files(here: Repo) -> None:
    before = everything(here)
    said = done("register", "churn", ".git/one.json", "--alias", "best", "--dry-run").out
    for path in ("registry/churn/1.0.0/manifest.yaml", RECORD.format(1), STAGES):
        assert f"would write {path}\n" in said
    assert everything(here) == before


def test_an_alias_that_requires_a_stage_is_refused_before_anything_is_stored(
    here: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def push(*_: object, **__: object) -> None:
        raise AssertionError("it is pushed")

    monkeypatch.setattr(DvcStore, "push", push)
    before = everything(here)
    result = modelreg("register", "churn", ".git/one.json", "--alias", "champion")
    assert result.code == 1
    assert "alias champion requires stage production, and a new version is in development" in result.err
    assert everything(here) == before


def test_the_version_that_holds_the_stage_may_have_it(here: Repo) -> None:
    done("register", "churn", ".git/one.json")
    done("stage", "set", "churn", "1.0.0", "staging")
    done("stage", "set", "churn", "1.0.0", "production")
    done("register", "churn", ".git/one.json", "--alias", "champion")
    assert body(here, STAGES)["aliases"] == {"champion": "1.0.0"}


@pytest.mark.parametrize("early", [True, False])
def test_who_may_register_and_not_name_registers_nothing(
    here: Repo, monkeypatch: pytest.MonkeyPatch, early: bool
) -> None:
    """The judge has the last word, should nobody look before."""
    text = here.read("registry/policy.yaml")
    access = "roles: {all: [ada@example.com]}\naccess:\n  - {role: all, may: [register, annotate], models: ['*']}\n"
    here.commit("policy", {"registry/policy.yaml": text.replace("serial: 1", "serial: 2") + access})
    if not early:
        monkeypatch.setattr("modelreg.registry.register.check_free", lambda *_: None)
    done("register", "churn", ".git/one.json")
    before = everything(here)
    result = modelreg("register", "churn", ".git/two.json", "--alias", "best")
    assert result.code == 1
    assert "no entry of the policy's access lets ada@example.com" in result.err
    assert everything(here) == before
    with pytest.raises(GateDeniedError):
        set_alias(open_workspace(here.path), *alias_of("best"))
    here.git("reset", "-q", "--hard", "HEAD~2")  # what follows asks whether the registry is sound


def alias_of(name: str) -> Any:
    return ModelName("churn"), parse_alias(name), Version.parse("1.0.0")


def test_what_is_no_alias_is_refused(here: Repo) -> None:
    before = everything(here)
    result = modelreg("register", "churn", ".git/one.json", "--alias", "latest")
    assert result.code == 1
    assert "is not a name for an alias" in result.err
    with pytest.raises(InvalidError):
        Registry(here.path).register("churn", artifacts=[".git/one.json"], alias=["best", "V1"])
    assert everything(here) == before


def test_in_python(here: Repo) -> None:
    registry = Registry(here.path)
    before = commits(here)
    first = registry.register("churn", source="s3://bucket/1", alias="best")
    assert (first.aliases, commits(here)) == (("best",), before + 1)
    second = registry.register("churn", source="s3://bucket/2", alias=("best", "candidate"), bump="minor")
    assert (second.aliases, first.aliases, commits(here)) == (("best", "candidate"), (), before + 2)
    assert second.registration is not None
    assert second.registration.aliases == ("best", "candidate")
    assert registry.get("churn@candidate").version == second.version
    with registry.training("churn", alias="best", bump="minor") as run:
        run.log_artifact(".git/two.json")
    assert (run.version.aliases, str(run.version)) == (("best",), "<churn@1.2.0>")


def test_a_lost_race_names_what_it_lands(here: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Somebody else's registration and alias come in between: number and records are made again on them."""
    server = here.bare(tmp_path / "server.git")
    other = server.clone(tmp_path / "other")
    real, raced = remote.push, list[bool]()

    def push(git: Door, refs: Mapping[str, str]) -> bool:
        if not raced:
            raced.append(True)
            Registry(other.path).register("churn", source="s3://bucket/2", alias=["best", "b"], push=True)
        return real(git, refs)

    monkeypatch.setattr(remote, "push", push)
    done("register", "churn", ".git/one.json", "--alias", "best", "--push")
    assert body(here, STAGES)["aliases"] == {"b": "1.0.0", "best": "1.0.1"}
    assert [body(here, RECORD.format(number))["version"] for number in (1, 2, 3)] == ["1.0.0", "1.0.0", "1.0.1"]


def test_denied_errors_are_the_same_as_of_alias_set(here: Repo) -> None:
    done("register", "churn", ".git/one.json")
    done("withdraw", "churn", "1.0.0", "--reason", "wrong data")
    model, alias, version = alias_of("best")
    with pytest.raises(DeniedError, match="is withdrawn"):
        set_alias(open_workspace(here.path), model, alias, version)
    snapshot: Snapshot = open_workspace(here.path).snapshot()
    with pytest.raises(DeniedError, match="is withdrawn"):
        naming.named(open_workspace(here.path), snapshot, model, [alias], version, by="ada@example.com", at=1)
