"""Tables without rich are the tables that rich sets."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelreg.cli import output

CELL = st.text(st.characters(min_codepoint=9, max_codepoint=0x17F, exclude_categories=["Cs"]), max_size=24)
CELLS = CELL | st.text("ab 1.", max_size=40)
TABLES = st.integers(1, 4).flatmap(
    lambda n: st.tuples(
        st.lists(CELLS, min_size=n, max_size=n),
        st.lists(st.lists(CELLS, min_size=n, max_size=n), max_size=4),
        st.sets(st.integers(0, n - 1)),
    )
)


def printed(columns: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[str]) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        output.table(columns, rows, right=right)
    return out.getvalue()


@given(TABLES)
def test_both_say_the_same(table: tuple[list[str], list[list[str]], set[int]]) -> None:
    columns, rows, numbers = table
    right = frozenset(columns[number] for number in numbers)
    quick = printed(columns, rows, right)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(output, "_plain", lambda *_: [])
        assert printed(columns, rows, right) == quick


def test_the_quick_way_is_taken() -> None:
    rows = [["churn", "1.0.0", "production", "0.9"]]
    assert output._plain(["model", "version", "stage", "f1"], rows, frozenset({"f1"})) == [
        "model  version  stage        f1",
        "churn  1.0.0    production  0.9",
    ]
