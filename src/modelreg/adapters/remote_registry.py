"""A repository that is elsewhere, as the use cases see it: read through a cached clone, written at the remote.

The cached clone has no branches of its own: its truth is what was fetched last, which only goes forward (A28, A29).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from modelreg.adapters import clones, remote
from modelreg.adapters.clones import Clone
from modelreg.adapters.git import check_ref
from modelreg.adapters.promised import PromisedObjects, PromisedTree
from modelreg.adapters.repository import GitRepository
from modelreg.domain.history import Landing
from modelreg.domain.location import Freshness
from modelreg.domain.plan import CommitId, Planner, Tag
from modelreg.errors import IntegrityError, UnavailableError
from modelreg.registry.ports import Landed, TagObject, Tree

_TREES = 64
"""So many commits' trees are kept in memory."""


class RemoteRepository(GitRepository):
    """Implements `registry.ports.Repository` for a URL. Whatever is written is pushed in the same step."""

    always_pushes = True

    def __init__(self, clone: Clone, freshness: Freshness) -> None:
        super().__init__(clone.door(offline=freshness.offline))
        self.clone = clone
        self._objects = self.git.objects = PromisedObjects(self.git)
        self._freshness = freshness
        self._settled = 0
        self._fetched = False
        self._new = False
        self._all: set[tuple[str, str]] = set()

    @classmethod
    def at(cls, url: str, freshness: Freshness) -> RemoteRepository:
        """The repository at a URL; cloned where that was never done. Raises UnavailableError."""
        clone = Clone.of(url)
        if not clone.repository.is_dir():
            if freshness.offline:
                raise UnavailableError(f"{clone.url} was never fetched", hint="once without --offline")
            clone.make()
            made = cls(clone, freshness)
            made._fetched = made._new = True
            return made
        return cls(clone, freshness)

    @property
    def offline(self) -> bool:
        return self._freshness.offline

    @property
    def branch(self) -> str:
        """The branch that is kept to: the protected one, once the registry has been read."""
        return self.git.git.setting(remote.FORWARD_ONLY) or "main"

    def follow(self, branch: str) -> None:
        """Keep to another branch from now on, which must hold what was seen last, unless that was cloned just now.

        Raises UnavailableError, IntegrityError.
        """
        before = None if self._new else self.known_tip(self.branch)
        with self.clone.locked():
            remote.fetch(self.git, check_ref(branch))
            after = self.known_tip(branch)
            if before is not None and (after is None or not self.is_ancestor(before, after)):
                url = self.clone.url
                raise IntegrityError(
                    f"{self.branch} of {url} was at {before}, and {branch}, at {after}, does not hold that commit",
                    hint=f"ask who can push there; if it is right: modelreg cache forget {url}",
                )
            clones.follow(self.git, branch)

    @contextmanager
    def settled(self) -> Iterator[None]:
        """All reads inside see one state: as fresh as is asked for when it begins."""
        if not self._settled:
            self._refresh()
        self._settled += 1
        try:
            yield
        finally:
            self._settled -= 1

    def branch_tip(self, branch: str) -> CommitId | None:
        if branch == self.branch:
            self._refresh()
        else:
            self._fetch_all("heads", branch)
        return self.known_tip(branch)

    def known_tip(self, branch: str) -> CommitId | None:
        """As it was fetched last."""
        return self.resolve(f"refs/remotes/{remote.REMOTE}/{branch}")

    def tree(self, commit: CommitId) -> Tree:
        if len(self._trees) >= _TREES:  # a server runs for months, and sees each commit once
            self._trees.clear()
        return self._trees.setdefault(commit, PromisedTree(self.git, commit, self._objects))

    def branches(self, pattern: str) -> Mapping[str, CommitId]:
        self._fetch_all("heads", pattern.partition("*")[0])
        return super().branches(pattern)

    def tags(self, pattern: str) -> Sequence[TagObject]:
        self._fetch_all("tags")
        return super().tags(pattern)

    def merged(self, base: CommitId, head: CommitId) -> CommitId:
        """As its base, with what a merge may have to compare."""
        changes = [*self.diff(base, head, ""), *self.diff(head, base, "")]
        self._objects.bring(change.blob for change in changes if change.blob is not None)
        return super().merged(base, head)

    def first_commits(
        self, branch_tip: CommitId, blobs: Mapping[str, str], landings: Sequence[Landing] | None = None
    ) -> Mapping[str, CommitId]:
        self._objects.bring(blobs.values())  # who asks which commit has a manifest reads them all
        return super().first_commits(branch_tip, blobs, landings)

    def land(
        self,
        planner: Planner,
        branch: str,
        *,
        push: bool = False,  # noqa: ARG002 - always
        force_branch: bool = False,
        onto: str | None = None,
    ) -> Landed | None:
        """As its base; the remote always accepts first."""
        if onto is not None:
            self._fetch_all("heads", branch)
        self._settled += 1  # the base fetches both branches itself, for each attempt
        try:
            return super().land(planner, branch, push=True, force_branch=force_branch, onto=onto)
        finally:
            self._settled -= 1
            self._drop_branches()

    def catch_up(self, protected: str, others: str) -> None:
        """Whatever is asked for is fetched."""

    def push_branch(self, branch: str) -> None:
        """What is here is there."""

    def create_tags(
        self,
        tags: Sequence[Tag],
        *,
        push: bool = False,  # noqa: ARG002 - always
        batch: int | None = None,
    ) -> Sequence[str]:
        return super().create_tags(tags, push=True, batch=batch)

    def _drop_branches(self) -> None:
        """Nothing here is ahead of the remote, nor can be behind it."""
        command = ["for-each-ref", "--format=delete %(refname) %(objectname)", "--", "refs/heads/"]
        if lines := self.git.run(command, here=True):
            self.git.attempt(["update-ref", "--stdin"], data=lines, write=True)

    # -- freshness

    def _refresh(self) -> None:
        """Fetch the branch, unless the last fetch is young enough."""
        if self._settled or (self._freshness.once and self._fetched):
            return
        if self._new:  # it was cloned a moment ago
            self._new = False
            return
        if self._freshness.offline:
            if not self._fetched and not self._freshness.once:  # a command says so itself
                logging.getLogger("modelreg").warning(
                    "modelreg: offline: %s as of %s", self.clone.url, self.clone.as_of
                )
            self._fetched = True
            return
        began = time.time()
        if not self._young(began):
            with self.clone.locked():
                at = self.clone.fetched_at
                if at is None or not began <= at <= time.time():  # nobody else has while we waited
                    self._fetch()
        self._fetched = True

    def _young(self, now: float) -> bool:
        at = self.clone.fetched_at
        return at is not None and 0 <= now - at <= self._freshness.max_age_s and self._freshness.max_age_s > 0

    def _fetch(self) -> None:
        try:
            remote.fetch(self.git, self.branch)
        except UnavailableError as error:
            as_of = self.clone.as_of
            hint = f"--offline answers from the cache, as of {as_of}; --max-age SECONDS asks less often"
            raise UnavailableError(error.message.replace(remote.REMOTE, self.clone.url, 1), hint=hint) from None
        self.clone.note_fetch()
        clones.tidy(self.git)

    def _fetch_all(self, kind: str, beginning: str = "") -> None:
        """Branches or tags, once for a state; where nothing is asked of the network, those that there are."""
        if self._freshness.offline or (kind, beginning) in self._all:
            return
        with self.clone.locked():
            remote.fetch_all(self.git, kind, beginning)
        if self._freshness.once or self._settled:
            self._all.add((kind, beginning))
