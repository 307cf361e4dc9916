"""One reading, two digests; DVC's folder object; the listing that sha256sum checks."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelreg.adapters import hashing
from modelreg.adapters.hashing import ListedFile
from modelreg.errors import IntegrityError, InvalidError, NotFoundError

SHA = "ab" * 32


def tree(folder: Path, files: dict[str, bytes]) -> Path:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


@pytest.mark.parametrize("size", [0, 1, hashing.CHUNK_BYTES, 5 * hashing.CHUNK_BYTES + 3])
def test_both_digests_in_one_reading(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    file = tmp_path / "model"
    file.write_bytes(data)
    copy, told = io.BytesIO(), list[int]()

    found = hashing.digest_file(file, copy_to=copy, advance=told.append)

    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert found.md5 == hashlib.md5(data).hexdigest()
    assert (found.size_bytes, copy.getvalue(), sum(told)) == (size, data, size)


def test_A18_a_stream_ends_at_its_limit() -> None:
    class Endless(io.RawIOBase):
        served = 0

        def read(self, size: int = -1) -> bytes:
            self.served += size
            return b"\0" * size

    endless = Endless()
    with pytest.raises(IntegrityError, match="more than the 10 bytes"):
        hashing.digest_stream(endless, limit_bytes=10)  # type: ignore[arg-type]
    assert endless.served == hashing.CHUNK_BYTES


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/etc/passwd")
    for name, message in {"pipe": "not a regular", "link": "symbolic link", ".": "not a regular"}.items():
        with pytest.raises(InvalidError, match=message):
            hashing.digest_file(tmp_path / name)
    with pytest.raises(NotFoundError):
        hashing.digest_file(tmp_path / "nothing")


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(b"a" * 10)

    class Slow(io.BytesIO):
        def write(self, data: object) -> int:
            with file.open("ab") as more:
                more.write(b"b")
            return 10

    with pytest.raises(InvalidError, match="changed while"):
        hashing.digest_file(file, copy_to=Slow())


def test_a_walk_is_sorted_by_path_and_not_by_folder(tmp_path: Path) -> None:
    tree(tmp_path, {"a/z": b"1", "a.txt": b"22", "b": b"", "a/b/c": b""})
    assert [(item.path, item.size_bytes) for item in hashing.walk(tmp_path)] == [
        ("a.txt", 2),
        ("a/b/c", 0),
        ("a/z", 1),
        ("b", 0),
    ]


@pytest.mark.parametrize("name", ["new\nline", "tab\t", "back\\slash", "\x9b31m", "right\u202eleft", ".git", ".DVC"])
def test_names_that_a_listing_cannot_hold_are_refused(tmp_path: Path, name: str) -> None:
    tree(tmp_path, {f"sub/{name}": b""})
    with pytest.raises(InvalidError):
        hashing.walk(tmp_path)


def test_a_name_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff")).write_bytes(b"")
    with pytest.raises(InvalidError, match="does not print"):
        hashing.walk(tmp_path)


def test_A16_symlinks_special_files_and_empty_folders_are_refused(tmp_path: Path) -> None:
    cases: list[tuple[Callable[[Path], object], str]] = [
        (lambda at: (at / "x").symlink_to("/etc"), "symbolic link"),
        (lambda at: os.mkfifo(at / "x"), "neither a file"),
        (lambda at: (at / "x").mkdir(), "empty folder"),
        (lambda at: (at / "keep").unlink(), "empty folder"),
    ]
    for n, (make, message) in enumerate(cases):
        folder = tree(tmp_path / str(n), {"keep": b""})
        make(folder)
        with pytest.raises(InvalidError, match=message):
            hashing.walk(folder)
    with pytest.raises(NotFoundError):
        hashing.walk(tmp_path / "nothing")


names = st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1, max_size=8)
digests = st.binary(min_size=16, max_size=16).map(bytes.hex)


@given(st.dictionaries(st.lists(names, min_size=1, max_size=3).map("/".join), digests, min_size=1))
def test_the_folder_object_is_byte_for_byte_dvcs(files: dict[str, str]) -> None:
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.tree import Tree

    theirs = Tree()
    for path, md5 in files.items():
        theirs.add(tuple(path.split("/")), None, HashInfo("md5", md5))
    theirs.digest()
    ours = hashing.dir_object(files.items())
    assert ours == theirs.as_bytes()
    assert hashlib.md5(ours).hexdigest() + ".dir" == theirs.oid


def storable(path: str) -> bool:
    try:
        hashing.check_path(path)
    except InvalidError:
        return False
    return True


listed = st.lists(
    st.builds(
        ListedFile, names.filter(storable), st.integers(0, 10**18), st.binary(min_size=32, max_size=32).map(bytes.hex)
    ),
    min_size=1,
    unique_by=lambda item: item.path,
)


@given(listed)
def test_a_listing_reads_back(files: list[ListedFile]) -> None:
    data = hashing.listing(files)
    assert set(hashing.parse_listing(data)) == set(files)
    assert hashing.listing(hashing.parse_listing(data)) == data


@given(listed, st.data())
def test_a_changed_listing_is_refused_or_reads_as_something_else(files: list[ListedFile], data: st.DataObject) -> None:
    good = hashing.listing(files)
    at = data.draw(st.integers(0, len(good) - 1))
    bad = good[:at] + bytes([good[at] ^ data.draw(st.integers(1, 255))]) + good[at + 1 :]
    try:
        read = hashing.parse_listing(bad)
    except InvalidError:
        return
    assert hashing.listing(read) == bad


def test_sha256sum_checks_a_listing(tmp_path: Path) -> None:
    folder = tree(tmp_path / "m", {"a b": b"1", "#x": b"2", "d/*é": b"3", " lead": b""})
    files = [ListedFile(f.path, f.size_bytes, hashing.digest_file(f.file).sha256) for f in hashing.walk(folder)]
    (tmp_path / "m.sha256").write_bytes(hashing.listing(files))
    check = ["sha256sum", "-c", "--strict", "--quiet", "../m.sha256"]
    assert subprocess.run(check, cwd=folder).returncode == 0
    (folder / "a b").write_bytes(b"9")
    assert subprocess.run(check, cwd=folder, capture_output=True).returncode == 1


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", None),
        (f"# size_bytes 1\n{SHA}  a", None),
        (f"{SHA}  a\n", 1),
        (f"# size_bytes 01\n{SHA}  a\n", 1),
        (f"# size_bytes -1\n{SHA}  a\n", 1),
        ("# size_bytes 1\n", 2),
        (f"# size_bytes 1\n{SHA.upper()}  a\n", 2),
        (f"# size_bytes 1\n{SHA} *a\n", 2),
        (f"# size_bytes 1\n{SHA}  ../a\n", 2),
        (f"# size_bytes 1\n{SHA}  /a\n", 2),
        (f"# size_bytes 1\n{SHA}  a//b\n", 2),
        (f"# size_bytes 1\n{SHA}  .git/hooks/pre-commit\n", 2),
        (f"# size_bytes 1\n{SHA}  a\r\n", 2),
        (f"# size_bytes 1\n{SHA}  b\n# size_bytes 1\n{SHA}  a\n", 4),
        (f"# size_bytes 1\n{SHA}  a\n# size_bytes 1\n{SHA}  a\n", 4),
        (f"# size_bytes 1\n{SHA}  a\n# size_bytes 1\n{SHA}  a/b\n", 4),
    ],
)
def test_bad_listings_are_refused_with_their_line(text: str, line: int | None) -> None:
    with pytest.raises(InvalidError) as caught:
        hashing.parse_listing(text.encode(), "m.sha256")
    assert (caught.value.file, caught.value.line) == ("m.sha256", line)
