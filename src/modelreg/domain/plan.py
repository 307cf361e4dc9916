"""A change as data: printable before it is an act."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NewType

CommitId = NewType("CommitId", str)
"""A full object id of a commit: 40 (SHA-1) or 64 (SHA-256) lower-case hex digits."""


@dataclass(frozen=True, slots=True)
class Tag:
    """An annotated tag to be made: name without `refs/tags/`, target, message, tagger time in epoch seconds (UTC)."""

    name: str
    target: CommitId
    message: str
    at: int


@dataclass(frozen=True, slots=True)
class Plan:
    """One commit on `branch`, from `base` (None: the branch is unborn), and the tags that announce it.

    `files` maps a path from the top of the repository, with `/`, to its whole new content (mode 100644). Everything
    else in the tree stays as it is. `at` is the commit time in epoch seconds (UTC); commit and tags land together
    or not at all.

    `merges` makes it a merge commit with that second parent; its tree is still `base`'s with `files` written over it.
    `branch` may be a proposal that does not exist yet, planned on the protected branch's tip.
    """

    branch: str
    base: CommitId | None
    files: Mapping[str, bytes]
    message: str
    at: int
    announce: Callable[[CommitId], Sequence[Tag]] | None = None
    merges: CommitId | None = None


Planner = Callable[["CommitId | None"], "Plan | None"]
"""Judges and plans on a given base; called again on the new base when a race was lost. None: nothing to do."""
