"""Stage changes, approvals and registrations: whole processes, and in a process that is there already."""

from __future__ import annotations

import itertools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.large import ASKED, RULED_MODELS, VERSIONS_A_MODEL
from benchmarks.measure import MODELREG, Row, Work, compare, each, environment, process, timed
from benchmarks.peers import postgresql
from benchmarks.settings import MADE, MOST_FOR_MINUTES, Settings

APPROVER = {"GIT_COMMITTER_EMAIL": "bo@example.org", "GIT_AUTHOR_EMAIL": "bo@example.org"}
_IMPORT = ["git", "fast-import", "--quiet", "--done"]


class Moves:
    """Versions of one registry, to be moved once each: those of models whose gate has no expressions.

    As many as main has commits since it was made are passed over: no more can have been moved.
    """

    def __init__(self, registry: Path) -> None:
        self.registry = registry
        last = max(2 * RULED_MODELS, _count(registry, MADE) // VERSIONS_A_MODEL)
        models = sorted(range(RULED_MODELS, last), key=lambda number: number != ASKED)
        every = ((f"model-{m:05d}", f"1.{v}.0") for v in range(VERSIONS_A_MODEL) for m in models)
        self.left = islice(every, _count(registry, f"{MADE}..main"), None)

    def work(self) -> Work:
        """`modelreg stage set`, as a process."""

        def command() -> list[str]:
            model, version = next(self.left)
            return [*MODELREG, "stage", "set", model, version, "staging"]

        return each(command, self.registry)

    def approvals(self, key: Path) -> Work:
        """`modelreg approve`, as a process."""
        return each(lambda: [*MODELREG, *self.approval(key)], self.registry, env=APPROVER)

    def approval(self, key: Path) -> list[str]:
        """The arguments of the next one: by somebody else, whose key the registry lists from now on."""
        signers = self.registry / "registry" / "allowed_signers"
        if not signers.exists():
            public = " ".join(key.with_suffix(".pub").read_text().split()[:2])
            signers.write_text(f'{APPROVER["GIT_COMMITTER_EMAIL"]} namespaces="modelreg-approval-v1" {public}\n')
            for arguments in (["add", "--", str(signers)], ["commit", "-q", "-m", "List a signer"]):
                subprocess.run(["git", *arguments], cwd=self.registry, check=True, env=environment())
        model, version = next(self.left)
        return ["approve", model, version, "staging", "--key", str(key)]

    def call(self) -> Callable[[], object]:
        """`ModelVersion.set_stage`, in this process."""
        from modelreg import Registry

        registry = Registry(self.registry)

        def move() -> object:
            model, version = next(self.left)
            return registry[model][version].set_stage("staging")

        return move


def _count(registry: Path, commits: str) -> int:
    done = subprocess.run(["git", "rev-list", "--count", commits], cwd=registry, capture_output=True, check=True)
    return int(done.stdout)


def stage_set(settings: Settings) -> Iterator[Row]:
    """Whole processes: against the same in the smallest registry, against GTO; and in bare clones."""
    moves = {size: Moves(registry) for size, registry in settings.registries().items()}
    small = settings.small
    for size in sorted(moves)[1:]:
        goal = 1.2 if size <= MOST_FOR_MINUTES else 2.0
        mine, other = moves[size].work(), moves[small].work()
        yield compare("`stage set`", mine, f"the same at {small:,}", other, settings.runs, versions=size, goal=goal)
    large = max(settings.sizes)
    mine, other = Moves(settings.bare(large)).work(), Moves(settings.bare(small)).work()
    what = "`stage set`, bare clone"
    yield compare(what, mine, f"the same at {small:,}", other, settings.runs, versions=large, goal=1.3)
    for size in sorted(moves):
        if settings.peers.gto and (size <= 1000 or (size <= MOST_FOR_MINUTES and settings.full)):
            with _copy(moves[size].registry) as copy:
                theirs = each(_assignments(settings.peers.gto), copy)
                few = settings.runs if size <= 100 else 1  # 40 s at 1,000
                half = 0.5 if size == 100 else None
                yield compare("`stage set`", moves[size].work(), "`gto assign`", theirs, few, versions=size, goal=half)


def approve(settings: Settings) -> Iterator[Row]:
    """Whole processes, with a signature: against the same in the smallest registry."""
    key = approver(settings)
    works = {size: Moves(registry).approvals(key) for size, registry in settings.registries().items()}
    small = settings.small
    for size in sorted(works)[1:]:
        goal = 1.2 if size <= MOST_FOR_MINUTES else 2.0
        mine, other = works[size], works[small]
        yield compare("`approve`", mine, f"the same at {small:,}", other, settings.runs, versions=size, goal=goal)


def approver(settings: Settings) -> Path:
    """The key of whoever approves: always the same, since a large registry keeps whom it lists."""
    key = settings.folder / "approver"
    if not key.exists():
        key.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key], check=True)
    return key


def sdk(settings: Settings) -> Iterator[Row]:
    """In a process that is there already, against git alone: the same files and tag by one `git fast-import`."""
    for size in settings.sizes[-1:] if settings.quick else settings.sizes:
        registry = settings.registry(size)
        with _copy(registry) as copy:
            for name, what, call, goal in (
                ("SDK: stage change", "change", Moves(registry).call(), 4.0),
                ("SDK: registration without artifact", "registration", registering(registry, artifact=False), 4.0),
                ("SDK: registration of a small file", "registration", registering(registry), None),
            ):
                with _elsewhere():
                    limit, runs = _importing(copy, what), settings.runs
                    yield compare(name, timed(call), "`git fast-import`", limit, runs, versions=size, goal=goal)
            name, call = "SDK: registration from a git checkout", registering(registry, artifact=False)
            limit = _importing(copy, "registration")
            yield compare(name, timed(call), "`git fast-import`", limit, settings.runs, versions=size)
    size = settings.sizes[-1]
    with _copy(settings.bare(size)) as copy:
        name, call = "SDK: stage change, bare clone", Moves(settings.bare(size)).call()
        yield compare(name, timed(call), "`git fast-import`", _importing(copy, "change"), settings.runs, versions=size)


@contextmanager
def _elsewhere() -> Iterator[None]:
    """As a program that lies in no repository: git knows nothing of the state of its code, and is not asked for it."""
    main, here = sys.modules["__main__"], Path.cwd()
    file = main.__dict__.pop("__file__", None)
    with tempfile.TemporaryDirectory(prefix="modelreg-benchmarks-") as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(here)
            main.__dict__["__file__"] = file


def registering(registry: Path, *, artifact: bool = True, alias: str | None = None) -> Callable[[], object]:
    """Register a version with metrics and parameters: of a few bytes, others every time, or of an address alone; with
    an alias that moves to it."""
    from modelreg import Registry

    opened, numbers = Registry(registry), itertools.count()
    folder = Path(tempfile.mkdtemp(prefix="modelreg-benchmarks-"))

    def register() -> object:
        given: dict[str, Any] = {
            "metrics": {"accuracy": 0.9, "train_accuracy": 0.95},
            "params": {"max_depth": 5},
            "alias": alias or (),
        }
        if not artifact:
            return opened.register("model-00008", source=f"s3://bucket/{next(numbers)}", **given)
        file = folder / "model.json"
        file.write_text(f"[{time.time_ns()}]")  # what another run registered in this registry is there already
        return opened.register("model-00008", artifacts=[file], **given)

    return register


def _importing(registry: Path, what: str) -> Work:
    """Two files of a model and a tag on top of main, as objects and refs, and nothing else."""
    numbers = itertools.count(1)
    paths = {
        "change": ("registry/model-00007/transitions/{:04d}.yaml", "registry/model-00007/stages.yaml"),
        "registration": ("registry/model-00008/9.{}.0/manifest.yaml", "registry/model-00008/9.{}.0/model.skops.dvc"),
    }[what]
    text = b"key: value\n" * 100

    def run() -> float:
        number = next(numbers)
        who = b"Ann <ann@example.org> %d +0000\n" % (1_790_000_000 + number)
        stream = b"commit refs/heads/main\ncommitter " + who + b"data 1\nc\nfrom refs/heads/main^0\n"
        for path in paths:
            stream += f"M 100644 inline {path.format(number)}\ndata {len(text)}\n".encode() + text + b"\n"
        stream += f"tag {what}-{number}\nfrom refs/heads/main\n".encode() + b"tagger " + who + b"data 1\nt\ndone\n"
        return process(_IMPORT, registry, data=stream)()

    return run


def _assignments(gto: str) -> Callable[[], list[str]]:
    names = ((f"model-{m:05d}", f"v1.{v}.0") for v in range(VERSIONS_A_MODEL) for m in range(5, 10))

    def command() -> list[str]:
        model, version = next(names)
        return [gto, "assign", model, "--version", version, "--stage", "live"]

    return command


def mlflow(settings: Settings) -> Iterator[Row]:
    """A registration with an alias in one landing, and one with a stage change in two, against `create_model_version`
    and an alias; each in a warm process."""
    peers, size, runs = settings.peers, settings.small, settings.runs
    if peers.mlflow_python is None:
        return
    registry = settings.registry(size)
    register, move = registering(registry, artifact=False), Moves(registry).call()

    def both() -> None:
        register()
        move()

    works = {
        "SDK: registration with an alias": timed(registering(registry, artifact=False, alias="candidate")),
        "SDK: registration and stage change": timed(both),
    }
    mine: dict[str, list[float]] = {what: [] for what in works}
    with _elsewhere():
        for _ in range(runs + 1):  # in turn
            for what, work in works.items():
                mine[what].append(work())
    with tempfile.TemporaryDirectory(prefix="modelreg-mlflow-") as folder, postgresql() as server:
        stores = {"sqlite": f"sqlite:///{folder}/mlflow.db"} | ({"PostgreSQL": server} if server else {})
        for name, uri in stores.items():
            theirs = statistics.median(peers.mlflow(uri, size, runs)["write"])
            goal = 2.0 if name == "PostgreSQL" else None
            for what, times in mine.items():
                seconds = statistics.median(times[1:])  # the first is warming up
                yield Row(what, size, seconds, f"MLflow version and alias, {name}", theirs, seconds / theirs, goal)
            if name == "sqlite":
                whole = process(peers.mlflow_read(uri))
                asked = process([*MODELREG, "stage", "get", f"model-{ASKED:05d}", "staging"], registry)
                yield compare("`stage get`", asked, "MLflow's client, sqlite", whole, min(3, runs), versions=size)


class _copy:  # noqa: N801 - used as a statement
    """A copy of a registry for whoever writes what modelreg would not."""

    def __init__(self, registry: Path) -> None:
        self.folder = registry.with_name(f"{registry.name}-copy")
        self.registry = registry

    def __enter__(self) -> Path:
        command = ["git", "clone", "-q", "--mirror", str(self.registry), str(self.folder / ".git")]
        subprocess.run(command, check=True)
        subprocess.run(["git", "config", "core.bare", "false"], cwd=self.folder / ".git", check=True)
        return self.folder

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder)
