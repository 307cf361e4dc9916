"""What ran: the script, its command line, or the stage of a DVC pipeline, as somebody else could run it again.

A command goes into a manifest that many read. Paths of this machine and secrets must not: an argument that is a path
in the repository is written from the working folder; where one lies elsewhere, or looks like a secret, the whole
command is left out, since half of one would run something else.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from modelreg.adapters import yaml_splice
from modelreg.adapters.provenance.place import Place
from modelreg.errors import InvalidError, ModelregError, NotFoundError, UsageError

MAX_COMMAND = 4000

_ABSOLUTE = re.compile(r"(?:(?<=[=:,])|^|(?<=^-[A-Za-z]))(?:~|/(?!/)|file:/)[^,]*|^[A-Za-z]:[\\/].*")
"""A path from the root or from home: a whole word, what follows `=`, `:`, `,`, or a short option (`-o/tmp/x`)."""
_SECRET_NAMES = frozenset(
    ("token", "secret", "password", "passwd", "passphrase", "credential", "credentials", "apikey")
)
_SECRET_KEYS = frozenset(("api", "access", "private", "secret"))
_SECRET_VALUE = re.compile(
    r"://[^/\s@]*:[^/\s@]*@|\b(?:gh[opsu]_|github_pat_|glpat-|hf_|xox[abp]-|sk-)[A-Za-z0-9_-]{16}|\bAKIA[A-Z0-9]{12}"
)


@dataclass(frozen=True, slots=True)
class Invocation:
    """How this process was started: the user's script (None: none that can be told), its arguments, and for
    `python -m NAME` that name."""

    script: Path | None
    arguments: tuple[str, ...] = ()
    module: str | None = None

    @classmethod
    def current(cls) -> Invocation:
        """Of this process. An installed program (a notebook's kernel, a test runner) is not the user's script."""
        main = sys.modules.get("__main__")
        file = getattr(main, "__file__", None)
        if not file or not Path(file).is_file() or _installed(Path(file)):
            return cls(None)
        spec = getattr(main, "__spec__", None)
        module = spec.name.removesuffix(".__main__") if spec is not None else None
        return cls(Path(os.path.abspath(file)), tuple(sys.argv[1:]), module)


def ran(place: Place, invocation: Invocation, environ: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """lineage.pipeline for what runs now: the DVC stage that started it, or its command; and notes.

    Empty where neither can be told.
    """
    if stage := environ.get("DVC_STAGE"):
        return _dvc_stage(place, stage, environ.get("DVC_ROOT")), []
    if invocation.script is None or place.inside(invocation.script) is None:
        return {}, []
    if place.below is None:
        return {}, ["the command is not recorded: it ran outside the repository of its code"]
    target = os.path.relpath(os.path.realpath(invocation.script), place.folder)
    words = ["-m", invocation.module] if invocation.module else [target]
    try:
        arguments = [_portable(place, word) for word in invocation.arguments]
        check_secrets(invocation.arguments)
    except InvalidError as error:
        return {}, [f"the command is not recorded: {error.message}"]
    command = shlex.join(["python", *words, *arguments])
    if len(command) > MAX_COMMAND or not command.isprintable():
        return {}, ["the command is not recorded: it is too long, or does not print"]
    return {"command": command, "folder": _folder(place)}, []


def stated(place: Place, *, command: str | None, stage: str | None) -> dict[str, Any]:
    """lineage.pipeline from what the user says: a command line, or `[FILE:]STAGE` of a DVC pipeline.

    Raises UsageError for both at once, InvalidError for a command that holds a path of this machine or a secret,
    NotFoundError for a stage that is not there.
    """
    if command is not None and stage is not None:
        raise UsageError("--command and --stage exclude each other", hint="a stage's command stands in dvc.yaml")
    if stage is not None:
        return _named_stage(place, stage)
    if command is None:
        return {}
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InvalidError(f"--command does not parse: {error}", hint="quote it as for a shell") from None
    if not words or len(command) > MAX_COMMAND or not command.isprintable():
        raise InvalidError(f"--command must be one line of at most {MAX_COMMAND} characters")
    for word in words:
        if _ABSOLUTE.search(word):
            raise InvalidError(
                f"--command holds a path of this machine: {word[:80]!a}",
                hint="write paths from the folder in which it runs: everybody reads the manifest",
            )
    check_secrets(words)
    return {"command": command, "folder": _folder(place)}


def outputs(place: Place, artifacts: Sequence[Path]) -> dict[str, str]:
    """Where in the repository each artifact lies, by name: where the command left it."""
    found = ((path.name, place.inside(path)) for path in artifacts)
    return {name: inside for name, inside in found if inside is not None}


def check_secrets(words: Sequence[str]) -> None:
    """Raises InvalidError for a word that looks like a secret, by its name (`--api-key`) or by its form."""
    for word in words:
        name, equals, _ = word.partition("=")
        if ((equals or word.startswith("-")) and _names_secret(name)) or _SECRET_VALUE.search(word):
            raise InvalidError(
                "it holds what looks like a secret",
                hint="hand it over in an environment variable or a file: everybody reads the manifest",
            )


def _names_secret(name: str) -> bool:
    """`--hf-token`, `API_KEY`; not `--max-tokens`, `--tokenizer` or `--password-file`."""
    parts = [part.lower() for part in re.split(r"[-_.]+", name) if part]
    if not parts or parts[-1] in {"file", "path"}:
        return False
    keys = any(a in _SECRET_KEYS and b == "key" for a, b in pairwise(parts))
    return keys or not _SECRET_NAMES.isdisjoint(parts)


def _portable(place: Place, word: str) -> str:
    """The word with absolute paths of the repository written from the working folder. Raises InvalidError."""

    def relative(match: re.Match[str]) -> str:
        path = Path(match[0])
        if not path.is_absolute() or place.inside(path) is None:
            raise InvalidError("an argument is a path of this machine")
        return os.path.relpath(path, place.folder)

    return _ABSOLUTE.sub(relative, word)


def _folder(place: Place) -> str | None:
    return None if place.below == "." else place.below


def _installed(file: Path) -> bool:
    """Whether a file belongs to Python or to a package that was installed into it."""
    real = Path(os.path.realpath(file))
    return any(real.is_relative_to(path) for path in _python())


@cache
def _python() -> tuple[str, ...]:
    """The folders of Python and of what is installed into it: those of a process."""
    paths = sysconfig.get_paths()
    return tuple(os.path.realpath(paths[key]) for key in ("stdlib", "platstdlib", "purelib", "platlib", "scripts"))


def _dvc_stage(place: Place, stage: str, root: str | None) -> dict[str, Any]:
    """The stage whose command this is. DVC_STAGE is a name, or `FILE:NAME` with FILE from wherever DVC was started:
    only its last parts can be relied on, so the file is the nearest one above that has the stage."""
    named, _, name = stage.rpartition(":")
    wanted = Path(named or "dvc.yaml")
    tail = [part for part in wanted.parts if part != ".."]
    limit = Path(os.path.realpath(root)) if root else place.top
    for folder in (place.folder, *place.folder.parents):
        file = folder / wanted.name
        if place.inside(file) and Path("/", *file.parts[-len(tail) :]) == Path("/", *tail) and _has(file, name):
            return {"file": place.inside(file), "stage": name}
        if folder == limit:
            break
    return {"file": None, "stage": name}


def _named_stage(place: Place, text: str) -> dict[str, Any]:
    named, _, name = text.rpartition(":")
    file = place.folder / (named or "dvc.yaml")
    inside = place.inside(file)
    if inside is None:
        raise InvalidError(
            f"{named or 'dvc.yaml'} lies in no repository here", hint="--stage dvc.yaml:train, from the working folder"
        )
    if not file.is_file():
        raise NotFoundError(f"there is no pipeline {inside}", file=inside, hint="--stage examples/churn/dvc.yaml:train")
    if not _has(file, name):
        raise NotFoundError(f"has no stage {name[:80]!a}", file=inside, hint="dvc stage list says what there is")
    return {"file": inside, "stage": name}


def _has(file: Path, stage: str) -> bool:
    """Whether a pipeline file has a stage; `train@a` is made from `train` by foreach or matrix."""
    try:
        text = file.read_bytes()
        return any(
            yaml_splice.find(text, str(file), ("stages", name)) is not None for name in (stage, stage.partition("@")[0])
        )
    except (OSError, ModelregError):
        return False
