"""Landings and registration commits, out of one `git log` each.

With `-z --raw` (gitdiff-raw) every field ends in NUL, so names need no unquoting. Headers are taken by count, and a
record is told from the next header by its colon: no name or message can pass for either.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence

from modelreg.adapters.door import Door
from modelreg.adapters.ranges import first_parent_range, near
from modelreg.domain.history import Ancestor, Change, Landing, next_part
from modelreg.domain.plan import CommitId
from modelreg.errors import UnavailableError

AT_ONCE = 5_000
CHANGES_AT_ONCE = 10_000
"""Commits, and changed files, that a part of a history is meant to have at the most."""
_RAW = ("--raw", "--no-abbrev", "--no-renames", "-O/dev/null", "--no-color", "--no-ext-diff", "-z")


def landings(git: Door, tip: CommitId, prefix: str, since: CommitId | None = None) -> Sequence[Landing]:
    """First-parent commits up to `tip` that touch `prefix`, oldest first. Raises UnavailableError when shallow."""
    require_whole(git)
    command = ["log", "--first-parent", "--diff-merges=first-parent", "--reverse", *_RAW]
    command += ["--format=tformat:%H%x00%ct%x00%ce%x00%s", "--end-of-options", tip]
    command += [f"^{since}"] if since else []
    command += ["--", prefix.rstrip("/")] if prefix else ["--"]
    found = []
    for (commit, at, committer, subject), records in _commits(git.run(command), 4):
        changes = []
        for head, path in records:
            _, mode, _, blob, status = head[1:].split(" ")
            changes.append(Change(path, status[0], sys.intern(mode), None if status[0] == "D" else blob))
        found.append(Landing(CommitId(commit), int(at), committer, subject, tuple(changes)))
    return tuple(found)


def first_parents(git: Door, tip: CommitId) -> Sequence[Ancestor]:
    """See `registry.ports.Repository.first_parents`."""
    require_whole(git)
    command = ["log", "--first-parent", "-s", "--format=%H %ct %P", "--end-of-options", tip]
    found = []
    for line in git.run(command).decode().splitlines():
        commit, at, *parents = line.split(" ")
        found.append(Ancestor(CommitId(commit), CommitId(parents[0]) if parents and parents[0] else None, int(at)))
    return tuple(found)


def first_commits(
    git: Door, tip: CommitId, blobs: Mapping[str, str], landings: Sequence[Landing] | None = None
) -> Mapping[str, CommitId]:
    """For each path → blob: the oldest commit reachable from `tip` that holds that blob, as a file, at that path.

    Oldest by ancestry: none of its ancestors holds it. Of several such commits the one with the smallest id.

    Of a merge only what differs from all parents is listed (combined format), so one that carries a topic's manifest
    does not count, and one that makes a manifest of its own does. What holds the blob again (after a change of mode,
    or removed and added once more) descends from what held it first.

    Without merges all commits are landings. To see that there is none takes a fifth of the time: no tree is read.
    """
    require_whole(git)
    if landings is not None and not has_merges(git, tip):
        return first_on_one_line(landings, blobs)
    folders = sorted({path.rsplit("/", 2)[0] for path in blobs})  # fewer arguments than a path per version
    command = ["log", "--full-history", "--diff-merges=combined", *_RAW, "--format=tformat:%H"]
    command += ["--end-of-options", tip, "--", *folders]
    holders: dict[str, set[str]] = {}
    for (commit,), records in _commits(git.run(command), 1):
        for head, path in records:
            if path in blobs and _holds(head, blobs[path]):
                holders.setdefault(path, set()).add(commit)
    several = {path: commits for path, commits in holders.items() if len(commits) > 1}
    holders |= _oldest(git, tip, several)
    return {path: CommitId(min(commits)) for path, commits in holders.items()}


def has_merges(git: Door, tip: CommitId, since: CommitId | None = None) -> bool:
    """Whether a merge is among `tip` and its ancestors, those of `since` left out. No tree is read."""
    if since is not None and (line := near(git, since, tip)) is not None:
        return any(line.values())
    command = ["rev-list", "--merges", "--max-count=1", "--end-of-options", tip]
    return bool(git.run([*command, *([f"^{since}"] if since else [])]).strip())


def in_parts(
    git: Door, since: CommitId | None, tip: CommitId, prefix: str
) -> Iterator[tuple[CommitId, Sequence[Landing]]]:
    """As `landings`, oldest first, of some commits at a time, each part with its last commit: so that no hundred
    thousand landings are in memory at once. There is one part at least, and the last one's commit is the tip."""
    if since is None:
        line: Sequence[CommitId] = [ancestor.commit for ancestor in reversed(first_parents(git, tip))]
    else:
        line = first_parent_range(git, since, tip) or (tip,)
    begin, size = 0, max(1, AT_ONCE // 10)
    while begin < len(line):
        end = min(begin + size, len(line))
        part = landings(git, line[end - 1], prefix, since)
        changes = sum(len(landing.changes) for landing in part)
        yield line[end - 1], part
        del part
        begin, since = end, line[end - 1]
        size = next_part(size, changes, AT_ONCE, CHANGES_AT_ONCE)


def first_on_one_line(landings: Sequence[Landing], blobs: Mapping[str, str]) -> dict[str, CommitId]:
    """As `first_commits`, in a history without merges of which these are all landings that touch the paths."""
    found: dict[str, CommitId] = {}
    for landing in landings:
        for change in landing.changes:
            if change.blob and blobs.get(change.path) == change.blob and change.mode.startswith("100"):
                found.setdefault(change.path, landing.commit)
    return found


def _holds(head: str, blob: str) -> bool:
    """Whether a raw record's result (after the modes, then the ids, of all parents) is that blob, as a file."""
    parents = len(head) - len(head.lstrip(":"))
    fields = head.lstrip(":").split(" ")
    return fields[parents].startswith("100") and fields[2 * parents + 1] == blob


def _oldest(git: Door, tip: CommitId, candidates: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Of each path's commits those that descend from none of the others, in one walk from the roots to the tip."""
    if not candidates:
        return {}
    bit = {path: 1 << number for number, path in enumerate(candidates)}
    holds: dict[str, int] = {}
    for path, commits in candidates.items():
        for commit in commits:
            holds[commit] = holds.get(commit, 0) | bit[path]
    below: dict[str, int] = {}
    output = git.run(["rev-list", "--topo-order", "--reverse", "--parents", "--end-of-options", tip])
    for line in output.decode().splitlines():
        commit, *parents = line.split(" ")
        for parent in parents:
            below[commit] = below.get(commit, 0) | below.get(parent, 0) | holds.get(parent, 0)
    return {path: {c for c in commits if not below.get(c, 0) & bit[path]} for path, commits in candidates.items()}


def require_whole(git: Door) -> None:
    """Raises UnavailableError in a shallow clone."""
    if git.shallow:
        raise UnavailableError(
            "the clone is shallow: its history has no beginning",
            hint="git fetch --unshallow (in Actions: fetch-depth: 0)",
        )


def _commits(output: bytes, width: int) -> Iterator[tuple[list[str], list[tuple[str, str]]]]:
    """Headers of `width` fields, each with its records (raw line, path)."""
    fields = output.split(b"\0")
    position = 0
    while position + width <= len(fields):
        header = [field.decode(errors="replace") for field in fields[position : position + width]]
        position += width
        records = []
        while position < len(fields):
            text = fields[position].lstrip(b"\n")
            if text.startswith(b":"):
                records.append((text.decode(), os.fsdecode(fields[position + 1])))
                position += 2
            elif text:
                break
            else:
                position += 1
        yield header, records
