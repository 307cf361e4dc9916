"""`reproduce`: make a version again in a throwaway clone, and say whether it is the same, and if not why.

Three steps. `prepare` reads, and decides whether it can be done; `perform` runs code of the commit, after somebody said
that it may; `record_reproduction` (reproduce_record.py) states what came of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelreg.domain.address import Address
from modelreg.domain.manifest import Artifact, Manifest
from modelreg.domain.names import ModelName
from modelreg.domain.plan import CommitId
from modelreg.domain.recipe import Recipe, recipe
from modelreg.domain.reproduction import TOLERANCE, Judgement, Predictions, judge
from modelreg.domain.requirements import deviations, parse_lock
from modelreg.domain.version import Version
from modelreg.errors import DeniedError, ModelregError, UsageError
from modelreg.registry.outcome import Outcome, outcome_of
from modelreg.registry.ports import Identity
from modelreg.registry.reproduce_inputs import Code, find_code, find_lock, lock_bytes, place_data
from modelreg.registry.resolve import resolve
from modelreg.registry.sandbox import Ran, Sandbox, Tell
from modelreg.registry.workspace import Workspace

Predict = Callable[[Path, Path, Path, str], Predictions]
"""Both models on an input example: the recorded file, the one that was made, the example, the models' format."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to go about it. `fresh`: an environment from the recorded lock, else the running interpreter. `upstream`:
    the stages before the recorded one run too. `keep` names environment variables that the code may see."""

    command: str | None = None
    fresh: bool = True
    upstream: bool = False
    tolerance: float = TOLERANCE
    limit_s: float | None = None
    keep: tuple[str, ...] = ()

    @classmethod
    def checked(
        cls,
        env: str = "fresh",
        tolerance: float | None = None,
        time_limit: float | None = None,
        *,
        command: str | None = None,
        upstream: bool = False,
        pass_env: Sequence[str] = (),
    ) -> Options:
        """As users say it: `env` is fresh or current, `time_limit` in minutes. Raises UsageError."""
        if env not in ("fresh", "current"):
            raise UsageError(f"the environment {env[:40]!a} is not known", hint="use fresh or current")
        if tolerance is not None and not 0 <= tolerance < math.inf:
            raise UsageError("the tolerance is a number that is not negative", hint="as 1e-9")
        if time_limit is not None and not 0 < time_limit < math.inf:
            raise UsageError("the time limit is a number of minutes above 0", hint="as 30")
        return cls(
            command=command,
            fresh=env == "fresh",
            upstream=upstream,
            tolerance=TOLERANCE if tolerance is None else tolerance,
            limit_s=None if time_limit is None else 60 * time_limit,
            keep=tuple(pass_env),
        )


@dataclass(frozen=True, slots=True)
class Prepared:
    """What will run, and on what. `lock` is the file's content, or the artifact that holds it."""

    manifest: Manifest
    recipe: Recipe
    code: Code
    lock: bytes | Artifact | None
    options: Options
    notes: tuple[str, ...] = ()

    @property
    def commit(self) -> CommitId:
        """The commit whose code runs."""
        return self.code.commit

    @property
    def model(self) -> ModelName:
        return self.manifest.model

    @property
    def version(self) -> Version:
        return self.manifest.version

    @property
    def environment(self) -> str:
        """The environment, in words."""
        if not self.options.fresh:
            return "the Python that runs modelreg, with what is installed there"
        return f"a fresh one from {self.recipe.lock_path}, Python {self.recipe.python or 'as it runs here'}"

    def to_mapping(self) -> dict[str, Any]:
        """As in schemas/output/reproduce.v1.json."""
        return {
            "model": self.model,
            "version": str(self.version),
            "commit": self.commit,
            "command": self.recipe.shown,
            "by_hand": self.recipe.by_hand,
            "folder": self.recipe.folder,
            "environment": self.environment,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class Reproduction:
    """What came of it. `artifacts` are the digests that came out, `made` says how they were found."""

    prepared: Prepared
    judgement: Judgement
    outcome: Outcome
    environment: str
    tail: tuple[str, ...]
    notes: tuple[str, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Whether it is the same."""
        return self.judgement.ok

    def to_mapping(self) -> dict[str, Any]:
        """As in schemas/output/reproduce.v1.json."""
        judgement = self.judgement
        return self.prepared.to_mapping() | {
            "ok": judgement.ok,
            "kind": judgement.kind,
            "reason": judgement.reason,
            "tolerance": self.prepared.options.tolerance,
            "differences": list(judgement.causes),
            "artifacts": [{"path": a.path, "sha256": a.sha256} for a in self.outcome.artifacts],
            "environment": self.environment,
            "notes": [*self.notes, *judgement.notes],
            "output": list(self.tail),
        }


def prepare(workspace: Workspace, address: Address, options: Options) -> Prepared:
    """Decide whether a version can be made again here, and how; nothing is run or written.

    Raises NotFoundError, DeniedError where its manifest says too little (dirty code, no command, no lock),
    UnavailableError where commit or lock are not here, IntegrityError where the commit is not the recorded one.
    """
    snapshot = workspace.snapshot()
    manifest = snapshot.manifest(address.model, resolve(snapshot, address), check=True)
    made = recipe(manifest.body, options.command)
    code = find_code(workspace, made)
    lock = find_lock(workspace.repository.tree(code.commit), manifest, made, required=options.fresh)
    notes = ["the command was given by hand, it is not in the manifest"] if made.by_hand else []
    if code.records is not None:
        made_of = f"{code.commit[:12]} with the registry of {code.records[:12]}"
        notes.append(f"commit {made.commit[:12]} is not here; its tree is {made_of}")
    elif code.commit != made.commit:
        notes.append(f"commit {made.commit[:12]} is not here; {code.commit[:12]} has the same files")
    return Prepared(manifest, made, code, lock, options, tuple(notes))


def perform(
    workspace: Workspace,
    prepared: Prepared,
    sandbox: AbstractContextManager[Sandbox],
    predict: Predict,
    tell: Tell = lambda _: None,
) -> Reproduction:
    """Run it, and compare. `tell` is given what the code writes.

    Raises DeniedError where the data of the commit is not the recorded one, where the command fails, is stopped, or
    makes no version; UnavailableError where data or the environment cannot be had.
    """
    with sandbox as room:
        before = room.repository().branch_tip(workspace.settings.branch)
        tree, made = workspace.repository.tree(prepared.commit), prepared.recipe
        notes, complete = place_data(tree, prepared.commit, made, room)
        lock = lock_bytes(prepared.lock, room, required=prepared.options.fresh)
        name = made.lock_path or "requirements.txt"
        notes += tuple(room.install(lock if prepared.options.fresh else None, name, made.python, tell))
        python, installed = room.installed()
        surroundings = deviations(parse_lock(lock.decode("utf-8", "replace")), installed) if lock else ()
        ran = _run(prepared, room, prepared.options.upstream or not complete, tell)
        outcome = outcome_of(workspace, prepared.manifest, made, room, before, (python, installed))
        if outcome is None:
            raise DeniedError(
                f"the command ended well, and made no version of {prepared.model}: nothing was registered"
                + (f" (its last line: {ascii(ran.tail[-1])[1:-1][:200]})" if ran.tail else ""),
                hint="--command names the one that registers; --keep DIR leaves the clone to look at",
            )
        known = (prepared.manifest.lineage.get("environment") or {}).get("packages")
        judgement = judge(
            prepared.manifest.body,
            outcome.body,
            predictions=_predictions(prepared, outcome, room, predict),
            tolerance=prepared.options.tolerance,
            surroundings=() if known else surroundings,
        )
        said = f"Python {python}, {'a fresh environment' if prepared.options.fresh else 'the running interpreter'}"
        return Reproduction(prepared, judgement, outcome, said, ran.tail, (*prepared.notes, *notes, *outcome.notes))


def _run(prepared: Prepared, room: Sandbox, upstream: bool, tell: Tell) -> Ran:
    made, options = prepared.recipe, prepared.options
    author = prepared.manifest.body["author"]
    ran = room.run(
        made.command if made.command is not None else _dvc(made, upstream),
        made.folder,
        author=Identity(author["name"], author["email"]),
        hash_seed=made.hash_seed,
        keep=options.keep,
        limit_s=options.limit_s,
        tell=tell,
    )
    if ran.code == 0:
        return ran
    ended = f"was stopped after {options.limit_s:g} s" if ran.code is None else f"failed with exit code {ran.code}"
    lines = "".join(f"\n  | {line}" for line in ran.tail[-8:])
    raise DeniedError(
        f"`{made.shown}` {ended} at commit {prepared.commit[:12]}{lines}",
        hint="--time-limit allows more" if ran.code is None else "--keep DIR leaves the clone to look at",
    )


def _dvc(made: Recipe, upstream: bool) -> Sequence[str]:
    """Arguments of DVC that run the stage, whether or not it thinks that anything changed."""
    name = (made.file or "").rpartition("/")[2]
    target = made.stage if name == "dvc.yaml" else f"{name}:{made.stage}"
    return ["repro", "--quiet", "--force", "--no-commit", *([] if upstream else ["--single-item"]), str(target)]


def _predictions(prepared: Prepared, outcome: Outcome, room: Sandbox, predict: Predict) -> Predictions:
    """Both models on the recorded input example, where the bytes differ and it can be done without risk."""
    primary = prepared.manifest.primary
    example = next((a for a in prepared.manifest.artifacts if a.role == "input-example"), None)
    made = next((a for a in outcome.artifacts if a.path == primary.path), None)
    if made is None or made.sha256 == primary.sha256:
        return Predictions(None)
    if primary.format != "skops":
        return Predictions(None, f"{primary.format} is not loaded here, skops is")
    if example is None or example.format != "csv":
        return Predictions(None, "there is no input example in CSV")
    recorded, again, rows = (room.folder / "recorded" / name for name in ("model", "again", "example.csv"))
    try:
        for artifact, target in ((primary, recorded), (example, rows)):
            if not _fetched(room.fetch, artifact, target):
                return Predictions(None, f"neither the cache nor the remote holds the recorded {artifact.path}")
        if primary.path in outcome.files:
            again = room.clone / outcome.files[primary.path]
        elif not _fetched(room.made, made, again):
            return Predictions(None, "what was made is not in the clone's cache")
        return predict(recorded, again, rows, primary.format)
    except ModelregError as error:
        return Predictions(None, error.message)


def _fetched(fetch: Callable[..., bool], artifact: Artifact, target: Path) -> bool:
    return fetch(artifact.md5, target, sha256=artifact.sha256, size_bytes=artifact.size_bytes)
