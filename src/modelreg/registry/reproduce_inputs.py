"""What a reproduction starts from: the commit, the lock file and the data, each by its digest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from modelreg.domain.manifest import Artifact, Manifest
from modelreg.domain.plan import CommitId
from modelreg.domain.recipe import DataSet, Recipe
from modelreg.errors import DeniedError, IntegrityError, UnavailableError
from modelreg.registry.ports import Tree
from modelreg.registry.sandbox import Sandbox
from modelreg.registry.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Code:
    """Where the code is: in `commit`, which has the recorded files; where `records` is not None, once what modelreg
    writes is as it was at that commit."""

    commit: CommitId
    records: CommitId | None = None


def find_code(workspace: Workspace, made: Recipe) -> Code:
    """The recorded commit, else one of the protected branch with the recorded tree, or two that it is made of.

    Raises UnavailableError where none is here, IntegrityError where the commit has another tree.
    """
    repository = workspace.repository
    commit = repository.resolve(made.commit)
    if commit == made.commit:
        if made.tree is not None and repository.tree_id(commit) != made.tree:
            raise IntegrityError(
                f"commit {made.commit[:12]} does not have the tree {made.tree[:12]} that the manifest names",
                hint="modelreg verify says what else does not hold",
            )
        return Code(commit)
    if made.tree is not None:
        tip = workspace.tip()
        if (found := repository.with_tree(tip, made.tree)) is not None:
            return Code(found)
        if (pair := repository.recomposed(tip, made.tree)) is not None:
            return Code(*pair)
    tree = f", nor its tree {made.tree[:12]} on {workspace.settings.branch}" if made.tree else ""
    unshallow = " (or git fetch --unshallow)" if repository.is_shallow() else ", or the branch that it was on"
    raise UnavailableError(
        f"commit {made.commit[:12]} is not here{tree}: what ran cannot be found",
        hint=f"git fetch origin {made.commit}{unshallow}",
    )


def find_lock(tree: Tree, manifest: Manifest, made: Recipe, *, required: bool) -> bytes | Artifact | None:
    """The recorded lock file: an artifact, or a file of the commit, with the recorded digest. None: not found, and not
    required. Raises DeniedError where none is recorded, UnavailableError where it is not here."""
    if made.lock_sha256 is None or made.lock_path is None:
        if required:
            raise DeniedError(
                "the manifest records no lock file, so that its environment cannot be made again",
                hint="--env current runs in the present environment, and says what differs",
            )
        return None
    for artifact in manifest.artifacts:
        if artifact.role == "lock" and artifact.sha256 == made.lock_sha256:
            return artifact
    name = made.lock_path.rpartition("/")[2]
    likely = [made.lock_path, f"{made.folder}/{name}"]
    others = [path for path in tree.paths("") if path.rpartition("/")[2] == name and path not in likely]
    for path in (*likely, *others):
        data = tree.read(path)
        if data is not None and hashlib.sha256(data).hexdigest() == made.lock_sha256:
            return data
    if required:
        raise UnavailableError(
            f"the lock file {name} with sha256 {made.lock_sha256[:12]}… is neither an artifact nor in the commit",
            hint="--env current runs in the present environment, and says what differs",
        )
    return None


def lock_bytes(lock: bytes | Artifact | None, room: Sandbox, *, required: bool) -> bytes | None:
    """The content of the lock file that was found. Raises UnavailableError where its artifact is nowhere."""
    if not isinstance(lock, Artifact):
        return lock
    target = room.folder / "recorded" / "lock"
    if room.fetch(lock.md5, target, sha256=lock.sha256, size_bytes=lock.size_bytes):
        return target.read_bytes()
    if required:
        raise UnavailableError(f"neither the cache nor the remote holds the lock file {lock.path} ({lock.md5})")
    return None


def place_data(tree: Tree, commit: CommitId, made: Recipe, room: Sandbox) -> tuple[tuple[str, ...], bool]:
    """See that each data set is in the clone, by its digest; notes, and whether all are: else what runs makes them.

    Raises DeniedError where the commit has another content, UnavailableError where one that nothing makes is nowhere,
    IntegrityError where other bytes are in its place.
    """
    notes: list[str] = []
    complete = True
    for data in made.data:
        if data.path is None:
            notes.append(f"data {_shown(data)} lies outside of the repository: it is compared afterwards, if at all")
            continue
        if tree.read(data.path) is not None or tree.paths(f"{data.path}/"):
            _check_committed(data, commit, room)
        elif data.md5 is None or not _placed(data, data.path, room):
            if _pointer(tree, data.path):
                raise UnavailableError(
                    f"data {_shown(data)} is neither in the cache nor in the remote ({data.md5 or 'no md5'})",
                    hint="dvc push, from where it was made, brings it to the remote",
                )
            complete = False
            notes.append(f"data {_shown(data)} is not at hand: what runs must make it")
    return tuple(notes), complete


def _placed(data: DataSet, path: str, room: Sandbox) -> bool:
    try:
        return room.place(path, data.md5 or "", sha256=data.sha256, size_bytes=data.size_bytes)
    except IntegrityError as error:
        raise IntegrityError(
            f"data {_shown(data)} was altered: {error.message}, recorded {data.sha256}",
            hint="nothing was run; ask who can write to the remote",
        ) from error


def _check_committed(data: DataSet, commit: CommitId, room: Sandbox) -> None:
    found = room.left(data.path or "")
    if found is not None and data.sha256 not in (None, found.sha256):
        raise DeniedError(
            f"data {_shown(data)} at commit {commit[:12]} is not what was trained on: it has sha256 "
            f"{found.sha256[:12]}… and {found.size_bytes} bytes, recorded are {str(data.sha256)[:12]}… and "
            f"{data.size_bytes}",
            hint="nothing was run: what it was trained on is not in that commit",
        )


def _pointer(tree: Tree, path: str) -> bool:
    """Whether DVC tracks a path, or a folder that it is in, by a pointer: then nothing that runs makes it."""
    parts = path.split("/")
    return any(tree.read(f"{'/'.join(parts[:n])}.dvc") is not None for n in range(1, len(parts) + 1))


def _shown(data: DataSet) -> str:
    return ascii(data.name[:80])[1:-1]
