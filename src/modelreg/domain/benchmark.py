"""Benchmarks: what is to be measured, and the figures of what was. Pure arithmetic; `integrations/benchmark` measures.

Percentiles are by nearest rank (Hyndman and Fan 1996, type 1): the smallest measured value that at least p percent of
the values do not exceed. No value is made up between two measured ones, and p99 of fewer than 100 calls is the slowest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelreg.errors import UsageError

PERCENTILES = (50, 95, 99)


@dataclass(frozen=True, slots=True)
class Measurement:
    """Calls with batches of these many rows, `calls` of each size that count, after a tenth as many that do not."""

    batch_sizes: tuple[int, ...] = (1, 100)
    calls: int = 200

    @property
    def warm_up(self) -> int:
        return max(3, self.calls // 10)

    @classmethod
    def parse(cls, asked: bool | Mapping[str, Any]) -> Measurement:
        """True, or `{"batch_sizes": [1, 100], "calls": 200}` or parts of it. Raises UsageError."""
        if isinstance(asked, bool):
            return cls()
        unknown = [key for key in asked if key not in ("batch_sizes", "calls")]
        sizes, calls = asked.get("batch_sizes", cls().batch_sizes), asked.get("calls", cls().calls)
        good = isinstance(sizes, list | tuple) and 0 < len(sizes) <= 20 and all(_count(size) for size in sizes)
        if unknown or not good or not _count(calls) or len(set(sizes)) != len(sizes):
            raise UsageError(
                "benchmark must be True, or say batch_sizes and calls",
                hint='benchmark={"batch_sizes": [1, 100], "calls": 200}: whole numbers from 1 to 1,000,000',
            )
        return cls(tuple(sizes), calls)


def percentile(values: Sequence[int], percent: float) -> int:
    """By nearest rank: the element of rank ceil(percent / 100 * n) in order. Raises ValueError for no values."""
    if not values or not 0 < percent <= 100:
        raise ValueError("a percentile needs values, and 0 < percent <= 100")
    return sorted(values)[math.ceil(percent * len(values) / 100) - 1]


def figures(
    durations_ns: Sequence[int], batch_size: int, peak_memory_bytes: int | None, hardware: str
) -> dict[str, Any]:
    """An entry of the manifest's `benchmarks` from the durations of calls with `batch_size` rows, in nanoseconds.

    Throughput is rows by the time of all calls together. Of one row the name is `predict`, else `predict_batch_N`:
    rules find an entry by its name.
    """
    latencies = {f"latency_p{p}_ms": _rounded(percentile(durations_ns, p) / 1e6) for p in PERCENTILES}
    total_s = sum(durations_ns) / 1e9
    entry: dict[str, Any] = {"name": "predict" if batch_size == 1 else f"predict_batch_{batch_size}"}
    entry |= {"batch_size": batch_size} | latencies
    if total_s > 0:  # a clock too coarse for the calls says nothing of their rate
        entry["throughput_rows_per_s"] = _rounded(batch_size * len(durations_ns) / total_s)
    if peak_memory_bytes is not None:
        entry["peak_memory_bytes"] = peak_memory_bytes
    return entry | {"hardware": hardware[:500], "n": len(durations_ns)}


def _count(value: Any) -> bool:
    return type(value) is int and 1 <= value <= 1_000_000


def _rounded(value: float) -> float:
    """Four significant digits: more is noise."""
    return float(f"{value:.4g}")
