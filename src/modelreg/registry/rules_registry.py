"""What a schema cannot say of registry.yaml and policy.yaml: the names in them must be names of each other."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from modelreg.domain.document import Document, Path
from modelreg.domain.finding import Finding
from modelreg.domain.layout import Layout
from modelreg.domain.names import collision_key
from modelreg.domain.policy_setting import roles_asked
from modelreg.registry.checking import Checked

NO_WAY_IN = "no-way-in"
_FROM = "from: [development] lets versions of that stage enter; where nothing shall, leave the stage out"
_DISPLACED = "say where it goes: displaced_to: archived"
_RULE = 'for example: metrics.train_accuracy - metrics.accuracy <= 0.15, or tags.team == "growth"'


def registry_rules(checked: Checked, layout: Layout) -> Iterator[Finding]:
    """Rules on the registry as a whole."""
    for path, what in ((layout.registry, "registry.yaml"), (layout.policy, "policy.yaml")):
        if path not in checked.contents and not any(f.file == path for f in checked.findings):
            yield Finding(path, "missing", f"a registry has a {what}", line=1, hint="modelreg init writes it")
    policy = checked.documents.get(layout.policy)
    if policy is not None and not checked.sound_policy:
        yield from policy_rules(policy)


def name_rules(paths: Iterable[str], layout: Layout) -> Iterator[Finding]:
    """No two models, whose model.yaml lie at these paths, have names that a file system or a reader may confuse."""
    seen: dict[str, str] = {}
    for path in sorted(paths):
        place = layout.place(path)
        if place is not None and place.kind == "model" and place.model is not None:
            other = seen.setdefault(collision_key(place.model), place.model)
            if other != place.model:
                yield Finding(path, "name", f"{place.model} differs from {other} only by case, - or _", line=1)


def model_gate_rules(checked: Checked, layout: Layout) -> Iterator[Finding]:
    """Rules on what each model.yaml adds to the policy's gates."""
    policy = checked.documents.get(layout.policy)
    for path, document in checked.documents.items():
        place = layout.place(path)
        if policy is not None and place is not None and place.kind == "model":
            yield from gate_rules(document, policy)


def policy_rules(document: Document) -> Iterator[Finding]:
    """Rules on policy.yaml by itself: stages and roles that it names exist, rules can be rules."""
    body = document.value
    yield from _stages(document)
    for index, rule in enumerate(body.get("rollback_when") or ()):
        path: Path = ("rollback_when", index)
        yield from _unknown(document, [((*path, "stage"), rule["stage"])], body["stages"], "stage")
        yield from _expression(document, (*path, "expr"), rule["expr"], live=True)
    roles: list[tuple[Path, str]] = []
    stages: list[tuple[Path, str]] = []
    if "change" in body:
        roles.append((("change", "role"), body["change"]["role"]))
    for index, entry in enumerate(body.get("access") or ()):
        roles.append((("access", index, "role"), entry["role"]))
        stages += [(("access", index, "stages", i), stage) for i, stage in enumerate(entry.get("stages") or ())]
    for index, rule in enumerate(body.get("notifications") or ()):
        stages += [(("notifications", index, "stages", i), stage) for i, stage in enumerate(rule.get("stages") or ())]
    kept = (body.get("retention") or {}).get("keep_stages") or ()
    stages += [(("retention", "keep_stages", i), stage) for i, stage in enumerate(kept)]
    yield from _unknown(document, roles, body.get("roles") or {}, "role")
    yield from _unknown(document, stages, body["stages"], "stage")
    yield from gate_rules(document, document)


def gate_rules(document: Document, policy: Document) -> Iterator[Finding]:
    """Gates, of the policy or of a model.yaml, name stages and roles of the policy; their rules can be rules."""
    roles: list[tuple[Path, str]] = []
    stages: list[tuple[Path, str]] = []
    for index, gate in enumerate(document.value.get("gates") or ()):
        path: Path = ("gates", index)
        require = gate["require"]
        stages.append(((*path, "stage"), gate["stage"]))
        roles += [((*path, "require", *place), role) for place, role in roles_asked(require)]
        if "soak" in require:
            stages.append(((*path, "require", "soak", "stage"), require["soak"]["stage"]))
        for i, source in enumerate((require.get("transition") or {}).get("from") or ()):
            stages.append(((*path, "require", "transition", "from", i), source))
        for i, rule in enumerate(require.get("rules") or ()):
            yield from _expression(document, (*path, "require", "rules", i, "expr"), rule["expr"])
    yield from _unknown(document, stages, policy.value["stages"], "stage")
    yield from _unknown(document, roles, policy.value.get("roles") or {}, "role")


def _stages(document: Document) -> Iterator[Finding]:
    body = document.value
    rules = {name: rule or {} for name, rule in body["stages"].items()}
    named: list[tuple[Path, str]] = [(("initial",), body["initial"])]
    for name, rule in rules.items():
        named += [(("stages", name, "from", i), source) for i, source in enumerate(rule.get("from") or ())]
        if rule.get("displaced_to"):
            named.append((("stages", name, "displaced_to"), rule["displaced_to"]))
    for alias, rule in (body.get("aliases") or {}).items():
        if (rule or {}).get("requires"):
            named.append((("aliases", alias, "requires"), rule["requires"]))
    yield from _unknown(document, named, rules, "stage")
    if rules.get(body["initial"], {}).get("exclusive"):
        path = ("stages", body["initial"], "exclusive")
        yield document.finding(path, "exclusive", "every version begins in the initial stage: it cannot be exclusive")
    entered = {rule.get("displaced_to") for rule in rules.values() if rule.get("exclusive")}
    for name, rule in rules.items():
        place: Path = ("stages", name)
        if name != body["initial"] and name not in entered and not rule.get("from"):
            yield document.finding(place, NO_WAY_IN, f"{name} has no way in", hint=_FROM, severity="warning")
        if rule.get("exclusive") and not rule.get("displaced_to"):
            message = f"a holder of {name} that makes room goes back to {body['initial']}"
            yield document.finding(place, "displaced-to", message, hint=_DISPLACED, severity="warning")


def _unknown(
    document: Document, named: Iterable[tuple[Path, str]], known: Container[str], what: str
) -> Iterator[Finding]:
    for path, name in named:
        if name not in known:
            hint = "policy.yaml defines roles: {reviewer: [ann@example.org]}" if what == "role" else None
            yield document.finding(path, f"unknown-{what}", f"there is no {what} {name}", hint=hint)


def _expression(document: Document, path: Path, expression: str, *, live: bool = False) -> Iterator[Finding]:
    from modelreg.domain.rules import problems  # with it comes CEL, which most registries do not need

    for problem in problems(expression, live=live):
        yield document.finding(path, "rule", problem, hint=_RULE)
