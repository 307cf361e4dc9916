"""`validate` on who may sign, and on signatures as files."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelreg.adapters.signing import SshSignatures
from modelreg.domain.signers import APPROVAL, TRANSITION
from tests.cli.runner import artifact, done, modelreg
from tests.keys import ANN, BO, Key, make_key
from tests.support import Repo

MANIFEST = "registry/churn/1.0.0/manifest.yaml"
RECORD = "registry/churn/transitions/0001.yaml"
ALLOWED, REVOKED = "registry/allowed_signers", "registry/revoked_signers"


@pytest.fixture
def registry(repo: Repo, tmp_path: Path) -> Repo:
    """A model with one version, in staging."""
    done("init", "--embedded", registry=repo.path)
    done("register", "churn", artifact(tmp_path, "model"), registry=repo.path)
    done("stage", "set", "churn", "1.0.0", "staging", registry=repo.path)
    return repo


@pytest.fixture
def key(tmp_path: Path) -> Key:
    return make_key(tmp_path / "keys")


def findings(registry: Repo) -> list[tuple[str, int, str]]:
    """File, line and message of each finding on signers and signatures; there must be no others."""
    result = modelreg("validate", "--json", registry=registry.path)
    found = result.json("validate")["findings"]
    assert {f["code"] for f in found} <= {"signers", "signature"}
    assert result.code == (1 if found else 0)
    return [(f["file"], f["line"], f["message"]) for f in found]


def signed(registry: Repo, key: Key, namespace: str, path: str = RECORD) -> bytes:
    return SshSignatures().sign((registry.path / path).read_bytes(), namespace=namespace, key=key.path)


def test_a_signed_record_and_a_sound_list(registry: Repo, key: Key) -> None:
    registry.write(ALLOWED, key.line(ANN, f'namespaces="{TRANSITION}"'))
    registry.write(REVOKED, "# nobody yet\n")
    registry.write(f"{RECORD}.sig", signed(registry, key, TRANSITION))
    assert findings(registry) == []


def test_lists(registry: Repo, key: Key) -> None:
    registry.write(ALLOWED, f"# who\n{key.line(ANN)}\n{key.line(BO)}{key.line('*@example.org')}")
    registry.write(REVOKED, f"{key.public}\n{key.public[:-3]}\n")
    (file, line, says), *others = findings(registry)
    assert (file, line) == (ALLOWED, 2)
    assert "counts for none of them" in says
    assert [(f, n) for f, n, _ in others] == [(ALLOWED, 4), (ALLOWED, 5), (REVOKED, 2)]
    assert "no signature counts" in others[-1][2]


@pytest.mark.parametrize("path", [ALLOWED, REVOKED])
def test_lists_that_are_no_text(registry: Repo, path: str) -> None:
    registry.write(path, b"# caf\xe9\n")
    ((file, line, says),) = findings(registry)
    assert (file, line) == (path, 1)
    assert "UTF-8" in says


@pytest.mark.parametrize("fault", ["beside nothing", "large", "no signature", "line ends", "namespace"])
def test_signatures(registry: Repo, key: Key, fault: str) -> None:
    good = signed(registry, key, TRANSITION)
    cases = {
        "beside nothing": ("registry/churn/transitions/0002.yaml.sig", good, "no 0002.yaml beside it"),
        "large": (f"{RECORD}.sig", good * 100, "larger than 16384 bytes"),
        "no signature": (f"{MANIFEST}.sig", b"signed, Ann\n", "no armoured SSH signature"),
        "line ends": (f"{RECORD}.sig", good.replace(b"\n", b"\r\n"), "armoured"),
        "namespace": (f"{RECORD}.sig", signed(registry, key, APPROVAL), f"only {TRANSITION} counts"),
    }
    path, content, says = cases[fault]
    registry.write(path, content)
    ((file, line, message),) = findings(registry)
    assert (file, line) == (path, 1)
    assert says in message
