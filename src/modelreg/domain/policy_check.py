"""What a policy asks that can never be met, or that asks nothing: `modelreg policy check`.

An error is something that nobody can ever do under this policy; a warning what may be meant, and likely is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from modelreg.domain.checks import CHECKS
from modelreg.domain.document import Document, Path
from modelreg.domain.finding import Finding, Severity
from modelreg.domain.metric import default_direction, number
from modelreg.domain.names import Stage
from modelreg.domain.policy import Policy, StageRule
from modelreg.domain.policy_people import people_findings
from modelreg.domain.policy_setting import PlacedGate, Setting

_RANGES: Mapping[str, tuple[float | None, float | None]] = {
    **dict.fromkeys(
        (
            *("accuracy", "precision", "recall", "f1", "fbeta", "auc", "auroc", "auprc", "specificity", "sensitivity"),
            *("jaccard", "iou", "dice", "ndcg", "mrr", "map"),
        ),
        (0.0, 1.0),
    ),
    **dict.fromkeys(("mcc", "kappa", "gini", "spearman", "pearson", "silhouette"), (-1.0, 1.0)),
    "r2": (None, 1.0),
    **dict.fromkeys(("mse", "rmse", "mae", "mape", "logloss", "perplexity", "latency"), (0.0, None)),
}
"""Metrics whose range is known, by a word of their name: `train_accuracy`, `f1_macro`."""


def check_policy(
    document: Document, models: Sequence[Document] = (), signers: frozenset[str] | None = None
) -> tuple[Finding, ...]:
    """All findings on policy.yaml and the gates of `models` (their model.yaml), in order of file and line.

    The documents have passed their schemas and `validate`'s rules. `signers` are the principals of allowed_signers;
    None where there is no such file.
    """
    setting = Setting(document, Policy.from_mapping(document.value), models, signers)
    found = [
        *_unreachable(setting),
        *_protected(setting),
        *_ways(setting),
        *_matches(setting),
        *_contradictions(setting),
        *_ranges(setting),
        *_constants(setting),
        *_unknown(setting),
        *_versioning(setting),
        *people_findings(setting),
    ]
    return tuple(sorted(dict.fromkeys(found), key=lambda f: (f.file, f.line or 0, f.column or 0, f.code)))


def reachable(policy: Policy) -> frozenset[Stage]:
    """The stages that a version can come to: by `from`, or by making room in an exclusive stage."""
    found = {policy.initial}
    while True:
        more = {rule.name for rule in policy.stages.values() if found.intersection(rule.from_)}
        more |= {policy.displaced_to(name) for name in policy.exclusive & found}
        if more <= found:
            return frozenset(found)
        found |= more


def _unreachable(setting: Setting) -> Iterator[Finding]:
    policy = setting.policy
    for name in policy.stages.keys() - reachable(policy):
        rule = policy.stages[name]
        severity: Severity = "error" if rule.exclusive or rule.protected or rule.announce else "warning"
        message = f"no version can ever come to {name}: no way by `from` leads there from {policy.initial}"
        yield setting.document.finding(("stages", name), "unreachable", message, hint=_from(rule), severity=severity)


def _from(rule: StageRule) -> str:
    come = f"it is entered from {', '.join(rule.from_)} only" if rule.from_ else "it names no stage in `from`"
    return f"{come}: add one that versions can come to"


def _protected(setting: Setting) -> Iterator[Finding]:
    """A protected stage refuses where nothing is asked."""
    for rule in setting.policy.stages.values():
        if not rule.protected:
            continue
        path = ("stages", rule.name, "protected")
        asked = [placed for placed in setting.gates if placed.gate.stage == rule.name and placed.gate.require]
        if not any(placed.model is None for placed in asked) and not (asked and setting.models):
            message = f"{rule.name} is protected and no gate asks anything: no version can ever enter"
            yield setting.document.finding(path, "no-gate", message, hint="add a gate for it, or drop protected")
            continue
        left = [m for m in setting.models if not any(setting.fits(placed, m) for placed in asked)]
        for task in dict.fromkeys(model.value["task"] for model in left):
            names = _few(model.value["name"] for model in left if model.value["task"] == task)
            message = f"{rule.name} is protected and no gate matches {names} (task {task}): they can never enter"
            hint = f"add a gate with match: {{task: {task}}}, or one without match"
            yield setting.document.finding(path, "no-gate", message, hint=hint)


def _ways(setting: Setting) -> Iterator[Finding]:
    """Requirements on the way: a stage to have stood in, stages to come from."""
    policy = setting.policy
    for placed in setting.gates:
        stage, require = placed.gate.stage, placed.gate.require
        rule = policy.stages.get(stage)
        soak, sources = require.get("soak"), (require.get("transition") or {}).get("from")
        if soak and rule and soak["stage"] in policy.stages and soak["stage"] not in (sources or rule.from_):
            message = f"{stage} is not entered from {soak['stage']}: no version stands there when it enters"
            yield placed.document.finding(placed.at("soak", "stage"), "soak", message)
        if soak and soak["at_least_hours"] == 0:
            path = placed.at("soak", "at_least_hours")
            yield placed.document.finding(path, "weak", "0 hours ask nothing", severity="warning")
        if sources and rule and not set(sources) & set(rule.from_):
            message = f"{stage} is entered from {', '.join(rule.from_) or 'nowhere'}, never from {', '.join(sources)}"
            yield placed.document.finding(placed.at("transition", "from"), "transition", message)


def _matches(setting: Setting) -> Iterator[Finding]:
    """Gates that are asked of no model: misspelt, or left behind."""
    for placed in setting.gates if setting.models else ():
        if placed.gate.match and not any(setting.fits(placed, model) for model in setting.models):
            left = f"{placed.model} does not fit" if placed.model else "no registered model fits"
            message = f"{left} this match: the gate is asked of nothing"
            yield placed.document.finding((*placed.path, "match"), "match", message, severity="warning")


def _contradictions(setting: Setting) -> Iterator[Finding]:
    """A floor above a ceiling, in one gate or in two that add up."""
    bounds = [(placed, name, entry) for placed in setting.gates for name, entry in _bounds(placed)]
    for (one, name, floor), (other, same, ceiling) in product(bounds, bounds):
        low, high = number(floor.get("min")), number(ceiling.get("max"))
        if name != same or low is None or high is None or low <= high or not _together(setting, one, other):
            continue
        where = "" if one is other else f" ({_place(other, name, 'max')})"
        message = f"{name} must be at least {low:g} and at most {high:g}{where}: no value is"
        yield one.document.finding(one.at("metrics", name, "min"), "contradiction", message)


def _together(setting: Setting, one: PlacedGate, other: PlacedGate) -> bool:
    """Whether both may be asked of one version: of a registered model, or of one that could be."""
    if one.gate.stage != other.gate.stage:
        return False
    if one is other or any(setting.fits(one, m) and setting.fits(other, m) for m in setting.models):
        return True
    if one.model is not None or other.model is not None:
        return False
    mine, theirs = one.gate.match, other.gate.match
    apart = any(key in mine and key in theirs and mine[key] != theirs[key] for key in ("task", "model"))
    tags, more = mine.get("tags") or {}, theirs.get("tags") or {}
    return not apart and all(more.get(key, value) == value for key, value in tags.items())


def _ranges(setting: Setting) -> Iterator[Finding]:
    """Bounds outside of what the metric can be: a percentage where a share is meant, or nothing asked."""
    for placed in setting.gates:
        for name, entry in _bounds(placed):
            least, most = _range(name)
            for key, outside, idle in (("min", most, least), ("max", least, most)):
                bound = number(entry.get(key))
                if bound is None:
                    continue
                sign = 1 if key == "min" else -1
                path = placed.at("metrics", name, key)
                if outside is not None and sign * bound > sign * outside:
                    share = " (0.85, not 85)" if (least, most) == (0.0, 1.0) and bound > 1 else ""
                    message = f"{name} is {'never above' if key == 'min' else 'never below'} {outside:g}{share}"
                    yield placed.document.finding(path, "range", message, severity="warning")
                elif idle is not None and sign * bound <= sign * idle:
                    message = f"asks nothing: {name} is {'never below' if key == 'min' else 'never above'} {idle:g}"
                    yield placed.document.finding(path, "weak", message, severity="warning")


def _range(name: str) -> tuple[float | None, float | None]:
    words = [word for word in name.split("_") if word in _RANGES]
    found = _RANGES[words[-1]] if words else (None, None)
    # mean_accuracy_error and the like: its last word says what it is. neg_mean_squared_error is negative.
    if name.startswith("neg_") or (found[0] == 0.0 and found[1] == 1.0 and default_direction(name) == "lower"):
        return None, None
    return found


def _constants(setting: Setting) -> Iterator[Finding]:
    """Rules that read nothing."""
    from modelreg.domain.rules import constant

    places: list[tuple[Document, Path, str, bool]] = [
        (placed.document, placed.at("rules", index, "expr"), rule["expr"], False)
        for placed in setting.gates
        for index, rule in enumerate(placed.gate.require.get("rules") or ())
    ]
    for index, rule in enumerate(setting.document.value.get("rollback_when") or ()):
        places.append((setting.document, ("rollback_when", index, "expr"), rule["expr"], True))
    for document, path, expression, live in places:
        if constant(expression, live=live):
            yield document.finding(path, "weak", "reads nothing: it says the same of every version", severity="warning")


def _unknown(setting: Setting) -> Iterator[Finding]:
    """Checks that the schema knows and no gate judges: they always refuse."""
    for placed in setting.gates:
        for name in placed.gate.require.keys() - CHECKS.keys():
            message = f"no check of that name is judged: {placed.gate.stage} can never be entered"
            yield placed.document.finding(placed.at(name), "unknown-check", message, hint="leave it out")


def _versioning(setting: Setting) -> Iterator[Finding]:
    """Rules of `--bump auto` that surprise: content that is lost, callers who are not warned."""
    for kind, part in setting.policy.versioning.items():
        path = ("versioning", kind)
        if kind == "content" and part == "none":
            message = "a model that was trained again to other bytes is then no new version: it is not registered"
            yield setting.document.finding(path, "versioning", message, severity="warning")
        if kind == "signature-incompatible" and part != "major":
            message = "it breaks callers: a gate with `signature: compatible` lets only a major version pass"
            yield setting.document.finding(path, "versioning", message, severity="warning")


def _bounds(placed: PlacedGate) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from (placed.gate.require.get("metrics") or {}).items()


def _place(placed: PlacedGate, *parts: str) -> str:
    mark = placed.document.mark(placed.at("metrics", *parts))
    return f"{placed.document.file}:{mark.line}" if mark else placed.document.file


def _few(names: Iterator[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:3]) + (f" and {len(listed) - 3} more" if len(listed) > 3 else "")
