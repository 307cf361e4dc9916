"""The demo runs the real commands, is refused by its gate, and ends with a prediction."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.support import run


def test_the_demo_ends_with_a_prediction(tmp_path: Path) -> None:
    said = run(sys.executable, "-m", "modelreg", "demo", "--keep", tmp_path / "demo").stdout
    assert "metrics.accuracy.value: must be a number" in said
    assert "may not enter production" in said
    assert "allowed: promote churn_predictor@1.2.0" in said
    assert "displaced churn_predictor@1.2.0 to archived" in said
    assert "churns [" in said
    listed = run(
        sys.executable, "-m", "modelreg", "stage", "get", "churn_predictor", "production", cwd=tmp_path / "demo"
    )
    assert listed.stdout == "1.0.0\n", "rolled back"
    again = run(sys.executable, "-m", "modelreg", "demo", "--keep", tmp_path / "demo", check=False)
    assert again.returncode == 5
