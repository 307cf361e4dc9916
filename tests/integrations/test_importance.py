"""Importance by permutation: repeatable, named, refused where it cannot be computed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from modelreg.errors import InvalidError, UsageError
from modelreg.integrations import importance

pytest.importorskip("sklearn")
pd = pytest.importorskip("pandas")


def model(X: Any, y: Any) -> Any:  # noqa: N803
    from sklearn.linear_model import LinearRegression

    return LinearRegression().fit(X, y)


def test_what_matters_comes_first_and_again_the_same() -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"small": rng.normal(size=200), "none": rng.normal(size=200), "large": rng.normal(size=200)})
    y = frame["small"] + 5 * frame["large"]
    fitted = model(frame, y)
    found = importance.permutation(fitted, frame, y)
    assert list(found["values"]) == ["large", "small", "none"]
    assert found["method"] == "permutation (10 repeats, seed 0, 200 rows, the estimator's own score)"
    assert importance.permutation(fitted, frame, y) == found
    polars = pytest.importorskip("polars").DataFrame({name: frame[name].to_list() for name in frame})
    assert importance.permutation(model(polars, y), polars, y)["values"] == found["values"]
    array = importance.permutation(model(frame.to_numpy(), y), frame.to_numpy(), y)
    assert list(array["values"]) == ["x2", "x0", "x1"]


def test_rows_and_features_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importance, "ROWS", 20)
    monkeypatch.setattr(importance, "IMPORTANCES", 2)
    X = np.random.default_rng(1).normal(size=(100, 5))  # noqa: N806
    found = importance.permutation(model(X, X[:, 1]), X, X[:, 1])
    assert "20 rows" in found["method"]
    assert len(found["values"]) == 2


def test_what_cannot_be_scored_is_refused() -> None:
    X, y = np.ones((4, 2)), [0.0, 1.0, 2.0, 3.0]  # noqa: N806
    fitted = model(X, y)
    for rows, targets in ((None, y), (X, None)):
        with pytest.raises(UsageError, match="needs rows"):
            importance.permutation(fitted, rows, targets)
    with pytest.raises(InvalidError, match="cannot be scored"):
        importance.permutation(fitted, X, [1.0])
    with pytest.raises(InvalidError, match="cannot be scored"):
        importance.permutation(object(), X, y)
