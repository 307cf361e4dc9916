"""The main job from end to end through the command line, beside a user's own unfinished work."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.runner import Result, artifact, change_policy, done, everything, metrics, modelreg
from tests.support import Repo, run


def dvc(*arguments: str, cwd: Path) -> str:
    return run(sys.executable, "-m", "dvc", *arguments, cwd=cwd).stdout


def small(repo: Repo, files: Path, *options: str) -> None:
    """A registry with churn 1.0.0 in production and 1.0.1 in staging."""
    done("init", *options, registry=repo.path)
    for text in ("one", "two"):
        done("register", "churn", artifact(files, text), "--metrics", metrics(files, 0.8), registry=repo.path)
    for version, stage in (("1.0.0", "staging"), ("1.0.0", "production"), ("1.0.1", "staging")):
        done("stage", "set", "churn", version, stage, registry=repo.path)


def tags(repo: Repo) -> str:
    return repo.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/tags")


def test_the_whole_job_in_json(repo: Repo, tmp_path: Path) -> None:
    top, files = repo.path, tmp_path / "files"

    def ask(schema: str, *arguments: str | Path) -> Any:
        return done(*arguments, "--json", registry=top).json(schema)

    assert ask("init", "init", "--embedded")["commit"] == repo.head
    measured = metrics(files, 0.8)
    first = ask(
        "register", "register", "churn", artifact(files, "one"), "--metrics", measured, "--primary-metric", "f1"
    )
    assert (first["version"], first["commit"], first["already_registered"]) == ("1.0.0", repo.head, False)
    again = ask("register", "register", "churn", artifact(files, "one"))
    assert (again["version"], again["commit"], again["already_registered"]) == ("1.0.0", None, True)
    minor = ["--bump", "minor", "-t", "team=growth", "--metrics", str(metrics(files, 0.9))]
    second = ask("register", "register", "churn", artifact(files, "two"), *minor)
    assert second["version"] == "1.1.0"
    moved = ask("stage-set", "stage", "set", "churn", "1.0.0", "staging", "-m", "try it")
    assert (moved["from"], moved["to"], moved["transition"]) == ("development", "staging", 1)
    assert ask("stage-set", "stage", "set", "churn", "1.0.0", "staging")["commit"] is None
    ask("stage-set", "stage", "set", "churn", "1.0.0", "production")
    ask("stage-set", "alias", "set", "churn", "champion", "1.0.0")
    ask("stage-set", "stage", "set", "churn", "1.1.0", "staging")
    displacing = ask("stage-set", "stage", "set", "churn", "1.1.0", "production")
    assert displacing["displaced"] == ["1.0.0"]
    assert ask("stage-get", "stage", "get", "churn", "production")["versions"] == ["1.1.0"]
    listed = ask("stage-list", "stage", "list", "churn")
    assert listed["stages"]["archived"] == ["1.0.0"]
    rows = ask("list", "list", "churn")["versions"]
    assert [(row["version"], row["stage"]) for row in rows] == [("1.1.0", "production"), ("1.0.0", "archived")]
    assert ask("show", "show", "churn#production")["version"] == "1.1.0"
    events = ask("history", "history", "churn")["events"]
    assert events[-1]["displaced"] == ["1.0.0"]
    assert [e["alias"] for e in events if e["kind"] == "alias"] == ["champion"]
    assert ask("validate", "validate")["ok"] is True
    assert ask("verify", "verify", "--content") == {"ok": True, "versions": 2, "findings": []}
    pulled = ask("pull", "pull", "churn@1.0.0", "--to", tmp_path / "out")
    assert [file["path"] for file in pulled["files"]] == ["model.json"]
    assert (tmp_path / "out/model.json").read_text() == "one"
    assert ask("announce", "announce")["created"] == []
    assert ask("withdraw", "withdraw", "churn", "1.1.0", "-m", "leaks")["commit"] == repo.head
    assert ask("withdraw", "withdraw", "churn", "1.1.0", "-m", "leaks")["commit"] is None
    assert ask("verify", "verify")["ok"] is True
    assert ask("list", "list")["versions"][0]["withdrawn"] is True
    assert repo.state().strip() == ""


def test_a_users_work_is_never_touched(repo: Repo, tmp_path: Path) -> None:
    files = tmp_path / "files"
    repo.commit("code", {"train.py": "a\n", "both.py": "a\n"})
    repo.write("README.md", "edited\n")
    repo.write("train.py", "staged\n")
    repo.write("both.py", "staged\n")
    repo.git("add", "train.py", "both.py")
    repo.write("both.py", "staged and edited\n")
    repo.write("notes/idea.txt", "untracked\n")
    before = repo.state()
    assert len(before) > 200
    steps: list[tuple[str | Path, ...]] = [
        ("init", "--embedded"),
        ("register", "churn", artifact(files, "one", "a.json")),
        ("register", "churn", artifact(files, "two", "b.json")),
        ("stage", "set", "churn", "1.0.0", "staging"),
        ("stage", "set", "churn", "1.0.0", "production"),
        ("alias", "set", "churn", "champion", "1.0.0"),
        ("alias", "remove", "churn", "champion"),
        ("withdraw", "churn", "1.0.0", "-m", "leaks"),
        ("announce",),
    ]
    for step in steps:
        head = repo.head
        done(*step, registry=repo.path)
        assert repo.state() == before, step
        assert (repo.head != head) == (step != ("announce",))
        changed = repo.git("diff", "--name-only", head, "HEAD").split()
        assert not {"README.md", "train.py", "both.py", "notes/idea.txt"} & set(changed)


def test_a_dry_run_changes_nothing(repo: Repo, tmp_path: Path) -> None:
    files = tmp_path / "files"
    empty = everything(repo)
    assert done("init", "--embedded", "--dry-run", "--json", registry=repo.path).json("init")["commit"] is None
    assert everything(repo) == empty
    small(repo, files, "--embedded")
    before = everything(repo)
    objects = sorted((repo.path / ".dvc").rglob("*"))
    third = artifact(files, "three")
    for schema, step in {
        "register": ("register", "churn", third),
        "stage-set": ("stage", "set", "churn", "1.0.1", "production"),
        "withdraw": ("withdraw", "churn", "1.0.0", "-m", "no"),
        "announce": ("announce",),
    }.items():
        assert done(*step, "--dry-run", "--json", registry=repo.path).json(schema)["commit"] is None
        done(*step, "--dry-run", registry=repo.path)
        assert everything(repo) == before
    done("alias", "set", "churn", "champion", "1.0.0", "--dry-run", registry=repo.path)
    assert everything(repo) == before
    assert sorted((repo.path / ".dvc").rglob("*")) == objects


def test_init_twice_changes_nothing(repo: Repo) -> None:
    done("init", registry=repo.path)
    before = everything(repo)
    assert done("init", "--json", registry=repo.path).json("init")["created"] == []
    assert everything(repo) == before
    assert modelreg("init", "--embedded", registry=repo.path).code in (1, 2)  # it has a remote already
    assert everything(repo) == before


@pytest.mark.parametrize("remote", ["embedded", "folder"])
def test_dvc_pulls_what_modelreg_wrote(repo: Repo, tmp_path: Path, remote: str) -> None:
    options = ["--embedded"] if remote == "embedded" else ["--remote", str(tmp_path / "remote")]
    small(repo, tmp_path / "files", *options)
    folder = tmp_path / "files/bundle"
    artifact(folder / "part", "deep", "x.json")
    artifact(folder, "flat", "y.json")
    done("register", "bundle", folder, registry=repo.path)
    clone = repo.clone(tmp_path / "clone")
    dvc("pull", "-q", cwd=clone.path)
    assert clone.read("registry/churn/1.0.0/model.json") == "one"
    assert clone.read("registry/churn/1.0.1/model.json") == "two"
    assert clone.read("registry/bundle/1.0.0/bundle/part/x.json") == "deep"
    assert "up to date" in dvc("status", cwd=clone.path)
    assert clone.state().strip() == ""
    done("validate", registry=clone.path)
    done("verify", "--content", registry=clone.path)
    done("pull", "bundle", "--to", tmp_path / "out", registry=clone.path)
    assert (tmp_path / "out/bundle/part/x.json").read_text() == "deep"


def test_a_folder_of_a_monorepo(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = tmp_path / "files"
    repo.commit("code", {"ml/team/src/train.py": "a\n"})
    team = repo.path / "ml/team"
    done("init", "--embedded", registry=team)
    monkeypatch.chdir(team / "src")
    done("register", "churn", artifact(files, "one"))
    done("stage", "set", "churn", "1.0.0", "staging")
    assert done("stage", "get", "churn", "staging", registry=repo.path).out == "1.0.0\n"
    changed = {path.split("/")[0] for path in repo.git("diff", "--name-only", "HEAD~3", "HEAD").split()}
    assert changed == {"ml", ".dvc", ".dvcignore"}  # DVC is set up at the top, once
    assert repo.git("tag").split() == ["ml/team=churn#staging#1", "ml/team=churn@v1.0.0"]
    done("validate")
    done("verify", "--content")
    clone = repo.clone(tmp_path / "clone")
    dvc("pull", "-q", cwd=clone.path / "ml/team")
    assert clone.read("ml/team/registry/churn/1.0.0/model.json") == "one"
    assert repo.state().strip() == ""


def test_announce_makes_deleted_tags_again(repo: Repo, tmp_path: Path) -> None:
    small(repo, tmp_path / "files", "--embedded")
    before = tags(repo)
    names = repo.git("tag").split()
    assert len(names) >= 5
    repo.git("tag", "-d", *names)
    verified = done("verify", "--json", registry=repo.path).json("verify")
    assert {f["code"] for f in verified["findings"]} == {"tag-missing"}
    made = done("announce", "--json", registry=repo.path).json("announce")
    assert sorted(made["created"]) == sorted(names)
    assert tags(repo) == before
    assert done("verify", "--json", registry=repo.path).json("verify")["findings"] == []


@pytest.mark.parametrize("forgery", ["moved", "lightweight", "invented"])
def test_a_forged_tag_is_found(repo: Repo, tmp_path: Path, forgery: str) -> None:
    small(repo, tmp_path / "files", "--embedded")
    name = "churn#production#9" if forgery == "invented" else "churn@v1.0.0"
    options = [] if forgery == "lightweight" else ["-a", "-m", "trust me"]
    repo.git("tag", "-f", *options, name, "HEAD")
    result = modelreg("verify", "--json", registry=repo.path)
    assert result.code == 3
    found = result.json("verify")["findings"]
    assert [f["file"] for f in found] == [f"refs/tags/{name}"]
    if forgery != "invented":
        assert modelreg("announce", registry=repo.path).code == 3


def test_a_tampered_object_is_not_served(repo: Repo, tmp_path: Path) -> None:
    remote = tmp_path / "remote"
    small(repo, tmp_path / "files", "--remote", str(remote))
    for path in (remote / "files/md5").glob("*/*"):
        path.chmod(0o644)
        path.write_bytes(b"0ne"[: path.stat().st_size])
    clone = repo.clone(tmp_path / "clone")
    out = tmp_path / "out"
    result = modelreg("pull", "churn@1.0.0", "--to", out, registry=clone.path)
    assert result.code == 3, result.err
    assert not out.exists() or list(out.iterdir()) == []
    assert modelreg("verify", "--content", registry=clone.path).code == 3
    done("pull", "churn@1.0.0", "--to", out, registry=repo.path)  # from the cache of whoever made it


def test_a_bare_clone(repo: Repo, tmp_path: Path) -> None:
    remote = tmp_path / "remote"
    small(repo, tmp_path / "files", "--remote", str(remote))
    bare = repo.clone(tmp_path / "bare.git", "--bare")
    assert len(json.loads(done("list", "--json", registry=bare.path).out)["versions"]) == 2
    assert done("stage", "get", "churn", "production", registry=bare.path).out == "1.0.0\n"
    done("pull", "churn#production", "--to", tmp_path / "out", registry=bare.path)
    assert (tmp_path / "out/model.json").read_text() == "one"
    done("validate", registry=bare.path)
    done("verify", "--content", registry=bare.path)
    done("stage", "set", "churn", "1.0.1", "production", registry=bare.path)
    assert done("stage", "get", "churn", "production", registry=bare.path).out == "1.0.1\n"


def test_push_lands_branch_and_tags_together(repo: Repo, tmp_path: Path) -> None:
    files = tmp_path / "files"
    small(repo, files, "--embedded")
    server = repo.bare(tmp_path / "server.git")
    done("register", "churn", artifact(files, "three"), "--push", registry=repo.path)
    assert (server.rev("main"), tags(server)) == (repo.head, tags(repo))
    done("stage", "set", "churn", "1.0.2", "staging", "--push", registry=repo.path)
    assert (server.rev("main"), tags(server)) == (repo.head, tags(repo))

    other = repo.clone(tmp_path / "other")
    other.git("remote", "set-url", "origin", str(server.path))
    done("withdraw", "churn", "1.0.2", "-m", "no", "--push", registry=other.path)
    done("register", "churn", artifact(files, "four"), "--push", registry=repo.path)  # brings main forward first
    assert server.rev("main") == repo.head
    assert other.rev("HEAD") == repo.rev("HEAD~1")
    assert repo.state().strip() == ""

    hook = server.path / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'pre-receive hook declined: GH006' >&2\nexit 1\n")
    hook.chmod(0o755)
    before, there = everything(repo), everything_bare(server)
    refused: Result = modelreg("register", "churn", artifact(files, "five"), "--push", registry=repo.path)
    assert refused.code == 1, refused.err
    assert (everything(repo), everything_bare(server)) == (before, there)


def everything_bare(server: Repo) -> str:
    return server.git("for-each-ref", "--format=%(refname) %(objectname)")


def test_who_may_not_register_lands_nothing(repo: Repo, tmp_path: Path) -> None:
    done("init", "--embedded", registry=repo.path)
    allowed = {"role": "trainer", "may": ["register"], "models": ["churn*"]}
    change_policy(repo, roles={"trainer": ["ann@example.org"]}, access=[allowed])
    before = everything(repo)
    made = artifact(tmp_path, "one")
    repo.git("config", "user.email", "eve@example.org")
    refused = modelreg("register", "churn", made, "--json", registry=repo.path)
    assert (refused.code, json.loads(refused.err)["error"]["code"]) == (1, "denied")
    repo.git("config", "user.email", "ann@example.org")
    assert modelreg("register", "fraud", made, registry=repo.path).code == 1, "not of her models"
    assert everything(repo) == before
    done("register", "churn", made, registry=repo.path)
    done("verify", registry=repo.path)
