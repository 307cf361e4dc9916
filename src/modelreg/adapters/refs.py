"""Refs moved in one transaction: all or none, and only from where they are believed to be."""

from __future__ import annotations

import os
from collections.abc import Mapping

from modelreg.adapters.door import Door
from modelreg.domain.plan import CommitId
from modelreg.errors import ConflictError, UnavailableError


def move_refs(git: Door, move: tuple[str, CommitId, CommitId | None] | None, tags: Mapping[str, str]) -> bool:
    """Branch and tags in one ref transaction; False when the branch is not where it was."""
    if move is None and not tags:
        return True
    zero = "0" * (64 if git.object_format == "sha256" else 40)
    lines = ["start"]
    if move is not None:
        branch, new, old = move
        lines.append(f"update refs/heads/{branch} {new} {old or zero}")
    lines += [f"create {ref} {object_id}" for ref, object_id in tags.items()]
    lines += ["prepare", "commit", ""]
    done = git.attempt(["update-ref", "-m", "modelreg", "--stdin"], data="\n".join(lines).encode(), write=True)
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
        f"git could not move the refs: {words}", hint="modelreg repair names lock files that were left behind"
    )


def not_noted(git: Door, refs: Mapping[str, str]) -> dict[str, str]:
    """Those tags of a push that git has not made here itself, as it does where `remote.origin.fetch` names tags."""
    if not refs:
        return {}
    output = os.fsdecode(git.run(["for-each-ref", "--format=%(refname) %(objectname)", "--", "refs/tags/"]))
    standing = set(output.splitlines())
    return {ref: object_id for ref, object_id in refs.items() if f"{ref} {object_id}" not in standing}
