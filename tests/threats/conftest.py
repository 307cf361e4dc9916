"""Keys that the tests of threats share: made once, they only speak for whom a test lets them speak."""

from __future__ import annotations

import pytest

from tests.keys import Key, make_key


@pytest.fixture(scope="session")
def anns(tmp_path_factory: pytest.TempPathFactory) -> Key:
    """Ann's key."""
    return make_key(tmp_path_factory.mktemp("anns"))


@pytest.fixture(scope="session")
def bos(tmp_path_factory: pytest.TempPathFactory) -> Key:
    """Bo's key: a stranger's, where a test does not list it."""
    return make_key(tmp_path_factory.mktemp("bos"))
