"""A17, A21: a repository that is hostile starts nothing when a version of it is made again but the code that was agreed
to, and what that code does stays in its clone."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reproducible import Lab, make_lab
from tests.support import Repo

HOOKS = (
    *("applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-checkout", "post-commit", "post-index-change"),
    *(
        "post-merge",
        "post-receive",
        "post-rewrite",
        "post-update",
        "pre-auto-gc",
        "pre-commit",
        "pre-push",
        "pre-receive",
    ),
    *("prepare-commit-msg", "proc-receive", "reference-transaction", "update"),
)


@pytest.fixture(scope="module")
def _lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return make_lab(tmp_path_factory.mktemp("lab"))


@pytest.fixture
def lab(_lab: Lab, tmp_path: Path) -> Lab:
    return _lab.copy(tmp_path / "repo")


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """A server that nobody may call."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


def address(server: socket.socket) -> str:
    return f"http://127.0.0.1:{server.getsockname()[1]}"


def was_called(server: socket.socket) -> bool:
    try:
        server.accept()
    except BlockingIOError:
        return False
    return True


def booby_trap(repo: Repo, marker: Path) -> None:
    """Whatever of a repository may start a program leaves a mark."""
    trap = marker.parent / "trap"
    trap.write_text(f'#!/bin/sh\necho "$0" >> {marker}\nexec cat\n')
    trap.chmod(0o755)
    folders = [repo.path / ".git" / "hooks", repo.path / "hooks"]
    for folder in folders:
        folder.mkdir(exist_ok=True)
        for name in HOOKS:
            (folder / name).write_bytes(trap.read_bytes())
            (folder / name).chmod(0o755)
    settings = {
        "core.hooksPath": str(folders[1]),
        "core.fsmonitor": str(trap),
        "core.alternateRefsCommand": str(trap),
        "core.pager": str(trap),
        "core.sshCommand": str(trap),
        "diff.external": str(trap),
        "init.templateDir": str(folders[1].parent),
        "filter.evil.clean": str(trap),
        "filter.evil.smudge": str(trap),
        "filter.evil.process": str(trap),
        "filter.evil.required": "true",
        "credential.helper": str(trap),
        "gpg.ssh.program": str(trap),
        "remote.origin.url": f"ext::{trap}",
        "remote.origin.uploadpack": str(trap),
    }
    for key, value in settings.items():
        with (repo.path / ".git" / "config").open("a") as config:
            section, _, name = key.rpartition(".")
            first, _, rest = section.partition(".")
            config.write(f'[{first}{f" {chr(34)}{rest}{chr(34)}" if rest else ""}]\n\t{name} = "{value}"\n')


def test_no_program_of_the_repository_runs(lab: Lab, tmp_path: Path) -> None:
    marker = tmp_path / "marks"
    attributes = {".gitattributes": "* filter=evil diff=evil\n"}
    lab.repo.commit("attributes", attributes)
    lab.train("--depth", "5")
    booby_trap(lab.repo, marker)
    said = lab.reproduce("--env", "current", version="1.0.1")
    assert said.code == 0, said.err
    assert "is reproduced (bitwise)" in said.out
    assert not marker.exists(), marker.read_text()


def test_replaced_objects_are_not_what_runs(lab: Lab) -> None:
    repo = lab.repo
    recorded = repo.git("rev-parse", "HEAD^")
    main = repo.head
    evil = repo.commit("evil", {"train.py": "print('evil')\n"})
    repo.git("reset", "-q", "--hard", main)
    repo.git("replace", recorded, evil)
    said = lab.reproduce("--env", "current")
    assert said.code == 0, said.err
    assert "evil" not in said.err


def test_the_code_sees_no_ref_remote_or_cache_of_the_user(lab: Lab) -> None:
    before = lab.theirs()
    command = "git tag -f mine && git branch other && git remote -v && git for-each-ref && git config user.evil yes"
    said = lab.reproduce("--env", "current", "--command", f"{command} && python train.py")
    assert said.code == 0, said.err
    refs = [line.split()[-1] for line in said.err.splitlines() if "refs/" in line]
    assert sorted(refs) == ["refs/heads/main", "refs/heads/other", "refs/tags/mine"]
    assert "origin" not in said.err
    assert lab.theirs() == before


def test_A17_every_remote_of_the_clone_is_a_folder_of_its_own(lab: Lab, server: socket.socket) -> None:
    config = lab.repo.read(".dvc/config")
    elsewhere = f"['remote \"elsewhere\"']\n    url = {address(server)}\n"
    lab.repo.commit("another remote", {".dvc/config": config + elsewhere})
    lab.train("--depth", "5")
    look = "import os; from dvc.repo import Repo; r = Repo(); print([c['url'] for c in r.config['remote'].values()]); "
    look += "print(r.cache.local.path)"
    said = lab.reproduce(
        "--env", "current", "--command", f'python -c "{look}" && python train.py --depth 5', version="1.0.1"
    )
    assert said.code == 0, said.err
    shown = [line for line in said.err.splitlines() if "modelreg-reproduce-" in line]
    assert len(shown) == 2, said.err
    assert shown[0].count("modelreg-reproduce-") == 2
    assert str(lab.room) not in "".join(shown)
    assert not was_called(server)


def test_A17_a_remote_whose_settings_no_folder_has_is_not_called(lab: Lab, server: socket.socket) -> None:
    config = "[core]\n    remote = storage\n['remote \"storage\"']\n    url = s3://bucket/models\n"
    lab.repo.commit("to the cloud", {".dvc/config": f"{config}    endpointurl = {address(server)}\n    region = x\n"})
    os.environ["MODELREG_STORAGE"] = str(lab.repo.path.parent / "elsewhere")
    lab.train("--depth", "5")
    del os.environ["MODELREG_STORAGE"]
    said = lab.reproduce("--env", "current", version="1.0.1")
    assert said.code == 0, said.err
    assert not was_called(server)


def test_A16_a_link_in_the_commit_is_not_followed(lab: Lab, tmp_path: Path) -> None:
    """The folder that data would be put into is a link to elsewhere."""
    outside = tmp_path / "outside"
    outside.mkdir()
    lab.repo.git("rm", "-q", "-r", "--cached", "data")
    (lab.repo.path / "data").rename(tmp_path / "data")
    (lab.repo.path / "data").symlink_to(tmp_path / "data")
    lab.repo.commit("a link", all=True)
    lab.train("--depth", "5")
    for file in (tmp_path / "data").iterdir():
        file.rename(outside / file.name)
    said = lab.reproduce("--env", "current", version="1.0.1")
    assert said.code == 1, said.err
    assert "data is a symbolic link in the clone" in said.err
    assert list((tmp_path / "data").iterdir()) == []
