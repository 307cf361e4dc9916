from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from semver import Version as SemVer

from modelreg.domain.version import Part, Version, following, leading_up
from modelreg.errors import DeniedError
from tests.property.strategies import versions


@given(versions, versions, versions)
def test_order_is_total(a: Version, b: Version, c: Version) -> None:
    assert [a < b, a == b, a > b].count(True) == 1
    assert (a <= b) == (not b < a)
    if a <= b <= c:
        assert a <= c
    assert (a == b) == (str(a) == str(b))


@given(versions)
def test_text_round_trip_and_bumps_rise(a: Version) -> None:
    assert Version.parse(str(a)) == a
    for part in ("major", "minor", "patch"):
        assert a < a.bump(part)
        assert not a.bump(part).is_prerelease


@given(
    st.lists(versions, max_size=8, unique=True),
    st.sets(st.integers(0, 7)),
    st.sampled_from(["major", "minor", "patch"]),
    st.none() | st.sampled_from(["rc", "beta"]),
)
def test_what_follows_is_new_and_above_every_release(
    taken: list[Version], withdrawn: set[int], part: Part, label: str | None
) -> None:
    gone = {version for place, version in enumerate(taken) if place in withdrawn}
    try:
        made = following(taken, gone, part, label)
    except DeniedError:
        assert label is not None
        return
    assert made not in taken
    assert made.is_prerelease == (label is not None)
    releases = [version for version in taken if not version.is_prerelease]
    assert all(made > version for version in releases)
    assert all(made > version for version in taken if version not in gone)
    led = leading_up(taken, gone)
    if releases and led is None:
        assert made.core == max(releases).bump(part)


@given(versions, versions)
def test_ranks_sort_as_versions_do(a: Version, b: Version) -> None:
    assert (a.rank < b.rank) == (a < b)
    assert (a.rank == b.rank) == (a == b)
    assert a.rank.isascii()


@given(versions, versions)
@example(Version.parse("1.0.0"), Version.parse("1.0.0-rc.1"))
@example(Version.parse("1.0.0-rc.2"), Version.parse("1.0.0-rc.10"))
@example(Version.parse("1.0.0-10"), Version.parse("1.0.0-1a"))
@example(Version.parse("1.0.0--"), Version.parse("1.0.0-a"))
@example(Version.parse("1.0.0-rc"), Version.parse("1.0.0-rc.0"))
def test_two_compare_as_semver_compares_them(a: Version, b: Version) -> None:
    wanted = SemVer.parse(str(a)).compare(str(b))
    assert ((a > b) - (a < b), a == b) == (wanted, wanted == 0)
    assert (a >= b, a <= b) == (wanted >= 0, wanted <= 0)
    assert a != b or hash(a) == hash(b)
