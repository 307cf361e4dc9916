"""Objects by digest: from the cache or the remote, checked, and neither is changed by it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from modelreg.adapters import hashing
from modelreg.adapters.dvc_cache import object_path
from modelreg.adapters.dvc_config import Configuration
from modelreg.adapters.fetching import fetch
from modelreg.adapters.hashing import ListedFile
from modelreg.errors import IntegrityError, InvalidError
from tests.support import Repo

DATA = b"rows\n" * 10
MD5, SHA256 = hashlib.md5(DATA).hexdigest(), hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def here(tmp_path: Path) -> Configuration:
    """A clone whose remote is a folder beside it; cache and remote are empty."""
    repo = Repo.init(tmp_path / "repo")
    repo.commit("dvc", {".dvc/config": f"[core]\n    remote = s\n['remote \"s\"']\n    url = {tmp_path / 'remote'}\n"})
    (tmp_path / "remote").mkdir()
    return Configuration(repo.path, repo.path / ".git", "s", None)


def put(folder: Path, md5: str, data: bytes) -> Path:
    place = folder / object_path(md5)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    return place


def stores(here: Configuration) -> tuple[Path, Path]:
    assert here.top is not None
    return here.cache.folder, here.top.parent / "remote"


def everything(here: Configuration) -> dict[Path, bytes]:
    return {path: path.read_bytes() for root in stores(here) for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("which", [0, 1])
def test_it_is_copied_and_nothing_else_changes(here: Configuration, tmp_path: Path, which: int) -> None:
    put(stores(here)[which], MD5, DATA)
    before, target = everything(here), tmp_path / "new" / "file"
    assert fetch(here, MD5, target, sha256=SHA256, size_bytes=len(DATA))
    assert target.read_bytes() == DATA
    assert everything(here) == before


def test_it_is_nowhere(here: Configuration, tmp_path: Path) -> None:
    assert not fetch(here, MD5, tmp_path / "file", sha256=SHA256, size_bytes=len(DATA))
    assert not fetch(here, f"{MD5}.dir", tmp_path / "folder", sha256=SHA256, size_bytes=len(DATA))
    put(stores(here)[1], MD5, DATA)
    assert not fetch(here, MD5, tmp_path / "file", sha256=SHA256, size_bytes=None, remote=False)


def test_a_bad_copy_in_the_cache_is_passed_over_and_stays(here: Configuration, tmp_path: Path) -> None:
    bad = put(stores(here)[0], MD5, b"other")
    put(stores(here)[1], MD5, DATA)
    assert fetch(here, MD5, tmp_path / "file", sha256=SHA256, size_bytes=len(DATA))
    assert bad.read_bytes() == b"other"


@pytest.mark.parametrize("data", [b"other", DATA + b"x", DATA[:-1], b""])
@pytest.mark.parametrize("size_bytes", [len(DATA), None])
def test_A14_other_bytes_are_refused(here: Configuration, tmp_path: Path, data: bytes, size_bytes: int | None) -> None:
    for folder in stores(here):
        put(folder, MD5, data)
    with pytest.raises(IntegrityError):
        fetch(here, MD5, tmp_path / "file", sha256=SHA256, size_bytes=size_bytes)
    assert not (tmp_path / "file").exists()


def test_a_sha256_that_is_another(here: Configuration, tmp_path: Path) -> None:
    put(stores(here)[0], MD5, DATA)
    with pytest.raises(IntegrityError):
        fetch(here, MD5, tmp_path / "file", sha256="0" * 64, size_bytes=len(DATA))
    assert fetch(here, MD5, tmp_path / "file", sha256=None, size_bytes=None), "its MD5 is all that is known"


def folder_object(here: Configuration, files: dict[str, bytes], *, listed: dict[str, str] | None = None) -> str:
    names = {path: hashlib.md5(data).hexdigest() for path, data in files.items()}
    for path, data in files.items():
        put(stores(here)[1], names[path], data)
    entries = [{"md5": md5, "relpath": path} for path, md5 in sorted((listed or names).items())]
    data = json.dumps(entries, sort_keys=True).encode()
    md5 = f"{hashlib.md5(data).hexdigest()}.dir"
    put(stores(here)[1], md5, data)
    return md5


def test_a_folder_with_its_files(here: Configuration, tmp_path: Path) -> None:
    files = {"a.csv": DATA, "sub/b.csv": b"2\n"}
    md5 = folder_object(here, files)
    listed = [ListedFile(name, len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items()]
    sha256 = hashlib.sha256(hashing.listing(listed)).hexdigest()
    size = sum(map(len, files.values()))
    assert fetch(here, md5, tmp_path / "data", sha256=sha256, size_bytes=size)
    assert {
        p.relative_to(tmp_path / "data").as_posix(): p.read_bytes() for p in (tmp_path / "data").rglob("*.csv")
    } == files
    with pytest.raises(IntegrityError, match="does not hold the files"):
        fetch(here, md5, tmp_path / "other", sha256="0" * 64, size_bytes=size)
    assert not (tmp_path / "other").exists()
    (stores(here)[1] / object_path(hashlib.md5(b"2\n").hexdigest())).unlink()
    assert not fetch(here, md5, tmp_path / "third", sha256=sha256, size_bytes=size)
    assert not (tmp_path / "third").exists()


@pytest.mark.parametrize("path", ["../out.csv", "/etc/out.csv", "a/../../out.csv", ".git/hooks/x", "a\nb"])
def test_A16_a_folder_object_that_leads_out(here: Configuration, tmp_path: Path, path: str) -> None:
    md5 = folder_object(here, {"a.csv": DATA}, listed={path: MD5})
    with pytest.raises((InvalidError, IntegrityError)):
        fetch(here, md5, tmp_path / "data", sha256=None, size_bytes=None)
    assert not (tmp_path / "out.csv").exists()
    assert not (tmp_path / "data").exists()


def test_A18_an_object_without_end_is_left_at_the_recorded_size(here: Configuration, tmp_path: Path) -> None:
    place = put(stores(here)[0], MD5, b"")
    with place.open("r+b") as file:
        file.truncate(10 * 1024**3)
    with pytest.raises(IntegrityError, match="more than the 50 bytes"):
        fetch(here, MD5, tmp_path / "file", sha256=SHA256, size_bytes=len(DATA))
