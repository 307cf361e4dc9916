"""Metrics: finite numbers that know which direction is better and what they were measured on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Direction = Literal["higher", "lower"]

MAPPING = (dict, Mapping)
"""A dict is told at once, an abstract class is asked for half a microsecond."""
_NUMBERS = (int, float)
_LOWER_WORDS = frozenset(
    (
        *("loss", "error", "err", "mse", "rmse", "mae", "mape", "smape", "msle", "rmsle", "medae", "logloss", "nll"),
        *("brier", "perplexity", "latency", "deviance", "wer", "cer", "ece", "fpr", "fnr", "drift", "inertia"),
    )
)
_LOWER_NAMES = ("log_loss", "cross_entropy", "davies_bouldin", "hamming_loss", "false_positive_rate")


def default_direction(name: str) -> Direction:
    """`lower` for what its name says is an error or a loss, else `higher`; a recorded direction always wins."""
    words = name.split("_")
    if name.startswith("neg_"):  # scikit-learn's negated scorers: neg_mean_squared_error
        return "higher"
    return "lower" if _LOWER_WORDS.intersection(words) or any(n in name for n in _LOWER_NAMES) else "higher"


@dataclass(frozen=True, slots=True)
class Basis:
    """What a metric was measured on. Two values compare only on equal bases with a known digest."""

    dataset_sha256: str | None
    split: str | None
    slice: str | None

    @property
    def known(self) -> bool:
        return self.dataset_sha256 is not None


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured value; `value` may be no finite number only while a document is not yet validated."""

    name: str
    value: float
    direction: Direction
    basis: Basis

    @property
    def finite(self) -> bool:
        return math.isfinite(self.value)


def number(value: Any) -> float | None:
    """A finite number as a float, or None for all else (booleans and numeric strings included)."""
    if type(value) is float:  # nearly all of them
        return value if math.isfinite(value) else None
    if isinstance(value, bool) or not isinstance(value, _NUMBERS):
        return None
    try:
        result = float(value)
    except OverflowError:
        return None
    return result if math.isfinite(result) else None


def values_of(body: Mapping[str, Any]) -> dict[str, float]:
    """The values alone by name, from a `metrics:` mapping. Bad ones are left out."""
    found = {}
    for name, entry in body.items():
        value = number(entry.get("value")) if isinstance(entry, MAPPING) else None
        if value is not None:
            found[name] = value
    return found


def metrics_of(body: Mapping[str, Any], datasets: Mapping[str, str]) -> dict[str, Metric]:
    """Metrics by name from a `metrics:` mapping; `datasets` maps data names to sha256. Bad values are left out."""
    found: dict[str, Metric] = {}
    for name, value in values_of(body).items():
        entry = body[name]
        dataset = entry.get("dataset")
        digest = dataset.get("sha256") if isinstance(dataset, MAPPING) else datasets.get(str(dataset))
        direction: Direction = "lower" if entry.get("direction") == "lower" else "higher"
        found[name] = Metric(name, value, direction, Basis(digest, entry.get("split"), entry.get("slice")))
    return found


def worse_by(candidate: Metric, holder: Metric) -> float:
    """How much worse the candidate is, in the metric's own unit and direction; negative where it is better."""
    difference = holder.value - candidate.value
    return -difference if candidate.direction == "lower" else difference
