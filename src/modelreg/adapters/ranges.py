"""Ranges of commits: what one has that another has not, what a merge would land, who descends from whom."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

from modelreg.adapters.door import Door
from modelreg.adapters.git import gits_words
from modelreg.domain.history import Change
from modelreg.domain.plan import CommitId
from modelreg.errors import ConflictError, ModelregError, UnavailableError
from modelreg.registry.ports import TagObject

_NEAR = 32
"""So many commits are looked at before git is started: a clone beside others that write is seldom further behind."""
_MERGE_TREE_SINCE = (2, 38)
_TAGGER = re.compile(r"> ([0-9]+) [+-][0-9]{4}$")
_NO_INDEX = {"GIT_INDEX_FILE": "/dev/no-index"}
"""`diff-tree` reads git's own index file first, even to compare trees: 37 MB at 100,000 versions, four times what the
comparison takes. One that does not exist is an empty one."""


def diff(git: Door, base: CommitId, head: CommitId, prefix: str) -> Sequence[Change]:
    """See `registry.ports.Repository.diff`. `base` and `head` may be trees."""
    command = ["diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--no-renames", "--no-ext-diff", "-O/dev/null"]
    command += ["--end-of-options", base, head, "--", *([prefix.rstrip("/")] if prefix else [])]
    fields = git.run(command, env=_NO_INDEX).split(b"\0")
    changes = []
    for record, path in zip(fields[::2], fields[1::2], strict=False):
        _, mode, _, blob, status = record.decode().lstrip(":").split(" ")
        changes.append(Change(os.fsdecode(path), status[0], mode, None if status[0] == "D" else blob))
    return tuple(changes)


def tree_id(git: Door, commit: CommitId) -> str:
    """See `registry.ports.Repository.tree_id`."""
    return git.run(["rev-parse", "--verify", "--end-of-options", f"{commit}^{{tree}}"]).decode().strip()


def with_tree(git: Door, tip: CommitId, tree: str) -> CommitId | None:
    """See `registry.ports.Repository.with_tree`."""
    lines = git.run(["log", "--format=%H %T", "--end-of-options", tip]).decode().splitlines()
    return next((CommitId(commit) for commit, found in (line.split(" ") for line in lines) if found == tree), None)


def merged(git: Door, base: CommitId, head: CommitId) -> CommitId:
    """See `registry.ports.Repository.merged`. What is returned may be the id of a tree that nothing refers to."""
    if is_ancestor(git, base, head):
        return head
    # A merge driver is a program that the repository's own config names: none may decide what is judged.
    drivers = {s.key for s in git.git.settings if s.key.startswith("merge.") and s.key.endswith(".driver")}
    command = ["merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", "--end-of-options", base, head]
    done = git.git.run(command, check=False, config=[(key, "false") for key in sorted(drivers)])
    fields = [os.fsdecode(field) for field in done.out.split(b"\0") if field]
    if done.code == 0 and fields:
        return CommitId(fields[0])
    if done.code == 1 and fields:
        paths = sorted(set(fields[1:]))
        more = f" and {len(paths) - 5} more" if len(paths) > 5 else ""
        raise ConflictError(
            f"the branch does not merge into its base: {', '.join(paths[:5])}{more} conflict",
            hint="another change of the same model has landed: modelreg propose --refresh makes the record again on it",
        )
    raise UnavailableError(
        f"git could not merge {head[:12]} into {base[:12]}: {gits_words(done.err)}",
        hint=f"git {'.'.join(map(str, _MERGE_TREE_SINCE))} or newer, and both histories (git fetch --unshallow)",
    )


def landed_at(git: Door, tip: CommitId, path: str) -> int | None:
    """See `registry.ports.Repository.landed_at`: the newest landing that added the path, which is add-only."""
    command = ["log", "--first-parent", "--diff-merges=first-parent", "-1", "--diff-filter=A", "--no-renames", "-s"]
    found = git.run([*command, "--format=%ct", "--end-of-options", tip, "--", path]).decode().strip()
    if not found and git.shallow:
        raise UnavailableError(f"the clone is shallow: when {path} landed is not known", hint="git fetch --unshallow")
    return int(found) if found else None


def tag_object(git: Door, object_id: str) -> TagObject | None:
    """See `registry.ports.Repository.tag_object`. A stranger's tag that is not as git writes it is none."""
    done = git.attempt(["cat-file", "tag", object_id])
    header, _, message = done.out.decode(errors="replace").partition("\n\n")
    fields = [line.partition(" ")[::2] for line in header.split("\n")]
    if done.code or [key for key, _ in fields] != ["object", "type", "tag", "tagger"]:
        return None  # a second `object` would be another target for one reader than for the next
    target, kind, name, tagger = (value for _, value in fields)
    match = _TAGGER.search(tagger)
    if match is None or kind != "commit":
        return None
    return TagObject(
        name=name,
        annotated=True,
        target=CommitId(target),
        inner_name=name,
        message=message,
        at=int(match[1]),
    )


def first_parent_range(git: Door, old: CommitId, new: CommitId) -> Sequence[CommitId] | None:
    """See `registry.ports.Repository.first_parent_range`."""
    if old == new:
        return ()
    if (line := near(git, old, new)) is not None:
        return tuple(line)
    listed = git.run(["rev-list", "--first-parent", "--parents", "--end-of-options", new, f"^{old}"]).decode()
    lines = [line.split(" ") for line in listed.splitlines()]
    if not lines or len(lines[-1]) < 2 or lines[-1][1] != old:
        return None
    return tuple(CommitId(line[0]) for line in reversed(lines))


def near(git: Door, old: CommitId, new: CommitId) -> Mapping[CommitId, bool] | None:
    """The first-parent line from `old` (left out) to `new`, oldest first, each with whether it is a merge.

    None where `old` is not found on it among the last few commits, or the clone does not hold them all.
    """
    found: list[tuple[CommitId, bool]] = []
    commit = new
    while commit != old:
        try:
            parents = () if git.shallow or len(found) == _NEAR else git.objects.parents(commit)
        except ModelregError:
            return None  # git says what is wrong
        if not parents:
            return None
        found.append((commit, len(parents) > 1))
        commit = CommitId(parents[0])
    return dict(reversed(found))


def is_ancestor(git: Door, old: CommitId, new: CommitId) -> bool:
    if near(git, old, new) is not None:
        return True
    return git.attempt(["merge-base", "--is-ancestor", old, new]).code == 0


def committed_at(git: Door, commit: CommitId) -> int:
    """The committer time of a commit, epoch seconds (UTC)."""
    return int(git.run(["show", "-s", "--format=%ct", "--end-of-options", commit]).decode().split()[0])


def first_parent(git: Door, commit: CommitId) -> CommitId | None:
    """The first parent of a commit; None for a root."""
    found = git.run(["rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^1"], check=False).decode()
    return CommitId(found.strip()) if found.strip() else None


def authors(git: Door, base: CommitId, head: CommitId, paths: Sequence[str]) -> frozenset[str]:
    """See `registry.ports.Repository.authors`."""
    command = ["log", "--full-history", "-s", "--format=%ae%n%ce", "--end-of-options", f"{base}..{head}", "--", *paths]
    return frozenset(git.run(command).decode(errors="replace").split("\n")) - {""}


def local_branches(git: Door) -> Mapping[str, CommitId]:
    """The tips of refs/heads/, by branch."""
    output = git.run(["for-each-ref", "--format=%(objectname) %(refname:lstrip=2)", "--", "refs/heads/"])
    lines = (line.partition(" ") for line in output.decode(errors="surrogateescape").splitlines())
    return {name: CommitId(commit) for commit, _, name in lines}


def branches(git: Door, pattern: str) -> Mapping[str, CommitId]:
    """See `registry.ports.Repository.branches`."""
    prefixes = ("refs/heads/", "refs/remotes/origin/")
    command = ["for-each-ref", "--format=%(refname) %(objectname)", "--", *(p + pattern for p in prefixes)]
    found: dict[str, CommitId] = {}
    for line in git.run(command).decode(errors="surrogateescape").splitlines():
        ref, _, commit = line.rpartition(" ")
        name = next(ref[len(p) :] for p in prefixes if ref.startswith(p))
        known = found.get(name)
        if known is None or is_ancestor(git, known, CommitId(commit)):
            found[name] = CommitId(commit)
    return found
