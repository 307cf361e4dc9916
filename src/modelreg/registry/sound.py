"""What `validate` found sound before and need not look at again: models as they were, and a history as it was.

Only what is sound is remembered, under a digest of all that the finding rests on; whatever is wrong is found anew each
time. Nothing here is asked by a gate, a hook or `verify` (docs/decisions/0006).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

from modelreg.domain.finding import Finding
from modelreg.domain.layout import ADD_ONLY
from modelreg.domain.plan import CommitId
from modelreg.errors import InvalidError
from modelreg.registry.addonly import changed_since_landing
from modelreg.registry.checking import Checked
from modelreg.registry.index_port import Index
from modelreg.registry.ports import Entry, Tree
from modelreg.registry.workspace import Workspace

_BACK = 500
"""So many landings back a history that was judged before is looked for."""


class SoundModels:
    """The models of one tree that are known to be sound. Without an index none is, and nothing is kept."""

    def __init__(
        self, workspace: Workspace, entries: Mapping[str, Entry], dvc_yaml: bytes | None, index: Index | None
    ) -> None:
        self._workspace = workspace
        self._entries = entries
        self._index = index
        self._prefix = workspace.layout.prefix
        self._keys: dict[str, str] = {}
        self._sound: dict[str, list[str]] = {}
        self._fitting: frozenset[str] = frozenset()
        self.known: frozenset[str] = frozenset()
        self.policy = False
        """Whether the rules of the registry itself, its policy's, are known to be met."""
        if index is not None:
            self._keys = self._digests(dvc_yaml)
            self._policy = _digest("policy", self._shared())
            found = index.sound([*self._keys.values(), self._policy]) or {}
            self.known = frozenset(m for m, key in self._keys.items() if key in found and self._all_there(found[key]))
            self.policy = self._policy in found

    def knows(self, path: str) -> bool:
        """Whether the file is one of a model that is known to be sound."""
        return bool(self.known) and _model(path, self._prefix) in self.known

    def ask(self, paths: Iterable[str]) -> None:
        """Which of these documents are known to fit their schemas, by content."""
        if self._index is not None:
            places = [place for path in paths if (place := self._workspace.layout.place(path))]
            keys = {_fits(p.kind, self._entries[p.path]) for p in places}
            self._fitting = frozenset(self._index.sound(keys) or ())

    def fits(self, kind: str, entry: Entry) -> bool:
        """Whether such a document is known to fit its schema."""
        return bool(self._fitting) and _fits(kind, entry) in self._fitting

    def judged(self, model: str, checked: Checked) -> None:
        """A model was found sound: it stays so as long as the parents that its manifests name are there."""
        if self._index is None:
            return
        layout = self._workspace.layout
        manifests = (layout.place(path) for path in checked.documents if path.startswith(layout.model_folder(model)))
        bodies = [checked.documents[place.path].value for place in manifests if place and place.kind == "manifest"]
        parents = (parent for body in bodies for parent in (body.get("lineage") or {}).get("parents") or ())
        self._sound[self._keys[model]] = sorted({layout.manifest(p["model"], p["version"]) for p in parents})

    def judged_policy(self, checked: Checked) -> None:
        """registry.yaml and policy.yaml were looked at, each by itself."""
        own = (self._workspace.layout.registry, self._workspace.layout.policy)
        if self._index is not None and not self.policy and not any(f.file in own for f in checked.findings):
            self._sound[self._policy] = list(own)

    def keep(self, checked: Checked) -> None:
        """Remember what was found sound since the last time."""
        if self._index is None:
            return
        for path in checked.documents:
            place = self._workspace.layout.place(path)
            if place is not None and path in self._entries:
                self._sound.setdefault(_fits(place.kind, self._entries[path]), [])
        new = {key: paths for key, paths in self._sound.items() if key not in self._fitting}
        self._sound = {}
        if new:
            self._index.remember(new)

    def _all_there(self, parents: Iterable[str]) -> bool:
        found = (self._entries.get(parent) for parent in parents)
        return all(entry is not None and entry.mode in ("100644", "100755") for entry in found)

    def _digests(self, dvc_yaml: bytes | None) -> dict[str, str]:
        """A digest by model of all that the rules on it look at, other models' existence aside."""
        files: dict[str, list[str]] = {}
        for path in self._entries:
            if model := _model(path, self._prefix):
                files.setdefault(model, []).append(path)
        shared = self._shared()
        said = {model: self._artifact(dvc_yaml, model) for model in files}
        return {
            model: _digest("model", shared, [self._told(path) for path in sorted(of)], repr(said[model]))
            for model, of in files.items()
        }

    def _told(self, path: str) -> tuple[str, str, str]:
        entry = self._entries[path]
        return path, entry.mode, entry.blob

    def _shared(self) -> str:
        layout = self._workspace.layout
        common = [self._entries.get(path) for path in (layout.registry, layout.policy)]
        return repr((common, self._workspace.settings))

    def _artifact(self, dvc_yaml: bytes | None, model: str) -> object:
        """What dvc.yaml says of a model."""
        path = self._workspace.layout.dvc_yaml
        try:
            found = None if dvc_yaml is None else self._workspace.documents.find(dvc_yaml, path, ("artifacts", model))
        except InvalidError as error:  # then no model is sound
            return error.message
        return None if found is None else found.value


def untouched(workspace: Workspace, tip: CommitId, index: Index | None) -> bool:
    """Whether it is known that no landing up to `tip` touched an add-only file; without an index it is not.

    Goes on from the last landing of which it was known. Raises UnavailableError in a shallow clone.
    """
    if index is None:
        return False
    prefix = workspace.layout.prefix
    line = [ancestor.commit for ancestor in workspace.repository.first_parents(tip)[:_BACK]]
    keys = {_digest("history", prefix, commit): commit for commit in line}
    known = index.sound(keys) or {}
    since = next((commit for key, commit in keys.items() if key in known), None)
    if since != tip:
        landed = dict(workspace.repository.tree(since).paths(prefix)) if since else {}
        if changed_since_landing(workspace, tip, since, landed):
            return False
        index.remember({_digest("history", prefix, tip): []})
    return True


def differing(workspace: Workspace, tip: CommitId, tree: Tree) -> list[Finding] | None:
    """None where add-only files of `tip`, which are what they were when they landed, are not all so in `tree`."""
    layout = workspace.layout
    present = tree.paths(layout.prefix)
    for path, entry in workspace.repository.tree(tip).paths(layout.prefix).items():
        if present.get(path) != entry:
            place = layout.place(path)
            if place is not None and place.kind in ADD_ONLY:
                return None
    return []


def _model(path: str, prefix: str) -> str | None:
    """The model whose folder holds the file, as `Layout.place` has it."""
    model, slash, _ = path[len(prefix) :].partition("/")
    return model if slash and model != "approvals" and path.startswith(prefix) else None


def _fits(kind: str, entry: Entry) -> str:
    return _digest("fits", kind, entry.blob)


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, default=repr).encode()).hexdigest()
