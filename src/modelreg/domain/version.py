"""Semantic versions without build part, lower case (SemVer 2.0.0, https://semver.org; order by its section 11)."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from semver import Version as _SemVer

from modelreg.errors import DeniedError, InvalidError

Part = Literal["major", "minor", "patch"]
Bump = Literal["major", "minor", "patch", "auto"]
"""What may be asked for; `auto`: what differs decides (`domain.bump`)."""

_LABEL = re.compile(r"[a-z](?:[a-z0-9-]{0,18}[a-z0-9])?")


@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """A version; only `parse` and `bump` make one, so that a bad one cannot exist.

    Versions are sorted far more often than they are made: `_key`, a tuple, orders them without semver being asked.
    """

    _value: _SemVer
    _text: str
    _key: tuple[object, ...]

    @classmethod
    def parse(cls, text: str) -> Version:
        """Raises InvalidError for anything but lower-case SemVer without build part that git takes in a ref."""
        found = _parsed(text) if len(text) <= 64 and text.isascii() else None
        if found is None:
            hint = "write MAJOR.MINOR.PATCH, as in 1.3.0 or 2.0.0-rc.1; no leading v, no +build, lower case"
            raise InvalidError(f"{text[:64]!a} is not a semantic version", hint=hint)
        return found

    def bump(self, part: Part) -> Version:
        """The next version: 1.2.3 by minor is 1.3.0; 2.0.0-rc.1 by any part it has already is 2.0.0."""
        return _made(self._value.next_version(part))

    @property
    def major(self) -> int:
        return self._value.major

    @property
    def core(self) -> Version:
        """The release that a pre-release leads up to; a release itself."""
        return _made(self._value.finalize_version()) if self.is_prerelease else self

    def counter(self, label: str) -> int | None:
        """The 2 of `1.4.0-rc.2` for the label `rc`; None where it has another label, or no number behind it."""
        parts = (self._value.prerelease or "").split(".")
        return int(parts[1]) if parts[0] == label and len(parts) > 1 and parts[1].isdecimal() else None

    def raised_over(self, earlier: Version) -> Part:
        """Which part of the number is the first that is higher than in an earlier version."""
        mine, other = self._value, earlier._value
        return "major" if mine.major > other.major else "minor" if mine.minor > other.minor else "patch"

    @property
    def is_prerelease(self) -> bool:
        return self._key[3] is False

    @property
    def rank(self) -> str:
        """ASCII text that sorts, by code point, as versions do (SemVer 2.0.0 section 11).

        Numbers begin with their length; each identifier of a pre-release ends in `!`, below all that it can hold, and
        begins with 0 (a number, the lower) or 1; none at all is `~`, above every pre-release.
        """
        value = self._value
        core = "".join(_ranked(str(part)) for part in (value.major, value.minor, value.patch))
        if value.prerelease is None:
            return core + "~"
        parts = value.prerelease.split(".")
        return core + "-" + "".join(f"0{_ranked(p)}!" if p.isdigit() else f"1{p}!" for p in parts)

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Version({self._text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __lt__(self, other: Version) -> bool:
        return self._key < other._key

    def __le__(self, other: Version) -> bool:
        return self._key <= other._key

    def __gt__(self, other: Version) -> bool:
        return self._key > other._key

    def __ge__(self, other: Version) -> bool:
        return self._key >= other._key


@lru_cache(maxsize=16384)
def _parsed(text: str) -> Version | None:
    """Registries name the same versions over and over."""
    try:
        value = _SemVer.parse(text)
    except ValueError:
        return None
    return None if value.build or text != text.lower() or text.endswith(".lock") else _made(value)


def _made(value: _SemVer) -> Version:
    return Version(value, str(value), _key(value))


def _key(value: _SemVer) -> tuple[object, ...]:
    """What sorts as versions do (SemVer 2.0.0 section 11): a release is above its pre-releases, a number below a word,
    and of two pre-releases that begin alike the longer is the higher."""
    if value.prerelease is None:
        return (value.major, value.minor, value.patch, True)
    parts = value.prerelease.split(".")
    named = tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)
    return (value.major, value.minor, value.patch, False, named)


def _ranked(digits: str) -> str:
    return f"{len(digits):02d}{digits}"


FIRST = Version.parse("1.0.0")
"""What the first version of a model is unless somebody says otherwise."""


def parse_label(text: str) -> str:
    """The label of a pre-release: `rc`. Raises InvalidError; modelreg counts behind it (`rc.1`, `rc.2`)."""
    if not _LABEL.fullmatch(text):
        hint = "use 1 to 20 of a-z, 0-9 and -, first a letter, without a number: rc, beta, alpha"
        raise InvalidError(f"{text[:40]!a} is no label of a pre-release", hint=hint)
    return text


def leading_up(taken: Collection[Version], withdrawn: Collection[Version]) -> Version | None:
    """The pre-release whose release is still to come: the highest in good standing that is above every release."""
    last = max((v for v in taken if not v.is_prerelease), default=None)
    open_ = (v for v in taken if v.is_prerelease and v not in withdrawn and (last is None or v > last))
    return max(open_, default=None)


def following(
    taken: Collection[Version], withdrawn: Collection[Version], part: Part, label: str | None = None
) -> Version:
    """The version after those that there are, with `part` of the last release's number raised.

    Withdrawn releases keep their numbers. Where a pre-release in good standing leads up to a release that is at least
    that high, it is that release. With a `label` it is the next pre-release of it: `-rc.1`, `-rc.2`. Without any
    release, the number of the highest pre-release is what counts (SemVer 2.0.0, section 11: it comes before its
    release). Raises DeniedError for a label that would come before a pre-release that there is.
    """
    if not taken:
        core = FIRST
    else:
        led = leading_up(taken, withdrawn)
        releases = [v for v in taken if not v.is_prerelease]
        core = max(releases).bump(part) if releases else (led or max(taken)).bump(part)
        core = core if led is None else max(core, led.core)
    return core if label is None else _candidate(core, label, taken, withdrawn)


def _candidate(core: Version, label: str, taken: Collection[Version], withdrawn: Collection[Version]) -> Version:
    counters = [n for v in taken if v.core == core and (n := v.counter(label)) is not None]
    made = Version.parse(f"{core}-{label}.{max(counters, default=0) + 1}")
    later = [v for v in taken if v.core == core and v > made and v not in withdrawn]
    if later:
        raise DeniedError(
            f"{made} would come before {max(later)}, which is registered",
            hint=f"take a label that sorts after it, or --version {made} if that is meant",
        )
    return made
