"""python -m benchmarks: modelreg, its peers and the limit side by side, as docs/benchmarks.md.

Everything is compared in turn, in one run; nothing fails but errors.
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks import artifacts, index, memory, races, reads, report, searches, start_up, writes
from benchmarks.measure import TOP, Row, environment
from benchmarks.peers import versions_of
from benchmarks.results import Results
from benchmarks.settings import Settings

_PAGE = TOP / "docs" / "benchmarks.md"


class Group(NamedTuple):
    """What is measured together: what the page says of it, and what measures it."""

    about: str
    measure: Callable[[Settings], Iterator[Row]]


GROUPS = {
    "start": Group("what a command costs before it does anything", start_up.measure),
    "stage": Group("stage changes, whole processes", writes.stage_set),
    "approve": Group("approvals, whole processes", writes.approve),
    "sdk": Group("stage changes and registrations in a process that is there", writes.sdk),
    "mlflow": Group("the same against MLflow", writes.mlflow),
    "reads": Group("questions, whole processes", reads.questions),
    "search": Group("`search` by metric, in a process that is there", searches.measure),
    "index": Group("the index", index.measure),
    "validate": Group("`validate`", reads.validate),
    "gate": Group("`gate`", reads.gate),
    "races": Group("clones that promote at once to one bare repository", races.measure),
    "memory": Group("memory: the largest resident set", memory.measure),
    "artifact": Group("a large artifact", artifacts.large),
    "folder": Group("a folder of many files", artifacts.folder),
}


def main() -> None:
    given = _arguments()
    logging.getLogger("modelreg").setLevel(logging.ERROR)  # it says that this repository has changes, which is so
    os.environ.update({key: value for key, value in environment().items() if key.startswith("GIT_")})
    if given.quick:
        with tempfile.TemporaryDirectory(prefix="modelreg-benchmarks-") as name:
            settings = _settings(given, Path(name))
            measured = {about: list(_measured(settings, group)) for group, (about, _) in GROUPS.items()}
        sys.stdout.write(report.markdown(measured, _machine(), {}))
        return
    given.work.mkdir(parents=True, exist_ok=True)
    results, settings = Results(given.work / "results"), _settings(given, given.work)
    for group in GROUPS:
        if not given.page and (group in given.only if given.only else not results.has(group)):
            results.keep(group, _measured(settings, group), {"machine": _machine(), **versions_of(settings.peers)})
            _write(results)
    if given.page:
        _write(results)


def _measured(settings: Settings, group: str) -> Iterator[Row]:
    """The rows of a group, each said as it comes."""
    start = time.monotonic()
    for row in GROUPS[group].measure(settings):
        print(group, *report.cells(row), sep=" | ", file=sys.stderr, flush=True)
        yield row
    print(f"{group}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)


def _write(results: Results) -> None:
    """The page and its picture, of the groups that have figures."""
    read = {group: results.read(group) for group in GROUPS if results.has(group)}
    rows = {GROUPS[group].about: rows for group, (_, rows) in read.items()}
    facts = [facts for facts, _ in read.values()]
    machines = "; ".join(dict.fromkeys(fact["machine"] for fact in facts))
    peers = {name: version for fact in facts for name, version in fact.items() if name != "machine"}
    page = report.markdown(rows, machines, peers)
    _PAGE.write_text(f"{page}{_kept(_PAGE)}", encoding="utf-8")
    every = [row for some in rows.values() for row in some]
    _PAGE.with_suffix(".svg").write_text(report.svg(report.points(every)), encoding="utf-8")


def _settings(given: argparse.Namespace, folder: Path) -> Settings:
    sizes = tuple(sorted(int(size) for size in given.sizes.split(",")))
    return Settings(folder.resolve(), sizes, given.runs, given.artifact << 20, given.quick, given.full, given.peers)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", type=_groups, metavar="GROUP,…", help=f"measure these anew: {', '.join(GROUPS)}")
    parser.add_argument("--page", action="store_true", help="measure nothing, write the page from what is there")
    parser.add_argument("--quick", action="store_true", help="half a minute, no peers, nothing written")
    parser.add_argument("--full", action="store_true", help="also what takes minutes an operation")
    parser.add_argument("--work", type=Path, metavar="DIR", default=TOP / "build" / "benchmarks", help="what is kept")
    parser.add_argument("--peers", type=Path, metavar="DIR", help="where the peers are, or are to be installed")
    parser.add_argument("--sizes", metavar="N,N,…", help="versions in the registries (100,1000,10000,100000)")
    parser.add_argument("--runs", type=int, metavar="N", help="pairs of each comparison (5)")
    parser.add_argument("--artifact", type=int, metavar="MIB", help="size of the large file (1024)")
    found = parser.parse_args()
    usual = {"sizes": "100,1000,10000,100000", "runs": 5, "artifact": 1024}
    for key, value in ({"sizes": "100,200", "runs": 1, "artifact": 16} if found.quick else usual).items():
        if getattr(found, key) is None:
            setattr(found, key, value)
    return found


def _groups(text: str) -> Sequence[str]:
    names = text.split(",")
    if not set(names) <= GROUPS.keys():
        raise argparse.ArgumentTypeError(f"the groups are {', '.join(GROUPS)}")
    return names


def _machine() -> str:
    """The machine in words."""
    git = subprocess.run(["git", "version"], capture_output=True, text=True, check=True).stdout.split()[2]
    cores = os.cpu_count() or 1
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    system = f"{platform.system()} on {platform.machine()}"
    return f"{cores} cores and {memory_gib:.0f} GiB of memory, {system}, Python {platform.python_version()}, git {git}"


def _kept(page: Path) -> str:
    """What people have written under the tables: it begins with the first heading of the second level."""
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    start = text.find("\n## ")
    return text[start:] if start >= 0 else ""


if __name__ == "__main__":
    main()
