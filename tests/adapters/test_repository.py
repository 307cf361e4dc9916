"""Reading commits and work trees: links are no files, what cannot be read is not absent, no name is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from modelreg.adapters import object_reader, trees
from modelreg.adapters.repository import GitRepository
from modelreg.domain.plan import CommitId
from modelreg.errors import IntegrityError, UnavailableError
from modelreg.registry.ports import Tree
from tests.support import Repo

ODD = ("line\nend", "tab\there", 'quo"te', "back\\slash", "é", "sp ace", "-dash", ":0:colon", "*star", "a\nb/c\nd")


def head(repo: Repo) -> Tree:
    return GitRepository.open(repo.path).tree(CommitId(repo.head))


def both(repo: Repo) -> list[Tree]:
    return [head(repo), GitRepository.open(repo.path).work_tree()]


@pytest.mark.parametrize("listed", [False, True])
def test_A01_a_symlink_is_no_file(repo: Repo, *, listed: bool) -> None:
    repo.write("folder/real", "content\n")
    (repo.path / "link").symlink_to("README.md")
    (repo.path / "folder/dangling").symlink_to("format: 1")
    (repo.path / "alias").symlink_to("folder")
    repo.commit("links", all=True)
    for tree in both(repo):
        if listed:
            assert tree.paths("")["link"].mode == "120000"
        for path in ("link", "folder/dangling", "alias", "alias/real", "folder", "none", "README.md/x"):
            assert tree.read(path) is None, path
        assert tree.read_many(["link", "folder/real", "none"]) == {"folder/real": b"content\n"}


def test_an_executable_file_is_a_file_and_a_submodule_is_none(repo: Repo) -> None:
    repo.write("tool", "run\n").chmod(0o755)
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{repo.head},module")
    repo.git("add", "tool")
    repo.commit("modes")
    assert head(repo).read_many(["tool", "module"]) == {"tool": b"run\n"}


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_no_name_is_lost(tmp_path: Path, object_format: str) -> None:
    repo = Repo.init(tmp_path / "repo", object_format=object_format)
    raw = os.fsdecode(b"not-utf8-\xff")
    for name in (*ODD, raw):
        repo.write(name, f"content of {name!a}\n")
    repo.commit("odd names", all=True)
    for tree in both(repo):
        assert set(tree.paths("")) == {*ODD, raw}
        assert set(tree.read_many([*ODD, raw])) == {*ODD, raw}
    for name in (*ODD, raw):
        for tree in both(repo):
            assert tree.read(name) == f"content of {name!a}\n".encode()


@pytest.mark.parametrize("path", ["", "/", "a\0b", "../README.md", "/README.md", ".", "README.md/", "./README.md"])
def test_a_path_that_is_none_is_absent_or_refused(repo: Repo, path: str) -> None:
    try:
        assert head(repo).read(path) is None
    except UnavailableError as error:
        assert "outside repository" in error.message  # noqa: PT017


def _empty(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(b"")


def _garbage(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(b"garbage")


def object_path(repo: Repo, object_id: str | None) -> Path:
    assert object_id is not None
    return repo.path / ".git/objects" / object_id[:2] / object_id[2:]


@pytest.mark.parametrize("damage", [Path.unlink, _empty, _garbage])
@pytest.mark.parametrize("what", ["HEAD:a/b.yaml", "HEAD:a", "HEAD^{tree}"])
@pytest.mark.parametrize("listed", [False, True])
def test_A21_a_missing_object_is_not_an_absent_file(
    repo: Repo, damage: Callable[[Path], None], what: str, *, listed: bool
) -> None:
    repo.commit("file", {"a/b.yaml": "x\n", "a/c.yaml": "y\n"})
    tree = head(repo)
    damage(object_path(repo, repo.rev(what)))
    if listed and what == "HEAD:a/b.yaml":
        tree.paths("a/")
    with pytest.raises((IntegrityError, UnavailableError)):
        tree.read("a/b.yaml")
    with pytest.raises((IntegrityError, UnavailableError)):
        tree.read_many(["a/c.yaml", "a/b.yaml"])


def test_A21_an_object_with_the_bytes_of_another(repo: Repo) -> None:
    repo.commit("file", {"good": "good\n", "evil": "evil\n"})
    good, evil = (object_path(repo, repo.rev(f"HEAD:{name}")) for name in ("good", "evil"))
    good.chmod(0o644)
    shutil.copyfile(evil, good)
    assert repo.git("cat-file", "blob", "HEAD:good") == "evil"  # git itself does not look
    with pytest.raises(IntegrityError, match="damaged"):
        head(repo).read("good")


def test_F10_a_partial_clone_fetches_and_says_when_it_cannot(repo: Repo, tmp_path: Path) -> None:
    repo.commit("file", {"a/b.yaml": "x\n"})
    repo.git("config", "uploadpack.allowFilter", "true")
    repo.git("config", "uploadpack.allowAnySHA1InWant", "true")
    whole = repo.clone(tmp_path / "partial.git", "--bare", "--filter=blob:none")
    assert GitRepository.open(whole.path).tree(CommitId(repo.head)).read("a/b.yaml") == b"x\n"
    cut = repo.clone(tmp_path / "cut.git", "--bare", "--filter=blob:none")
    cut.git("config", "remote.origin.url", f"file://{tmp_path}/gone")
    for key in ("remote.origin.promisor", "remote.origin.url", "extensions.partialClone"):
        with pytest.raises((UnavailableError, IntegrityError)):
            GitRepository.open(cut.path).tree(CommitId(repo.head)).read("a/b.yaml")
        cut.git("config", "--unset", key, check=False)
    assert GitRepository.open(cut.path).tree(CommitId(repo.head)).read("none") is None


def test_a_file_of_the_work_tree_that_cannot_be_read_is_not_absent(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = GitRepository.open(repo.path).work_tree()
    opened = os.open

    def refusing(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == "README.md":
            raise PermissionError(13, "Permission denied", path)
        return opened(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refusing)
    with pytest.raises(UnavailableError, match="Permission denied") as error:
        tree.read("README.md")
    assert error.value.file == "README.md"


def test_what_is_no_file_in_the_work_tree(repo: Repo) -> None:
    os.mkfifo(repo.path / "pipe")
    (repo.path / "folder").mkdir()
    tree = GitRepository.open(repo.path).work_tree()
    assert [tree.read(path) for path in ("pipe", "folder", "none", "README.md/x")] == [None] * 4


def test_one_by_one_and_in_bulk_agree(repo: Repo) -> None:
    files = {f"r/m{n % 3}/v/{n}.yaml": f"{n}\n" for n in range(40)} | {"r/m10/x": "x\n", "s": "s"}
    repo.commit("files", files)
    expected = {path: content.encode() for path, content in files.items()}
    assert head(repo).read_many([*files, "r/none", "q"]) == expected
    inside = {path: data for path, data in expected.items() if path.startswith("r/m1/")}
    assert head(repo).read_many([*inside, "r/m1/none"]) == inside


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_a_folder_is_listed_as_git_lists_it(tmp_path: Path, object_format: str) -> None:
    repo = Repo.init(tmp_path / "r", object_format=object_format)
    files = {f"r/m/v{n}/{name}": f"{n}" for n in range(4) for name in ("a", "b c", "ü", "x\ny", "a.d/e")}
    repo.commit("files", files)
    (repo.path / "r/m/link").symlink_to("v1/a")
    (repo.path / "r/m/v1/a").chmod(0o755)
    repo.commit("more", all=True)
    listed = repo.git("ls-tree", "-r", "-z", "HEAD", "--", "r/m").split("\0")
    expected = {line.partition("\t")[2]: tuple(line.split("\t")[0].split(" ")[::2]) for line in listed if line}
    tree = head(repo)
    assert {path: (entry.mode, entry.blob) for path, entry in tree.paths("r/m/").items()} == expected
    assert set(head(repo).paths("r/m/v1/a")) == {"r/m/v1/a"}
    assert set(head(repo).paths("r/m/v1/a/")) == set(head(repo).paths("r/none/x/")) == set()
    tree.list_many(["r/m/v2/", "r/m/v3/"])
    assert tree.read("r/m/v2/b c") == b"2"


def test_of_narrow_folders_so_many_listings_are_kept_and_the_answers_stay(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trees, "_NAMES_KEPT", 3)
    repo.commit("files", {f"r/m{n}/{name}": name for n in range(5) for name in ("a", "b/c")})
    tree = GitRepository.open(repo.path).tree(CommitId(repo.head))
    tree.list_many(f"r/m{n}/" for n in range(5))
    for n in range(5):
        assert set(tree.paths(f"r/m{n}/")) == {f"r/m{n}/a", f"r/m{n}/b/c"}
        assert set(tree.paths(f"r/m{n}/b/")) == {f"r/m{n}/b/c"}
        assert tree.read(f"r/m{n}/b/c") == b"b/c"
        assert isinstance(tree, trees.CommitTree)
        assert list(tree._listed) == [f"r/m{n}/"]
    assert len(tree.paths("r/")) == 10
    assert tree.paths("r/m0/").keys() == {"r/m0/a", "r/m0/b/c"}


def test_a_folder_that_holds_itself_a_thousand_times_over_is_refused(repo: Repo) -> None:
    blob = repo.git("hash-object", "-w", "--stdin", input="x")
    tree = repo.git("mktree", input="".join(f"100644 blob {blob}\tf{n}\n" for n in range(20)))
    for _ in range(8):
        tree = repo.git("mktree", input="".join(f"040000 tree {tree}\td{n}\n" for n in range(20)))
    tree = repo.git("mktree", input=f"040000 tree {tree}\tm\n")
    tree = repo.git("mktree", input=f"040000 tree {tree}\tregistry\n")
    bomb = GitRepository.open(repo.path).tree(CommitId(tree))
    with pytest.raises(UnavailableError, match="more than"):
        bomb.paths("registry/m/")


def test_a_listing_does_not_answer_for_its_neighbour(repo: Repo) -> None:
    repo.commit("files", {"a/1": "1", "ab/2": "2", "abc": "3"})
    tree = head(repo)
    assert set(tree.paths("a")) == {"a/1"}
    assert set(tree.paths("ab/")) == {"ab/2"}
    assert tree.read_many(["ab/2", "abc"]) == {"ab/2": b"2", "abc": b"3"}


@pytest.mark.parametrize("name", ["refs/tags/refs/heads/main", "refs/heads/refs/heads/main", "refs/refs/heads/main"])
def test_A23_a_ref_that_git_would_take_for_the_branch(repo: Repo, name: str) -> None:
    """Whether the branch is there or not, only a ref of its very name is it."""
    first = repo.commit("one", {"a": "1"})
    other = repo.commit("two", {"a": "2"})
    repo.git("update-ref", "refs/heads/main", first)
    repo.git("update-ref", name, other)
    repository = GitRepository.open(repo.path)
    assert repository.branch_tip("main") == first
    repo.git("update-ref", "-d", "refs/heads/main")
    assert repository.branch_tip("main") is None


def test_a_tip_is_that_of_now(repo: Repo) -> None:
    """The git that answers stays; the refs that it is asked for are packed, moved and removed meanwhile."""
    repository = GitRepository.open(repo.path)
    for text in ("1", "2"):
        tip = repo.commit(text, {"a": text})
        assert repository.branch_tip("main") == tip
        repo.git("pack-refs", "--all")
        assert repository.branch_tip("main") == tip
    repo.git("update-ref", "refs/remotes/origin/main", tip)
    repo.git("update-ref", "refs/heads/main", f"{tip}~1")
    assert repository.branch_tip("main") == tip
    repo.git("update-ref", "-d", "refs/remotes/origin/main")
    assert repository.branch_tip("main") == repo.rev(f"{tip}~1")


def test_a_branch_of_a_name_that_git_reads_as_more(repo: Repo) -> None:
    repo.commit("one", {"a": "1"})
    repository = GitRepository.open(repo.path)
    assert [repository.branch_tip(name) for name in ("main^{commit}", "main~0", "main@{0}", "m*", "a b")] == [None] * 5


def test_where_HEAD_is(repo: Repo) -> None:
    repository = GitRepository.open(repo.path)
    assert repository.head().branch == "main"
    tip = repo.commit("one", {"a": "1"})
    repo.git("switch", "-qc", "topic/a")
    assert (repository.head().branch, repository.head().commit) == ("topic/a", tip)
    repo.git("switch", "-q", "--detach")
    assert (repository.head().branch, repository.head().commit) == (None, tip)
    head = repo.path / ".git" / "HEAD"
    head.unlink()
    head.symlink_to("refs/heads/main")  # as git before 2005 wrote it, and still reads it
    assert repository.head().branch == "main"


def test_what_is_read_does_not_pile_up(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that writes for days: of folders and commits only so many are kept, and all answers stay the same."""
    monkeypatch.setattr(object_reader, "_MOST_KEPT", 10)
    monkeypatch.setattr(object_reader, "_ROOM", 10)
    repository = GitRepository.open(repo.path)
    tips = [CommitId(repo.commit(str(n), {f"d{n}/a": str(n), f"d{n}/b/c": str(n)})) for n in range(30)]
    for tip in (*tips, *reversed(tips)):
        tree = repository.tree(tip)
        number = tips.index(tip)
        assert tree.read(f"d{number}/b/c") == str(number).encode()
        assert [*tree.paths("d0/")] == ["d0/a", "d0/b/c"]
    kept = repository.git.objects
    assert sum(map(len, kept._trees.values())) <= 40
    assert max(len(kept._by_name), len(kept._roots), len(kept._blobs)) <= 40
    assert len(repository._trees) <= 16


@pytest.mark.parametrize("data", [b"100644 a\0" + b"\1" * 19, b"100644 \0" + b"\1" * 20, b"x\n" + b"100644 a\0" + b"\1" * 20, b"40000 a"])  # fmt: skip
def test_A21_a_folder_that_git_would_not_write(repo: Repo, data: bytes) -> None:
    made = subprocess.run(
        ["git", "hash-object", "-t", "tree", "--literally", "-w", "--stdin"], cwd=repo.path, input=data, check=True, capture_output=True
    )  # fmt: skip
    tree = GitRepository.open(repo.path).tree(CommitId(made.stdout.decode().strip()))
    with pytest.raises(IntegrityError, match="damaged"):
        tree.read("a")


def test_what_a_sparse_checkout_leaves_out_is_as_the_index_has_it(repo: Repo) -> None:
    repo.commit("there", {"registry/churn/model.yaml": "1\n", "registry/policy.yaml": "1\n", "train/x.py": "1\n"})
    whole = dict(GitRepository.open(repo.path).work_tree().paths("registry/"))
    repo.git("sparse-checkout", "set", "train")
    tree = GitRepository.open(repo.path).work_tree()
    assert not (repo.path / "registry").exists()
    assert dict(tree.paths("registry/")) == whole
    assert tree.read("registry/churn/model.yaml") == b"1\n"
    (repo.path / "train/x.py").unlink()
    assert tree.read("train/x.py") is None
    assert dict(tree.paths("train/")) == {}
