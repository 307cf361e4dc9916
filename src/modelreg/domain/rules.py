"""Rules: expressions in CEL over what is recorded of a version. The language is described in `rules_language`.

A rule passes when it is true, and only then. A value that is missing, not finite or of another type is never a pass:
every name that a rule reads must be there, unless the rule itself asks for it first, with `has(metrics.f1)` or
`"f1" in metrics`. So `!(metrics.acuracy < 0.85)` fails, and `metrics.acuracy > 0.9 || metrics.f1 > 0.5` does too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelreg.domain.manifest import Manifest
from modelreg.domain.rules_language import LIVE, Path, dotted
from modelreg.domain.rules_syntax import Syntax, read
from modelreg.domain.verdict import Verdict

_MAX_STEPS = 10_000
"""How often the bodies of macros may run: a second or so."""
_SHOWN = 8
"""How many values a verdict shows."""
_MISSING = object()


class RuleError(ValueError):
    """Why a rule is neither true nor false, in a few words."""


def problems(expression: str, *, live: bool = False) -> tuple[str, ...]:
    """What is wrong with an expression whatever the values are; empty where it can be a rule.

    `live`: the expression stands in `rollback_when`, where live metrics are known too.
    """
    return read(expression, live=live).problems


def constant(expression: str, *, live: bool = False) -> bool:
    """Whether a rule without problems reads nothing, so that it always says the same."""
    syntax = read(expression, live=live)
    return not syntax.problems and not syntax.roots


def evaluate(expression: str, variables: Mapping[str, Any]) -> bool:
    """Whether the rule is true for `variables` (see `variables`; `live` may be used where it is among them).

    Raises RuleError for all else than true and false: a problem of the expression, a missing name, a number that is
    not finite, a division by zero, values of types that do not fit, a result that is no boolean, too much work.
    """
    from celpy import CELEvalError
    from celpy.celtypes import BoolType

    from modelreg.domain.rules_program import program, to_cel

    live = LIVE in variables
    syntax = read(expression, live=live)
    if syntax.problems:
        raise RuleError(syntax.problems[0])
    _check_reads(syntax, variables)
    try:
        result = program(expression, live=live).evaluate({root: to_cel(variables[root]) for root in syntax.roots})
    except CELEvalError as error:
        raise RuleError(_short(error)) from error
    except Exception as error:
        # cel-python raises whatever Python does for values that it did not expect; none of that is a pass.
        raise RuleError(f"cannot be evaluated: {type(error).__name__}") from error
    if type(result) is not BoolType:
        raise RuleError("is neither true nor false")
    return bool(result)


def judge_rules(requirement: Sequence[Any], variables: Mapping[str, Any]) -> Iterator[Verdict]:
    """The gate's check `rules`: a verdict `rules.NAME` each, with the values of the names that the rule reads."""

    if not requirement:
        yield Verdict("rules", False, "a rule", "none", "the requirement is empty")
    for rule in requirement:
        known = isinstance(rule, Mapping) and set(rule) == {"name", "expr"}
        if not known or not all(isinstance(value, str) for value in rule.values()):
            yield Verdict("rules", False, "name and expr", "something else", "the requirement is not known")
            continue
        name, expression = rule["name"], rule["expr"]
        actual = _values(expression, variables)
        try:
            passed = evaluate(expression, variables)
            reason = "" if passed else "is false"
        except RuleError as error:
            passed, reason = False, str(error)
        yield Verdict(f"rules.{name}", passed, expression, actual, reason)


def variables(
    candidate: Manifest,
    holder: Manifest | None,
    model_tags: Mapping[str, Any],
    live: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What a rule may read of a version, of the stage's present holder and of its model.

    - `metrics`: the candidate's, name to value; one that is not finite is left out;
    - `champion`: {metrics, params, version} of the holder; empty where nobody holds the stage, so that a rule may say
      `!has(champion.version) || …`;
    - `params`, as the manifest has them;
    - `benchmarks`: name to its figures; a name that the manifest lists twice is left out, for it could be either;
    - `tags`: the model's, overlaid with the version's;
    - `live`, only where it is given: {metrics: name to value} as observed in service.
    """
    found: dict[str, Any] = {
        "metrics": _metrics(candidate),
        "champion": {},
        "params": dict(candidate.body.get("params") or {}),
        "benchmarks": _benchmarks(candidate),
        "tags": {**model_tags, **(candidate.body.get("tags") or {})},
    }
    if holder is not None:
        found["champion"] = {
            "metrics": _metrics(holder),
            "params": dict(holder.body.get("params") or {}),
            "version": str(holder.version),
        }
    return found if live is None else found | {LIVE: dict(live)}


def _metrics(manifest: Manifest) -> dict[str, float]:
    return {name: metric.value for name, metric in manifest.metrics.items() if metric.finite}


def _benchmarks(manifest: Manifest) -> dict[str, Any]:
    entries = manifest.body.get("benchmarks") or ()
    names = [entry["name"] for entry in entries]
    return {e["name"]: {k: v for k, v in e.items() if k != "name"} for e in entries if names.count(e["name"]) == 1}


def _check_reads(syntax: Syntax, variables: Mapping[str, Any]) -> None:
    """Every value that is read is there (or asked for first) and finite, and macros have not too much to do."""
    excused = {path[:end] for path in syntax.optional for end in range(2, len(path) + 1)}
    largest = syntax.longest_list
    for path in sorted(syntax.reads | syntax.optional):
        value = _find(path, variables)
        if value is _MISSING:
            missing = _first_missing(path, variables)
            if missing not in excused:
                raise RuleError(f"{dotted(missing)} is missing")
        elif not _finite(value):
            raise RuleError(f"{dotted(path)} is not a finite number, or holds one that is not")
        else:
            largest = max(largest, _largest(value))
    if sum(count * largest ** (depth + 1) for depth, count in enumerate(syntax.macros)) > _MAX_STEPS:
        raise RuleError(f"would take more than {_MAX_STEPS} steps: a list of {largest} items is too long for it")


def _find(path: Path, variables: Mapping[str, Any]) -> Any:
    value: Any = variables
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            return _MISSING
        value = value[name]
    return value


def _first_missing(path: Path, variables: Mapping[str, Any]) -> Path:
    return next(path[:end] for end in range(1, len(path) + 1) if _find(path[:end], variables) is _MISSING)


def _finite(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_finite, value))
    try:
        return not isinstance(value, int | float) or math.isfinite(value)
    except OverflowError:
        return False


def _largest(value: Any) -> int:
    """The items of the largest list or mapping in a value."""
    items = list(value.values()) if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return max([len(items), *map(_largest, items)])


def _values(expression: str, variables: Mapping[str, Any]) -> str:
    """`metrics.f1 = 0.91, params.depth = 6` for what a rule reads, the innermost names only."""
    syntax = read(expression, live=LIVE in variables)
    paths = sorted(syntax.reads | syntax.optional)
    inner = [p for p in paths if not any(q != p and q[: len(p)] == p for q in paths)]
    shown = [f"{dotted(path)} {_shown(_find(path, variables))}" for path in inner[:_SHOWN]]
    return ", ".join(shown) + (", …" if len(inner) > _SHOWN else "")


def _shown(value: Any) -> str:
    if value is _MISSING:
        return "is missing"
    if value is None or isinstance(value, bool):
        return f"= {str(value).lower() if value is not None else 'null'}"
    if isinstance(value, float):
        return f"= {value:.6g}"
    if isinstance(value, int):
        return f"= {value}" if abs(value) < 10**15 else "is a very large number"
    if isinstance(value, str):
        return f"= {value[:60]!a}"
    return f"has {len(value)} entries" if isinstance(value, Mapping | list | tuple) else "is of another kind"


def _short(error: Exception) -> str:
    text = str(error.args[0]) if error.args else "no answer"
    return text if len(text) <= 160 else text[:157] + "..."
