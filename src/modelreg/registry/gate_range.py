"""What a range does to a registry, file by file, and what it may not do whatever the policy says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from modelreg.domain.finding import Finding
from modelreg.domain.history import Change
from modelreg.domain.layout import ADD_ONLY, Place
from modelreg.domain.plan import CommitId
from modelreg.registry.judging import Judge
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.validate import validate_tree
from modelreg.registry.workspace import Workspace

_CI = (".github/", ".gitlab/", ".gitlab-ci.yml", ".gitea/", ".forgejo/")
_VERBS = {"M": "edited", "D": "removed", "T": "replaced"}


@dataclass(frozen=True, slots=True)
class Range:
    """`changes` are those of the registry, with what each file is; `paths` are all that changed in the repository.

    `commits` are the ends in history, for who wrote them; the head that is judged may be a merge that no ref names.
    """

    judge: Judge
    changes: Sequence[tuple[Change, Place]]
    paths: Sequence[str]
    commits: tuple[CommitId, CommitId]

    @property
    def base(self) -> Snapshot:
        return self.judge.base

    @property
    def head(self) -> Snapshot:
        return self.judge.head

    def added(self, kind: str) -> list[Place]:
        return [place for change, place in self.changes if place.kind == kind and change.status == "A"]


def add_only(what: Range) -> Iterable[Finding]:
    """Manifests, pointers, transitions, evidence and tombstones are added, never touched, and are plain files."""
    for change, place in what.changes:
        if place.kind in ADD_ONLY and change.status != "A":
            verb = _VERBS.get(change.status, "changed")
            hint = "leave it as it landed, and record what changed as a new file"
            if place.kind == "transition":
                hint = f"to undo a promotion: modelreg rollback {place.model}"
            yield Finding(change.path, "add-only", f"is {verb}, and has landed: it is add-only", line=1, hint=hint)
        elif change.mode not in ("100644", "000000"):
            kind = "a symlink" if change.mode == "120000" else "no plain file"
            yield Finding(change.path, "mode", f"must be a plain file (mode 100644), and is {kind}", line=1)


def together(what: Range) -> Iterable[Finding]:
    """What never shares a pull request with a transition: the rules it is judged by, and the workflows that judge."""
    if not what.added("transition"):
        return
    hint = "make it a pull request of its own"
    for path in what.paths:
        if path.startswith(_CI):
            message = "workflows never change together with a transition"
            yield Finding(path, "together", message, line=1, hint=hint)


def well_formed(workspace: Workspace, what: Range) -> Iterable[Finding]:
    models = {place.model for _, place in what.changes if place.model is not None}
    new = any(place.kind == "model" and change.status == "A" for change, place in what.changes)  # a name among others
    everything = new or any(place.model is None and place.kind != "approval" for _, place in what.changes)
    return validate_tree(workspace, what.head, None if everything else frozenset(models))
