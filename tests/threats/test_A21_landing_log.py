"""A21: the log of landings is a file of the git directory, which a hostile repository may bring. It judges nothing."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from modelreg.adapters import landing_log
from modelreg.adapters.landing_log import NAME
from modelreg.adapters.sealed_file import SealedFile
from tests.cli.runner import artifact, done
from tests.cli.runner import modelreg as run
from tests.support import Repo
from tests.threats.test_A21_index import ROOT, mentions

OTHER = b"\x11" * 20
MOVE = ("stage", "set", "churn", "1.0.0")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """A registry whose log is at its tip."""
    folder = tmp_path_factory.mktemp("landing-log")
    repo = Repo.init(folder / "repo")
    done("init", "--embedded", registry=repo.path)
    done("register", "churn", artifact(folder, "one"), registry=repo.path)
    done("register", "churn", artifact(folder, "two"), registry=repo.path)
    return repo


@pytest.fixture
def registry(made: Repo, tmp_path: Path) -> Repo:
    return made.copy(tmp_path / "repo")


def tags(repo: Repo) -> dict[str, str]:
    return dict(line.split(" ") for line in repo.git("for-each-ref", "--format=%(refname:lstrip=2) %(*objectname)", "refs/tags").splitlines())  # fmt: skip


def lie(path: Path) -> None:
    """The best lie of who knows modelreg's code: versions were registered by another commit, long ago."""
    with SealedFile(path / ".git", NAME, landing_log._TABLES, landing_log._written_by).writing() as db:
        assert db.execute("UPDATE change SET id = ? WHERE folder = ?", (OTHER, b"churn")).rowcount > 1


def test_A21_only_who_announces_a_landing_of_his_own_asks_it() -> None:
    askers = {p.relative_to(ROOT).as_posix() for p in ROOT.rglob("*.py") if "repository.line(" in p.read_text()}
    assert askers == {"registry/announce.py"}
    assert mentions("_announced") == {"registry/announce.py": {"announcing_all"}}
    assert mentions("LandingLog") == {"adapters/repository.py": {"_log"}}
    assert [p.name for p in ROOT.rglob("*.py") if "adapters.landing_log" in p.read_text()] == ["repository.py"]


@pytest.mark.parametrize("how", ["copied", "edited", "replaced"])
def test_A21_a_log_that_came_with_the_repository_is_not_opened(
    registry: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    done(*MOVE, "staging", registry=registry.path)  # the log of this very place is there
    lie(registry.path)
    folder, lying = registry.path / ".git" / "modelreg", tmp_path / "lying.sqlite"
    log = folder / f"{NAME}.sqlite"
    shutil.copy2(log, lying)
    received = registry.path
    if how == "copied":  # names, contents, times, owner, seal
        received = tmp_path / "received"
        shutil.copytree(registry.path, received, symlinks=True)
    else:
        log.unlink()
        (folder / f"{NAME}.seal").unlink()
        done(*MOVE, "production", registry=registry.path)
        done(*MOVE, "archived", registry=registry.path)
        if how == "edited":
            status = log.stat()
            with sqlite3.connect(log) as db:
                db.execute("UPDATE change SET id = ? WHERE folder = ?", (OTHER, b"churn"))
            os.utime(log, ns=(status.st_atime_ns, status.st_mtime_ns))
        else:
            log.unlink()
            shutil.copy2(lying, log)
    opened: list[int] = []
    real = sqlite3.connect

    def connect(database: str, *rest: Any, **options: Any) -> Any:
        if NAME in str(database):
            opened.append((received / ".git/modelreg" / f"{NAME}.sqlite").stat().st_size)
        return real(database, *rest, **options)

    monkeypatch.setattr(sqlite3, "connect", connect)
    done(*MOVE, "development", registry=received)
    assert opened[0] == 0  # what SQLite is given first is an empty file of our own
    assert OTHER.hex() not in tags(Repo(received)).values()
    assert done("verify", "--json", registry=received).json("verify")["findings"] == []


def test_A21_a_lie_with_a_true_seal_is_found_by_whoever_judges(registry: Repo) -> None:
    """A hostile process of the same user may have a tag made that lies; `verify` does not ask the log, nor does a
    hook or `announce`."""
    done(*MOVE, "staging", registry=registry.path)
    other = registry.rev("HEAD~1") or ""  # registered 1.0.1
    with SealedFile(registry.path / ".git", NAME, landing_log._TABLES, landing_log._written_by).writing() as db:
        db.execute("UPDATE change SET id = ? WHERE folder = ?", (bytes.fromhex(other), b"churn"))
    done(*MOVE, "production", registry=registry.path)
    assert tags(registry)["churn#production#3"] == other  # the lie is well told
    findings = run("verify", "--json", registry=registry.path).json("verify")["findings"]
    assert {finding["code"] for finding in findings} == {"tag-forged"}
    assert run("announce", registry=registry.path).code == 3
