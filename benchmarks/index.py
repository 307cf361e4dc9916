"""python -m benchmarks.index [FOLDER SIZE]: what the index costs and saves, in one process, medians of five.

Against reading and parsing the same manifests with the loader that the index uses. FOLDER may hold a registry that
`benchmarks.large` made; else one is made.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.large import make
from modelreg.adapters.index_file import IndexFile
from modelreg.adapters.repository import GitRepository
from modelreg.adapters.yaml_reader import read
from modelreg.domain.layout import Layout
from modelreg.domain.plan import CommitId
from modelreg.registry.search import query_of, search
from modelreg.registry.validate import validate
from modelreg.sdk import Registry
from modelreg.wiring import open_index, open_workspace

RUNS = 5
SIZE = 10_000
QUESTION = "metrics.accuracy >= 0.9 and metrics.train_accuracy < 1"


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def median(work: Callable[[], object], before: Callable[[], object] = lambda: None) -> float:
    """Seconds; `before` is done before each run and not counted."""
    taken = []
    for _ in range(RUNS):
        before()
        taken.append(timed(work))
    return statistics.median(taken)


def forget(path: Path) -> None:
    for file in (path / ".git" / "modelreg").glob("index.*"):
        file.unlink()


def parse_all(path: Path) -> None:
    """The limit: every manifest out of git and through the YAML door."""
    repository = GitRepository.open(path)
    tree = repository.tree(repository.branch_tip("main") or CommitId(""))
    paths = [p for p in tree.paths(Layout().prefix) if p.endswith("/manifest.yaml")]
    for start in range(0, len(paths), 500):
        for name, data in tree.read_many(paths[start : start + 500]).items():
            read(data, name)


def index(path: Path) -> None:
    """What brings the index up to the tip, and asks it next to nothing."""
    workspace = open_workspace(path)
    search(workspace.snapshot(), query_of("model = none"), open_index(workspace))


def opened(path: Path) -> None:
    """The same of an index that is up to date: what opening costs."""
    index(path)


def land(path: Path, number: list[int]) -> None:
    """A landing that changes one stages.yaml."""
    number[0] += 1
    stages = f"format: 1\nstaging: [1.{number[0] % 9}.0]\naliases: {{}}\n"
    stream = (
        f"commit refs/heads/main\ncommitter Ann <ann@example.org> {1_790_000_000 + number[0]} +0000\ndata 1\nc\n"
        f"from refs/heads/main^0\nM 100644 inline registry/model-00001/stages.yaml\ndata {len(stages)}\n{stages}\n"
    )
    subprocess.run(["git", "fast-import", "--quiet"], cwd=path, input=stream.encode(), check=True)


def main(path: Path, size: int, *, cold: bool = True) -> None:
    print("| work | s |\n|---|---|", flush=True)

    def say(what: str, seconds: float) -> None:
        print(f"| {what}, {size:,} versions | {seconds:.3f} |", flush=True)

    if cold:
        limit = median(lambda: parse_all(path))
        say("reading and parsing all manifests", limit)
        made = median(lambda: index(path), lambda: forget(path))
        say(f"index, cold ({made / limit:.2f} of that)", made)
    index(path)
    warm = median(lambda: opened(path))
    say("index, up to date: open and ask", warm)
    number = [0]
    after = median(lambda: index(path), lambda: land(path, number))
    say(f"the same after one landing (+{(after - warm) * 1e3:.0f} ms)", after)
    registry = Registry(path)
    say("search by metric, all match", median(lambda: list(registry.search(QUESTION))))
    best = ["metrics.accuracy desc"]
    say("search by metric, ten best", median(lambda: registry.search(QUESTION, order_by=best, limit=10)))
    print(f"index.sqlite: {IndexFile(path / '.git').path.stat().st_size / 1e6:.1f} MB", flush=True)


def judge(path: Path, size: int) -> None:
    """`validate` of the work tree, cold and warm."""

    def run() -> None:
        workspace = open_workspace(path)
        validate(workspace, index=open_index(workspace))

    forget(path)
    print(f"| validate, cold, {size:,} versions | {timed(run):.3f} |", flush=True)
    print(f"| validate, warm, {size:,} versions | {median(run):.3f} |", flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        given = sys.argv[1:]
        size = int(given[1]) if len(given) > 1 else SIZE
        path = Path(given[0]) if given else make(Path(folder) / "registry", size)
        main(path, size, cold=size <= SIZE)
        if size <= SIZE:
            subprocess.run(["git", "reset", "-q", "--hard"], cwd=path, check=True)
            judge(path, size)
