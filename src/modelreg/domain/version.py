"""Semantic versions without build part, lower case (SemVer 2.0.0, https://semver.org; order by its section 11)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import total_ordering
from typing import Literal

from semver import Version as _SemVer

from modelreg.errors import InvalidError

Bump = Literal["major", "minor", "patch"]


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """A version; only `parse` and `bump` make one, so that a bad one cannot exist."""

    _value: _SemVer

    @classmethod
    def parse(cls, text: str) -> Version:
        """Raises InvalidError for anything but lower-case SemVer without build part that git takes in a ref."""
        try:
            value = _SemVer.parse(text) if len(text) <= 64 and text.isascii() else None
        except ValueError:
            value = None
        if value is None or value.build or text != text.lower() or text.endswith(".lock"):
            hint = "write MAJOR.MINOR.PATCH, as in 1.3.0 or 2.0.0-rc.1; no leading v, no +build, lower case"
            raise InvalidError(f"{text[:64]!a} is not a semantic version", hint=hint)
        return cls(value)

    def bump(self, part: Bump) -> Version:
        """The next version: 1.2.3 by minor is 1.3.0; 2.0.0-rc.1 by any part it has already is 2.0.0."""
        return Version(self._value.next_version(part))

    @property
    def major(self) -> int:
        return self._value.major

    @property
    def is_prerelease(self) -> bool:
        return self._value.prerelease is not None

    def __str__(self) -> str:
        return str(self._value)

    def __repr__(self) -> str:
        return f"Version({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._value == other._value

    def __hash__(self) -> int:
        return hash(str(self._value))

    def __lt__(self, other: Version) -> bool:
        return self._value < other._value


FIRST = Version.parse("1.0.0")
"""What the first version of a model is unless somebody says otherwise."""
