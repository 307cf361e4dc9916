"""Feature importance by permutation: how much worse the model scores when a column is shuffled."""

from __future__ import annotations

import importlib
from typing import Any

from modelreg.errors import InvalidError, UnavailableError, UsageError
from modelreg.integrations.tabular import columns_of

REPEATS = 10
SEED = 0
ROWS = 10_000
"""No more rows than these are shuffled and scored, drawn with the seed: the cost is features * repeats predictions."""

IMPORTANCES = 100
"""No more features than these are recorded, the most important ones: a manifest is read by people."""


def permutation(estimator: Any, X: Any, y: Any) -> dict[str, Any]:
    """`{"method": text, "values": {column: number}}`, largest first, of the columns of X as they go into the model.

    Mean fall of the estimator's own `score` (accuracy, R²) over REPEATS shuffles with a fixed seed, on at most ROWS
    rows: `sklearn.inspection.permutation_importance`; Breiman 2001. The method's text names what was used. Raises
    UsageError without X and y, InvalidError where the model cannot be scored on them.
    """
    if X is None or y is None:
        raise UsageError("importance by permutation needs rows and what they should give", hint="give X= and y=")
    try:
        inspection = importlib.import_module("sklearn.inspection")
    except ImportError as error:
        raise UnavailableError("scikit-learn is not installed", hint="pip install 'modelreg[sklearn]'") from error
    import numpy as np

    columns = columns_of(X)
    if columns is not None and not hasattr(X, "iloc"):  # scikit-learn shuffles frames of pandas and arrays only
        import pandas as pd

        X = pd.DataFrame({name: values.to_numpy() for name, values in columns.items()})
    rows = min(X.shape[0] if hasattr(X, "shape") else len(X), ROWS)
    try:
        found = inspection.permutation_importance(
            estimator, X, y, n_repeats=REPEATS, random_state=SEED, max_samples=rows
        )
    except (TypeError, ValueError, AttributeError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise InvalidError(
            f"the model cannot be scored on X and y: {first[:200]}", field="feature_importance"
        ) from error
    values = np.asarray(found.importances_mean, dtype=float)
    if not np.isfinite(values).all():
        raise InvalidError("the score on X and y is not a finite number", field="feature_importance")
    names = list(columns) if columns is not None else [f"x{n}" for n in range(len(values))]
    ranked = sorted(zip(names, values.tolist(), strict=True), key=lambda item: -abs(item[1]))[:IMPORTANCES]
    method = f"permutation ({REPEATS} repeats, seed {SEED}, {rows} rows, the estimator's own score)"
    return {"method": method, "values": {name: float(f"{value:.6g}") for name, value in ranked}}
