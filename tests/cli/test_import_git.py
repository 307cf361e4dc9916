"""`import gto` and `import dvc`: real GTO repositories with real DVC files, and the registry that they become."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import gto.api
import pytest

from tests.cli.runner import Result, done, everything, founded, modelreg
from tests.support import FIRST_COMMIT_AT, Repo
from tests.test_docs import TOP, play, sessions

AT = FIRST_COMMIT_AT + 10_000
MODELS = {"v1": b"model one", "v2": b"model two"}


def put(store: Path, data: bytes, suffix: str = "") -> str:
    """An object in a DVC remote that is a folder; its MD5."""
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest() + suffix
    path = store / "files" / "md5" / md5[:2] / md5[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return md5


def tag(repo: Repo, name: str, rev: str, message: str = "Assigning") -> None:
    repo.commits_made += 1
    env = {"GIT_COMMITTER_DATE": f"{AT + 60 * repo.commits_made} +0000", "GIT_COMMITTER_EMAIL": "bo@example.org"}
    repo.git("tag", "-a", "-m", message, name, rev, env=env)


def pointer(md5: str, path: str, size: int) -> str:
    return f"outs:\n- md5: '{md5}'\n  size: {size}\n  hash: md5\n  path: {path}\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """A GTO repository as people have them: a pointer, a stage's output, a folder, a file in git, in a subfolder too."""
    top = tmp_path_factory.mktemp("made")
    repo, store = Repo.init(top / "theirs"), top / "store"
    config = f"[core]\n    remote = s\n['remote \"s\"']\n    url = {store}\n"
    files = {name: put(store, data) for name, data in (("a.txt", b"a"), ("sub/b.txt", b"bb"))}
    listing = json.dumps([{"md5": md5, "relpath": name} for name, md5 in files.items()]).encode()
    folder = put(store, listing, ".dir")
    table = put(store, b'{"auc": 0.75}')
    lock = (
        "schema: '2.0'\nstages:\n  train:\n    cmd: x\n    outs:\n"
        f"    - path: out/net.onnx\n      hash: md5\n      md5: '{put(store, b'net')}'\n      size: 3\n"
        f"    - path: auc.json\n      hash: md5\n      md5: '{table}'\n      size: 13\n"
    )
    declared = """\
artifacts:
  churn:
    path: model.pkl
    type: model
    desc: who leaves
    labels: [growth, weekly]
  net: {path: out/net.onnx, type: model}
  words: {path: words, type: model}
  inner: {path: words/sub/b.txt}
  lost: {path: lost.pkl, type: model}
  odd: {path: ml/an odd name.json}
metrics: [metrics.json, auc.json]
params: [params.yaml]
"""
    repo.commit(
        "one",
        {
            ".dvc/config": config,
            "dvc.yaml": declared,
            "dvc.lock": lock,
            "model.pkl.dvc": pointer(put(store, MODELS["v1"]), "model.pkl", 9),
            "words.dvc": pointer(folder, "words", 3),
            "lost.pkl.dvc": pointer("0" * 32, "lost.pkl", 5),
            "metrics.json": '{"acc": 0.8, "train": {"loss": 0.5}, "note": "text"}',
            "params.yaml": "depth: 3\n",
            "ml/team/dvc.yaml": "artifacts:\n  churn: {path: tiny.json, type: model}\n",
            "ml/an odd name.json": "{}",
            "ml/team/tiny.json": '{"tiny": 1}',
        },
    )
    tag(repo, "churn@v1.0.0", "HEAD", "Registering artifact churn version v1.0.0")
    tag(repo, "ml/team=churn@v0.1.0", "HEAD", "the first of the team")
    for name in ("net", "words", "inner", "lost", "ghost", "odd"):
        tag(repo, f"{name}@v0.0.1", "HEAD")
    tag(repo, "churn#staging#1", "HEAD", "to be looked at")
    tag(repo, "churn#production#2", "HEAD", "good")
    repo.commit(
        "two", {"model.pkl.dvc": pointer(put(store, MODELS["v2"]), "model.pkl", 9), "metrics.json": '{"acc": 0.9}'}
    )
    tag(repo, "churn@v1.1.0", "HEAD")
    tag(repo, "churn#production#3", "HEAD")
    tag(repo, "net@v0.0.1!", "HEAD~1", "wrong")
    tag(repo, "words@deprecated", "HEAD", "nobody uses it")
    repo.git("tag", "light@v1.0.0")  # GTO does not count it
    return repo


@pytest.fixture
def theirs(made: Repo) -> Repo:
    return made


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    return founded(tmp_path_factory.mktemp("empty") / "repo", "--policy", "open")


@pytest.fixture
def registry(empty: Repo, tmp_path: Path) -> Repo:
    """A registry in a repository of its own that lets every move pass."""
    return empty.copy(tmp_path / "registry")


def gto_shows(path: Path, stage: str) -> str:
    """The version that GTO takes for the one in a stage."""
    return str(gto.api.show(str(path), stage)[0]["version"])


RENAMED = ("--as", "ml/team:churn=team_churn")


def brought(registry: Repo, theirs: Repo, *options: str, kind: str = "gto") -> tuple[Result, dict[str, Any]]:
    result = modelreg("import", kind, "--from", theirs.path, "--json", *options, registry=registry.path)
    answer = result.json(f"import-{kind}")
    return result, {model["model"]: model for model in answer["models"]}


def show(registry: Repo, address: str) -> Any:
    return done("show", address, "--json", registry=registry.path).json("show")


def test_what_gto_has_is_here_afterwards(registry: Repo, theirs: Repo, tmp_path: Path) -> None:
    result, models = brought(registry, theirs, *RENAMED)
    assert result.code == 0, result.err
    assert {name: [v["version"] for v in model["registered"]] for name, model in models.items()} == {
        "churn": ["1.0.0", "1.1.0"],
        "ghost": ["0.0.1"],
        "inner": ["0.0.1"],
        "lost": ["0.0.1"],
        "team_churn": ["0.1.0"],
        "net": ["0.0.1"],
        "odd": ["0.0.1"],
        "words": ["0.0.1"],
    }
    assert models["churn"]["moves"] == ["1.0.0 to staging", "1.0.0 to production", "1.1.0 to production"]
    assert models["net"]["moves"] == ["0.0.1 withdrawn"]
    assert models["words"]["moves"] == ["retired"]
    without = {name for name, model in models.items() if not all(v["files"] for v in model["registered"])}
    assert without == {"lost", "ghost"}
    assert "holds the object 00000000000000000000000000000000" in models["lost"]["notes"][0]
    assert "no dvc.yaml of that commit declares it" in models["ghost"]["notes"][0]

    answer = done("stage", "list", "churn", "--json", registry=registry.path).json("stage-list")
    assert answer["stages"] == {"development": [], "staging": [], "production": ["1.0.0", "1.1.0"], "archived": []}
    assert gto_shows(registry.path, "churn#production") == "v1.1.0"
    assert gto_shows(theirs.path, "churn#production") == "v1.1.0"

    manifest = show(registry, "churn@1.0.0")
    commit = theirs.git("rev-parse", "churn@v1.0.0^{commit}")
    assert manifest["source"] == {
        "uri": f"theirs@{commit}:model.pkl",
        "tool": "gto",
        "model": "churn",
        "version": "v1.0.0",
        "created": manifest["source"]["created"],
        "by": "bo@example.org",
    }
    assert manifest["lineage"]["code"]["commit"] == commit
    assert {name: entry["value"] for name, entry in manifest["metrics"].items()} == {
        "acc": 0.8,
        "train_loss": 0.5,
        "auc": 0.75,
    }
    assert manifest["metrics"]["train_loss"]["source_name"] == "train.loss"
    assert manifest["params"] == {"depth": 3}
    assert show(registry, "team_churn@0.1.0")["annotations"]["description"] == "the first of the team"
    moved = done("history", "churn", "--json", registry=registry.path).json("history")["events"]
    assert moved[-1]["reason"] == "GTO tag churn#production#3 by bo@example.org: Assigning"

    for address, name, content in (
        ("churn@1.1.0", "model.pkl", MODELS["v2"]),
        ("inner@0.0.1", "b.txt", b"bb"),
        ("odd@0.0.1", "an-odd-name.json", b"{}"),
        ("team_churn@0.1.0", "tiny.json", b'{"tiny": 1}'),
    ):
        done("pull", address, "--to", tmp_path / address, registry=registry.path)
        assert (tmp_path / address / name).read_bytes() == content
    done("validate", registry=registry.path)
    done("verify", registry=registry.path)


def test_twice_is_once_and_later_tags_follow(registry: Repo, theirs: Repo, tmp_path: Path) -> None:
    source = theirs.copy(tmp_path / "theirs")
    only = ("--artifact", "churn")
    assert brought(registry, source, *only)[0].code == 0
    before = everything(registry)
    result, models = brought(registry, source, *only)
    assert (result.code, models["churn"]["registered"], models["churn"]["moves"]) == (0, [], [])
    assert models["churn"]["present"] == 2
    assert everything(registry) == before
    tag(source, "churn#production!#4", "HEAD", "broken")
    _, models = brought(registry, source, *only)
    assert models["churn"]["moves"] == ["1.1.0 to the initial stage"]


def test_an_import_that_was_cut_off_goes_on(registry: Repo, theirs: Repo) -> None:
    """After any of its landings: as a run that nothing stopped."""
    whole = registry.copy(registry.path.parent / "whole")
    brought(whole, theirs, "--artifact", "churn")
    landings = whole.git("rev-list", "--reverse", f"{registry.head}..HEAD").split()
    wanted = done("stage", "list", "churn", "--json", registry=whole.path).out
    for number in range(len(landings)):
        cut = whole.copy(registry.path.parent / f"cut{number}")
        cut.git("reset", "-q", "--hard", landings[number])
        for name in cut.git("tag").split():
            cut.git("tag", "-d", name)
        done("announce", registry=cut.path)
        result, _ = brought(cut, theirs, "--artifact", "churn")
        assert result.code == 0
        assert done("stage", "list", "churn", "--json", registry=cut.path).out == wanted
        assert len(cut.git("rev-list", f"{registry.head}..HEAD").split()) == len(landings)


def test_a_dry_run_changes_nothing(registry: Repo, theirs: Repo) -> None:
    before = everything(registry)
    result, models = brought(registry, theirs, "--dry-run", *RENAMED)
    assert result.code == 0
    assert [v["version"] for v in models["churn"]["registered"]] == ["1.0.0", "1.1.0"]
    assert models["churn"]["moves"][-1] == "1.1.0 to production"
    assert everything(registry) == before


def test_what_the_policy_refuses_is_listed_and_stops_nothing_else(registry: Repo, theirs: Repo) -> None:
    """Stages that there are not here; later they may be named."""
    policy = registry.read("registry/policy.yaml").replace("production", "live").replace("serial: 1", "serial: 2")
    registry.commit("other stages", {"registry/policy.yaml": policy})
    result, models = brought(registry, theirs, "--artifact", "churn")
    assert result.code == 1
    assert [entry["what"] for entry in models["churn"]["not_imported"]] == [
        "1.0.0 to production",
        "1.1.0 to production",
    ]
    assert "the policy has no stage production" in models["churn"]["not_imported"][0]["reason"]
    result, models = brought(registry, theirs, "--artifact", "churn", "--stage", "production=live")
    assert (result.code, models["churn"]["moves"]) == (0, ["1.0.0 to production", "1.1.0 to production"])
    assert done("stage", "get", "churn", "live", registry=registry.path).out.splitlines()[0] == "1.1.0"


def test_two_artifacts_of_one_name(registry: Repo, theirs: Repo) -> None:
    told = modelreg("import", "gto", "--from", theirs.path, registry=registry.path)
    assert told.code == 1
    assert "--as ml/team:churn=ANOTHER" in told.err
    told = modelreg("import", "gto", "--from", theirs.path, "--artifact", "nobody", registry=registry.path)
    assert (told.code, "known are: churn" in told.err) == (1, True)


def test_a_model_that_is_somebody_elses(registry: Repo, theirs: Repo, tmp_path: Path) -> None:
    done("register", "churn", theirs.path / "ml/team/tiny.json", registry=registry.path)
    result, models = brought(registry, theirs, "--artifact", "churn")
    assert result.code == 1
    assert models["churn"]["registered"] == []
    assert "none of its versions came from there" in models["churn"]["not_imported"][0]["reason"]


def test_gtos_own_tags_are_never_taken_for_announcements(theirs: Repo, tmp_path: Path) -> None:
    """In its own repository: refused, with the ways out; the registry in a subfolder has tags of its own."""
    repo = theirs.copy(tmp_path / "theirs")
    done("init", "--policy", "open", registry=repo.path)
    before = everything(repo)
    told = modelreg("import", "gto", "--artifact", "churn", registry=repo.path)
    assert told.code == 5
    assert "churn@v1.0.0" in told.err
    assert "--from this one" in told.err
    assert everything(repo) == before
    folder = theirs.copy(tmp_path / "again").path / "models"
    folder.mkdir()
    done("init", "--policy", "open", registry=folder)
    assert modelreg("import", "gto", "--artifact", "churn", registry=folder).code == 0
    assert gto_shows(folder.parent, "models:churn#production") == "v1.1.0"
    done("announce", registry=folder)
    done("verify", registry=folder)


def test_an_object_in_the_remote_with_other_bytes_does_not_come_in(
    registry: Repo, theirs: Repo, tmp_path: Path
) -> None:
    """A14: of another repository's files the MD5 is known, and is compared."""
    source = theirs.copy(tmp_path / "theirs")
    shutil.copytree(theirs.path.parent / "store", tmp_path / "store")
    config = source.read(".dvc/config").replace(str(theirs.path.parent / "store"), str(tmp_path / "store"))
    source.commit("another store", {".dvc/config": config})
    shutil.rmtree(source.path / ".dvc" / "cache", ignore_errors=True)
    md5 = hashlib.md5(MODELS["v1"], usedforsecurity=False).hexdigest()
    path = tmp_path / "store" / "files" / "md5" / md5[:2] / md5[2:]
    path.chmod(0o644)
    path.write_bytes(b"model 0ne")
    _, models = brought(registry, source, "--artifact", "churn")
    assert models["churn"]["registered"] == [{"version": "1.0.0", "files": False}, {"version": "1.1.0", "files": True}]
    assert "other bytes" in models["churn"]["notes"][0]


def test_without_files(registry: Repo, theirs: Repo) -> None:
    _, models = brought(registry, theirs, "--artifact", "churn", "--no-files")
    assert [v["files"] for v in models["churn"]["registered"]] == [False, False]


# --- dvc


def test_dvc_artifacts_of_head(registry: Repo, theirs: Repo) -> None:
    result, models = brought(registry, theirs, *RENAMED, kind="dvc")
    assert result.code == 0, result.err
    assert sorted(models) == ["churn", "lost", "net", "team_churn", "words"]  # inner has no type
    assert models["churn"]["registered"] == [{"version": "1.0.0", "files": True}]
    manifest = show(registry, "churn@latest")
    assert (manifest["source"]["tool"], manifest["source"]["version"]) == ("dvc", theirs.head)
    assert manifest["metrics"]["acc"]["value"] == 0.9
    assert manifest["annotations"]["tags"] == {"labels": "growth, weekly"}
    before = everything(registry)
    result, models = brought(registry, theirs, *RENAMED, kind="dvc")
    assert (result.code, models["churn"]["present"], everything(registry)) == (0, 1, before)
    _, models = brought(registry, theirs, "--all", "--artifact", "inner", kind="dvc")
    assert list(models) == ["inner"]
    done("validate", registry=registry.path)


def test_dvc_versions_of_revisions(registry: Repo, theirs: Repo) -> None:
    """A tag that names a version gives it; the same files are no second version."""
    revisions = ("--rev", "churn@v1.0.0", "--rev", "HEAD~1", "--rev", "churn@v1.1.0", "--rev", "main")
    result, models = brought(registry, theirs, "--artifact", "churn", *revisions, kind="dvc")
    assert result.code == 0
    assert [v["version"] for v in models["churn"]["registered"]] == ["1.0.0", "1.1.0"]
    assert models["churn"]["present"] == 2
    told = modelreg("import", "dvc", "--from", theirs.path, "--rev", "nosuch", registry=registry.path)
    assert told.code == 1
    assert "names no commit" in told.err


def test_dvc_from_the_registrys_own_repository(theirs: Repo, tmp_path: Path) -> None:
    repo = theirs.copy(tmp_path / "theirs")
    for name in repo.git("tag").split():
        repo.git("tag", "-d", name)
    done("init", "--policy", "open", registry=repo.path)
    result = modelreg("import", "dvc", "--artifact", "words", registry=repo.path)
    assert result.code == 0, result.err
    assert "words: 1 version registered" in result.out
    done("verify", registry=repo.path)


@pytest.mark.parametrize("name", ["gto", "dvc"])
def test_the_page(registry: Repo, theirs: Repo, name: str) -> None:
    (registry.path.parent / "theirs").symlink_to(theirs.path)
    play(sessions((TOP / "docs" / f"import-{name}.md").read_text())[name], registry.path)
