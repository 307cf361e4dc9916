from __future__ import annotations

import math
from typing import Any

import pytest

from modelreg.domain.metric import Basis, Direction, Metric, default_direction, metrics_of, number, worse_by

NOWHERE = Basis(None, None, None)


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        *((n, "higher") for n in ("accuracy", "f1", "roc_auc", "r2", "terror", "glossy", "neg_log_loss", "neg_mse")),
        *((n, "lower") for n in ("loss", "log_loss", "val_loss", "rmse", "test_mae", "latency_ms", "hamming_loss")),
        *((n, "lower") for n in ("false_positive_rate", "cross_entropy_val", "davies_bouldin", "wer")),
    ],
)
def test_default_direction(name: str, direction: Direction) -> None:
    assert default_direction(name) == direction


@pytest.mark.parametrize("value", [0, 1, -1, 0.5, 1e308, 10**300])
def test_number(value: float) -> None:
    assert number(value) == float(value)


@pytest.mark.parametrize(
    "value", [None, True, False, "", "0.9", "nan", b"1", [], {}, math.nan, math.inf, -math.inf, 10**400, 1j]
)
def test_not_a_number(value: Any) -> None:
    assert number(value) is None
    assert metrics_of({"m": {"value": value}}, {}) == {}


@pytest.mark.parametrize("entry", [None, 0.9, "0.9", [0.9], {}])
def test_entry_of_no_shape_is_left_out(entry: Any) -> None:
    assert metrics_of({"m": entry}, {}) == {}


@pytest.mark.parametrize(
    ("entry", "metric"),
    [
        ({"value": 1}, Metric("m", 1.0, "higher", NOWHERE)),
        ({"value": 1, "direction": "lower"}, Metric("m", 1.0, "lower", NOWHERE)),
        ({"value": 1, "dataset": "holdout"}, Metric("m", 1.0, "higher", Basis("d1", None, None))),
        ({"value": 1, "dataset": "unknown"}, Metric("m", 1.0, "higher", NOWHERE)),
        (
            {"value": 1, "dataset": {"sha256": "d2"}, "split": "test"},
            Metric("m", 1.0, "higher", Basis("d2", "test", None)),
        ),
        ({"value": 1, "dataset": "holdout", "slice": "eu"}, Metric("m", 1.0, "higher", Basis("d1", None, "eu"))),
    ],
)
def test_metrics_of(entry: dict[str, Any], metric: Metric) -> None:
    assert metrics_of({"m": entry}, {"holdout": "d1"}) == {"m": metric}
    assert metric.basis.known is (metric.basis.dataset_sha256 is not None)


@pytest.mark.parametrize(
    ("mine", "theirs", "direction", "worse"),
    [
        (0.5, 0.75, "higher", 0.25),
        (0.75, 0.5, "higher", -0.25),
        (0.5, 0.75, "lower", -0.25),
        (0.75, 0.5, "lower", 0.25),
    ],
)
def test_worse_by(mine: float, theirs: float, direction: Direction, worse: float) -> None:
    assert worse_by(Metric("m", mine, direction, NOWHERE), Metric("m", theirs, direction, NOWHERE)) == worse


@pytest.mark.parametrize(("value", "finite"), [(0.0, True), (math.nan, False), (math.inf, False)])
def test_finite(value: float, finite: bool) -> None:
    assert Metric("m", value, "higher", NOWHERE).finite is finite
