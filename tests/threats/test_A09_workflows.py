"""A09: shipped workflows never run code of a fork with rights: pinned, read-only, no pull_request_target."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import run

TOP = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
WORKFLOWS = sorted((TOP / ".github" / "workflows").glob("*.yml"))
SHIPPED = [*WORKFLOWS, TOP / "action.yml"]
IGNORED = {"gate.yml": 1, "comment.yml": 2}
"""Findings that are let through, each with its reason beside it: workflow_run, and actions of the base's checkout."""


def zizmor(folder: Path) -> list[str]:
    """The findings of zizmor's pedantic persona: their names."""
    done = run(
        BIN / "zizmor", "--offline", "--persona", "pedantic", "--no-progress", "--format", "json", folder, check=False
    )
    return [finding["ident"] for finding in json.loads(done.stdout) if not finding["ignored"]]


def copied(folder: Path, *changes: tuple[str, str]) -> Path:
    """The shipped files in a folder of their own, with each of these texts replaced in all of them."""
    shutil.copytree(TOP / ".github", folder / ".github")
    shutil.copy(TOP / "action.yml", folder)
    for file in folder.rglob("*.yml"):
        text = file.read_text()
        for old, new in changes:
            text = text.replace(old, new)
        file.write_text(text)
    return folder


def parsed(file: Path) -> dict[Any, Any]:
    value = yaml.safe_load(file.read_text())
    assert isinstance(value, dict)
    return value


def test_zizmor_finds_nothing(tmp_path: Path) -> None:
    assert zizmor(copied(tmp_path)) == []


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("  pull_request:\n", "  pull_request_target:\n", "dangerous-triggers"),
        ("          persist-credentials: false\n", "", "artipacked"),
        ("@08c6903cd8c0fde910a37f88322edcfb5dd907a8", "@v5", "unpinned-uses"),
        ("permissions: {}", "permissions: write-all", "excessive-permissions"),
        ('"$HEAD_COMMIT"', "${{ github.event.pull_request.head.ref }}", "template-injection"),
    ],
)
def test_zizmor_would_find_it(tmp_path: Path, old: str, new: str, finding: str) -> None:
    assert finding in zizmor(copied(tmp_path, (old, new)))


def test_actionlint_finds_nothing() -> None:
    done = run(BIN / "actionlint", "-no-color", "-shellcheck=", "-pyflakes=", *WORKFLOWS, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_actionlint_would_find_it(tmp_path: Path) -> None:
    file = copied(tmp_path, ("runs-on:", "runs_on:")) / ".github/workflows/gate.yml"
    assert run(BIN / "actionlint", "-no-color", file, check=False).returncode == 1


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.name)
def test_what_is_ignored_is_known(file: Path) -> None:
    assert file.read_text().count("zizmor: ignore") == IGNORED.get(file.name, 0)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.name)
def test_actions_are_pinned_by_commit_or_the_bases_own(file: Path) -> None:
    used = re.findall(r"^\s*(?:- )?uses: (\S+)", file.read_text(), re.MULTILINE)
    assert used
    for name in used:
        assert name == "./" or re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", name), name


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_rights_are_given_one_by_one(file: Path) -> None:
    workflow = parsed(file)
    triggers = workflow[True]  # YAML 1.1 reads `on` as true
    assert "pull_request_target" not in triggers
    assert workflow["permissions"] in ({}, {"contents": "read"})
    strangers = {"pull_request", "pull_request_review", "merge_group"} & set(triggers)
    for job in workflow["jobs"].values():
        given = job.get("permissions", {})
        if strangers:
            assert set(given.values()) <= {"read"}
            assert "secrets." not in file.read_text()
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("name", ["gate.yml", "comment.yml"])
def test_nothing_of_the_pull_request_is_checked_out(name: str) -> None:
    (job,) = parsed(TOP / ".github/workflows" / name)["jobs"].values()
    checkouts = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
    assert len(checkouts) == 1
    assert re.fullmatch(
        r"\$\{\{ (github\.event\.merge_group\.base_sha \|\| )?github\.event\.repository\.default_branch \}\}",
        checkouts[0]["with"]["ref"],
    )
    assert checkouts[0]["with"]["fetch-depth"] == 0


def test_one_command_of_modelreg_per_step() -> None:
    for file in SHIPPED:
        body = parsed(file)
        jobs = [body["runs"]] if "runs" in body else list(body["jobs"].values())
        for step in (step for job in jobs for step in job["steps"]):
            assert len(re.findall(r"(?:^|\s)modelreg [a-z]", step.get("run", ""))) <= 1
