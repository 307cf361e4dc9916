"""Landings of a long history, some at a time: a hundred thousand files at once take half a gigabyte."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelreg.domain.history import Landing, next_part
from modelreg.domain.plan import CommitId
from modelreg.registry.ports import Repository

AT_ONCE = 1_000
CHANGES_AT_ONCE = 10_000
"""So many changed files a part is meant to have, as far as the part before it tells how many a landing has."""


def landings_in_parts(
    repository: Repository, tip: CommitId, prefix: str, since: CommitId | None = None
) -> Iterator[Sequence[Landing]]:
    """What `Repository.landings` returns, in order, of some commits at a time. Raises UnavailableError likewise.

    With `since`, which need not be on the first-parent line, it is one part.
    """
    if since is not None:
        yield repository.landings(tip, prefix, since)
        return
    line = [ancestor.commit for ancestor in reversed(repository.first_parents(tip))]
    begin, size = 0, max(1, AT_ONCE // 10)
    while begin < len(line):
        end = min(begin + size, len(line))
        part = repository.landings(line[end - 1], prefix, since)
        changes = sum(len(landing.changes) for landing in part)
        yield part
        del part
        begin, since = end, line[end - 1]
        size = next_part(size, changes, AT_ONCE, CHANGES_AT_ONCE)
