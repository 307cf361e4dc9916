"""One large file: registered and pushed to a folder, against `dvc add` and `dvc push` of the same bytes."""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import MODELREG, Row, Settings, compare, process, timed

_DVC = (sys.executable, "-m", "dvc")


def measure(settings: Settings) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="modelreg-artifact-", dir=settings.folder) as name:
        room = Path(name)
        source = _random(room / "source", settings.artifact_bytes)
        size = _shown(settings.artifact_bytes)
        runs = max(1, min(5, settings.runs))
        theirs_parts: list[tuple[float, float]] = []

        def mine() -> float:
            with tempfile.TemporaryDirectory(dir=room) as folder:
                repository = _repository(Path(folder))
                init = [*MODELREG, "init", "--remote", str(Path(folder) / "remote")]
                process(init, repository)()
                _given(source, repository / "model.bin")
                return process([*MODELREG, "register", "churn", "model.bin"], repository)()

        def theirs() -> float:
            with tempfile.TemporaryDirectory(dir=room) as folder:
                repository = _repository(Path(folder))
                process([*_DVC, "init", "-q"], repository)()
                process([*_DVC, "remote", "add", "-q", "-d", "s", str(Path(folder) / "remote")], repository)()
                _given(source, repository / "model.bin")
                add = process([*_DVC, "add", "-q", "model.bin"], repository)()
                push = process([*_DVC, "push", "-q"], repository)()
                theirs_parts.append((add, push))
                return add + push

        yield compare(f"`register` of {size}", mine, "`dvc add` and `dvc push`", theirs, runs, goal=0.8)
        yield from _limits(source, size, statistics.median(add + push for add, push in theirs_parts), runs)


def _limits(source: Path, size: str, theirs: float, runs: int) -> Iterator[Row]:
    """What can be done with the bytes at the least: one pass of each digest, one copy."""
    import hashlib

    data = source.read_bytes()
    for name, work in {
        "one pass of MD5": lambda: hashlib.md5(data, usedforsecurity=False).digest(),
        "one pass of SHA-256": lambda: hashlib.sha256(data).digest(),
        "one copy": lambda: _given(source, source.with_name("copy")),
    }.items():
        seconds = statistics.median(timed(work)() for _ in range(min(3, runs)))
        yield Row(f"{name}, {size}", None, seconds, "`dvc add` and `dvc push`", theirs, seconds / theirs)


def _repository(folder: Path) -> Path:
    repository = folder / "work"
    process(["git", "init", "-q", "-b", "main", str(repository)])()
    process(["git", "commit", "-q", "--allow-empty", "-m", "first"], repository)()
    return repository


def _given(source: Path, target: Path) -> None:
    """The same bytes as a file of its own, on disk: its writing out must not fall into what is measured."""
    shutil.copyfile(source, target)
    os.sync()


def _random(path: Path, size: int) -> Path:
    piece = os.urandom(min(size, 64 * 1024**2))
    with path.open("wb") as file:
        for _ in range(size // len(piece)):
            file.write(piece)
    return path


def _shown(size: int) -> str:
    return f"{size // 1024**3} GiB" if size >= 1024**3 else f"{size // 1024**2} MiB"
