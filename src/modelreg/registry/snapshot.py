"""The registry as a tree says it is: documents parsed when they are asked for, each at most once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from modelreg.domain.card import Card, annotations_card
from modelreg.domain.document import Document
from modelreg.domain.finding import failed
from modelreg.domain.layout import Layout, holders
from modelreg.domain.manifest import Manifest
from modelreg.domain.names import ModelName
from modelreg.domain.plan import CommitId
from modelreg.domain.policy import Gate, Policy, parse_gates
from modelreg.domain.stages import Stages
from modelreg.domain.transition import Transition
from modelreg.domain.version import Version
from modelreg.errors import InvalidError, ModelregError, NotFoundError
from modelreg.registry.ports import Documents, Entry, Tree

T = TypeVar("T")
_AT_ONCE = 500


class Snapshot:
    """Typed reading of one tree.

    Reading trusts nothing but asks for no more than the shape it needs: a document that lacks it is an InvalidError
    that points at `modelreg validate`. Writers also call `checked`, which asks the schema.
    """

    def __init__(self, tree: Tree, documents: Documents, layout: Layout, commit: CommitId | None = None) -> None:
        self.tree = tree
        self.commit = commit
        self.documents = documents
        self.layout = layout
        self._documents: dict[str, Document | None] = {}
        self._files: dict[str, tuple[str, ...]] = {}
        self._all_listed = False
        self._versions: dict[tuple[str, str], tuple[Version, ...]] = {}
        self._policy: Policy | None = None
        self._passed: set[tuple[str, str]] = set()

    def document(self, path: str) -> Document | None:
        """The document at `path`, or None. Raises InvalidError where it is no YAML that modelreg reads."""
        if path not in self._documents:
            data = self.tree.read(path)
            self._documents[path] = None if data is None else self.documents.load(data, path)
        return self._documents[path]

    def load_many(self, paths: Iterable[str]) -> None:
        """Read these documents in one go; later calls of `document` find them."""
        wanted = [path for path in paths if path not in self._documents]
        for path, data in self.tree.read_many(wanted).items():
            self._documents[path] = self.documents.load(data, path)

    def shaped(self, document: Document, parse: Callable[[], T]) -> T:
        """`parse()`; a mapping that is not as its schema wants becomes an InvalidError with the file."""
        try:
            return parse()
        except ModelregError as error:
            if error.file is None:
                error.file = document.file
            raise
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            hint = f"modelreg validate {document.file}"
            raise InvalidError("is not as its schema wants it", file=document.file, hint=hint) from error

    def checked(self, path: str, kind: str) -> Document:
        """The document, which must exist and pass its schema. Raises NotFoundError, InvalidError."""
        document = self.document(path)
        if document is None:
            raise NotFoundError("is missing", file=path)
        if (path, kind) in self._passed:  # a gate asks the same documents for every check
            return document
        for finding in self.documents.check(document, kind):
            if failed([finding]):
                raise InvalidError(
                    finding.message, file=path, line=finding.line, field=finding.field, hint=finding.hint
                )
        self._passed.add((path, kind))
        return document

    # --- what there is

    def files(self, model: str) -> tuple[str, ...]:
        """All files of a model, in tree order."""
        if model not in self._files:
            self._files[model] = tuple(self.tree.paths(self.layout.model_folder(model)))
        return self._files[model]

    def below(self, model: str, folder: str) -> Iterable[str]:
        """The files in one folder of a model (with its `/`), in tree order; where not all are known, only these are
        listed."""
        if self._all_listed or model in self._files:
            return [path for path in self.files(model) if path.startswith(folder)]
        return self.tree.paths(folder)

    def list_all(self) -> None:
        """List the files of all models in one pass; later calls of `files` find that done."""
        prefix = self.layout.prefix
        found: dict[str, list[str]] = {}
        for path in self.tree.paths(prefix):
            model, slash, _ = path[len(prefix) :].partition("/")
            if slash:
                found.setdefault(model, []).append(path)
        self._files.update({model: tuple(paths) for model, paths in found.items()})
        self._all_listed = True

    def forget(self) -> None:
        """Drop what was read of single models: for who goes through all of them, and comes back to none."""
        self._documents, self._passed, self._versions = {}, set(), {}
        if not self._all_listed:
            self._files = {}

    def models(self) -> tuple[ModelName, ...]:
        """Registered models, by name: the folders that hold a model.yaml."""
        prefix = self.layout.prefix
        found = (path[len(prefix) :].split("/") for path in self.tree.paths(prefix) if path.endswith("/model.yaml"))
        return tuple(sorted(ModelName(parts[0]) for parts in found if len(parts) == 2))

    def has_model(self, model: str) -> bool:
        return self.tree.read(self.layout.model(model)) is not None

    def require_model(self, model: ModelName) -> None:
        """Raises NotFoundError for a model that is not registered."""
        if not self.tree.read(self.layout.model(model)):
            names = self.models()
            hint = f"registered are: {', '.join(names)}" if names else "nothing is registered yet: modelreg register"
            raise NotFoundError(f"there is no model {model}", hint=hint)

    def versions(self, model: str) -> tuple[Version, ...]:
        """Versions of a model in SemVer order, withdrawn ones too."""
        return self._with(model, "manifest.yaml")

    def withdrawn(self, model: str) -> frozenset[Version]:
        return frozenset(self._with(model, "withdrawn.yaml"))

    def annotated(self, model: str) -> frozenset[Version]:
        """Those versions that have annotations."""
        return frozenset(self._with(model, "annotations.yaml"))

    def manifests(self, model: str) -> dict[Version, Entry]:
        """Where the manifest of each version is, not read."""
        found = self.tree.holding(self.layout.model_folder(model), "manifest.yaml")
        return {Version.parse(text): entry for text, entry in found.items() if text != "transitions"}

    def _with(self, model: str, name: str) -> tuple[Version, ...]:
        """The versions that have a file of that name, in SemVer order."""
        if (model, name) not in self._versions:
            folder = self.layout.model_folder(model)
            listed = self._all_listed or model in self._files
            found = holders(self.files(model), folder, name) if listed else self.tree.holding(folder, name)
            self._versions[model, name] = tuple(sorted(Version.parse(text) for text in found if text != "transitions"))
        return self._versions[model, name]

    def transition_numbers(self, model: str) -> tuple[int, ...]:
        places = map(self.layout.place, self.below(model, self.layout.transitions(model)))
        return tuple(sorted(p.number for p in places if p and p.kind == "transition" and p.number is not None))

    # --- typed documents

    def policy(self, *, check: bool = False) -> Policy:
        path = self.layout.policy
        document = self.checked(path, "policy") if check else self.document(path)
        if document is None:
            raise NotFoundError("is missing", file=path, hint="modelreg init writes one")
        if self._policy is None:  # a write asks for it several times
            self._policy = self.shaped(document, lambda: Policy.from_mapping(document.value))
        return self._policy

    def model(self, model: ModelName) -> Document:
        """model.yaml. Raises NotFoundError for a model that is not registered."""
        document = self.document(self.layout.model(model))
        if document is None:
            self.require_model(model)
            raise NotFoundError(f"there is no model {model}")
        return document

    def gates(self, model: ModelName, policy: Policy) -> tuple[Gate, ...]:
        """The policy's gates and those that model.yaml adds."""
        document = self.checked(self.layout.model(model), "model")
        added = self.shaped(document, lambda: parse_gates(document.value.get("gates") or (), "model.yaml"))
        return (*policy.gates, *added)

    def stages(self, model: ModelName) -> Stages:
        document = self.document(self.layout.stages(model))
        if document is None:
            self.require_model(model)
            return Stages()
        return self.shaped(document, lambda: Stages.from_mapping(document.value))

    def manifest(self, model: ModelName, version: Version, *, check: bool = False) -> Manifest:
        """Raises NotFoundError naming the versions that there are."""
        path = self.layout.manifest(model, version)
        document = self.document(path)
        if document is None:
            self.require_model(model)
            last = ", ".join(str(v) for v in self.versions(model)[-5:])
            raise NotFoundError(f"{model} has no version {version}", hint=f"its versions are: {last}")
        if check:
            self.checked(path, "manifest")
        return self.shaped(document, lambda: Manifest.from_mapping(document.value))

    def manifest_bodies(self, model: ModelName, versions: Sequence[Version]) -> Iterator[Mapping[str, Any]]:
        """The manifests of many versions as mappings, each with the shape of one, and none of them kept."""
        for start in range(0, len(versions), _AT_ONCE):
            part = [(v, self.layout.manifest(model, v)) for v in versions[start : start + _AT_ONCE]]
            contents = self.tree.read_many(path for _, path in part)
            for version, path in part:
                if path not in contents:
                    self.manifest(model, version)  # says why there is none
                document = self.documents.load(contents[path], path)
                self.shaped(document, partial(Manifest.from_mapping, document.value))
                yield document.value

    def annotations(self, model: ModelName, version: Version) -> Card | None:
        """The tags of a version's annotations; None where there are none."""
        document = self.document(self.layout.version(model, version, "annotations.yaml"))
        return None if document is None else self.shaped(document, lambda: annotations_card(document.value))

    def transition(self, model: ModelName, number: int) -> Transition:
        path = self.layout.transition(model, number)
        document = self.document(path)
        if document is None:
            raise NotFoundError("is missing", file=path)
        return self.shaped(document, lambda: Transition.from_mapping(document.value))

    def transitions(self, model: ModelName) -> tuple[Transition, ...]:
        numbers = self.transition_numbers(model)
        self.load_many(self.layout.transition(model, number) for number in numbers)
        return tuple(self.transition(model, number) for number in numbers)
