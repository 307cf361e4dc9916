"""Each thing that a range does, judged: registrations, transitions, statements, descriptions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modelreg.domain.context import Actor
from modelreg.domain.finding import Finding
from modelreg.domain.gate_report import ChangeKind, JudgedChange
from modelreg.domain.layout import Place
from modelreg.domain.names import ModelName
from modelreg.domain.stages import Stages, apply
from modelreg.domain.transition import Transition
from modelreg.domain.verdict import Verdict
from modelreg.domain.version import Version
from modelreg.registry.gate_range import Range
from modelreg.registry.writing import sha256

_APPROVALS = ("approval", "approval-withdrawal")


def registrations(what: Range) -> Iterable[JudgedChange]:
    """New manifests: one per model and landing, within the limits, by who may."""
    places = what.added("manifest")
    for place in places:
        model, version = ModelName(str(place.model)), Version.parse(str(place.version))
        manifest = what.head.manifest(model, version, check=True)
        several = [other for other in places if other.model == place.model]
        reason = "" if len(several) == 1 else "two on one landing share a commit, which breaks their tags for ever"
        verdicts = [
            Verdict("single", len(several) == 1, "one new version of a model", str(len(several)), reason),
            *_limits(what, [artifact.size_bytes for artifact in manifest.artifacts]),
        ]
        author = (manifest.body.get("author") or {}).get("email")
        actor = what.judge.actor(str(author), None)
        verdict = what.judge.access("register", actor, model)
        verdicts += [verdict] if verdict else []
        by = str(author) if author else None
        yield JudgedChange("register", place.path, tuple(verdicts), model, str(version), by=by)


def _limits(what: Range, sizes: Sequence[int]) -> Iterable[Verdict]:
    limits = what.judge.policy.limits
    for key, size in (("artifact_max_bytes", max(sizes, default=0)), ("version_max_bytes", sum(sizes))):
        if key in limits:
            passed = size <= limits[key]
            reason = "" if passed else "larger than the policy allows"
            yield Verdict(f"limits.{key}", passed, f"<= {limits[key]} bytes", f"{size} bytes", reason)


def transitions(what: Range) -> Iterable[JudgedChange]:
    """Each on the state that those before it leave, by the base's policy."""
    by_model: dict[ModelName, list[Place]] = {}
    for place in what.added("transition"):
        by_model.setdefault(ModelName(str(place.model)), []).append(place)
    for model, places in sorted(by_model.items()):
        state = _before(what, model)
        before = what.base.transition_numbers(model)
        expected = max(before, default=0)
        for place in sorted(places, key=lambda place: place.number or 0):
            expected += 1
            yield _transition(what, place, model, state, expected)
            state = apply(state, what.head.transition(model, int(str(place.number))), what.judge.policy.initial)


def sums(what: Range) -> Iterable[Finding]:
    """stages.yaml moves by transitions only. `validate` says so of one tree, and more; this is asked of each landing,
    since one that a later landing took back was served meanwhile."""
    layout = what.base.layout
    for model in sorted(
        {ModelName(p.model) for _, p in what.changes if p.model and p.kind in ("stages", "transition")}
    ):
        state = _before(what, model)
        for place in sorted((p for p in what.added("transition") if p.model == model), key=lambda p: p.number or 0):
            state = apply(state, what.head.transition(model, int(str(place.number))), what.judge.policy.initial)
        if what.head.stages(model) != state:
            message = f"landing {str(what.commits[1])[:12]}: is not what the transitions sum up to"
            yield Finding(layout.stages(model), "stages-sum", message, line=1)


def _before(what: Range, model: ModelName) -> Stages:
    known = what.base.has_model(model)
    return what.base.stages(model) if known else Stages()


def _transition(what: Range, place: Place, model: ModelName, state: Stages, expected: int) -> JudgedChange:
    number = int(str(place.number))
    what.head.checked(place.path, "transition")
    transition = what.head.transition(model, number)
    signer = _signer(what, place.path, transition)
    verdicts = list(_bound(what, transition, model, number, expected))
    if all(verdict.passed for verdict in verdicts):
        verdicts += what.judge.judge(transition, state, signer).verdicts
    alias = next(iter(transition.aliases)) if transition.kind == "alias" else None
    return JudgedChange(
        kind=transition.kind,
        file=place.path,
        verdicts=tuple(verdicts),
        model=model,
        version=str(transition.version) if transition.version else None,
        from_=str(state.aliases.get(alias) or "") or None if alias else transition.from_,
        to=alias or transition.to,
        by=transition.by,
        transition=number,
    )


def _bound(what: Range, transition: Transition, model: ModelName, number: int, expected: int) -> Iterable[Verdict]:
    """Whether the record is about what its place says, and of a manifest that is there."""
    same = (transition.model, transition.number) == (model, number) and number == expected
    reason = "" if same else "another change landed first: modelreg propose --refresh makes the record again on it"
    said = f"{transition.model} {transition.number} in {number:04d}.yaml"
    yield Verdict("number", same, f"{model} {expected}", said, reason)
    if transition.version is None:
        return  # an alias is removed: the schema lets no other record do without a version
    path = what.head.layout.manifest(model, transition.version)
    data = what.head.tree.read(path)
    digest = sha256(data) if data is not None else "missing"
    passed = digest == transition.manifest_sha256
    reason = "" if passed else f"the manifest of {transition.version} is not the one that the record names"
    yield Verdict("manifest", passed, str(transition.manifest_sha256)[:12], digest[:12], reason)


def _signer(what: Range, path: str, transition: Transition) -> str | None:
    data = what.head.tree.read(path)
    signature = what.head.tree.read(f"{path}.sig")
    if data is None or signature is None:
        return None
    return what.judge.statements.signer(path, data, signature, {"by": transition.by})


def evidence(what: Range) -> Iterable[JudgedChange]:
    """New statements: only whether who brings them may. What they are worth is asked when a gate needs them."""
    for place in what.added("evidence"):
        model, version = ModelName(str(place.model)), Version.parse(str(place.version))
        known = {item.path: item for item in what.judge.statements.of(model, version)}
        item = known.get(place.path)
        if item is None:
            reason = "it is malformed, about another manifest, or not named after its content"
            verdicts = [Verdict("statement", False, "a statement about this manifest", "none", reason)]
            yield JudgedChange("evidence", place.path, tuple(verdicts), model, str(version))
            continue
        told = f"{item.type} by {item.body['by']}, {'signed' if item.signer else 'unsigned'}"
        verdicts = [Verdict("statement", True, "a statement about this manifest", told)]
        action = "approve" if item.type in _APPROVALS else "evidence"
        actor = Actor(item.signer, "signature") if item.signer else what.judge.actor(str(item.body["by"]), None)
        stage = item.body.get("to") if action == "approve" else None
        verdict = what.judge.access(action, actor, model, stage)
        verdicts += [verdict] if verdict else []
        yield JudgedChange("evidence", place.path, tuple(verdicts), model, str(version), by=str(item.body["by"]))


def descriptions(what: Range) -> Iterable[JudgedChange]:
    """annotations.yaml, and model.yaml but for what gates hang on (that is a rule, see gate_rules.py)."""
    for change, place in what.changes:
        if place.kind not in ("annotations", "model") or place.model is None:
            continue
        action = "register" if place.kind == "model" and change.status == "A" else "annotate"
        verdicts = []
        if change.status == "D":
            verdicts.append(
                Verdict("kept", False, "a file that stays", "removed", "nothing is removed from a registry")
            )
        if what.judge.circumstances.account is not None:  # else nobody knows who wrote it
            verdict = what.judge.access(action, what.judge.actor("", None), place.model)
            verdicts += [verdict] if verdict else []
        kind: ChangeKind = "annotate" if place.kind == "annotations" else "model"
        yield JudgedChange(kind, place.path, tuple(verdicts), place.model, place.version)
