"""SSHSIG, the signature that `ssh-keygen -Y sign` makes (OpenSSH, PROTOCOL.sshsig), read as strictly as it is written.

One signature has one spelling: what `ssh-keygen` would not have written byte for byte is refused, so that nobody can
change a stored signature and have it count. Whether it is a true signature is for `ssh-keygen -Y verify` to say.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from modelreg.domain.ssh_keys import Wire, canonical_base64, read_key, rsa_bytes
from modelreg.errors import InvalidError

MAX_BYTES = 16 * 1024
_BEGIN = "-----BEGIN SSH SIGNATURE-----\n"
_END = "-----END SSH SIGNATURE-----\n"
_WIDTH = 70
_MAGIC = b"SSHSIG"
_VERSION = 1
_HASHES = ("sha512", "sha256")
_RSA = ("rsa-sha2-512", "rsa-sha2-256")


@dataclass(frozen=True, slots=True)
class Sshsig:
    """What a signature says of itself. `key` is the signer's public key as base64."""

    key_type: str
    key: str
    namespace: str
    hash: str


def parse_sshsig(signature: bytes) -> Sshsig:
    """Read an armoured signature, of at most 16 KiB. Raises InvalidError saying what is wrong with it."""
    if len(signature) > MAX_BYTES:
        raise InvalidError(f"is larger than {MAX_BYTES} bytes")
    text = signature.decode("latin-1")
    if not (text.startswith(_BEGIN) and text.endswith(_END)):
        hint = "ssh-keygen -Y sign writes it: from the BEGIN line to the END line, nothing around them"
        raise InvalidError("is no armoured SSH signature", hint=hint)
    blob = canonical_base64(text[len(_BEGIN) : -len(_END)].replace("\n", ""))
    if armoured(blob) != signature:
        raise InvalidError("is not armoured as ssh-keygen does it", hint=f"lines of {_WIDTH} characters, ended by LF")
    return _read(blob)


def armoured(blob: bytes) -> bytes:
    """A signature blob as text (PROTOCOL.sshsig, "Armored format"), with the line width of ssh-keygen."""
    text = base64.b64encode(blob).decode()
    lines = "".join(f"{text[i : i + _WIDTH]}\n" for i in range(0, len(text), _WIDTH))
    return f"{_BEGIN}{lines}{_END}".encode()


def _read(blob: bytes) -> Sshsig:
    wire = Wire(blob)
    if wire.take(len(_MAGIC)) != _MAGIC or wire.uint32() != _VERSION:
        raise InvalidError("is no SSHSIG of version 1")
    key = wire.string()
    namespace = wire.text()
    reserved = wire.string()
    hash_ = wire.text()
    inner = Wire(wire.string())
    wire.end()
    # `reserved` is not covered by the signature: anything there could be changed by anybody.
    if reserved:
        raise InvalidError("has something in the reserved field of its SSHSIG")
    if hash_ not in _HASHES:
        raise InvalidError(f"uses the hash {hash_[:20]!a}", hint=f"hashes are {', '.join(_HASHES)}")
    key_type = read_key(key)
    algorithm = inner.text()
    if algorithm not in (_RSA if key_type == "ssh-rsa" else (key_type,)):
        raise InvalidError(f"is a {algorithm[:60]!a} signature by a {key_type} key")
    _check_proper(inner, key_type, key)
    return Sshsig(key_type, base64.b64encode(key).decode(), namespace, hash_)


def _check_proper(inner: Wire, key_type: str, key: bytes) -> None:
    """The signature proper in its one form: OpenSSH also takes leading zeros in ECDSA's, and leaves RSA's out."""
    proper = inner.string()
    if "ecdsa" in key_type:
        numbers = Wire(proper)
        numbers.positive()
        numbers.positive()
        numbers.end()
    elif len(proper) != (rsa_bytes(key) if key_type == "ssh-rsa" else 64):
        raise InvalidError(f"is {len(proper)} bytes long, which no signature of its key is")
    if key_type.startswith("sk-"):
        inner.take(5)  # flags and counter of the authenticator, which the signature covers
    inner.end()
