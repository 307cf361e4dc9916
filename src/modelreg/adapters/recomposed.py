"""A tree that no commit has any more, put together from two that it was made of, and known by its id.

A branch is trained on and registered from, and then squashed: meanwhile the registry has moved on, so that no commit of
the protected branch has the recorded tree. But its code is in the squash, and its registry in some commit before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

from modelreg.adapters.door import Door
from modelreg.domain.plan import CommitId

OWN = (b"registry", b"dvc.yaml", b".dvc")
"""What modelreg writes at the top of a repository; all else is code."""
LIMIT = 500
"""No more commits than these are looked at, the newest ones of the first-parent line."""

Entries = Mapping[bytes, tuple[bytes, bytes]]
"""A tree's entries: mode and raw id by name (git: Documentation/gitformat-pack, tree.c)."""


def find(git: Door, tip: CommitId, tree: str) -> tuple[CommitId, CommitId] | None:
    """Commits (code, records) whose tree is `tree` where the second's `OWN` entries stand in the first; None: none."""
    command = ["log", "--first-parent", f"--max-count={LIMIT}", "--format=%H", "--end-of-options", tip]
    commits = git.run(command).decode().split()
    codes: dict[frozenset[tuple[bytes, tuple[bytes, bytes]]], str] = {}
    records: dict[frozenset[tuple[bytes, tuple[bytes, bytes]]], str] = {}
    for commit, entries in zip(commits, _tops(git, commits), strict=True):
        codes.setdefault(frozenset(item for item in entries.items() if item[0] not in OWN), commit)
        records.setdefault(frozenset(item for item in entries.items() if item[0] in OWN), commit)
    for code, code_commit in codes.items():
        for record, record_commit in records.items():
            if _tree_id(dict(code | record), git.object_format) == tree:
                return CommitId(code_commit), CommitId(record_commit)
    return None


def write(git: Door, code: CommitId, records: CommitId) -> str:
    """The tree of the two as an object of the repository of `git`; its id."""
    ours, theirs = _tops(git, [code, records])
    kept = {name: entry for name, entry in ours.items() if name not in OWN}
    kept |= {name: entry for name, entry in theirs.items() if name in OWN}
    command = ["hash-object", "-t", "tree", "-w", "--stdin"]
    return git.run(command, data=_content(kept), write=True).decode().strip()


def _tops(git: Door, commits: Sequence[str]) -> Iterator[Entries]:
    """The top-level entries of each commit's tree."""
    asked = "".join(f"{commit}^{{tree}}\n" for commit in commits).encode()
    output = git.run(["cat-file", "--batch"], data=asked)
    size_of_id = hashlib.new(git.object_format).digest_size
    at = 0
    for _ in commits:
        line_end = output.index(b"\n", at)
        size = int(output[at:line_end].rsplit(b" ", 1)[1])
        yield _entries(output[line_end + 1 : line_end + 1 + size], size_of_id)
        at = line_end + 1 + size + 1


def _entries(data: bytes, size_of_id: int) -> Entries:
    found, at = {}, 0
    while at < len(data):
        end = data.index(b"\0", at)
        mode, _, name = data[at:end].partition(b" ")
        found[name] = (mode, data[end + 1 : end + 1 + size_of_id])
        at = end + 1 + size_of_id
    return found


def _content(entries: Entries) -> bytes:
    """As git stores a tree: by name, a folder's as if it ended in a slash."""
    ordered = sorted(entries.items(), key=lambda item: item[0] + (b"/" if item[1][0] == b"40000" else b""))
    return b"".join(mode + b" " + name + b"\0" + raw for name, (mode, raw) in ordered)


def _tree_id(entries: Entries, object_format: str) -> str:
    content = _content(entries)
    return hashlib.new(object_format, b"tree %d\0" % len(content) + content).hexdigest()
