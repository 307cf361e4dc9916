"""Artifacts on a real S3 server: put there, fetched from another clone and without one, refused without the key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelreg import Registry
from modelreg.adapters.dvc_cache import object_path
from tests.cli.runner import artifact, done, everything, metrics, modelreg
from tests.s3 import KEY, S3, SECRET, serve_s3
from tests.support import Repo

CONTENT = "a model on S3"
MD5 = hashlib.md5(CONTENT.encode(), usedforsecurity=False).hexdigest()


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with serve_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def repo(tmp_path: Path, s3: S3, keys: None, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Repo:
    """A registry whose artifacts go to a prefix of its own, with a server of git."""
    monkeypatch.setenv("MODELREG_CACHE", str(tmp_path / "cache"))
    repo = Repo.init(tmp_path / "repo")
    done("init", "--policy", "open", "--remote", f"s3://models/{tmp_path.name}", registry=repo.path)
    s3.configure(repo)
    server = repo.bare(tmp_path / "server.git")
    server.git("config", "uploadpack.allowFilter", "true")
    return repo


def key_of(tmp_path: Path, md5: str) -> str:
    return f"{tmp_path.name}/{object_path(md5)}"


def test_registered_pushed_and_pulled_with_and_without_a_clone(repo: Repo, s3: S3, tmp_path: Path) -> None:
    done("register", "churn", artifact(tmp_path, CONTENT), "--push", registry=repo.path)
    assert s3.objects()[key_of(tmp_path, MD5)] == CONTENT.encode()
    other = Repo(tmp_path / "server.git").clone(tmp_path / "other")
    done("pull", "churn@1.0.0", "--to", tmp_path / "one", registry=other.path)
    url = f"file://{tmp_path / 'server.git'}"
    done("pull", "churn@1.0.0", "--to", tmp_path / "two", "--registry", url)
    assert (tmp_path / "one/model.json").read_text() == (tmp_path / "two/model.json").read_text() == CONTENT
    done("verify", registry=other.path)
    committed = other.git("grep", "-l", "-e", KEY, "-e", SECRET, "HEAD", check=False)
    assert committed == ""


def test_a_training_job_without_a_clone_registers_on_s3(repo: Repo, s3: S3, tmp_path: Path) -> None:
    url = f"file://{tmp_path / 'server.git'}"
    version = Registry(url).register("churn", artifacts=[artifact(tmp_path, "from a job")], metrics={"f1": 0.9})
    assert b"from a job" in s3.objects().values()
    assert Registry(url).get("churn@latest").metrics == version.metrics == {"f1": 0.9}


def test_a_wrong_key_is_refused_and_nothing_changes(
    repo: Repo, s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, there = everything(repo), s3.objects()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    for where in (["--push", "--registry", str(repo.path)], ["--registry", f"file://{tmp_path / 'server.git'}"]):
        refused = modelreg("register", "churn", artifact(tmp_path, CONTENT), *where)
        assert refused.code == 4
        assert refused.err.splitlines() == [
            f"error: the remote storage (s3://models/{tmp_path.name}) cannot be used: PermissionError: Forbidden",
            "hint: check the network and your credentials",
        ]
    assert (everything(repo), s3.objects()) == (before, there)


def test_what_the_remote_has_is_not_sent_twice_and_the_rest_is(repo: Repo, s3: S3, tmp_path: Path) -> None:
    """An upload of a folder that broke off goes on: of five files two are there already."""
    folder = tmp_path / "model"
    folder.mkdir()
    contents = {str(n): f"part {n} of {tmp_path.name}" for n in range(5)}
    for name, text in contents.items():
        (folder / name).write_text(text)
    md5s = [hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() for text in contents.values()]
    for md5, text in list(zip(md5s, contents.values(), strict=True))[:2]:
        place = s3.folder / "models" / key_of(tmp_path, md5)
        place.parent.mkdir(parents=True)
        place.write_text(text)
    seen = len(s3.requests())
    done("register", "churn", folder, registry=repo.path)
    sent = [line for line in s3.requests()[seen:] if line.startswith(("PUT", "CREATE OBJECT"))]
    assert len(sent) == 4, s3.requests()[seen:]  # three files, and what names them
    seen = len(s3.requests())
    (folder / "5").write_text("one more")
    done("register", "churn", folder, registry=repo.path)
    sent = [line for line in s3.requests()[seen:] if line.startswith(("PUT", "CREATE OBJECT"))]
    assert len(sent) == 2
    done("pull", "churn@1.0.0", "--to", tmp_path / "out", registry=Repo(repo.path).clone(tmp_path / "fresh").path)
    assert {p.name: p.read_text() for p in (tmp_path / "out/model").iterdir()} == contents


def test_credentials_of_the_user_stay_out_of_git(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`dvc remote modify --local` puts them into .dvc/config.local, which counts and is never committed."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    repo.write(
        ".dvc/config.local", f"['remote \"storage\"']\n    access_key_id = {KEY}\n    secret_access_key = {SECRET}\n"
    )
    done("register", "churn", artifact(tmp_path, CONTENT), registry=repo.path)
    assert ".dvc/config.local" not in repo.git("ls-files")
    assert repo.git("check-ignore", ".dvc/config.local") != ""


@pytest.mark.parametrize("key", ["secret_access_key", "session_token", "access_key_id"])
def test_a_secret_in_the_committed_configuration_stops_a_writer(repo: Repo, tmp_path: Path, key: str) -> None:
    repo.commit("oops", {".dvc/config": repo.read(".dvc/config").rstrip() + f"\n    {key} = {SECRET}\n"})
    before = everything(repo)
    refused = modelreg("register", "churn", artifact(tmp_path, CONTENT), registry=repo.path)
    assert refused.code == 1
    assert f"sets {key} of the remote storage" in refused.err
    assert "--local" in refused.err
    assert SECRET not in refused.err
    assert everything(repo) == before


# -- what lies there already


def test_from_remote_an_object_becomes_a_version(repo: Repo, s3: S3, tmp_path: Path) -> None:
    run = s3.folder / "models/runs" / tmp_path.name
    run.mkdir(parents=True)
    (run / "model.json").write_text(CONTENT)
    place = f"s3://models/runs/{tmp_path.name}/model.json"
    url = f"file://{tmp_path / 'server.git'}"
    done("register", "churn", "--from-remote", place, "--metrics", metrics(tmp_path, 0.9), "--registry", url)
    assert s3.objects()[key_of(tmp_path, MD5)] == CONTENT.encode()
    done("pull", "churn@1.0.0", "--to", tmp_path / "out", "--registry", url)
    assert (tmp_path / "out/model.json").read_text() == CONTENT
    (run / "folder/deeper").mkdir(parents=True)
    (run / "folder/a").write_text("1")
    (run / "folder/deeper/b").write_text("22")
    done("register", "churn", "--from-remote", f"s3://models/runs/{tmp_path.name}/folder", "--registry", url)
    done("pull", "churn@1.0.1", "--to", tmp_path / "out", "--registry", url)
    assert (tmp_path / "out/folder/deeper/b").read_text() == "22"


def test_from_remote_by_the_name_of_a_remote(repo: Repo, s3: S3, tmp_path: Path) -> None:
    place = s3.folder / "models" / tmp_path.name / "runs/model.json"
    place.parent.mkdir(parents=True)
    place.write_text(CONTENT)
    version = Registry(repo.path).register("churn", from_remote=["remote://storage/runs/model.json"])
    assert version.manifest.primary.path == "model.json"
    assert version.manifest.primary.md5 == MD5


def test_from_remote_a_pointer_sends_nothing(repo: Repo, s3: S3, tmp_path: Path) -> None:
    """What `dvc add` and `dvc push` brought to the remote."""
    place = s3.folder / "models" / key_of(tmp_path, MD5)
    place.parent.mkdir(parents=True)
    place.write_text(CONTENT)
    pointer = tmp_path / "model.json.dvc"
    pointer.write_text(f"outs:\n- md5: {MD5}\n  size: {len(CONTENT)}\n  hash: md5\n  path: model.json\n")
    seen = len(s3.requests())
    done("register", "churn", "--from-remote", pointer, registry=repo.path)
    assert not [line for line in s3.requests()[seen:] if line.startswith(("PUT", "CREATE OBJECT"))]
    assert MD5 in repo.show("registry/churn/1.0.0/manifest.yaml")


def test_a_key_that_may_not_read_says_so(repo: Repo, s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    refused = modelreg("register", "churn", "--from-remote", "s3://models/x/model.json", registry=repo.path)
    assert (refused.code, "s3://models/x/model.json cannot be used" in refused.err) == (4, True)
