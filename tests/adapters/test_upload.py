"""From the cache to a remote: what is sent, what is skipped, resumed and told; folders file by file."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

from modelreg.adapters import copying, dvc_folder, hashing
from modelreg.adapters import dvc as dvc_store
from modelreg.adapters.dvc_cache import object_path
from modelreg.adapters.dvc_folder import FolderRemote
from modelreg.adapters.hashing import Digests
from modelreg.errors import IntegrityError, InvalidError, UnavailableError
from tests.adapters.test_dvc import SOME, cached, export, git_dir, git_repo, lost_cache, overwrite, store_of, write
from tests.support import Repo, run

DVCS = "    jobs = 2\n"
"""A setting of a remote's own: only DVC knows what it means."""


class Told:
    def __init__(self) -> None:
        self.what, self.total, self.done, self.ended = "", 0, 0, 0

    def start(self, what: str, total_bytes: int | None) -> None:
        self.what, self.total = what, total_bytes or 0

    def advance(self, done_bytes: int) -> None:
        self.done += done_bytes

    def finish(self) -> None:
        self.ended += 1


@pytest.fixture(params=["folder", "dvc"])
def repo(request: pytest.FixtureRequest, tmp_path: Path) -> Repo:
    """A repository with the folder `remote` beside it as remote, by modelreg's own code or by DVC's."""
    repo = git_repo(tmp_path / "work", "../remote")
    if request.param == "dvc":
        config = repo.read(".dvc/config")
        repo.commit("settings", {".dvc/config": config + DVCS})
    assert isinstance(store_of(repo)._fetcher.remote, FolderRemote) == (request.param == "folder")
    return repo


def objects(remote: Path) -> dict[str, bytes]:
    return {p.relative_to(remote).as_posix(): p.read_bytes() for p in remote.rglob("*") if p.is_file()}


def test_both_ways_put_the_same_objects_there_and_tell_of_every_byte(repo: Repo, tmp_path: Path) -> None:
    files = {"a": SOME, "b/c": b"2", "b/d": b"3", "e": b""}
    write(repo.path / "model", files)
    store, told = store_of(repo), Told()
    stored = store.add(repo.path / "model")
    store.push([stored.md5], progress=told)
    cache = {p.relative_to(repo.path / ".dvc/cache").as_posix(): p for p in (repo.path / ".dvc/cache/files").rglob("*")}
    there = {name: p.read_bytes() for name, p in cache.items() if p.is_file()}
    assert objects(tmp_path / "remote") == there
    assert {p.stat().st_mode & 0o222 for p in (tmp_path / "remote/files").rglob("*") if p.is_file()} == {0}
    assert (told.what, told.total, told.done, told.ended) == ("storage", *[sum(map(len, there.values()))] * 2, 1)
    lost_cache(repo)
    assert store_of(repo).missing([stored.md5]) == []
    out = export(store_of(repo), stored, tmp_path / "out")
    assert {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()} == files


def test_what_the_remote_has_is_neither_read_nor_sent(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    (repo.path / "m").write_bytes(SOME)
    stored = store_of(repo).add(repo.path / "m")
    store_of(repo).push([stored.md5])
    monkeypatch.setattr(hashing, "digest_file", None)
    monkeypatch.setattr(type(store_of(repo)._fetcher.remote), "upload", None)
    told = Told()
    store_of(repo).push([stored.md5], progress=told)
    assert (told.total, told.done) == (0, 0)


def test_an_upload_that_broke_off_goes_on_where_it_was(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(repo.path / "model", {str(n): bytes([n]) * (n + 1) for n in range(9)})
    store = store_of(repo)
    stored = store.add(repo.path / "model")
    remote, here = tmp_path / "remote", repo.path / ".dvc/cache"
    sent = sorted(p for p in (here / "files").rglob("*") if p.is_file() and p.suffix != ".dir")[:4]
    for path in sent:  # what a first attempt brought over
        target = remote / path.relative_to(here)
        target.parent.mkdir(parents=True)
        target.write_bytes(path.read_bytes())
    told = Told()
    store.push([stored.md5], progress=told)
    everything = sum(p.stat().st_size for p in (here / "files").rglob("*") if p.is_file())
    assert told.done == told.total == everything - sum(p.stat().st_size for p in sent)
    assert store.missing([stored.md5]) == []


def test_a_folders_object_goes_last(repo: Repo, tmp_path: Path) -> None:
    write(repo.path / "model", {"a": b"1", "b": b"2"})
    store = store_of(repo)
    stored = store.add(repo.path / "model")
    in_the_way = tmp_path / "remote" / object_path(hashing.digest_file(repo.path / "model/b").md5)
    in_the_way.mkdir(parents=True)
    with pytest.raises((UnavailableError, IntegrityError)):
        store.push([stored.md5])
    assert not (tmp_path / "remote" / object_path(stored.md5)).exists()


def test_what_was_just_written_is_not_read_again(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    (repo.path / "m").write_bytes(SOME)
    store = store_of(repo)
    stored = store.add(repo.path / "m")
    monkeypatch.setattr(hashing, "digest_file", None)
    store.push([stored.md5])
    assert store.missing([stored.md5]) == []


@pytest.mark.parametrize("same_store", [True, False])
def test_what_was_written_to_since_is_read_again_and_not_sent(repo: Repo, tmp_path: Path, *, same_store: bool) -> None:
    (repo.path / "m").write_bytes(SOME)
    store = store_of(repo)
    stored = store.add(repo.path / "m")
    before = cached(repo, stored.md5).stat()
    overwrite(cached(repo, stored.md5), b"X" + SOME[1:])
    os.utime(cached(repo, stored.md5), ns=(before.st_atime_ns, before.st_mtime_ns))  # ctime is no one's to set
    with pytest.raises(IntegrityError, match="quarantine"):
        (store if same_store else store_of(repo)).push([stored.md5])
    assert not objects(tmp_path / "remote")


# -- a folder of files, several at a time


def test_many_files_at_once_give_what_one_after_the_other_gives(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"{n % 7}/{n:03d}": bytes([n % 5]) * (n * 37) for n in range(120)}
    write(repo.path / "model", files)
    monkeypatch.setattr(dvc_store, "JOBS", 8)
    many = store_of(repo).add(repo.path / "model")
    monkeypatch.setattr(dvc_store, "JOBS", 1)
    lost_cache(repo)
    assert store_of(repo).add(repo.path / "model") == many
    assert store_of(repo).add(repo.path / "model", dry_run=True) == many


def test_the_first_file_that_cannot_be_read_is_named(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    write(repo.path / "model", {f"{n:02d}": b"x" * n for n in range(30)})
    real = copying.digest_copy

    def digest_copy(path: Path, sink: object, **more: object) -> Digests:
        if path.name in {"07", "21"}:
            raise InvalidError("changed while it was read", file=path.name)
        return real(path, sink, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(dvc_store, "digest_copy", digest_copy)
    with pytest.raises(InvalidError) as caught:
        store_of(repo).add(repo.path / "model")
    assert caught.value.file == "07"
    assert not list((repo.path / ".dvc/cache/modelreg-tmp").iterdir())


# -- a remote that is a folder


def test_a_folder_needs_no_dvc(tmp_path: Path) -> None:
    repo = git_repo(tmp_path / "work", "../remote")
    (repo.path / "m").write_bytes(SOME)
    code = (
        "import sys; from pathlib import Path; from modelreg.adapters.dvc import DvcStore\n"
        f"store = DvcStore(Path({str(repo.path)!r}), Path({str(git_dir(repo))!r}), remote='storage')\n"
        f"stored = store.add(Path({str(repo.path / 'm')!r}))\n"
        "store.push([stored.md5]); assert store.missing([stored.md5]) == []\n"
        "assert 'dvc' not in sys.modules and 'dvc_data' not in sys.modules and 'fsspec' not in sys.modules\n"
    )
    run(sys.executable, "-c", code)


def test_F07_a_full_remote_is_named_and_nothing_stays_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = git_repo(tmp_path / "work", "../remote")
    (repo.path / "m").write_bytes(SOME)
    store = store_of(repo)
    stored = store.add(repo.path / "m")

    def copy(_source: object, sink: object, _advance: object) -> None:
        sink.write(b"half")  # type: ignore[attr-defined]
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(dvc_folder, "copy", copy)
    with pytest.raises(UnavailableError, match=r"storage \(\S+\) cannot be used.*No space"):
        store.push([stored.md5])
    assert not objects(tmp_path / "remote")


def test_a_symlink_in_the_remote_is_no_object(tmp_path: Path) -> None:
    repo = git_repo(tmp_path / "work", "../remote")
    (repo.path / "m").write_bytes(SOME)
    store = store_of(repo)
    stored = store.add(repo.path / "m")
    there = tmp_path / "remote" / object_path(stored.md5)
    there.parent.mkdir(parents=True)
    there.symlink_to(repo.path / "m")
    assert store.missing([stored.md5]) == [stored.md5]
    store.push([stored.md5])
    assert there.read_bytes() == SOME
    assert not there.is_symlink()


def test_a_relative_folder_of_the_users_own_configuration_is_left_to_dvc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = tmp_path / "user"
    user.mkdir()
    (user / "config").write_text("['remote \"mine\"']\n    url = ../mine\n")
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(user))
    repo = git_repo(tmp_path / "work", "../remote")
    (repo.path / "m").write_bytes(SOME)
    store = store_of(repo, "mine")
    store.push([store.add(repo.path / "m").md5])
    assert objects(tmp_path / "mine")
    assert not isinstance(store._fetcher.remote, FolderRemote)
