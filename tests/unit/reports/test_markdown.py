"""Markdown of a report: what failed comes first, it fits a comment, and strangers' text stays text."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from modelreg.domain.finding import Finding
from modelreg.domain.reports.harmless import one_line
from modelreg.domain.reports.markdown import LIMIT, markdown
from modelreg.domain.verdict import Verdict
from tests.payloads import PAYLOADS
from tests.unit.reports.samples import MET, UNJUDGED, UNMET, change, hostile, report

RENDERER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
OURS = {"h3", "h4", "p", "code", "table", "thead", "tbody", "tr", "th", "td"}


def tags(html: str) -> set[str]:
    return set(re.findall(r"</?([a-zA-Z0-9]+)", html))


def outside_code(html: str) -> str:
    return re.sub(r"<code>.*?</code>", "", html, flags=re.DOTALL)


def test_verdict_first_then_the_refused_change_and_its_failed_check() -> None:
    text = markdown(report(change(MET), change(MET, UNJUDGED, UNMET)))
    assert text.startswith("### modelreg: ❌ refused (2 changes, 4 checks: 1 not met)\n")
    assert text.index("❌ promote") < text.index("✅ promote")
    lines = [line for line in text.splitlines() if line.startswith(("| ❌", "| ✅", "| not judged"))]
    assert lines[0] == "| ❌ | `metrics.accuracy` | `>= 0.85` | `0.8` | `accuracy is 0.8, wanted >= 0.85` |"
    assert [line.split(" |")[0] for line in lines] == ["| ❌", "| not judged here", "| ✅", "| ✅"]


def test_allowed_and_nothing_to_judge() -> None:
    assert markdown(report(change(MET))).startswith("### modelreg: ✅ allowed (1 change, 1 check)")
    assert "Nothing in the registry changes." in markdown(report())


def test_findings_are_shown_errors_first() -> None:
    warning = Finding("b.yaml", "unknown-file", "odd", severity="warning")
    text = markdown(report(findings=(warning, Finding("a.yaml", "schema", "bad", line=3))))
    assert "1 error in files" in text
    assert text.index("`a.yaml:3`") < text.index("`b.yaml`")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a25_strangers_text_is_code_and_nothing_else(payload: str) -> None:
    html = RENDERER.render(markdown(hostile(payload)))
    assert tags(html) <= OURS
    shown = one_line(payload).replace("`", "'").replace("|", "¦")
    assert unescape(html).count(f"<code>{shown}</code>") >= 4
    assert "@" not in outside_code(html)
    assert "://" not in outside_code(html)


@given(st.text(max_size=80))
def test_no_text_leaves_its_code_span(text: str) -> None:
    html = RENDERER.render(markdown(hostile(text)))
    assert tags(html) <= OURS
    rows = re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)
    assert {len(re.findall(r"<t[hd]>", row)) for row in rows} <= {4, 5}


def test_it_fits_a_comment_and_says_what_it_left_out() -> None:
    long = Verdict("metrics.f1", False, "x" * 1000, "y" * 1000, "é" * 5000)
    text = markdown(report(*[change(long, UNMET)] * 400))
    assert len(text) <= LIMIT
    assert text.startswith("### modelreg: ❌ refused (400 changes")
    assert re.search(r"… and \d+ more lines: `modelreg gate --json`", text)
