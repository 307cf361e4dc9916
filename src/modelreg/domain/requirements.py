"""What a lock file pins: the part of pip's requirements format that lock files use (pip: requirements-file-format)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_PIN = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*===?\s*([A-Za-z0-9][^\s;,*]*)")
_DIRECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[^\]]*\])?\s*@\s*\S")
"""`name @ url`: one place, and so nothing to resolve, though no version."""
_COMMENT = re.compile(r"(?:^|\s)#.*")


@dataclass(frozen=True, slots=True)
class Pin:
    """One distribution at one version. `conditional`: only where an environment marker holds."""

    name: str
    version: str
    conditional: bool


@dataclass(frozen=True, slots=True)
class Lock:
    """`complete`: every requirement is pinned, so nothing is left for an installer to resolve; `hashed`: each has the
    digests of its files."""

    pins: tuple[Pin, ...]
    complete: bool
    hashed: bool


def parse_lock(text: str) -> Lock:
    """A requirements file. What is neither a pin nor a place (a range, another file) makes the lock incomplete."""
    pins: list[Pin] = []
    complete, hashes = True, 0
    for line in _lines(text):
        if line.startswith("-"):
            complete = complete and not line.startswith(("-r", "-c", "-e", "--requirement", "--constraint", "--edit"))
            continue
        requirement, _, digests = line.partition("--hash")
        requirement, semicolon, _ = requirement.partition(";")
        match = _PIN.fullmatch(requirement.strip())
        if match is None:
            complete = complete and _DIRECT.match(requirement) is not None
            continue
        pins.append(Pin(normalised(match[1]), match[2], bool(semicolon)))
        hashes += bool(digests)
    return Lock(tuple(pins), complete, bool(pins) and hashes == len(pins))


def without(text: str, name: str) -> str:
    """The lock without a distribution: one that is installed from its source instead."""
    kept = []
    for line in _lines(text):
        match = _PIN.match(line)
        if match is None or normalised(match[1]) != normalised(name):
            kept.append(line)
    return "".join(f"{line}\n" for line in kept)


def deviations(lock: Lock, installed: Mapping[str, str]) -> tuple[str, ...]:
    """Where installed distributions (version by name) are not those of the lock, in words, by name.

    A pin behind a marker need not be installed, and one name may be pinned under several.
    """
    have = {normalised(name): version for name, version in installed.items()}
    wanted: dict[str, list[Pin]] = {}
    for pin in lock.pins:
        wanted.setdefault(pin.name, []).append(pin)
    found = []
    for name, pins in sorted(wanted.items()):
        version = have.get(name)
        versions = " or ".join(dict.fromkeys(pin.version for pin in pins))
        if version is None:
            if not all(pin.conditional for pin in pins):
                found.append(f"{name}: the lock pins {versions}, and it is not installed")
        elif version not in {pin.version for pin in pins}:
            found.append(f"{name}: the lock pins {versions}, installed is {version}")
    return tuple(found)


def normalised(name: str) -> str:
    """The name of a distribution as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _lines(text: str) -> list[str]:
    """Logical lines: continued ones joined, comments and blank ones dropped."""
    joined = re.sub(r"\\\r?\n", " ", text)
    return [line for raw in joined.splitlines() if (line := _COMMENT.sub("", raw).strip())]
