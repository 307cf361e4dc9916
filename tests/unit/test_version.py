from __future__ import annotations

import itertools

import pytest

from modelreg.domain.version import FIRST, Part, Version
from modelreg.errors import InvalidError

# SemVer 2.0.0 section 11, and what it says of numbers, letters and lengths.
ORDER = [
    *("0.0.1", "0.9.9", "1.0.0-0", "1.0.0-2", "1.0.0-10", "1.0.0--", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.1.0"),
    *("1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.9.0"),
    *("1.10.0", "2.0.0", "10.0.0"),
]
REFUSED = [
    *("", "1", "1.0", "v1.0.0", "V1.0.0", "1.0.0.0", "01.0.0", "1.00.0", "1.0.00", "1.0.0-", "1.0.0-01", "1.0.0-a..b"),
    *("1.0.0+build", "1.0.0-rc.1+5", "1.0.0-RC.1", "1.0.0-rc_1", " 1.0.0", "1.0.0 ", "1.0.0\n", "1.0.0-rc.1\n"),
    *("-1.0.0", "1.-1.0", "1,0,0", "latest", "1.0.x", "1.0.*", "^1.0.0", "1.0.0-rc.lock", "1.0.0-a.b.lock", "١.0.0"),
    *("1.0.0-é", "1.0.0-a\u200b", "1.0.0/..", "1.0.0-" + "a" * 59, "9" * 5000 + ".0.0"),
]


@pytest.mark.parametrize(("low", "high"), list(itertools.combinations(ORDER, 2)))
def test_order(low: str, high: str) -> None:
    a, b = Version.parse(low), Version.parse(high)
    assert a < b
    assert b > a
    assert a <= b
    assert a != b
    assert not b <= a


@pytest.mark.parametrize("text", ORDER)
def test_text_round_trip(text: str) -> None:
    assert str(Version.parse(text)) == text
    assert Version.parse(text) == Version.parse(text)
    assert hash(Version.parse(text)) == hash(Version.parse(text))
    assert Version.parse(text).is_prerelease is ("-" in text)


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: ascii(text)[:20])
def test_refused(text: str) -> None:
    with pytest.raises(InvalidError) as raised:
        Version.parse(text)
    assert raised.value.hint


@pytest.mark.parametrize(
    ("before", "part", "after"),
    [
        ("1.2.3", "major", "2.0.0"),
        ("1.2.3", "minor", "1.3.0"),
        ("1.2.3", "patch", "1.2.4"),
        ("2.0.0-rc.1", "major", "2.0.0"),
        ("2.0.0-rc.1", "minor", "2.0.0"),
        ("2.0.0-rc.1", "patch", "2.0.0"),
        ("2.1.0-rc.1", "major", "3.0.0"),
        ("2.1.1-rc.1", "minor", "2.2.0"),
        ("0.0.9", "patch", "0.0.10"),
    ],
)
def test_bump(before: str, part: Part, after: str) -> None:
    assert str(Version.parse(before).bump(part)) == after


def test_first_and_strangers() -> None:
    assert str(FIRST) == "1.0.0"
    assert repr(FIRST) == "Version('1.0.0')"
    assert FIRST != "1.0.0"
