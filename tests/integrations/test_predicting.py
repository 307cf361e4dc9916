"""How far apart two models are on an input example; what cannot be told says why, and is never a number."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from modelreg.integrations import sklearn
from modelreg.integrations.predicting import compare

ROWS = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0], [3.0, 1.0]])


def saved(folder: Path, name: str, model: Any) -> Path:
    path = folder / name
    sklearn.save(model, path)
    return path


@pytest.fixture
def example(tmp_path: Path) -> Path:
    path = tmp_path / "example.csv"
    path.write_text("a,b\n0.0,1.0\n3.0,1.0\n")
    return path


def linear(slope: float) -> LinearRegression:
    return LinearRegression().fit(ROWS, slope * ROWS[:, 0])


@pytest.mark.filterwarnings("ignore:X has feature names")
def test_numbers_differ_by_their_greatest_distance(tmp_path: Path, example: Path) -> None:
    one, other = saved(tmp_path, "one", linear(1.0)), saved(tmp_path, "other", linear(1.5))
    assert compare(one, one, example, "skops").distance == 0.0
    assert compare(one, other, example, "skops").distance == pytest.approx(1.5)


@pytest.mark.filterwarnings("ignore:X has feature names")
def test_probabilities_tell_what_labels_hide(tmp_path: Path, example: Path) -> None:
    y = np.array([0, 0, 1, 1])
    one, other = (saved(tmp_path, f"c{c}", LogisticRegression(C=c).fit(ROWS, y)) for c in (1.0, 1.01))
    distance = compare(one, other, example, "skops").distance
    assert distance is not None
    assert 0 < distance < 0.1


@pytest.mark.filterwarnings("ignore:X has feature names")
def test_other_labels_or_shapes_are_infinitely_far(tmp_path: Path, example: Path) -> None:
    words = [LogisticRegression().fit(ROWS, labels) for labels in (["a", "a", "b", "b"], ["c", "c", "d", "d"])]
    one, other = (saved(tmp_path, f"w{n}", model) for n, model in enumerate(words))
    assert compare(one, other, example, "skops").distance == math.inf
    wide = saved(tmp_path, "wide", LinearRegression().fit(ROWS, np.c_[ROWS[:, 0], ROWS[:, 1]]))
    assert compare(saved(tmp_path, "narrow", linear(1.0)), wide, example, "skops").distance == math.inf


def test_A26_what_could_run_code_is_not_loaded(tmp_path: Path, example: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(b"cos\nsystem\n(S'touch " + str(tmp_path / "ran").encode() + b"'\ntR.")
    for format_ in ("pickle", "joblib", "binary"):
        found = compare(path, path, example, format_)
        assert found.distance is None
        assert "could run code" in found.why
    assert not (tmp_path / "ran").exists()


@pytest.mark.filterwarnings("ignore:X has feature names")
def test_what_cannot_be_told_says_why(tmp_path: Path, example: Path) -> None:
    model = saved(tmp_path, "model", linear(1.0))
    broken = tmp_path / "broken"
    broken.write_bytes(b"no zip")
    assert "not a skops file" in compare(model, broken, example, "skops").why
    example.write_text("a\n1.0\n")
    found = compare(model, model, example, "skops")
    assert (found.distance, found.why[:10]) == (None, "ValueError")
