"""Whatever a repository's history was, what is announced with the log of landings is what the history calls for."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from modelreg.adapters import landing_log
from modelreg.adapters.landing_log import NAME
from modelreg.adapters.repository import GitRepository
from modelreg.domain.names import ModelName
from modelreg.domain.plan import CommitId, Plan
from modelreg.domain.tags import Announced, Moved, Registered, Step
from modelreg.errors import ModelregError
from modelreg.registry import announce
from modelreg.registry.announce import _announced, _steps
from modelreg.registry.workspace import Workspace
from modelreg.wiring import open_workspace
from tests.histories import MODELS, POLICY, REGISTRY, History
from tests.property.test_index import change, lose
from tests.support import Repo

STEPS = 12


def agree(workspace: Workspace, tip: CommitId, model: ModelName) -> Sequence[Step]:
    """Both ways come to the same, or to the same error; after which steps."""
    found: list[dict[str, Any] | tuple[type, str]] = []
    steps: Sequence[Step] = ()
    try:
        steps = _steps(workspace, tip, [model]).get(model, [])
        walked = Announced(workspace.settings.id, workspace.layout.artifact_name(model))
        walked.follow(steps)
        found.append(walked.to_mapping())
    except ModelregError as error:
        found.append((type(error), str(error)))
    try:
        found.append(_announced(workspace, tip, model).to_mapping())
    except ModelregError as error:
        found.append((type(error), str(error)))
    assert found[0] == found[1]
    return steps


def announced(choice: random.Random) -> str:
    """The policy, with other stages announced."""
    text = POLICY
    for name in choice.sample(("staging", "production"), choice.randint(0, 2)):
        text = text.replace(f"{name}: {{", f"{name}: {{announce: true, ")
    return text


def begin(past: History) -> None:
    """Registrations, moves and a merge: there is something to compare, whatever is removed later."""
    for happens in (past.register, past.move) * 3:
        happens(past.trees["main"])
        past.commit("main")
    tip = past.repo.head
    past.trees["topic"] = dict(past.trees["main"])
    past.register(past.trees["topic"])
    past.commit("topic", parents=(tip,))  # it registers what the merge only brings
    past.trees["main"] = dict(past.trees["topic"])
    past.commit("main", parents=(tip, past.repo.rev("refs/heads/topic") or ""))


def land(past: History, root: str, kinds: Sequence[Callable[[dict[str, str]], object]] = ()) -> None:
    """A landing by modelreg itself, which notes it."""
    tree = past.trees["main"]
    before = dict(tree)
    past.choice.choice(kinds or (past.register, past.move, past.move, past.edit))(tree)
    written = {path for path, text in tree.items() if before.get(path) != text}
    written |= {path for path in tree if path.endswith("/manifest.yaml") and past.choice.random() < 0.2}  # as it was
    files = {path: tree[path].encode() for path in written if not tree[path].startswith("->")}
    if not files:
        return
    workspace = open_workspace(past.repo.path / root)
    repository, at = workspace.repository, 1_700_000_000 + 60 * past.commits
    landed = repository.land(lambda base: Plan("main", base, files, "m", at, announce=lambda _: ()), "main")
    assert landed is not None
    repository.note(workspace.layout, landed)


@pytest.mark.parametrize("seed", range(1, 9))
def test_with_the_log_and_without_the_tags_are_the_same(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landing_log, "_walked", None)  # there is a log at any time, if a new one
    monkeypatch.setattr(announce, "MOST_STEPS", 2)
    choice = random.Random(seed)
    path = tmp_path / "repo"
    past = History(Repo.init(path, object_format=choice.choice(("sha1", "sha256"))), choice)
    other = History(past.repo, choice, root="ml/team")
    direct = REGISTRY.replace("announce: ci", "announce: direct")
    other.found()
    past.trees["main"] = dict(other.trees["main"])
    past.found()
    for prefix in ("", "ml/team/"):
        past.trees["main"][f"{prefix}registry/registry.yaml"] = direct
    past.commit("main")
    begin(past)
    past.repo.git("reset", "-q", "--hard")
    compared: Counter[type[Step]] = Counter()
    open_already: list[Workspace] = []
    for _ in range(STEPS):
        what = choice.random()
        if what < 0.1:
            past.trees["main"]["registry/policy.yaml"] = announced(choice)
            past.commit("main")
        elif what < 0.5:
            land(past, choice.choice(("", "ml/team")))
        else:
            change(past, other, choice, path)
        if choice.random() < 0.15:
            lose(path, choice, f"{NAME}.sqlite")
        past.repo.git("reset", "-q", "--hard")
        if not open_already or choice.random() < 0.3:
            open_already = [open_workspace(folder) for folder in (path, path / "ml" / "team")]
        for workspace in open_already:
            refs = ("main", choice.choice(("main", "main~1", "fork")))
            for ref in (ref for ref in refs if past.repo.rev(ref)):
                tip = CommitId(past.repo.rev(ref) or "")
                for model in MODELS:
                    compared.update(map(type, agree(workspace, tip, ModelName(model))))
    assert compared[Registered] > 20
    assert compared[Moved] > 5


@pytest.mark.parametrize("seed", range(1, 4))
def test_what_is_kept_of_many_landings_is_what_they_come_to(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Registrations and moves, as nearly all landings are, of which only the last are gone through again."""
    monkeypatch.setattr(announce, "MOST_STEPS", 2)
    choice = random.Random(seed)
    past = History(Repo.init(tmp_path / "repo"), choice)
    past.found()
    past.repo.git("reset", "-q", "--hard")
    asked, given = 0, 0
    for _ in range(15):
        if choice.random() < 0.2:
            past.trees["main"]["registry/policy.yaml"] = announced(choice)
            past.commit("main")
            past.repo.git("reset", "-q", "--hard")
        else:
            land(past, "", (past.register, past.move, past.move))
        workspace, tip = open_workspace(past.repo.path), CommitId(past.repo.head)
        for model in map(ModelName, MODELS):
            asked += 1
            given += bool(workspace.repository.line(tip, workspace.layout, model).account)
            agree(workspace, tip, model)
    assert given > asked / 6


def test_a_workspace_that_is_open_notes_what_it_lands(tmp_path: Path) -> None:
    """The log is where the branch is after a landing: the next one asks git for nothing."""
    past = History(Repo.init(tmp_path / "repo"), random.Random(1))
    past.found()
    past.repo.git("reset", "-q", "--hard")
    repository = GitRepository.open(past.repo.path)
    workspace = open_workspace(past.repo.path)
    repository.line(CommitId(past.repo.head), workspace.layout, "churn")
    for _ in range(3):
        past.choice.seed(3)
        land(past, "")
    known = repository._log._file
    with known.reading() as db:
        assert db is not None
        assert db.execute("SELECT tip FROM registry").fetchall() == [(past.repo.head,)]
