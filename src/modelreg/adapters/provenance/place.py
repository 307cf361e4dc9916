"""Where something runs: the working folder, and the repository that its code lies in."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from modelreg.adapters.door import Door
from modelreg.errors import ModelregError, NotARegistryError


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
            return cls(here, Door.open(start))
        except NotARegistryError:
            return cls(here, None, f"{start} is in no git repository")
        except ModelregError as error:
            return cls(here, None, error.message)

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
