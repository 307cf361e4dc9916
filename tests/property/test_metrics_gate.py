"""Threat A30: no requirement on metrics passes without a real, finite number."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from modelreg.domain.checks_metrics import check_champion, check_metrics
from modelreg.domain.context import Candidate, Context, Facts
from modelreg.domain.manifest import Manifest
from tests.samples import manifest, transition

rubbish = st.none() | st.booleans() | st.text(max_size=5) | st.binary(max_size=3) | st.lists(st.floats(), max_size=2)
anything = (
    rubbish | st.floats() | st.integers() | st.integers(10**308, 10**320) | st.sampled_from(["0.9", "nan", "inf"])
)
entries = anything | st.fixed_dictionaries({}, optional={"value": anything, "split": st.none() | st.text(max_size=2)})
bounds_of = st.dictionaries(st.sampled_from(["min", "max", "below"]), anything, max_size=3)


def with_metric(entry: Any, version: str = "1.0.0") -> Manifest:
    return Manifest.from_mapping(manifest(version).to_mapping() | {"metrics": {"f1": entry}})


def real(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def passes(requirement: Any, entry: Any) -> bool:
    context = Context(Candidate(with_metric(entry)), None, transition("1.0.0", "staging"), Facts(), "f1")
    verdicts = list(check_metrics(requirement, context))
    assert verdicts
    return all(verdict.passed for verdict in verdicts)


@given(bounds_of, entries)
def test_only_real_numbers_within_real_bounds_pass(bounds: dict[str, Any], entry: Any) -> None:
    value: Any = entry.get("value") if isinstance(entry, dict) else None
    fine = (
        bool(bounds)
        and set(bounds) <= {"min", "max"}
        and all(real(bound) for bound in bounds.values())
        and real(value)
        and float(bounds.get("min", -math.inf)) <= float(value) <= float(bounds.get("max", math.inf))
    )
    assert passes({"f1": bounds}, entry) is fine


@given(bounds_of)
def test_missing_metric_never_passes(bounds: dict[str, Any]) -> None:
    assert not passes({"auc": bounds}, {"value": 1})
    assert not passes({}, {"value": 1})


@given(anything, anything, anything, st.booleans())
def test_champion_never_passes_without_the_candidates_number(
    mine: Any, theirs: Any, margin: Any, lenient: bool
) -> None:
    measured = {"dataset": {"sha256": "d" * 64}, "split": "test"}
    candidate = with_metric({"value": mine, **measured}, "2.0.0")
    holder = with_metric({"value": theirs, **measured})
    context = Context(Candidate(candidate), Candidate(holder), transition("2.0.0", "staging"), Facts(), "f1")
    requirement = {"primary": {"not_worse_by": margin}, "where_comparable": lenient}
    passed = all(verdict.passed for verdict in check_champion(requirement, context))
    if passed:
        assert real(margin)
        assert real(mine) or (lenient and not real(theirs))
