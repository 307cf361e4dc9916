"""Many clones that promote at once to one bare repository, each another model, against the same by git alone.

Git alone: two files, commit, annotated tag, `push --atomic`; who loses fetches, starts again from there and waits a
random while that doubles. Raises where not everything lands, a number is there twice or the record does not hold.
"""

from __future__ import annotations

import random
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.large import RULED_MODELS, VERSIONS_A_MODEL, make
from benchmarks.measure import MODELREG, Row, environment, paired, process
from benchmarks.settings import Settings

CLONES, PROMOTIONS = 8, 20
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.05, 2.0
_SDK = """\
import logging, sys
from modelreg import Registry
logging.disable()
registry = Registry(sys.argv[1])
for model in sys.argv[2:]:
    registry[model]["1.0.0"].set_stage("staging", push=True)
"""


def measure(settings: Settings) -> Iterator[Row]:
    clones, each = (2, 2) if settings.quick else (CLONES, PROMOTIONS)
    runs = min(2, settings.runs)  # a minute or two each
    models = [f"model-{number:05d}" for number in range(RULED_MODELS, RULED_MODELS + clones * each)]
    folder = settings.folder / "races"
    shutil.rmtree(folder, ignore_errors=True)
    source = make(folder / "source", (RULED_MODELS + len(models)) * VERSIONS_A_MODEL)
    ways: dict[str, Callable[[Path, Sequence[str]], None]] = {"git": _by_git, "process": _by_process, "SDK": _by_sdk}

    def race(way: str) -> tuple[float, float]:
        """Seconds that it took, and seconds of processor for one promotion."""
        shutil.rmtree(folder / "race", ignore_errors=True)
        server, places = _places(source, folder / "race", clones)
        shares = [models[number::clones] for number in range(clones)]
        start, busy = time.perf_counter(), _processor()
        with ThreadPoolExecutor(clones) as together:
            list(together.map(ways[way], places, shares))
        took, each_took = time.perf_counter() - start, (_processor() - busy) / len(models)
        _check(server, folder / "race" / "last", models, judged=way != "git")
        return took, each_took

    named = [("process", "`stage set --push`"), ("SDK", "SDK: stage change, pushed")]
    for way, name in named[-1:] if settings.quick else named:
        pairs = [(race(way), race("git")) for _ in range(runs)]
        against, what, size = "git alone, with back-off", f"{name}, {clones} clones × {each}", len(models) * 10
        # A throughput of 0.7 of git's is 1/0.7 of its time.
        yield paired(what, [(a[0], b[0]) for a, b in pairs], against, versions=size, goal=1 / 0.7)
        yield paired(f"{what}: processor a promotion", [(a[1], b[1]) for a, b in pairs], against, versions=size)
    shutil.rmtree(folder)


def _processor() -> float:
    """Seconds of processor that the processes started here took, and those that they started."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _places(source: Path, folder: Path, clones: int) -> tuple[Path, list[Path]]:
    server = folder / "server.git"
    subprocess.run(["git", "clone", "-q", "--bare", source, server], check=True)
    places = [folder / f"clone-{number}" for number in range(clones)]
    for place in places:
        subprocess.run(["git", "clone", "-q", server, place], check=True)
    return server, places


def _check(server: Path, last: Path, models: Sequence[str], *, judged: bool) -> None:
    subprocess.run(["git", "clone", "-q", server, last], check=True)
    for model in models:
        records = [path.name for path in (last / "registry" / model / "transitions").glob("*")]
        if records != ["0001.yaml"]:
            raise RuntimeError(f"{model} has {records}")
    if judged:
        process([*MODELREG, "verify", "--offline"], last)()


def _by_process(place: Path, models: Sequence[str]) -> None:
    for model in models:
        process([*MODELREG, "stage", "set", model, "1.0.0", "staging", "--push"], place)()


def _by_sdk(place: Path, models: Sequence[str]) -> None:
    process([sys.executable, "-c", _SDK, str(place), *models])()


def _by_git(place: Path, models: Sequence[str]) -> None:
    def git(*arguments: str, check: bool = True) -> bool:
        done = subprocess.run(["git", *arguments], cwd=place, env=environment(), capture_output=True, check=False)
        if check and done.returncode:
            raise RuntimeError(f"git {arguments}: {done.stderr.decode()}")
        return done.returncode == 0

    for model in models:
        tag, wait = f"{model}#staging#1", _FIRST_WAIT_S
        while True:
            folder = place / "registry" / model
            (folder / "transitions").mkdir(exist_ok=True)
            (folder / "transitions" / "0001.yaml").write_text("key: value\n" * 20)
            (folder / "stages.yaml").write_text("format: 1\nstaging: [1.0.0]\naliases: {}\n")
            git("add", "--", str(folder))
            git("commit", "-q", "-m", f"Promote {model}")
            git("tag", "-a", "-m", "promoted", tag)
            if git("push", "-q", "--atomic", "origin", "main", f"refs/tags/{tag}", check=False):
                break
            git("tag", "-d", tag)
            time.sleep(random.uniform(0, wait))
            wait = min(2 * wait, _LONGEST_WAIT_S)
            git("fetch", "-q", "--no-tags", "origin")
            git("reset", "-q", "--hard", "origin/main")
