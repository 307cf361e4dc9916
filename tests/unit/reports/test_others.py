"""SARIF, text, and a report read back from its JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelreg.domain.finding import Finding
from modelreg.domain.reports.reading import read_report
from modelreg.domain.reports.sarif import sarif
from modelreg.domain.reports.text import text
from modelreg.errors import InvalidError
from tests.payloads import PAYLOADS
from tests.unit.reports.samples import FILE, MET, UNJUDGED, UNMET, change, hostile, report


def test_sarif_has_what_the_standard_requires() -> None:
    findings = (Finding("registry/ä b.yaml", "schema", "bad", line=4, column=2, hint="do"),)
    log = sarif(report(change(MET, UNMET), findings=findings))
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-schema-2.1.0.json")
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "modelreg"
    assert [rule["id"] for rule in driver["rules"]] == ["metrics.accuracy", "schema"]
    assert run["invocations"] == [{"executionSuccessful": True}]
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note", "none")
        assert result["message"]["text"]
        place = result["locations"][0]["physicalLocation"]
        assert place["region"]["startLine"] >= 1
        assert len(result["partialFingerprints"]["modelreg/v1"]) == 64
    assert run["results"][0]["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "registry/%C3%A4%20b.yaml"},
        "region": {"startLine": 4, "startColumn": 2},
    }
    assert run["results"][1]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == FILE


def test_sarif_of_an_allowed_report_has_no_results() -> None:
    assert sarif(report(change(MET, UNJUDGED)))["runs"][0]["results"] == []


def test_text_says_what_is_not_met() -> None:
    findings = (Finding("a.yaml", "schema", "bad", line=4, hint="do this"),)
    assert text(report(change(MET), change(MET, UNMET, UNJUDGED), findings=findings)) == [
        "error: a.yaml:4: bad [schema]",
        "    hint: do this",
        "refused: promote churn@1.3.0: staging -> production by ann (2 of 3 checks met)",
        "    metrics.accuracy: expected >= 0.85, found 0.8 (accuracy is 0.8, wanted >= 0.85)",
        "    approvals: not judged here, expected 1 review",
        "allowed: promote churn@1.3.0: staging -> production by ann (1 of 1 checks met)",
        "refused",
    ]
    assert text(report()) == ["nothing in the registry changes", "allowed"]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a25_every_form_is_one_line_and_ascii_json(payload: str) -> None:
    for line in text(hostile(payload)):
        assert len(line.splitlines()) <= 1
        assert line.isprintable()
    json.loads(json.dumps(sarif(hostile(payload))))


def test_a_report_is_read_back() -> None:
    findings = (Finding("a.yaml", "schema", "bad", line=4, column=1, field="x", hint="h"),)
    given = report(change(MET, UNMET, UNJUDGED), findings=findings)
    assert read_report(json.loads(json.dumps(given.to_mapping()))) == given


def broken(*path: str | int, value: Any) -> Any:
    body: Any = report(change(UNMET), findings=(Finding("a", "c", "m"),)).to_mapping()
    body = json.loads(json.dumps(body))
    place = body
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return body


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "x",
        {},
        broken("base", value=1),
        broken("changes", value={}),
        broken("changes", value=[1]),
        broken("changes", 0, "kind", value="merge"),
        broken("changes", 0, "kind", value=["promote"]),
        broken("changes", 0, "file", value=None),
        broken("changes", 0, "model", value=7),
        broken("changes", 0, "checks", value=None),
        broken("changes", 0, "checks", 0, "expected", value={}),
        broken("findings", value="none"),
        broken("findings", 0, "message", value=[]),
        broken("changes", value=[{}] * 10_001),
    ],
)
def test_another_shape_is_refused(value: Any) -> None:
    with pytest.raises(InvalidError):
        read_report(value)


@pytest.mark.parametrize("passed", ["true", 1, "yes", None, [True]])
def test_only_true_is_a_yes(passed: Any) -> None:
    read = read_report(broken("changes", 0, "checks", 0, "passed", value=passed) | {"allowed": True})
    assert not read.allowed
