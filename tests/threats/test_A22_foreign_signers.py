"""A22: neither a repository nor the home folder names its own signers or its own signing program."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from modelreg.adapters.git import Git
from modelreg.adapters.signing import SshSignatures, signing_key
from modelreg.domain.signers import EVIDENCE
from tests.keys import ANN, DATA, Key, Question, holds
from tests.support import Repo


@pytest.fixture
def marker(repo: Repo, home: Path, bos: Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hostile repository, and a home folder that believes it: Bo's key is Ann's, and any program says "Good".

    The file that is returned exists as soon as one of the programs has run.
    """
    found = tmp_path / "ran"
    lists = (repo.path / "allowed_signers", home / ".ssh/allowed_signers", repo.path / "registry/allowed_signers")
    for path in lists:
        path.parent.mkdir(exist_ok=True)
        path.write_text(bos.line(ANN))
    for name in ("ssh-keygen", "bin/ssh-keygen"):
        fake = repo.write(name, f'#!/bin/sh\ntouch {found}\necho "Good signature"\nexit 0\n')
        fake.chmod(0o755)
    for scope in ("--local", "--global"):
        repo.git("config", scope, "gpg.format", "ssh")
        repo.git("config", scope, "gpg.ssh.allowedSignersFile", str(lists[0]))
        repo.git("config", scope, "gpg.ssh.program", str(repo.path / "ssh-keygen"))
    monkeypatch.chdir(repo.path)
    os.environ["PATH"] = os.pathsep.join((".", "bin", "", os.environ["PATH"]))
    return found


def test_signers_are_those_of_the_base(marker: Path, anns: Key, bos: Key) -> None:
    forged = Question(SshSignatures().sign(DATA, namespace=EVIDENCE, key=bos.path), anns.line(ANN))
    assert not holds(forged)
    assert not holds(replace(forged, signers=""))
    assert not marker.exists()


def test_the_program_is_the_machines(marker: Path, anns: Key) -> None:
    true = Question(SshSignatures().sign(DATA, namespace=EVIDENCE, key=anns.path), anns.line(ANN))
    assert holds(true)
    assert not holds(replace(true, data=b"other"))
    assert not marker.exists()


def test_a_repository_does_not_say_with_which_key_to_sign(marker: Path, repo: Repo, anns: Key, bos: Key) -> None:
    repo.git("config", "--local", "user.signingkey", str(bos.path))
    assert signing_key(Git(repo.path)) is None
    repo.git("config", "--global", "user.signingkey", str(anns.path))
    assert signing_key(Git(repo.path)) == anns.path
