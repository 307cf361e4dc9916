from __future__ import annotations

import itertools

import pytest

from modelreg.domain.version import FIRST, Part, Version, following, leading_up, parse_label
from modelreg.errors import DeniedError, InvalidError

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


# what there is (a ~ before those withdrawn), the part, the label of a pre-release; the next
FOLLOWING = [
    ("", "patch", None, "1.0.0"),
    ("", "patch", "rc", "1.0.0-rc.1"),
    ("1.3.0", "patch", None, "1.3.1"),
    ("1.3.0", "minor", None, "1.4.0"),
    ("1.3.0", "major", None, "2.0.0"),
    ("1.3.0 1.10.0 1.9.0", "minor", None, "1.11.0"),
    ("0.2.0", "major", None, "1.0.0"),
    # withdrawn releases keep their numbers
    ("1.3.0 ~2.0.0", "minor", None, "2.1.0"),
    ("~1.0.0", "patch", None, "1.0.1"),
    # a first pre-release, the next one, and another label
    ("1.3.0", "minor", "rc", "1.4.0-rc.1"),
    ("1.3.0 1.4.0-rc.1", "minor", "rc", "1.4.0-rc.2"),
    ("1.3.0 1.4.0-rc.1", "patch", "rc", "1.4.0-rc.2"),
    ("1.3.0 1.4.0-rc.9", "patch", "rc", "1.4.0-rc.10"),
    ("1.3.0 1.4.0-beta.3", "minor", "rc", "1.4.0-rc.1"),
    ("1.3.0 1.4.0-rc", "minor", "rc", "1.4.0-rc.1"),
    ("1.3.0 1.4.0-rc.2.1", "minor", "rc", "1.4.0-rc.3"),
    ("1.3.0 1.4.0-rc.1 ~1.4.0-rc.2", "minor", "rc", "1.4.0-rc.3"),
    # more is needed than the pre-release leads up to
    ("1.3.0 1.4.0-rc.1", "major", "rc", "2.0.0-rc.1"),
    ("1.3.0 1.4.0-rc.1", "major", None, "2.0.0"),
    # at least as much: it is that release
    ("1.3.0 1.4.0-rc.2", "patch", None, "1.4.0"),
    ("1.3.0 1.4.0-rc.2", "minor", None, "1.4.0"),
    ("1.3.0 2.0.0-rc.1", "patch", None, "2.0.0"),
    ("1.3.0 1.4.0-rc.1 1.4.0", "patch", None, "1.4.1"),
    ("1.3.0 1.4.0-rc.1 1.4.0", "patch", "rc", "1.4.1-rc.1"),
    # one that was given up leads nowhere
    ("1.3.0 ~2.0.0-rc.1", "patch", None, "1.3.1"),
    ("1.3.0 1.4.0-rc.1 ~2.0.0-rc.1", "patch", None, "1.4.0"),
    ("1.3.0 ~1.4.0-rc.1", "minor", "rc", "1.4.0-rc.2"),
    ("1.3.0 ~1.4.0-rc.1", "minor", "beta", "1.4.0-beta.1"),
    # no release yet
    ("1.0.0-rc.1", "patch", None, "1.0.0"),
    ("1.0.0-rc.1", "patch", "rc", "1.0.0-rc.2"),
    ("1.0.0-rc.1", "major", None, "1.0.0"),
    ("1.1.0-rc.1", "major", None, "2.0.0"),
    ("~1.0.0-rc.1", "patch", None, "1.0.0"),
    ("~1.0.0-rc.1", "patch", "rc", "1.0.0-rc.2"),
]


def parsed(there: str) -> tuple[list[Version], set[Version]]:
    words = there.split()
    gone = {Version.parse(word[1:]) for word in words if word.startswith("~")}
    return [Version.parse(word.removeprefix("~")) for word in words], gone


@pytest.mark.parametrize(("there", "part", "label", "after"), FOLLOWING)
def test_following(there: str, part: Part, label: str | None, after: str) -> None:
    assert str(following(*parsed(there), part, label)) == after


@pytest.mark.parametrize(
    ("there", "candidate"),
    [
        ("", None),
        ("1.3.0", None),
        ("1.3.0 1.4.0-rc.1 1.4.0-rc.2", "1.4.0-rc.2"),
        ("1.3.0 1.4.0-rc.1 1.4.0", None),
        ("1.3.0 1.4.0-rc.1 ~1.4.0", None),  # its number is taken
        ("1.3.0 1.4.0-rc.1 ~2.0.0-rc.1", "1.4.0-rc.1"),
        ("1.0.0-rc.1", "1.0.0-rc.1"),
        ("~1.0.0-rc.1", None),
    ],
)
def test_which_candidate_leads_up_to_a_release(there: str, candidate: str | None) -> None:
    led = leading_up(*parsed(there))
    assert (None if led is None else str(led)) == candidate


@pytest.mark.parametrize("there", ["1.3.0 1.4.0-rc.1", "1.4.0-rc.1", "1.3.0 1.4.0-beta.1.x"])
def test_a_label_that_sorts_before_what_there_is_is_refused(there: str) -> None:
    with pytest.raises(DeniedError, match=r"1\.4\.0-alpha\.1 would come before 1\.4\.0") as caught:
        following(*parsed(there), "minor", "alpha")
    assert "--version 1.4.0-alpha.1" in str(caught.value.hint)


@pytest.mark.parametrize("text", ["", "RC", "rc.1", "1", "1rc", "-rc", "rc-", "r c", "é", "a" * 21, "rc\n"])
def test_labels_that_are_none(text: str) -> None:
    with pytest.raises(InvalidError):
        parse_label(text)


def test_labels_cores_and_counters() -> None:
    assert parse_label("rc") == "rc"
    assert parse_label("pre-release") == "pre-release"
    assert str(Version.parse("1.4.0-rc.2").core) == "1.4.0"
    assert str(Version.parse("1.4.0").core) == "1.4.0"
    assert [
        Version.parse(f"1.4.0{pre}").counter("rc") for pre in ("-rc.2", "-rc", "-beta.2", "", "-rc.x", "-rcx.1")
    ] == [
        2,
        *[None] * 5,
    ]
    parts = [Version.parse(later).raised_over(Version.parse("1.2.3")) for later in ("2.0.0", "1.3.0-rc.1", "1.2.4")]
    assert parts == ["major", "minor", "patch"]
