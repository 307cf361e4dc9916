"""Where the use cases meet the adapters: the one place that knows both. The command line and the SDK start here."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from modelreg.adapters.documents import YamlDocuments
from modelreg.adapters.repository import GitRepository
from modelreg.domain.layout import Layout
from modelreg.domain.location import Freshness, Location
from modelreg.domain.notification import PREFIX
from modelreg.domain.plan import CommitId
from modelreg.errors import (
    IdentityError,
    InvalidError,
    NotARegistryError,
    UsageError,
)
from modelreg.locating import as_remote, folder_of, here
from modelreg.registry.artifact_port import ArtifactStore
from modelreg.registry.index_port import Index
from modelreg.registry.ports import Signatures, Tree
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.workspace import Settings as RegistrySettings
from modelreg.registry.workspace import Workspace

if TYPE_CHECKING:
    from modelreg.registry.init import Initialised

LOCAL_REMOTE = ".dvc/storage"
"""Where artifacts go when nobody says where: a folder of this machine, ignored by git."""


def now() -> int:
    """Epoch seconds (UTC)."""
    return int(time.time())


def open_workspace(where: Path | Location, branch: str | None = None) -> Workspace:
    """The registry at or around a path, or at a URL. `branch` names the protected branch and allows HEAD to be
    elsewhere.

    Raises NotARegistryError where there is no repository or no registry in it, InvalidError for a newer format,
    UnavailableError where a URL does not answer.
    """
    documents = YamlDocuments()
    if isinstance(where, Location) and where.url is not None:
        repository, layout, settings = _elsewhere(where.url, where.freshness, documents, branch)
    else:
        path = where.path if isinstance(where, Location) else where
        repository = GitRepository.open(path)
        layout, settings = _find(repository, documents, path)
    if branch is not None and branch != settings.branch:
        raise UsageError(
            f"the registry's protected branch is {settings.branch}, not {branch!a}",
            hint=f"--branch {settings.branch} lets a write land there while HEAD is elsewhere",
        )
    return _workspace(repository, documents, layout, settings, other_branch=branch is not None)


def _elsewhere(
    url: str, freshness: Freshness, documents: YamlDocuments, branch: str | None
) -> tuple[GitRepository, Layout, RegistrySettings]:
    """The repository at a URL, kept to the branch that its registry names as the protected one."""
    from modelreg.adapters.remote_registry import RemoteRepository

    repository = RemoteRepository.at(url, freshness)
    if branch is not None and branch != repository.branch and not freshness.offline:
        repository.follow(branch)
    repository.branch_tip(repository.branch)
    layout, settings = _find(repository, documents, Path())
    if settings.branch != repository.branch and not freshness.offline:
        repository.follow(settings.branch)
        layout, settings = _find(repository, documents, Path())
        if settings.branch != repository.branch:
            raise InvalidError(
                f"names {settings.branch} as the protected branch, and on {repository.branch} it should name that",
                file=layout.registry,
                field="branch",
            )
    return repository, layout, settings


def open_index(workspace: Workspace) -> Index:
    """The index of a registry, for reads by people: nothing that decides, and no writer, may ask it."""
    from modelreg.adapters.index import SqliteIndex

    repository = workspace.repository
    assert isinstance(repository, GitRepository)  # noqa: S101 - open_workspace made it
    return SqliteIndex(repository.git, workspace.documents, workspace.layout)


def _workspace(
    repository: GitRepository,
    documents: YamlDocuments,
    layout: Layout,
    settings: RegistrySettings,
    *,
    other_branch: bool = False,
) -> Workspace:
    store = partial(_store, repository, layout, settings)
    return Workspace(
        repository, documents, layout, settings, now, store, store, cache(_signatures), other_branch, landed=_told()
    )


def _told() -> Callable[[Workspace, CommitId, bool], None] | None:
    """What tells of landings, or collects them for a command that does at its end; None where nobody is to be told."""
    if not any(name.startswith(PREFIX) for name in os.environ):
        return None
    from modelreg.notifying import telling

    return telling()


def signing_key(path: Path | Location, option: Path | None, *, wanted: bool = False) -> Path | str | None:
    """The key of the user who acts, where signing is `wanted` or a key is named; else None. Raises IdentityError."""
    return required_key(path, option) if wanted or option is not None else None


def required_key(path: Path | Location, option: Path | None) -> Path | str:
    """The key of the user who acts. Raises IdentityError where none is named anywhere."""
    from modelreg.adapters.git import Git
    from modelreg.adapters.signing import signing_key as find

    key = find(Git(folder_of(path)), option)
    if key is None:
        hint = "--key ~/.ssh/id_ed25519, or git config --global user.signingkey ~/.ssh/id_ed25519"
        raise IdentityError("there is no key to sign with", hint=hint)
    return key


def open_pushed(path: Path | Location, updates: Sequence[tuple[str, str]]) -> list[Workspace]:
    """The registries that a push to the repository at `path` may touch, for its hook; `updates` are refs and new ids.

    A registry is where a branch holds a registry.yaml that names this very branch as protected, in whichever folder:
    as the branch stands, and (one that is founded) as it would. Neither HEAD nor another branch has a say in it.
    """
    repository = GitRepository.open(here(path, "a hook"), quarantine=True)
    documents = YamlDocuments()
    head = repository.head().branch
    pushed = {ref.removeprefix("refs/heads/"): CommitId(new) for ref, new in updates if ref.startswith("refs/heads/")}
    others = any(not ref.startswith("refs/heads/") for ref, _ in updates)  # a tag may be of a registry on any branch
    standing = [(name, commit) for name, commit in repository.local_branches().items() if others or name in pushed]
    found: dict[tuple[str, str], Workspace] = {}
    for branch, commit in (*standing, *((name, new) for name, new in pushed.items() if new.strip("0"))):
        tree = repository.tree(commit)
        for root in _roots(tree):
            layout = Layout(root)
            try:
                settings = RegistrySettings.read(Snapshot(tree, documents, layout))
            except (InvalidError, NotARegistryError):
                if branch == head and not root:
                    raise
                continue  # on another branch it names nothing to protect
            if settings.branch == branch:
                found.setdefault((branch, root), _workspace(repository, documents, layout, settings))
    return list(found.values())


def init(
    path: Path | Location,
    *,
    policy: str,
    remote: str | None,
    embedded: bool,
    branch: str | None = None,
    dry_run: bool = False,
) -> Initialised:
    """Make `path` (the top of a repository, or a folder in one) a registry. Raises NotARegistryError outside git."""
    import secrets

    from modelreg.adapters.dvc_setup import configured, setup_files
    from modelreg.adapters.schema import schema_names, schema_text
    from modelreg.domain.templates import needs_owner
    from modelreg.registry.init import Settings, initialise

    path = here(path, "init")
    repository = GitRepository.open(path)
    layout = Layout(_below_top(repository, path))
    head = repository.head()
    if branch is None:
        branch = head.branch
    if branch is None:
        raise UsageError("HEAD is detached", hint="git switch main, or name the protected branch: --branch main")
    base = repository.branch_tip(branch)
    tree = repository.tree(base) if base else None

    def read(path: str) -> bytes | None:
        return tree.read(path) if tree else None

    if remote is None and not configured(read, layout.root):
        remote = LOCAL_REMOTE
    settings = Settings(
        policy=policy,
        remote="embedded" if embedded else "storage",
        branch=branch,
        dvc_files=setup_files(read, remote=None if embedded else remote, embedded=embedded, root=layout.root),
        schemas={f"{name}.v1.json": schema_text(name).encode() for name in schema_names()},
        registry_id=secrets.token_hex(16),
        at=now(),
        owner=repository.identity().email if needs_owner(policy) else None,
    )
    return initialise(repository, YamlDocuments(), layout, settings, dry_run=dry_run)


def _signatures() -> Signatures:
    from modelreg.adapters.signing import SshSignatures

    return SshSignatures()


def _store(
    repository: GitRepository, layout: Layout, settings: RegistrySettings, cache: Path | None = None
) -> ArtifactStore:
    from modelreg.adapters.dvc import DvcStore

    elsewhere = as_remote(repository)
    tip_of = repository.branch_tip if elsewhere is None else elsewhere.known_tip

    def read(path: str) -> bytes | None:
        tip = tip_of(settings.branch)
        return repository.tree(tip).read(path) if tip else None

    if elsewhere is not None and cache is None:
        cache = elsewhere.clone.artifacts

    remote = settings.remote
    if folder := os.environ.get("MODELREG_STORAGE"):
        remote, read = "storage", partial(_instead, folder, read)
    return DvcStore(
        repository.top,
        repository.git_dir,
        remote=remote,
        read=read,
        root=layout.root,
        cache=cache,
        offline=elsewhere is not None and elsewhere.offline,
    )


def _instead(folder: str, read: Callable[[str], bytes | None], path: str) -> bytes | None:
    """Files of the protected branch, with a DVC configuration whose only remote is a folder."""
    if not path.endswith(".dvc/config") or read(path) is None:
        return read(path)
    return f"[core]\n    remote = storage\n['remote \"storage\"']\n    url = {folder}\n".encode()


def _find(repository: GitRepository, documents: YamlDocuments, path: Path) -> tuple[Layout, RegistrySettings]:
    """The nearest registry at or above `path`, as HEAD (or else the work tree) has it."""
    commit = repository.resolve("HEAD")
    trees: list[Tree] = [repository.tree(commit)] if commit else []
    if repository.top is not None:
        trees.append(repository.work_tree())
    folder = _below_top(repository, path)
    roots = ["/".join(folder.split("/")[:n]) for n in range(len(folder.split("/")), -1, -1)] if folder else [""]
    for tree in trees:
        for root in roots:
            layout = Layout(root)
            if tree.read(layout.registry) is not None:
                return layout, RegistrySettings.read(Snapshot(tree, documents, layout))
        only = _only_root(tree) if repository.top is None or folder == "" else None
        if only is not None:
            return only, RegistrySettings.read(Snapshot(tree, documents, only))
    raise NotARegistryError(
        f"{path} is in a git repository, but there is no registry in it",
        hint="run `modelreg init`, or pass --registry PATH",
    )


def _only_root(tree: Tree) -> Layout | None:
    """A registry in a subfolder, where it is the only one of the repository."""
    roots = _roots(tree)
    return Layout(roots[0]) if len(roots) == 1 else None


def _roots(tree: Tree) -> list[str]:
    """The folders of a tree that hold a registry; "" is the top."""
    end = "/registry/registry.yaml"
    return [path[1 : -len(end)] for path in (f"/{path}" for path in tree.paths("")) if path.endswith(end)]


def _below_top(repository: GitRepository, path: Path) -> str:
    """`path` from the top of the work tree; "" for a bare repository."""
    if repository.top is None:
        return ""
    below = path.resolve().relative_to(repository.top.resolve()).as_posix()
    return "" if below == "." else below
