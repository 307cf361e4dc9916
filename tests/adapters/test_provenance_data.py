"""What is recorded of data: digests as DVC has them, rows and columns counted as a stream, and what cannot be read."""

from __future__ import annotations

import csv
import io
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelreg.adapters.provenance import datasets, tables
from modelreg.adapters.provenance.datasets import Dataset, dataset, public
from modelreg.adapters.provenance.place import Place
from modelreg.adapters.provenance.tables import NotATableError, Table
from modelreg.errors import InvalidError, NotFoundError
from tests.support import Repo, run

NUMBERS = "n,x,ok,text,gap\n1,1.5,true,a,\n-2,.5e3,False,b c,7\n30,nan,true,,NA\n"
TYPES = [("n", "int64"), ("x", "float64"), ("ok", "bool"), ("text", "string"), ("gap", "int64")]


@pytest.fixture
def place(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> Place:
    repo.write("data/in.csv", NUMBERS)
    monkeypatch.chdir(repo.path)
    return Place.around(repo.path)


def read(place: Place, path: str, name: str | None = None) -> Dataset:
    return dataset(place, Path(path), name=name, role="train")


@pytest.fixture(params=["pyarrow", "standard library"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both readers of CSV, which must say the same."""
    if request.param != "pyarrow":
        monkeypatch.setattr(tables, "_csv_arrow", without_pyarrow)
    else:
        monkeypatch.setattr(tables, "_csv_plain", lambda *_: pytest.fail("pyarrow should have read this"))
    return str(request.param)


def without_pyarrow(*_: Any) -> Table:
    raise ImportError


def table(path: Path, text: str | bytes) -> Table:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return tables.read(path, "csv")


def test_a_file(place: Place) -> None:
    found = read(place, "data/in.csv")
    assert found.notes == ()
    assert found.entry == {
        "name": "in",
        "role": "train",
        "path": "data/in.csv",
        "size_bytes": len(NUMBERS),
        "sha256": run("sha256sum", "data/in.csv").stdout[:64],
        "md5": run("md5sum", "data/in.csv").stdout[:32],
        "format": "csv",
        "rows": 3,
        "columns": 5,
        "schema": [{"name": name, "type": kind} for name, kind in TYPES],
    }


def test_the_path_is_from_the_top_wherever_one_stands(place: Place, tmp_path: Path) -> None:
    assert place.top is not None
    deep = Place.around(place.top, place.top / "data")
    assert dataset(deep, Path("in.csv"), name=None, role="test").entry["path"] == "data/in.csv"
    assert dataset(deep, place.top / "data/in.csv", name=None, role="test").entry["path"] == "data/in.csv"
    (tmp_path / "else.csv").write_text("a\n1\n")
    assert "path" not in read(place, str(tmp_path / "else.csv")).entry


def test_a_folder_of_tables(repo: Repo, place: Place) -> None:
    repo.write("set/b/two.csv", "a,b\n1.5,y\n")
    repo.write("set/one.csv", "a,b\n1,x\n2,y\n")
    repo.write("set/_SUCCESS", "")
    (repo.path / "set/empty").mkdir()
    found = read(place, "set").entry
    assert (found["name"], found["format"], found["files"], found["rows"], found["columns"]) == ("set", "csv", 3, 3, 2)
    assert found["schema"] == [{"name": "a", "type": "float64"}, {"name": "b", "type": "string"}]


def test_a_folder_has_the_digest_of_the_same_artifact(repo: Repo, place: Place, tmp_path: Path) -> None:
    """Which is that of DVC: tests/adapters/test_dvc.py."""
    from modelreg.adapters.dvc import DvcStore

    repo.write("set/a.bin", b"\0\1")
    repo.write("set/b/c.txt", "x")
    stored = DvcStore(None, tmp_path, cache=tmp_path / "cache").add(repo.path / "set", dry_run=True)
    found = read(place, "set").entry
    assert (found["sha256"], found["md5"], found["size_bytes"]) == (stored.sha256, stored.md5, stored.size_bytes)
    assert found["format"] == "folder"
    assert "rows" not in found


def test_links_are_what_they_point_to(repo: Repo, place: Place) -> None:
    """As DVC leaves them with `cache.type symlink`."""
    repo.write("cache/ab", "a\n1\n")
    (repo.path / "data/link.csv").symlink_to("../cache/ab")
    found = read(place, "data/link.csv").entry
    assert (found["path"], found["rows"]) == ("data/link.csv", 1)
    repo.write("set/plain.csv", "a\n2\n")
    (repo.path / "set/link.csv").symlink_to("../cache/ab")
    assert read(place, "set").entry["rows"] == 2
    (repo.path / "set/circle").symlink_to("../set")
    with pytest.raises(InvalidError, match="neither a file nor a folder"):
        read(place, "set")


def test_what_is_no_data(repo: Repo, place: Place) -> None:
    (repo.path / "gone.csv").symlink_to("nowhere")
    (repo.path / "void").mkdir()
    os.mkfifo(repo.path / "pipe.csv")
    os.mkfifo(repo.write("set/a.csv", "a\n").parent / "pipe")
    cases: Sequence[tuple[str, type[Exception], str]] = (
        ("nothing.csv", NotFoundError, "no such data"),
        ("gone.csv", NotFoundError, "points nowhere"),
        ("void", InvalidError, "without a file"),
        ("pipe.csv", InvalidError, "neither a file nor a folder"),
        ("set", InvalidError, "neither a file nor a folder"),
        ("data/in.csv/x", NotFoundError, "cannot be read: Not a directory"),
    )
    for path, error, says in cases:
        with pytest.raises(error, match=says):
            read(place, path)


def test_a_socket_is_no_data(place: Place, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("s") / "s"  # its address must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        with pytest.raises(InvalidError, match="neither a file nor a folder"):
            read(place, str(path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(repo: Repo, place: Place) -> None:
    (repo.path / "data/in.csv").chmod(0)
    with pytest.raises(InvalidError, match="Permission denied"):
        read(place, "data/in.csv")


def test_what_vanishes_or_changes_while_it_is_read(repo: Repo, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = tables.read
    path = repo.path / "data/in.csv"

    def vanishing(file: Path, kind: str) -> Table:
        file.unlink()
        return whole(file, kind)

    def growing(file: Path, kind: str) -> Table:
        with file.open("a") as stream:
            stream.write("1,1,true,x,1\n")
        return whole(file, kind)

    monkeypatch.setattr(tables, "read", growing)
    with pytest.raises(InvalidError, match="changed while it was read"):
        read(place, "data/in.csv")
    monkeypatch.setattr(tables, "read", vanishing)
    size = path.stat().st_size
    found = read(place, "data/in.csv")
    assert found.notes == ("the rows of data/in.csv are not recorded: No such file or directory",)
    assert found.entry["size_bytes"] == size
    assert "rows" not in found.entry
    assert found.changed()


def test_whether_it_changed_since(repo: Repo, place: Place) -> None:
    path = repo.path / "data/in.csv"
    old = path.stat().st_mtime_ns
    found = read(place, "data/in.csv")
    assert not found.changed()
    path.write_text(NUMBERS)
    assert not found.changed(), "the same bytes, written again"
    path.write_text(NUMBERS.replace("1.5", "2.5"))
    os.utime(path, ns=(old, old))
    assert found.changed(), "as large and as old as before"
    repo.write("set/a", "1")
    folder = read(place, "set")
    repo.write("set/b", "1")
    assert folder.changed()


def test_a_file_that_was_written_just_before_is_read_again(repo: Repo, place: Place) -> None:
    """Within one tick of its clock a file system gives two states of a file the same times."""
    found = read(place, "data/in.csv")
    repo.write("data/in.csv", NUMBERS.replace("1.5", "2.5"))
    assert Dataset(found.entry, found.notes, found.path, datasets._stamp(found.path), found.at).changed()


def test_an_old_file_is_not_read_again(repo: Repo, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(place, "data/in.csv")
    at = found.at + 10  # as if it had lain there for a while when it was recorded
    old = Dataset(found.entry, found.notes, found.path, found.stamp, at)
    monkeypatch.setattr(datasets, "_digests", lambda _: pytest.fail("read again"))
    assert not old.changed()


@pytest.mark.usefixtures("reader")
def test_types(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    assert table(file, NUMBERS) == Table(3, tuple(TYPES))
    for values, kind in {
        "1 2": "string",
        "+1": "int64",
        "0x1f": "string",
        "9223372036854775807": "float64",
        "1234567890123456789": "int64",
        "1_000": "string",
        "١": "string",
        "1e5": "float64",
        "-inf": "float64",
        "1|2.5": "float64",
        "1|true": "string",
        "true|x": "string",
        "|NA|None": "null",
        "|3": "int64",
        "-": "string",
        "2026-01-01": "string",
    }.items():
        assert table(file, "\n".join(f"x,{v}" for v in ["v", *values.split("|")])).columns[1][1] == kind, values
    late = "v,w\n" + "1,x\n" * 50_000 + "oops,x\n"
    assert table(file, late) == Table(50_001, (("v", "string"), ("w", "string")))


@pytest.mark.usefixtures("reader")
def test_lines(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    expected = Table(2, (("a", "int64"), ("b", "string")))
    for text in (
        "a,b\n1,x\n2,y",
        "a,b\r\n1,x\r\n2,y\r\n",
        "\n\na,b\n\n1,x\n\n2,y\n\n",
        "\ufeffa,b\n1,x\n2,y\n",
        "a;b\n1;x\n2;y\n",
        "a\tb\n1\tx\n2\ty\n",
        'a,b\n1,"x\n,""y"""\n2,y\n',
    ):
        assert table(file, text) == expected, text
    assert table(file, "a,b\n") == Table(0, (("a", "null"), ("b", "null")))
    assert table(file, '"a\nb","c,d"\n1,2\n').columns == (("a\nb", "int64"), ("c,d", "int64"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it is empty"),
        ("\n\n", "it is empty"),
        ("a,b\n1\n", "a row has 1 values, the header 2"),
        ("a,b\n1,2,3\n", "a row has 3 values, the header 2"),
        (b"a,b\n1,\xff\n", "it is not UTF-8"),
        (b"\x89PNG\r\n\x1a\n\0\0", "it is not UTF-8"),
    ],
)
def test_what_is_no_table(tmp_path: Path, text: str | bytes, says: str) -> None:
    for read_by in (tables._csv_arrow, without_pyarrow):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tables, "_csv_arrow", read_by)
            with pytest.raises(NotATableError, match=says):
                table(tmp_path / "t.csv", text)


def test_what_is_very_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = "x" * 100_000 + "\n" * tables.BLOCK_BYTES
    assert table(tmp_path / "t.csv", f'a\n"{long}"\n').rows == 1
    with pytest.raises(NotATableError, match="a line has"):
        table(tmp_path / "t.csv", "a" * (tables.MAX_LINE + 1))
    monkeypatch.setattr(tables, "_csv_arrow", without_pyarrow)
    with pytest.raises(NotATableError, match="field larger than field limit"):
        table(tmp_path / "t.csv", f'a\n"{long}"\n')


_NAME = st.text("abc xyz,\"'\n_é", min_size=1, max_size=5)
_CELL = st.one_of(
    st.text("ab1 ,\"'\n;\té", max_size=6), st.integers().map(str), st.floats().map(str), st.sampled_from(["true", "NA"])
)


@settings(max_examples=200)
@given(st.data(), st.integers(1, 5), st.sampled_from(["\n", "\r\n"]))
def test_rows_and_columns_are_those_of_the_csv_module(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, width: int, end: str
) -> None:
    header = data.draw(st.lists(_NAME, min_size=width, max_size=width))
    rows = data.draw(st.lists(st.lists(_CELL, min_size=width, max_size=width), max_size=30))
    out = io.StringIO(newline="")
    if width == 1:  # with one column nothing says that a comma separates
        header = [header[0].replace(";", "").replace("\t", "")]
    csv.writer(out, lineterminator=end).writerows([header, *rows])
    file = tmp_path_factory.getbasetemp() / "property.csv"
    file.write_bytes(out.getvalue().encode())
    with file.open(newline="") as stream:
        expected = [line for line in csv.reader(stream) if line]
    if width == 1 and not header[0]:
        return
    found = tables.read(file, "csv")
    assert (found.rows, [name for name, _ in found.columns]) == (len(expected) - 1, expected[0])
    assert found == tables._csv_plain(file, ",")


def test_parquet(repo: Repo, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    whole = pa.table({"a": pa.array([1, 2, 3], pa.int32()), "b": ["x", None, "z"], "c": [[1.5], [], None]})
    pq.write_table(whole, repo.path / "data/t.parquet")
    found = read(place, "data/t.parquet").entry
    assert (found["format"], found["rows"], found["columns"]) == ("parquet", 3, 3)
    assert [column["type"] for column in found["schema"]] == ["int32", "string", "list<element: double>"]
    repo.write("data/bad.parquet", b"PAR1 no")
    assert "not recorded" in read(place, "data/bad.parquet").notes[0]
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    without = read(place, "data/t.parquet")
    assert "rows" not in without.entry
    assert without.notes == (
        "the rows of data/t.parquet are not recorded: pyarrow is not installed: pip install 'modelreg[parquet]'",
    )


def test_a_folder_of_other_columns(repo: Repo, place: Place) -> None:
    repo.write("set/a.csv", "a\n1\n")
    repo.write("set/b.csv", "b\n1\n")
    found = read(place, "set")
    assert found.notes == ("the rows of set are not recorded: its files have different columns",)
    assert found.entry["files"] == 2


def test_many_columns_are_counted_but_not_listed(repo: Repo, place: Place) -> None:
    repo.write("data/wide.csv", ",".join(f"c{n}" for n in range(1001)) + "\n")
    found = read(place, "data/wide.csv").entry
    assert found["columns"] == 1001
    assert "schema" not in found


def test_a_source_without_its_secrets() -> None:
    assert public("https://ada:pw@host/x?sig=abc") == "https://host/x"
    assert public("s3://bucket/customers") == "s3://bucket/customers"
    assert public("select * from t where a = ?") == "select * from t where a = ?"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process is asked of Linux")
def test_a_million_rows_in_bounded_memory(tmp_path: Path) -> None:
    """In a process of its own, so that its peak is that of the counting. Five million: docs/lineage.md."""
    block = "".join(f"{n % 73},{n / 7:.2f},{'true' if n % 3 else 'false'},plan {n % 5}\n" for n in range(100_000))
    file = tmp_path / "large.csv"
    file.write_text("a,b,c,d\n" + block * 10)
    code = (
        "import sys\nfrom pathlib import Path\nfrom modelreg.adapters.provenance import tables\n"
        "found = tables.read(Path(sys.argv[1]), 'csv')\n"
        "print(found.rows, *(kind for _, kind in found.columns))\n"
        "print(*(s for s in Path('/proc/self/status').read_text().splitlines() if s.startswith('VmHWM')))\n"
    )
    said = run(sys.executable, "-c", code, file).stdout.splitlines()
    assert said[0] == "1000000 int64 float64 bool string"
    assert int(said[1].split()[1]) < 300 * 1024, "KiB"
