"""Where something runs: the working folder, and the repository that its code lies in."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from modelreg.adapters.door import Door
from modelreg.errors import ModelregError, NotARegistryError

_DECIDE = ("GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM", "GIT_CONFIG_NOSYSTEM", "HOME")
_ROOM = 2

Mark = tuple[object, ...] | None
"""What tells a file from another one, and from itself when it is changed; None: there is none."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A repository (None: there is none) as it was found, and by what: where that is as it was, it is found again."""

    door: Door | None
    marks: tuple[Mark, ...]


_found: dict[tuple[object, ...], _Found] = {}
"""By where it was looked for. To ask git takes longer than to look whether its answer can be another one."""


@dataclass(frozen=True, slots=True)
class Place:
    """`folder` is the working folder; `git` the repository of the code, None outside one, and `why` then says why.

    Paths of this machine say nothing to others: what goes into a manifest is a path from the repository's top.
    """

    folder: Path
    git: Door | None
    why: str = ""

    @classmethod
    def around(cls, start: Path, folder: Path | None = None) -> Place:
        """The repository at or around `start`; `folder` is the working folder unless another is named."""
        here = Path(os.path.realpath(folder or Path.cwd()))
        try:
            door = _around(start)
        except ModelregError as error:
            return cls(here, None, error.message)
        return cls(here, door) if door is not None else cls(here, None, f"{start} is in no git repository")

    @property
    def top(self) -> Path | None:
        """The top of the work tree; None outside a repository, and in a bare one."""
        return Path(os.path.realpath(self.git.top)) if self.git and self.git.top else None

    def inside(self, path: Path) -> str | None:
        """A path from the repository's top, "." for the top itself; None where it does not lie in the repository.

        A symbolic link is named as it lies there, whatever it points to: DVC may keep data as links into its cache.
        """
        if self.top is None:
            return None
        absolute = Path(os.path.abspath(self.folder / path))
        for found in (absolute, Path(os.path.realpath(absolute.parent)) / absolute.name):
            if found.is_relative_to(self.top):
                return found.relative_to(self.top).as_posix()
        return None

    @property
    def below(self) -> str | None:
        """The working folder from the repository's top, "." for the top itself; None where it is outside."""
        return self.inside(self.folder)


def _around(start: Path) -> Door | None:
    """The repository at or around a path, None outside one. Raises as `Door.open`, but for NotARegistryError."""
    real = Path(os.path.realpath(start))
    asked = (real, *map(os.environ.get, _DECIDE))
    found = _found.pop(asked, None)
    if found is None or found.marks != tuple(_marks(real, found.door)):
        door: Door | None
        try:
            door = Door.open(start)
        except NotARegistryError:
            door = None
        found = _Found(door, tuple(_marks(real, door)))
    if found.door is None or (found.door.top is not None and not _includes(found.door)):
        while len(_found) >= _ROOM:
            del _found[next(iter(_found))]
        _found[asked] = found
    return found.door


def _includes(door: Door) -> bool:
    """Whether a config file names others, of which nobody knows when they change."""
    return any(setting.key.startswith(("include.", "includeif.")) for setting in door.git.settings)


def _marks(start: Path, door: Door | None) -> Iterator[Mark]:
    """What git looks at on its way up from a path to its repository, or in vain to the root; and the config files."""
    for folder in (start, *start.parents):
        yield _mark(folder / ".git")
        yield _mark(folder / "HEAD")  # of a bare repository, if there are objects and refs too
        if door is not None and folder == door.top:
            break
    home = Path(os.environ.get("HOME", "/"))
    files = [home / ".gitconfig", Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "git/config"]
    files += [Path(os.environ.get("GIT_CONFIG_SYSTEM") or "/etc/gitconfig")]
    files += [Path(name) for name in (os.environ.get("GIT_CONFIG_GLOBAL"),) if name]
    if door is not None:
        files += [door.common_dir / "config", door.git_dir / "config.worktree"]
    yield from map(_mark, files)


def _mark(path: Path) -> Mark:
    """Of a folder neither size nor time: they change with what is in it."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    changed = () if stat.S_ISDIR(found.st_mode) else (found.st_size, found.st_mtime_ns)
    return (path, found.st_dev, found.st_ino, *changed)
