"""Annotations: GitHub's format and limits, and nothing that a stranger wrote becomes a command."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelreg.domain.finding import Finding
from modelreg.domain.reports.annotations import finding_annotations, guarded, output, report_annotations
from tests.payloads import PAYLOADS
from tests.unit.reports.samples import FILE, MET, UNMET, change, hostile, report

COMMAND = re.compile(r"::(error|warning) ([^:]*)::(.*)")


def parsed(line: str) -> tuple[str, dict[str, str], str]:
    """As the runner reads it: properties by comma and equals sign, then percent-decoded."""
    match = COMMAND.fullmatch(line)
    assert match, line
    pairs = (pair.split("=", 1) for pair in match[2].split(","))
    return match[1], {key: unquote(value) for key, value in pairs}, unquote(match[3])


def test_a_failed_check_is_an_error_at_its_record() -> None:
    (line,) = report_annotations(report(change(MET, UNMET)))
    assert parsed(line) == (
        "error",
        {"file": FILE, "line": "1", "title": "modelreg metrics.accuracy"},
        "promote churn@1.3.0: staging -> production: accuracy is 0.8, wanted >= 0.85",
    )


def test_a_report_that_allows_has_none() -> None:
    assert report_annotations(report(change(MET))) == []


def test_files_first_warnings_last() -> None:
    findings = (Finding("a", "odd", "w", severity="warning"), Finding("b", "schema", "e", line=4, column=2))
    found = [parsed(line) for line in report_annotations(report(change(UNMET), findings=findings))]
    assert [(kind, properties["title"]) for kind, properties, _ in found] == [
        ("error", "modelreg schema"),
        ("error", "modelreg metrics.accuracy"),
        ("warning", "modelreg odd"),
    ]
    assert found[0][1]["col"] == "2"


@pytest.mark.parametrize(("count", "last"), [(10, "e9"), (11, "2 more errors: see the step's summary")])
def test_ten_of_a_kind_and_no_silence(count: int, last: str) -> None:
    findings = [Finding("a", "schema", f"e{n}") for n in range(count)]
    findings += [Finding("a", "odd", f"w{n}", severity="warning") for n in range(15)]
    found = [parsed(line) for line in finding_annotations(findings)]
    assert [kind for kind, _, _ in found] == ["error"] * 10 + ["warning"] * 10
    assert found[9][2] == last
    assert found[-1][2] == "6 more warnings: see the step's summary"


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a25_one_line_one_command(payload: str) -> None:
    for line in report_annotations(hostile(payload)):
        kind, properties, _ = parsed(line)
        assert kind in ("error", "warning")
        assert set(properties) <= {"file", "line", "col", "title"}
        assert len(line.splitlines()) == 1


@given(st.text(max_size=60))
def test_any_text_stays_in_its_property(text: str) -> None:
    for line in report_annotations(hostile(text)):
        assert set(parsed(line)[1]) <= {"file", "line", "col", "title"}
        assert len(line.splitlines()) == 1


def test_a_fence_stands_around_what_is_printed() -> None:
    assert guarded(["::error::x"], "t0k3n") == ["::stop-commands::t0k3n", "::error::x", "::t0k3n::"]


def test_an_output_cannot_end_itself() -> None:
    assert output("landed", "a\nEOF\nPATH=/evil", "t0k3n") == "landed<<t0k3n\na\nEOF\nPATH=/evil\nt0k3n\n"
