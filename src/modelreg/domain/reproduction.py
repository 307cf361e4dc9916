"""Making a version again: what its manifest says of how, and whether what came out is the same. No I/O.

What came out is the same bit for bit, or its predictions on the input example are within a tolerance and so are its
metrics, or (where no predictions can be had) its metrics are. The two weaker kinds count only where the same went in,
on another machine perhaps: other data, parameters, seeds or packages that give near numbers are another recipe.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from modelreg.domain.difference import Difference, Kind, differences
from modelreg.domain.metric import number
from modelreg.errors import DeniedError, InvalidError

Agreement = Literal["bitwise", "predictions", "metrics"]

TOLERANCE = 1e-9
"""Greatest difference of a prediction or metric that passes, absolute, unless another is asked for."""
GREATEST_TOLERANCE = 1e-6
"""A reproduction recorded with a greater one meets no gate: floating point differs by less between machines."""

_LIKELY: tuple[Kind, ...] = (
    "data", "params", "seeds", "architecture", "features", "framework", "environment", "parents", "code", "format",
    "recorded", "signature-incompatible", "signature-compatible", "content", "beside",
)  # fmt: skip
"""Causes before effects, those first that people change most."""
_INPUTS: frozenset[Kind] = frozenset(
    ("data", "params", "seeds", "architecture", "features", "framework", "format", "parents")
)
_BYTES: frozenset[Kind] = frozenset(("content", "beside"))
_MACHINE = frozenset(("python", "platform", "container"))
"""Of the environment, what is not a package."""
_HOW = frozenset(("file", "stage", "command", "entry_point"))
"""Of the code, how it was started: older manifests do not say."""
_NAMED = 8
_PLAIN_PART = re.compile(r"[^\x00-\x1f\x7f\\/]+")
_INTERPRETER = re.compile(r"^\S*/python(?:\d(?:\.\d+)?)?(?:\.exe)?(?=\s|$)")


_UNEXPLAINED = (
    "nothing that is recorded differs, but the bytes do: look at BLAS and threads (OMP_NUM_THREADS), the processor, "
    "and at inputs that no manifest names (environment variables, the clock, files outside of the repository)"
)


@dataclass(frozen=True, slots=True)
class DataSet:
    """One entry of lineage.data. `path` is from the top of the repository; None: it does not lie there."""

    name: str
    path: str | None
    sha256: str | None
    md5: str | None
    size_bytes: int | None

    @property
    def is_folder(self) -> bool:
        return self.md5 is not None and self.md5.endswith(".dir")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a version was made. Paths are from the top of the repository; `folder` "" is the top.

    Either `stage` (of the pipeline file `file`) or `command` runs; `by_hand` says that a person named the command.
    """

    commit: str
    tree: str | None
    command: str | None
    by_hand: bool
    file: str | None
    stage: str | None
    folder: str
    outputs: Mapping[str, str]
    data: tuple[DataSet, ...]
    lock_path: str | None
    lock_sha256: str | None
    python: str | None
    hash_seed: int

    @property
    def shown(self) -> str:
        """What runs, as one would type it."""
        if self.command is not None:
            return self.command
        name = "dvc.yaml" if self.file is None else self.file.rpartition("/")[2]
        return f"dvc repro {self.stage}" if name == "dvc.yaml" else f"dvc repro {name}:{self.stage}"


def recipe(body: Mapping[str, Any], command: str | None = None) -> Recipe:
    """What a manifest says of how it was made; `command` is used where a person names one.

    Raises DeniedError where that cannot be done again, whatever is at hand: no commit, a dirty tree, no command.
    """
    lineage = body.get("lineage") or {}
    code, pipeline = lineage.get("code") or {}, lineage.get("pipeline") or {}
    environment = lineage.get("environment") or {}
    _check_code(code)
    stage = None if command else pipeline.get("stage")
    file = pipeline.get("file")
    if stage and not file:
        raise DeniedError(
            f"the manifest names a stage ({stage!a}), and no pipeline file", hint=f'--command "dvc repro {stage}"'
        )
    line = None if stage else command or pipeline.get("command")
    if not stage and not line:
        entry = code.get("entry_point") or "train.py"
        raise DeniedError(
            "the manifest records no command that made it",
            hint=f'say how it was made: --command "python {entry} …"; the statement then says that it came from you',
        )
    lock = environment.get("lock") or {}
    folder = _inside(pipeline.get("folder"), "lineage.pipeline.folder") or ""
    if stage:
        folder = (_inside(file, "lineage.pipeline.file") or "").rpartition("/")[0]
    return Recipe(
        commit=code["commit"],
        tree=code.get("tree"),
        command=_INTERPRETER.sub("python", line) if line else None,
        by_hand=bool(command),
        file=file if stage else None,
        stage=stage,
        folder="" if command else folder,
        outputs={
            name: path
            for name, given in (pipeline.get("outputs") or {}).items()
            if (path := _inside(given, f"lineage.pipeline.outputs.{name}"))
        },
        data=tuple(_data_set(entry) for entry in lineage.get("data") or ()),
        lock_path=lock.get("path"),
        lock_sha256=lock.get("sha256"),
        python=environment.get("python"),
        hash_seed=_hash_seed(pipeline.get("seeds") or {}),
    )


def _check_code(code: Mapping[str, Any]) -> None:
    if not code.get("commit"):
        raise DeniedError(
            "the manifest names no commit of the code: nobody can find it again",
            hint="commit the code, then train and register a new version",
        )
    if code.get("dirty"):
        files = [ascii(str(name))[1:-1] for name in code.get("dirty_files") or ()]
        named = f" ({', '.join(files[:5])}{' …' if len(files) > 5 else ''})" if files else ""
        raise DeniedError(
            f"the code had changes that were not committed{named}: they are not in the repository",
            hint="commit the code, then train and register a new version",
        )


def _data_set(entry: Mapping[str, Any]) -> DataSet:
    try:
        path = _inside(entry.get("path"), "path")
    except InvalidError:
        path = None  # from elsewhere: it can only be compared afterwards
    return DataSet(entry["name"], path, entry.get("sha256"), entry.get("md5"), entry.get("size_bytes"))


def _hash_seed(seeds: Mapping[str, Any]) -> int:
    """PYTHONHASHSEED; where none is recorded it was random, so that any fixed one will do."""
    for name, seed in seeds.items():
        if name.lower().replace("_", "") in {"pythonhashseed", "hashseed"} and 0 <= seed < 2**32:
            return int(seed)
    return 0


def _inside(path: str | None, field: str) -> str | None:
    """A path of a manifest, plain and from the top of the repository. Raises InvalidError for any other."""
    if path in (None, "", "."):
        return None
    parts = str(path).split("/")
    if any(part in ("", ".", "..") or not _PLAIN_PART.fullmatch(part) or part.lower() == ".git" for part in parts):
        raise InvalidError(f"{str(path)[:100]!a} is no path inside of the repository", field=field)
    return "/".join(parts)


@dataclass(frozen=True, slots=True)
class Predictions:
    """Both models on the recorded input example: the greatest difference of a number (infinite where labels or shapes
    differ), or why there is none."""

    distance: float | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """`kind` is how the two were compared; `causes` what differs, the most likely cause first, in words; `notes` what
    a reader should know of the comparison itself."""

    ok: bool
    kind: Agreement
    reason: str
    causes: tuple[str, ...]
    notes: tuple[str, ...] = ()


def judge(
    recorded: Mapping[str, Any],
    made: Mapping[str, Any],
    *,
    predictions: Predictions,
    tolerance: float = TOLERANCE,
    surroundings: Sequence[str] = (),
) -> Judgement:
    """Whether `made`, what came out of a run as a manifest's body, is `recorded` again.

    `surroundings` are known deviations of the environment that manifests do not hold, in words.
    """
    found = explained(recorded, made)
    causes = (
        *(part.text for part in found if part.kind not in _BYTES and not _is_on_one_side(part)),
        *surroundings,
    )
    effects = (*(part.text for part in found if part.kind in _BYTES), *_on_one_side(found))
    if all(part.kind not in _BYTES for part in found):
        return Judgement(True, "bitwise", "every artifact is the same bit for bit", (*causes, *effects))
    distance = predictions.distance
    kind: Agreement = "metrics" if distance is None else "predictions"
    notes = (f"predictions were not compared: {predictions.why}",) if predictions.why else ()
    worst, unlike = compared_metrics(recorded, made, tolerance)
    unmeasured = not recorded.get("metrics") or not made.get("metrics")
    if kind == "predictions" and unmeasured:
        worst, unlike, notes = None, "", (*notes, "metrics were not compared: only one side has them, or none")
    altered = [part.text for part in found if part.kind in _INPUTS or _is_other_package(part)]
    if altered or surroundings:
        reason = f"the artifacts differ, and so does what went in: {(*altered, *surroundings)[0]}"
    elif distance is not None and not distance <= tolerance:
        by = "other labels or shapes" if math.isinf(distance) else f"by {distance:.3g}"
        reason = f"predictions on the input example differ ({by}; {tolerance:g} is allowed)"
    elif unlike:
        reason = f"the artifacts differ, and {unlike}"
    else:
        parts = [f"predictions on the input example differ by {distance:.3g}"] if distance is not None else []
        parts += [f"metrics by {worst:.3g}"] if worst is not None else []
        return Judgement(True, kind, f"not the same bytes, but {' and '.join(parts)} at most", causes + effects, notes)
    return Judgement(False, kind, reason, (*causes, *effects, *(() if causes else (_UNEXPLAINED,))), notes)


def explained(recorded: Mapping[str, Any], made: Mapping[str, Any]) -> tuple[Difference, ...]:
    """What differs, the most likely cause first; without what says nothing: locks, metrics, what was not recorded of
    how it ran."""
    found = [
        part
        for part in differences(_comparable(recorded), _comparable(made))
        if not (part.kind == "environment" and part.name == "lock")
        and not (part.kind == "code" and part.name in _HOW and part.before is None)
    ]
    return tuple(sorted(found, key=lambda part: _LIKELY.index(part.kind)))


def _is_other_package(part: Difference) -> bool:
    """A distribution at another version; one that is there on one side only tells little."""
    return part.kind == "environment" and part.name not in _MACHINE and not _is_on_one_side(part)


def _is_on_one_side(part: Difference) -> bool:
    return part.kind == "environment" and part.name not in _MACHINE and (part.before is None or part.after is None)


def _on_one_side(found: Sequence[Difference]) -> tuple[str, ...]:
    """Distributions that one environment lacks, in one line: there may be hundreds."""
    names = [ascii(part.name)[1:-1] for part in found if _is_on_one_side(part)]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return (f"installed on one side only: {', '.join(names[:_NAMED])}{more}",) if names else ()


def _comparable(body: Mapping[str, Any]) -> dict[str, Any]:
    """A body without the artifacts that say what was installed: they are compared as the environment."""
    kept = [entry for entry in body.get("artifacts") or () if entry.get("role") != "lock"]
    return dict(body) | {"artifacts": kept}


def compared_metrics(
    recorded: Mapping[str, Any], made: Mapping[str, Any], tolerance: float
) -> tuple[float | None, str]:
    """The greatest difference of a metric (None: there are none to compare), and why they do not agree ("": they do).

    Every recorded metric must have been measured again, and be a finite number.
    """
    old, new = recorded.get("metrics") or {}, made.get("metrics") or {}
    worst = None
    for name, entry in sorted(old.items()):
        before, after = (number(side.get("value")) for side in (entry, new.get(name) or {}))
        if before is None or after is None:
            return worst, f"the metric {name} was not measured again"
        distance = abs(before - after)
        worst = distance if worst is None else max(worst, distance)
        if not distance <= tolerance:
            return worst, f"{name} {before:g} -> {after:g} ({tolerance:g} is allowed)"
    return worst, "" if old else "there are no metrics to compare"


def agrees(body: Mapping[str, Any], artifacts: Mapping[str, str]) -> str:
    """Why a recorded reproduction says nothing for a version with these artifacts (sha256 by path, locks left out);
    "" where it counts: bit for bit with every digest, or within a tolerance that is small."""
    if body.get("ok") is not True:
        return "it did not agree"
    if body.get("kind") == "bitwise":
        stated = {entry["path"]: entry["sha256"] for entry in body.get("artifacts") or ()}
        odd = [name for name, digest in artifacts.items() if stated.get(name) != digest]
        return f"it does not name the bytes of {', '.join(sorted(odd))}" if odd else ""
    tolerance = number(body.get("tolerance"))
    if body.get("kind") not in ("predictions", "metrics") or tolerance is None:
        return "it does not say within which tolerance"
    if not 0 <= tolerance <= GREATEST_TOLERANCE:
        return f"its tolerance is {tolerance:g}, and {GREATEST_TOLERANCE:g} is the most that counts"
    return ""
