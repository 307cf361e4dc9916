"""Tags that a remote lacks, made where they are missing and pushed: a tag is created once and never moved."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence

from modelreg.adapters import remote
from modelreg.adapters.door import Door
from modelreg.adapters.objects import write_tags
from modelreg.adapters.refs import move_refs
from modelreg.adapters.remote import TagRef
from modelreg.domain.plan import Tag
from modelreg.errors import ConflictError, IntegrityError, UsageError
from modelreg.registry.ports import Identity

RETRY_S = 60.0


def push_tags(git: Door, tags: Sequence[Tag], who: Identity, batch: int | None) -> Sequence[str]:
    """Bring those of `tags` to the remote that it lacks, at most `batch` in a push, and here what it had before.

    A tag that stands here goes as it is, another one is made. Returns the names that the remote lacked. Raises
    IntegrityError, with nothing pushed, where one that stands here or there is lightweight or names another commit.
    """
    if batch is not None and batch < 1:
        raise UsageError("a push needs at least one tag")
    pushed: list[str] = []
    until = time.monotonic() + RETRY_S
    while tags:
        there, here = remote.tags(git), _here(git)
        _refuse_others(tags, there, f"on {remote.REMOTE}")
        _refuse_others(tags, here, "here")
        lacking = [tag for tag in tags if tag.name not in there]
        size = batch or max(1, len(lacking))
        for start in range(0, len(lacking), size):
            some = lacking[start : start + size]
            if not _push(git, some, here, who):
                break
            pushed += [tag.name for tag in some]
        else:
            remote.fetch_tags(git, [tag.name for tag in tags if tag.name in there and tag.name not in here])
            return pushed
        if time.monotonic() > until:
            raise ConflictError(f"tags kept appearing on {remote.REMOTE} for {RETRY_S:.0f} s", hint="try again")
    return pushed


def _push(git: Door, tags: Sequence[Tag], here: Mapping[str, TagRef], who: Identity) -> bool:
    """One push, all or none, then the local tags; False where somebody else made one of them meanwhile."""
    new = [tag for tag in tags if tag.name not in here]
    made = dict(zip((tag.name for tag in new), write_tags(git, new, who), strict=True))
    ids = {tag.name: made[tag.name] if tag.name in made else here[tag.name].object_id for tag in tags}
    if not remote.push(git, {f"refs/tags/{name}": object_id for name, object_id in ids.items()}):
        return False
    move_refs(git, None, not_noted(git, {f"refs/tags/{name}": object_id for name, object_id in made.items()}))
    return True


def not_noted(git: Door, refs: Mapping[str, str]) -> dict[str, str]:
    """Those tags of a push that git has not made here itself, as it does where `remote.origin.fetch` names tags.

    Only there it looks: to list all tags takes longer the more there are.
    """
    settings = [(s.key, s.value) for s in git.git.settings]
    named = any(key == f"remote.{remote.REMOTE}.url" for key, _ in settings)  # else git reads other files as well
    tags = any(key == f"remote.{remote.REMOTE}.fetch" and ":refs/tags/" in value for key, value in settings)
    if not refs or (named and not tags):
        return dict(refs)
    output = os.fsdecode(git.run(["for-each-ref", "--format=%(refname) %(objectname)", "--", "refs/tags/"]))
    standing = set(output.splitlines())
    return {ref: object_id for ref, object_id in refs.items() if f"{ref} {object_id}" not in standing}


def _here(git: Door) -> dict[str, TagRef]:
    found = {}
    command = ["for-each-ref", "--format=%(refname:lstrip=2)%00%(objectname)%00%(*objectname)", "--", "refs/tags/"]
    for line in os.fsdecode(git.run(command)).splitlines():
        name, object_id, target = line.split("\0")
        found[name] = TagRef(object_id, target or object_id)
    return found


def _refuse_others(tags: Sequence[Tag], standing: Mapping[str, TagRef], where: str) -> None:
    for tag in tags:
        found = standing.get(tag.name)
        if found is not None and (found.target != tag.target or found.object_id == found.target):
            raise IntegrityError(
                f"tag {tag.name} {where} is not the one that the history calls for", hint="modelreg verify explains"
            )
