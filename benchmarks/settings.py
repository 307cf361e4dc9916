"""What a run is to measure, and the registries that it measures on."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.large import make
from benchmarks.peers import Peers, install

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
        """One of each size, as it was made: what an earlier group wrote into it is taken back."""
        return {size: self.registry(size) for size in self.sizes}

    def registry(self, size: int) -> Path:
        """See `registries`."""
        folder = self.folder / "registries"
        path, made = folder / str(size), folder / f"{size}.refs"
        if made.exists():
            _take_back(path, made)
        else:
            shutil.rmtree(path, ignore_errors=True)
            folder.mkdir(parents=True, exist_ok=True)
            make(path, size)
            subprocess.run(["git", "pack-refs", "--all"], cwd=path, check=True)
            shutil.copyfile(path / ".git" / "packed-refs", made)
        return path

    @contextmanager
    def bare(self, size: int) -> Iterator[Path]:
        """A bare clone of the registry, gone afterwards."""
        path = self.folder / f"{size}.git"
        shutil.rmtree(path, ignore_errors=True)
        subprocess.run(["git", "clone", "-q", "--bare", self.registry(size), path], check=True)
        try:
            yield path
        finally:
            shutil.rmtree(path)

    def few(self, size: int) -> int:
        """How often to do what takes seconds."""
        return self.runs if size <= 100 else max(1, min(5, self.runs))


def _take_back(path: Path, made: Path) -> None:
    """Refs, work tree and what modelreg keeps in the git directory as after `make`."""
    git_dir = path / ".git"
    for kept in ("modelreg", "refs/heads", "refs/tags"):
        shutil.rmtree(git_dir / kept, ignore_errors=True)
    (git_dir / "refs" / "heads").mkdir()
    (git_dir / "refs" / "tags").mkdir()
    shutil.copyfile(made, git_dir / "packed-refs")
    for command in (["reset", "-q", "--hard", "main"], ["clean", "-ffdxq"]):
        subprocess.run(["git", *command], cwd=path, check=True)
