"""`modelreg hook pre-receive`: on a server of one's own, the gate stands before every push."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from modelreg.domain.history import turned_back
from modelreg.domain.names import ModelName
from modelreg.domain.plan import CommitId, Tag
from modelreg.errors import ModelregError
from modelreg.registry.announce import expected_tags
from modelreg.registry.gate import judge_range
from modelreg.registry.judging import Circumstances
from modelreg.registry.rejudge import CLOCK_SKEW_S
from modelreg.registry.workspace import Workspace


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """A line of what git hands to the hook (githooks(5)): ids of all zeros stand for absent."""

    old: str
    new: str
    ref: str

    @property
    def creates(self) -> bool:
        return not self.old.strip("0")

    @property
    def deletes(self) -> bool:
        return not self.new.strip("0")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a ref of the push may not move; one is enough for git to refuse all of them."""

    ref: str
    reason: str
    hint: str | None = None


def pre_receive(workspace: Workspace, updates: Sequence[RefUpdate]) -> list[Refusal]:
    """Judge a push. The protected branch goes forward only, each landing by the policy before it; tags of the
    registry are made once, and say what its history says; other refs are nobody's business here."""
    branch = f"refs/heads/{workspace.settings.branch}"
    found: list[Refusal] = []
    tip = workspace.repository.resolve(branch)
    for update in updates:
        if update.ref == branch:
            try:
                found += _branch(workspace, update)
            except ModelregError as error:
                found.append(Refusal(update.ref, str(error), error.hint))
            tip = None if update.deletes else CommitId(update.new)
        elif update.ref.startswith("refs/replace/"):
            found.append(Refusal(update.ref, "replaced objects would show a history that is none"))
        elif update.ref.startswith("refs/remotes/"):
            found.append(Refusal(update.ref, "who reads this repository would take it for the protected branch"))
    tags = [update for update in updates if update.ref.startswith("refs/tags/") and _ours(workspace, tip, update.ref)]
    if tags:
        found += _tags(workspace, tip, tags)
    return found


def _branch(workspace: Workspace, update: RefUpdate) -> Iterator[Refusal]:
    repository = workspace.repository
    if update.deletes:
        yield Refusal(update.ref, "the protected branch is the registry: it is never deleted")
        return
    new = CommitId(update.new)
    if update.creates:
        steps = [(a.parent, a.commit) for a in reversed(repository.first_parents(new))]
    else:
        line = repository.first_parent_range(CommitId(update.old), new)
        if line is None:
            hint = "git pull --rebase; a merge has the protected branch as its first parent"
            reason = f"{update.old[:12]} is not on the first-parent line of {update.new[:12]}: landings only go forward"
            yield Refusal(update.ref, reason, hint)
            return
        steps = list(zip((CommitId(update.old), *line), line, strict=False))
    yield from _times(workspace, update.ref, new, {landing for _, landing in steps})
    for parent, landing in steps:
        yield from _landing(workspace, update.ref, parent, landing)


def _times(workspace: Workspace, ref: str, new: CommitId, pushed: set[CommitId]) -> Iterator[Refusal]:
    now = workspace.clock()
    line = list(reversed(workspace.repository.first_parents(new)))
    for ancestor in line:
        if ancestor.commit in pushed and ancestor.at > now + CLOCK_SKEW_S:
            yield Refusal(ref, f"{ancestor.commit[:12]} has a commit time in the future")
    for ancestor, seconds in turned_back([a for a in line if a.commit in pushed or a.at <= now], CLOCK_SKEW_S):
        if ancestor.commit in pushed:
            yield Refusal(ref, f"{ancestor.commit[:12]} says it is {seconds} s older than what had landed before it")


def _landing(workspace: Workspace, ref: str, parent: CommitId | None, landing: CommitId) -> Iterator[Refusal]:
    now = workspace.clock()
    report = judge_range(workspace, parent, landing, Circumstances(now, via=None))
    for finding in report.findings:
        if finding.severity == "error":
            place = ":".join(str(part) for part in (finding.file, finding.line) if part is not None)
            yield Refusal(ref, f"{landing[:12]}: {place}: {finding.message}", finding.hint)
    for change in report.changes:
        for verdict in change.verdicts:
            if not verdict.passed:
                what = f"{change.kind} {change.model or change.file}" + (f"@{change.version}" if change.version else "")
                yield Refusal(ref, f"{landing[:12]}: {what}: {verdict.check}: {verdict.reason}")


def _ours(workspace: Workspace, tip: CommitId | None, ref: str) -> bool:
    """Whether a tag speaks in the registry's grammar, of a model that it has."""
    name = ref.removeprefix("refs/tags/")
    for mark in ("@", "#"):
        artifact, found, _ = name.partition(mark)
        if found and tip is not None:
            model = artifact.rpartition("=")[2]
            path = workspace.layout.model(model)
            if workspace.layout.artifact_name(model) == artifact and workspace.at(tip).tree.read(path) is not None:
                return True
    return False


def _tags(workspace: Workspace, tip: CommitId | None, updates: Sequence[RefUpdate]) -> Iterator[Refusal]:
    wanted: dict[str, Tag] = {}
    if tip is not None:
        names = {update.ref.removeprefix("refs/tags/") for update in updates}
        models = {ModelName(name.replace("#", "@").partition("@")[0].rpartition("=")[2]) for name in names}
        for model in sorted(models):
            wanted |= {tag.name: tag for tag in expected_tags(workspace, tip, [model])}
    hint = "modelreg announce makes the tags of the history"
    for update in updates:
        name = update.ref.removeprefix("refs/tags/")
        expected = wanted.get(name)
        if not update.creates and not _wrong(workspace, update.old, name, expected):
            yield Refusal(update.ref, "a tag of the registry is made once: it is not moved or deleted", hint)
        elif not update.deletes and (trouble := _wrong(workspace, update.new, name, expected)):
            yield Refusal(update.ref, trouble, hint)


def _wrong(workspace: Workspace, object_id: str, name: str, expected: Tag | None) -> str:
    """Why an object is not the tag that the history calls for; empty where it is. One that stood there before its
    model did, or before the hook, may be so, and goes."""
    tag = workspace.repository.tag_object(object_id)
    if tag is None or tag.inner_name != name:
        return "is no annotated tag of that name"
    if expected is None:
        return "no registration or transition calls for it"
    same = tag.target == expected.target and tag.message.strip() == expected.message.strip()
    return "" if same else "does not say what the history says"
