"""The artifact store against real DVC: what it writes DVC accepts, what others tampered with it refuses."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from modelreg.adapters.dvc import DvcStore
from modelreg.adapters.dvc_cache import object_path
from modelreg.adapters.dvc_setup import setup_files
from modelreg.errors import IntegrityError, InvalidError, NotFoundError, UnavailableError
from modelreg.registry.artifact_port import Stored
from tests.support import Repo, run

# Wang, Feng, Lai, Yu: Collisions for Hash Functions (2004). Two 128-byte messages that differ in six bytes and have one
# MD5; whatever is put after both keeps their digests equal.
WANG = (
    "d131dd02c5e6eec4693d9a0698aff95c2fcab5{}12467eab4004583eb8fb7f89"
    "55ad340609f4b30283e4888325{}415a085125e8f7cdc99fd91dbd{}80373c5b"
    "d8823e3156348f5bae6dacd436c919c6dd53e2{}87da03fd02396306d248cda0"
    "e99f33420f577ee8ce54b67080{}0d1ec69821bcb6a8839396f965{}6ff72a70"
)
COLLISION = tuple(
    bytes.fromhex(WANG.format(*differing.split())) + b" the rest of the model"
    for differing in ("87 71 f2 b4 a8 2b", "07 f1 72 34 28 ab")
)

SOME = b"weights" * 100


def git_repo(path: Path, remote: str | None, *, embedded: bool = False) -> Repo:
    repo = Repo.init(path)
    files = setup_files(lambda _: None, remote=remote, embedded=embedded)
    repo.commit("dvc", {name: data.decode() for name, data in files.items()})
    return repo


def committed(repo: Repo) -> Callable[[str], bytes | None]:
    def read(path: str) -> bytes | None:
        done = subprocess.run(["git", "-C", repo.path, "cat-file", "blob", f"main:{path}"], capture_output=True)
        return done.stdout if done.returncode == 0 else None

    return read


def git_dir(repo: Repo) -> Path:
    return repo.path / ".git" if (repo.path / ".git").exists() else repo.path


def store_of(repo: Repo, remote: str = "storage") -> DvcStore:
    top = None if git_dir(repo) == repo.path else repo.path
    return DvcStore(top, git_dir(repo), remote=remote, read=committed(repo))


@pytest.fixture
def dvc(tmp_path: Path) -> Repo:
    """A DVC repository; the remote is the folder `remote` beside it."""
    return git_repo(tmp_path / "work", "../remote")


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return tmp_path / "remote"


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def point(repo: Repo, stored: Stored) -> None:
    """Write the pointer and its .gitignore as `register` does, at the top of the repository."""
    out: dict[str, object] = {"md5": stored.md5, "size": stored.size_bytes}
    if stored.listing is not None:
        out["nfiles"] = stored.listing.count(b"# size_bytes")
    out |= {"hash": "md5", "path": stored.name}
    (repo.path / f"{stored.name}.dvc").write_text(yaml.safe_dump({"outs": [out]}, sort_keys=False))
    (repo.path / ".gitignore").write_text(f"/{stored.name}\n")


def dvc_cli(repo: Repo, *args: str) -> str:
    done = run(sys.executable, "-m", "dvc", *args, cwd=repo.path)
    return done.stdout


def export(store: DvcStore, stored: Stored, target: Path) -> Path:
    store.export(stored.md5, target, sha256=stored.sha256, size_bytes=stored.size_bytes, listing=stored.listing)
    return target


def cached(repo: Repo, md5: str) -> Path:
    return repo.path / ".dvc/cache" / object_path(md5)


def overwrite(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(0o444)


def lost_cache(repo: Repo) -> None:
    subprocess.run(["rm", "-rf", repo.path / ".dvc/cache"], check=True)


# -- what DVC says to it


def test_dvc_accepts_what_was_written_and_pulls_it(dvc: Repo, remote: Path) -> None:
    (dvc.path / "model.skops").write_bytes(SOME)
    store = store_of(dvc)
    stored = store.add(dvc.path / "model.skops")
    point(dvc, stored)
    assert "up to date" in dvc_cli(dvc, "status")
    assert stat.S_IMODE(cached(dvc, stored.md5).stat().st_mode) == 0o444

    assert store.missing([stored.md5]) == [stored.md5]
    store.push([stored.md5])
    store.push([stored.md5])
    assert store.missing([stored.md5]) == []
    assert "in sync" in dvc_cli(dvc, "status", "--cloud")

    lost_cache(dvc)
    (dvc.path / "model.skops").unlink()
    dvc_cli(dvc, "pull")
    assert (dvc.path / "model.skops").read_bytes() == SOME


def test_dvc_accepts_a_folder(dvc: Repo, tmp_path: Path) -> None:
    files = {"weights/0.bin": SOME, "weights/é 1.bin": b"", "config.json": b"{}", "again": SOME}
    write(dvc.path / "model", files)
    store = store_of(dvc)
    stored = store.add(dvc.path / "model")
    point(dvc, stored)
    assert stored.md5.endswith(".dir")
    assert stored.size_bytes == 2 * len(SOME) + 2
    assert "up to date" in dvc_cli(dvc, "status")
    store.push([stored.md5])
    assert store.missing([stored.md5]) == []

    subprocess.run(["rm", "-rf", dvc.path / "model"], check=True)
    lost_cache(dvc)
    dvc_cli(dvc, "pull")
    assert (dvc.path / "model/weights/0.bin").read_bytes() == SOME

    lost_cache(dvc)
    out = export(store_of(dvc), stored, tmp_path / "out")
    assert {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()} == files


def test_the_pointer_and_cache_are_those_of_dvc_add(dvc: Repo) -> None:
    write(dvc.path / "model", {"a": b"1", "b/c": b"2"})
    dvc_cli(dvc, "add", "--quiet", "model")
    theirs = (dvc.path / "model.dvc").read_text()
    cache = {p.relative_to(dvc.path): p.read_bytes() for p in (dvc.path / ".dvc/cache").rglob("*") if p.is_file()}
    lost_cache(dvc)
    point(dvc, store_of(dvc).add(dvc.path / "model"))
    assert (dvc.path / "model.dvc").read_text() == theirs
    ours = {p.relative_to(dvc.path): p.read_bytes() for p in (dvc.path / ".dvc/cache").rglob("*") if p.is_file()}
    assert ours == cache


def test_dvc_pushed_and_we_export(dvc: Repo, tmp_path: Path) -> None:
    (dvc.path / "m").write_bytes(SOME)
    dvc_cli(dvc, "add", "--quiet", "m")
    dvc_cli(dvc, "push", "--quiet")
    lost_cache(dvc)
    stored = store_of(dvc).add(dvc.path / "m", dry_run=True)
    assert not (dvc.path / ".dvc/cache").exists()
    assert export(store_of(dvc), stored, tmp_path / "out").read_bytes() == SOME


def test_the_cache_is_where_dvc_is_told_to_have_it(dvc: Repo, tmp_path: Path) -> None:
    elsewhere = tmp_path / "shared cache"
    (dvc.path / ".dvc/config.local").write_text("[cache]\n    dir = '../../shared cache'\n    shared = group\n")
    (dvc.path / "m").write_bytes(SOME)
    stored = store_of(dvc).add(dvc.path / "m")
    assert (elsewhere / object_path(stored.md5)).read_bytes() == SOME
    assert stat.S_IMODE((elsewhere / "files/md5").stat().st_mode) == 0o2775
    point(dvc, stored)
    assert "up to date" in dvc_cli(dvc, "status")
    assert Path(dvc_cli(dvc, "cache", "dir").strip()) == elsewhere


def test_the_users_own_dvc_configuration_counts(dvc: Repo, tmp_path: Path) -> None:
    user = Path(os.environ["DVC_GLOBAL_CONFIG_DIR"])
    user.mkdir()
    (user / "config").write_text(f"[cache]\n    dir = {tmp_path / 'mine'}\n")
    (dvc.path / "m").write_bytes(SOME)
    stored = store_of(dvc).add(dvc.path / "m")
    assert (tmp_path / "mine" / object_path(stored.md5)).exists()


# -- adding


def test_a_dry_run_writes_nothing(dvc: Repo) -> None:
    write(dvc.path / "model", {"a": b"1"})
    dry = store_of(dvc).add(dvc.path / "model", dry_run=True)
    assert not (dvc.path / ".dvc/cache").exists()
    assert store_of(dvc).add(dvc.path / "model") == dry


def test_progress_is_told_every_byte(dvc: Repo, tmp_path: Path) -> None:
    class Bar:
        def __init__(self) -> None:
            self.total: int | None = None
            self.done = 0
            self.ended = 0

        def start(self, what: str, total_bytes: int | None) -> None:
            self.total = total_bytes

        def advance(self, done_bytes: int) -> None:
            self.done += done_bytes

        def finish(self) -> None:
            self.ended += 1

    write(dvc.path / "model", {"a": SOME, "b": b"2"})
    bar = Bar()
    stored = store_of(dvc).add(dvc.path / "model", progress=bar)
    assert (bar.total, bar.done, bar.ended) == (len(SOME) + 1, len(SOME) + 1, 1)
    bar = Bar()
    store_of(dvc).export(
        stored.md5,
        tmp_path / "o",
        sha256=stored.sha256,
        size_bytes=stored.size_bytes,
        listing=stored.listing,
        progress=bar,
    )
    assert (bar.total, bar.done, bar.ended) == (len(SOME) + 1, len(SOME) + 1, 1)


def test_what_cannot_be_added(dvc: Repo) -> None:
    store = store_of(dvc)
    (dvc.path / "link").symlink_to("/etc/hostname")
    (dvc.path / "linked").symlink_to("/etc")
    (dvc.path / "empty").mkdir()
    os.mkfifo(dvc.path / "pipe")
    for name in ("link", "linked", "empty", "pipe", ".git"):
        with pytest.raises(InvalidError):
            store.add(dvc.path / name)
    with pytest.raises(NotFoundError):
        store.add(dvc.path / "nothing")
    assert not list((dvc.path / ".dvc").glob("cache/files/md5/*/*"))


def test_F07_a_cache_that_cannot_be_written_is_named(dvc: Repo) -> None:
    (dvc.path / "m").write_bytes(SOME)
    (dvc.path / ".dvc/cache").write_bytes(b"not a folder")
    with pytest.raises(UnavailableError) as caught:
        store_of(dvc).add(dvc.path / "m")
    assert ".dvc/cache" in (caught.value.file or "")


def test_F12_a_corrupt_cached_object_is_replaced_when_it_is_added_again(dvc: Repo) -> None:
    (dvc.path / "m").write_bytes(SOME)
    stored = store_of(dvc).add(dvc.path / "m")
    for bad in (SOME[:-1], b"X" + SOME[1:]):
        overwrite(cached(dvc, stored.md5), bad)
        assert store_of(dvc).add(dvc.path / "m") == stored
        assert cached(dvc, stored.md5).read_bytes() == SOME
    assert len(list((dvc.path / ".dvc/cache/modelreg-quarantine").iterdir())) == 2


# -- collisions


def test_the_pair_collides() -> None:
    one, two = COLLISION
    assert one != two
    assert len(one) == len(two)
    assert hashlib.md5(one).digest() == hashlib.md5(two).digest()


def test_A15_a_collision_in_the_remote_is_refused(dvc: Repo, remote: Path, tmp_path: Path) -> None:
    good, evil = COLLISION
    (dvc.path / "m").write_bytes(good)
    store = store_of(dvc)
    stored = store.add(dvc.path / "m")
    store.push([stored.md5])
    overwrite(remote / object_path(stored.md5), evil)
    lost_cache(dvc)
    with pytest.raises(IntegrityError, match="storage"):
        export(store_of(dvc), stored, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not cached(dvc, stored.md5).exists()


def test_A15_a_collision_in_the_cache_is_moved_away_and_fetched(dvc: Repo, tmp_path: Path) -> None:
    good, evil = COLLISION
    (dvc.path / "m").write_bytes(good)
    store = store_of(dvc)
    stored = store.add(dvc.path / "m")
    store.push([stored.md5])
    overwrite(cached(dvc, stored.md5), evil)
    assert export(store_of(dvc), stored, tmp_path / "out").read_bytes() == good


def test_A15_the_second_of_a_pair_cannot_be_added(dvc: Repo) -> None:
    good, evil = COLLISION
    (dvc.path / "good").write_bytes(good)
    (dvc.path / "evil").write_bytes(evil)
    stored = store_of(dvc).add(dvc.path / "good")
    with pytest.raises(IntegrityError, match="collision"):
        store_of(dvc).add(dvc.path / "evil")
    assert cached(dvc, stored.md5).read_bytes() == good
    write(dvc.path / "both", {"1": good, "2": evil})
    with pytest.raises(IntegrityError, match="collision"):
        store_of(dvc).add(dvc.path / "both", dry_run=True)


# -- exporting what somebody changed


@pytest.mark.parametrize("bad", [SOME[:-1], SOME + b"x", b"X" + SOME[1:], b""])
def test_F12_a_bad_cached_object_is_moved_to_quarantine_and_fetched_once(
    dvc: Repo, remote: Path, tmp_path: Path, bad: bytes
) -> None:
    (dvc.path / "m").write_bytes(SOME)
    store = store_of(dvc)
    stored = store.add(dvc.path / "m")
    store.push([stored.md5])
    overwrite(cached(dvc, stored.md5), bad)
    assert export(store_of(dvc), stored, tmp_path / "out").read_bytes() == SOME
    kept = list((dvc.path / ".dvc/cache/modelreg-quarantine").rglob("object"))
    assert [path.read_bytes() for path in kept] == [bad]

    overwrite(cached(dvc, stored.md5), bad)
    overwrite(remote / object_path(stored.md5), bad)
    with pytest.raises(IntegrityError):
        export(store_of(dvc), stored, tmp_path / "other")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "remote", "work"]


@pytest.mark.parametrize("bad", [SOME[:-1], SOME + b"x", b"X" + SOME[1:]])
def test_A14_other_bytes_in_the_remote_leave_nothing_behind(
    dvc: Repo, remote: Path, tmp_path: Path, bad: bytes
) -> None:
    (dvc.path / "m").write_bytes(SOME)
    store = store_of(dvc)
    stored = store.add(dvc.path / "m")
    store.push([stored.md5])
    lost_cache(dvc)
    overwrite(remote / object_path(stored.md5), bad)
    with pytest.raises(IntegrityError):
        export(store_of(dvc), stored, tmp_path / "out")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["remote", "work"]
    assert not [p for p in (dvc.path / ".dvc/cache").rglob("*") if p.is_file()]


def test_A18_an_oversize_object_is_left_after_its_size(dvc: Repo, remote: Path, tmp_path: Path) -> None:
    (dvc.path / "m").write_bytes(SOME)
    store = store_of(dvc)
    stored = store.add(dvc.path / "m")
    store.push([stored.md5])
    lost_cache(dvc)
    there = remote / object_path(stored.md5)
    there.chmod(0o644)
    os.truncate(there, 10 * 1024**3)
    with pytest.raises(IntegrityError, match="more than"):
        export(store_of(dvc), stored, tmp_path / "out")


def test_a_symlink_in_the_cache_is_no_object(dvc: Repo, tmp_path: Path) -> None:
    (dvc.path / "m").write_bytes(SOME)
    (tmp_path / "secret").write_bytes(SOME)
    store = store_of(dvc)
    stored = store.add(dvc.path / "m")
    cached(dvc, stored.md5).unlink()
    cached(dvc, stored.md5).symlink_to(tmp_path / "secret")
    with pytest.raises(UnavailableError):
        export(store_of(dvc), stored, tmp_path / "out")
    assert (tmp_path / "secret").read_bytes() == SOME


def test_nothing_is_overwritten(dvc: Repo, tmp_path: Path) -> None:
    (dvc.path / "m").write_bytes(SOME)
    store = store_of(dvc)
    stored = store.add(dvc.path / "m")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "file").write_bytes(b"mine")
    for name in ("dangling", "file"):
        with pytest.raises(InvalidError, match="nothing is overwritten"):
            export(store, stored, tmp_path / name)
    assert (tmp_path / "file").read_bytes() == b"mine"


@pytest.mark.parametrize("md5", ["../../../etc/passwd", "ab" * 16 + "/x", "AB" * 16, "", "ab" * 16 + ".dir.dir"])
def test_A16_a_name_that_is_no_md5_never_becomes_a_path(dvc: Repo, tmp_path: Path, md5: str) -> None:
    store = store_of(dvc)
    with pytest.raises(InvalidError):
        store.export(md5, tmp_path / "out", sha256="ab" * 32, size_bytes=1)
    for ask in (store.push, store.missing):
        with pytest.raises(InvalidError):
            ask([md5])


# -- folders that somebody changed


@pytest.fixture
def folder(dvc: Repo) -> Stored:
    write(dvc.path / "model", {"a": b"1", "b/c": b"22"})
    store = store_of(dvc)
    stored = store.add(dvc.path / "model")
    store.push([stored.md5])
    return stored


@pytest.mark.parametrize(
    "text",
    [
        '[{"md5": "MD5", "relpath": "../a"}, {"md5": "MD5", "relpath": "b/c"}]',
        '[{"md5": "MD5", "relpath": "/etc/a"}, {"md5": "MD5", "relpath": "b/c"}]',
        '[{"md5": "MD5", "relpath": "a"}, {"md5": "MD5", "relpath": "b/c"}, {"md5": "MD5", "relpath": "more"}]',
        '[{"md5": "MD5", "relpath": "a"}]',
        '[{"md5": "../../x", "relpath": "a"}, {"md5": "MD5", "relpath": "b/c"}]',
        '[{"md5": "MD5", "relpath": "a"}, {"md5": "MD5", "relpath": "a"}]',
        '[{"md5": 5, "relpath": "a"}]',
        "{}",
        "not json",
        "[" * 100_000,
    ],
)
def test_A16_a_folder_object_must_name_the_files_on_record(
    dvc: Repo, remote: Path, tmp_path: Path, folder: Stored, text: str
) -> None:
    data = text.replace("MD5", hashlib.md5(b"1").hexdigest()).encode()
    md5 = hashlib.md5(data).hexdigest() + ".dir"
    write(remote, {object_path(md5): data})
    with pytest.raises((IntegrityError, InvalidError)):
        store_of(dvc).export(
            md5, tmp_path / "out", sha256=folder.sha256, size_bytes=folder.size_bytes, listing=folder.listing
        )
    assert sorted(p.name for p in tmp_path.iterdir()) == ["remote", "work"]


def test_a_folder_is_bound_by_its_listing(dvc: Repo, tmp_path: Path, folder: Stored) -> None:
    assert folder.listing is not None
    other = folder.listing.replace(b"  a", b"  z")
    for change in (
        {"listing": other},
        {"listing": None},
        {"size_bytes": 4},
        {"listing": other, "sha256": hashlib.sha256(other).hexdigest()},
    ):
        asked: dict[str, object] = {
            "sha256": folder.sha256,
            "size_bytes": folder.size_bytes,
            "listing": folder.listing,
        } | change
        with pytest.raises((IntegrityError, InvalidError)):
            store_of(dvc).export(folder.md5, tmp_path / "out", **asked)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_A14_one_changed_file_refuses_the_folder(dvc: Repo, remote: Path, tmp_path: Path, folder: Stored) -> None:
    lost_cache(dvc)
    overwrite(remote / object_path(hashlib.md5(b"22").hexdigest()), b"23")
    with pytest.raises(IntegrityError):
        export(store_of(dvc), folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_F12_a_corrupt_folder_object_is_fetched_again(dvc: Repo, tmp_path: Path, folder: Stored) -> None:
    for bad in (b"", b"[]", b"\xff"):
        overwrite(cached(dvc, folder.md5), bad)
        out = export(store_of(dvc), folder, tmp_path / f"out{bad.hex()}")
        assert (out / "b/c").read_bytes() == b"22"


def test_missing_names_the_files_of_a_folder(dvc: Repo, remote: Path, folder: Stored) -> None:
    inner = hashlib.md5(b"22").hexdigest()
    (remote / object_path(inner)).unlink()
    assert store_of(dvc).missing([folder.md5]) == [inner]
    lost_cache(dvc)
    assert store_of(dvc).missing([folder.md5]) == [inner]
    (remote / object_path(folder.md5)).unlink()
    lost_cache(dvc)
    assert store_of(dvc).missing([folder.md5]) == [folder.md5]


# -- remotes


def test_a_transfer_that_was_cut_off_is_missing_and_sent_again(dvc: Repo, remote: Path) -> None:
    (dvc.path / "m").write_bytes(SOME)
    store = store_of(dvc)
    stored = store.add(dvc.path / "m")
    store.push([stored.md5])
    overwrite(remote / object_path(stored.md5), SOME[:10])
    assert store.missing([stored.md5]) == [stored.md5]
    store.push([stored.md5])
    assert (remote / object_path(stored.md5)).read_bytes() == SOME


def test_corrupt_bytes_are_not_pushed(dvc: Repo, remote: Path) -> None:
    (dvc.path / "m").write_bytes(SOME)
    store = store_of(dvc)
    stored = store.add(dvc.path / "m")
    overwrite(cached(dvc, stored.md5), b"X" + SOME[1:])
    with pytest.raises(IntegrityError, match="quarantine"):
        store.push([stored.md5])
    assert not remote.exists()


def test_neither_cache_nor_remote_has_it(dvc: Repo, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="storage"):
        store_of(dvc).push(["ab" * 16])
    with pytest.raises(UnavailableError, match="storage"):
        store_of(dvc).export("ab" * 16, tmp_path / "out", sha256="ab" * 32, size_bytes=1)
    assert store_of(dvc).missing(["ab" * 16]) == ["ab" * 16]


def test_no_remote_is_configured(tmp_path: Path) -> None:
    repo = git_repo(tmp_path / "work", None)
    with pytest.raises(UnavailableError, match="no remote") as caught:
        store_of(repo).missing(["ab" * 16])
    assert "dvc remote add" in (caught.value.hint or "")


def test_a_remote_whose_support_is_not_installed_says_what_to_install(tmp_path: Path) -> None:
    repo = git_repo(tmp_path / "work", "s3://bucket/models")
    if importlib.util.find_spec("dvc_s3"):
        pytest.skip("dvc-s3 is installed here")
    with pytest.raises(UnavailableError) as caught:
        store_of(repo).missing(["ab" * 16])
    assert caught.value.hint == "pip install 'modelreg[s3]'"


def test_a_dead_remote_is_named_without_its_credentials(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    repo = git_repo(tmp_path / "work", None)
    (repo.path / ".dvc/config.local").write_text(
        "['remote \"storage\"']\n    url = http://ann:secret@127.0.0.1:9/models?token=secret\n"
    )
    with pytest.raises(UnavailableError) as caught:
        store_of(repo).missing(["ab" * 16])
    said = str(caught.value.to_mapping())
    assert "storage" in said
    assert "http://127.0.0.1:9/models" in said
    assert "secret" not in said
    assert capfd.readouterr() == ("", "")


def test_a_remote_that_hangs_is_given_up(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        repo = git_repo(tmp_path / "work", f"http://127.0.0.1:{silent.getsockname()[1]}/models")
        store = DvcStore(repo.path, git_dir(repo), remote="storage", timeout_s=0.3)
        with pytest.raises(UnavailableError, match="storage"):
            store.missing(["ab" * 16])


def test_nothing_is_printed(dvc: Repo, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (dvc.path / "m").write_bytes(SOME)
    store = store_of(dvc)
    stored = store.add(dvc.path / "m")
    store.push([stored.md5])
    lost_cache(dvc)
    export(store_of(dvc), stored, tmp_path / "out")
    assert capfd.readouterr() == ("", "")


# -- whose configuration


def test_A17_the_remote_is_the_protected_branchs_not_the_work_trees(dvc: Repo, remote: Path, tmp_path: Path) -> None:
    (dvc.path / "m").write_bytes(SOME)
    config = dvc.path / ".dvc/config"
    config.write_text(config.read_text().replace("../../remote", str(tmp_path / "evil")))
    store = store_of(dvc)
    stored = store.add(dvc.path / "m")
    store.push([stored.md5])
    assert (remote / object_path(stored.md5)).exists()
    assert not (tmp_path / "evil").exists()


def test_A17_a_config_local_in_git_is_refused(dvc: Repo, tmp_path: Path) -> None:
    local = dvc.path / ".dvc/config.local"
    local.write_text(f"['remote \"storage\"']\n    url = {tmp_path / 'evil'}\n")
    dvc.git("add", "--force", ".dvc/config.local")
    with pytest.raises(UnavailableError, match="version control"):
        store_of(dvc).missing(["ab" * 16])


@pytest.mark.parametrize("line", ["bearer_token_command = touch marker", "configpath = ../aws", "credentialpath = x"])
def test_A17_committed_settings_that_start_programs_are_refused(tmp_path: Path, line: str) -> None:
    repo = git_repo(tmp_path / "work", "webdav://127.0.0.1:9/models")
    config = (repo.path / ".dvc/config").read_text()
    repo.commit("evil", {".dvc/config": f"{config}    {line}\n"})
    with pytest.raises(UnavailableError, match="could start a program"):
        store_of(repo).missing(["ab" * 16])


# -- embedded


def test_an_embedded_remote_lives_in_git(tmp_path: Path) -> None:
    repo = git_repo(tmp_path / "work", None, embedded=True)
    write(repo.path / "model", {"a": b"1", "b/c": b"22"})
    store = store_of(repo, "embedded")
    stored = store.add(repo.path / "model")
    files = store.embedded_files(stored.md5)
    assert all(path.startswith(".dvc/remote/files/md5/") for path in files)
    assert len(files) == 3
    inner = {hashlib.md5(data).hexdigest() for data in (b"1", b"22")}
    assert set(store.missing([stored.md5])) == inner | {stored.md5}
    store.push([stored.md5])

    point(repo, stored)
    write(repo.path, dict(files))
    repo.git("add", "-A")
    repo.git("commit", "-q", "-m", "model")
    assert store_of(repo, "embedded").missing([stored.md5]) == []

    clone = repo.clone(tmp_path / "clone")
    assert (export(store_of(clone, "embedded"), stored, tmp_path / "one") / "b/c").read_bytes() == b"22"
    dvc_cli(clone, "pull")
    assert (clone.path / "model/b/c").read_bytes() == b"22"

    bare = repo.clone(tmp_path / "bare.git", "--bare")
    assert store_of(bare).missing([stored.md5]) == []
    assert (export(store_of(bare), stored, tmp_path / "two") / "a").read_bytes() == b"1"


def test_embedded_objects_are_checked_too_and_need_no_dvc(tmp_path: Path) -> None:
    repo = git_repo(tmp_path / "work", None, embedded=True)
    (repo.path / "m").write_bytes(SOME)
    stored = store_of(repo).add(repo.path / "m")
    (path,) = store_of(repo).embedded_files(stored.md5)
    lost_cache(repo)
    write(repo.path, {path: b"X" + SOME[1:]})
    with pytest.raises(IntegrityError):
        export(store_of(repo), stored, tmp_path / "out")
    (repo.path / path).unlink()
    (tmp_path / "outside").write_bytes(SOME)
    (repo.path / path).symlink_to(tmp_path / "outside")
    with pytest.raises(UnavailableError):
        export(store_of(repo), stored, tmp_path / "out")


def test_the_heavy_library_is_only_loaded_for_a_remote(tmp_path: Path) -> None:
    repo = git_repo(tmp_path / "work", None, embedded=True)
    (repo.path / "m").write_bytes(SOME)
    code = (
        "import sys; from pathlib import Path; from modelreg.adapters.dvc import DvcStore\n"
        f"store = DvcStore(Path({str(repo.path)!r}), Path({str(git_dir(repo))!r}))\n"
        f"stored = store.add(Path({str(repo.path / 'm')!r}))\n"
        "store.push([stored.md5]); store.missing([stored.md5]); store.embedded_files(stored.md5)\n"
        "assert 'dvc' not in sys.modules and 'dvc_data' not in sys.modules\n"
    )
    run(sys.executable, "-c", code)


def test_an_ordinary_remote_has_no_embedded_files(dvc: Repo) -> None:
    assert store_of(dvc).embedded_files("ab" * 16) == {}


# -- layouts


def test_F14_a_bare_repository_fetches_from_an_absolute_remote(tmp_path: Path) -> None:
    repo = git_repo(tmp_path / "work", str(tmp_path / "remote"))
    (repo.path / "m").write_bytes(SOME)
    store = store_of(repo)
    stored = store.add(repo.path / "m")
    store.push([stored.md5])
    bare = repo.clone(tmp_path / "bare.git", "--bare")
    assert export(store_of(bare), stored, tmp_path / "new" / "out").read_bytes() == SOME
    assert (bare.path / "modelreg/cache" / object_path(stored.md5)).exists()


def test_F14_a_bare_repository_refuses_a_remote_relative_to_a_clone(dvc: Repo, tmp_path: Path) -> None:
    bare = dvc.clone(tmp_path / "bare.git", "--bare")
    with pytest.raises(UnavailableError, match="relative to a clone"):
        store_of(bare).missing(["ab" * 16])
