"""The index: made anew, against reading and parsing the same manifests with the loader that it uses; brought up to date
after a landing, against opening it. With what `modelreg[fast]` installs and, by MODELREG_FAST=0, without.

Each figure is taken by a process of its own (`python -m benchmarks.index PATH RUNS cold|landing`), which prints them:
which loader is used is decided once in a process.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Row, paired, timed, told
from benchmarks.settings import MOST_FOR_MINUTES, Settings
from modelreg.adapters.repository import GitRepository
from modelreg.domain.layout import Layout
from modelreg.domain.plan import CommitId
from modelreg.registry.search import query_of, search
from modelreg.wiring import open_index, open_workspace

FAST = all(importlib.util.find_spec(name) for name in ("jsonschema_rs", "yaml12"))
"""Whether the extra is installed, so that there is something to switch off."""


def measure(settings: Settings) -> Iterator[Row]:
    within = [size for size in settings.sizes if size <= MOST_FOR_MINUTES or settings.full]
    for size in within[-1:]:
        for name, fast in loaders():
            pairs = _told(settings.registry(size), settings.few(size), "cold", fast)
            parse = "reading and parsing the manifests"
            yield paired(f"index, cold{name}", pairs, parse, versions=size, goal=1.3)
            if FAST and fast:
                yield Row(f"index, cold{name}", size, paired("", pairs, "").figure, goal=3.0, how="figure")
    for size in sorted({within[-1], max(settings.sizes)}):
        pairs = _told(settings.registry(size), settings.runs, "landing", fast=True)
        yield paired("index after a landing", pairs, "opening it up to date", versions=size, goal=0.05, how="more")


def loaders() -> list[tuple[str, bool]]:
    """What is said of them in a row's name, and whether the extra is used."""
    return [(", with `fast`", True), (", without `fast`", False)] if FAST else [("", False)]


def switched(*, fast: bool) -> dict[str, str]:
    """The environment of a process that uses the extra, or does not."""
    return {} if fast else {"MODELREG_FAST": "0"}


def _told(path: Path, runs: int, what: str, fast: bool) -> list[tuple[float, float]]:
    command = [sys.executable, "-m", "benchmarks.index", str(path), str(runs), what]
    return [(mine, other) for mine, other in told(command, env=switched(fast=fast))]


def _forget(path: Path) -> None:
    for file in (path / ".git" / "modelreg").glob("index.*"):
        file.unlink()


def _parse(path: Path) -> None:
    """The limit: every manifest out of git and through the YAML door."""
    repository, documents = GitRepository.open(path), open_workspace(path).documents
    tree = repository.tree(repository.branch_tip("main") or CommitId(""))
    paths = [p for p in tree.paths(Layout().prefix) if p.endswith("/manifest.yaml")]
    for start in range(0, len(paths), 500):
        for name, data in tree.read_many(paths[start : start + 500]).items():
            documents.load(data, name)


def _index(path: Path) -> None:
    """What brings the index up to the tip, and asks it next to nothing."""
    workspace = open_workspace(path)
    search(workspace.snapshot(), query_of("model = none"), open_index(workspace))


def _land(path: Path, number: int) -> None:
    """A landing that changes one stages.yaml."""
    stages = f"format: 1\nstaging: [1.{number % 9}.0]\naliases: {{}}\n"
    stream = (
        f"commit refs/heads/main\ncommitter Ann <ann@example.org> {1_790_000_000 + number} +0000\ndata 1\nc\n"
        f"from refs/heads/main^0\nM 100644 inline registry/model-00001/stages.yaml\ndata {len(stages)}\n{stages}\n"
    )
    subprocess.run(["git", "fast-import", "--quiet"], cwd=path, input=stream.encode(), check=True)


def _figures(path: Path, runs: int, what: str) -> Iterator[tuple[float, float]]:
    index, parse = timed(lambda: _index(path)), timed(lambda: _parse(path))
    if what == "landing":
        index()  # made, where it is not there
        index()
    for number in range(runs):
        if what == "landing":
            opened = index()
            _land(path, number)
            yield index(), opened
        else:
            _forget(path)
            yield index(), parse()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(list(_figures(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))) + "\n")
