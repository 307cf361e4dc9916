"""`land`: the only door that moves refs. A plan becomes objects, then one ref transaction, then the work tree.

    lock · heal what a killed writer left · plan on the tip · refuse dirt · objects · (push) · journal ·
    refs in one transaction · touched files and index · journal away

A kill before the transaction leaves unreachable objects and nothing else; one after it is healed from the journal by
the next writer. With `push` the remote accepts first; the verdict is never carried over to a new base.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from modelreg.adapters import journal, refresh, remote, tagging
from modelreg.adapters.door import Door
from modelreg.adapters.failpoints import fail_point
from modelreg.adapters.forward import bring_forward
from modelreg.adapters.git import require_version
from modelreg.adapters.git_index import updating
from modelreg.adapters.journal import Journal
from modelreg.adapters.locking import locked
from modelreg.adapters.objects import Composer, write_tags
from modelreg.adapters.paths import check_paths
from modelreg.adapters.refs import beginning, head_ref, move_refs
from modelreg.adapters.waiting import RETRY_S
from modelreg.domain.plan import CommitId, Plan, Planner, Tag
from modelreg.errors import ConflictError, UnavailableError
from modelreg.registry.ports import Landed

if TYPE_CHECKING:
    from modelreg.adapters.repository import GitRepository


def land(
    repository: GitRepository, planner: Planner, branch: str, *, push: bool, force_branch: bool, onto: str | None = None
) -> Landed | None:
    """See `registry.ports.Repository.land`."""
    require_version()
    git = repository.git
    if push:
        time.sleep(repository.turns.pause())
    deadline = time.monotonic() + RETRY_S
    with locked(git.common_dir):
        journal.recover(repository)
        here = _checked_out_here(git, branch, force=force_branch or onto is not None)
        if here and onto is not None:
            raise UnavailableError(f"{branch} is checked out here", hint=f"git switch {onto}, and try again")
        lost = 0
        while True:
            for name in (branch, onto) if push else ():
                if name is not None:
                    remote.fetch(git, name, ask=not lost)
            local, base = _standing(repository, branch, onto, here=here, may_forward=push)
            plan = planner(base)
            if plan is None:
                return None
            began = time.monotonic()
            landed = _try(repository, plan, local, here=here, push=push)
            now = time.monotonic()
            if landed is not None:
                if push:
                    repository.turns.won(now - began)
                return landed
            if now > deadline:
                raise ConflictError(f"{branch} kept moving for {RETRY_S:.0f} s", hint="try again")
            lost += 1
            time.sleep(repository.turns.lost(lost, now - began, deadline - now))


def create_tags(
    repository: GitRepository, tags: Sequence[Tag], *, push: bool, batch: int | None = None
) -> Sequence[str]:
    """See `registry.ports.Repository.create_tags`."""
    require_version()
    git = repository.git
    with locked(git.common_dir):
        journal.recover(repository)
        if push:
            return tagging.push_tags(git, tags, repository.identity(), batch)
        ids = write_tags(git, tags, repository.identity())
        move_refs(git, None, {f"refs/tags/{tag.name}": id_ for tag, id_ in zip(tags, ids, strict=True)})
        return [tag.name for tag in tags]


def push_branch(repository: GitRepository, branch: str) -> None:
    """See `registry.ports.Repository.push_branch`."""
    tip = repository.resolve(f"refs/heads/{branch}")
    if tip is not None and not remote.push(repository.git, {f"refs/heads/{branch}": tip}):
        raise ConflictError(f"{branch} is another one at {remote.REMOTE}", hint=f"git fetch {remote.REMOTE} {branch}")


def recover(repository: GitRepository) -> None:
    """Finish what a killed writer began, if there is anything."""
    with locked(repository.git.common_dir):
        journal.recover(repository)


def _try(repository: GitRepository, plan: Plan, local: CommitId | None, *, here: bool, push: bool) -> Landed | None:
    """One attempt to land a plan; None when the branch moved in between. `local` is where it was before planning."""
    git = repository.git
    check_paths(plan.files)
    refresh.refuse_shape(git, plan.base, plan.files)
    if here:
        refresh.wait_for_index(git)
    with updating(git) as index, beginning(git) as transaction:
        if here and not push:
            index.start()
        if here and not refresh.refuse_dirt(git, plan.base, plan.files):
            index.stop(fits=False)
        commit, pairs = _objects(repository, plan)
        if push and not remote.push(git, {f"refs/heads/{plan.branch}": commit} | pairs):
            return None
        fail_point("after-push")
        if here:
            index.start()
        pairs = tagging.not_noted(git, pairs) if push else pairs
        top = git.top if here else None
        journal.write(git, Journal(f"refs/heads/{plan.branch}", plan.base, commit, top, tuple(sorted(plan.files))))
        fail_point("after-journal")
        if not move_refs(git, (plan.branch, commit, local), pairs, transaction):
            journal.remove(git)
            return None
        fail_point("after-refs")
        if here:
            refresh.bring_up_to_date(git, plan.files, index)
    fail_point("after-refresh")
    journal.remove(git)
    return Landed(plan, commit)


def _objects(repository: GitRepository, plan: Plan) -> tuple[CommitId, dict[str, str]]:
    """A plan's commit, and the refs of the tags that announce it with their objects: all written."""
    objects = Composer(repository.git, repository.identity())
    commit = objects.commit(plan)
    tags = plan.announce(commit) if plan.announce else ()
    ids = objects.tags(tags)
    fail_point("before-objects")
    objects.write()
    fail_point("after-objects")
    return commit, {f"refs/tags/{tag.name}": object_id for tag, object_id in zip(tags, ids, strict=True)}


def _standing(
    repository: GitRepository, branch: str, onto: str | None, *, here: bool, may_forward: bool
) -> tuple[CommitId | None, CommitId | None]:
    """Where the branch is here, and the commit to plan on.

    A branch that is checked out and behind its remote is brought forward, or refused.
    """
    if onto is not None:
        return repository.resolve(f"refs/heads/{branch}"), repository.branch_tip(onto)
    local, tip = repository.tips(branch)
    if tip is None or local == tip or not here or local is None:
        return local, tip
    if not may_forward:
        raise ConflictError(f"{branch} is behind origin/{branch}", hint="git pull --ff-only, and try again")
    bring_forward(repository.git, branch, local, tip)
    return tip, tip


def _checked_out_here(git: Door, branch: str, *, force: bool) -> bool:
    """Whether the work tree shows the branch. Raises UnavailableError where a write would surprise somebody."""
    ref = f"refs/heads/{branch}"
    for folder, shown in _worktrees(git):
        if shown == ref and not (git.top is not None and os.path.samefile(folder, git.top)):
            raise UnavailableError(
                f"{branch} is checked out in the worktree {folder}", hint=f"run it there: cd {folder}"
            )
    for folder, held in _held_branches(git):
        if held == ref:
            raise UnavailableError(
                f"a rebase or bisect of {branch} is in progress ({folder})", hint="finish or abort it first"
            )
    if git.top is None:
        return False
    head = head_ref(git)
    if head == ref:
        for name in ("MERGE_HEAD", "rebase-merge", "rebase-apply", "CHERRY_PICK_HEAD", "REVERT_HEAD"):
            if (git.git_dir / name).exists():
                raise UnavailableError("a merge, rebase or the like is in progress", hint="finish or abort it first")
        return True
    if not force:
        where = f"HEAD is on {head.removeprefix('refs/heads/')}" if head else "HEAD is detached"
        raise UnavailableError(
            f"{where}, and the registry's branch is {branch}",
            hint=f"git switch {branch}, or --branch {branch} to move only that ref",
        )
    return False


def _worktrees(git: Door) -> list[tuple[Path, str]]:
    """Folders and the refs that they show; where there is but one work tree, nobody else's."""
    if not (git.common_dir / "worktrees").is_dir():
        return []
    found, folder = [], Path()
    for line in git.run(["worktree", "list", "--porcelain"]).decode(errors="surrogateescape").splitlines():
        key, _, value = line.partition(" ")
        if key == "worktree":
            folder = Path(value)
        elif key == "branch" and folder.exists():
            found.append((folder, value))
    return found


def _held_branches(git: Door) -> Iterator[tuple[Path, str]]:
    """Git folders and the refs that a rebase or bisect there will move or come back to (git: branch.c)."""
    for folder in (git.common_dir, *sorted((git.common_dir / "worktrees").glob("*"))):
        for name in ("rebase-merge/head-name", "rebase-apply/head-name", "rebase-merge/update-refs"):
            yield from ((folder, line) for line in _lines(folder / name) if line.startswith("refs/"))
        yield from ((folder, f"refs/heads/{line}") for line in _lines(folder / "BISECT_START"))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="surrogateescape").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []
