"""How much a data set changed, told from what two manifests record of it."""

from __future__ import annotations

from typing import Any

import pytest

from modelreg.domain.data_change import data_changes

A, B = "a" * 64, "b" * 64
CSV = {"name": "customers", "sha256": A, "md5": "1" * 32, "size_bytes": 100, "role": "train"}


def columns(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "type": kind} for name, kind in pairs]


def told(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[str]:
    return [change.text for change in data_changes(before, after)]


AGE, CITY, PLAN = ("age", "int64"), ("city", "string"), ("plan", "string")


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ({}, {"sha256": B, "size_bytes": 120}, "100 -> 120 bytes"),
        ({}, {"sha256": B}, "other content of the same size"),
        ({"rows": 10}, {"sha256": B, "rows": 12}, "10 -> 12 rows"),
        ({"rows": 10}, {"sha256": B, "rows": 12, "size_bytes": 120}, "10 -> 12 rows"),
        ({"rows": 10}, {"sha256": B, "rows": 10}, "other content, as many rows"),
        ({"rows": 10, "columns": 3}, {"sha256": B, "rows": 10, "columns": 3}, "other content, as many rows and columns"),
        ({"rows": 10, "columns": 3}, {"sha256": B, "rows": 12, "columns": 4}, "10 -> 12 rows; 3 -> 4 columns"),
        ({"rows": 10}, {"sha256": B, "size_bytes": 120}, "100 -> 120 bytes"),  # rows are known of one only
        ({"files": 2}, {"sha256": B, "files": 3, "size_bytes": 120}, "2 -> 3 files; 100 -> 120 bytes"),
        ({"schema": columns(AGE)}, {"sha256": B, "schema": columns(AGE, CITY, PLAN)}, "columns added: city, plan"),
        ({"schema": columns(AGE, CITY)}, {"sha256": B, "schema": columns(AGE)}, "columns removed: city"),
        ({"schema": columns(AGE)}, {"sha256": B, "schema": columns(("age", "float64"))}, "types changed: age int64 -> float64"),
        ({"schema": columns(AGE, CITY)}, {"sha256": B, "schema": columns(CITY, AGE)}, "columns in another order"),
        ({"schema": columns(AGE)}, {"sha256": B, "schema": None, "size_bytes": 99}, "100 -> 99 bytes"),
        ({}, {"role": "test"}, "used as test, was train"),
        ({}, {"role": "test", "sha256": B, "size_bytes": 99}, "used as test, was train; 100 -> 99 bytes"),
        ({"sha256": None}, {"sha256": None, "md5": "2" * 32, "size_bytes": 99}, "100 -> 99 bytes"),
        ({"version": "7"}, {"sha256": B, "version": "8"}, "version 7 -> 8"),
        ({"sha256": None}, {"md5": None}, "no digest says that it is the same"),  # one digest each, of two kinds
    ],
)  # fmt: skip
def test_changed(before: dict[str, Any], after: dict[str, Any], text: str) -> None:
    assert told([CSV | before], [CSV | after]) == [f"data customers changed: {text}"]


@pytest.mark.parametrize(
    "after",
    [
        {"path": "elsewhere.csv", "source": "s3://x", "rows": 10, "columns": 2, "schema": columns(AGE), "version": "2"},
        {"md5": None},
        {"sha256": None},  # the MD5 still agrees
        {"role": None},
        {"name": "clients"},  # renamed
    ],
)
def test_the_same_content_is_the_same(after: dict[str, Any]) -> None:
    assert told([CSV], [CSV | after]) == []
    assert told([CSV | after], [CSV]) == []


def test_without_digests_version_size_and_source_decide() -> None:
    plain = {"name": "table", "source": "warehouse", "version": "7"}
    assert told([plain], [dict(plain)]) == []
    assert told([plain], [plain | {"version": "8"}]) == ["data table changed: version 7 -> 8"]
    assert told([plain], [plain | {"source": "lake"}]) == ["data table changed: no digest says that it is the same"]


def test_added_removed_and_renamed() -> None:
    more = {"name": "more", "sha256": B, "rows": 5, "columns": 2}
    assert told([CSV], [CSV, more]) == ["data more added (5 rows, 2 columns)"]
    assert told([CSV, more], [CSV]) == ["data more removed (5 rows, 2 columns)"]
    assert told([], [CSV | {"rows": 7}]) == ["data customers added (7 rows)"]
    assert told([], [CSV]) == ["data customers added"]
    # Another name and another role is another use.
    assert told([CSV], [CSV | {"name": "held_out", "role": "test"}]) == [
        "data customers removed",
        "data held_out added",
    ]
    # One for one: the same file twice where it was there once is a set more.
    assert told([CSV], [CSV | {"name": "a"}, CSV | {"name": "b"}]) == ["data b added"]


def test_sets_that_share_a_name_are_all_looked_at() -> None:
    test = CSV | {"sha256": B, "md5": "2" * 32, "role": "test"}
    assert told([CSV, test], [CSV, test]) == []
    changed = CSV | {"sha256": "c" * 64, "size_bytes": 90}
    assert told([CSV, test], [changed, test]) == ["data customers changed: 100 -> 90 bytes"]
    assert told([CSV], [CSV, test]) == ["data customers (2) added"]


def test_many_columns_are_counted() -> None:
    wide = columns(*((f"c{n}", "int64") for n in range(9)))
    (text,) = told([CSV | {"schema": []}], [CSV | {"sha256": B, "schema": wide}])
    assert text == "data customers changed: columns added: c0, c1, c2, c3, c4 and 4 more"


def test_strangers_text_is_one_bounded_line_of_ascii() -> None:
    bad = "\x1b[31m\u202e\n" * 40
    before = CSV | {"name": bad, "schema": columns(*((bad + str(n), bad) for n in range(9)))}
    after = before | {"sha256": B, "role": bad, "schema": columns(*((str(n) + bad, bad) for n in range(9)))}
    (text,) = told([before], [after])
    assert text.isascii()
    assert text.isprintable()
    assert len(text) <= 500
