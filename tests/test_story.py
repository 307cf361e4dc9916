"""The whole story on real repositories: proposed, refused, argued for, approved, landed, announced, rolled back.

A bare server with the hook, an author and two approvers with clones and keys of their own; landed once as a merge
commit and once as a squash.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.runner import Result, artifact, done, metrics, modelreg
from tests.keys import Key
from tests.support import Repo
from tests.team import dumped, person, policy

PEOPLE = ("ann", "bo", "cy")
BRANCH = "promote/churn/1.0.1/production"
TEST = {
    "metric": "conversion",
    "design": {"kind": "proportions", "two_sided": True, "planned_per_arm": 5000, "looks": 1},
    "arms": {
        "control": {"version": "1.0.0", "n": 5200, "successes": 520},
        "treatment": {"version": "1.0.1", "n": 5180, "successes": 611},
    },
    "started": "2026-11-10T00:00:00Z",
    "ended": "2026-11-24T00:00:00Z",
}
DEMANDED = {
    "champion": {"f1": {"not_worse_by": 0.005}},
    "ab_test": {"metric": "conversion", "alpha": 0.05, "min_per_arm": 5000, "min_lift": 0.01, "by": "experimenter"},
    "compliance": {"attestations": ["privacy-review", "fairness-review"], "by": "reviewer"},
    "approvals": {"count": 2, "role": "reviewer", "valid_days": 14, "from": ["signature"]},
}


def strict() -> dict[str, Any]:
    body = policy(
        serial=2,
        gates=[
            {"stage": "staging", "require": {"artifacts": {"at_least": "recorded"}}},
            {"stage": "production", "require": DEMANDED},
        ],
        roles={"experimenter": [person("ann")], "reviewer": [person("bo"), person("cy")]},
        rollback_when=[{"name": "live-f1", "stage": "production", "expr": "live.metrics.f1 < 0.7"}],
    )
    body["stages"]["production"] |= {"via": "pull-request", "rollback": "direct"}
    return body


class Story:
    """`clones` of one server, by person."""

    def __init__(self, folder: Path, keys: dict[str, Key]) -> None:
        first = Repo.init(folder / "first")
        first.git("config", "user.email", person("ann"))
        first.commit("first", {"README.md": "hello\n"})
        done("init", "--embedded", registry=first.path)
        held_out = artifact(folder, "a,b\n1,2\n", "held_out.csv")
        for text, f1 in (("one", 0.8), ("two", 0.82)):
            measured = ("--metrics", metrics(folder, f1), "--data", f"held_out={held_out}", "--measured-on", "held_out")
            done("register", "churn", artifact(folder, text), *measured, registry=first.path)
        for version, stage in (("1.0.0", "staging"), ("1.0.0", "production"), ("1.0.1", "staging")):
            done("stage", "set", "churn", version, stage, registry=first.path)
        done("alias", "set", "churn", "champion", "1.0.0", registry=first.path)
        signers = "".join(keys[name].line(person(name)) for name in PEOPLE)
        rules: dict[str, str | bytes] = {"registry/policy.yaml": dumped(strict()), "registry/allowed_signers": signers}
        first.commit("The rules of the team", rules, at=int(time.time()))
        self.folder, self.keys = folder, keys
        self.server = first.clone(folder / "server", "--bare")
        done("hook", "install", self.server.path)
        self.clones = {name: self.server.clone(folder / name) for name in PEOPLE}
        for name, clone in self.clones.items():
            clone.git("config", "user.email", person(name))

    def run(self, name: str, *arguments: str | Path) -> Result:
        clone = self.clones[name]
        clone.git("pull", "-q", "--ff-only", "origin", "main")
        clone.git("fetch", "-q", "origin")
        return modelreg(*arguments, registry=clone.path)

    def does(self, name: str, *arguments: str | Path) -> Result:
        result = self.run(name, *arguments)
        assert result.code == 0, result.err + result.out
        return result

    def signs(self, name: str, *arguments: str | Path) -> Result:
        return self.does(name, *arguments, "--key", self.keys[name].path, "--push")

    def gate(self) -> Any:
        """What anybody is told who judges the proposal from a clone."""
        refs = ("--base", "origin/main", "--head", f"origin/{BRANCH}")
        result = self.run("cy", "gate", *refs, "--format", "json")
        report = result.json("gate")
        assert result.code == (0 if report["allowed"] else 1)
        return report

    def land(self, way: str) -> None:
        """What a forge does that merges the pull request."""
        ann = self.clones["ann"]
        ann.git("pull", "-q", "--ff-only", "origin", "main")
        ann.git("fetch", "-q", "origin")
        if way == "squash":
            ann.git("merge", "-q", "--squash", f"origin/{BRANCH}")
            ann.git("commit", "-q", "-m", "Promote churn 1.0.1 to production (#1)")
        else:
            ann.git("merge", "-q", "--no-ff", "-m", "Merge pull request #1", f"origin/{BRANCH}")
        ann.git("push", "-q", "origin", "main")


def refused_checks(report: Any) -> set[str]:
    return {c["check"] for change in report["changes"] for c in change["checks"] if not c["passed"]}


def told(story: Story) -> list[tuple[Any, ...]]:
    events = story.does("bo", "history", "churn", "--json").json("history")["events"]
    shown = [(e["kind"], e["version"], e["from"], e["to"], e["by"], tuple(e.get("displaced") or ())) for e in events]
    assert sorted(e[4] for e in shown if e[0] == "evidence") == [
        person(n) for n in ("ann", "bo", "bo", "bo", "cy", "cy")
    ]
    return [event for event in shown if event[0] != "evidence"]


HISTORY = [
    ("register", "1.0.0", None, None, person("ann"), ()),
    ("register", "1.0.1", None, None, person("ann"), ()),
    ("promote", "1.0.0", "development", "staging", person("ann"), ()),
    ("promote", "1.0.0", "staging", "production", person("ann"), ()),
    ("promote", "1.0.1", "development", "staging", person("ann"), ()),
    ("alias", "1.0.0", None, None, person("ann"), ()),
    ("promote", "1.0.1", "staging", "production", person("ann"), ("1.0.0",)),
    ("rollback", "1.0.0", "archived", "production", person("bo"), ("1.0.1",)),
]


@pytest.mark.parametrize("way", ["merge", "squash"])
def test_a_promotion_from_proposal_to_rollback(tmp_path: Path, keys_of_all: dict[str, Key], way: str) -> None:
    story = Story(tmp_path, keys_of_all)
    main = story.server.git("rev-parse", "main")

    proposed = story.does("ann", "propose", "churn", "1.0.1", "production", "-m", "better", "--push", "--json")
    assert proposed.json("stage-set")["proposal"]["branch"] == BRANCH
    assert story.server.git("rev-parse", "main") == main, "a proposal lands nothing"
    assert refused_checks(story.gate()) == {
        "ab_test.conversion",
        "compliance.privacy-review",
        "compliance.fairness-review",
        "approvals",
    }, "all reasons at once"
    clone = story.clones["ann"]
    clone.git("push", "-q", "origin", f"origin/{BRANCH}:refs/heads/main", check=False)
    assert story.server.git("rev-parse", "main") == main, "the server's hook says no as well"

    counts = tmp_path / "counts.json"
    counts.write_text(json.dumps(TEST))
    onto = ("--on", BRANCH)
    story.signs("ann", "evidence", "add", "churn@1.0.1", "--type", "ab-test", "--file", counts, *onto)
    for name, attestation in (("bo", "privacy-review"), ("cy", "fairness-review")):
        said = ("--attestation", attestation, "--issuer", "Risk", "--expires", "2031-01-01T00:00:00Z")
        story.signs(name, "evidence", "add", "churn@1.0.1", "--type", "compliance", *said, *onto)
    assert refused_checks(story.gate()) == {"approvals"}
    for name in ("bo", "cy"):
        assert not story.gate()["allowed"]
        story.signs(name, "approve", "churn", "1.0.1", "production", "--comment", "read the report")
    assert story.gate()["allowed"]

    story.land(way)
    assert story.does("cy", "stage", "get", "churn", "production", "--json").json("stage-get")["versions"] == ["1.0.1"]
    story.does("cy", "announce", "--push")
    assert "churn#production#" in story.server.git("tag", "--list")

    live = tmp_path / "live.json"
    live.write_text(json.dumps({"f1": 0.81}))
    assert not story.does("bo", "monitor", "churn", "--metrics", live, "--push", "--json").json("monitor")["breach"]
    live.write_text(json.dumps({"f1": 0.61}))
    fell = story.does("bo", "monitor", "churn", "--metrics", live, "--push", "--json").json("monitor")
    assert (fell["breach"], fell["rolled_back_to"]) == (True, "1.0.0")
    assert story.does("cy", "stage", "get", "churn", "production", "--json").json("stage-get")["versions"] == ["1.0.0"]

    assert told(story) == HISTORY
    events = story.does("bo", "history", "churn", "--json").json("history")["events"]
    approved = [(e["version"], e["to"], e["approved_by"]) for e in events if e["kind"] == "promote"]
    assert approved[-1] == ("1.0.1", "production", [person("bo"), person("cy")])
    assert {tuple(by) for _, _, by in approved[:-1]} == {()}, "nobody else looked"
    assert "Modelreg-Approvals: none asked: nobody else looked" in story.server.git("log", "--format=%B", "main")
    last = events[-1]
    assert last["cause"].startswith("live metrics meet live-f1 (live.metrics.f1 < 0.7)")
    verified = story.does("cy", "verify", "--json").json("verify")
    assert verified["ok"]
    assert {f["code"] for f in verified["findings"]} <= {"not-judged", "tag-missing"}
    assert story.does("cy", "validate", "--json").json("validate")["ok"]
