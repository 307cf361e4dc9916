"""The git door against what a repository, the environment and a hook bring along."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from modelreg.adapters.repository import GitRepository
from modelreg.domain.plan import CommitId, Plan, Tag
from modelreg.errors import UnavailableError
from tests.support import Repo

AT = 1_700_000_000
HOOK = """\
#!{python}
import sys
from pathlib import Path
from modelreg.adapters.repository import GitRepository
from modelreg.domain.plan import CommitId
from modelreg.errors import ModelregError
old, new, ref = sys.stdin.readline().split()
try:
    repository = GitRepository.open(Path.cwd(), quarantine={quarantine})
    said = str(repository.tree(CommitId(new)).read("new.txt"))
    said += str(dict(repository.tree(CommitId(new)).paths("")).keys())
    said += str([landing.subject for landing in repository.landings(CommitId(new), "")])
except ModelregError as error:
    said = f"error {{error}}"
Path({out!r}).write_text(said)
"""


@pytest.mark.parametrize("quarantine", [True, False])
def test_A20_a_hook_sees_the_push_only_when_asked(repo: Repo, tmp_path: Path, *, quarantine: bool) -> None:
    server = repo.bare(tmp_path / "server.git")
    out = tmp_path / "said"
    hook = server.path / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(HOOK.format(python=sys.executable, quarantine=quarantine, out=str(out)))
    hook.chmod(0o755)
    repo.commit("pushed", {"new.txt": "judge me\n"})
    repo.git("push", "-q", "origin", "main")
    said = out.read_text()
    assert ("judge me" in said) == quarantine
    assert ("'pushed'" in said) == quarantine
    assert said.startswith("error") == (not quarantine)


def _land(repository: GitRepository) -> None:
    tip = repository.branch_tip("main")
    repository.land(lambda base: Plan("main", base, {"a": b"1"}, "m", AT), "main", push=False)
    assert repository.branch_tip("main") == tip


def _tag(repository: GitRepository) -> None:
    repository.create_tags([Tag("v1", CommitId(str(repository.branch_tip("main"))), "m", AT)])


@pytest.mark.parametrize("write", [_land, _tag])
def test_A20_a_quarantine_is_read_only(repo: Repo, write: Callable[[GitRepository], None]) -> None:
    before = repo.state(), repo.git("for-each-ref"), repo.git("count-objects")
    with pytest.raises(UnavailableError, match="only reads"):
        write(GitRepository.open(repo.path, quarantine=True))
    assert (repo.state(), repo.git("for-each-ref"), repo.git("count-objects")) == before


def test_A21_object_folders_of_the_environment_do_not_count(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Repo.init(tmp_path / "other")
    foreign = other.commit("foreign", {"x": "y"})
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other.path / ".git/objects"))
    monkeypatch.setenv("GIT_ALTERNATE_OBJECT_DIRECTORIES", str(other.path / ".git/objects"))
    assert GitRepository.open(repo.path).resolve(foreign) is None
    monkeypatch.delenv("GIT_OBJECT_DIRECTORY")
    assert GitRepository.open(repo.path, quarantine=True).resolve(foreign) == foreign
