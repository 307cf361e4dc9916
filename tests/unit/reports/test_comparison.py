"""The comparison as tables and as Markdown: strangers' text stays text, and it fits a comment."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from markdown_it import MarkdownIt

from modelreg.domain.compare import Comparison, compare
from modelreg.domain.manifest import Manifest
from modelreg.domain.reports.comparison import headline, markdown, tables
from modelreg.domain.reports.harmless import one_line
from modelreg.domain.reports.markdown import LIMIT
from tests.payloads import PAYLOADS
from tests.samples import manifest
from tests.unit.reports.test_markdown import OURS, RENDERER, outside_code, tags

DATA = {"name": "d", "sha256": "a" * 64}


def version(number: str, **body: Any) -> Manifest:
    return Manifest.from_mapping({**manifest(number).body, **body})


def hostile(text: str) -> Comparison:
    """Two versions that differ in every text that a manifest may hold."""
    sides = []
    for number, other in (("1.0.0", ""), ("1.1.0", "!")):
        said = text + other
        sides.append(
            version(
                number,
                params={text: said},
                architecture=said,
                framework={"name": said, "version": said},
                metrics={"f1": {"value": 0.5, "direction": "higher", "dataset": said, "split": said, "unit": text}},
                benchmarks=[{"name": text, "latency_p50_ms": 1.0, "hardware": said}],
                signature={"inputs": [{"name": said, "type": said}], "outputs": []},
                feature_importance={"method": said, "values": {said: 1.0}},
                lineage={
                    "data": [{"name": text, "version": said, "role": said}],
                    "environment": {"python": said, "platform": said, "packages": {text: said}},
                    "code": {"commit": None, "entry_point": said},
                    "pipeline": {"command": said, "seeds": {text: len(said)}},
                },
            )
        )
    return compare(sides)


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("every", [True, False])
def test_a25_strangers_text_is_code_and_nothing_else(payload: str, every: bool) -> None:
    text = markdown(hostile(payload), every=every)
    html = RENDERER.render(text)
    assert tags(html) <= OURS | {"ul", "li"}
    for forbidden in ("@", "://", "www.", "&lt;"):
        assert forbidden not in outside_code(html)
    assert len(set(re.findall(r"<h4>(.*?)</h4>", html))) >= 6
    if one_line(payload, 60).isalnum():
        assert one_line(payload, 60) in unescape(html)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a25_cells_are_one_line_without_controls(payload: str) -> None:
    for table in tables(hostile(payload), every=True):
        for cell in (*(part for row in table.rows for part in row), *table.notes):
            assert cell == one_line(cell, 1000)


def test_rows_say_value_interval_difference_and_the_best() -> None:
    interval = {"low": 0.78, "high": 0.82, "level": 0.95}
    entries = [
        {"f1": {"value": v, "direction": "higher", "dataset": DATA, **more}} for v, more in ((0.8, {"interval": interval}), (0.9, {}))
    ]  # fmt: skip
    done = compare([version(f"1.{n}.0", metrics=entry) for n, entry in enumerate(entries)])
    (table,) = tables(done)
    assert table.columns == ("metric", "1.0.0", "1.1.0")
    assert table.rows == (("f1 (higher is better)", "0.8 [0.78, 0.82] at 95 %", "0.9 (+0.1, better) *"),)
    assert "| `f1 (higher is better)` | `0.8 [0.78, 0.82] at 95 %` | ✅ `0.9 (+0.1, better) *` |" in markdown(done)


def test_what_does_not_compare_is_said_once_for_a_reason() -> None:
    sides = [
        {name: {"value": 0.5, "direction": "higher", "dataset": DATA, "split": split} for name in "abcdefg"}
        for split in ("test", "train")
    ]
    done = compare([version(f"1.{n}.0", metrics=side) for n, side in enumerate(sides)])
    (table,) = tables(done)
    assert table.notes == (
        "1.1.0 not comparable in a, b, c, d, e and 2 more: was measured on other data, split or slice",
    )
    assert "✅" not in markdown(done)


def test_nothing_differs() -> None:
    one = version("1.0.0")
    assert tables(compare([one, one])) == []
    assert "Nothing differs." in markdown(compare([one, one]))


def test_different_models_are_named_in_full() -> None:
    done = compare([version("1.0.0", params={"a": 1}), version("1.0.0", model="fraud")])
    assert "different models" in headline(done)
    assert tables(done)[0].columns == ("parameter", "churn@1.0.0", "fraud@1.0.0")
    assert "Different models" in markdown(done)


def test_it_fits_a_comment() -> None:
    params = {f"p{n}": "x" * 500 for n in range(2000)}
    text = markdown(compare([version("1.0.0", params=params), *[version(f"1.{n}.0") for n in range(1, 20)]]))
    assert len(text) <= LIMIT
    assert MarkdownIt("commonmark").render(text)
    assert "and 1950 more" in text
