from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelreg.domain import signers
from modelreg.domain.signers import (
    APPROVAL,
    EVIDENCE,
    TRANSITION,
    in_force,
    namespace_of,
    parse_revoked,
    parse_signers,
    ssh_time,
    usable,
)
from modelreg.domain.ssh_keys import KEY_TYPES


def wire(*parts: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def encoded(*parts: bytes) -> str:
    return base64.b64encode(wire(*parts)).decode()


def public(key_type: str, number: int = 1) -> str:
    """Type and base64 of a well-formed key of each type; the numbers are not points of any curve."""
    point = {"256": 32, "384": 48, "521": 66}
    name = key_type.encode()
    if key_type == "ssh-rsa":
        parts = [name, b"\x01\x00\x01", rsa(3072, number)]
    elif "ed25519" in key_type:
        parts = [name, bytes([number]) * 32]
    else:
        bits = key_type.removesuffix("@openssh.com")[-3:]
        parts = [name, b"nistp" + bits.encode(), b"\x04" + bytes([number]) * (2 * point[bits])]
    if key_type.startswith("sk-"):
        parts.append(b"ssh:")
    return f"{key_type} {encoded(*parts)}"


def rsa(bits: int, number: int = 1) -> bytes:
    return ((1 << (bits - 1)) + number).to_bytes(bits // 8 + 1, "big")


ED = "ssh-ed25519"
A, B, C = (public(ED, number) for number in (1, 2, 3))


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_key_types(key_type: str) -> None:
    found, problems = parse_signers(f"ann@example.org {public(key_type)} laptop\n")
    assert problems == ()
    assert [(s.principals, s.key_type, f"{s.key_type} {s.key}") for s in found] == [
        (("ann@example.org",), key_type, public(key_type))
    ]


def test_everything_that_a_line_can_say() -> None:
    text = (
        "# people\n\n"
        f'ann@example.org\tnamespaces="{EVIDENCE},{APPROVAL}",Valid-After="20260101Z",valid-before="202701312359" {A}\n'
        f'  bo@example.org {B} a "comment, with= everything #\r\n'
        f"ann@example.org {C}"
    )
    found, problems = parse_signers(text)
    assert problems == ()
    first, second, third = found
    assert (first.namespaces, first.valid_after, first.valid_before) == ((EVIDENCE, APPROVAL), 1767225600, 1801439940)
    assert (second.principals, second.namespaces, second.line) == (("bo@example.org",), None, 4)
    assert (third.principals, third.line) == (("ann@example.org",), 5)


BAD_LINES = {
    "pattern": (f"*@example.org {A}", "no principal"),
    "pattern of one character": (f"ann?@example.org {A}", "no principal"),
    "negated": (f"!ann@example.org {A}", "no principal"),
    "quoted": (f'"ann@example.org" {A}', "no principal"),
    "empty principal": (f"ann@example.org, {A}", "no principal"),
    "option as principal": (f"-oann {A}", "no principal"),
    "confusable": (f"аnn@example.org {A}", "no principal"),
    "zero width": (f"ann\u200b@example.org {A}", "no principal"),
    "byte order mark": (f"\ufeffann@example.org {A}", "no principal"),
    "certificate authority": (f"ann@example.org cert-authority {A}", "certificate authority"),
    "certificate authority, loud": (f'ann@example.org namespaces="git",CERT-Authority {A}', "certificate authority"),
    "unknown option": (f'ann@example.org touch="no" {A}', "does not belong"),
    "unknown flag": (f"ann@example.org no-touch-required {A}", "does not belong"),
    "option twice": (f'ann@example.org namespaces="git",namespaces="x" {A}', "does not belong"),
    "option without a value": (f"ann@example.org namespaces {A}", "does not belong"),
    "value without quotes": (f"ann@example.org namespaces=git {A}", "does not belong"),
    "comma at the end": (f'ann@example.org namespaces="git", {A}', "does not belong"),
    "nothing between options": (f'ann@example.org namespaces="git"valid-before="20270101" {A}', "does not belong"),
    "open quote": (f'ann@example.org namespaces="git {A}', "not written as they should"),
    "escape": (f'ann@example.org namespaces="g\\"it" {A}', "not written as they should"),
    "namespace pattern": (f'ann@example.org namespaces="modelreg-*" {A}', "namespace that is empty or a pattern"),
    "namespace empty": (f'ann@example.org namespaces="" {A}', "namespace that is empty or a pattern"),
    "namespace after a space": (f'ann@example.org namespaces="git, x" {A}', "namespace that is empty or a pattern"),
    "no time": (f'ann@example.org valid-before="tomorrow" {A}', "a time"),
    "no such day": (f'ann@example.org valid-before="20270230Z" {A}', "a time"),
    "a short time": (f'ann@example.org valid-before="2027010" {A}', "a time"),
    "digits of another script": (f'ann@example.org valid-before="٢٠٢٧٠١٠١" {A}', "a time"),
    "never valid": (f'ann@example.org valid-after="20270101",valid-before="20260101" {A}', "at no time"),
    "only a name": ("ann@example.org", "no key"),
    "only a type": (f"ann@example.org {ED}", "no key"),
    "old type": ("ann@example.org ssh-dss AAAAB3NzaC1kc3MAAACB", "a key of type 'ssh-dss'"),
    "certificate": ("ann@example.org ssh-ed25519-cert-v01@openssh.com AAAA", "a key of type"),
    "no base64": (f"ann@example.org {ED} AAAA…", "no proper base64"),
    "loose base64": (f"ann@example.org {ED} {A.split()[1][:-1] + 'F'}==", "no proper base64"),
    "another type inside": (f"ann@example.org ssh-rsa {A.split()[1]}", "another type"),
    "an unknown type inside": (f"ann@example.org {ED} {encoded(b'ssh-x', b'1')}", "a key of type 'ssh-x'"),
    "short key": (f"ann@example.org {ED} {encoded(ED.encode(), bytes(31))}", "32 bytes"),
    "cut key": (f"ann@example.org {ED} {base64.b64encode(wire(ED.encode(), bytes(32))[:-1]).decode()}", "too early"),
    "bytes after the key": (f"ann@example.org {ED} {encoded(ED.encode(), bytes(32), b'')}", "after its end"),
    "small rsa": (f"ann@example.org ssh-rsa {encoded(b'ssh-rsa', b'3', rsa(2048))}", "RSA key of 2048 bits"),
    "rsa with a leading zero": (
        f"ann@example.org ssh-rsa {encoded(b'ssh-rsa', b'3', bytes(1) + rsa(3072))}",
        "shortest form",
    ),
    "negative rsa": (f"ann@example.org ssh-rsa {encoded(b'ssh-rsa', b'3', rsa(3072)[1:])}", "shortest form"),
    "another curve": (
        "ann@example.org ecdsa-sha2-nistp256 " + encoded(b"ecdsa-sha2-nistp256", b"nistp384", b"\x04" + bytes(96)),
        "no point",
    ),
    "compressed point": (
        "ann@example.org ecdsa-sha2-nistp256 " + encoded(b"ecdsa-sha2-nistp256", b"nistp256", b"\x02" + bytes(32)),
        "no point",
    ),
    "control character": (f"ann@example.org {A} a\x00b", "control character"),
    "line feed of another kind": (f"ann@example.org {A} a\x0bbo@example.org {B}", "control character"),
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_a_line_that_is_not_used(name: str) -> None:
    line, says = BAD_LINES[name]
    found, problems = parse_signers(f"# first\n{line}\nbo@example.org {C}\n")
    assert [s.principals for s in found] == [("bo@example.org",)]
    assert [p.line for p in problems] == [2]
    assert says in problems[0].message
    assert problems[0].hint or "a time" not in says


def test_several_keys_of_one_person() -> None:
    found, problems = parse_signers(f'ann@x.org {A}\nann@x.org {B}\nann@x.org namespaces="git" {A}\n')
    assert (len(found), problems) == (3, ())


@pytest.mark.parametrize(
    "text",
    [
        f"ann@x.org {A}\nbo@x.org {A}\n",
        f"ann@x.org,bo@x.org {A}\n",
        f'ann@x.org namespaces="git" {A}\nann@x.org {A} again\nbo@x.org valid-before="20200101Z" {A}\n',
    ],
)
def test_a_key_of_two_persons_counts_for_neither(text: str) -> None:
    found, problems = parse_signers(f"{text}cy@x.org {C}\n")
    assert [s.principals for s in found] == [("cy@x.org",)]
    assert len(problems) == text.count("\n")
    assert "counts for none of them" in problems[0].message


def test_names_that_differ_by_case_only() -> None:
    found, problems = parse_signers(f"ann@x.org {A}\nAnn@x.org {B}\ncy@x.org {C}\n")
    assert [s.principals for s in found] == [("cy@x.org",)]
    assert [p.line for p in problems] == [1, 2]


def test_revoked() -> None:
    revoked, problems = parse_revoked(f"# lost\n{A} laptop\n\n{B}\r\n")
    assert (revoked, problems) == (frozenset((A.split()[1], B.split()[1])), ())
    text = f"ann@x.org {A}\nbo@x.org {B}\ncy@x.org {C}\n"
    assert [s.principals for s in in_force(text.encode(), f"{A}\n{B}\n".encode())] == [("cy@x.org",)]


@pytest.mark.parametrize("bad", [f"ann@x.org {A}", "ssh-ed25519", "SSHKRL\n\x00", f"{A[:-2]}", f"serial: 1\n{A}", "*"])
def test_with_a_bad_revocation_list_nobody_counts(bad: str) -> None:
    _, problems = parse_revoked(f"{B}\n{bad}\n")
    assert problems[0].line == 2
    assert problems[0].hint
    assert in_force(f"cy@x.org {C}\n".encode(), f"{B}\n{bad}\n".encode()) == ()


def test_bytes_that_are_no_text() -> None:
    good = f"cy@x.org {C}\n".encode()
    assert len(in_force(good, b"")) == 1
    assert in_force(good + b"# \xff\n", b"") == ()
    assert in_force(good, b"# \xff\n") == ()


def test_usable_is_what_was_understood() -> None:
    text = f'ann@x.org namespaces="{EVIDENCE},git",valid-after="20260101" {A} c\nbo@x.org {B}\n*@x.org {C}\n'
    found, _ = parse_signers(text)
    written = usable(found, frozenset((B.split()[1],)))
    assert written == f'ann@x.org namespaces="{EVIDENCE},git",valid-after="20260101000000" {A}\n'.encode()
    again, problems = parse_signers(usable(found).decode())
    assert problems == ()
    assert [(s.principals, s.namespaces, s.key, s.valid_after) for s in again] == [
        (s.principals, s.namespaces, s.key, s.valid_after) for s in found
    ]


def test_namespaces() -> None:
    assert namespace_of("transition") == TRANSITION
    assert namespace_of("evidence", "evaluation") == namespace_of("evidence") == EVIDENCE
    assert namespace_of("evidence", "approval") == namespace_of("evidence", "approval-withdrawal") == APPROVAL
    assert namespace_of("approval") == APPROVAL
    assert namespace_of("policy") is None
    assert namespace_of("manifest", "approval") is None


def test_time() -> None:
    assert ssh_time(1767225600) == "20260101000000"


LINES = st.lists(
    st.one_of(
        st.text(max_size=40),
        st.sampled_from([line for line, _ in BAD_LINES.values()]),
        st.builds("{} {}".format, st.sampled_from(["ann@x.org", "Ann@x.org", "bo@x.org"]), st.sampled_from([A, B, C])),
    ),
    max_size=6,
).map("\n".join)


@given(LINES)
def test_no_text_breaks_it_and_no_key_has_two_owners(text: str) -> None:
    found, problems = parse_signers(text)
    owners: dict[str, set[str]] = {}
    for signer in found:
        assert len(signer.principals) == 1
        assert signers.is_principal(signer.principals[0])
        owners.setdefault(signer.key, set()).update(signer.principals)
    assert all(len(names) == 1 for names in owners.values())
    assert not {s.line for s in found} & {p.line for p in problems}
    parse_revoked(text)
