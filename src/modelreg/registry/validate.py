"""`validate`: every document through the YAML door and its schema, then what a schema cannot say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from modelreg.domain.document import Document
from modelreg.domain.finding import Finding, failed
from modelreg.domain.layout import DocumentKind, Place, holders
from modelreg.errors import ModelregError, NotFoundError, UnavailableError
from modelreg.registry.addonly import touched_since_landing
from modelreg.registry.checking import Checked
from modelreg.registry.index_port import Index
from modelreg.registry.ports import Entry, Tree
from modelreg.registry.rules import model_rules
from modelreg.registry.rules_registry import model_gate_rules, name_rules, registry_rules
from modelreg.registry.rules_signers import signer_rules
from modelreg.registry.rules_statements import statement_rules
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.sound import SoundModels, differing, untouched
from modelreg.registry.workspace import Workspace

_DOCUMENTS = frozenset(get_args(DocumentKind))

_FILES_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Validation:
    """How many files were read, and what is wrong, in order of file and line."""

    files: int
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether none of it is an error."""
        return not failed(self.findings)


def validate(
    workspace: Workspace,
    paths: Sequence[str] = (),
    *,
    changed_since: str | None = None,
    ref: str | None = None,
    index: Index | None = None,
) -> Validation:
    """Validate the work tree (a bare repository's protected branch), or with `ref` a commit.

    `paths` (from the repository's top) and `changed_since` narrow it to the models they touch; the registry's own
    documents are always read. With an `index` models that were found sound and are as they were then are not read
    again (docs/decisions/0006). Raises NotFoundError for a path or ref that does not exist.
    """
    tree = _ListedOnce(tree_of(workspace, ref, index))
    snapshot = Snapshot(tree, workspace.documents, workspace.layout)
    entries = tree.paths(workspace.layout.prefix)
    models = _models(workspace, entries, paths, changed_since)
    findings = validate_tree(workspace, snapshot, models, index)
    files = sum(1 for path in entries if _concerned(workspace, path, models))
    findings += _history(workspace, tree, ref, models, index)
    findings = list(dict.fromkeys(findings))
    findings.sort(key=lambda f: (f.file, f.line or 0, f.column or 0, f.code))
    return Validation(files, tuple(findings))


def validate_tree(
    workspace: Workspace, snapshot: Snapshot, models: frozenset[str] | None = None, index: Index | None = None
) -> list[Finding]:
    """The findings of one tree, history aside; of some models, or (None) of all."""
    layout = workspace.layout
    entries = _entries(workspace, snapshot.tree, models)
    dvc_yaml = snapshot.tree.read(layout.dvc_yaml)
    memory = SoundModels(workspace, entries, dvc_yaml, index)
    wanted = [path for path in entries if _concerned(workspace, path, models) and not memory.knows(path)]
    by_model = _by_model(workspace, wanted)
    of_models = {path for files in by_model.values() for path in files}
    own = Checked(sound_policy=memory.policy)
    _check_files(workspace, snapshot, own, memory, entries, [path for path in wanted if path not in of_models])
    if dvc_yaml is not None:
        own.contents[layout.dvc_yaml] = dvc_yaml
    findings = own.findings
    findings += registry_rules(own, layout)
    findings += signer_rules(own, layout)
    findings += statement_rules(own, layout)
    named = list(name_rules((path for path in entries if path.endswith("/model.yaml")), layout))
    findings += named
    memory.judged_policy(own)
    memory.keep(own)
    for part in _parts(by_model):
        checked = own.beside([layout.registry, layout.policy, layout.dvc_yaml])
        files = [path for model in part for path in by_model[model]]
        _check_files(workspace, snapshot, checked, memory, entries, files)
        checked.findings += model_gate_rules(checked, layout)
        checked.findings += signer_rules(checked, layout)
        checked.findings += statement_rules(checked, layout)
        wrong = {place.model for f in (*named, *checked.findings) if (place := layout.place(f.file))}
        for model in part:
            its = {path: entries[path] for path in by_model[model]}
            of_model = list(model_rules(checked, snapshot, workspace, model, its))
            if not of_model and model not in wrong:
                memory.judged(model, checked)
            checked.findings += of_model
        memory.keep(checked)
        findings += checked.findings
    return findings


def _check_files(
    workspace: Workspace,
    snapshot: Snapshot,
    checked: Checked,
    memory: SoundModels,
    entries: Mapping[str, Entry],
    paths: Sequence[str],
) -> None:
    memory.ask(paths)
    contents = snapshot.tree.read_many(paths)
    for path in paths:
        place = workspace.layout.place(path)
        if place is not None:
            fits = memory.fits(place.kind, entries[path])
            _check_file(workspace, checked, place, entries[path], contents.get(path), fits=fits)


def _by_model(workspace: Workspace, paths: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for place in map(workspace.layout.place, paths):
        if place is not None and place.model:
            found.setdefault(place.model, []).append(place.path)
    return found


def _parts(by_model: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """Models, some at a time: what was read of them need not be kept until the last is."""
    part: list[str] = []
    files = 0
    for model in sorted(by_model):
        part.append(model)
        files += len(by_model[model])
        if files >= _FILES_AT_ONCE:
            yield part
            part, files = [], 0
    if part:
        yield part


def _entries(workspace: Workspace, tree: Tree, models: frozenset[str] | None) -> Mapping[str, Entry]:
    """The files that are concerned; of some models without listing the others, however many there are."""
    layout = workspace.layout
    if models is None:
        return tree.paths(layout.prefix)
    rules = (layout.registry, layout.policy, layout.allowed_signers, layout.revoked_signers, layout.approvals)
    prefixes = [*rules, *(layout.model_folder(model) for model in sorted(models))]
    tree.list_many(prefixes)
    return {path: entry for prefix in prefixes for path, entry in tree.paths(prefix).items()}


def tree_of(workspace: Workspace, ref: str | None, index: Index | None = None) -> Tree:
    """What is checked: the work tree, in a bare repository the protected branch, or with `ref` a commit."""
    repository = workspace.repository
    if ref is not None or repository.head().bare:
        return repository.tree(workspace.tip(ref))
    known = index.work_tree() if index is not None else None
    return repository.work_tree() if known is None else known


class _ListedOnce:
    """A tree whose files are listed once: of a work tree each listing reads every file."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._listed: dict[str, Mapping[str, Entry]] = {}

    def paths(self, prefix: str) -> Mapping[str, Entry]:
        if prefix not in self._listed:
            self._listed[prefix] = self._tree.paths(prefix)
        return self._listed[prefix]

    def list_many(self, prefixes: Iterable[str]) -> None:
        self._tree.list_many(prefixes)

    def holding(self, folder: str, name: str) -> Mapping[str, Entry]:
        listed = self.paths(folder)
        return {called: listed[path] for called, path in holders(listed, folder, name).items()}

    def read(self, path: str) -> bytes | None:
        return self._tree.read(path)

    def read_many(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        return self._tree.read_many(paths)


def _models(
    workspace: Workspace, entries: Iterable[str], paths: Sequence[str], changed_since: str | None
) -> frozenset[str] | None:
    """The models that are concerned; None for all."""
    if not paths and changed_since is None:
        return None
    layout = workspace.layout
    known = list(entries)
    touched: list[str] = []
    for path in paths:
        below = [p for p in known if p == path or p.startswith(path.rstrip("/") + "/") or path in (".", "")]
        if not below and not path.startswith(layout.prefix.rstrip("/")) and path != layout.dvc_yaml:
            raise NotFoundError("is no file of this registry", file=path, hint="leave paths out to validate all of it")
        touched += below or [path]
    if changed_since is not None:
        touched += _changed(workspace, changed_since)
    places = [layout.place(path) for path in touched]
    if any(place is None or place.kind in ("registry", "policy") for place in places):
        return None
    return frozenset(place.model for place in places if place and place.model)


def _changed(workspace: Workspace, ref: str) -> list[str]:
    prefix = workspace.layout.prefix
    before = workspace.repository.tree(workspace.tip(ref)).paths(prefix)
    after = tree_of(workspace, None).paths(prefix)
    return [path for path in {**before, **after} if before.get(path) != after.get(path)]


def _concerned(workspace: Workspace, path: str, models: frozenset[str] | None) -> bool:
    if models is None:
        return True
    place = workspace.layout.place(path)
    return place is None or place.model is None or place.model in models


def _history(
    workspace: Workspace, tree: Tree, ref: str | None, models: frozenset[str] | None, index: Index | None
) -> list[Finding]:
    """Add-only files that are not what they were when they landed."""
    try:
        tip = workspace.tip(ref)
        found = differing(workspace, tip, tree) if untouched(workspace, tip, index) else None
        if found is None:
            found = touched_since_landing(workspace, tip, None, tree)
        return [finding for finding in found if _concerned(workspace, finding.file, models)]
    except UnavailableError as error:
        message = f"whether add-only files were touched is not judged: {error.message}"
        return [Finding(workspace.layout.prefix, "history", message, severity="warning", hint=error.hint)]
    except NotFoundError:
        return []  # nothing has landed yet


def _check_file(
    workspace: Workspace, checked: Checked, place: Place, entry: Entry, data: bytes | None, *, fits: bool = False
) -> None:
    """Mode, YAML and schema of one file; what is sound goes into `checked`. `fits`: its schema was asked before."""
    path = place.path
    if entry.mode != "100644":
        kind = "a symlink" if entry.mode == "120000" else "executable" if entry.mode == "100755" else "no regular file"
        checked.findings.append(Finding(path, "mode", f"must be a plain file (mode 100644), and is {kind}", line=1))
        if entry.mode != "100755":
            return
    if place.kind == "unknown":
        message = "is no file that a registry holds"
        checked.findings.append(Finding(path, "unknown-file", message, severity="warning", hint="move it elsewhere"))
        return
    if data is None:
        checked.findings.append(Finding(path, "unreadable", "cannot be read", line=1))
        return
    checked.contents[path] = data
    if place.kind not in _DOCUMENTS and place.kind != "pointer":
        return
    document = _load(workspace, checked, path, data)
    if document is None:
        return
    if place.kind == "pointer":
        checked.documents[path] = document
        return
    findings = [] if fits else workspace.documents.check(document, place.kind)
    checked.findings += findings
    if not findings:
        checked.documents[path] = document


def _load(workspace: Workspace, checked: Checked, path: str, data: bytes) -> Document | None:
    try:
        return workspace.documents.load(data, path)
    except ModelregError as error:
        checked.findings.append(
            Finding(
                path,
                "yaml",
                error.message,
                line=error.line,
                column=1 if error.line else None,
                field=error.field,
                hint=error.hint,
            )
        )
        return None
