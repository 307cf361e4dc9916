from __future__ import annotations

import struct
from collections.abc import Mapping

import pytest

from modelreg.domain.signers import EVIDENCE
from modelreg.domain.sshsig import MAX_BYTES, armoured, parse_sshsig
from modelreg.errors import InvalidError
from tests.unit.test_signers import public, wire

ED = b"ssh-ed25519"
PARTS: Mapping[str, bytes] = {
    "magic": b"SSHSIG",
    "version": struct.pack(">I", 1),
    "key": wire(wire(ED, bytes(32))),
    "namespace": wire(EVIDENCE.encode()),
    "reserved": wire(b""),
    "hash": wire(b"sha512"),
    "signature": wire(wire(ED, bytes(64))),
    "end": b"",
}


def built(**changes: bytes) -> bytes:
    """A signature blob, some of its parts replaced."""
    return b"".join({**PARTS, **changes}.values())


GOOD = armoured(built())


def test_what_a_signature_says() -> None:
    read = parse_sshsig(GOOD)
    assert (read.key_type, read.namespace, read.hash) == ("ssh-ed25519", EVIDENCE, "sha512")
    assert f"ssh-ed25519 {read.key}" == public("ssh-ed25519", 0)


RSA = wire(wire(b"ssh-rsa", b"\x03", b"\x00\x80" + bytes(383)))
EC_NAME = b"ecdsa-sha2-nistp256"
EC = wire(wire(EC_NAME, b"nistp256", b"\x04" + bytes(64)))
SK_NAME = b"sk-ssh-ed25519@openssh.com"
SK = wire(wire(SK_NAME, bytes(32), b"ssh:"))


def ec(*numbers: bytes) -> bytes:
    return wire(wire(EC_NAME, wire(*numbers)))


@pytest.mark.parametrize(
    "changes",
    [
        {"key": RSA, "signature": wire(wire(b"rsa-sha2-512", bytes(384)))},
        {"key": RSA, "signature": wire(wire(b"rsa-sha2-256", bytes(384))), "hash": wire(b"sha256")},
        {"key": EC, "signature": ec(b"\x00\x80", b"\x7f")},
        {"key": SK, "signature": wire(wire(SK_NAME, bytes(64)) + b"\x01" + bytes(4))},
    ],
)
def test_signatures_of_each_kind(changes: Mapping[str, bytes]) -> None:
    assert parse_sshsig(armoured(built(**changes))).namespace == EVIDENCE


BLOBS = {
    "magic": ({"magic": b"SSHSIH"}, "version 1"),
    "version": ({"version": struct.pack(">I", 2)}, "version 1"),
    "key type": ({"key": wire(wire(b"ssh-dss", bytes(32)))}, "type"),
    "key": ({"key": wire(wire(ED, bytes(33)))}, "32 bytes"),
    "key with more": ({"key": wire(wire(ED, bytes(32)) + b"\0")}, "after its end"),
    "namespace": ({"namespace": wire("modelreg-évidence".encode())}, "ASCII"),
    "namespace with a zero byte": ({"namespace": wire(EVIDENCE.encode() + b"\0")}, "ASCII"),
    "reserved": ({"reserved": wire(b"x")}, "reserved"),
    "hash": ({"hash": wire(b"sha1")}, "hash"),
    "algorithm": ({"signature": wire(wire(b"ecdsa-sha2-nistp256", bytes(64)))}, "signature by a"),
    "old rsa": (
        {
            "key": RSA,
            "signature": wire(wire(b"ssh-rsa", b"1")),
        },
        "signature by a",
    ),
    "short ed25519": ({"signature": wire(wire(ED, bytes(63)))}, "63 bytes long"),
    "more after ed25519": ({"signature": wire(wire(ED, bytes(64), b""))}, "after its end"),
    "short rsa": ({"key": RSA, "signature": wire(wire(b"rsa-sha2-512", bytes(383)))}, "383 bytes long"),
    "ecdsa with a leading zero": ({"key": EC, "signature": ec(b"\x00\x01", b"\x01")}, "shortest form"),
    "ecdsa with three numbers": ({"key": EC, "signature": ec(b"\x01", b"\x01", b"\x01")}, "after its end"),
    "ecdsa that is nought": ({"key": EC, "signature": ec(b"\x01", b"")}, "not positive"),
    "security key without its counter": ({"key": SK, "signature": wire(wire(SK_NAME, bytes(64)))}, "too early"),
    "bytes after it": ({"end": b"\0"}, "after its end"),
    "second signature": ({"end": built()}, "after its end"),
    "too early": ({"signature": struct.pack(">I", 99)}, "too early"),
    "a length beyond all": ({"signature": b"\xff\xff\xff\xff"}, "too early"),
    "large": ({"signature": wire(wire(ED, bytes(MAX_BYTES)))}, "larger than"),
}


@pytest.mark.parametrize("name", BLOBS)
def test_blobs_that_are_refused(name: str) -> None:
    changes, says = BLOBS[name]
    with pytest.raises(InvalidError, match=says):
        parse_sshsig(armoured(built(**changes)))


TEXTS = {
    "empty": b"",
    "before": b"\n" + GOOD,
    "after": GOOD + b"\n",
    "no last line end": GOOD[:-1],
    "twice": GOOD + GOOD,
    "crlf": GOOD.replace(b"\n", b"\r\n"),
    "blank at a line's end": GOOD.replace(b"\n", b" \n", 2),
    "empty line": GOOD.replace(b"-\n", b"-\n\n", 1),
    "one long line": GOOD.replace(b"\n", b"").replace(b"RE-----", b"RE-----\n", 1).replace(b"-----END", b"\n-----END")
    + b"\n",
    "another label": GOOD.replace(b"SSH SIGNATURE", b"PGP SIGNATURE"),
    "not base64": GOOD.replace(b"U1NI", b"U1\xff\xff"),
    "nothing inside": b"-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n",
    "only a begin": GOOD[:40],
    "overlapping ends": b"-----BEGIN SSH SIGNATURE-----\n",
    "large": GOOD * 100,
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts_that_are_refused(name: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_sshsig(TEXTS[name])
    assert caught.value.exit_code == 1
