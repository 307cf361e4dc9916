"""What a shell completes, though one command is loaded at a time."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("modelreg propo", {"propose", "proposals"}),
        ("modelreg stage ", {"set", "get", "list"}),
        ("modelreg stage set --prop", {"--propose"}),
    ],
)
def test_words_are_completed(typed: str, offered: set[str]) -> None:
    number = str(len(typed.split(" ")) - 1)
    asked = {"COMP_WORDS": typed, "COMP_CWORD": number, "_MODELREG_COMPLETE": "complete_bash"}
    command = [sys.executable, "-m", "modelreg"]
    done = subprocess.run(command, env=os.environ | asked, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == offered
