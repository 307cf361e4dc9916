"""The list of threats names tests, and places in the source, that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import modelreg

HERE = Path(__file__).parent
TOP = HERE.parents[1]
SOURCE = Path(modelreg.__file__).parent
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)(?:: (\w+))?`", (HERE / "README.md").read_text(encoding="utf-8"))))


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_what_the_list_names_is_there(file: str, name: str) -> None:
    found = [path for path in (SOURCE / file, HERE / file, TOP / file) if path.is_file()]
    assert found, file
    assert re.search(rf"\b{name}\b", found[0].read_text(encoding="utf-8")), name
