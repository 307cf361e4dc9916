"""What a command holds in memory at the most: the largest resident set of its own process, and of git's."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.index import loaders, switched
from benchmarks.large import ASKED
from benchmarks.measure import Row, process
from benchmarks.settings import MOST_FOR_MINUTES, Settings
from benchmarks.writes import APPROVER, Moves, approver

_MB = 1024 / 1e6  # ru_maxrss is in KiB
_LIMIT = 300.0
_MODEL = f"model-{ASKED:05d}"
_QUESTION = "metrics.accuracy >= 0.9 and metrics.train_accuracy < 1"
_READS = {
    "`list`": ["list"],
    "`list MODEL`": ["list", _MODEL],
    "`search`, half of all": ["search", _QUESTION],
    "`search`, ten best": ["search", _QUESTION, "--order-by", "metrics.accuracy desc", "--limit", "10"],
    "`history`": ["history"],
    "`history MODEL`": ["history", _MODEL],
    "`lineage --reverse`, all": ["lineage", "--reverse", "data:churn"],
    "`lineage --reverse`, one": ["lineage", "--reverse", f"{_MODEL}@1.0.0"],
    "`stage list`": ["stage", "list", _MODEL],
    "`show`": ["show", f"{_MODEL}@1.0.0"],
    "`compare`": ["compare", f"{_MODEL}@1.0.0", f"{_MODEL}@1.1.0"],
}
# Writes KiB: of modelreg itself, and of the largest that it started. A process has at least the size of the one that
# started it (Linux counts what was there before exec), so a small shell stands between this one and modelreg.
_SHELL = ("sh", "-c", '"$@"; exit $?', "sh")
_RUNNER = """\
import atexit, resource, sys
def say(path=sys.argv.pop(1)):
    with open(path, "w") as file:
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
            print(resource.getrusage(who).ru_maxrss, file=file)
atexit.register(say)
from modelreg.__main__ import main
main()
"""


def measure(settings: Settings) -> Iterator[Row]:
    size = max(settings.sizes)
    registry = settings.registry(size)
    for file in (registry / ".git" / "modelreg").glob("index.*"):
        file.unlink()
    yield _row("making the index", ["search", "model = none"], registry, size)
    for name, arguments in list(_READS.items())[:: 4 if settings.quick else 1]:
        yield _row(name, arguments, registry, size)
    most = max(size for size in settings.sizes if size <= MOST_FOR_MINUTES or settings.full)
    whole = settings.registry(most)
    for what in ("`validate`, cold", "`validate`, warm"):
        yield _row(what, ["validate"], whole, most)
    for name, fast in loaders():
        yield _row(f"`validate --no-index`{name}", ["validate", "--no-index"], whole, most, fast=fast)
    if not settings.quick:
        yield _row("`verify --offline`", ["verify", "--offline"], whole, most)
    yield _row("`approve`", Moves(registry).approval(approver(settings)), registry, size, APPROVER)


def _row(
    name: str,
    arguments: list[str],
    registry: Path,
    size: int,
    who: Mapping[str, str] | None = None,
    *,
    fast: bool = True,
) -> Row:
    env = switched(fast=fast) | dict(who or {})
    with tempfile.NamedTemporaryFile() as file:
        process([*_SHELL, sys.executable, "-c", _RUNNER, file.name, *arguments], registry, env=env)()
        own, git = (int(kib) * _MB for kib in Path(file.name).read_text().split())
    return Row(name, size, own, "git's processes", git, max(own, git), _LIMIT, "figure", "MB")
