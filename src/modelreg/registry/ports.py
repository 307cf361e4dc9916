"""What the use cases need from the world outside, as protocols. `adapters/` implements them, tests may too.

Here are the repository, documents and signatures; artifacts are in `artifact_port`, the index in `index_port`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # every command imports this module, and few need what its signatures name
    from modelreg.domain.document import Document
    from modelreg.domain.finding import Finding
    from modelreg.domain.history import Ancestor, Change, Landing, Line
    from modelreg.domain.layout import Layout
    from modelreg.domain.plan import CommitId, Plan, Planner, Tag


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a tree: git mode ("100644", "120000" for a symlink, …) and blob id."""

    mode: str
    blob: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Who git says acts: unauthenticated, as every git identity is."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class TagObject:
    """A tag as it stands in the repository. For a lightweight tag `annotated` is False and the rest is empty.

    `inner_name` is the name written inside the tag object (a signed tag may be published under another ref name).
    """

    name: str
    annotated: bool
    target: CommitId
    inner_name: str
    message: str
    at: int


@dataclass(frozen=True, slots=True)
class Head:
    """Where the work tree stands: branch (None: detached), commit (None: unborn), bare."""

    branch: str | None
    commit: CommitId | None
    bare: bool


@dataclass(frozen=True, slots=True)
class Landed:
    """A plan that landed, and the commit that it made."""

    plan: Plan
    commit: CommitId


@dataclass(frozen=True, slots=True)
class LockFile:
    """A lock file of git's, and its age in seconds."""

    path: Path
    age_s: int


@dataclass(frozen=True, slots=True)
class Repaired:
    """What `repair` found: whether a landing was completed, the lock files, and whether they were removed; of a dry run
    what would be."""

    completed: bool
    locks: tuple[LockFile, ...]
    removed: bool


class Tree(Protocol):
    """Files by path, `/`-separated, from the top of the repository: a commit's tree, or a work tree."""

    def paths(self, prefix: str) -> Mapping[str, Entry]:
        """All files below `prefix` ("" for all), by path."""

    def list_many(self, prefixes: Iterable[str]) -> None:
        """List these folders in one go; later calls of `paths` and reads below them find that done."""

    def holding(self, folder: str, name: str) -> Mapping[str, Entry]:
        """The folders in `folder` (with its `/`) that hold a file `name`, in tree order, each with that file.

        Quicker than `paths` where folders are many: of two commits they are mostly the same."""

    def read(self, path: str) -> bytes | None:
        """The content of a regular file, or None where there is none. Never follows a symlink."""

    def read_many(self, paths: Iterable[str]) -> Mapping[str, bytes]:
        """The contents of those of `paths` that exist, in one go."""


class Repository(Protocol):
    """A git repository, bare or with a work tree. All paths are from its top."""

    @property
    def top(self) -> Path | None:
        """The top of the work tree; None for a bare repository."""

    @property
    def git_dir(self) -> Path:
        """The common git directory, shared by all worktrees."""

    @property
    def always_pushes(self) -> bool:
        """Whether every write is pushed in the same step, asked for or not: a registry that is elsewhere."""

    def resolve(self, ref: str) -> CommitId | None:
        """The commit that a ref, branch, tag or id names; None if it names none."""

    def branch_tip(self, branch: str) -> CommitId | None:
        """The local branch, or its remote-tracking branch where that is ahead (or the only one); None: neither.

        Raises ConflictError where the two have diverged.
        """

    def head(self) -> Head: ...

    def tree_id(self, commit: CommitId) -> str:
        """The id of a commit's tree."""

    def with_tree(self, tip: CommitId, tree: str) -> CommitId | None:
        """The newest commit reachable from `tip` whose tree has this id; None where there is none here."""

    def recomposed(self, tip: CommitId, tree: str) -> tuple[CommitId, CommitId] | None:
        """Two commits of the first-parent line, of which the first has this tree once what modelreg writes (at the top:
        registry/, dvc.yaml, .dvc/) is as in the second; None where there are none."""

    def tree(self, commit: CommitId) -> Tree: ...

    def work_tree(self) -> Tree:
        """The files as they lie on disk, tracked or not but not ignored. Raises UnavailableError when bare."""

    def landings(self, branch_tip: CommitId, prefix: str, since: CommitId | None = None) -> Sequence[Landing]:
        """First-parent commits up to `branch_tip` that touch `prefix`, oldest first; `since` excluded.

        Raises UnavailableError in a shallow clone, naming `git fetch --unshallow`.
        """

    def blobs(self, ids: Iterable[str]) -> Mapping[str, bytes]:
        """The contents of files by the ids that landings name. Raises IntegrityError for one that is damaged."""

    def messages(self, commits: Iterable[CommitId]) -> Mapping[CommitId, str]:
        """The messages of commits, with what trailers they have."""

    def diff(self, base: CommitId, head: CommitId, prefix: str) -> Sequence[Change]:
        """What `head` has that `base` has not, file by file below `prefix` ("" for all), renames as D and A.

        Reads only the folders that differ, so that it costs what the change is large, not the registry.
        """

    def merged(self, base: CommitId, head: CommitId) -> CommitId:
        """The merge of `head` into `base` as a commit that no ref names: what a merge of the pull request would land.

        `head` itself where it descends from `base`. Raises ConflictError naming the paths that conflict,
        UnavailableError where history is missing (shallow) or git is too old for `merge-tree --write-tree` (2.38).
        """

    def landed_at(self, branch_tip: CommitId, path: str) -> int | None:
        """The committer time (epoch seconds, UTC) of the landing that added `path`; None where none did."""

    def committed_at(self, commit: CommitId) -> int:
        """The committer time of a commit, epoch seconds (UTC)."""

    def first_parent(self, commit: CommitId) -> CommitId | None:
        """None for a root commit."""

    def first_parents(self, branch_tip: CommitId) -> Sequence[Ancestor]:
        """The first-parent line down to the root, newest first. Raises UnavailableError in a shallow clone."""

    def tag_object(self, object_id: str) -> TagObject | None:
        """An annotated tag by its object's id, whether or not a ref names it; None for any other object."""

    def first_parent_range(self, old: CommitId, new: CommitId) -> Sequence[CommitId] | None:
        """First-parent commits after `old` up to `new`, oldest first; None where `old` is not on that line."""

    def is_ancestor(self, old: CommitId, new: CommitId) -> bool:
        """Whether `new` descends from `old` (or is it)."""

    def authors(self, base: CommitId, head: CommitId, paths: Sequence[str]) -> frozenset[str]:
        """E-mails of authors and committers of the commits of `head` that `base` has not and that touch `paths`."""

    def branches(self, pattern: str) -> Mapping[str, CommitId]:
        """Branches by name whose name matches a glob (`promote/*`), local ones and origin's; of both the one ahead."""

    def first_commits(
        self, branch_tip: CommitId, blobs: Mapping[str, str], landings: Sequence[Landing] | None = None
    ) -> Mapping[str, CommitId]:
        """For each path → blob id: the oldest commit reachable from the tip that holds that blob at that path.

        The topic commit after a merge, the squash after a squash; of several the one with the smallest id. Where they
        are known, `landings` (all that touch these paths, up to the tip) save a walk in a history without merges.
        """

    def line(self, tip: CommitId, layout: Layout, model: str) -> Line:
        """What landed of a model up to `tip`, as `landings` and `first_commits` would tell it, from a log that this
        clone keeps. For those who announce their own landing: whoever judges asks the history. Raises as `landings`.
        """

    def keep_account(self, tip: CommitId, layout: Layout, model: str, account: str) -> None:
        """Keep with that log what was made of the model's `line` up to `tip`. It is given back where that line went on
        from there and nothing that landed of the model was changed or removed; it may be lost at any time."""

    def note(self, layout: Layout, landed: Landed) -> None:
        """Add a landing that was just made to that log; it is added later where that cannot be done now."""

    def tags(self, pattern: str) -> Sequence[TagObject]:
        """Tags whose name matches a `for-each-ref` glob below refs/tags/ (`churn*`), by name."""

    def identity(self) -> Identity:
        """Raises IdentityError where git knows none, saying what to set."""

    def is_shallow(self) -> bool: ...

    def land(
        self,
        planner: Planner,
        branch: str,
        *,
        push: bool = False,
        force_branch: bool = False,
        onto: str | None = None,
    ) -> Landed | None:
        """Plan on the branch's tip and land it: commit, tags, work tree; wholly or not at all.

        `force_branch` allows a write while HEAD is detached or on another branch (then only the ref moves). With
        `push` the remote accepts first, and a lost race is fetched, judged and tried again for at most 60 s.
        None where the planner has nothing to do. Raises ConflictError for dirt on a touched path or a lost race.

        `onto` is for a proposal: the plan is asked for, and based, on the tip of that branch, while only the ref of
        `branch`, which may not exist yet, moves. No work tree is touched; UnavailableError where one shows `branch`.
        """

    def catch_up(self, protected: str, others: str) -> None:
        """Fetch origin's `protected` branch, and all branches whose names begin with `others`: for a write that is
        pushed and goes by what stands there. Raises UnavailableError where there is no remote, or it does not answer.
        """

    def push_branch(self, branch: str) -> None:
        """Bring a local branch to the remote as it stands, as a fast forward. Raises ConflictError for any other."""

    def remote_url(self) -> str | None:
        """The address of origin as configured, with whatever secrets it holds; None where there is none."""

    def create_tags(self, tags: Sequence[Tag], *, push: bool = False, batch: int | None = None) -> Sequence[str]:
        """Make annotated tags (create-only) in one transaction; the names of those that are new.

        With `push` those of them that the remote lacks go there first, whether they stand here or not, in their order,
        atomically, at most `batch` in a push (a forge may raise no event for more than three); new are those that it
        lacked. Raises ConflictError for a tag that stands here (without `push`), IntegrityError (with it) for one that
        is lightweight or names another commit, here or there.
        """

    def repair(self, *, remove_locks: bool = False, dry_run: bool = False) -> Repaired:
        """Complete a landing that was interrupted; name lock files that git left, and with `remove_locks` remove them.

        With `dry_run` it says what it would do. Raises ConflictError where another modelreg command, or (for removal)
        a git process, is at work here, UnavailableError for a journal that cannot be true.
        """


class Signatures(Protocol):
    """SSH signatures (SSHSIG) over the stored bytes of a document; offline, from bytes alone.

    A `key` is the path of a private key, of a public key whose private half an ssh-agent holds, or that public key
    itself as text (`ssh-ed25519 AAAA…`). All methods raise UnavailableError where there is no working ssh-keygen.
    """

    def sign(self, data: bytes, *, namespace: str, key: Path | str) -> bytes:
        """An armoured signature. Never asks: UnavailableError where the key is absent or needs a passphrase."""

    def public_key(self, key: Path | str) -> str:
        """Type and base64 of the key that would sign, as a line of allowed_signers has them. Raises as `sign`."""

    def verified(
        self,
        data: bytes,
        signature: bytes,
        *,
        namespace: str,
        principal: str,
        signers: bytes,
        revoked: bytes,
        at: int,
    ) -> bool:
        """Whether `principal` signed `data` in `namespace` with a key that counts at `at` (epoch seconds).

        `signers` and `revoked` are the contents of the base's allowed_signers and revoked_signers (b"" for none):
        nothing of a repository's or a user's own configuration is asked. Whatever is not wholly right is False.
        """


class Documents(Protocol):
    """The YAML door and the schema door."""

    def load(self, data: bytes, file: str) -> Document:
        """Parse one YAML document. Raises InvalidError with file, line and field."""

    def dump(self, value: Mapping[str, object], *, schema: str | None = None, comment: str | None = None) -> bytes:
        """Canonical YAML; `schema` is the relative path for the editor's header line, `comment` a line after it."""

    def check(self, document: Document, kind: str) -> Sequence[Finding]:
        """What the schema `kind` ("manifest", "policy", …) says against it, each with line, column and field."""

    def find(self, text: bytes, file: str, keys: Sequence[str]) -> Document | None:
        """The value at `keys` in a user's YAML file (as lenient as `splice`), or None; marks from its top."""

    def splice(self, text: bytes, file: str, keys: Sequence[str], value: Mapping[str, object]) -> bytes:
        """Set the mapping at `keys` in a user's YAML file, leaving every other byte, comments included, as it is."""
