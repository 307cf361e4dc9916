"""docs/remote.md: its sessions and its Python are run against a server, whose URL is a folder's here."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.runner import artifact, done, metrics
from tests.support import Repo
from tests.test_docs import TOP, play, sessions

PAGE = (TOP / "docs" / "remote.md").read_text()
CODE = dict(re.findall(r"<!-- python: ([a-z]+) -->\n```python\n(.*?)```", PAGE, re.DOTALL))
URL = "https://git.example.org/ml/registry.git"


def test_the_page_of_remotes(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = Repo.init(tmp_path / "repo")
    done("init", "--policy", "open", "--remote", tmp_path / "storage", registry=repo.path)
    for version, f1 in (("1.0.0", 0.75), ("1.1.0", 0.85)):
        file, told = artifact(tmp_path, f"a model of {f1}"), metrics(tmp_path, f1)
        more = ("--version", version, "--primary-metric", "f1")
        done("register", "churn", file, "--metrics", told, *more, registry=repo.path)
    done("stage", "set", "churn", "1.1.0", "production", registry=repo.path)
    server = repo.bare(tmp_path / "server.git")
    server.git("config", "uploadpack.allowFilter", "true")
    with (home / ".gitconfig").open("a") as config:
        config.write(f'[url "file://{server.path}"]\n\tinsteadOf = {URL}\n')
    monkeypatch.setenv("MODELREG_CACHE", str(tmp_path / "cache"))
    place = Repo.init(tmp_path / "job").path
    artifact(place, "new", "new.json")
    artifact(place, "newer", "newer.json")
    metrics(place, 0.9)
    Repo(place).commit("training", all=True)
    monkeypatch.chdir(place)
    play(_today(sessions(PAGE)["a consumer"]), place)
    names: dict[str, Any] = {}
    exec(compile(CODE["consumer"], "docs/remote.md (consumer)", "exec"), names)
    assert os.listdir(names["pulled"].path) == ["model.json"]
    server.path.rename(tmp_path / "gone.git")
    play(sessions(PAGE)["offline"], place)
    (tmp_path / "gone.git").rename(server.path)
    play(sessions(PAGE)["a training job"], place)
    exec(compile(CODE["job"], "docs/remote.md (job)", "exec"), names)
    assert done("stage", "get", "churn", "staging", "--registry", URL).out.splitlines()[0] == "1.1.2"
    assert set(sessions(PAGE)) == {"a consumer", "offline", "a training job"}
    assert set(CODE) == {"consumer", "job"}


def _today(session: str) -> str:
    """The page's day is when it was written."""
    from datetime import UTC, datetime

    return re.sub(r"\b2026-11-25\b", datetime.now(UTC).strftime("%Y-%m-%d"), session)
