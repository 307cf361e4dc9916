"""Which commit registered a file: the oldest that holds its bytes, as an independent walk of the history finds it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from modelreg.adapters.repository import GitRepository
from modelreg.domain.plan import CommitId
from modelreg.errors import UnavailableError
from tests.support import Repo

PATH = "registry/churn/1.0.0/manifest.yaml"


def found(repo: Repo, path: str = PATH, content: str = "x\n", tip: str = "HEAD") -> str | None:
    blob = repo.git("hash-object", "-w", "--stdin", input=content)
    at = CommitId(str(repo.rev(tip)))
    repository = GitRepository.open(repo.path)
    walked = repository.first_commits(at, {path: blob})
    if not repository.is_shallow():
        assert repository.first_commits(at, {path: blob}, repository.landings(at, "registry/")) == walked
    return walked.get(path)


def specified(repo: Repo, blobs: Mapping[str, str]) -> dict[str, str]:
    """The specification, word by word: all commits, each one's tree, all ancestors."""
    commits = repo.git("rev-list", "HEAD").split()
    ancestors = {c: set(repo.git("rev-list", c).split()) - {c} for c in commits}
    result = {}
    for path, blob in blobs.items():
        holders = {c for c in commits if f"{blob}\t" in repo.git("ls-tree", c, "--", path)}
        if oldest := [c for c in holders if not holders & ancestors[c]]:
            result[path] = min(oldest)
    return result


def until(repo: Repo, wanted: Callable[[], bool], message: str) -> None:
    """Amend the last commit until `wanted`: ids are hashes, so the smallest of two can only be tried for.

    Its time stays, so that the same ids are tried in every run.
    """
    when = {"GIT_COMMITTER_DATE": repo.git("log", "-1", "--format=%ct +0000")}
    for number in range(200):
        if wanted():
            return
        repo.git("commit", "-q", "--amend", "--allow-empty", "-m", f"{message} {number}", env=when)
    raise AssertionError("no such id")


def test_a_change_of_mode_registers_nothing(repo: Repo) -> None:
    first = repo.commit("add", {PATH: "x\n"})
    (repo.path / PATH).chmod(0o755)
    repo.commit("mode", {PATH: "x\n"})
    until(repo, lambda: repo.head < first, "mode")
    assert found(repo) == first


def test_removed_and_added_again(repo: Repo) -> None:
    first = repo.commit("add", {PATH: "x\n"})
    repo.git("rm", "-q", PATH)
    repo.commit("remove")
    repo.commit("add again", {PATH: "x\n"})
    until(repo, lambda: repo.head < first, "again")
    assert found(repo) == first


def test_changed_and_changed_back(repo: Repo) -> None:
    first = repo.commit("add", {PATH: "x\n"})
    repo.commit("edit", {PATH: "y\n"})
    repo.commit("back", {PATH: "x\n"})
    until(repo, lambda: repo.head < first, "back")
    assert found(repo) == first
    assert found(repo, content="y\n") == repo.rev("HEAD~1")


def test_a_symlink_with_the_same_bytes_does_not_count(repo: Repo) -> None:
    blob = repo.git("hash-object", "-w", "--stdin", input="README.md")
    repo.git("update-index", "--add", "--cacheinfo", f"120000,{blob},{PATH}")
    repo.commit("a link")
    repo.git("update-index", "--cacheinfo", f"100644,{blob},{PATH}")
    file = repo.commit("a file")
    assert found(repo, content="README.md") == file


@pytest.mark.parametrize("smaller", ["main", "topic"])
def test_of_two_that_know_nothing_of_each_other_the_smallest_id(repo: Repo, smaller: str) -> None:
    repo.git("branch", "topic")
    ours = repo.commit("ours", {PATH: "x\n"})
    repo.git("switch", "-q", "topic")
    repo.commit("theirs", {PATH: "x\n"})
    until(repo, lambda: (repo.head < ours) == (smaller == "topic"), "theirs")
    theirs = repo.head
    repo.git("switch", "-q", "main")
    repo.merge("topic")
    assert found(repo) == min(ours, theirs)


def test_removed_and_added_again_on_a_topic_that_forked_before(repo: Repo) -> None:
    """The second time is no descendant of the topic's own, which has the smaller id of the two oldest."""
    repo.git("branch", "topic")
    first = repo.commit("ours", {PATH: "x\n"})
    repo.git("rm", "-q", PATH)
    repo.commit("remove")
    repo.commit("again", {PATH: "x\n"})
    repo.git("switch", "-q", "topic")
    repo.commit("theirs", {PATH: "x\n"})
    until(repo, lambda: repo.head < first, "theirs")
    theirs = repo.head
    repo.git("switch", "-q", "main")
    until(repo, lambda: repo.head < theirs, "again")
    repo.merge("topic")
    assert found(repo) == theirs


def test_a_merge_that_carries_registers_nothing_and_one_that_makes_does(repo: Repo) -> None:
    repo.git("switch", "-q", "-c", "topic")
    topic = repo.commit("topic", {PATH: "x\n"})
    repo.git("switch", "-q", "main")
    repo.commit("other", {"b": "1\n"})
    repo.merge("topic")
    assert found(repo) == topic
    repo.git("switch", "-q", "-c", "second", "HEAD")
    repo.commit("more", {"c": "1\n"})
    repo.git("switch", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "--no-commit", "second")
    other = PATH.replace("1.0.0", "1.1.0")
    made = repo.commit("merge that makes", {other: "z\n"})
    assert found(repo, other, "z\n") == made


def test_a_merge_that_restores_what_both_sides_lost(repo: Repo) -> None:
    first = repo.commit("add", {PATH: "x\n"})
    repo.git("rm", "-q", PATH)
    repo.commit("remove")
    repo.git("switch", "-q", "-c", "topic")
    repo.commit("topic", {"b": "1\n"})
    repo.git("switch", "-q", "main")
    repo.commit("main", {"c": "1\n"})
    repo.git("merge", "-q", "--no-ff", "--no-commit", "topic")
    repo.commit("merge", {PATH: "x\n"})
    until(repo, lambda: repo.head < first, "merge")
    assert found(repo) == first


def test_what_was_never_there_has_no_commit(repo: Repo) -> None:
    repo.commit("add", {PATH: "x\n"})
    assert found(repo, content="never\n") is None
    assert found(repo, "registry/churn/9.0.0/manifest.yaml") is None


def test_F10_a_shallow_clone_cannot_say(repo: Repo, tmp_path: Path) -> None:
    repo.commit("add", {PATH: "x\n"})
    shallow = repo.clone(tmp_path / "shallow", "--depth=1")
    with pytest.raises(UnavailableError, match="shallow"):
        found(shallow)


@pytest.mark.parametrize(("seed", "forks"), [*((seed, 0.3) for seed in range(4)), (4, 0.0), (5, 0.0)])
def test_any_history_agrees_with_the_specification(tmp_path: Path, seed: int, forks: float) -> None:
    dice = random.Random(seed)
    repo = Repo.init(tmp_path / "repo")
    repo.commit("first", {"README.md": "hello\n"})
    paths = [f"registry/m/{n}.0.0/manifest.yaml" for n in range(3)]
    heads = ["main"]
    for turn in range(14):
        repo.git("switch", "-q", dice.choice(heads))
        if dice.random() < forks:
            heads.append(f"b{turn}")
            repo.git("switch", "-q", "-c", heads[-1])
        path = dice.choice(paths)
        if dice.random() < 0.35 and (repo.path / path).exists():
            repo.git("rm", "-q", path)
            repo.commit(f"remove {turn}")
        elif dice.random() < 0.35 and len(heads) > 1:
            other = dice.choice(heads)
            repo.git("merge", "-q", "--no-ff", "--no-edit", "-X", "ours", other, check=False)
            if repo.git("status", "--porcelain"):
                repo.commit(f"merge {turn}", all=True)
        else:
            repo.commit(f"write {turn}", {path: dice.choice(["x\n", "y\n"])})
    repo.git("switch", "-q", "main")
    for name in heads[1:]:
        repo.git("merge", "-q", "--no-ff", "--no-edit", "-X", "ours", name, check=False)
        if repo.git("status", "--porcelain"):
            repo.commit(f"merge {name}", all=True)
    tip = CommitId(repo.head)
    for content in ("x\n", "y\n"):
        blob = repo.git("hash-object", "-w", "--stdin", input=content)
        blobs = dict.fromkeys(paths, blob)
        repository = GitRepository.open(repo.path)
        landings = repository.landings(tip, "registry/")
        found_ = repository.first_commits(tip, blobs)
        assert found_ == repository.first_commits(tip, blobs, landings) == specified(repo, blobs)
