"""What a schema cannot say of stages and transitions: numbers without gap, and stages.yaml their sum."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from modelreg.domain.document import Document
from modelreg.domain.finding import Finding
from modelreg.domain.layout import Layout, Place
from modelreg.domain.names import Stage
from modelreg.domain.policy import Policy
from modelreg.domain.stages import Stages, apply
from modelreg.domain.transition import Transition
from modelreg.domain.version import Version
from modelreg.registry.checking import Checked

_ROLLED = "write a new record instead: modelreg stage set"


def stage_rules(
    checked: Checked, layout: Layout, model: str, places: Iterable[Place], versions: set[str]
) -> Iterator[Finding]:
    """Rules on transitions/ and stages.yaml of one model."""
    places = list(places)
    numbered = {p.number: p.path for p in places if p.kind == "transition" and p.number is not None}
    policy = _policy(checked, layout)
    yield from _gaps(layout, model, numbered)
    gone = {p.version for p in places if p.kind == "withdrawn" and p.version}
    state = Stages()
    complete = policy is not None
    for number, path in sorted(numbered.items()):
        document = checked.documents.get(path)
        if document is None or policy is None:
            complete = False
            continue
        yield from _record_rules(checked, layout, document, model, number, versions)
        transition = Transition.from_mapping(document.value)
        if complete:
            yield from _follows(document, transition, state, policy)
            state = apply(state, transition, policy.initial)
    withdrawals = {
        str(document.value["version"]): path
        for path in numbered.values()
        if (document := checked.documents.get(path)) and document.value["kind"] == "withdraw"
    }
    for version in sorted(gone - set(withdrawals)) if complete else ():
        yield Finding(
            layout.withdrawn(model, version), "stages-sum", "no transition withdraws it", line=1, hint=_ROLLED
        )
    for version in sorted(set(withdrawals) - gone):
        message = f"withdraws {version}, which has no withdrawn.yaml: it would be served still"
        yield Finding(withdrawals[version], "tombstone", message, line=1, hint="modelreg withdraw writes both")
    yield from _stages_file(checked, layout, model, state if complete else None, policy, versions, gone)


def _policy(checked: Checked, layout: Layout) -> Policy | None:
    document = checked.documents.get(layout.policy)
    return Policy.from_mapping(document.value) if document else None


def _gaps(layout: Layout, model: str, numbered: Mapping[int, str]) -> Iterator[Finding]:
    """One finding for a gap, however wide: a stranger's file may be called 9999999999.yaml (A19)."""
    before = 0
    for number in sorted(numbered):
        first, last, before = before + 1, number - 1, number
        if first <= last:
            more = f", and so are all up to {last:04d}" if first < last else ""
            message = f"is missing{more}: transitions number from 1 without gap"
            hint = "a record is never removed; git checkout it"
            yield Finding(layout.transition(model, first), "transition-gap", message, line=1, hint=hint)


def _record_rules(
    checked: Checked, layout: Layout, document: Document, model: str, number: int, versions: set[str]
) -> Iterator[Finding]:
    """One record against its name, the versions and the bytes of the manifest that it names."""
    body = document.value
    if body["number"] != number:
        yield document.finding(("number",), "name", f"says {body['number']}, and the file is {number:04d}.yaml")
    if body["model"] != model:
        yield document.finding(("model",), "name", f"says {body['model']!r}, and its folder is {model}")
    version = body["version"]
    if version is not None and version not in versions:
        yield document.finding(("version",), "unknown-version", f"{model} has no version {version}")
    elif version is not None and body.get("manifest_sha256") is not None:
        digest = checked.sha256(layout.manifest(model, version))
        if digest is not None and digest != body["manifest_sha256"]:
            yield document.finding(("manifest_sha256",), "digest", f"the manifest of {version} has sha256 {digest}")
    for index, displaced in enumerate(body.get("displaces") or ()):
        if displaced["version"] not in versions:
            message = f"{model} has no version {displaced['version']}"
            yield document.finding(("displaces", index, "version"), "unknown-version", message)


def _follows(document: Document, transition: Transition, state: Stages, policy: Policy) -> Iterator[Finding]:
    """A record must begin where the one before it ended."""
    if transition.kind == "alias" or transition.version is None:
        return
    stands = state.stage_of(transition.version, policy.initial)
    if transition.from_ != stands:
        message = f"says from {transition.from_}, and {transition.version} stood in {stands}"
        yield document.finding(("from",), "transition-from", message, hint=_ROLLED)
    rule = policy.stages.get(transition.to) if transition.to else None
    if rule is None or not rule.exclusive:
        return
    leaving = {displaced.version for displaced in transition.displaces}
    staying = [v for v in state.holders.get(rule.name, ()) if v != transition.version and v not in leaving]
    if staying:
        message = f"{rule.name} is exclusive, and {', '.join(map(str, staying))} is not displaced"
        yield document.finding(("to",), "exclusive", message)


def _stages_file(
    checked: Checked,
    layout: Layout,
    model: str,
    expected: Stages | None,
    policy: Policy | None,
    versions: set[str],
    gone: set[str],
) -> Iterator[Finding]:
    path = layout.stages(model)
    document = checked.documents.get(path)
    if document is None:
        if path not in checked.contents and versions:
            yield Finding(path, "missing", "every model has a stages.yaml", line=1, hint="git checkout HEAD -- " + path)
        return
    stages = Stages.from_mapping(document.value)
    yield from _members(document, stages, policy, model, versions, gone)
    if expected is not None and stages != expected:
        yield from _sum_differences(document, stages, expected)


def _members(
    document: Document, stages: Stages, policy: Policy | None, model: str, versions: set[str], gone: set[str]
) -> Iterator[Finding]:
    """Stages and aliases name versions that exist, once, in good standing, in stages of the policy."""
    seen: set[Version] = set()
    for stage, held in stages.holders.items():
        listed = isinstance(document.value[stage], list)
        if policy is not None and stage not in policy.stages:
            yield document.finding((stage,), "unknown-stage", f"the policy has no stage {stage}")
        if policy is not None and stage in policy.exclusive and len(held) > 1:
            yield document.finding((stage,), "exclusive", f"{stage} holds one version, not {len(held)}")
        if policy is not None and stage == policy.initial:
            yield document.finding((stage,), "stages-sum", f"{stage} is where versions begin, and is not listed")
        for index, version in enumerate(held):
            place = (stage, index) if listed else (stage,)
            yield from _member(document, place, version, model, versions, gone)
            if version in seen:
                yield document.finding(place, "duplicate", f"{version} stands in two places")
            seen.add(version)
    for alias, version in stages.aliases.items():
        yield from _member(document, ("aliases", alias), version, model, versions, gone)
        required = policy.alias_requires.get(alias) if policy else None
        if required is not None and version not in stages.holders.get(required, ()):
            yield document.finding(("aliases", alias), "alias", f"requires {required}, and {version} is not there")


def _member(
    document: Document,
    place: tuple[str | int, ...],
    version: Version,
    model: str,
    versions: set[str],
    gone: set[str],
) -> Iterator[Finding]:
    if str(version) not in versions:
        yield document.finding(place, "unknown-version", f"{model} has no version {version}")
    elif str(version) in gone:
        yield document.finding(place, "withdrawn", f"{version} is withdrawn")


def _sum_differences(document: Document, stages: Stages, expected: Stages) -> Iterator[Finding]:
    """Where stages.yaml is not the sum of the transitions, line by line."""
    hint = "stages.yaml is the sum of transitions/: it changes by modelreg stage set, not by hand"
    for stage in sorted({*stages.holders, *expected.holders}):
        found, wanted = stages.holders.get(stage, ()), expected.holders.get(stage, ())
        if found != wanted:
            message = f"says {_names(found)}, and the transitions sum up to {_names(wanted)}"
            path = (Stage(stage),) if stage in document.value else ()
            yield document.finding(path, "stages-sum", f"{stage} {message}", hint=hint)
    for alias in sorted({*stages.aliases, *expected.aliases}):
        mine, theirs = stages.aliases.get(alias), expected.aliases.get(alias)
        if mine != theirs:
            message = f"alias {alias} names {mine or 'nothing'}, and the transitions sum up to {theirs or 'nothing'}"
            yield document.finding(("aliases", alias), "stages-sum", message, hint=hint)


def _names(versions: Iterable[Version]) -> str:
    return ", ".join(map(str, versions)) or "nothing"
