"""A list of files answers as a dict of entries would, in less room."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from modelreg.adapters.file_list import FileList, records
from modelreg.registry.ports import Entry

entries = st.builds(
    Entry,
    st.sampled_from(("100644", "100755", "120000", "160000", "000000", "40000", "0100644")),
    st.sampled_from(("", "00" * 20, "20" * 20, "0a" * 32, "ff" * 20)),
)


@given(st.dictionaries(st.text(max_size=5), entries))
def test_it_answers_as_a_dict(files: dict[str, Entry]) -> None:
    listed = FileList(files.items())
    assert listed == files
    assert list(listed.items()) == list(files.items())
    assert list(listed) == list(files)
    assert len(listed) == len(listed.items()) == len(files)
    assert all(path in listed and listed[path] == entry == listed.get(path) for path, entry in files.items())
    assert all(item in listed.items() for item in files.items())
    assert {**listed} == files
    assert listed.get("no such file") is None
    assert "no such file" not in listed
    assert ("no such file", Entry("100644", "")) not in listed.items()


def test_a_file_takes_little_more_room_than_its_path_and_id() -> None:
    tracemalloc.start()
    try:
        listed = FileList(
            (f"registry/model/1.0.{n}/manifest.yaml", Entry("".join("100644"), f"{n:040x}")) for n in range(9000)
        )
        room, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert room < 230 * len(listed)  # a dict of entries takes 360


@given(st.lists(st.binary(min_size=1).filter(lambda each: b"\0" not in each)))
def test_records_are_what_git_wrote_between_the_nuls(written: list[bytes]) -> None:
    assert list(records(b"".join(each + b"\0" for each in written))) == written
