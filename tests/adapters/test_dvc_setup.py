"""DVC's configuration, made and read without DVC, and what DVC itself says to it."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelreg.adapters import dvc_setup
from modelreg.adapters.dvc_setup import read_config, setup_files
from modelreg.errors import InvalidError, UsageError
from tests.support import Repo, run


def reader(files: dict[str, bytes]) -> dvc_setup.Read:
    return files.get


def config_of(files: dict[str, bytes]) -> dict[str, object]:
    return read_config(files[".dvc/config"])


def dvc(repo: Repo, *args: str) -> str:
    return run(sys.executable, "-m", "dvc", *args, cwd=repo.path).stdout


@pytest.mark.parametrize(
    ("remote", "written", "listed"),
    [
        ("s3://bucket/models", "s3://bucket/models", "s3://bucket/models"),
        ("gs://bucket/models", "gs://bucket/models", "gs://bucket/models"),
        ("/data/models", "/data/models", "/data/models"),
        ("../storage place", "../../storage place", "../storage place"),
        (None, "remote", ".dvc/remote"),
    ],
)
def test_dvc_accepts_what_is_set_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, remote: str | None, written: str, listed: str
) -> None:
    monkeypatch.setenv("COLUMNS", "500")  # DVC folds the paths of its table, however deep the tests' folder is
    repo = Repo.init(tmp_path / "repo")
    files = setup_files(reader({}), remote=remote, embedded=remote is None)
    assert sorted(files) == [".dvc/.gitignore", ".dvc/config", ".dvcignore"]
    repo.commit("dvc", dict(files))

    config = config_of(files)
    assert config == {
        "core": {"remote": "storage", "analytics": "false"},
        "remote": {"storage": {"url": written}},
    }
    name, url, default = re.fullmatch(r"(\S+)\s+(.+?)\s+(\S+)\s*", dvc(repo, "remote", "list")).groups()  # type: ignore[union-attr]
    assert (name, default) == ("storage", "(default)")
    assert url == listed if "://" in listed else Path(url) == Path(os.path.normpath(repo.path / listed))
    assert "no data or pipelines tracked" in dvc(repo, "status")
    assert repo.git("status", "--porcelain") == ""


def test_the_files_are_those_of_dvc_init(tmp_path: Path) -> None:
    repo = Repo.init(tmp_path / "repo")
    dvc(repo, "init", "--quiet")
    files = setup_files(reader({}))
    assert (repo.path / ".dvcignore").read_bytes() == files[".dvcignore"]
    ignored = files[".dvc/.gitignore"]
    assert ignored == (repo.path / ".dvc/.gitignore").read_bytes() + b"/storage\n"
    have = {str(p.relative_to(repo.path)): p.read_bytes() for p in repo.path.rglob("*") if p.is_file()}
    again = setup_files(reader(have), remote="s3://b/m")
    assert sorted(again) == [".dvc/.gitignore", ".dvc/config"]
    assert again[".dvc/.gitignore"] == ignored
    assert setup_files(reader(have | again), remote="s3://b/m") == {}


def test_an_existing_configuration_keeps_every_line() -> None:
    mine = b"""# ours
[core]   # the core
    autostage = true
['remote "mirror"']
    url = s3://other/place
[cache]
    type = "reflink,copy"
"""
    made = setup_files(reader({".dvc/config": mine}), remote="s3://b/m")[".dvc/config"]
    kept = iter(made.splitlines())
    assert all(line in kept for line in mine.splitlines())
    config = read_config(made)
    assert dvc_setup.remote_name(config) == "storage"
    assert config["core"] == {"autostage": "true", "analytics": "false", "remote": "storage"}
    assert dvc_setup.remote_url(config, "mirror") == "s3://other/place"


def test_an_existing_default_remote_stays() -> None:
    mine = b"[core]\nremote = Mine\nanalytics = true\n['remote \"mine\"']\nurl = s3://b/m\n"
    have = {".dvc/config": mine}
    assert ".dvc/config" not in setup_files(reader(have))
    assert ".dvc/config" not in setup_files(reader(have), remote="s3://b/m")
    assert dvc_setup.remote_name(read_config(mine)) == "mine"
    with pytest.raises(InvalidError, match="something else") as caught:
        setup_files(reader(have), remote="s3://other/m")
    assert caught.value.field == "core.remote"
    with pytest.raises(InvalidError):
        setup_files(reader(have), embedded=True)


def test_the_nearest_configuration_above_the_registry_is_used() -> None:
    have = {"ml/.dvc/config": b"[core]\n", ".dvc/config": b"[core]\n"}
    assert dvc_setup.dvc_folder(reader(have), "ml/team") == "ml/"
    assert dvc_setup.dvc_folder(reader(have), "web") == ""
    assert "ml/.dvc/config" in setup_files(reader(have), remote="s3://b/m", root="ml/team")


@pytest.mark.parametrize(
    "remote",
    ["", "-rf", "a\nb", "a'b", 'a"b', "a#b", "a,b", "s3://key:secret@bucket/x", "\x1b[0m"],
)
def test_remotes_that_cannot_be_written_are_refused(remote: str) -> None:
    with pytest.raises(UsageError):
        setup_files(reader({}), remote=remote)


def test_embedded_and_elsewhere_exclude_each_other() -> None:
    with pytest.raises(UsageError):
        setup_files(reader({}), remote="s3://b/m", embedded=True)


@pytest.mark.parametrize("text", [b"[core", b"\xff", b"remote = x\n", b"[core]\na = %(b)s\n", b"[core]\n[core]\n"])
def test_what_is_no_configuration_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidError) as caught:
        read_config(text)
    assert caught.value.file == ".dvc/config"


@given(st.binary(max_size=200) | st.text("[]'\"=# \nremotcu%()\\", max_size=100).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        config = read_config(data)
    except InvalidError:
        return
    assert isinstance(config["remote"], dict)


value = st.text("abc/.~-_ ", min_size=1, max_size=8).map(str.strip).filter(bool)


@given(st.dictionaries(st.sampled_from(["remote", "analytics", "autostage"]), value), value)
def test_dvc_reads_the_same(core: dict[str, str], url: str) -> None:
    from dvc.config import Config

    lines = ["[core]", *(f"    {key} = {text}" for key, text in core.items()), "['remote \"X\"']", f"    url = {url}"]
    data = "\n".join(lines).encode()
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        theirs = Config.load_file(file.name)
    assert read_config(data)["remote"] == theirs["remote"]
    assert read_config(data)["core"] == theirs["core"]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("s3://bucket/a", "s3://bucket/a"),
        ("https://ann:secret@host/a?token=1", "https://host/a"),
        ("ssh://ann@host:22/a@b", "ssh://host:22/a@b"),
        ("../storage", "../storage"),
    ],
)
def test_urls_are_shown_without_secrets(url: str, shown: str) -> None:
    assert dvc_setup.shown_url(url) == shown


@pytest.mark.parametrize(
    ("url", "answer"), [("remote", True), ("./remote/", True), ("../remote", False), ("s3://remote", False)]
)
def test_an_embedded_remote_is_known_by_its_folder(url: str, answer: bool) -> None:
    config = read_config(f"['remote \"x\"']\nurl = {url}\n".encode())
    assert dvc_setup.is_embedded(config, "x") is answer
