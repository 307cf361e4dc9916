"""A large file, and a folder of many small ones: registered and pushed to a folder, against `dvc add` and `dvc push` of
the same bytes."""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.measure import MODELREG, Row, compare, process, timed
from benchmarks.settings import Settings

_DVC = (sys.executable, "-m", "dvc")
_FILES = 2_000
_FILE_BYTES = 2_000


def large(settings: Settings) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="modelreg-artifact-", dir=settings.folder) as name:
        room = Path(name)
        source = _random(room / "source", settings.artifact_bytes)
        size = _shown(settings.artifact_bytes)
        runs = max(1, min(5, settings.runs))
        row = _compared(f"`register` of {size}", room, "model.bin", lambda path: _given(source, path), runs)
        yield row
        assert row.against_figure is not None
        yield from _limits(source, size, row.against_figure, runs)


def folder(settings: Settings) -> Iterator[Row]:
    number = 50 if settings.quick else _FILES

    def write(path: Path) -> None:
        path.mkdir()
        for name in range(number):
            (path / f"{name:05d}.bin").write_bytes(os.urandom(_FILE_BYTES))
        os.sync()

    with tempfile.TemporaryDirectory(prefix="modelreg-artifact-", dir=settings.folder) as name:
        what = f"`register` of {number:,} files of {_FILE_BYTES // 1000} kB"
        if settings.quick:  # DVC is asked once in a quick run, of the large file
            yield Row(what, None, _registered(Path(name), "model", write))
        else:
            yield _compared(what, Path(name), "model", write, min(5, settings.runs))


def _registered(room: Path, name: str, write: Callable[[Path], None]) -> float:
    """Seconds that `register` takes in a new registry with a new remote."""
    with tempfile.TemporaryDirectory(dir=room) as place:
        repository = _repository(Path(place))
        process([*MODELREG, "init", "--remote", str(Path(place) / "remote")], repository)()
        write(repository / name)
        return process([*MODELREG, "register", "churn", name], repository)()


def _compared(what: str, room: Path, name: str, write: Callable[[Path], None], runs: int) -> Row:
    def theirs() -> float:
        with tempfile.TemporaryDirectory(dir=room) as place:
            repository = _repository(Path(place))
            process([*_DVC, "init", "-q"], repository)()
            process([*_DVC, "remote", "add", "-q", "-d", "s", str(Path(place) / "remote")], repository)()
            write(repository / name)
            return process([*_DVC, "add", "-q", name], repository)() + process([*_DVC, "push", "-q"], repository)()

    def mine() -> float:
        return _registered(room, name, write)

    return compare(what, mine, "`dvc add` and `dvc push`", theirs, runs, goal=0.8)


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
