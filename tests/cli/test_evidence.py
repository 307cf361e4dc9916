"""Evidence through the command line: added, signed, proposed, refused, listed."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import pytest

from modelreg.adapters.documents import YamlDocuments
from modelreg.domain.signers import EVIDENCE
from modelreg.domain.version import Version
from modelreg.registry.stating import rendered
from modelreg.wiring import open_workspace
from tests.cli.runner import artifact, done, everything, metrics, modelreg
from tests.support import Repo, run
from tests.team import MODEL, Team, dumped, person, policy

SHA = "a" * 64
FOLDER = "registry/churn/1.0.0/evidence/"


def add(team: Team, name: str, *options: str | Path, version: str = "1.0.0") -> Any:
    """What `evidence add --json` says."""
    return team.does(name, "evidence", "add", f"churn@{version}", *options, "--json").json("evidence")


def listed(team: Team, name: str, *options: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = team.does(name, "evidence", "list", "churn@1.0.0", *options, "--json").json(
        "evidence-list"
    )["evidence"]
    return rows


def stated(team: Team, name: str, file: str, ref: str = "HEAD") -> dict[str, Any]:
    body: dict[str, Any] = YamlDocuments().load(team.clones[name].show(file, ref).encode(), file).value
    return body


def evaluation(team: Team, value: float = 0.9) -> list[str | Path]:
    return ["--type", "evaluation", "--metrics", metrics(team.folder, value), "--dataset", "x", "--dataset-sha256", SHA]


AB_TEST = ["--type", "ab-test", "--metric", "conversion", "--started", "2026-11-01", "--ended", "2026-11-10T12:00:00Z"]
COMPLIANCE = ["--type", "compliance", "--attestation", "privacy-review", "--issuer", "DPO", "--expires", "2027-01-31"]


def test_an_evaluation(team: Team) -> None:
    data = team.folder / "holdout.csv"
    data.write_text("a,b\n1,2\n")
    measured = metrics(team.folder, 0.9)
    made = add(
        team, "bo", "--type", "evaluation", "--metrics", measured, "--dataset-file", data, "--split", "test", "--push"
    )
    assert (made["by"], made["signed"], made["existing"], made["branch"]) == (person("bo"), False, False, "main")
    assert team.clones["bo"].head == made["commit"] == team.server.rev("main")
    body = stated(team, "bo", made["file"])
    digest = hashlib.sha256(data.read_bytes()).hexdigest()
    assert body["metrics"]["f1"] == {
        "value": 0.9,
        "direction": "higher",
        "dataset": {"name": "holdout", "sha256": digest},
        "split": "test",
    }
    manifest = team.clones["bo"].path / "registry/churn/1.0.0/manifest.yaml"
    assert body["manifest_sha256"] == hashlib.sha256(manifest.read_bytes()).hexdigest()
    text = (team.clones["bo"].path / made["file"]).read_bytes()
    assert made["file"] == f"{FOLDER}evaluation-{hashlib.sha256(text).hexdigest()[:12]}.yaml"
    assert team.clones["bo"].git("log", "-1", "--format=%s%n%(trailers:key=Modelreg-Evidence,valueonly)").split() == [
        *["Add", "evaluation", "of", "churn", "1.0.0"],
        made["file"].rsplit("/", 1)[-1],
    ]
    assert team.clones["bo"].git("status", "--porcelain") == ""
    team.does("bo", "validate")
    assert listed(team, "bo")[0]["summary"] == "f1 0.9, loss 0.25"


def test_an_ab_test_and_an_attestation(team: Team) -> None:
    counts = ["--control", "1.0.1:1000:10", "--treatment", "1.0.0:1000:20", "--planned", "1000", "--looks", "2"]
    body = stated(team, "bo", add(team, "bo", *AB_TEST, *counts)["file"])
    assert body["arms"]["treatment"] == {"version": "1.0.0", "n": 1000, "successes": 20}
    assert body["design"] == {"kind": "proportions", "planned_per_arm": 1000, "looks": 2}
    assert (body["started"], body["ended"]) == ("2026-11-01T00:00:00Z", "2026-11-10T12:00:00Z")
    means = ["--kind", "means", "--control", "1.0.1:10:3.5:0.5", "--treatment", "1.0.0:12:-1e-3:0"]
    body = stated(team, "bo", add(team, "bo", *AB_TEST, *means)["file"])
    assert body["arms"]["treatment"] == {"version": "1.0.0", "n": 12, "mean": -0.001, "sd": 0.0}
    document = team.folder / "review.pdf"
    document.write_bytes(b"%PDF")
    said = ["--document", "https://wiki.example.org/17", "--document-file", str(document)]
    body = stated(team, "bo", add(team, "bo", *COMPLIANCE, *said)["file"])
    assert body["expires"] == "2027-01-31T23:59:59Z"
    assert body["document"]["sha256"] == hashlib.sha256(b"%PDF").hexdigest()
    assert [row["type"] for row in listed(team, "bo")].count("ab-test") == 2
    team.does("bo", "validate")


@pytest.mark.parametrize(
    ("type_", "fields"),
    [
        ("scan", {"tool": {"name": "picklescan"}, "ok": True, "artifacts": [{"path": "model.json", "sha256": SHA}]}),
        ("benchmark", {"benchmarks": [{"name": "predict", "latency_p50_ms": 1.5}]}),
        ("monitoring", {"stage": "production", "metrics": {"f1": {"value": 0.5, "direction": "higher"}}}),
        ("reproduction", {"ok": True, "kind": "bitwise"}),
        ("evaluation", {"metrics": {"f1": {"value": 0.5, "direction": "higher"}}, "comment": "by hand"}),
    ],
)
def test_any_type_from_a_file(team: Team, type_: str, fields: dict[str, Any]) -> None:
    for name, text in (("s.json", json.dumps(fields, indent="\t")), ("s.yaml", dumped(fields).decode())):
        file = team.folder / name
        file.write_text(text)
        made = add(team, "bo", "--type", type_, "--file", file)
        assert stated(team, "bo", made["file"]).items() >= fields.items()
    assert made["existing"] is True, "the same content in another form is the same statement"
    team.does("bo", "validate")
    assert listed(team, "bo")[0]["summary"]


def test_signed_with_the_key_that_the_base_lists(team: Team) -> None:
    team.clones["bo"].git("config", "--global", "user.signingkey", team.keys["bo"].path)
    made = add(team, "bo", *COMPLIANCE, "--sign")
    assert made["signed"] is True
    assert [row["signer"] for row in listed(team, "bo")] == [person("bo")]
    signature = team.clones["bo"].path / f"{made['file']}.sig"
    allowed = team.clones["bo"].path / "registry/allowed_signers"
    words = f"ssh-keygen -Y verify -f {allowed} -I {person('bo')} -n modelreg-evidence-v1 -s {signature}"
    run("sh", "-c", f"{words} < {team.clones['bo'].path / made['file']}")
    text = team.does("bo", "evidence", "list", "churn@1.0.0").out
    assert "privacy-review" in text


def test_the_same_again_lands_nothing_but_the_signature_that_it_lacked(team: Team) -> None:
    first = add(team, "bo", *COMPLIANCE)
    again = add(team, "bo", *COMPLIANCE)
    assert (again["existing"], again["commit"], again["file"]) == (True, None, first["file"])
    assert "said before" in team.does("bo", "evidence", "add", "churn@1.0.0", *COMPLIANCE).out
    signed = add(team, "bo", *COMPLIANCE, "--key", team.keys["bo"].path)
    assert (signed["existing"], signed["file"], signed["signed"]) == (False, first["file"], True)
    changed = team.clones["bo"].git("show", "--name-status", "--format=", "HEAD").split()
    assert changed == ["A", f"{first['file']}.sig"]
    assert add(team, "bo", *COMPLIANCE)["existing"] is True
    assert add(team, "bo", *COMPLIANCE, "--key", team.keys["bo"].path)["existing"] is True
    assert add(team, "cy", *COMPLIANCE)["existing"] is False, "another person's word is another statement"
    assert len(listed(team, "bo")) == 1


def refused(team: Team, name: str, code: int, *options: str | Path, says: str = "", hint: str = "") -> None:
    """The command fails with `code`, says why and what to do, and changes nothing."""
    before = everything(team.clones[name])
    result = team.run(name, "evidence", "add", *options, "--json")
    assert result.code == code, result.err + result.out
    error = json.loads(result.err)["error"]
    assert says in f"{error['file']}:{error['line']}: {error['field']}: {error['message']}"
    assert hint in (error["hint"] or "")
    assert error["hint"], error
    assert everything(team.clones[name]) == before


def test_keys_that_do_not_count(team: Team) -> None:
    bos = team.keys["bo"]
    refused(team, "bo", 4, "churn@1.0.0", *COMPLIANCE, "--sign", says="no key to sign with", hint="user.signingkey")
    refused(team, "bo", 4, "churn@1.0.0", *COMPLIANCE, "--key", "/nowhere/key", says="no such key")
    line = f'{person("bo")} namespaces="modelreg-evidence-v1,modelreg-approval-v1,modelreg-transition-v1" '
    cys = team.keys["cy"]
    refused(team, "bo", 1, "churn@1.0.0", *COMPLIANCE, "--key", cys.path, says="does not list", hint=line + cys.public)
    others = "".join(team.keys[name].line(person(name)) for name in ("ann", "cy", "dan"))
    for options in ('namespaces="modelreg-approval-v1"', 'valid-before="20200101Z"'):
        team.change_rules(
            {"registry/allowed_signers": others + bos.line(person("bo"), options)}, f"rules-{options[:5]}"
        )
        refused(team, "bo", 1, "churn@1.0.0", *COMPLIANCE, "--key", bos.path, says="")
    team.clones["bo"].git("config", "user.email", "bo and friends")
    refused(team, "bo", 1, "churn@1.0.0", *COMPLIANCE, "--key", bos.path, says="cannot be listed")


def test_a_dry_run_changes_and_signs_nothing(team: Team) -> None:
    before = everything(team.clones["bo"])
    made = add(team, "bo", *COMPLIANCE, "--key", team.keys["bo"].path, "--dry-run")
    assert made["commit"] is None
    assert "would write" in team.does("bo", "evidence", "add", "churn@1.0.0", *COMPLIANCE, "--dry-run").out
    assert everything(team.clones["bo"]) == before
    refused(team, "bo", 1, "churn@1.0.0", *COMPLIANCE, "--key", team.keys["cy"].path, "--dry-run", says="does not list")


def test_on_a_proposal(team: Team) -> None:
    branch = team.propose("ann", "1.0.0", "staging")
    repo = team.clones["bo"]
    main, before = repo.rev("main"), repo.state()
    made = add(team, "bo", *COMPLIANCE, "--key", team.keys["bo"].path, "--on", branch, "--push")
    assert made["branch"] == branch
    assert team.server.rev(branch) == made["commit"]
    assert (repo.rev("main"), team.server.rev("main"), repo.state()) == (main, main, before)
    assert listed(team, "bo") == []
    assert [row["signer"] for row in listed(team, "bo", "--ref", branch)] == [person("bo")]
    kinds = {change["kind"]: change for change in team.gate(branch)["changes"]}
    assert kinds["evidence"]["checks"][0]["actual"] == "compliance by bo@example.org, signed"
    assert add(team, "bo", *COMPLIANCE, "--on", branch)["existing"] is True
    repo.git("switch", "-q", branch)
    checked_out = add(team, "bo", *evaluation(team), "--on", branch)
    assert repo.head == checked_out["commit"]
    assert repo.state().strip() == ""
    refused(team, "bo", 4, "churn@1.0.0", *evaluation(team, 0.7), says="HEAD is on", hint="--branch main")
    assert add(team, "bo", *evaluation(team, 0.7), "--branch", "main")["branch"] == "main"
    for odd in ("nowhere", "promote/*", "--all", "../x", "main:x"):
        refused(team, "bo", 1, "churn@1.0.0", *COMPLIANCE, f"--on={odd}", says="no branch", hint="git fetch")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tool: {name: x}\nok: maybe\nartifacts: []\n", "s.yaml:2: ok: must be true or false"),
        ("ok: true\ntool: {name: x}\n", "s.yaml:1: artifacts: `artifacts` is missing"),
        ("ok: true\ntool:\n  nme: x\nartifacts: []\n", "s.yaml:"),
        ("ok: true\nby: eve@example.org\n", "s.yaml:2: by: is 'eve@example.org', and modelreg sets it"),
        (f"ok: true\nmanifest_sha256: {'b' * 64}\n", "s.yaml:2: manifest_sha256"),
        ("type: approval\n", "s.yaml:1: type"),
        ("ok: [\n", "s.yaml:"),
        ("- 1\n", "s.yaml:1"),
    ],
)
def test_errors_point_into_the_users_file(team: Team, text: str, says: str) -> None:
    file = team.folder / "s.yaml"
    file.write_text(text)
    refused(team, "bo", 1, "churn@1.0.0", "--type", "scan", "--file", file, says=says)


def test_what_the_file_may_repeat(team: Team) -> None:
    file = team.folder / "s.yaml"
    file.write_text("type: reproduction\nmodel: churn\nversion: 1.0.0\nok: true\nkind: bitwise\n")
    assert add(team, "bo", "--type", "reproduction", "--file", file)["commit"]


def test_an_unknown_data_set_cannot_be_compared(team: Team) -> None:
    options = ["--type", "evaluation", "--metrics", str(metrics(team.folder, 0.9)), "--dataset", "who-knows"]
    refused(team, "bo", 1, "churn@1.0.0", *options, says="is not among lineage.data", hint="--dataset-file")


@pytest.mark.parametrize(
    ("code", "options", "says"),
    [
        (2, ["--type", "aprovals"], "no evidence of type"),
        (2, ["--type", "approval"], "made by another command"),
        (2, ["--type", "approval-withdrawal"], "made by another command"),
        (2, ["--type", "compliance"], "needs --attestation, --issuer"),
        (2, ["--type", "evaluation"], "needs --metrics"),
        (2, ["--type", "scan"], "needs --file"),
        (2, ["--type", "scan", "--issuer", "me"], "--issuer say nothing"),
        (2, [*COMPLIANCE, "--file", "x.yaml"], "exclude each other"),
        (2, [*COMPLIANCE, "--expires", "2027-02-30"], "is no time"),
        (2, [*COMPLIANCE, "--document-file", "x"], "needs --document"),
        (1, ["--type", "scan", "--file", "/nowhere.yaml"], "no evidence file"),
        (1, ["--type", "evaluation", "--metrics", "/nowhere.yaml"], "no metrics file"),
        (2, [*AB_TEST, "--control", "1.0.1:10:1", "--treatment", "1.0.0:10"], "is not V:N:SUCCESSES"),
        (2, [*AB_TEST, "--control", "1.0.1:10:1", "--treatment", "1.0.0:10:11"], "cannot have succeeded"),
        (2, [*AB_TEST, "--control", "1.0.1:10:1", "--treatment", "1.0.0:1e1:1"], "is not V:N:SUCCESSES"),
        (2, [*AB_TEST, "--control", "1.0.1:0:0", "--treatment", "1.0.0:10:1"], "cannot have succeeded"),
        (2, [*AB_TEST, "--control", "1.0.0:10:1", "--treatment", "1.0.0:10:1"], "both arms are the same"),
        (2, [*AB_TEST, "--control", "1.0.1:10:1", "--treatment", "1.0.2:10:1"], "neither arm"),
        (2, [*AB_TEST, "--kind", "medians", "--control", "1.0.1:10:1", "--treatment", "1.0.0:10:1"], "is not known"),
        (2, [*AB_TEST, "--kind", "means", "--control", "1.0.1:9:nan:1", "--treatment", "1.0.0:9:1:1"], "V:N:MEAN:SD"),
        (2, [*AB_TEST, "--ended", "2026-10-01", "--control", "1.0.1:9:1", "--treatment", "1.0.0:9:1"], "before it started"),
    ],
)  # fmt: skip
def test_usage(team: Team, code: int, options: list[str], says: str) -> None:
    refused(team, "bo", code, "churn@1.0.0", *options, says=says)


def test_data_sets_by_digest(team: Team) -> None:
    base = ["--type", "evaluation", "--metrics", str(metrics(team.folder, 0.9))]
    refused(team, "bo", 2, "churn@1.0.0", *base, "--dataset-sha256", SHA, says="needs --dataset")
    refused(team, "bo", 2, "churn@1.0.0", *base, "--dataset", "x", "--dataset-sha256", "AA", says="is no SHA-256")
    both = ["--dataset-file", "x", "--dataset-sha256", SHA]
    refused(team, "bo", 2, "churn@1.0.0", *base, *both, says="exclude each other")
    refused(team, "bo", 1, "churn@1.0.0", *base, "--dataset-file", "/nowhere", says="cannot be read")


def test_unknown_versions(team: Team) -> None:
    for address in ("churn@3.0.0", "other@1.0.0", "churn#production"):
        refused(team, "bo", 1, address, *COMPLIANCE)


def test_who_the_policys_access_lets(team: Team) -> None:
    access = [{"role": "reviewer", "may": ["evidence", "register", "propose"], "models": ["*"]}]
    team.change_rules({"registry/policy.yaml": dumped(policy(serial=3, access=access))})
    assert add(team, "bo", *COMPLIANCE)["commit"]
    before = everything(team.clones["dan"])
    result = team.run("dan", "evidence", "add", "churn@1.0.0", *COMPLIANCE, "--json")
    assert result.code == 1
    assert json.loads(result.err)["report"]["verdicts"][0]["check"] == "access"
    assert everything(team.clones["dan"]) == before


def test_a_race_is_won_by_trying_again(team: Team) -> None:
    add(team, "cy", *COMPLIANCE, "--push")
    assert add(team, "bo", *evaluation(team), "--push")["commit"] == team.server.rev("main")
    assert len(listed(team, "bo")) == 2


@pytest.mark.parametrize("stated_of", ["version", "registry"])
def test_a_statement_about_something_else_is_none_here(team: Team, stated_of: str) -> None:
    """An evaluation of 1.0.1 in the folder of 1.0.0, and one of another registry, each well-formed and signed."""
    made = add(team, "bo", *evaluation(team), "--key", team.keys["bo"].path, version="1.0.1")
    repo = team.clones["bo"]
    files = {path: (repo.path / path).read_bytes() for path in (made["file"], f"{made['file']}.sig")}
    moved = {path.replace("/1.0.1/", "/1.0.0/"): data for path, data in files.items()}
    if stated_of == "registry":
        body = stated(team, "bo", made["file"]) | {"registry": "0" * 32}
        workspace = open_workspace(repo.path)
        path, data = rendered(workspace, MODEL, Version.parse("1.0.1"), body)
        signature = workspace.signatures.sign(data, namespace=EVIDENCE, key=team.keys["bo"].path)
        moved = {path: data, f"{path}.sig": signature}
    team.branch("ann", "foreign", moved)
    (change,) = [change for change in team.gate("foreign")["changes"] if change["kind"] == "evidence"]
    assert (change["allowed"], change["checks"][0]["check"]) == (False, "statement")
    assert listed(team, "ann", "--ref", "foreign") == []


def test_names_that_are_not_the_contents(team: Team) -> None:
    made = add(team, "bo", *COMPLIANCE)
    repo = team.clones["bo"]
    wrong = f"{FOLDER}compliance-{'0' * 12}.yaml"
    (repo.path / wrong).write_bytes((repo.path / made["file"]).read_bytes())
    result = team.run("bo", "validate", "--json")
    (finding,) = result.json("validate")["findings"]
    assert (result.code, finding["file"], finding["line"], finding["code"]) == (1, wrong, 1, "name")
    assert f"git mv {wrong} {made['file']}" in finding["hint"]
    assert "add-only" in finding["hint"]


def test_content_verified_is_recorded(team: Team) -> None:
    options = ["verify", "churn@1.0.0", "--content", "--record", "--key", str(team.keys["bo"].path), "--push"]
    recorded = team.does("bo", *options, "--json").json("verify")["recorded"]
    assert (recorded["type"], recorded["signed"]) == ("verification", True)
    assert team.server.rev("main") == recorded["commit"]
    body = stated(team, "bo", recorded["file"])
    artifact = stated(team, "bo", "registry/churn/1.0.0/manifest.yaml")["artifacts"][0]
    assert body["artifacts"] == [{key: artifact[key] for key in ("path", "sha256", "size_bytes")}]
    assert "said before" in team.does("bo", *options).out
    gates = [{"stage": "staging", "require": {"artifacts": {"at_least": "verified"}}}]
    team.does("bo", "verify", "churn@1.0.1", "--content", "--record", "--push")
    team.change_rules({"registry/policy.yaml": dumped(policy(serial=3, gates=gates))})
    assert team.run("bo", "stage", "set", "churn", "1.0.1", "staging").code == 1, "nobody signed it"
    team.does("bo", "stage", "set", "churn", "1.0.0", "staging")


def test_what_does_not_hold_is_not_recorded(team: Team) -> None:
    repo = team.clones["bo"]
    for arguments in (["--record"], ["--content", "--record"], ["--content", "--sign"]):
        address = ["churn@1.0.0"] if arguments == ["--record"] else ["churn"]
        assert team.run("bo", "verify", *address, *arguments).code == 2
    objects = [path for path in (repo.path / ".dvc/remote").rglob("*") if path.is_file()]
    repo.commit("other bytes", {str(path.relative_to(repo.path)): b"xxx" for path in objects}, at=int(time.time()))
    before = repo.rev("HEAD")
    assert team.run("bo", "verify", "churn@1.0.0", "--content", "--record").code == 3
    assert repo.rev("HEAD") == before


def test_what_lies_in_the_cache_is_not_what_the_remote_holds(repo: Repo, tmp_path: Path) -> None:
    done("init", "--remote", str(tmp_path / "remote"), registry=repo.path)
    done("register", "churn", artifact(tmp_path, "one"), registry=repo.path)
    done("verify", "churn@1.0.0", "--content", "--record", registry=repo.path)
    for path in (tmp_path / "remote").rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(b"eno")
    done("verify", "churn@1.0.0", "--content", registry=repo.path)
    before = repo.head
    assert modelreg("verify", "churn@1.0.0", "--content", "--record", registry=repo.path).code == 3
    assert repo.head == before


def test_a_withdrawn_version_is_not_recorded_as_verified(team: Team) -> None:
    team.does("bo", "withdraw", "churn", "1.0.0", "-m", "leaks")
    result = team.run("bo", "verify", "churn@1.0.0", "--content", "--record")
    assert (result.code, "is withdrawn" in result.err) == (1, True)
