"""A13: a signature covers the exact stored bytes, and is itself stored in one form only."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from modelreg.adapters.signing import SshSignatures
from modelreg.domain.signers import APPROVAL
from modelreg.domain.sshsig import armoured
from tests.keys import ANN, Question, by_hand, holds, make_key

DOCUMENT = b"""format: 1
type: approval
model: churn
version: 1.3.0
manifest_sha256: 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824
from: staging
to: production
displaces: ["1.2.0"]
by: ann@example.org
not_after: 2026-12-24T12:00:00Z
"""
MUTATIONS_PER_KIND_OF_KEY = 1000


@pytest.fixture(scope="module", params=["ed25519", "ecdsa-256"])
def approval(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Question:
    key = make_key(tmp_path_factory.mktemp("signer"), kind=request.param)
    signature = SshSignatures().sign(DOCUMENT, namespace=APPROVAL, key=key.path)
    return Question(signature, key.line(ANN), data=DOCUMENT, namespace=APPROVAL)


def blob_of(signature: bytes) -> bytes:
    return base64.b64decode(b"".join(signature.splitlines()[1:-1]))


Edit = Callable[[bytes], bytes]
POSITION = st.integers(0, 2000)


def edit(what: str, at: int, bytes_: bytes) -> Edit:
    """Change some bytes at a position (taken modulo the length)."""

    def apply(data: bytes) -> bytes:
        place = at % max(len(data), 1)
        return {
            "replace": data[:place] + bytes_ + data[place + len(bytes_) :],
            "insert": data[:place] + bytes_ + data[place:],
            "delete": data[:place] + data[place + len(bytes_) :],
            "flip": data[:place] + bytes(b ^ (1 << (at % 8)) for b in data[place : place + 1]) + data[place + 1 :],
            "truncate": data[:place],
            "prepend": bytes_ + data,
            "append": data + bytes_,
            "repeat": data + data[place:],
        }[what]

    return apply


def reorder(first: int, second: int) -> Edit:
    def apply(data: bytes) -> bytes:
        lines = data.splitlines(keepends=True) or [b""]
        a, b = first % len(lines), second % len(lines)
        lines[a], lines[b] = lines[b], lines[a]
        return b"".join(lines)

    return apply


EDITS = st.one_of(
    st.builds(
        edit,
        st.sampled_from(["replace", "insert", "delete", "flip", "truncate", "prepend", "append", "repeat"]),
        POSITION,
        st.one_of(st.binary(min_size=1, max_size=4), st.sampled_from([b"\n", b"\r\n", b" ", b"#", b"=", b"A", b"\0"])),
    ),
    st.builds(reorder, POSITION, POSITION),
    st.sampled_from(
        [
            lambda data: data.replace(b"\n", b"\r\n"),
            lambda data: b"\xef\xbb\xbf" + data,
            lambda data: data.rstrip(b"\n"),
            lambda data: data.upper(),
            lambda data: data + data,
            lambda data: b"",
        ]
    ),
)


@settings(max_examples=MUTATIONS_PER_KIND_OF_KEY, suppress_health_check=list(HealthCheck))
@given(
    where=st.sampled_from(["document", "text", "blob", "document and text"]),
    edits=st.lists(EDITS, min_size=1, max_size=3),
)
def test_no_mutation_is_accepted(approval: Question, where: str, edits: list[Edit]) -> None:
    """`text` is the signature as it is stored, `blob` what its base64 holds, put into proper armour again."""
    data, signature = approval.data, approval.signature
    for change in edits:
        data = change(data) if "document" in where else data
        signature = change(signature) if "text" in where else signature
    if where == "blob":
        blob = blob_of(signature)
        for change in edits:
            blob = change(blob)
        signature = armoured(blob)
    assume((data, signature) != (approval.data, approval.signature))
    assert not holds(replace(approval, data=data, signature=signature))


def test_the_untouched_pair_is_accepted(approval: Question, tmp_path: Path) -> None:
    assert holds(approval)
    assert by_hand(tmp_path, approval)


def framed(part: bytes) -> bytes:
    return struct.pack(">I", len(part)) + part


def test_another_spelling_of_a_true_signature(approval: Question) -> None:
    """Around it, in its base64, in fields that it does not cover: `ssh-keygen -Y verify` (OpenSSH 9.2) takes all four."""
    text, blob = approval.signature, blob_of(approval.signature)
    reserved = blob.index(framed(APPROVAL.encode())) + len(framed(APPROVAL.encode()))
    spellings = {
        "text after it": text + b"approved: twice\n",
        "a second signature after it": text + text,
        "lines of another length": text.replace(b"\n", b"")
        .replace(b"RE-----", b"RE-----\n", 1)
        .replace(b"-----E", b"\n-----E")
        + b"\n",
        "something in the reserved field": armoured(blob[:reserved] + framed(b"x") + blob[reserved + 4 :]),
    }
    assert not [name for name, other in spellings.items() if holds(replace(approval, signature=other))]
