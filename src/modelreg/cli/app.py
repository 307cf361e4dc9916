"""The command line as a whole: its commands, and the one boundary that turns errors into text and exit codes."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from types import FrameType

import typer

from modelreg.cli import (
    approvals,
    artifacts,
    automatic,
    checking,
    demo,
    doctor,
    evidence,
    forge,
    gate,
    hook,
    init,
    policy,
    proposals,
    reading,
    register,
    repair,
    rollback,
    stages,
)
from modelreg.cli.output import emit_json_error, note
from modelreg.errors import ModelregError

app = typer.Typer(
    name="modelreg",
    help="A model registry that lives in a git repository. Exit codes: 0 yes, 1 no, 2 usage, 3 integrity, "
    "4 cannot decide or work here, 5 conflict: try again.",
    rich_markup_mode=None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def main(version: bool = typer.Option(False, "--version", help="Print the version and leave.")) -> None:
    """Only for --version: a group's options come before the command."""
    if version:
        from modelreg import __version__

        sys.stdout.write(f"modelreg {__version__}\n")
        raise typer.Exit


init.add_to(app)
demo.add_to(app)
register.add_to(app)
checking.add_to(app)
gate.add_to(app)
policy.add_to(app)
stages.add_to(app)
proposals.add_to(app)
rollback.add_to(app)
automatic.add_to(app)
evidence.add_to(app)
approvals.add_to(app)
reading.add_to(app)
artifacts.add_to(app)
hook.add_to(app)
forge.add_to(app)
doctor.add_to(app)
repair.add_to(app)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. Expected errors are one message; a bug says where to report it."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    signal.signal(signal.SIGINT, _interrupted)
    signal.signal(signal.SIGTERM, _interrupted)
    try:
        app(args=given, prog_name="modelreg")
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
