"""A git repository as the use cases see it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from modelreg.adapters import history, ranges, refs
from modelreg.adapters.door import Door
from modelreg.adapters.trees import CommitTree, WorkTree
from modelreg.domain.history import Ancestor, Change, Landing, Line
from modelreg.domain.layout import Layout
from modelreg.domain.plan import CommitId, Planner, Tag
from modelreg.errors import ConflictError, IdentityError
from modelreg.registry.ports import Head, Identity, Landed, Repaired, TagObject, Tree

if TYPE_CHECKING:
    from modelreg.adapters.landing_log import LandingLog
    from modelreg.adapters.waiting import Turns

_REVISION = re.compile(r"[^\x00-\x20\x7f~^:?*\[\\-][^\x00-\x20\x7f:?*\[\\]*")
_TREES_KEPT = 16
"""Commits whose files are kept at a time: of a process that writes for days the others are gone by."""
_IDENTITY = re.compile(r"(.*) <(.*)> \d+ [+-]\d{4}")
_TAG_FIELDS = ("refname:lstrip=2", "objecttype", "objectname", "*objectname", "tag", "taggerdate:unix", "contents")
_TAG_FORMAT = "".join(f"%({field})%00" for field in _TAG_FIELDS)


class GitRepository:
    """Implements `registry.ports.Repository`. Reading imports nothing but the standard library."""

    always_pushes = False

    def __init__(self, git: Door) -> None:
        self.git = git
        self._trees: dict[CommitId, CommitTree] = {}

    @classmethod
    def open(cls, path: Path, *, quarantine: bool = False) -> GitRepository:
        """The repository at or around `path`. Raises NotARegistryError where there is none.

        `quarantine` is for a `pre-receive` hook: the objects of the push are seen, nothing can be written.
        """
        return cls(Door.open(path, quarantine=quarantine))

    @property
    def top(self) -> Path | None:
        return self.git.top

    @property
    def git_dir(self) -> Path:
        return self.git.common_dir

    def resolve(self, ref: str) -> CommitId | None:
        found = self.git.objects.commit(ref) if _REVISION.fullmatch(ref) else None
        return CommitId(found) if found else None

    def branch_tip(self, branch: str) -> CommitId | None:
        return self.tips(branch)[1]

    def tips(self, branch: str) -> tuple[CommitId | None, CommitId | None]:
        """Where a branch is here, and its tip, as `branch_tip` says."""
        local, tracked = refs.tips(self.git, f"refs/heads/{branch}", f"refs/remotes/origin/{branch}")
        if local is None or tracked is None or local == tracked:
            return local, local or tracked
        if ranges.near(self.git, local, tracked) is not None:
            return local, tracked  # as after a lost race; only another git could say that it is not the other way round
        if self.is_ancestor(tracked, local):
            return local, local
        if self.is_ancestor(local, tracked):
            return local, tracked
        raise ConflictError(
            f"{branch} and origin/{branch} have diverged",
            hint=f"git rebase origin/{branch} {branch}; records that clash must be made again",
        )

    def head(self) -> Head:
        branch = refs.head_ref(self.git).removeprefix("refs/heads/")
        return Head(branch or None, self.resolve("HEAD"), self.git.top is None)

    def tree_id(self, commit: CommitId) -> str:
        return ranges.tree_id(self.git, commit)

    def with_tree(self, tip: CommitId, tree: str) -> CommitId | None:
        return ranges.with_tree(self.git, tip, tree)

    def recomposed(self, tip: CommitId, tree: str) -> tuple[CommitId, CommitId] | None:
        from modelreg.adapters import recomposed

        return recomposed.find(self.git, tip, tree)

    def tree(self, commit: CommitId) -> Tree:
        if commit not in self._trees:
            if len(self._trees) >= _TREES_KEPT:
                del self._trees[next(iter(self._trees))]
            self._trees[commit] = CommitTree(self.git, commit)
        return self._trees[commit]

    def work_tree(self) -> Tree:
        return WorkTree(self.git)

    def landings(self, branch_tip: CommitId, prefix: str, since: CommitId | None = None) -> Sequence[Landing]:
        return history.landings(self.git, branch_tip, prefix, since)

    def blobs(self, ids: Iterable[str]) -> Mapping[str, bytes]:
        return self.git.objects.blobs(ids)

    def messages(self, commits: Iterable[CommitId]) -> Mapping[CommitId, str]:
        return {CommitId(id_): message for id_, message in self.git.objects.messages(commits).items()}

    def diff(self, base: CommitId, head: CommitId, prefix: str) -> Sequence[Change]:
        return ranges.diff(self.git, base, head, prefix)

    def merged(self, base: CommitId, head: CommitId) -> CommitId:
        return ranges.merged(self.git, base, head)

    def landed_at(self, branch_tip: CommitId, path: str) -> int | None:
        return ranges.landed_at(self.git, branch_tip, path)

    def committed_at(self, commit: CommitId) -> int:
        return ranges.committed_at(self.git, commit)

    def first_parent(self, commit: CommitId) -> CommitId | None:
        return ranges.first_parent(self.git, commit)

    def first_parents(self, branch_tip: CommitId) -> Sequence[Ancestor]:
        return history.first_parents(self.git, branch_tip)

    def tag_object(self, object_id: str) -> TagObject | None:
        return ranges.tag_object(self.git, object_id)

    def first_parent_range(self, old: CommitId, new: CommitId) -> Sequence[CommitId] | None:
        return ranges.first_parent_range(self.git, old, new)

    def is_ancestor(self, old: CommitId, new: CommitId) -> bool:
        return ranges.is_ancestor(self.git, old, new)

    def authors(self, base: CommitId, head: CommitId, paths: Sequence[str]) -> frozenset[str]:
        return ranges.authors(self.git, base, head, paths)

    def branches(self, pattern: str) -> Mapping[str, CommitId]:
        return ranges.branches(self.git, pattern)

    def local_branches(self) -> Mapping[str, CommitId]:
        """The tips of this repository's own branches, by name."""
        return ranges.local_branches(self.git)

    def first_commits(
        self, branch_tip: CommitId, blobs: Mapping[str, str], landings: Sequence[Landing] | None = None
    ) -> Mapping[str, CommitId]:
        return history.first_commits(self.git, branch_tip, blobs, landings)

    def line(self, tip: CommitId, layout: Layout, model: str) -> Line:
        return self._log.line(tip, layout, model)

    def keep_account(self, tip: CommitId, layout: Layout, model: str, account: str) -> None:
        self._log.keep_account(tip, layout, model, account)

    def note(self, layout: Layout, landed: Landed) -> None:
        self._log.add(layout, landed)

    @cached_property
    def _log(self) -> LandingLog:
        from modelreg.adapters.landing_log import LandingLog  # only who writes needs SQLite

        return LandingLog(self.git)

    @cached_property
    def turns(self) -> Turns:
        """Of those that write here."""
        from modelreg.adapters.waiting import Turns

        return Turns()

    def tags(self, pattern: str) -> Sequence[TagObject]:
        command = [
            "for-each-ref",
            f"--format={_TAG_FORMAT}",
            "--",
            "refs/tags/" if pattern == "*" else f"refs/tags/{pattern}",
        ]
        found = []
        fields = self.git.run(command).decode(errors="replace").split("\0")
        for start in range(0, len(fields) - 7, 7):
            name, kind, own, target, inner, at, message = fields[start : start + 7]
            annotated = kind == "tag"
            found.append(
                TagObject(
                    name=name.lstrip("\n"),
                    annotated=annotated,
                    target=CommitId(target if annotated else own),
                    inner_name=inner,
                    message=message if annotated else "",
                    at=int(at) if at else 0,
                )
            )
        return found

    def identity(self) -> Identity:
        return self._identity

    @cached_property
    def _identity(self) -> Identity:
        command = ["-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT"]
        match = _IDENTITY.match(self.git.run(command, check=False).decode(errors="replace"))
        if match is None or not match[1].strip() or not match[2].strip():
            raise IdentityError(
                "git does not know who you are",
                hint='git config user.name "Ann Dee" && git config user.email ann@example.org',
            )
        return Identity(match[1].strip(), match[2].strip())

    def is_shallow(self) -> bool:
        return self.git.shallow

    def recover(self) -> None:
        """Finish or undo what a killed writer left. Every write begins with it."""
        from modelreg.adapters import landing

        landing.recover(self)

    def land(
        self,
        planner: Planner,
        branch: str,
        *,
        push: bool = False,
        force_branch: bool = False,
        onto: str | None = None,
    ) -> Landed | None:
        from modelreg.adapters import landing

        return landing.land(self, planner, branch, push=push, force_branch=force_branch, onto=onto)

    def catch_up(self, protected: str, others: str) -> None:
        from modelreg.adapters import remote
        from modelreg.adapters.git import check_ref

        remote.fetch(self.git, check_ref(protected))
        remote.fetch_all(self.git, "heads", check_ref(others))

    def push_branch(self, branch: str) -> None:
        from modelreg.adapters import landing

        landing.push_branch(self, branch)

    def remote_url(self) -> str | None:
        return self.git.git.setting("remote.origin.url")

    def create_tags(self, tags: Sequence[Tag], *, push: bool = False, batch: int | None = None) -> Sequence[str]:
        from modelreg.adapters import landing

        return landing.create_tags(self, tags, push=push, batch=batch)

    def repair(self, *, remove_locks: bool = False, dry_run: bool = False) -> Repaired:
        from modelreg.adapters import repair

        return repair.repair(self, remove_locks=remove_locks, dry_run=dry_run)
