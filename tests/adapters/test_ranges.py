"""Ranges of commits, on real repositories."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelreg.adapters.repository import GitRepository
from modelreg.domain.plan import CommitId
from modelreg.errors import ConflictError
from tests.support import Repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    repo = Repo.init(tmp_path / "r")
    repo.commit("first", {"registry/a.yaml": "1\n", "src/x.py": "x\n"})
    return repo


def opened(repo: Repo) -> GitRepository:
    return GitRepository.open(repo.path)


def test_diff_sees_kinds_of_change_below_a_prefix(repo: Repo) -> None:
    base = CommitId(repo.head)
    repo.git("mv", "registry/a.yaml", "registry/b.yaml")
    head = CommitId(repo.commit("move", {"src/x.py": "y\n", "registry/a b\n.yaml": "2\n"}))
    changes = {c.path: c.status for c in opened(repo).diff(base, head, "registry/")}
    assert changes == {"registry/a.yaml": "D", "registry/b.yaml": "A", "registry/a b\n.yaml": "A"}
    assert "src/x.py" in {c.path for c in opened(repo).diff(base, head, "")}


def test_a_diff_does_not_read_gits_own_index(repo: Repo) -> None:
    """Two trees need none of it: at 320,000 entries it would take longer than all else."""
    base = CommitId(repo.head)
    head = CommitId(repo.commit("more", {"registry/b.yaml": "2\n"}))
    (repo.path / ".git" / "index").write_bytes(b"not as git writes one")
    assert [c.path for c in opened(repo).diff(base, head, "registry/")] == ["registry/b.yaml"]


def test_merged_is_the_head_where_it_descends_and_a_merge_where_it_does_not(repo: Repo) -> None:
    base = CommitId(repo.head)
    repo.git("switch", "-qc", "topic")
    topic = CommitId(repo.commit("topic", {"registry/t.yaml": "t\n"}))
    assert opened(repo).merged(base, topic) == topic
    repo.git("switch", "-q", "main")
    main = CommitId(repo.commit("main", {"registry/m.yaml": "m\n"}))
    result = opened(repo).merged(main, topic)
    assert {c.path: c.status for c in opened(repo).diff(main, result, "registry/")} == {"registry/t.yaml": "A"}
    assert opened(repo).tree(result).read("registry/m.yaml") == b"m\n"


def test_a_conflict_names_its_path(repo: Repo) -> None:
    repo.git("switch", "-qc", "topic")
    topic = CommitId(repo.commit("topic", {"registry/9.yaml": "t\n"}))
    repo.git("switch", "-q", "main")
    main = CommitId(repo.commit("main", {"registry/9.yaml": "m\n"}))
    with pytest.raises(ConflictError, match=r"registry/9\.yaml"):
        opened(repo).merged(main, topic)


def test_a_merge_driver_of_the_repository_does_not_run(repo: Repo, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    repo.git("config", "merge.evil.driver", f"touch {marker}; cp %B %A")
    repo.commit("attributes", {".gitattributes": "*.yaml merge=evil\n"})
    repo.git("switch", "-qc", "topic")
    topic = CommitId(repo.commit("topic", {"registry/a.yaml": "t\n"}))
    repo.git("switch", "-q", "main")
    main = CommitId(repo.commit("main", {"registry/a.yaml": "m\n"}))
    with pytest.raises(ConflictError):
        opened(repo).merged(main, topic)
    assert not marker.exists()


def test_landed_at_is_the_landing_of_a_merge_and_not_its_topic(repo: Repo) -> None:
    repo.git("switch", "-qc", "topic")
    repo.commit("topic", {"registry/t.yaml": "t\n"})
    repo.git("switch", "-q", "main")
    repo.commit("between", {"src/y.py": "y\n"})
    head = CommitId(repo.merge("topic"))
    expected = int(repo.git("show", "-s", "--format=%ct", head))
    assert opened(repo).landed_at(head, "registry/t.yaml") == expected
    assert opened(repo).landed_at(head, "registry/none.yaml") is None


def test_first_parent_range(repo: Repo) -> None:
    old = CommitId(repo.head)
    repo.git("switch", "-qc", "topic")
    topic = CommitId(repo.commit("topic", {"t": "t\n"}))
    repo.git("switch", "-q", "main")
    one = repo.commit("one", {"one": "1\n"})
    merge = repo.merge("topic")
    assert opened(repo).first_parent_range(old, CommitId(merge)) == (one, merge)
    assert opened(repo).first_parent_range(topic, CommitId(merge)) is None
    assert opened(repo).first_parent_range(CommitId(merge), CommitId(merge)) == ()
    assert opened(repo).first_parent(old) is None


def test_branches_take_the_one_ahead(repo: Repo, tmp_path: Path) -> None:
    repo.bare(tmp_path / "server.git")
    repo.git("switch", "-qc", "promote/m/1.0.0/production")
    repo.commit("one", {"one": "1\n"})
    repo.git("push", "-q", "origin", "promote/m/1.0.0/production")
    ahead = repo.commit("two", {"two": "2\n"})
    assert opened(repo).branches("promote/m/*/production") == {"promote/m/1.0.0/production": ahead}
