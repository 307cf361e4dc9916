"""`modelreg repair`: after a kill, with locks left behind, and beside a command that still lives."""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
from pathlib import Path

import pytest

from modelreg.adapters import refresh
from tests.adapters.test_git_landing import DEEP, journal, picture
from tests.cli.runner import done, modelreg
from tests.support import Repo

LOCKS = ("index.lock", "HEAD.lock", "packed-refs.lock", "refs/heads/main.lock", "refs/tags/deep/er.lock")


def locks(repo: Repo, age_s: int = 7200) -> list[Path]:
    made = [repo.path / ".git" / name for name in LOCKS]
    for path in made:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (time.time() - age_s,) * 2)
    return made


def test_F01_an_interrupted_landing_is_completed(repo: Repo) -> None:
    path, _ = journal(repo)
    (path.parent / "scratch-left").mkdir()
    assert done("repair", "--json", registry=repo.path).json("repair") == {
        "completed": True,
        "interrupted": True,
        "locks": [],
    }
    assert (repo.read(DEEP), repo.state().strip()) == ("new\n", "")
    assert sorted(p.name for p in path.parent.iterdir()) == ["lock"]
    assert done("repair", "--json", registry=repo.path).json("repair") == {
        "completed": False,
        "interrupted": False,
        "locks": [],
    }
    assert "no landing was interrupted" in done("repair", registry=repo.path).err


def test_a_dry_run_says_what_would_be_done(repo: Repo) -> None:
    path, _ = journal(repo)
    made = locks(repo)
    (path.parent / "scratch-left").mkdir()
    before = picture(repo)
    said = modelreg("repair", "--dry-run", "--json", registry=repo.path)
    assert said.code == 1, "the locks would stay"
    told = said.json("repair")
    assert (told["completed"], told["interrupted"], len(told["locks"])) == (False, True, len(made))
    plain = done("repair", "--dry-run", "--locks", registry=repo.path)
    assert plain.out.count("would remove") == len(made)
    assert "would complete an interrupted landing" in plain.err
    told = done("repair", "--dry-run", "--locks", "--json", registry=repo.path).json("repair")
    assert {lock["removed"] for lock in told["locks"]} == {False}
    assert picture(repo) == before
    assert path.exists()
    assert (path.parent / "scratch-left").exists()
    done("repair", "--locks", registry=repo.path)
    assert repo.read(DEEP) == "new\n"


def test_A21_a_journal_that_cannot_be_true_is_named(repo: Repo) -> None:
    path, _ = journal(repo, paths=["../outside"])
    before = picture(repo)
    said = modelreg("repair", "--locks", registry=repo.path)
    assert said.code == 4
    assert str(path) in said.err
    assert picture(repo) == before


def test_F02_stale_locks_are_named_and_removed_only_when_asked(repo: Repo) -> None:
    made = locks(repo)
    said = modelreg("repair", "--json", registry=repo.path)
    assert said.code == 1
    found = said.json("repair")["locks"]
    assert {lock["path"] for lock in found} == {str(path) for path in made}
    assert {lock["removed"] for lock in found} == {False}
    assert all(7200 <= lock["age_seconds"] < 7300 for lock in found)
    assert all(path.exists() for path in made)
    plain = modelreg("repair", registry=repo.path)
    assert f"{made[0]}, 720" in plain.out
    assert "modelreg repair --locks" in plain.err
    removed = done("repair", "--locks", "--json", registry=repo.path).json("repair")["locks"]
    assert {lock["removed"] for lock in removed} == {True}
    assert not any(path.exists() for path in made)
    repo.commit("git works again", {"a": "1\n"})


def test_F02_one_command_after_a_kill_that_left_locks_too(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refresh, "INDEX_WAIT_S", 0.1)
    path, _ = journal(repo)
    locks(repo)
    said = modelreg("repair", registry=repo.path)
    assert said.code == 5
    assert "index.lock" in said.err
    assert path.exists()
    done("repair", "--locks", registry=repo.path)
    assert (repo.read(DEEP), repo.state().strip(), path.exists()) == ("new\n", "", False)


def test_F02_locks_of_a_worktree(repo: Repo, tmp_path: Path) -> None:
    repo.git("worktree", "add", "-q", "-b", "side", tmp_path / "tree")
    lock = repo.path / ".git/worktrees/tree/index.lock"
    lock.touch()
    assert str(lock) in modelreg("repair", registry=repo.path).out
    done("repair", "--locks", registry=tmp_path / "tree")
    assert not lock.exists()


def test_F06_locks_stay_while_another_command_holds_ours(repo: Repo) -> None:
    made = locks(repo)
    (repo.path / ".git/modelreg").mkdir()
    with (repo.path / ".git/modelreg/lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert modelreg("repair", "--locks", registry=repo.path).code == 5
        assert all(path.exists() for path in made)
    done("repair", "--locks", registry=repo.path)


@pytest.mark.skipif(not Path("/proc/self/comm").exists(), reason="needs /proc")
def test_F02_locks_stay_while_git_is_at_work_here(repo: Repo) -> None:
    made = locks(repo)
    with subprocess.Popen(["git", "cat-file", "--batch"], cwd=repo.path, stdin=subprocess.PIPE) as living:
        time.sleep(0.2)
        said = modelreg("repair", "--locks", registry=repo.path)
        assert said.code == 5
        assert f"process {living.pid}" in said.err
        assert all(path.exists() for path in made)
        assert living.stdin is not None
        living.stdin.close()
    done("repair", "--locks", registry=repo.path)
    assert not any(path.exists() for path in made)


def test_a_bare_repository_and_no_repository(repo: Repo, tmp_path: Path) -> None:
    bare = repo.clone(tmp_path / "bare.git", "--bare")
    (bare.path / "refs/heads/main.lock").touch()
    done("repair", "--locks", registry=bare.path)
    assert not (bare.path / "refs/heads/main.lock").exists()
    assert modelreg("repair", registry=tmp_path).code == 4
