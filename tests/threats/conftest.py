"""Keys and a registry that the tests of threats share: made once, copied for each attack."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.keys import Key, make_key
from tests.threats.lab import ANN, BO, CY, Lab, copy_of, found, policy


@pytest.fixture(scope="session")
def anns(tmp_path_factory: pytest.TempPathFactory) -> Key:
    """Ann's key."""
    return make_key(tmp_path_factory.mktemp("anns"))


@pytest.fixture(scope="session")
def bos(tmp_path_factory: pytest.TempPathFactory) -> Key:
    """Bo's key: a stranger's, where a test does not list it."""
    return make_key(tmp_path_factory.mktemp("bos"))


@pytest.fixture(scope="session")
def cys(tmp_path_factory: pytest.TempPathFactory) -> Key:
    """Cy's key."""
    return make_key(tmp_path_factory.mktemp("cys"))


@pytest.fixture(scope="session")
def made_lab(tmp_path_factory: pytest.TempPathFactory, anns: Key, bos: Key, cys: Key) -> Lab:
    """churn 1.0.0 (f1 0.9) in production, 1.0.1 (0.95) and 1.0.2 (0.5) in development; price 1.0.0."""
    lab = found(tmp_path_factory.mktemp("lab"), policy(), {ANN: anns, BO: bos, CY: cys})
    for f1 in (0.9, 0.95, 0.5):
        lab.register(f1)
    lab.register(0.9, "price")
    for stage in ("staging", "production"):
        lab.done("stage", "set", "churn", "1.0.0", stage)
    assert lab.verified() == []
    return lab


@pytest.fixture
def lab(made_lab: Lab, tmp_path: Path) -> Lab:
    return copy_of(made_lab, tmp_path)
