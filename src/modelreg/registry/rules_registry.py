"""What a schema cannot say of registry.yaml and policy.yaml: the names in them must be names of each other."""

from __future__ import annotations

from collections.abc import Iterator

from modelreg.domain.document import Document, Path
from modelreg.domain.finding import Finding
from modelreg.domain.layout import Layout
from modelreg.domain.names import collision_key
from modelreg.registry.checking import Checked


def registry_rules(checked: Checked, layout: Layout) -> Iterator[Finding]:
    """Rules on the registry as a whole."""
    for path, what in ((layout.registry, "registry.yaml"), (layout.policy, "policy.yaml")):
        if path not in checked.contents and not any(f.file == path for f in checked.findings):
            yield Finding(path, "missing", f"a registry has a {what}", line=1, hint="modelreg init writes it")
    policy = checked.documents.get(layout.policy)
    if policy is not None:
        yield from _policy(policy)
    seen: dict[str, str] = {}
    for path in checked.contents:
        place = layout.place(path)
        if place is None or place.kind != "model" or place.model is None:
            continue
        other = seen.setdefault(collision_key(place.model), place.model)
        if other != place.model:
            yield Finding(path, "name", f"{place.model} differs from {other} only by case, - or _", line=1)
        if policy is not None and (document := checked.documents.get(path)) is not None:
            yield from _gates(document, set(policy.value["stages"]))


def _policy(document: Document) -> Iterator[Finding]:
    body = document.value
    stages = set(body["stages"])
    named: list[tuple[Path, str]] = [(("initial",), body["initial"])]
    for name, rule in body["stages"].items():
        named += [(("stages", name, "from", i), source) for i, source in enumerate((rule or {}).get("from") or ())]
        if (rule or {}).get("displaced_to"):
            named.append((("stages", name, "displaced_to"), rule["displaced_to"]))
    for alias, rule in (body.get("aliases") or {}).items():
        if (rule or {}).get("requires"):
            named.append((("aliases", alias, "requires"), rule["requires"]))
    for path, name in named:
        if name not in stages:
            yield document.finding(path, "unknown-stage", f"there is no stage {name}")
    if (body["stages"].get(body["initial"]) or {}).get("exclusive"):
        path = ("stages", body["initial"], "exclusive")
        yield document.finding(path, "exclusive", "every version begins in the initial stage: it cannot be exclusive")
    yield from _gates(document, stages)


def _gates(document: Document, stages: set[str]) -> Iterator[Finding]:
    """Gates, of the policy or of a model.yaml, name stages of the policy."""
    for index, gate in enumerate(document.value.get("gates") or ()):
        if gate["stage"] not in stages:
            yield document.finding(("gates", index, "stage"), "unknown-stage", f"there is no stage {gate['stage']}")
