"""One opened registry: the ports, where it lies, and its state at a commit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from modelreg.domain.layout import Layout
from modelreg.domain.plan import CommitId, Plan
from modelreg.errors import InvalidError, NotARegistryError, NotFoundError
from modelreg.registry.artifact_port import ArtifactStore
from modelreg.registry.ports import Documents, Repository, Signatures
from modelreg.registry.snapshot import Snapshot

FORMAT = 1
"""The highest format of a registry that this modelreg reads and writes."""


@dataclass(frozen=True, slots=True)
class Settings:
    """registry.yaml: identity, protected branch, how landings are announced, where artifacts go."""

    id: str
    branch: str
    announce: str
    remote: str
    dvc_yaml: bool

    @classmethod
    def read(cls, snapshot: Snapshot) -> Settings:
        """Raises NotARegistryError where there is none, InvalidError for a newer format or a wrong shape."""
        document = snapshot.document(snapshot.layout.registry)
        if document is None:
            raise NotARegistryError("there is no registry here", hint="run `modelreg init`, or pass --registry PATH")
        body = document.value
        if not isinstance(body, dict):
            raise InvalidError("must be a mapping", file=document.file, line=1)
        found = body.get("format")
        if isinstance(found, int) and found > FORMAT:
            mark = document.mark(("format",))
            raise InvalidError(
                f"the registry has format {found}; this modelreg reads formats up to {FORMAT}",
                hint="upgrade modelreg",
                file=document.file,
                line=mark.line if mark else None,
                field="format",
            )
        return snapshot.shaped(document, lambda: cls._from(body))

    @classmethod
    def _from(cls, body: dict[str, object]) -> Settings:
        artifacts = body.get("artifacts") or {}
        if not isinstance(artifacts, dict):
            raise TypeError("artifacts")
        return cls(
            id=str(body["id"]),
            branch=str(body["branch"]),
            announce=str(body.get("announce", "direct")),
            remote=str(artifacts.get("remote", "storage")),
            dvc_yaml=bool(body.get("dvc_yaml", True)),
        )


@dataclass(frozen=True, slots=True)
class Workspace:
    """What every use case is given. `clock` gives epoch seconds (UTC); `store` opens the artifact store when asked;
    `fresh_store` one with a cache of its own in an empty folder: all that it hands out was read from the remote;
    `signing` gives the one door to signatures. `finish` has the last word on every plan before it lands (None: nobody);
    it changes what commits say, not what they hold. `landed` is told of each commit that landed on the protected
    branch, and whether it counts: a remote has it, or there is none."""

    repository: Repository
    documents: Documents
    layout: Layout
    settings: Settings
    clock: Callable[[], int]
    store: Callable[[], ArtifactStore]
    fresh_store: Callable[[Path], ArtifactStore]
    signing: Callable[[], Signatures]
    other_branch: bool = False
    finish: Callable[[Plan], Plan] | None = None
    landed: Callable[[Workspace, CommitId, bool], None] | None = None

    @property
    def signatures(self) -> Signatures:
        """Always the same: it remembers what it has verified."""
        return self.signing()

    def tip(self, ref: str | None = None) -> CommitId:
        """The commit that is read: `ref`, or the protected branch. Raises NotFoundError for an unknown ref.

        The protected branch's own name never means a tag, which git would take first.
        """
        branch, tracked = self.settings.branch, f"refs/remotes/origin/{self.settings.branch}"
        if ref is not None:
            names = {branch: (f"refs/heads/{branch}", tracked), f"origin/{branch}": (tracked,)}.get(ref, (ref,))
            commit = next(filter(None, map(self.repository.resolve, names)), None)
        else:
            commit = self.repository.branch_tip(branch)
        if commit is None:
            name = branch if ref is None else ref
            raise NotFoundError(f"{name!a} names no commit here", hint="git branch --all lists what there is")
        return commit

    def snapshot(self, ref: str | None = None) -> Snapshot:
        """The registry at the protected branch, or at `ref`."""
        return self.at(self.tip(ref))

    def at(self, commit: CommitId) -> Snapshot:
        return Snapshot(self.repository.tree(commit), self.documents, self.layout, commit)
