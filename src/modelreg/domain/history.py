"""Landings: the first-parent commits of the protected branch, oldest first. Order is ancestry, never a clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from modelreg.domain.plan import CommitId


@dataclass(frozen=True, slots=True)
class Change:
    """One path that a landing touched, against its first parent.

    `status` is A (added), M (modified, also by mode), D (deleted) or T (type changed); renames are seen as D and A.
    `mode` and `blob` are the new ones ("000000" and None for a deletion).
    """

    path: str
    status: str
    mode: str
    blob: str | None


@dataclass(frozen=True, slots=True)
class Landing:
    """One first-parent commit: its committer time in epoch seconds, who committed, the subject, what it touched."""

    commit: CommitId
    at: int
    committer: str
    subject: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """What landed of one model up to a commit, as far as tags tell it.

    `landings` have only what they changed of the model's manifests and transitions and of the policy, and neither
    committer nor subject. `registered` are the commits that tags of versions point at, by the path of the manifest.

    With an `account`, which somebody gave to be kept, only what landed since, and all landings of the policy. `walked`:
    it took a walk over the whole history, since there are merges.
    """

    landings: Sequence[Landing]
    registered: Mapping[str, CommitId]
    account: str = ""
    walked: bool = False


def registrations(landings: Iterable[Landing]) -> dict[str, str]:
    """The manifests that landings added, as path → blob; of one that was added again the last."""
    return {
        change.path: change.blob
        for landing in landings
        for change in landing.changes
        if change.status == "A" and change.blob and change.path.endswith("/manifest.yaml")
    }


def next_part(size: int, changes: int, most: int, most_changes: int) -> int:
    """How many commits to read next, after `size` that held so many changed files: a landing may bring hundreds.

    At most `most`, and as many as are likely to hold `most_changes`; never more than twice as many as before.
    """
    return max(1, min(most, most_changes * size // max(changes, 1), 2 * size))


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A commit of the first-parent line: its first parent (None: the root) and committer time in epoch seconds."""

    commit: CommitId
    parent: CommitId | None
    at: int


def turned_back(line: Iterable[Ancestor], skew_s: int) -> Iterator[tuple[Ancestor, int]]:
    """Landings, oldest first, whose time lies more than `skew_s` before one that landed earlier, and by how much.

    All that landed earlier is asked, not only the parent: else a clock could be turned back step by step.
    """
    latest = None
    for ancestor in line:
        if latest is not None and ancestor.at < latest - skew_s:
            yield ancestor, latest - ancestor.at
        latest = ancestor.at if latest is None else max(latest, ancestor.at)
