"""`forge comment` and `forge status`: what the gate said, told once, and never by a stranger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelreg.domain.gate_report import GateReport
from tests.cli.runner import modelreg
from tests.integrations.forge import REPOSITORY, TOKEN, Forge, Reply, account, pull_request_event, serving
from tests.unit.reports.samples import MET, UNMET, change, hostile, report

COMMENTS = "issues/7/comments"
STATUS = f"POST statuses/{'b' * 40}"


@pytest.fixture
def forge(monkeypatch: pytest.MonkeyPatch) -> Iterator[Forge]:
    with serving() as found:
        monkeypatch.setenv("GITHUB_API_URL", found.url)
        monkeypatch.setenv("GITHUB_REPOSITORY", REPOSITORY)
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        found.answers["GET pulls/7"] = pull_request_event()["pull_request"]
        found.answers[STATUS] = Reply({}, 201)
        found.answers[f"POST {COMMENTS}"] = Reply({}, 201)
        found.paged(COMMENTS, [])
        yield found


def written(folder: Path, value: GateReport | Any) -> Path:
    file = folder / "report.json"
    file.write_text(json.dumps(value.to_mapping() if isinstance(value, GateReport) else value))
    return file


def test_the_comment_is_rendered_anew(forge: Forge, tmp_path: Path) -> None:
    file = written(tmp_path, report(change(MET, UNMET)).to_mapping() | {"allowed": True, "markdown": "<img>"})
    said = modelreg("forge", "comment", "--report", file, "--number", "7")
    assert said.code == 0, said.err
    body = forge.asked[-1].body["body"]
    assert body.startswith("<!-- modelreg-gate -->\n### modelreg: ❌ refused (1 change, 2 checks: 1 not met)")
    assert "<img>" not in body


def test_the_event_names_the_pull_request(forge: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps(pull_request_event()))
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(event))
    assert modelreg("forge", "comment", "--report", written(tmp_path, report(change(MET)))).code == 0
    assert forge.asked[-1].path.endswith(COMMENTS)


@pytest.mark.parametrize(("verdict", "state"), [(MET, "success"), (UNMET, "failure")])
def test_the_status_follows_the_checks(
    forge: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verdict: Any, state: str
) -> None:
    for name, value in {"SERVER_URL": "https://forge.example", "RUN_ID": "12"}.items():
        monkeypatch.setenv(f"GITHUB_{name}", value)
    said = modelreg("forge", "status", "--report", written(tmp_path, report(change(verdict))), "--number", "7")
    assert said.code == 0, said.err
    body = forge.asked[-1].body
    assert (body["state"], body["context"]) == (state, "modelreg/gate")
    assert body["target_url"] == f"https://forge.example/{REPOSITORY}/actions/runs/12"


@pytest.mark.parametrize(
    ("content", "code"),
    [(None, 4), ("", 1), ("[" * 100_000, 1), ("{}", 1), (json.dumps(hostile("c" * 40).to_mapping()), 5)],
)
def test_without_a_sound_report_the_status_is_an_error(
    forge: Forge, tmp_path: Path, content: str | None, code: int
) -> None:
    file = tmp_path / "report.json"
    if content is not None:
        file.write_text(content)
    assert modelreg("forge", "status", "--report", file, "--number", "7").code == code
    assert forge.asked[-1].body["state"] == "error"
    asked = len(forge.asked)
    assert modelreg("forge", "comment", "--report", file, "--number", "7").code == code
    assert all(request.method == "GET" for request in forge.asked[asked:])


def test_a25_no_payload_of_a_report_reaches_the_forge_raw(forge: Forge, tmp_path: Path) -> None:
    value = hostile("@admin ![p](https://evil.example/p.png) <img src=x>").to_mapping() | {"head": "b" * 40}
    assert modelreg("forge", "comment", "--report", written(tmp_path, value), "--number", "7").code == 0
    body = forge.asked[-1].body["body"]
    spans = body.split("`")
    assert all("@" not in outside and "<img" not in outside and "![" not in outside for outside in spans[::2])


def test_it_needs_a_pull_request_and_a_token(forge: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = written(tmp_path, report(change(MET)))
    assert modelreg("forge", "comment", "--report", file).code == 2
    forge.answers["GET pulls/7"] = Reply({}, 403)
    refused = modelreg("forge", "comment", "--report", file, "--number", "7")
    assert (refused.code, "pull-requests: write" in refused.err) == (4, True)
    monkeypatch.delenv("GITHUB_TOKEN")
    assert modelreg("forge", "status", "--report", file, "--number", "7").code == 4


def test_one_comment(forge: Forge, tmp_path: Path) -> None:
    file = written(tmp_path, report(change(MET)))
    assert modelreg("forge", "comment", "--report", file, "--number", "7").err.endswith("is created\n")
    body = forge.asked[-1].body["body"]
    forge.paged(COMMENTS, [{"id": 3, "user": account("github-actions[bot]", "Bot"), "body": body}])
    assert modelreg("forge", "comment", "--report", file, "--number", "7").err.endswith("is unchanged\n")
