"""Approvals through the command line: what is shown, signed, counted, refused and taken back."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from modelreg.domain.clock import seconds
from modelreg.domain.version import Version
from modelreg.registry import approve as use_case
from modelreg.registry.stating import common, rendered
from modelreg.wiring import open_workspace
from tests.cli.runner import artifact, everything
from tests.keys import make_key
from tests.support import run
from tests.team import APPROVALS, MODEL, NAMES, Team, dumped, person, policy


def approve(team: Team, name: str, version: str, stage: str, *options: str) -> Any:
    """What `approve --json` says."""
    result = team.approves(name, version, stage, *options, "--json")
    assert result.code == 0, result.err
    return result.json("approve")


def approvals(team: Team, name: str, version: str = "1.0.0") -> dict[str, tuple[bool, str]]:
    """By file name: whether it counts, and why not."""
    rows = team.does(name, "approval", "list", f"churn@{version}", "--json").json("approvals")["approvals"]
    return {row["file"].rsplit("/", 1)[-1]: (row["counts"], row["reason"]) for row in rows}


def refused(team: Team, name: str, *options: str, says: str, code: int = 1, to: str = "staging") -> str:
    """The approval is refused, and nothing changes; the hint."""
    before = everything(team.clones[name])
    result = team.approves(name, "1.0.0", to, *options, "--json")
    assert result.code == code, result.err + result.out
    error = json.loads(result.err)["error"]
    assert says in error["message"]
    assert everything(team.clones[name]) == before
    return str(error["hint"])


def withdraw(team: Team, name: str, what: str, *options: str) -> Any:
    words = ["approval", "withdraw", "churn@1.0.0", what, "--key", str(team.keys[name].path), *options, "--json"]
    return team.does(name, *words).json("approval-withdraw")["withdrawals"]


def test_two_approvals_of_a_proposal_and_its_landing(team: Team) -> None:
    branch = "promote/churn/1.0.0/staging"
    team.does("ann", "stage", "set", "churn", "1.0.0", "staging", "--propose", "--push")
    team.fetch()
    assert (team.votes(branch), team.gate(branch)["allowed"]) == ("0", False)
    first = approve(team, "bo", "1.0.0", "staging", "--push", "--comment", "looks good")
    assert (first["branch"], first["proposal"], first["by"]) == (branch, branch, person("bo"))
    assert (first["from"], first["displaces"], first["entry"]) == ("development", [], 0)
    assert first["asked"] == ["2 of reviewer"]
    assert "approvals" not in {verdict["check"] for verdict in first["verdicts"]}
    assert {verdict["check"] for verdict in first["verdicts"]} >= {"transition", "number", "manifest"}
    assert (team.votes(branch), team.gate(branch)["allowed"]) == ("1: bo@example.org", False)
    assert team.clones["bo"].rev("main") == team.server.rev("main"), "nothing lands elsewhere"
    approve(team, "cy", "1.0.0", "staging", "--push")
    assert team.votes(branch) == "2: bo@example.org, cy@example.org"
    assert team.gate(branch)["allowed"] is True
    team.land(branch)
    team.does("dan", "validate")
    team.does("dan", "verify")
    assert team.does("dan", "stage", "get", "churn", "staging").out.split() == ["1.0.0"]


def test_what_is_signed_is_shown_first(team: Team) -> None:
    branch = team.propose("ann", "1.0.0", "staging")
    before = everything(team.clones["bo"])
    shown = team.run("bo", "approve", "churn@1.0.0", "staging", "--key", team.keys["bo"].path, "--dry-run").out
    for text in (f"development -> staging (proposed on {branch} by ann@example.org)", "nobody", "2 of reviewer"):
        assert text in shown
    assert "would sign and write registry/churn/1.0.0/evidence/approval-" in shown
    assert everything(team.clones["bo"]) == before
    said = team.approves("bo", "1.0.0", "staging")
    assert said.out.index("you sign") < said.out.index("approved as bo@example.org")
    assert f"git push origin {branch}" in said.err


def test_the_file_is_what_anybody_can_check_by_hand(team: Team) -> None:
    branch = team.propose("ann", "1.0.0", "staging")
    made = approve(team, "bo", "1.0.0", "staging")
    repo = team.clones["bo"]
    repo.git("switch", "-q", branch)
    words = f"ssh-keygen -Y verify -f registry/allowed_signers -I {person('bo')} -n modelreg-approval-v1"
    run("sh", "-c", f"{words} -s {made['file']}.sig < {made['file']}", cwd=repo.path)
    team.does("bo", "validate")


@pytest.mark.parametrize(("days", "left"), [("3", 3), ("7", 7), ("30", 7), ("0.5", 0), (None, 7)])
def test_how_long_it_lives(team: Team, days: str | None, left: int) -> None:
    team.propose("ann", "1.0.0", "staging")
    made = approve(team, "bo", "1.0.0", "staging", *([f"--valid-days={days}"] if days else []), "--dry-run")
    now = team.clones["bo"].git("log", "-1", "--format=%ct", "origin/promote/churn/1.0.0/staging")
    assert int((seconds(made["not_after"]) or 0) - int(now)) // 86_400 == left, "no longer than the gate says"


@pytest.mark.parametrize("days", ["0", "-1", "nan", "1e9"])
def test_how_long_it_cannot_live(team: Team, days: str) -> None:
    refused(team, "bo", f"--valid-days={days}", says="out of range")


def test_a_gate_that_lets_it_live_for_ever_does_not(team: Team) -> None:
    rules = policy(serial=3, gates=[{"stage": "staging", "require": {"approvals": {**APPROVALS, "valid_days": 1e308}}}])
    team.change_rules({"registry/policy.yaml": dumped(rules)})
    branch = team.propose("ann", "1.0.0", "staging")
    made = approve(team, "bo", "1.0.0", "staging", "--push")
    assert team.votes(branch) == "1: bo@example.org"
    assert 3640 < ((seconds(made["not_after"]) or 0) - time.time()) / 86_400 < 3660


def test_four_eyes(team: Team) -> None:
    refused(team, "ann", says="registered the version")
    team.propose("bo", "1.0.0", "staging")
    assert "colleague" in refused(team, "ann", says="registered the version")
    refused(team, "bo", says="proposed the change")
    approve(team, "cy", "1.0.0", "staging")


def test_not_in_the_role(team: Team) -> None:
    team.propose("ann", "1.0.0", "staging")
    assert "bo@example.org, cy@example.org" in refused(team, "dan", says="not in the role reviewer")


def test_the_forge_alone_is_asked(team: Team) -> None:
    gates = [{"stage": "staging", "require": {"approvals": {"count": 1, "role": "reviewer", "from": ["forge"]}}}]
    team.change_rules({"registry/policy.yaml": dumped(policy(serial=3, gates=gates))})
    team.propose("ann", "1.0.0", "staging")
    assert "pull request" in refused(team, "bo", says="reviews on the forge, not signatures")


def test_access(team: Team) -> None:
    access = [
        {"role": "reviewer", "may": ["approve"], "models": ["*"], "stages": ["production"]},
        {"role": "reviewer", "may": ["propose", "promote"], "models": ["*"]},
    ]
    team.change_rules({"registry/policy.yaml": dumped(policy(serial=3, access=access))})
    team.propose("ann", "1.0.0", "staging")
    refused(team, "bo", says="may not approve churn")


def test_keys_that_are_not_listed(team: Team) -> None:
    team.propose("ann", "1.0.0", "staging")
    key = make_key(team.folder, "new")
    result = team.run("bo", "approve", "churn", "1.0.0", "staging", "--key", key.path)
    assert result.code == 1
    assert 'bo@example.org namespaces="modelreg-evidence-v1,' in result.err
    assert key.public in result.err
    result = team.run("bo", "approve", "churn", "1.0.0", "staging", "--key", team.keys["cy"].path)
    assert (result.code, "does not list this key for bo@example.org" in result.err) == (1, True)
    assert team.run("bo", "approve", "churn", "1.0.0", "staging").code == 4, "never unsigned"


def test_an_unlisted_key_on_the_branch_itself_is_no_use(team: Team) -> None:
    branch = team.propose("ann", "1.0.0", "staging")
    key = make_key(team.folder, "new")
    repo = team.clones["bo"]
    repo.git("switch", "-q", branch)
    signers = repo.read("registry/allowed_signers") + key.line(person("bo"))
    repo.commit("my key", {"registry/allowed_signers": signers})
    repo.git("switch", "-q", "main")
    result = team.run("bo", "approve", "churn", "1.0.0", "staging", "--key", key.path)
    assert (result.code, "does not list" in result.err) == (1, True)


def test_once_is_enough(team: Team) -> None:
    team.propose("ann", "1.0.0", "staging")
    made = approve(team, "bo", "1.0.0", "staging")
    refused(team, "bo", says=f"has approved this already, until {made['not_after']}")
    team.clones["bo"].git("config", "user.email", person("cy"))
    assert team.run("bo", "approve", "churn", "1.0.0", "staging", "--key", team.keys["cy"].path).code == 0


def test_without_a_proposal_it_lands_where_the_move_would(team: Team) -> None:
    shown = team.approves("bo", "1.0.0", "staging", "--push")
    assert "(not proposed yet)" in shown.out
    assert "modelreg stage set churn 1.0.0 staging" in shown.err
    approve(team, "cy", "1.0.0", "staging", "--push")
    assert team.run("cy", "stage", "set", "churn", "1.0.0", "staging").code == 1, "cy would do both"
    team.does("dan", "stage", "set", "churn", "1.0.0", "staging", "--push")
    team.does("dan", "verify")
    team.fetch()
    refused(team, "bo", says="stands in staging already")
    assert {reason for _, reason in approvals(team, "bo").values()} == {
        "churn@1.0.0 stands in staging already: there is nothing to approve"
    }
    # What was landed before a proposal was made counts for the proposal as well.
    approve(team, "cy", "1.0.0", "production", "--push")
    assert team.gate(team.propose("dan", "1.0.0", "production"))["allowed"] is True


def test_elsewhere_checked_out(team: Team) -> None:
    branch = team.propose("ann", "1.0.0", "staging")
    repo = team.clones["bo"]
    repo.git("switch", "-q", "--detach", "main")
    repo.write("README.md", "my own work\n")
    state = repo.state()
    assert approve(team, "bo", "1.0.0", "staging")["branch"] == branch
    assert repo.state() == state
    repo.git("switch", "-q", branch, "--discard-changes")
    withdraw(team, "bo", "staging")
    assert repo.state().strip() == ""


def test_a_branch_of_another_name(team: Team) -> None:
    branch = team.propose("ann", "1.0.0", "staging", branch="feature/go-live")
    made = approve(team, "bo", "1.0.0", "staging", "--on", branch, "--push")
    assert made["branch"] == branch
    assert team.votes(branch) == "1: bo@example.org"
    refused(team, "bo", "--on", branch, says="proposes no move", to="archived")
    refused(team, "bo", "--on", "nowhere", says="no branch")
    assert withdraw(team, "bo", "staging", "--on", branch, "--push")[0]["branch"] == branch
    assert team.votes(branch) == "0"


def test_a_record_that_cannot_land_is_not_approved(team: Team) -> None:
    branch = team.propose("ann", "1.0.0", "staging")
    repo = team.clones["ann"]
    repo.git("switch", "-q", branch)
    record = "registry/churn/transitions/0001.yaml"
    repo.commit("by hand", {record: repo.read(record).replace("from: development", "from: archived")})
    repo.git("push", "-q", "origin", branch)
    repo.git("switch", "-q", "main")
    team.fetch()
    assert "None" in refused(team, "bo", says="cannot land as it is, so no approval of it counts")


def test_a_record_that_only_needs_to_be_made_again_may_be_approved(team: Team) -> None:
    branch = team.propose("ann", "1.0.0", "staging")
    approve(team, "bo", "1.0.0", "staging", "--push")
    team.change_rules({"registry/policy.yaml": dumped(policy(serial=3, limits={"artifact_max_bytes": 10**9}))})
    made = approve(team, "cy", "1.0.0", "staging", "--push")
    assert {v["check"] for v in made["verdicts"] if not v["passed"]} == {"record.policy_serial"}
    assert team.votes(branch) == "2: bo@example.org, cy@example.org"
    assert team.gate(branch)["allowed"] is False


def test_a_rollback_asks_for_no_approvals(team: Team) -> None:
    stages = policy()["stages"]
    stages = {**stages, "production": {**stages["production"], "rollback": "propose"}}
    gates = [{"stage": "production", "require": {"metrics": {"f1": {"min": 0.1}}}}]
    team.change_rules({"registry/policy.yaml": dumped(policy(serial=3, gates=gates, stages=stages))})
    for version in ("1.0.0", "1.0.1"):
        for stage in ("staging", "production"):
            team.does("dan", "stage", "set", "churn", version, stage, "--push")
    done = team.run("dan", "rollback", "churn", "--to", "1.0.0", "--cause", "it is worse", "--propose", "--push")
    assert done.code == 0, done.err
    team.fetch()
    refused(team, "bo", says="proposes a rollback, which asks for no approvals", to="production")


def test_when_main_has_moved(team: Team) -> None:
    team.propose("ann", "1.0.0", "staging")
    for name in ("bo", "cy"):
        approve(team, name, "1.0.1", "staging", "--push")
        team.fetch()
    team.does("dan", "stage", "set", "churn", "1.0.1", "staging", "--push")
    team.fetch()
    assert "propose --refresh" in refused(team, "bo", says="does not merge", code=5)
    assert [reason for _, reason in approvals(team, "bo").values()] == []


def test_what_changed_while_one_looked_is_not_signed(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    team.propose("ann", "1.0.0", "staging")
    gates = [{"stage": "staging", "require": {"approvals": {**APPROVALS, "count": 1}}}]
    shown = use_case.approve

    def late(*arguments: Any, **options: Any) -> Any:
        team.change_rules({"registry/policy.yaml": dumped(policy(serial=3, gates=gates))})
        return shown(*arguments, **options)

    monkeypatch.setattr(use_case, "approve", late)
    result = team.approves("bo", "1.0.0", "staging")
    assert (result.code, "has changed meanwhile" in result.err) == (5, True)


def test_two_approvers_at_once(team: Team) -> None:
    branch = team.propose("ann", "1.0.0", "staging")
    approve(team, "bo", "1.0.0", "staging", "--push")
    approve(team, "cy", "1.0.0", "staging", "--push")  # cy has not fetched bo's
    assert team.votes(branch) == "2: bo@example.org, cy@example.org"


def test_taken_back(team: Team) -> None:
    branch = team.propose("ann", "1.0.0", "staging")
    made = approve(team, "bo", "1.0.0", "staging", "--push")
    file = made["file"].rsplit("/", 1)[-1]
    team.fetch()
    assert approvals(team, "cy") == {file: (True, "")}
    words = ["approval", "withdraw", "churn", "1.0.0", file, "--key", team.keys["cy"].path]
    result = team.run("cy", *words)
    assert (result.code, "is by bo@example.org, who alone" in result.err) == (1, True)
    assert withdraw(team, "bo", "staging", "--dry-run")[0]["commit"] is None
    (taken,) = withdraw(team, "bo", file, "-m", "found a leak", "--push")
    assert (taken["approval"], taken["branch"], taken["signed"]) == (file, branch, True)
    assert approvals(team, "bo") == {file: (False, "withdrawn")}
    assert team.votes(branch) == "0"
    assert team.run("bo", "approval", "withdraw", "churn", "1.0.0", "staging", "--key", team.keys["bo"].path).code == 1
    again = approve(team, "bo", "1.0.0", "staging", "--push")
    assert team.votes(branch) == "1: bo@example.org"
    assert approvals(team, "bo")[again["file"].rsplit("/", 1)[-1]] == (True, "")


def test_taken_back_and_given_again_in_one_second(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same words at the same time would be the statement that was taken back."""
    branch = team.propose("ann", "1.0.0", "staging")
    at = int(time.time())
    monkeypatch.setattr("modelreg.wiring.now", lambda: at)
    first = approve(team, "bo", "1.0.0", "staging", "--push")
    withdraw(team, "bo", "staging", "--push")
    again = approve(team, "bo", "1.0.0", "staging", "--push")
    assert again["file"] != first["file"]
    assert team.votes(branch) == "1: bo@example.org"


def test_a_withdrawal_by_another_person_counts_for_nothing(team: Team) -> None:
    """Written past the command, which refuses it: signed by cy, of bo's approval."""
    branch = team.propose("ann", "1.0.0", "staging")
    made = approve(team, "bo", "1.0.0", "staging", "--push")
    team.fetch()
    repo = team.clones["cy"]
    repo.git("switch", "-q", branch)
    workspace, version = open_workspace(repo.path), Version.parse("1.0.0")
    body = common(
        workspace, workspace.snapshot(branch), MODEL, version, "approval-withdrawal", person("cy"), workspace.clock()
    )
    path, data = rendered(workspace, MODEL, version, body | {"approval": made["file"].rsplit("/", 1)[-1]})
    signature = workspace.signatures.sign(data, namespace="modelreg-approval-v1", key=team.keys["cy"].path)
    repo.commit("cy takes bo's back", {path: data, f"{path}.sig": signature})
    repo.git("push", "-q", "origin", branch)
    assert team.votes(branch) == "1: bo@example.org"


def test_why_each_does_not_count(team: Team) -> None:
    branch = team.propose("ann", "1.0.0", "staging")
    files = {
        name: approve(team, name, "1.0.0", "staging", "--push")["file"].rsplit("/", 1)[-1] for name in ("bo", "cy")
    }
    roles = {"reviewer": [person("bo")]}
    signers = "".join(team.keys[name].line(person(name)) for name in NAMES if name != "bo")
    team.change_rules({"registry/policy.yaml": dumped(policy(serial=3, roles=roles))}, "roles")
    assert approvals(team, "dan") == {files["bo"]: (True, ""), files["cy"]: (False, "is not in the role")}
    team.change_rules({"registry/allowed_signers": signers}, "signers")
    assert approvals(team, "dan")[files["bo"]][1] == "not signed by a key of theirs that the base lists"
    assert team.votes(branch) == "0"
    text = team.does("dan", "approval", "list", "churn@1.0.0").out
    assert text.count("NO") == 2


def test_no_gate_asks(team: Team) -> None:
    made = approve(team, "bo", "1.0.0", "archived")
    assert made["asked"] == []
    assert set(approvals(team, "bo").values()) == {(False, "no gate asks for approvals")}
    assert "nobody has signed" in team.does("bo", "approval", "list", "churn@1.0.1").err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["churn", "1.0.0"], 2),
        (["churn@1.0.0"], 2),
        (["churn@1.0.0", "staging", "x"], 1),
        (["churn", "9.9.9", "staging"], 1),
        (["churn", "1.0.0", "nowhere"], 1),
        (["other", "1.0.0", "staging"], 1),
        (["churn", "1.0.0", "development"], 1),
    ],
)
def test_calls_that_make_no_sense(team: Team, words: list[str], code: int) -> None:
    before = everything(team.clones["bo"])
    result = team.run("bo", "approve", *words, "--key", team.keys["bo"].path)
    assert (result.code, result.out) == (code, ""), result.err
    assert everything(team.clones["bo"]) == before


def rules(team: Team) -> dict[str, Any]:
    """The verdicts on the branch `rules`, by check."""
    (change,) = [change for change in team.gate("rules")["changes"] if change["kind"] == "policy"]
    return {verdict["check"]: verdict["actual"] for verdict in change["checks"] if verdict["passed"]}


def approve_rules(team: Team, name: str, *options: str) -> Any:
    words = ["policy", "approve", "rules", "--key", str(team.keys[name].path), *options, "--json"]
    return team.run(name, *words)


def test_a_change_of_the_rules_is_approved_on_its_branch(team: Team) -> None:
    signers = "".join(team.keys[name].line(person(name)) for name in NAMES[:3])
    files = {"registry/policy.yaml": dumped(policy(serial=3)), "registry/allowed_signers": signers.encode()}
    team.branch("ann", "rules", files)
    assert "policy.approvals" not in rules(team)
    for name, says in (("ann", "wrote the change"), ("dan", "is not in the role")):
        result = approve_rules(team, name)
        assert (result.code, says in result.err) == (1, True)
    assert "policy.approvals" not in rules(team)
    made = approve_rules(team, "bo", "--push", "--comment", "read it").json("policy-approve")
    assert sorted(made["paths"]) == sorted(files)
    assert made["file"].startswith("registry/approvals/")
    assert rules(team)["policy.approvals"] == "1: bo@example.org"
    assert team.gate("rules")["allowed"] is True
    assert "has approved this change already" in approve_rules(team, "bo").err
    # Another commit on the branch is another change.
    repo = team.clones["cy"]
    team.fetch()
    repo.git("switch", "-q", "rules")
    repo.commit("weaker", {"registry/policy.yaml": dumped(policy(serial=3, gates=[]))})
    repo.git("push", "-q", "origin", "rules")
    assert "policy.approvals" not in rules(team)
    repo.git("switch", "-q", "main")
    assert "wrote the change" in approve_rules(team, "cy").err
    team.fetch()
    approve_rules(team, "bo", "--push").json("policy-approve")
    assert rules(team)["policy.approvals"] == "1: bo@example.org"
    team.land("rules")
    team.does("dan", "validate")
    team.does("dan", "verify")


def test_what_changes_no_rules_needs_no_such_approval(team: Team) -> None:
    team.branch("ann", "docs", {"README.md": b"more\n"})
    for branch, says in (("docs", "changes no rules"), ("main", "no branch"), ("nowhere", "no branch")):
        result = team.run("bo", "policy", "approve", branch, "--key", team.keys["bo"].path)
        assert (result.code, says in result.err) == (1, True)
    assert "asks for no approvals" not in team.run("bo", "policy", "approve", "docs").err


def test_a_base_that_asks_for_none(team: Team) -> None:
    body = policy(serial=3)
    del body["change"]
    team.change_rules({"registry/policy.yaml": dumped(body)})
    team.branch("ann", "more", {"registry/policy.yaml": dumped(policy(serial=4))})
    result = team.run("bo", "policy", "approve", "more", "--key", team.keys["bo"].path)
    assert (result.code, "asks for no approvals" in result.err) == (1, True)


def test_an_approval_of_rules_under_another_name_is_found(team: Team) -> None:
    team.branch("ann", "rules", {"registry/policy.yaml": dumped(policy(serial=3))})
    made = approve_rules(team, "bo").json("policy-approve")
    repo = team.clones["bo"]
    repo.git("switch", "-q", "rules")
    (repo.path / made["file"]).rename(repo.path / "registry/approvals/first.yaml")
    findings = team.run("bo", "validate", "registry/approvals", "--json").json("validate")["findings"]
    found = {(finding["file"], finding["code"]): finding["hint"] for finding in findings}
    assert made["file"] in found["registry/approvals/first.yaml", "name"]
    text = (repo.path / "registry/approvals/first.yaml").read_text()
    (repo.path / "registry/approvals/first.yaml").write_text(
        text.replace("registry: ", "registry: ").replace("bo@", "b@")
    )
    assert team.run("bo", "validate").code == 1


def test_who_pushes_an_approval_goes_by_what_origin_has(team: Team) -> None:
    """Bo has fetched nothing since Ann proposed: without --push that is said, with it the proposal is found."""
    branch = "promote/churn/1.0.0/staging"
    team.does("ann", "stage", "set", "churn", "1.0.0", "staging", "--propose", "--push")
    team.does("ann", "register", "churn", artifact(team.folder, "three"), "--push")
    words = ("bo", "approve", "churn@1.0.0", "staging", "--key", team.keys["bo"].path)
    assert "(not proposed, as far as was fetched)" in team.run(*words, "--dry-run").out
    assert "as far as was fetched: git fetch origin" in team.run("bo", "proposals").err
    first = approve(team, "bo", "1.0.0", "staging", "--push")
    assert (first["branch"], first["proposal"]) == (branch, branch)
    assert team.votes(branch) == "1: bo@example.org"
    approve(team, "cy", "1.0.0", "staging", "--push")
    assert team.votes(branch) == "2: bo@example.org, cy@example.org"
    team.clones["bo"].git("update-ref", "-d", f"refs/remotes/origin/{branch}")
    team.clones["bo"].git("branch", "-q", "-D", branch, check=False)
    assert [item["branch"] for item in withdraw(team, "bo", "staging", "--push")] == [branch]
    assert team.votes(branch) == "1: cy@example.org"


def test_who_pushes_an_approval_of_the_rules_goes_by_what_origin_has(team: Team) -> None:
    body = policy(serial=3)
    repo = team.clones["ann"]
    repo.git("switch", "-q", "-c", "rules")
    repo.commit("rules", {"registry/policy.yaml": dumped(body)}, at=int(time.time()))
    repo.git("push", "-q", "origin", "rules")
    words = ("bo", "policy", "approve", "rules", "--key", team.keys["bo"].path)
    assert "git fetch origin" in team.run(*words).err
    team.does(*words, "--push")
    assert len(team.server.git("ls-tree", "--name-only", "rules", "registry/approvals/").split()) == 2


def test_an_approval_that_cannot_be_pushed_lands_nowhere(team: Team) -> None:
    team.propose("ann", "1.0.0", "staging")
    team.clones["bo"].git("remote", "set-url", "origin", str(team.folder / "gone"))
    refused(team, "bo", "--push", says="origin", code=4)
    team.clones["bo"].git("remote", "remove", "origin")
    refused(team, "bo", "--push", says="origin", code=4)
