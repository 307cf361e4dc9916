"""SSH public keys and the wire format they are written in (RFC 4251 section 5, 4253 section 6.6, 5656, 8709).

A key has exactly one spelling here. OpenSSH also reads others (leading zeros, loose base64), and with two spellings
one key could be listed for two persons, or live on after it was revoked.
"""

from __future__ import annotations

import base64
import binascii

from modelreg.errors import InvalidError

MINIMUM_RSA_BITS = 3072
MAXIMUM_RSA_BITS = 16384
_CURVES = {"nistp256": 32, "nistp384": 48, "nistp521": 66}
"""Bytes of a coordinate."""
KEY_TYPES = (
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    *(f"ecdsa-sha2-{curve}" for curve in _CURVES),
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-rsa",
)


class Wire:
    """Reads SSH's wire format from the front. Every method raises InvalidError where the bytes end too early."""

    def __init__(self, data: bytes) -> None:
        self._rest = data

    def take(self, size: int) -> bytes:
        if size > len(self._rest):
            raise InvalidError("ends too early")
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def uint32(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def string(self) -> bytes:
        return self.take(self.uint32())

    def text(self) -> str:
        """A string of printable ASCII."""
        text = self.string().decode("latin-1")
        if not (text.isascii() and text.isprintable()):
            raise InvalidError("holds a name that is not plain ASCII")
        return text

    def positive(self) -> int:
        """An mpint above zero, in its shortest form."""
        data = self.string()
        number = int.from_bytes(data, "big")
        if number == 0 or data != number.to_bytes(number.bit_length() // 8 + 1, "big"):
            raise InvalidError("holds a number that is not positive, or not in its shortest form")
        return number

    def end(self) -> None:
        if self._rest:
            raise InvalidError("has bytes after its end")


def key_bytes(key_type: str, key: str) -> bytes:
    """The blob of a public key given as type and base64, checked to its last byte.

    Raises InvalidError for a type that modelreg does not take, another type inside, base64 or a blob that is not in
    its one canonical form, RSA below 3072 bits.
    """
    if key_type not in KEY_TYPES:
        raise InvalidError(f"has a key of type {key_type[:60]!a}", hint=f"types are {', '.join(KEY_TYPES)}")
    blob = canonical_base64(key)
    if read_key(blob) != key_type:
        raise InvalidError(f"says {key_type}, and its key is of another type")
    return blob


def canonical_base64(text: str) -> bytes:
    """The bytes of base64 without line ends, in the only form that encodes them. Raises InvalidError."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data or base64.b64encode(data).decode() != text:
        raise InvalidError("has a key or signature that is no proper base64")
    return data


def read_key(blob: bytes) -> str:
    """The type of a public key blob, every field of it checked. Raises InvalidError."""
    wire = Wire(blob)
    key_type = wire.text()
    if key_type not in KEY_TYPES:
        raise InvalidError(f"holds a key of type {key_type[:60]!a}", hint=f"types are {', '.join(KEY_TYPES)}")
    if key_type == "ssh-rsa":
        wire.positive()
        bits = wire.positive().bit_length()
        if not MINIMUM_RSA_BITS <= bits <= MAXIMUM_RSA_BITS:
            raise InvalidError(f"has an RSA key of {bits} bits", hint="ssh-keygen -t ed25519 makes a better one")
    elif "ed25519" in key_type:
        if len(wire.string()) != 32:
            raise InvalidError("has an Ed25519 key that is not 32 bytes long")
    else:
        _read_point(wire, key_type)
    if key_type.startswith("sk-"):
        wire.text()  # the application that the authenticator binds the key to
    wire.end()
    return key_type


def rsa_bytes(blob: bytes) -> int:
    """The size of an RSA key's modulus, which is that of its signatures, in bytes."""
    wire = Wire(blob)
    wire.string()
    wire.positive()
    return (wire.positive().bit_length() + 7) // 8


def _read_point(wire: Wire, key_type: str) -> None:
    """A curve's name and a point on it, not compressed (RFC 5656 section 3.1)."""
    curve = wire.text()
    point = wire.string()
    size = _CURVES.get(curve)
    if size is None or curve not in key_type or len(point) != 1 + 2 * size or point[0] != 4:
        raise InvalidError("has an ECDSA key that is no point of its curve")
