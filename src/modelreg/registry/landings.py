"""Landings of a long history, some at a time: a hundred thousand at once take half a gigabyte."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelreg.domain.history import Landing
from modelreg.domain.plan import CommitId
from modelreg.registry.ports import Repository

AT_ONCE = 1_000


def landings_in_parts(
    repository: Repository, tip: CommitId, prefix: str, since: CommitId | None = None
) -> Iterator[Sequence[Landing]]:
    """What `Repository.landings` returns, in order, of so many commits at a time. Raises UnavailableError likewise.

    With `since`, which need not be on the first-parent line, it is one part.
    """
    if since is not None:
        yield repository.landings(tip, prefix, since)
        return
    line = [ancestor.commit for ancestor in reversed(repository.first_parents(tip))]
    for end in (*line[AT_ONCE - 1 : -1 : AT_ONCE], tip):
        yield repository.landings(end, prefix, since)
        since = end
