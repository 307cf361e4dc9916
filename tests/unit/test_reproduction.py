"""Whether a version came out again, where two bodies differ in one thing."""

from __future__ import annotations

from typing import get_args

import pytest

from modelreg.domain import reproduction
from modelreg.domain.difference import KINDS
from modelreg.domain.reproduction import Predictions, judge
from tests.samples import BODY, changed


def test_every_kind_of_difference_has_its_place_among_the_causes() -> None:
    assert sorted(reproduction._LIKELY) == sorted(KINDS)
    assert set(KINDS) >= reproduction._INPUTS


@pytest.mark.parametrize("artifact", [0, 1])
def test_a_report_that_differs_is_not_the_same_bit_for_bit(artifact: int) -> None:
    made = changed({f"artifacts.{artifact}.sha256": "f" * 64})
    judged = judge(BODY, made, predictions=Predictions(distance=0.0))
    assert (judged.ok, judged.kind) == (True, "predictions")
    assert any(text.startswith("artifact ") for text in judged.causes)
    assert judge(BODY, BODY, predictions=Predictions(distance=0.0)).kind == "bitwise"
    assert judged.kind in get_args(reproduction.Agreement)


def test_what_is_recorded_now_is_no_obstacle() -> None:
    before = changed({"architecture": None, "lineage.features": None})
    assert judge(before, BODY, predictions=Predictions(distance=0.0)).ok
