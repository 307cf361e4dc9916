"""What modelreg wrote, read by GitPython, which shares no code with the git door."""

from __future__ import annotations

from pathlib import Path

import git

from modelreg.adapters.repository import GitRepository
from tests.cli.runner import artifact, done, metrics
from tests.support import Repo


def test_gitpython_reads_the_same_commits_trees_and_tags(repo: Repo, tmp_path: Path) -> None:
    done("init", "--embedded", registry=repo.path)
    for text in ("one", "two"):
        done("register", "churn", artifact(tmp_path, text), "--metrics", metrics(tmp_path, 0.8), registry=repo.path)
    done("stage", "set", "churn", "1.0.0", "staging", "-m", "try it", registry=repo.path)

    ours = GitRepository.open(repo.path)
    tip = ours.branch_tip("main")
    assert tip is not None
    with git.Repo(repo.path) as theirs:
        head = theirs.head.commit
        assert (head.hexsha, head.message.splitlines()[0]) == (tip, "Promote churn 1.0.0 to staging")
        line = [ancestor.commit for ancestor in ours.first_parents(tip)]
        assert line == [commit.hexsha for commit in theirs.iter_commits(first_parent=True)]
        items = [item for item in head.tree.traverse() if isinstance(item, git.Blob)]
        blobs = {str(item.path): (f"{item.mode:o}", item.hexsha) for item in items}
        assert blobs == {path: (entry.mode, entry.blob) for path, entry in ours.tree(tip).paths("").items()}
        tags = {ref.name: (ref.commit.hexsha, str(ref.tag.message).strip()) for ref in theirs.tags if ref.tag}
        assert tags == {tag.name: (tag.target, tag.message.strip()) for tag in ours.tags("*")}
        assert not theirs.is_dirty(untracked_files=False)
