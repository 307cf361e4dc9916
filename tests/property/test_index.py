"""Whatever a repository's history was, the index answers as the documents do, and no error is lost."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelreg.adapters import index_file
from modelreg.domain.names import ModelName, Stage
from modelreg.errors import ModelregError
from modelreg.registry.history import history
from modelreg.registry.index_port import Index
from modelreg.registry.listing import list_versions
from modelreg.registry.search import query_of, search
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.workspace import Workspace
from modelreg.wiring import open_index, open_workspace
from tests.histories import MODELS, STAGES, History
from tests.property.expressions import expression, order, tagged
from tests.support import Repo

STEPS = 10


class Counting:
    """An index that counts what it answered, so that a test knows that it was asked at all."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.answered = 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def ask(*args: Any, **options: Any) -> Any:
            found = getattr(self.index, name)(*args, **options)
            self.answered += found is not None
            return found

        return ask


def outcome(work: Callable[[], Any]) -> Any:
    """The answer, or the error."""
    try:
        return list(work())
    except ModelregError as error:
        return type(error), str(error)


def agree(workspace: Workspace, index: Any, ref: str, choice: random.Random) -> None:
    """Every read of one ref, with the index and without."""

    def snapshot() -> Snapshot:
        return workspace.snapshot(ref)  # a new one each time, as a process has it

    model, stage = ModelName(choice.choice(MODELS)), Stage(choice.choice(STAGES))
    query = query_of(expression(choice), [order(choice)] * choice.randint(0, 2), choice.choice((None, 1, 5)))
    about_tags = [query_of(tagged(choice)), query_of(None, ["tags.team"])]
    searches: list[Callable[[Any], Any]] = [
        lambda i, query=query: search(snapshot(), query, i)  # type: ignore[misc]
        for query in (query, *about_tags)
    ]
    others: list[Callable[[Any], Any]] = [
        lambda i: list_versions(snapshot(), index=i and (lambda: i)),
        lambda i: list_versions(snapshot(), stage=stage, index=i and (lambda: i)),
        lambda i: list_versions(snapshot(), model, index=i and (lambda: i)),
        lambda i: history(workspace, ref=ref, index=i),
        lambda i: history(workspace, model, ref, index=i),
    ]
    for read in (*searches, *choice.sample(others, 2)):
        without = outcome(lambda read=read: read(None))  # type: ignore[misc]
        assert outcome(lambda read=read: read(index)) == without  # type: ignore[misc]


def change(past: History, other: History, choice: random.Random, path: Path) -> str:
    """Something that happens to the repository; what it was."""
    repo, main = past.repo, past.trees["main"]
    tip, fork = repo.rev("refs/heads/main") or "", repo.rev("refs/heads/fork") or ""
    kind = choice.choice(
        [
            "register",
            "register",
            "register",
            "move",
            "move",
            "annotate",
            "annotate",
            "withdraw",
            "edit",
            "remove",
            "spoil",
            "branch",
            "merge",
            "rebase",
            "rewrite",
            "other",
            "lose",
        ]
    )
    if kind in ("register", "move", "annotate", "withdraw", "edit", "remove", "spoil"):
        getattr(past, kind)(main)
        past.commit("main")
    elif kind == "branch":
        past.trees["fork"] = dict(main)
        past.register(past.trees["fork"])
        past.commit("fork", parents=(tip,))
    elif kind == "merge" and fork:
        past.trees["main"] = {**main, **past.trees["fork"]}
        past.commit("main", parents=(tip, fork))
    elif kind == "rebase":  # the same tree on a line that shares only the beginning
        first = repo.git("rev-list", "--first-parent", "--reverse", "main").split()
        past.commit("main", parents=(choice.choice(first),))
    elif kind == "rewrite":  # nothing is shared any more, and what was is not even in the repository
        past.commit("main", parents=())
        repo.git("reflog", "expire", "--expire=now", "--all")
        repo.git("gc", "-q", "--prune=now")
    elif kind == "other":
        other.trees["main"] = past.trees["main"]  # of one repository, in a folder of it
        other.register(other.trees["main"])
        past.commit("main")
    elif kind == "lose":
        lose(path, choice)
    if kind != "spoil":
        past.mend("main")
        past.commit("main")
    return kind


def lose(path: Path, choice: random.Random, name: str = index_file.NAME) -> None:
    """A file of modelreg is gone, cut short, or holds a stranger's bytes."""
    file = path / ".git" / "modelreg" / name
    if not file.exists():
        return
    data = bytearray(file.read_bytes())
    how = choice.choice(("delete", "cut", "empty", "flip", "fill"))
    if how == "delete":
        file.unlink()
        return
    place = choice.randrange(len(data))
    if how == "cut":
        del data[place:]
    elif how == "empty":
        data.clear()
    elif how == "flip":
        data[place] ^= 1 << choice.randrange(8)
    else:
        data[place : place + 100] = bytes(choice.randrange(256) for _ in data[place : place + 100])
    file.write_bytes(data)


@pytest.mark.parametrize("seed", range(6))
def test_the_index_answers_as_the_documents_do(tmp_path: Path, seed: int) -> None:
    choice = random.Random(seed)
    path = tmp_path / "repo"
    past = History(Repo.init(path, object_format=choice.choice(("sha1", "sha256"))), choice)
    other = History(past.repo, choice, root="ml/team")
    other.found()
    past.trees["main"] = dict(other.trees["main"])
    # What annotations say goes before the manifest: there are some from the beginning.
    for happens in (past.register, past.register, past.register, past.annotate, past.annotate, past.annotate):
        happens(past.trees["main"])
    past.found()
    past.repo.git("reset", "-q", "--hard")
    answered = 0
    for _ in range(STEPS):
        change(past, other, choice, path)
        past.repo.git("reset", "-q", "--hard")
        for folder in (path, path / "ml" / "team"):
            workspace = open_workspace(folder)
            index = Counting(open_index(workspace))
            refs = [ref for ref in ("fork", "main~1") if past.repo.rev(ref)]
            for ref in ("main", choice.choice(["main", *refs])):
                agree(workspace, index, ref, choice)
            answered += index.answered
    assert answered > STEPS  # it was not declined all the time
