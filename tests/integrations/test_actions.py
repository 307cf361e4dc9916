"""What a step tells GitHub Actions through its files and its log."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelreg.errors import UnavailableError
from modelreg.integrations.actions import append_summary, harmless_log, set_output


def test_the_log_is_fenced_in_a_workflow_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert harmless_log(["::error::x"]) == ["::error::x"]
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    first, middle, last = harmless_log(["::error::x"])
    token = first.removeprefix("::stop-commands::")
    assert (middle, last, len(token)) == ("::error::x", f"::{token}::", 32)
    assert harmless_log(["x"])[0] != first
    assert harmless_log([]) == []


def test_outputs_end_where_they_end(tmp_path: Path) -> None:
    file = tmp_path / "output"
    set_output(file, "landed", "[]\nPATH=/evil")
    set_output(file, "other", "x")
    first, *lines = file.read_text().splitlines()
    name, delimiter = first.split("<<")
    assert (name, lines[:3]) == ("landed", ["[]", "PATH=/evil", delimiter])
    assert lines[3].split("<<")[1] != delimiter


def test_summaries_are_appended_and_bounded(tmp_path: Path) -> None:
    file = tmp_path / "summary"
    append_summary(file, "one")
    append_summary(file, "é" * 2_000_000)
    assert file.read_text().startswith("one\n")
    assert file.stat().st_size < 1024 * 1024
    with pytest.raises(UnavailableError):
        append_summary(tmp_path / "none" / "summary", "x")
