"""Landing under fire: killed at every step, and many at once."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.runner import artifact, done
from tests.support import Repo

SOURCES = Path(__file__).parents[2] / "src/modelreg/adapters"
POINTS = (
    "before-objects",
    "after-objects",
    "after-push",
    "after-journal",
    "after-refs",
    "between-files",
    "before-index",
    "after-refresh",
)
LANDED = ("after-refs", "between-files", "before-index", "after-refresh")
MOVE = ("stage", "set", "churn", "1.0.0", "staging")


@pytest.fixture
def registry(repo: Repo, tmp_path: Path) -> Repo:
    done("init", "--embedded", registry=repo.path)
    done("register", "churn", artifact(tmp_path, "one"), registry=repo.path)
    return repo


def start(repo: Repo, *arguments: str, point: str = "") -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "modelreg", *arguments],
        cwd=repo.path,
        env=os.environ | {"MODELREG_FAILPOINT": point},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def finish(process: subprocess.Popen[bytes]) -> int:
    _, err = process.communicate(timeout=120)
    assert process.returncode in (0, -signal.SIGKILL), err.decode()
    return process.returncode


def _named() -> Iterator[str]:
    for name in ("landing.py", "refresh.py"):
        yield from re.findall(r'fail_point\("([^"]+)"\)', (SOURCES / name).read_text())


def sound(repo: Repo, transitions: int) -> None:
    assert repo.git("status", "--porcelain", "-uall") == ""
    done("validate", registry=repo.path)
    assert done("verify", "--json", registry=repo.path).json("verify")["findings"] == []
    records = sorted((repo.path / "registry/churn/transitions").iterdir())
    assert [path.name for path in records] == [f"{n + 1:04d}.yaml" for n in range(transitions)]
    assert not (repo.path / ".git/modelreg/journal.json").exists()
    assert not list(repo.path.glob("registry/**/.modelreg-*"))
    repo.git("fsck", "--strict")


def test_every_fail_point_is_tried() -> None:
    assert set(_named()) == set(POINTS)


@pytest.mark.parametrize("point", POINTS)
def test_killed_and_run_again(registry: Repo, point: str) -> None:
    head = registry.head
    assert finish(start(registry, *MOVE, point=point)) == -signal.SIGKILL
    assert (registry.head != head) == (point in LANDED)
    names = registry.git("tag").split()
    assert ("churn#staging#1" in names) == (point in LANDED)  # branch and tags move together
    assert finish(start(registry, *MOVE)) == 0
    sound(registry, 1)
    assert registry.git("rev-list", "--count", f"{head}..HEAD") == "1"
    done("stage", "set", "churn", "1.0.0", "production", registry=registry.path)
    sound(registry, 2)


@pytest.mark.parametrize("point", ["after-refs", "between-files"])
def test_killed_beside_a_users_work(registry: Repo, point: str) -> None:
    registry.write("README.md", "edited\n")
    registry.write("new.py", "staged\n")
    registry.git("add", "new.py")
    before = registry.state()
    assert finish(start(registry, *MOVE, point=point)) == -signal.SIGKILL
    assert finish(start(registry, *MOVE)) == 0
    assert registry.state() == before


def test_another_command_heals_what_was_left(registry: Repo, tmp_path: Path) -> None:
    assert finish(start(registry, *MOVE, point="after-refs")) == -signal.SIGKILL
    done("register", "churn", artifact(tmp_path, "two"), registry=registry.path)
    sound(registry, 1)


def test_killed_while_registering(registry: Repo, tmp_path: Path) -> None:
    path = str(artifact(tmp_path, "two"))
    assert finish(start(registry, "register", "churn", path, point="between-files")) == -signal.SIGKILL
    assert finish(start(registry, "register", "churn", path)) == 0
    assert finish(start(registry, *MOVE)) == 0
    sound(registry, 1)
    assert sorted(p.name for p in (registry.path / "registry/churn").glob("1.*")) == ["1.0.0", "1.0.1"]


def test_many_at_once_all_land(registry: Repo, tmp_path: Path) -> None:
    for turn in range(3):
        paths = [artifact(tmp_path / f"{turn}-{worker}", f"model {turn} {worker}") for worker in range(4)]
        running = [start(registry, "register", "churn", str(path)) for path in paths]
        assert [finish(process) for process in running] == [0, 0, 0, 0]
    assert finish(start(registry, *MOVE)) == 0
    sound(registry, 1)
    rows = done("list", "churn", "--json", registry=registry.path).json("list")["versions"]
    assert {row["version"] for row in rows} == {f"1.0.{n}" for n in range(13)}


def test_pushes_from_many_clones_all_land(registry: Repo, tmp_path: Path) -> None:
    server = registry.bare(tmp_path / "server.git")
    clones = [server.clone(tmp_path / f"clone-{n}") for n in range(3)]
    for turn in range(2):
        running = [
            start(clone, "register", "churn", str(artifact(tmp_path / f"{turn}-{n}", f"{turn} {n}")), "--push")
            for n, clone in enumerate(clones)
        ]
        assert [finish(process) for process in running] == [0, 0, 0]
    last = server.clone(tmp_path / "last")
    done("validate", registry=last.path)
    assert done("verify", "--json", registry=last.path).json("verify")["findings"] == []
    rows = done("list", "churn", "--json", registry=last.path).json("list")["versions"]
    assert {row["version"] for row in rows} == {f"1.0.{n}" for n in range(7)}
