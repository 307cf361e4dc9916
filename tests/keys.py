"""Real SSH keys for tests, made by ssh-keygen."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import run


@dataclass(frozen=True)
class Key:
    """A private key at `path`; `public` is type and base64."""

    path: Path
    public: str

    def line(self, principal: str, options: str = "") -> str:
        """A line of allowed_signers."""
        return f"{principal} {options} {self.public}\n"


def make_key(folder: Path, name: str = "key", kind: str = "ed25519", passphrase: str = "") -> Key:
    """A new key; `kind` is ed25519, ecdsa or rsa-BITS."""
    require_ssh_keygen()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    type_, _, bits = kind.partition("-")
    run("ssh-keygen", "-q", "-t", type_, *(["-b", bits] if bits else []), "-N", passphrase, "-C", "", "-f", path)
    return Key(path, " ".join(path.with_name(f"{name}.pub").read_text().split()[:2]))


def require_ssh_keygen() -> None:
    """Tests of signatures fail, rather than be skipped, on a machine that has no ssh-keygen."""
    if shutil.which("ssh-keygen") is None:
        pytest.fail("these tests need ssh-keygen (Debian: apt install openssh-client, which git recommends)")
