from __future__ import annotations

from hypothesis import given

from modelreg.domain.version import Version
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
