"""Real SSH keys for tests, made by ssh-keygen."""

from __future__ import annotations

import calendar
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from modelreg.adapters.signing import SshSignatures
from modelreg.domain.signers import EVIDENCE
from modelreg.registry.ports import Signatures
from tests.support import run

DATA = b"model: churn\nversion: 1.0.0\n"
ANN, BO = "ann@example.org", "bo@example.org"
AT = calendar.timegm((2026, 11, 24, 12, 0, 0))


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


@dataclass(frozen=True)
class Question:
    """All that `verified` is asked."""

    signature: bytes
    signers: str
    data: bytes = DATA
    namespace: str = EVIDENCE
    principal: str = ANN
    revoked: str = ""
    at: int = AT

    def asked_of(self, signatures: Signatures) -> bool:
        return signatures.verified(
            self.data,
            self.signature,
            namespace=self.namespace,
            principal=self.principal,
            signers=self.signers.encode(),
            revoked=self.revoked.encode(),
            at=self.at,
        )


def holds(question: Question) -> bool:
    return question.asked_of(SshSignatures())


def by_hand(folder: Path, question: Question) -> bool:
    """What ssh-keygen says to somebody who checks a signature without modelreg, on the registry's own files."""
    for name, text in (("allowed", question.signers), ("revoked", question.revoked)):
        (folder / name).write_text(text)
    (folder / "sig").write_bytes(question.signature)
    words = ["ssh-keygen", "-Y", "verify", "-f", "allowed", "-s", "sig", "-r", "revoked", "-I", question.principal]
    done = subprocess.run(
        [*words, "-n", question.namespace], input=question.data, cwd=folder, capture_output=True, check=False
    )
    return done.returncode == 0
