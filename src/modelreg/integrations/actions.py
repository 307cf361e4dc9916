"""The files and the log through which a step speaks to GitHub Actions."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from modelreg.domain.reports.annotations import guarded, output
from modelreg.errors import UnavailableError

SUMMARY_BYTES = 1024 * 1024
"""GitHub drops the whole summary of a step that is larger."""


def in_actions() -> bool:
    """Whether this is a step of a workflow, whose log obeys commands."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def harmless_log(lines: Sequence[str]) -> list[str]:
    """Lines for standard output: in a workflow between a random fence, elsewhere as they are."""
    return guarded(lines, secrets.token_hex(16)) if in_actions() and lines else list(lines)


def append_summary(path: Path, text: str) -> None:
    """Append Markdown to the step's summary (`GITHUB_STEP_SUMMARY`). Raises UnavailableError."""
    _append(path, text[: SUMMARY_BYTES // 4].rstrip("\n") + "\n")


def set_output(path: Path, name: str, value: str) -> None:
    """Set an output of the step, in the file `GITHUB_OUTPUT`. Raises UnavailableError."""
    _append(path, output(name, value, f"modelreg_{secrets.token_hex(16)}"))


def _append(path: Path, text: str) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UnavailableError(f"cannot be written: {error.strerror}", file=str(path)) from error
