"""Add-only: once landed, a manifest, pointer, transition, piece of evidence or tombstone is never edited or removed."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

from modelreg.domain.finding import Finding
from modelreg.domain.layout import ADD_ONLY
from modelreg.domain.names import ModelName
from modelreg.domain.plan import CommitId
from modelreg.registry.landings import landings_in_parts
from modelreg.registry.ports import Entry, Tree
from modelreg.registry.workspace import Workspace

_VERBS = {"M": "edited", "D": "removed", "T": "replaced"}
_HINT = (
    "such files are add-only: restore it with `git checkout {commit} -- {path}`, and record what changed as a new file"
)


def touched_since_landing(
    workspace: Workspace, tip: CommitId, model: ModelName | None = None, tree: Tree | None = None
) -> list[Finding]:
    """Without `tree`: landings that touched an add-only file. With it: files that differ in it from what first landed.

    The first is what an auditor asks and no later commit mends; the second is what an author can mend. Raises
    UnavailableError in a shallow clone.
    """
    layout = workspace.layout
    prefix = layout.prefix if model is None else layout.model_folder(model)
    landed: dict[str, tuple[str, str, CommitId]] = {}
    findings: list[Finding] = []
    parts = landings_in_parts(workspace.repository, tip, prefix)
    for landing in chain.from_iterable(parts):
        for change in landing.changes:
            place = layout.place(change.path)
            if place is None or place.kind not in ADD_ONLY:
                continue
            if change.path not in landed:
                if change.blob is not None:
                    landed[change.path] = (change.mode, change.blob, landing.commit)
            else:
                verb = _VERBS.get(change.status, "added again")
                text = f"was {verb} by {landing.commit[:12]}, after it had landed"
                hint = _HINT.format(commit=landed[change.path][2][:12], path=change.path)
                findings.append(Finding(change.path, "add-only", text, line=1, hint=hint))
    if tree is None:
        return findings
    return _differences(tree, prefix, landed)


def changed_since_landing(
    workspace: Workspace, tip: CommitId, since: CommitId | None, landed: Mapping[str, Entry]
) -> bool:
    """Whether a landing after `since` (None: any), whose files are `landed`, touched an add-only file that had landed.

    A file that was removed before `since` and is added again is not seen: ask only where nothing was touched till then.
    """
    layout = workspace.layout
    seen: set[str] = set()
    parts = landings_in_parts(workspace.repository, tip, layout.prefix, since)
    for landing in chain.from_iterable(parts):
        for change in landing.changes:
            place = layout.place(change.path)
            if place is None or place.kind not in ADD_ONLY:
                continue
            if change.status != "A" or change.path in seen or change.path in landed:
                return True
            seen.add(change.path)
    return False


def _differences(tree: Tree, prefix: str, landed: dict[str, tuple[str, str, CommitId]]) -> list[Finding]:
    findings: list[Finding] = []
    present = tree.paths(prefix)
    for path, (mode, blob, commit) in landed.items():
        entry = present.get(path)
        if entry is not None and (entry.mode, entry.blob) == (mode, blob):
            continue
        verb = "was removed" if entry is None else "differs from what landed"
        hint = _HINT.format(commit=commit[:12], path=path)
        findings.append(Finding(path, "add-only", f"{verb} ({commit[:12]} landed it)", line=1, hint=hint))
    return findings
