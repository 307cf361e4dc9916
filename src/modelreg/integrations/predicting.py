"""How far apart two estimators are, on the rows of an input example. Only for files whose bytes were checked."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal

from modelreg.domain.reproduction import Predictions
from modelreg.errors import ModelregError, UsageError
from modelreg.integrations import sklearn


def compare(recorded: Path, made: Path, example: Path, format: str) -> Predictions:  # noqa: A002 - the manifest's word
    """Load both as skops, with its trusted types only, and predict the rows of a CSV file.

    Probabilities count where both give them, since labels hide what is nearly the same. Whatever cannot be loaded or
    predicted gives the reason instead of a distance: it is not the judge's business to fail.
    """
    try:
        kind = _safe(format)
        pair = [sklearn.load(path, kind) for path in (recorded, made)]
        rows = sklearn._require("pandas").read_csv(example)
        return Predictions(max(_apart(*(_predicted(model, rows, name) for model in pair)) for name in _methods(pair)))
    except ModelregError as error:
        return Predictions(None, error.message)
    except Exception as error:  # noqa: BLE001 - an estimator may raise whatever it likes
        return Predictions(None, f"{type(error).__name__}: {sklearn._first_line(error)}")


def _safe(format_: str) -> Literal["skops"]:
    if format_ != "skops":
        raise UsageError(f"{format_!a} is not loaded to compare: it could run code", hint="register it as skops")
    return "skops"


def _methods(pair: list[Any]) -> list[str]:
    return ["predict", *(["predict_proba"] if all(hasattr(model, "predict_proba") for model in pair) else [])]


def _predicted(model: Any, rows: Any, method: str) -> Any:
    import numpy as np

    return np.asarray(getattr(model, method)(rows))


def _apart(one: Any, other: Any) -> float:
    """The greatest absolute difference; infinite for other labels, shapes, or what is no number on one side only."""
    import numpy as np

    if one.shape != other.shape:
        return math.inf
    if not (np.issubdtype(one.dtype, np.number) and np.issubdtype(other.dtype, np.number)):
        return 0.0 if bool((one == other).all()) else math.inf
    same = (one == other) | (np.isnan(one.astype(float)) & np.isnan(other.astype(float)))
    gap = np.where(same, 0.0, np.abs(one.astype(float) - other.astype(float)))
    worst = float(gap.max()) if gap.size else 0.0
    return worst if math.isfinite(worst) else math.inf
