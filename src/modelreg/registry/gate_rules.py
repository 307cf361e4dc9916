"""Changes of the rules themselves: the policy, the signers, the registry's identity, what a model's gates hang on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from modelreg.domain.approvals import Tally, change_votes, review_votes, reviewers
from modelreg.domain.context import FORGE
from modelreg.domain.document import Document
from modelreg.domain.finding import failed
from modelreg.domain.gate_report import JudgedChange
from modelreg.domain.layout import Place
from modelreg.domain.names import ModelName
from modelreg.domain.verdict import Verdict
from modelreg.errors import ModelregError
from modelreg.registry.gate_range import Range
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.writing import sha256

DECIDING = ("gates", "task", "tags", "primary_metric")
"""Keys of model.yaml that say which gates ask what of the model."""

Digests = dict[str, dict[str, str | None]]


def governed(base: Snapshot, head: Snapshot, places: Iterable[Place]) -> Digests:
    """Of the changed files those that hold rules, with old and new sha256 (None: absent); what an approval names."""
    found: Digests = {}
    for place in places:
        if place.kind in ("registry", "policy", "signers") or (
            place.kind == "model" and place.model and _decides(base, head, ModelName(place.model))
        ):
            old, new = base.tree.read(place.path), head.tree.read(place.path)
            found[place.path] = {"old": _digest(old), "new": _digest(new)}
    return dict(sorted(found.items()))


def _digest(data: bytes | None) -> str | None:
    return None if data is None else sha256(data)


def rules_change(what: Range) -> Iterable[JudgedChange]:
    """One verdict list for all of them: they were approved together or not at all."""
    changed = governed(what.base, what.head, [place for _, place in what.changes])
    if changed:
        verdicts = (*_identity(what, changed), *_serial(what, changed), *_alone(what), _approved(what, changed))
        yield JudgedChange("policy", next(iter(changed)), verdicts)


def _decides(base: Snapshot, head: Snapshot, model: ModelName) -> bool:
    """Whether the change of a model.yaml touches what gates hang on. That of a new model only adds."""
    path = base.layout.model(model)
    if base.tree.read(path) is None:
        return False
    try:
        old, new = base.document(path), head.document(path)
    except ModelregError:
        return True
    before, after = _mapping(old), _mapping(new)
    return any(before.get(key) != after.get(key) for key in DECIDING)


def _mapping(document: Document | None) -> Mapping[str, Any]:
    """What a document says; nothing where there is none, or where it is no mapping."""
    return document.value if document is not None and isinstance(document.value, dict) else {}


def _identity(what: Range, changed: Digests) -> Iterator[Verdict]:
    """The registry's id never changes, and its format never falls."""
    path = what.base.layout.registry
    if path not in changed:
        return
    before, after = what.base.document(path), what.head.document(path)
    for key in ("id", "format"):
        old, new = _mapping(before).get(key), _mapping(after).get(key)
        passed = new == old
        yield Verdict(f"registry.{key}", passed, str(old), str(new), "" if passed else "it never changes")


def _serial(what: Range, changed: Digests) -> Iterator[Verdict]:
    """A policy that was in force once does not come back unseen: its serial grows with every change."""
    path = what.base.layout.policy
    if path not in changed:
        return
    before = what.judge.policy.serial
    after = _mapping(what.head.document(path)).get("serial")
    passed = isinstance(after, int) and after > before
    reason = "" if passed else "every change of policy.yaml raises its serial"
    yield Verdict("policy.serial", passed, f"> {before}", str(after), reason)


def _alone(what: Range) -> Iterator[Verdict]:
    moved = what.added("transition")
    reason = "" if not moved else "rules never change together with a transition: make two pull requests"
    yield Verdict("policy.alone", not moved, "no transition beside it", f"{len(moved)} transitions", reason)


def _approved(what: Range, changed: Digests) -> Verdict:
    """By the base's `change` rule: signed approvals of exactly these files, and reviews on the forge."""
    policy, circumstances = what.judge.policy, what.judge.circumstances
    if policy.change is None or policy.change[0] == 0:
        return Verdict("policy.approvals", True, "none", "the base asks for none")
    count, role = policy.change
    members = policy.members(role)
    barred = dict.fromkeys(authors(what, changed), "wrote the change")
    tallies = [votes(what, changed, members, barred)]
    if circumstances.reviews is not None:
        tallies.append(review_votes(circumstances.reviews, policy, members, barred, FORGE))
    persons = policy.distinct(person for tally in tallies for person in tally.persons)
    expected, actual = f"{count} of {role}", f"{len(persons)}" + (f": {', '.join(persons)}" if persons else "")
    if len(persons) >= count:
        return Verdict("policy.approvals", True, expected, actual)
    unseen = reviewers(policy, members, barred, FORGE) if circumstances.again else frozenset()
    if unseen and len(policy.distinct({*persons, *unseen})) >= count:
        text = f"{actual}; reviews of the forge are not on record"
        return Verdict("policy.approvals", True, expected, text, judged=False)
    refused = [text for tally in tallies for text in tally.refused]
    reason = f"{count - len(persons)} more needed: modelreg policy approve"
    reason += f"; not counted: {'; '.join(refused[:5])}" if refused else ""
    return Verdict("policy.approvals", False, expected, actual, reason)


def authors(what: Range, changed: Digests) -> set[str]:
    """Whoever wrote the changed rules, as far as git and the forge know; they do not approve them."""
    base, tip = what.commits
    found = set(what.judge.workspace.repository.authors(base, tip, list(changed)))
    account = what.judge.circumstances.account
    person = what.judge.policy.person_of(FORGE, account) if account is not None else None
    found |= {person} if person else set()
    return {name for person in found for name in what.judge.policy.also(person)}


def votes(what: Range, changed: Digests, members: frozenset[str], barred: Mapping[str, str]) -> Tally:
    """The signed approvals of exactly these changes, counted by person."""
    workspace, head = what.judge.workspace, what.head
    folder = workspace.layout.approvals
    bodies = []
    for path in head.tree.paths(folder):
        if not path.endswith(".yaml"):
            continue
        try:
            document = head.document(path)
        except ModelregError:
            continue
        data, signature = head.tree.read(path), head.tree.read(f"{path}.sig")
        if document is None or data is None or failed(workspace.documents.check(document, "approval")):
            continue
        bodies.append((document.value, what.judge.statements.signer(path, data, signature, document.value)))
    wanted = {"registry": workspace.settings.id, "paths": changed}
    return change_votes(bodies, wanted, members, barred, what.judge.circumstances.now)
