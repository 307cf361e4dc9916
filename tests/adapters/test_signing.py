"""Signatures by ssh-keygen, with real keys."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from modelreg.adapters import signing
from modelreg.adapters.git import Git
from modelreg.adapters.signing import SshSignatures, signing_key
from modelreg.domain.signers import APPROVAL, EVIDENCE, TRANSITION
from modelreg.domain.sshsig import parse_sshsig
from modelreg.errors import UnavailableError
from tests.keys import ANN, AT, BO, DATA, Key, Question, by_hand, holds, make_key
from tests.support import Repo, run


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Key]:
    folder = tmp_path_factory.mktemp("keys")
    made = {kind: make_key(folder, kind, kind) for kind in ("ed25519", "ecdsa-256", "ecdsa-384", "ecdsa-521")}
    made |= {"rsa-3072": make_key(folder, "rsa-3072", "rsa-3072"), "second": make_key(folder, "second")}
    return made | {"locked": make_key(folder, "locked", passphrase="secret")}


@pytest.fixture(scope="module")
def good(keys: dict[str, Key]) -> Question:
    key = keys["ed25519"]
    return Question(SshSignatures().sign(DATA, namespace=EVIDENCE, key=key.path), key.line(ANN))


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa-256", "ecdsa-384", "ecdsa-521", "rsa-3072"])
def test_each_kind_of_key_signs_and_is_verified(keys: dict[str, Key], kind: str, tmp_path: Path) -> None:
    signatures = SshSignatures()
    key = keys[kind]
    signature = signatures.sign(DATA, namespace=EVIDENCE, key=key.path)
    assert signatures.public_key(key.path) == key.public
    assert parse_sshsig(signature).key == key.public.split()[1]
    assert holds(Question(signature, key.line(ANN)))
    assert not holds(Question(signature, key.line(ANN), data=DATA + b"\n"))
    assert by_hand(tmp_path, Question(signature, key.line(ANN)))


def test_a_signature_for_something_else_does_not_count(good: Question) -> None:
    assert holds(good)
    for namespace in (APPROVAL, TRANSITION, "git", "file", "", EVIDENCE + "x", EVIDENCE[:-1]):
        assert not holds(replace(good, namespace=namespace))


@pytest.mark.parametrize("principal", [BO, "*", "*@example.org", "ANN@example.org", f"{ANN},{BO}", "", "-oann", "аnn"])
def test_another_principal(good: Question, keys: dict[str, Key], principal: str) -> None:
    assert not holds(replace(good, principal=principal, signers=good.signers + keys["second"].line(BO)))


def test_a_pattern_in_the_list_counts_for_nobody(good: Question, keys: dict[str, Key], tmp_path: Path) -> None:
    question = replace(good, signers=keys["ed25519"].line("*@example.org"))
    assert by_hand(tmp_path, question)
    assert not holds(question)


@pytest.mark.parametrize(
    "line",
    [
        "{ann} {key}",
        "  {ann}\t{key}\ta comment # of Ann's, \"quoted",
        "# people\n\n{ann} {key}\r\n# end",
        '{ann} namespaces="git,{evidence}" {key}',
        '{ann}\tNameSpaces="{evidence}",Valid-After="20200101",valid-before="210001011200" {key}',
        '{ann} valid-before="20200101" {key} over\n{ann} namespaces="git" {key}\n{ann} {key} still good',
    ],
)
def test_a_list_that_counts_here_counts_by_hand(
    good: Question, keys: dict[str, Key], line: str, tmp_path: Path
) -> None:
    signers = line.format(ann=ANN, evidence=EVIDENCE, key=keys["ed25519"].public)
    question = replace(good, signers=f"{signers}\n{keys['second'].line(BO)}")
    assert holds(question)
    assert by_hand(tmp_path, question)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
@pytest.mark.parametrize(
    ("options", "at", "counts"),
    [
        ('valid-before="20261124120000Z"', AT, True),
        ('valid-before="20261124115959Z"', AT, False),
        ('valid-before="202611241200"', AT, True),
        ('valid-before="202611241159"', AT, False),
        ('valid-after="20261124120000Z"', AT, True),
        ('valid-after="20261124120001Z"', AT, False),
        ('valid-after="20261124",valid-before="20261125"', AT, True),
        ('valid-before="20200101"', AT, False),
        ('valid-before="22000101Z"', 2**32, True),
        ('valid-before="21000101Z"', 2**63, False),
        ("", 0, False),
        ("", -1, False),
    ],
)
def test_times(good: Question, keys: dict[str, Key], options: str, at: int, counts: bool, zone: str) -> None:
    os.environ["TZ"] = zone
    assert holds(replace(good, signers=keys["ed25519"].line(ANN, options), at=at)) == counts


@pytest.mark.parametrize("key", ["locked", "missing", "world-readable", "no key"])
def test_a_key_that_cannot_sign(keys: dict[str, Key], tmp_path: Path, key: str) -> None:
    marker, asks = tmp_path / "asked", tmp_path / "askpass"
    asks.write_text(f"#!/bin/sh\ntouch {marker}\necho secret\n")
    asks.chmod(0o755)
    os.environ |= {"DISPLAY": ":0", "SSH_ASKPASS": str(asks), "SSH_ASKPASS_REQUIRE": "force"}
    path = keys["locked"].path if key == "locked" else tmp_path / "key"
    if key == "world-readable":
        path = make_key(tmp_path).path
        path.chmod(0o644)
    if key == "no key":
        path.write_text("nothing\n")
        path.chmod(0o600)
    with pytest.raises(UnavailableError) as caught:
        SshSignatures().sign(DATA, namespace=EVIDENCE, key=path)
    assert str(path) in str(caught.value)
    hints = {
        "locked": f"ssh-add {path}",
        "world-readable": f"chmod 600 {path}",
        "missing": "ssh-keygen -t",
        "no key": "",
    }
    assert hints[key] in (caught.value.hint or "")
    assert not marker.exists()


def test_a_locked_key_is_known_by_its_public_half(keys: dict[str, Key], tmp_path: Path) -> None:
    signatures = SshSignatures()
    assert signatures.public_key(keys["locked"].path) == keys["locked"].public
    alone = shutil.copy(keys["locked"].path, tmp_path / "alone")
    with pytest.raises(UnavailableError, match="passphrase"):
        signatures.public_key(alone)
    bare = shutil.copy(keys["second"].path, tmp_path / "bare")
    assert signatures.public_key(bare) == keys["second"].public
    with pytest.raises(UnavailableError, match="base64"):
        signatures.public_key("ssh-ed25519 AAAA…")


@pytest.fixture
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A running ssh-agent; SSH_AUTH_SOCK names it."""
    socket = tmp_path_factory.mktemp("a") / "s"
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert b"SSH_AUTH_SOCK" in process.stdout.readline()
        os.environ["SSH_AUTH_SOCK"] = str(socket)
        yield socket
        process.terminate()


def test_a_key_in_the_agent(agent: Path, tmp_path: Path) -> None:
    key = make_key(tmp_path)
    public = tmp_path / "key.pub"
    signatures = SshSignatures()
    run("ssh-add", "-q", key.path)
    key.path.unlink()
    for given in (public, key.public, f"{key.public} a comment"):
        assert signatures.public_key(given) == key.public
        signature = signatures.sign(DATA, namespace=EVIDENCE, key=given)
        assert holds(Question(signature, key.line(ANN)))
    run("ssh-add", "-q", "-D")
    for given in (public, key.public):
        with pytest.raises(UnavailableError) as caught:
            signatures.sign(DATA, namespace=EVIDENCE, key=given)
        assert "ssh-add" in (caught.value.hint or "")


def program(folder: Path, script: str) -> None:
    """A stand-in for ssh-keygen, alone on PATH with the machine's small tools."""
    folder.mkdir(exist_ok=True)
    path = folder / "ssh-keygen"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"


def test_without_ssh_keygen_there_is_no_answer(good: Question, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    program(tmp_path / "here", "exit 0")
    monkeypatch.chdir(tmp_path)
    # Relative folders of PATH may be a stranger's: what is found there is as good as absent.
    for path in ("", "here", f".{os.pathsep}here{os.pathsep}", str(tmp_path)):
        os.environ["PATH"] = path
        with pytest.raises(UnavailableError, match="ssh-keygen is not installed"):
            holds(good)
        with pytest.raises(UnavailableError, match="ssh-keygen is not installed"):
            SshSignatures().sign(DATA, namespace=EVIDENCE, key=tmp_path / "key")


@pytest.mark.parametrize("says", ['Invalid option "verify-time=x"', "unknown option -- Y", "No user exists for uid 7"])
def test_an_ssh_keygen_that_cannot_judge(good: Question, tmp_path: Path, says: str) -> None:
    program(tmp_path / "old", f"echo '{says}' >&2; echo Could not verify signature.; exit 255")
    with pytest.raises(UnavailableError, match="cannot verify"):
        holds(good)


def test_an_ssh_keygen_that_hangs(good: Question, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "VERIFY_TIMEOUT_S", 0.2)
    program(tmp_path / "slow", f"exec {shutil.which('sleep')} 5")
    with pytest.raises(UnavailableError, match="did not end"):
        holds(good)


def test_what_ssh_keygen_is_given(good: Question, tmp_path: Path) -> None:
    os.environ |= {"SSH_AUTH_SOCK": "/nowhere", "GIT_DIR": "/nowhere", "LD_PRELOAD_X": "1"}
    program(
        tmp_path / "fake", f'env > {tmp_path}/env; ls -ld "$(dirname "$4")" > {tmp_path}/mode; pwd > {tmp_path}/pwd'
    )
    # The stand-in's own PATH is only its folder.
    for tool in ("env", "ls", "dirname"):
        (tmp_path / "fake" / tool).symlink_to(str(shutil.which(tool)))
    assert holds(good)
    given = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines())
    assert {name: value for name, value in given.items() if name not in ("PWD", "_", "SHLVL", "OLDPWD")} == {
        "PATH": str(tmp_path / "fake"),
        "LC_ALL": "C",
        "TZ": "UTC",
    }
    mode, *_, folder = (tmp_path / "mode").read_text().split()
    assert mode.startswith("drwx------")
    assert not Path(folder).exists()
    assert (tmp_path / "pwd").read_text() == "/\n"


def test_without_a_place_for_temporary_files(good: Question, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    with pytest.raises(UnavailableError, match="temporary files"):
        holds(good)


def test_what_was_verified_once_is_remembered(good: Question, keys: dict[str, Key]) -> None:
    signatures = SshSignatures()
    bad = replace(good, data=b"other")
    assert good.asked_of(signatures)
    assert not bad.asked_of(signatures)
    signatures.program = "/nowhere/ssh-keygen"
    assert good.asked_of(signatures)
    assert not bad.asked_of(signatures)
    key = keys["ed25519"]
    for changed in (
        replace(good, data=DATA + b"x"),
        replace(good, principal=BO),
        replace(good, signers=key.line(ANN, f'namespaces="{APPROVAL}"')),
        replace(good, revoked="# nobody"),
        replace(good, at=AT + 1),
    ):
        with pytest.raises(UnavailableError):
            changed.asked_of(signatures)


def test_whose_key_is_used(repo: Repo, home: Path, keys: dict[str, Key]) -> None:
    named, public = keys["second"].path, keys["ed25519"].public

    def found(option: Path | None = None) -> Path | str | None:
        return signing_key(Git(repo.path), option)

    assert found() is None
    repo.git("config", "user.signingkey", str(named))
    assert found() is None, "a repository does not say whose key signs"
    for value, expected in (
        ("0A46826A", None),
        ("relative/key", None),
        ("~nobody-of-that-name/key", None),
        (str(home / "missing"), None),
        (str(named), named),
        (f"key::{public}", public),
        ("~/id", home / "id"),
    ):
        (home / "id").write_text("")
        repo.git("config", "--global", "user.signingkey", value)
        assert found() == expected
    os.environ["MODELREG_SIGNING_KEY"] = "~/other"
    assert found() == home / "other"
    os.environ["MODELREG_SIGNING_KEY"] = f"key::{public}"
    assert found() == public
    assert found(named) == named
