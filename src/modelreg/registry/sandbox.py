"""The port of `reproduce`: a place where code of the past may run. `adapters/sandbox.py` implements it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from modelreg.registry.artifact_port import Stored
from modelreg.registry.ports import Identity, Repository

Tell = Callable[[str], None]
"""Is given a line of text for people: a program's own output, so a stranger's."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended: its exit code (None: its time was up) and the last lines that it wrote."""

    code: int | None
    tail: tuple[str, ...]


class Sandbox(Protocol):
    """A throwaway clone of the repository with its own branch, cache, remote and environment: what runs in it reaches
    nothing of the user's but by will. Paths are from the top of the repository.

    It shares the objects of the repository, none of its refs, configuration, hooks and filters.
    """

    @property
    def folder(self) -> Path:
        """A private folder, gone with the sandbox; the clone is in it."""

    @property
    def clone(self) -> Path:
        """The top of the clone's work tree."""

    def repository(self) -> Repository:
        """The clone as it is now."""

    def fetch(self, md5: str, target: Path, *, sha256: str | None, size_bytes: int | None) -> bool:
        """Bring an object of the user's cache or else remote to `target`, checked; nothing of theirs is changed.

        False where neither holds it. Raises IntegrityError where only other bytes are there, UnavailableError.
        """

    def place(self, path: str, md5: str, *, sha256: str | None, size_bytes: int | None) -> bool:
        """As `fetch`, to a path in the clone, in place of what may be there."""

    def made(self, md5: str, target: Path, *, sha256: str | None, size_bytes: int | None) -> bool:
        """As `fetch`, from the clone's own cache, which holds only what was put there by what ran."""

    def left(self, path: str) -> Stored | None:
        """What lies at a path in the clone now, read; None where nothing does. Raises InvalidError for a link."""

    def install(self, lock: bytes | None, name: str, python: str | None, tell: Tell) -> Sequence[str]:
        """A fresh environment from a lock file called `name`, with this version of Python or the nearest; sentences on
        what is not as asked. Without a lock the interpreter that runs now. Raises UnavailableError."""

    def installed(self) -> tuple[str, Mapping[str, str]]:
        """The version of Python, and of each distribution by its name, that code in the environment sees."""

    def run(
        self,
        command: str | Sequence[str],
        folder: str,
        *,
        author: Identity,
        hash_seed: int,
        keep: Sequence[str],
        limit_s: float | None,
        tell: Tell,
    ) -> Ran:
        """Run a shell's command line, or a program of DVC's with these arguments, in a folder of the clone.

        `tell` is given each line that it writes; `keep` names environment variables that it may see. All that it
        started has ended afterwards.
        """
