"""Git on one repository: the git door, and where the repository lies."""

from __future__ import annotations

import weakref
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from modelreg.adapters.git import Git, Place, discover
from modelreg.adapters.object_reader import ObjectReader
from modelreg.adapters.processes import Result
from modelreg.errors import UnavailableError


class Door:
    """What every adapter of a repository is given: `run` for output, `attempt` for those that read the exit code."""

    def __init__(self, place: Place, *, quarantine: bool = False) -> None:
        self.top = place.top
        self.git_dir = place.git_dir
        self.common_dir = place.common_dir
        self.object_format = place.object_format
        self.shallow = place.shallow
        self.git = Git(place.cwd, quarantine=quarantine)
        me = weakref.ref(self)  # no circle: the reader's git ends with the door
        self.objects = ObjectReader(self.git, place.object_format, lambda ids: _bring(me(), ids))

    @classmethod
    def open(cls, path: Path, *, quarantine: bool = False) -> Door:
        """The repository at or around `path`. `quarantine`: see `Git`. Raises NotARegistryError where there is none."""
        return cls(discover(path), quarantine=quarantine)

    def run(
        self,
        args: Sequence[str],
        *,
        data: bytes | None = None,
        check: bool = True,
        write: bool = False,
        env: Mapping[str, str] | None = None,
        here: bool = False,
    ) -> bytes:
        """Standard output; with `check` UnavailableError where git fails, without it nothing then.

        `here`: see `Git.run`.
        """
        done = self.git.run(args, input=data, check=check, write=write, env=env, here=here)
        return b"" if done.code else done.out

    def attempt(
        self, args: Sequence[str], *, data: bytes | None = None, write: bool = False, network: bool = False
    ) -> Result:
        """Exit code, output and git's own words."""
        return self.git.run(args, input=data, check=False, write=write, network=network)


def _bring(door: Door | None, ids: Collection[str]) -> None:
    """Fetch objects that a partial clone lacks. Where that fails each is asked for by itself, and then said."""
    from modelreg.adapters import remote

    if door is not None:
        with suppress(UnavailableError):
            remote.fetch_objects(door, ids)
