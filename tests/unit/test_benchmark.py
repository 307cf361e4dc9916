"""Figures of measurements: percentiles by nearest rank, throughput, names that rules can find."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelreg.domain.benchmark import Measurement, figures, percentile
from modelreg.errors import UsageError

DURATIONS = st.lists(st.integers(1, 10**12), min_size=1, max_size=300)


@given(DURATIONS, st.integers(1, 100))
def test_percentiles_are_numpy_s_by_nearest_rank(values: list[int], percent: int) -> None:
    found = percentile(values, percent)
    assert found in values
    assert found == np.percentile(values, percent, method="inverted_cdf")
    assert 100 * sum(value <= found for value in values) >= percent * len(values)


def test_percentiles_of_nothing_are_none() -> None:
    for values, percent in (([], 50), ([1], 0), ([1], 101)):
        with pytest.raises(ValueError, match="percentile"):
            percentile(values, percent)


@given(DURATIONS, st.integers(1, 1000))
def test_figures_are_in_order_and_finite(durations: list[int], size: int) -> None:
    entry = figures(durations, size, None, "a machine")
    assert 0 <= entry["latency_p50_ms"] <= entry["latency_p95_ms"] <= entry["latency_p99_ms"]
    assert entry["throughput_rows_per_s"] == pytest.approx(size * len(durations) * 1e9 / sum(durations), rel=1e-3)
    assert (entry["n"], entry["batch_size"]) == (len(durations), size)
    assert "peak_memory_bytes" not in entry


def test_figures_by_hand() -> None:
    assert figures([1_000_000, 2_000_000, 3_000_000, 4_000_000], 100, 5 * 2**20, "a machine") == {
        "name": "predict_batch_100",
        "batch_size": 100,
        "latency_p50_ms": 2.0,
        "latency_p95_ms": 4.0,
        "latency_p99_ms": 4.0,
        "throughput_rows_per_s": 40000.0,
        "peak_memory_bytes": 5 * 2**20,
        "hardware": "a machine",
        "n": 4,
    }
    assert figures([1], 1, None, "x" * 600)["name"] == "predict"
    assert len(figures([1], 1, None, "x" * 600)["hardware"]) == 500
    assert "throughput_rows_per_s" not in figures([0, 0], 1, None, "a machine")


def test_what_is_measured() -> None:
    assert Measurement.parse(True) == Measurement.parse({}) == Measurement((1, 100), 200)
    assert Measurement.parse({"calls": 7}) == Measurement((1, 100), 7)
    assert Measurement.parse({"batch_sizes": [8]}) == Measurement((8,), 200)
    assert (Measurement(calls=1).warm_up, Measurement(calls=200).warm_up) == (3, 20)


@pytest.mark.parametrize(
    "asked",
    [
        {"batch_size": [1]}, {"batch_sizes": []}, {"batch_sizes": 1}, {"batch_sizes": [0]}, {"batch_sizes": [True]},
        {"batch_sizes": [1.0]}, {"batch_sizes": [1, 1]}, {"batch_sizes": [10**7]}, {"batch_sizes": list(range(1, 30))},
        {"calls": 0}, {"calls": -1}, {"calls": "5"}, {"calls": True}, {"calls": None}, {"calls": 10**7},
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_measured_is_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="batch_sizes and calls"):
        Measurement.parse(asked)
