"""Refs: what they name now, and moved in one transaction: all or none, only from where they are believed to be."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from modelreg.adapters.door import Door
from modelreg.adapters.git import gits_words, is_ref
from modelreg.adapters.processes import Running
from modelreg.domain.plan import CommitId
from modelreg.errors import ConflictError, UnavailableError

_TRANSACTION = ("update-ref", "-m", "modelreg", "--stdin")
_OTHERS = ("refs/{}", "refs/tags/{}", "refs/heads/{}", "refs/remotes/{}", "refs/remotes/{}/HEAD")
"""What git takes a name for where no ref is called exactly that (gitrevisions(7))."""


def tips(git: Door, *names: str) -> list[CommitId | None]:
    """The commits that refs of exactly these names (`refs/heads/main`) name now; None for one that names none.

    Asked of the git that reads objects, which is there already; of another one where a stranger's ref, such as
    `refs/tags/refs/heads/main`, could be taken for one that is missing.
    """
    if all(map(is_ref, names)):
        found = git.objects.commits([*names, *(other.format(name) for name in names for other in _OTHERS)])
        if not any(found[len(names) :]):
            return [CommitId(commit) if commit else None for commit in found[: len(names)]]
    output = os.fsdecode(git.run(["for-each-ref", "--format=%(refname) %(objectname)", "--", *names], here=True))
    listed = dict(line.rsplit(" ", 1) for line in output.splitlines())
    return [CommitId(listed[name]) if name in listed else None for name in names]


def head_ref(git: Door) -> str:
    """The ref that HEAD is on, born or not; "" where it is detached."""
    path = git.git_dir / "HEAD"
    try:
        text = "" if path.is_symlink() else path.read_text(errors="surrogateescape")
    except OSError:
        text = ""
    ref = text.removeprefix("ref: ").rstrip("\n")
    if ref != text.rstrip("\n") and ref.startswith("refs/heads/") and is_ref(ref):
        return ref
    # A detached HEAD, one of an older shape, or refs that are kept elsewhere (reftable writes an invalid name here).
    return os.fsdecode(git.run(["symbolic-ref", "--quiet", "HEAD"], check=False, here=True)).strip()


@contextmanager
def beginning(git: Door) -> Iterator[Running]:
    """The git of a transaction, started before it is known what to tell it: to start takes it longer than to do it."""
    process = git.git.begin(_TRANSACTION, write=True)
    try:
        yield process
    finally:
        process.end()


def move_refs(
    git: Door,
    move: tuple[str, CommitId, CommitId | None] | None,
    tags: Mapping[str, str],
    process: Running | None = None,
) -> bool:
    """Branch and tags in one ref transaction, by a `process` that has begun or a new one; False when the branch is not
    where it was."""
    if move is None and not tags:
        return True
    zero = "0" * (64 if git.object_format == "sha256" else 40)
    lines = ["start"]
    if move is not None:
        branch, new, old = move
        lines.append(f"update refs/heads/{branch} {new} {old or zero}")
    lines += [f"create {ref} {object_id}" for ref, object_id in tags.items()]
    lines += ["prepare", "commit", ""]
    done = (process or git.git.begin(_TRANSACTION, write=True)).result("\n".join(lines).encode())
    if not done.code:
        return True
    words = done.err.strip()
    for ref in tags:
        if ref in words and "exists" in words:
            name = ref.removeprefix("refs/tags/")
            raise ConflictError(f"tag {name} exists already", hint="modelreg verify says whether it is the right one")
    if "but expected" in words or "already exists" in words:
        return False
    raise UnavailableError(
        f"git could not move the refs: {gits_words(done.err)}",
        hint="modelreg repair names lock files that were left behind",
    )
