"""docs/reproduce.md shows what happens."""

from __future__ import annotations

import platform
import re
from pathlib import Path

import pytest

from tests.reproducible import Lab, make_lab
from tests.test_docs import TOP, _normal, _run, _steps, sessions

PAGE = (TOP / "docs" / "reproduce.md").read_text()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return make_lab(tmp_path_factory.mktemp("lab"))


def _same(text: str) -> list[str]:
    """Without what differs from run to run: ids, times, and the digest that the outside file's place is part of."""
    text = re.sub(r"\b[0-9a-f]{40}\b", "COMMIT", text)
    text = re.sub(r"reproduction-[0-9a-f]{12}", "reproduction-ID", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[0-9:]+Z", "TIME", text)
    return _normal(text.replace(platform.python_version(), "3.11.7"))


@pytest.mark.parametrize("name", ["plan", "altered", "recorded"])
def test_the_sessions(name: str, made: Lab, tmp_path: Path) -> None:
    lab = Lab(made.room, made.repo.copy(tmp_path / "repo"))
    lab.wheels_only()
    for command, shown in _steps(sessions(PAGE)[name]):
        said, expected = _same(_run(command, lab.repo.path, None, lab.site("1.0"))), _same(shown)
        if expected and expected[-1] == "…":
            said, expected = said[: len(expected) - 1], expected[:-1]
        assert said == expected, command
