"""Making a version again: whether what came out is the same, and if not what differs. No I/O.

What came out is the same bit for bit, or its predictions on the input example are within a tolerance and so are its
metrics, or (where no predictions can be had) its metrics are. The two weaker kinds count only where the same went in,
on another machine perhaps: other data, parameters, seeds or packages that give near numbers are another recipe.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from modelreg.domain.difference import Difference, Kind, differences
from modelreg.domain.metric import number

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


_UNEXPLAINED = (
    "nothing that is recorded differs, but the bytes do: look at BLAS and threads (OMP_NUM_THREADS), the processor, "
    "and at inputs that no manifest names (environment variables, the clock, files outside of the repository)"
)


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
    if not artifacts:
        return "the version has no artifact that could be made again"
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
