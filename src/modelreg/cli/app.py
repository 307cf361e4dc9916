"""The command line as a whole: its commands, and the one boundary that turns errors into text and exit codes."""

from __future__ import annotations

import functools
import importlib
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

import typer

from modelreg.cli.output import emit_json_error, note
from modelreg.errors import ModelregError

# The module of each command. One command is loaded for one command, and all of them only to list them.
COMMANDS = {
    "init": "init",
    "demo": "demo",
    "register": "register",
    "withdraw": "register",
    "validate": "checking",
    "verify": "checking",
    "gate": "gate",
    "policy": "policy",
    "stage": "stages",
    "alias": "stages",
    "propose": "proposals",
    "proposals": "proposals",
    "rollback": "rollback",
    "promote": "automatic",
    "monitor": "automatic",
    "evidence": "evidence",
    "approve": "approvals",
    "approval": "approvals",
    "list": "reading",
    "show": "reading",
    "history": "reading",
    "pull": "artifacts",
    "announce": "artifacts",
    "hook": "hook",
    "forge": "forge",
    "doctor": "doctor",
    "repair": "repair",
}

_HELP = (
    "A model registry that lives in a git repository. Exit codes: 0 yes, 1 no, 2 usage, 3 integrity, "
    "4 cannot decide or work here, 5 conflict: try again."
)


@functools.cache
def command_line(name: str | None = None) -> Any:
    """The command line with the module of one command, or (None, or a name that there is not) with all of them."""
    app = typer.Typer(
        name="modelreg", help=_HELP, rich_markup_mode=None, no_args_is_help=True, pretty_exceptions_enable=False
    )
    app.callback(invoke_without_command=True)(_main)
    modules = [COMMANDS[name]] if name in COMMANDS else dict.fromkeys(COMMANDS.values())
    for module in modules:
        importlib.import_module(f"modelreg.cli.{module}").add_to(app)
    return typer.main.get_command(app)


def _main(version: bool = typer.Option(False, "--version", help="Print the version and leave.")) -> None:
    """Only for --version: a group's options come before the command."""
    if version:
        from modelreg import __version__

        sys.stdout.write(f"modelreg {__version__}\n")
        raise typer.Exit


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. Expected errors are one message; a bug says where to report it."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    signal.signal(signal.SIGINT, _interrupted)
    signal.signal(signal.SIGTERM, _interrupted)
    try:
        command_line(given[0] if given else None)(args=given, prog_name="modelreg")
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 0
    except ModelregError as error:
        _explain(error, as_json="--json" in given)
        return error.exit_code
    except BrokenPipeError:
        return 0
    except Exception as error:  # noqa: BLE001 - the boundary: never a traceback for a user
        return _bug(error)
    return 0


def _interrupted(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _explain(error: ModelregError, *, as_json: bool) -> None:
    if as_json:
        emit_json_error(error.to_mapping())
        return
    note(f"error: {error}")
    if error.hint:
        note(f"hint: {error.hint}")


def _bug(error: Exception) -> int:
    """Exit code 70, with the traceback in a file."""
    import os
    import tempfile
    import traceback

    descriptor, path = tempfile.mkstemp(prefix="modelreg-bug-", suffix=".txt")
    with os.fdopen(descriptor, "w") as report:
        report.write("".join(traceback.format_exception(error)))
    note(f"error: a bug in modelreg: {type(error).__name__}: {error}")
    note(f"hint: please report it with {path}")
    return ModelregError.exit_code
