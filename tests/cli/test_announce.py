"""`announce`: tags reach the server in pushes that a forge raises events for, and deploy jobs learn what landed."""

from __future__ import annotations

import json
import time
from pathlib import Path

from tests.cli.runner import artifact, done, metrics, modelreg
from tests.support import Repo


def registry(repo: Repo, tmp_path: Path, *, announce: str) -> Repo:
    """churn 1.0.0 in production and 1.0.1 in staging: nine tags, if they are made."""
    done("init", registry=repo.path)
    settings = repo.read("registry/registry.yaml").replace("announce: direct", f"announce: {announce}")
    repo.commit("how landings are announced", {"registry/registry.yaml": settings}, at=int(time.time()))
    for text in ("one", "two"):
        done("register", "churn", artifact(tmp_path, text), "--metrics", metrics(tmp_path, 0.8), registry=repo.path)
    for version, stage in (("1.0.0", "staging"), ("1.0.0", "production"), ("1.0.1", "staging")):
        done("stage", "set", "churn", version, stage, registry=repo.path)
    return repo


def server_that_counts(repo: Repo, tmp_path: Path) -> tuple[Repo, Path]:
    """A bare server as origin; each push that it accepts is a line with the number of its refs."""
    server, log = repo.bare(tmp_path / "server.git"), tmp_path / "pushes"
    hook = server.path / "hooks" / "post-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\nwc -l | tr -d ' ' >>'{log}'\n")
    hook.chmod(0o755)
    return server, log


def test_tags_go_three_at_a_time(repo: Repo, tmp_path: Path) -> None:
    registry(repo, tmp_path, announce="ci")
    assert repo.git("tag") == ""
    server, log = server_that_counts(repo, tmp_path)
    said = done("announce", "--push", "--json", registry=repo.path).json("announce")
    assert len(said["created"]) == 6
    assert log.read_text().split() == ["3", "3"]
    assert server.git("tag") == repo.git("tag")
    again = done("announce", "--push", "--json", registry=repo.path).json("announce")
    assert (again["created"], again["pushed"], again["existing"]) == ([], [], 6)
    assert log.read_text().split() == ["3", "3"]


def test_tags_that_are_only_here_are_pushed(repo: Repo, tmp_path: Path) -> None:
    registry(repo, tmp_path, announce="direct")
    server, log = server_that_counts(repo, tmp_path)
    server.git("tag", "-d", *server.git("tag").split())
    repo.commit("not to be pushed along")
    said = done("announce", "--push", "--json", registry=repo.path).json("announce")
    assert (said["created"], len(said["pushed"])) == ([], 6)
    assert log.read_text().split() == ["3", "3"]
    assert server.rev("main") != repo.head


def test_what_landed_since(repo: Repo, tmp_path: Path) -> None:
    registry(repo, tmp_path, announce="ci")
    before = repo.git("rev-parse", "HEAD~2")
    output = tmp_path / "output"
    done("announce", "--since", before, "--github-output", output, registry=repo.path)
    lines = output.read_text().splitlines()
    landed = json.loads(lines[lines.index(next(line for line in lines if line.startswith("landed<<"))) + 1])
    assert [(e["kind"], e["version"], e["from"], e["to"]) for e in landed] == [
        ("promote", "1.0.0", "staging", "production"),
        ("promote", "1.0.1", "development", "staging"),
    ]
    assert "by" not in landed[0]
    assert "reason" not in landed[0]
    first = done("announce", "--dry-run", "--since", "0" * 40, "--json", registry=repo.path).json("announce")
    assert [e["kind"] for e in first["landed"]] == ["register", "register", "promote", "promote", "promote"]
    assert modelreg("announce", "--since", "none", registry=repo.path).code == 1
