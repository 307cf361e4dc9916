"""Objects that modelreg makes itself: git's own, bit for bit, and durable before anything names them."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelreg.adapters import objects
from modelreg.adapters.objects import MOST_LOOSE, Composer, write_tags
from modelreg.adapters.paths import folders_of
from modelreg.adapters.repository import GitRepository
from modelreg.domain.plan import CommitId, Plan, Tag
from modelreg.errors import UnavailableError
from modelreg.registry.ports import Identity
from tests.support import Repo

WHO = Identity("Änn <the> Dee", "ann@example.org")
AT = 1_700_000_000
SAID = "Zwölf\n\nwords\n"
NAMES = st.sampled_from(["a", "a.b", "a-b", "a0", "ab", "b", "é", "registry", "Z"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
FILES = st.dictionaries(PATHS, st.binary(max_size=20), min_size=1, max_size=8).filter(
    lambda files: not folders_of(files) & files.keys()
)


def composed(repo: Repo, files: Mapping[str, bytes], base: str | None = None) -> tuple[Composer, CommitId]:
    composer = Composer(GitRepository.open(repo.path).git, WHO)
    plan = Plan("main", CommitId(base) if base else None, files, SAID, AT)
    return composer, composer.commit(plan)


def by_git(repo: Repo, files: Mapping[str, bytes], base: str | None = None) -> str:
    """The same commit, made with git's index."""
    env = {"GIT_INDEX_FILE": str(repo.path / ".git/other-index")}
    repo.git("read-tree", base or "--empty", env=env)
    for path, content in files.items():
        blob = repo.git("hash-object", "-w", "--stdin", input=content)
        repo.git("update-index", "--add", "--replace", "--cacheinfo", f"100644,{blob},{path}", env=env)
    tree = repo.git("write-tree", env=env)
    person = {"NAME": "Änn the Dee", "EMAIL": WHO.email, "DATE": f"{AT} +0000"}
    who = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in person.items()}
    return repo.git("commit-tree", tree, *(["-p", base] if base else []), input=SAID, env=who)


def loose(repo: Repo) -> set[Path]:
    return set(repo.path.glob(".git/objects/??/*"))


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_commits_are_those_that_git_makes(tmp_path: Path, object_format: str) -> None:
    repo = Repo.init(tmp_path / "repo", object_format=object_format)

    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(before=FILES, files=FILES)
    def agree(before: Mapping[str, bytes], files: Mapping[str, bytes]) -> None:
        composer, first = composed(repo, before)
        composer.write()
        assert first == by_git(repo, before)
        composer, second = composed(repo, files, first)
        composer.write()
        assert second == by_git(repo, files, first)

    agree()
    repo.git("fsck", "--strict", "--full")


def test_tags_are_those_that_git_makes(repo: Repo) -> None:
    tag = Tag("churn@1.0.0", CommitId(repo.head), SAID, AT)
    (made,) = write_tags(GitRepository.open(repo.path).git, [tag], WHO)
    lines = (f"object {repo.head}", "type commit", f"tag {tag.name}", f"tagger Änn the Dee <{WHO.email}> {AT} +0000")
    assert repo.git("mktag", input="\n".join([*lines, "", SAID])) == made


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
@pytest.mark.parametrize(("count", "packs"), [(MOST_LOOSE, 0), (MOST_LOOSE + 1, 1)])
def test_many_objects_become_one_pack(tmp_path: Path, object_format: str, count: int, packs: int) -> None:
    repo = Repo.init(tmp_path / "repo", object_format=object_format)
    target = CommitId(repo.commit())
    before = loose(repo)
    tags = [
        Tag(f"churn@1.{n}.0", target, "words " * n * n, AT + n) for n in range(count)
    ]  # sizes of one to three bytes
    ids = write_tags(GitRepository.open(repo.path).git, tags, WHO)
    assert len(list(repo.path.glob(".git/objects/pack/*.pack"))) == packs
    assert len(loose(repo) - before) == (0 if packs else count)
    for tag, made in zip(tags, ids, strict=True):
        assert repo.git("cat-file", "tag", made).endswith(tag.message)
    repo.git("fsck", "--strict", "--full")


def test_F08_an_object_is_synced_before_it_has_its_name(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    fsync, rename = os.fsync, os.rename

    def synced(file: int) -> None:
        done.append(f"synced {os.stat(file).st_ino}")
        fsync(file)

    def renamed(old: str, new: Path) -> None:
        done.append(f"named {os.stat(old).st_ino}")
        rename(old, new)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "rename", renamed)
    composer, _ = composed(repo, {"registry/churn/model.yaml": b"1\n", "registry/x": b"2\n"}, repo.head)
    composer.write()
    named = [line.split()[1] for line in done if line.startswith("named")]
    assert len(named) == 6  # two files, three folders, a commit
    for inode in named:
        assert done.index(f"synced {inode}") < done.index(f"named {inode}")


def test_an_object_that_is_there_is_made_young(repo: Repo) -> None:
    """A prune of old objects that no ref names may run at any time."""
    files = {"registry/churn/model.yaml": b"1\n"}
    composer, _ = composed(repo, files)
    composer.write()
    before = loose(repo)
    for path in before:
        os.utime(path, (0, 0))
    composer, _ = composed(repo, files)
    composer.write()
    assert loose(repo) == before
    young = [path for path in before if path.stat().st_mtime > 0]
    assert len(young) == 5


def test_another_users_object_in_a_shared_repository_is_written_anew(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    files = {"x": b"a shared file\n"}
    composer, made = composed(repo, files)
    composer.write()
    before = {path: path.stat().st_ino for path in loose(repo)}
    monkeypatch.setattr(os, "utime", refused)
    composer, again = composed(repo, files)
    composer.write()
    assert made == again
    assert {path: path.stat().st_ino for path in loose(repo)}.keys() == before.keys()
    assert {path for path in before if path.stat().st_ino != before[path]}
    repo.git("fsck", "--strict")


def test_F07_a_full_disk(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    before = loose(repo)
    monkeypatch.setattr(os, "fsync", full)
    composer, _ = composed(repo, {"x": b"1\n"})
    with pytest.raises(UnavailableError, match=r"objects: No space left on device"):
        composer.write()
    assert loose(repo) == before


def test_folders_and_files_have_the_modes_of_gits(repo: Repo) -> None:
    """A repository that a group shares (git-init: --shared) stays so."""
    (repo.path / ".git/objects").chmod(0o2775)
    before = loose(repo)
    composer, _ = composed(repo, {"x": b"a shared file\n"})
    composer.write()
    for path in loose(repo) - before:
        assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert {stat.S_IMODE(path.parent.stat().st_mode) for path in loose(repo) - before} <= {0o2775, 0o755}
    assert 0o2775 in {stat.S_IMODE(path.parent.stat().st_mode) for path in loose(repo) - before}


def test_the_names_of_what_is_left_are_those_that_gc_takes_away(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(objects, "_discard", lambda file, _: file.close())
    monkeypatch.setattr(os, "fsync", killed)
    composer, _ = composed(repo, {"x": b"1\n"})
    with pytest.raises(KeyboardInterrupt):
        composer.write()
    assert list(repo.path.glob(".git/objects/??/tmp_obj_*"))
    monkeypatch.undo()
    repo.git("prune", "--expire=now")
    assert not list(repo.path.glob(".git/objects/??/tmp_obj_*"))
