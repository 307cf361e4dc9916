"""Code, packages, lock files, hardware, and the runs of experiment trackers, as they are found without asking."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from modelreg.adapters.provenance import environment, locks, trackers
from modelreg.adapters.provenance.code import code, without_credentials
from modelreg.adapters.provenance.place import Place
from modelreg.errors import InvalidError, NotFoundError
from tests.support import Repo

HASHED = "numpy==2.0 --hash=sha256:00\n"


def state(repo: Repo, script: str | None = None) -> tuple[dict[str, Any], list[str]]:
    found, notes = code(Place.around(repo.path, repo.path), repo.path / script if script else None)
    assert found is not None
    return found, notes


def test_clean_code(repo: Repo) -> None:
    repo.commit("code", {"a/train.py": "x\n"})
    repo.write("untracked.txt", "no part of the code")
    repo.git("remote", "add", "origin", "https://ada:secret@example.org/x.git")
    assert state(repo, "a/train.py") == (
        {
            "repository": "https://example.org/x.git",
            "commit": repo.head,
            "tree": repo.rev("HEAD^{tree}"),
            "branch": "main",
            "dirty": False,
            "diff_sha256": None,
            "entry_point": "a/train.py",
        },
        [],
    )


def test_dirty_code(repo: Repo) -> None:
    repo.commit("code", {"a.py": "x\n", "b ö.py": "y\n", "c.py": "z\n"})
    repo.write("a.py", "other\n")
    repo.git("mv", "b ö.py", "d.py")
    repo.git("checkout", "-q", "--detach")
    found, notes = state(repo)
    assert (found["dirty"], found["branch"], found["dirty_files"]) == (True, None, ["a.py", "b ö.py", "d.py"])
    diff = repo.git("-c", "core.quotePath=false", "diff", "--binary", "HEAD") + "\n"
    assert found["diff_sha256"] == hashlib.sha256(diff.encode()).hexdigest()
    assert len(notes) == 1
    assert notes[0].startswith("a.py, b \\xf6.py, d.py differ from the commit, which is recorded")
    assert notes[0].isascii()


def test_a_script_that_is_not_committed_is_dirt(repo: Repo) -> None:
    repo.write("new.py", "one\n")
    found, notes = state(repo, "new.py")
    assert (found["dirty"], found["dirty_files"], found["entry_point"]) == (True, ["new.py"], "new.py")
    assert notes[0].startswith("new.py differs")
    repo.write("new.py", "two\n")
    assert state(repo, "new.py")[0]["diff_sha256"] != found["diff_sha256"]


def test_at_most_a_hundred_files_are_named(repo: Repo) -> None:
    repo.commit("many", {f"f{n:03}": "x" for n in range(120)})
    for n in range(120):
        repo.write(f"f{n:03}", "y")
    found, notes = state(repo)
    assert len(found["dirty_files"]) == 100
    assert "and 115 more" in notes[0]


def test_no_code(tmp_path: Path) -> None:
    found, notes = code(Place.around(tmp_path))
    assert (found, len(notes)) == (None, 1)
    assert "is in no git repository" in notes[0]
    empty = Repo.init(tmp_path / "empty")
    assert code(Place.around(empty.path)) == (None, ["the code is not recorded: its repository has no commit"])


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ada:pw@host/x", "https://host/x"),
        ("git@host:x.git", "git@host:x.git"),
        ("/srv/x", ""),
        ("file:///x", ""),
    ],
)
def test_an_address_without_credentials(url: str, shown: str) -> None:
    assert without_credentials(url) == shown


def test_packages() -> None:
    installed = environment.distributions()
    assert list(installed) == sorted(installed)
    assert environment.packages(installed)["pyyaml"] == metadata.version("PyYAML")
    assert all(name == name.lower() and "_" not in name for name in installed)
    pyyaml = installed["pyyaml"]
    many = {f"p{n}": pyyaml for n in range(1200)}
    assert len(environment.packages(many)) == environment.MAX_PACKAGES


@pytest.mark.parametrize(
    ("program", "gpu"),
    [
        ("printf 'NVIDIA A100\\nNVIDIA A100\\nNVIDIA T4\\n'", "2 x NVIDIA A100, 1 x NVIDIA T4"),
        ("exit 9", None),
        ("sleep 3; echo late", None),
    ],
)
def test_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, gpu: str | None) -> None:
    (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{program}\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(environment, "_GPU_TIMEOUT_S", 0.5)
    assert environment.machine()["hardware"]["gpu"] == gpu


def near(repo: Repo, start: str = "a/b") -> str | None:
    place = Place.around(repo.path, repo.path)
    found = locks.nearest(place, repo.path / start)
    return place.inside(found) if found else None


def test_the_nearest_lock(repo: Repo, tmp_path: Path) -> None:
    (repo.path / "a/b").mkdir(parents=True)
    (tmp_path / "uv.lock").write_text("above the top")
    assert near(repo) is None
    repo.write("requirements.txt", "numpy\n")
    assert near(repo) is None, "without hashes it is no lock"
    repo.write("requirements.txt", HASHED)
    assert near(repo) == "requirements.txt"
    repo.write("uv.lock", "")
    assert near(repo) == "uv.lock"
    repo.write("a/requirements.lock", "")
    assert near(repo) == "a/requirements.lock"
    assert near(repo, ".") == "uv.lock"
    assert locks.nearest(Place.around(repo.path, repo.path), tmp_path) is None


def test_a_lock_that_the_commit_has_is_not_kept_again(repo: Repo) -> None:
    place = Place.around(repo.path, repo.path)
    commit = repo.commit("lock", {"a/requirements.txt": HASHED})
    found = locks.from_file(place, Path("a/requirements.txt"), commit)
    digest = hashlib.sha256(HASHED.encode()).hexdigest()
    assert found.entry == {"path": "a/requirements.txt", "sha256": digest, "source": "file"}
    assert found.content is None
    assert locks.from_file(place, Path("a/requirements.txt"), None).content == HASHED.encode()
    repo.write("a/requirements.txt", HASHED * 2)
    assert locks.from_file(place, Path("a/requirements.txt"), commit).content == (HASHED * 2).encode()


def test_a_lock_from_elsewhere(repo: Repo, tmp_path: Path) -> None:
    place = Place.around(repo.path, repo.path)
    (tmp_path / "some.lock").write_text(HASHED)
    found = locks.from_file(place, tmp_path / "some.lock", repo.head)
    assert (found.entry["path"], found.content) == ("some.lock", HASHED.encode())
    (tmp_path / "some.lock").write_text("--index-url https://ada:pw@example.org/simple\n" + HASHED)
    withheld = locks.from_file(place, tmp_path / "some.lock", repo.head)
    assert withheld.content is None
    assert "digest only" in withheld.notes[0]
    with pytest.raises(NotFoundError):
        locks.from_file(place, Path("gone.lock"), None)
    with pytest.raises(InvalidError):
        locks.from_file(place, tmp_path, None)


def installed(folder: Path, name: str, version: str, direct: Mapping[str, Any] | str | None = None) -> None:
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    if direct is not None:
        (info / "direct_url.json").write_text(direct if isinstance(direct, str) else json.dumps(direct))


def test_a_lock_from_what_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vcs = {"vcs": "git", "commit_id": "0" * 40}
    installed(tmp_path, "Zeta_Pkg", "1.0")
    installed(tmp_path, "alpha", "2.0+cu12")
    installed(tmp_path, "local", "1", {"url": "file:///home/ada/local", "dir_info": {"editable": True}})
    installed(tmp_path, "fork", "1", {"url": "https://example.org/fork", "vcs_info": vcs})
    installed(tmp_path, "private", "1", {"url": "https://ada:pw@example.org/x.whl", "archive_info": {}})
    installed(tmp_path, "signed", "1", {"url": "https://example.org/x.whl?sig=abc", "archive_info": {}})
    installed(tmp_path, "broken", "1", "{")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    lock = locks.generated(environment.distributions(), environment.machine())
    assert lock.content is not None
    head, *lines = lock.content.decode().splitlines()
    assert head.startswith("# written by modelreg")
    assert lines == [
        "alpha==2.0+cu12",
        "# broken==1 (from an unknown place)",
        f"fork @ git+https://example.org/fork@{'0' * 40}",
        "# local==1 (from a local or private place)",
        "# private==1 (from a local or private place)",
        "# signed==1 (from a local or private place)",
        "zeta-pkg==1.0",
    ]
    assert lock.entry["source"] == "generated"
    assert lock.entry["sha256"] == hashlib.sha256(lock.content).hexdigest()
    assert locks.generated(environment.distributions(), environment.machine()) == lock


def tracked(module: str, **members: Any) -> SimpleNamespace:
    return SimpleNamespace(__name__=module, **members)


def test_trackers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("mlflow", "wandb", "dvclive"):
        monkeypatch.setitem(sys.modules, name, None)
    assert trackers.run({}) == {}
    assert trackers.run({"MLFLOW_RUN_ID": "abc"}) == {"tracker": "mlflow", "id": "abc"}
    assert trackers.run({"WANDB_RUN_ID": "w1"}) == {"tracker": "wandb", "id": "w1"}
    assert trackers.run({"DVC_EXP_NAME": "blue-sky", "DVC_EXP_BASELINE_REV": "0" * 40})["id"] == "blue-sky"
    assert trackers.run({"DVC_EXP_BASELINE_REV": "0" * 40})["id"] == "0" * 40
    assert trackers.run({"MLFLOW_RUN_ID": "a\nb"}) == {}


def test_trackers_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    run = SimpleNamespace(info=SimpleNamespace(run_id="r1", experiment_id="3"))
    mlflow = tracked("mlflow", active_run=lambda: run, get_tracking_uri=lambda: "https://ada:pw@ml.example.org/")
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    url = "https://ml.example.org/#/experiments/3/runs/r1"
    assert trackers.run({}) == {"tracker": "mlflow", "id": "r1", "url": url}
    mlflow.active_run = lambda: 1 / 0
    monkeypatch.setitem(sys.modules, "wandb", tracked("wandb", run=SimpleNamespace(id="w", url="https://w.org/r?k=1")))
    assert trackers.run({}) == {"tracker": "wandb", "id": "w", "url": "https://w.org/r"}
    monkeypatch.setitem(sys.modules, "wandb", tracked("wandb", run=None))
    monkeypatch.setitem(sys.modules, "dvclive", tracked("dvclive"))
    assert trackers.run({}) == {"tracker": "dvclive"}


def test_packages_are_read_once_and_again_when_the_path_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = list[int]()
    real = metadata.distributions

    def distributions() -> Any:
        read.append(1)
        return real()

    monkeypatch.setattr(metadata, "distributions", distributions)
    environment.distributions()
    read.clear()
    environment.distributions()
    assert read == []
    monkeypatch.syspath_prepend(tmp_path)
    assert "a-late-one" not in environment.distributions()
    (tmp_path / "a_late_one-1.0.dist-info").mkdir()
    (tmp_path / "a_late_one-1.0.dist-info/METADATA").write_text(
        "Metadata-Version: 2.1\nName: a_late.one\nVersion: 1.0\n"
    )
    os.utime(tmp_path, ns=(1, 1))  # whatever the clock's tick
    found = environment.distributions()
    assert environment.packages(found)["a-late-one"] == "1.0"
    assert len(read) == 2
