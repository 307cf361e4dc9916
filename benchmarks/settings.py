"""What a run is to measure, and the registries that it measures on."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.large import make
from benchmarks.peers import Peers, install

MADE = "refs/benchmarks/made"
"""Where main was when the registry was made."""
MOST_FOR_MINUTES = 10_000
"""Where a work looks at every manifest it is not done at more, unless all is asked for."""


@dataclass(frozen=True)
class Settings:
    """`folder`: where registries and peers are made. `full`: also what takes minutes an operation."""

    folder: Path
    sizes: Sequence[int]
    runs: int
    artifact_bytes: int
    quick: bool = False
    full: bool = False
    where: Path | None = None

    @cached_property
    def peers(self) -> Peers:
        """Installed when they are first asked for; none in a quick run."""
        return Peers() if self.quick else install(self.where or self.folder / "peers")

    @property
    def small(self) -> int:
        return min(self.sizes)

    def registries(self) -> dict[int, Path]:
        """One of each size, as `registry` says."""
        return {size: self.registry(size) for size in self.sizes}

    def registry(self, size: int) -> Path:
        """As it was made: what an earlier group wrote into it is taken back. A large one is left as it is, with what
        modelreg keeps in its git directory, which takes minutes to make; `Moves` goes on where others stopped."""
        path = self._made(size)
        if size <= MOST_FOR_MINUTES:
            _take_back(path / ".git")
            for command in (["reset", "-q", "--hard", "main"], ["clean", "-ffdxq"]):
                subprocess.run(["git", *command], cwd=path, check=True)
        return path

    def bare(self, size: int) -> Path:
        """A bare clone of the registry, as it was made, or a large one as it is."""
        path = self._made(size).with_suffix(".git")
        if size <= MOST_FOR_MINUTES:
            _take_back(path)
        return path

    def _made(self, size: int) -> Path:
        path = self.folder / "registries" / str(size)
        bare, made = path.with_suffix(".git"), path.with_suffix(".made")
        if not made.exists():
            for folder in (path, bare):
                shutil.rmtree(folder, ignore_errors=True)
            path.parent.mkdir(parents=True, exist_ok=True)
            make(path, size)
            subprocess.run(["git", "update-ref", MADE, "main"], cwd=path, check=True)
            subprocess.run(["git", "clone", "-q", "--bare", path, bare], check=True)
            subprocess.run(["git", "update-ref", MADE, "main"], cwd=bare, check=True)
            for git_dir in (path / ".git", bare):
                subprocess.run(["git", "pack-refs", "--all"], cwd=git_dir, check=True)
                shutil.copyfile(git_dir / "packed-refs", git_dir / "packed-refs.made")
            made.touch()
        return path

    def few(self, size: int) -> int:
        """How often to do what takes seconds."""
        return self.runs if size <= 100 else max(1, min(5, self.runs))


def _take_back(git_dir: Path) -> None:
    """Refs, and what modelreg keeps in the git directory, as after `make`."""
    for kept in ("modelreg", "refs/heads", "refs/tags"):
        shutil.rmtree(git_dir / kept, ignore_errors=True)
    for empty in ("heads", "tags"):
        (git_dir / "refs" / empty).mkdir()
    shutil.copyfile(git_dir / "packed-refs.made", git_dir / "packed-refs")
