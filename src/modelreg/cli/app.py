"""The command line as a whole: its commands, and the one boundary that turns errors into text and exit codes."""

from __future__ import annotations

import errno
import functools
import importlib
import itertools
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import typer

from modelreg.cli.output import emit_json_error, note
from modelreg.cli.streams import interrupted, refused
from modelreg.errors import DeniedError, ModelregError, UnavailableError, UsageError


class Listed(NamedTuple):
    """Where a command is, and what the list of commands says of it: the first paragraph of its own help."""

    module: str
    summary: str


# One command is loaded for one command; none is loaded to list them.
COMMANDS = {
    "init": Listed("init", "Make a git repository, or a folder of one, a registry."),
    "demo": Listed(
        "demo",
        "Init, train, register, validate, be refused, promote, roll back, pull, predict: offline, in a new repository.",
    ),
    "register": Listed(
        "register", "Register a version: artifacts into the remote, manifest and pointers in one commit."
    ),
    "withdraw": Listed("register", "Take a version out of service for ever; its record stays."),
    "retire": Listed(
        "editing", "Take a model out of service for ever: all of its versions are withdrawn, in one commit."
    ),
    "annotate": Listed("editing", "Change what may change about a model or a version: its description and its tags."),
    "validate": Listed(
        "checking",
        "Check every document: YAML, schema, and what a schema cannot say. Exit code 1 if anything is wrong.",
    ),
    "verify": Listed(
        "checking",
        "Does the record hold together? History, digests, objects, tags; every landing judged again. Exit code 3 if not.",
    ),
    "gate": Listed("gate", "Judge a pull request by the policy of its base; exit 1 where it may not land."),
    "policy": Listed("policy", "Ask about the rules themselves."),
    "stage": Listed("stages", "Move versions between stages; ask who stands where."),
    "alias": Listed("stages", "Names that point at a version."),
    "propose": Listed(
        "proposals",
        "Propose a stage change: a branch with the record, for a pull request; the same as stage set --propose.",
    ),
    "proposals": Listed("proposals", "Open proposals: whose, how old, and what each waits for."),
    "rollback": Listed("rollback", "Bring back a former holder of a stage; proposed where the policy wants that."),
    "promote": Listed(
        "automatic",
        "Promote the newest version whose gate is met, set or proposed as the policy says; exit 1 where none is met.",
    ),
    "monitor": Listed(
        "automatic",
        "Ask the policy's rollback_when rules of live metrics: a breach is recorded and rolled back, else nothing is written.",
    ),
    "evidence": Listed("evidence", "Statements about a version: evaluations, A/B tests, attestations, …"),
    "approve": Listed(
        "approvals",
        "Approve one move of one version with your SSH key: its open proposal, else what `stage set` would record.",
    ),
    "approval": Listed("approvals", "Approvals on record; taking one back."),
    "list": Listed("reading", "Models and versions, with stage and primary metric."),
    "search": Listed(
        "reading",
        'Versions that meet an expression: metrics.accuracy > 0.9 and stage = production and tags.team = "risk".',
    ),
    "show": Listed("reading", "All that is recorded of one version."),
    "compare": Listed(
        "compare",
        "Versions side by side: metrics in their own direction, parameters, data, signature, environment, size.",
    ),
    "import": Listed("importing", "Bring the models of another registry into this one."),
    "export": Listed("export", "A version in a format that others read; or models, made again in an MLflow."),
    "history": Listed("reading", "What happened, oldest first: who, when, why, in which commit."),
    "lineage": Listed(
        "lineage",
        "What a version was made of, or (with --reverse) which versions were made of a data set, a commit, a version.",
    ),
    "pull": Listed("artifacts", "Fetch a version's artifacts into a folder, each checked against its sha256."),
    "reproduce": Listed(
        "reproduce",
        "Make a version again from its commit, lock and data in a throwaway clone, and compare; exit code 1 where it differs.",
    ),
    "announce": Listed(
        "artifacts", "Make the tags that landings call for and that are missing (gto and DVC read them)."
    ),
    "notify": Listed(
        "notify", "Tell whom the policy names of what landed, where this environment has their addresses."
    ),
    "hook": Listed("hook", "The gate as a hook of a git server."),
    "forge": Listed(
        "forge", "Tell the forge what the gate said. Needs GITHUB_TOKEN and GITHUB_REPOSITORY, as in a workflow."
    ),
    "cache": Listed("cache", "What is kept here of registries that are elsewhere."),
    "doctor": Listed(
        "doctor",
        "Check tools, registry and policy; with --github what the forge must enforce. Exit code 1 where it does not.",
    ),
    "repair": Listed(
        "repair",
        "Complete a landing that was interrupted, and name stale lock files. Exit code 1 if any lock file stays.",
    ),
}

_ASK = COMMANDS.keys() - {"init", "demo", "hook", "repair", "cache"}
"""What asks a registry that may be elsewhere."""

_REFUSED = {
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENAMETOOLONG),
    *(errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EPIPE),
}
"""What a machine refuses, whichever way a program is written."""

_HELP = (
    "A model registry that lives in a git repository. Exit codes: 0 yes, 1 no, 2 usage, 3 integrity, "
    "4 cannot decide or work here, 5 conflict: try again."
)


@functools.cache
def command_line(name: str | None = None) -> Any:
    """The command line with the module of one command; or, for None or a name that there is not, a list of them all."""
    app = typer.Typer(
        name="modelreg", help=_HELP, rich_markup_mode=None, no_args_is_help=True, pretty_exceptions_enable=False
    )
    app.callback(invoke_without_command=True)(_main)
    if name in COMMANDS:
        importlib.import_module(f"modelreg.cli.{COMMANDS[name].module}").add_to(app)
    else:
        for listed, (_, summary) in COMMANDS.items():
            app.command(listed, help=summary)(_never)
    command = typer.main.get_command(app)
    if name in _ASK:
        from modelreg.cli.options import add_freshness

        add_freshness(command)
    return command


def _never() -> None:
    """Stands for a command in the list; the command itself is loaded where its name is given."""


def _main(version: bool = typer.Option(False, "--version", help="Print the version and leave.")) -> None:
    """Only for --version: a group's options come before the command."""
    if version:
        from modelreg import __version__

        sys.stdout.write(f"modelreg {__version__}\n")
        raise typer.Exit


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. Expected errors are one message; a bug says where to report it."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    signal.signal(signal.SIGINT, interrupted)
    signal.signal(signal.SIGTERM, interrupted)
    if any(name.startswith("MODELREG_NOTIFY_") for name in os.environ):
        from modelreg.cli.notify import telling

        with telling():
            return _run(given)
    return _run(given)


def finish(code: int) -> int:
    """The exit code of a command whose answer is written: no answer counts that standard output did not take."""
    error = refused()
    if error is None:
        return code
    note(f"error: standard output: cannot be written: {error.strerror}")
    return code or UnavailableError.exit_code


def _run(given: list[str]) -> int:
    as_json = _wants_json(given)
    try:
        command = command_line(given[0] if given else _completed())
        left = command(args=given, prog_name="modelreg", standalone_mode=not as_json)
        return left if isinstance(left, int) else 0
    except SystemExit as leaving:
        if isinstance(leaving.__context__, BrokenPipeError):  # Typer makes that a silent 1; it is no answer
            return _explain(_known(leaving.__context__, given) or _bug(leaving.__context__), as_json=as_json)
        return leaving.code if isinstance(leaving.code, int) else 0
    except ModelregError as error:
        return _explain(error, as_json=as_json)
    except Exception as error:  # noqa: BLE001 - the boundary: never a traceback for a user
        return _explain(_known(error, given) or _bug(error), as_json=as_json)


def _wants_json(given: Sequence[str]) -> bool:
    return bool({"--json", "--format=json"} & set(given)) or ("--format", "json") in itertools.pairwise(given)


def _known(error: Exception, given: Sequence[str]) -> ModelregError | None:
    """What is no bug: a call that Typer cannot read, a disk that is full, a folder that may not be written."""
    if isinstance(error, typer.Abort):
        return DeniedError("nobody answered")
    if callable(told := getattr(error, "format_message", None)):
        return UsageError(
            told().rstrip("."), hint=" ".join(["modelreg", *(n for n in given[:1] if n in COMMANDS), "--help"])
        )
    if isinstance(error, FileNotFoundError) and not _somewhere():
        return UnavailableError("the working folder is gone", hint="cd to one that is there")
    if isinstance(error, OSError) and error.errno in _REFUSED:
        file = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else None
        return UnavailableError(f"cannot be read or written: {error.strerror}", file=file)
    return None


def _somewhere() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True


def _completed() -> str | None:
    """The command that a shell completes, which Typer's scripts put into the environment; None where it does not."""
    words = (os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS") or "").split()
    return words[1] if "_MODELREG_COMPLETE" in os.environ and len(words) > 1 else None


def _explain(error: ModelregError, *, as_json: bool) -> int:
    if as_json:
        emit_json_error(error.to_mapping())
    else:
        note(f"error: {error}")
        if error.hint:
            note(f"hint: {error.hint}")
    return error.exit_code


def _bug(error: Exception) -> ModelregError:
    """Exit code 70, with the traceback in a file."""
    import tempfile
    import traceback

    descriptor, path = tempfile.mkstemp(prefix="modelreg-bug-", suffix=".txt")
    with os.fdopen(descriptor, "w", errors="backslashreplace") as report:
        report.write("".join(traceback.format_exception(error)))
    return ModelregError(f"a bug in modelreg: {type(error).__name__}: {error}", hint=f"please report it with {path}")
