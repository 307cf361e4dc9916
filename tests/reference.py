"""`python -m tests.reference > docs/cli.md`: every command's own help, as one page. A test compares the two."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from modelreg.cli.app import COMMANDS, command_line
from tests.cli.runner import done

HEAD = """\
# Commands

What `modelreg COMMAND --help` says, of every command. Made by `python -m tests.reference > docs/cli.md`.
"""


def commands() -> Iterator[list[str]]:
    """Every command by its words, groups before what is in them."""
    yield []
    for name in sorted(COMMANDS):
        yield from _below(command_line(name).commands[name], [name])


def _below(command: Any, words: list[str]) -> Iterator[list[str]]:
    yield words
    for name in sorted(getattr(command, "commands", {})):
        yield from _below(command.commands[name], [*words, name])


def page() -> str:
    """The whole page, at a width of 100."""
    sections = (f"## {' '.join(['modelreg', *words])}\n\n```text\n{_help(words)}\n```\n" for words in commands())
    return "\n".join([HEAD, *sections])


def _help(words: list[str]) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "100")
        said = done(*words, "--help").out
    return "\n".join(line.rstrip() for line in said.splitlines()).strip()


if __name__ == "__main__":
    print(page(), end="")
