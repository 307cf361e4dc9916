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
from collections.abc import Iterator
from pathlib import Path

from benchmarks import artifacts, reads, report, start_up, writes
from benchmarks.large import make
from benchmarks.measure import Row, Settings, environment
from benchmarks.peers import Peers, install, versions_of

_DOCS = Path(__file__).parents[1] / "docs"


def main() -> None:
    given = _arguments()
    logging.getLogger("modelreg").setLevel(logging.ERROR)  # it says that this repository has changes, which is so
    os.environ.update({key: value for key, value in environment().items() if key.startswith("GIT_")})
    sizes = tuple(int(size) for size in given.sizes.split(","))
    with tempfile.TemporaryDirectory(prefix="modelreg-benchmarks-") as name:
        folder = Path(name)
        settings = Settings(folder, sizes, given.runs, given.artifact << 20, given.quick, given.full)
        peers = Peers() if given.quick else install(given.peers or folder / "peers")
        rows = list(_rows(settings, peers))
        found = versions_of(peers)
    page, picture = report.markdown(rows, _machine(), found), report.svg(report.points(rows))
    if given.quick:
        sys.stdout.write(page)
        return
    profiles = _kept(_DOCS / "benchmarks.md")
    (_DOCS / "benchmarks.md").write_text(f"{page}{profiles}", encoding="utf-8")
    (_DOCS / "benchmarks.svg").write_text(picture, encoding="utf-8")


def _rows(settings: Settings, peers: Peers) -> Iterator[Row]:
    yield from start_up.measure(settings)
    registries = {size: make(settings.folder / str(size), size) for size in settings.sizes}
    yield from writes.measure(settings, registries, peers)
    yield from reads.measure(settings, registries, peers)
    yield from artifacts.measure(settings)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="half a minute, no peers, nothing written")
    parser.add_argument("--full", action="store_true", help="GTO at 10,000 versions too: minutes an operation")
    parser.add_argument("--peers", type=Path, metavar="DIR", help="where the peers are, or are to be installed")
    parser.add_argument("--sizes", metavar="N,N,…", help="versions in the registries (100,1000,10000)")
    parser.add_argument("--runs", type=int, metavar="N", help="pairs of each comparison (7)")
    parser.add_argument("--artifact", type=int, metavar="MIB", help="size of the large file (1024)")
    found = parser.parse_args()
    quick = {"sizes": "100,200", "runs": 1, "artifact": 16}
    for key, value in (quick if found.quick else {"sizes": "100,1000,10000", "runs": 7, "artifact": 1024}).items():
        if getattr(found, key) is None:
            setattr(found, key, value)
    return found


def _machine() -> str:
    """The machine in words."""
    git = subprocess.run(["git", "version"], capture_output=True, text=True, check=True).stdout.split()[2]
    cores = os.cpu_count() or 1
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    system = f"{platform.system()} on {platform.machine()}"
    return f"{cores} cores and {memory:.0f} GiB of memory, {system}, Python {platform.python_version()}, git {git}"


def _kept(page: Path) -> str:
    """What people have written under the table: it begins with the first heading of the second level."""
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    start = text.find("\n## ")
    return text[start:] if start >= 0 else ""


if __name__ == "__main__":
    main()
