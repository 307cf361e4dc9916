"""Signing and verifying with ssh-keygen, the program that anybody can check a signature with by hand.

It is started by its absolute path, with argument lists, a small environment and files in a private folder: who counts
comes from the bytes that the caller read from the base, never from a repository's config, a user's known signers or
the home folder (threat model A22).
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property, lru_cache
from pathlib import Path

from modelreg.adapters.git import Git
from modelreg.domain.signers import Signer, in_force, is_principal, ssh_time, usable
from modelreg.domain.ssh_keys import key_bytes
from modelreg.domain.sshsig import parse_sshsig
from modelreg.errors import InvalidError, UnavailableError

ENVIRONMENT_KEY = "MODELREG_SIGNING_KEY"
VERIFY_TIMEOUT_S = 10
SIGN_TIMEOUT_S = 60
"""Long enough to find a security key and touch it."""
_LAST_AT = 253402300799
"""9999-12-31T23:59:59Z: later times have no four-digit year."""
_TO_SIGN = ("HOME", "SSH_AUTH_SOCK", "SSH_SK_PROVIDER", "SSH_SK_HELPER")
_NO_ANSWER = re.compile(r"(?i)invalid option|(unknown|illegal|unsupported) |usage:|no user exists")
"""What ssh-keygen says when it has not judged the signature: too old, or no account for this user id."""

_NOT_OPEN = re.compile(r"(?i)incorrect passphrase|no private key found|agent refused|communication with agent")


class SshSignatures:
    """Signatures by ssh-keygen. What was verified once is remembered as long as this object lives."""

    def __init__(self) -> None:
        self._known: dict[bytes, bool] = {}

    def sign(self, data: bytes, *, namespace: str, key: Path | str) -> bytes:
        with _private_folder() as folder, _key_file(key, folder) as path:
            document = folder / "document"
            document.write_bytes(data)
            args = ["-Y", "sign", "-n", namespace, "-f", str(path), str(document)]
            done = self._run(args, timeout=SIGN_TIMEOUT_S, env=_users_environment())
            if done.returncode:
                raise _cannot_sign(key, done)
            try:
                signature = (folder / "document.sig").read_bytes()
                made = parse_sshsig(signature)
            except (OSError, InvalidError) as error:
                raise UnavailableError("ssh-keygen made a signature that modelreg does not read") from error
        if made.namespace != namespace:
            raise UnavailableError("ssh-keygen signed for another namespace than it was asked to")
        return signature

    def public_key(self, key: Path | str) -> str:
        if isinstance(key, str):
            return _public_line(key, "the signing key")
        if key.is_dir():
            raise UnavailableError("is a folder, and no key", file=str(key), hint="--key ~/.ssh/id_ed25519")
        beside = key if key.suffix == ".pub" else key.with_name(f"{key.name}.pub")
        if beside.is_file():
            return _public_line(_read_key(beside), str(beside))
        done = self._run(["-y", "-P", "", "-f", str(key)], timeout=VERIFY_TIMEOUT_S, env=_users_environment())
        if done.returncode:
            raise _cannot_sign(key, done)
        return _public_line(done.stdout.decode("utf-8", "replace"), str(key))

    def verified(
        self,
        data: bytes,
        signature: bytes,
        *,
        namespace: str,
        principal: str,
        signers: bytes,
        revoked: bytes,
        at: int,
    ) -> bool:
        if not is_principal(principal):
            return False
        inputs = (data, signature, namespace.encode(), principal.encode(), signers, revoked, str(at).encode())
        asked = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in inputs)).digest()
        if asked not in self._known:
            self._known[asked] = self._verify(data, signature, namespace, principal, _in_force(signers, revoked), at)
        return self._known[asked]

    def _verify(
        self, data: bytes, signature: bytes, namespace: str, principal: str, signers: tuple[Signer, ...], at: int
    ) -> bool:
        try:
            claimed = parse_sshsig(signature)
        except InvalidError:
            return False
        if claimed.namespace != namespace or not 0 < at <= _LAST_AT:
            return False
        # A key that nobody has need not be checked; whose it is, where and when it counts, is for ssh-keygen to say.
        if not any(signer.key == claimed.key for signer in signers):
            return False
        with _private_folder() as folder:
            allowed, sig = folder / "allowed_signers", folder / "signature"
            allowed.write_bytes(usable(signers))
            sig.write_bytes(signature)
            args = ["-Y", "verify", "-f", str(allowed), "-s", str(sig), "-I", principal, "-n", namespace]
            done = self._run([*args, f"-Overify-time={ssh_time(at)}"], timeout=VERIFY_TIMEOUT_S, data=data)
        if done.returncode and _NO_ANSWER.search(_words(done)):
            raise UnavailableError(f"ssh-keygen cannot verify: {_words(done)}", hint="install OpenSSH 8.8 or newer")
        return done.returncode == 0

    @cached_property
    def program(self) -> str:
        """The absolute path of ssh-keygen; relative folders of PATH, a repository's maybe, are not searched."""
        folders = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if os.path.isabs(folder)]
        found = shutil.which("ssh-keygen", path=os.pathsep.join(folders))
        if found is None:
            hint = "install OpenSSH (Debian: openssh-client)"
            raise UnavailableError("ssh-keygen is not installed, or not on PATH", hint=hint)
        return found

    def _run(
        self, args: list[str], *, timeout: int, data: bytes | None = None, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Without a terminal (a session of its own), so that nothing can be asked. Times are in UTC."""
        program = self.program
        try:
            return subprocess.run(
                [program, *args],
                stdin=subprocess.DEVNULL if data is None else None,
                input=data,
                capture_output=True,
                env={"PATH": os.path.dirname(program), "LC_ALL": "C", "TZ": "UTC", **(env or {})},
                cwd="/",
                timeout=timeout,
                start_new_session=True,
            )
        except subprocess.TimeoutExpired as error:
            raise UnavailableError(f"ssh-keygen did not end within {timeout} s") from error
        except OSError as error:
            raise UnavailableError(f"ssh-keygen cannot be started: {error.strerror}") from error


def signing_key(git: Git, option: Path | None = None) -> Path | str | None:
    """The user's key: `--key`, else MODELREG_SIGNING_KEY, else git's `user.signingkey`; None where none is named.

    git's setting counts only from the user's or the machine's config, never from a repository's, and only where it
    names an existing file or is a literal public key (`key::ssh-ed25519 AAAA…`): otherwise it is an OpenPGP key's id.
    """
    if option is not None:
        return option
    if said := os.environ.get(ENVIRONMENT_KEY):
        return _named(said)
    setting = next((s.value for s in reversed(git.settings) if s.key == "user.signingkey" and s.ours), None)
    if setting is None:
        return None
    named = _named(setting)
    return named if isinstance(named, str) or (named.is_absolute() and named.is_file()) else None


def _named(text: str) -> Path | str:
    return text.removeprefix("key::") if text.startswith("key::") else Path(os.path.expanduser(text))


@lru_cache(maxsize=8)
def _in_force(signers: bytes, revoked: bytes) -> tuple[Signer, ...]:
    return in_force(signers, revoked)


@contextmanager
def _private_folder() -> Iterator[Path]:
    """A folder that only this user can look into (0700), gone afterwards."""
    import tempfile

    try:
        with tempfile.TemporaryDirectory(prefix="modelreg-") as path:
            yield Path(path)
    except OSError as error:
        hint = "set TMPDIR to a folder with some space"
        raise UnavailableError(f"temporary files cannot be written: {error.strerror}", hint=hint) from error


@contextmanager
def _key_file(key: Path | str, folder: Path) -> Iterator[Path]:
    """The key as a file: ssh-keygen asks the agent for the private half of a public one."""
    if isinstance(key, Path):
        yield key.absolute()
        return
    path = folder / "key.pub"
    path.write_text(_public_line(key, "the signing key") + "\n")
    yield path


def _users_environment() -> dict[str, str]:
    """What signing needs of the user: the agent and the security key's middleware; and nothing is to be asked."""
    kept = {name: os.environ[name] for name in _TO_SIGN if name in os.environ}
    return kept | {"SSH_ASKPASS_REQUIRE": "never"}


def _read_key(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError as error:
        raise UnavailableError(f"cannot be read: {error.strerror}", file=str(path)) from error


def _public_line(text: str, where: str) -> str:
    """Type and base64 of a public key's text. Raises UnavailableError where it is none that modelreg takes."""
    words = [*text.split(maxsplit=2), "", ""][:2]
    try:
        key_bytes(words[0], words[1])
    except InvalidError as error:
        raise UnavailableError(f"{where} {error.message}", hint=error.hint) from error
    return " ".join(words)


def _cannot_sign(key: Path | str, done: subprocess.CompletedProcess[bytes]) -> UnavailableError:
    name = "the signing key" if isinstance(key, str) else str(key)
    if isinstance(key, Path) and not key.exists():
        return UnavailableError("there is no such key", file=name, hint="ssh-keygen -t ed25519 makes one")
    words = _words(done)
    if "too open" in words:
        return UnavailableError("can be read by others, so ssh-keygen ignores it", file=name, hint=f"chmod 600 {name}")
    if _NOT_OPEN.search(words):
        hint = f"ssh-add {name.removesuffix('.pub')}" if isinstance(key, Path) else "ssh-add the private key"
        message = "needs a passphrase, or its private half is in no agent"
        return UnavailableError(f"{name} {message}", hint=f"{hint}, then try again")
    return UnavailableError(f"ssh-keygen does not sign with {name}: {words}")


def _words(done: subprocess.CompletedProcess[bytes]) -> str:
    """What ssh-keygen wrote to standard error, in one line of bounded length."""
    lines = (line.strip(" @") for line in done.stderr.decode("utf-8", "replace").splitlines())
    return "; ".join(line for line in lines if line)[:400] or "it gave no reason"
