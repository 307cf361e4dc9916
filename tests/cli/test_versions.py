"""Automatic versions and pre-releases from end to end: what is registered decides the number."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from modelreg import Registry
from modelreg.adapters.documents import YamlDocuments
from modelreg.domain.names import ModelName
from modelreg.registry.register import Registration, register
from modelreg.registry.request import Request, Source
from modelreg.wiring import open_workspace
from tests.cli.runner import artifact, done, everything, founded, modelreg
from tests.support import Repo

AUTO = ("--bump", "auto")


class Lab:
    """A registry, and a folder that a training script writes to."""

    def __init__(self, repo: Repo, files: Path) -> None:
        self.repo, self.files = repo, files

    def train(self, text: str, *options: str, data: str = "a,b\n1,2\n", **params: Any) -> Any:
        """Write model, data, parameters and metrics, and register them; what `register --json` says."""
        model = artifact(self.files, text)
        (self.files / "customers.csv").write_text(data)
        (self.files / "params.json").write_text(json.dumps({"depth": 3, "random_state": 7} | params))
        (self.files / "metrics.json").write_text(json.dumps({"f1": 0.5 + len(text) / 100}))
        arguments = [
            "--params",
            "params.json",
            "--data",
            "customers.csv",
            "--metrics",
            "metrics.json",
            *options,
            "--json",
        ]
        return done("register", "churn", model, *arguments, registry=self.repo.path).json("register")

    def versions(self, *texts: str, options: Sequence[str] = ()) -> list[str]:
        return [self.train(text, *options)["version"] for text in texts]

    def manifest(self, version: str) -> Any:
        path = f"registry/churn/{version}/manifest.yaml"
        return YamlDocuments().load((self.repo.path / path).read_bytes(), path).value

    def register(self, text: str, **facts: Any) -> Registration:
        """As a training script would that says more than the command line can."""
        source = Source(artifact(self.files, text))
        return register(open_workspace(self.repo.path), Request(ModelName("churn"), [source], facts=facts, bump="auto"))

    def policy(self, **rules: Any) -> None:
        text = self.repo.read("registry/policy.yaml").split("versioning:")[0]
        self.repo.commit("rules", {"registry/policy.yaml": f"{text}versioning: {json.dumps(rules)}\n"})

    def sound(self) -> None:
        assert done("validate", "--json", registry=self.repo.path).json("validate")["findings"] == []
        assert done("verify", "--json", registry=self.repo.path).json("verify")["findings"] == []
        assert self.repo.state().strip() == ""


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """A registry without models; it is copied, not written to."""
    return founded(tmp_path_factory.mktemp("versions") / "repo")


@pytest.fixture
def lab(empty: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    files = tmp_path / "files"
    files.mkdir()
    monkeypatch.chdir(files)  # no repository: what differs is what the tests change
    return Lab(empty.copy(tmp_path / "repo"), files)


def test_the_numbers_of_a_models_life(lab: Lab) -> None:
    first = lab.train("one", *AUTO)
    assert (first["version"], first["bump"], first["reasons"]) == ("1.0.0", "first", ["the first version"])
    assert lab.manifest("1.0.0")["bump"] == {"kind": "first", "from": None, "reasons": ["the first version"]}

    again = lab.train("one", *AUTO)
    assert (again["version"], again["bump"], again["commit"]) == ("1.0.0", None, None)
    assert again["already_registered"] is True

    retrained = lab.train("two", *AUTO)
    assert (retrained["version"], retrained["bump"]) == ("1.0.1", "patch")
    assert retrained["reasons"][0] == "the same set-up, trained again"
    seeded = lab.train("three", *AUTO, random_state=8)
    assert (seeded["version"], seeded["reasons"][1]) == ("1.0.2", "seed random_state 7 -> 8")

    more = lab.train("four", *AUTO, data="a,b\n1,2\n3,4\n", random_state=8)
    assert (more["version"], more["bump"]) == ("1.1.0", "minor")
    assert more["reasons"][0].startswith("data customers changed: ")
    deeper = lab.train("five", *AUTO, data="a,b\n1,2\n3,4\n", random_state=8, depth=4)
    assert (deeper["version"], deeper["reasons"][0]) == ("1.2.0", "parameter depth 3 -> 4")
    assert lab.manifest("1.2.0")["bump"] == {"kind": "minor", "from": "1.1.0", "reasons": deeper["reasons"]}
    lab.sound()


def test_architecture_signature_and_features_are_major_and_rows_are_told(lab: Lab) -> None:
    lab.versions("one")
    facts: dict[str, Any] = {
        "architecture": "Forest",
        "signature": {
            "inputs": [{"name": "a", "type": "int64"}],
            "outputs": [{"name": "y", "type": "int64"}],
            "parameters": [],
        },
        "params": {"layers": (64, 32), "depth": 3},
        "lineage": {"data": [{"name": "customers", "sha256": "a" * 64, "rows": 1000, "columns": 3}]},
    }
    first = lab.register("two", **facts)  # more is recorded than before, and other data
    assert str(first.version) == "1.1.0"
    assert str(lab.register("three", **facts).version) == "1.1.1"  # a tuple is what YAML gives back as a list
    other = lab.register("four", **facts | {"architecture": "Boosting"})
    assert (str(other.version), other.reasons[0]) == ("2.0.0", "architecture Forest -> Boosting")
    narrow = facts["signature"] | {"outputs": []}
    broken = lab.register("five", **facts | {"architecture": "Boosting", "signature": narrow})
    assert (str(broken.version), broken.reasons[0]) == ("3.0.0", "signature: output 'y' is gone")
    data = [{"name": "customers", "sha256": "b" * 64, "rows": 1500, "columns": 4}]
    grown = lab.register("six", **facts | {"architecture": "Boosting", "signature": narrow, "lineage": {"data": data}})
    assert str(grown.version) == "3.1.0"
    assert grown.reasons[0] == "data customers changed: 1000 -> 1500 rows; 3 -> 4 columns"
    lab.sound()


def test_text_says_version_part_and_reasons_dry_too(lab: Lab) -> None:
    lab.train("one")
    artifact(lab.files, "two")
    dry = done("register", "churn", "model.json", *AUTO, "--dry-run", registry=lab.repo.path)
    assert dry.out.startswith("would register churn@1.1.0 (minor)\n  minor: data customers removed")
    before = everything(lab.repo)
    said = done("register", "churn", "model.json", *AUTO, "--dry-run", "--json", registry=lab.repo.path)
    assert (said.json("register")["version"], said.json("register")["bump"]) == ("1.1.0", "minor")
    assert everything(lab.repo) == before
    real = done("register", "churn", "model.json", *AUTO, registry=lab.repo.path)
    lines = real.out.splitlines()
    assert re.fullmatch(r"registered churn@1\.1\.0 in commit [0-9a-f]{10}", lines[0])
    assert lines[1].startswith("  minor: data customers removed")
    assert "         parameter depth 3 -> none" in lines
    history = done("history", "churn", "--json", registry=lab.repo.path).json("history")["events"]
    assert history[-1]["reason"].startswith("data customers removed")


def test_what_only_describes_makes_no_version(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model's bytes are the same, another report lies beside it: nothing lands, and nothing is uploaded."""
    files, remote = tmp_path / "files", tmp_path / "remote"
    files.mkdir()
    monkeypatch.chdir(files)
    done("init", "--remote", remote, registry=repo.path)
    workspace = open_workspace(repo.path)

    def attempt(report: str, bump: Any) -> Registration:
        sources = [Source(artifact(files, "one")), Source(artifact(files, report, "report.html"), "report")]
        return register(workspace, Request(ModelName("churn"), sources, bump=bump))

    assert str(attempt("fine", "auto").version) == "1.0.0"
    before, stored = everything(repo), sorted(remote.rglob("*"))
    same = attempt("finer", "auto")
    assert (str(same.version), same.existing, same.commit, same.bump) == ("1.0.0", True, None, None)
    assert same.reasons[0] == "nothing that makes a version differs"
    assert "artifact report.html" in same.reasons[1]
    assert (everything(repo), sorted(remote.rglob("*"))) == (before, stored)
    assert str(attempt("finer", "patch").version) == "1.0.1"  # whoever wants it asks for it
    assert sorted(remote.rglob("*")) != stored


def test_withdrawn_versions_keep_their_numbers_and_are_not_compared_with(lab: Lab) -> None:
    lab.train("one")
    assert lab.train("two", *AUTO, depth=4)["version"] == "1.1.0"
    done("withdraw", "churn", "1.1.0", "-m", "leaks", registry=lab.repo.path)
    third = lab.train("three", *AUTO)  # as 1.0.0 was made
    assert (third["version"], third["bump"]) == ("1.1.1", "patch")
    assert third["reasons"][-1] == "compared with 1.0.0: 1.1.0 is withdrawn"
    assert lab.manifest("1.1.1")["bump"]["from"] == "1.0.0"
    for version in ("1.0.0", "1.1.1"):
        done("withdraw", "churn", version, "-m", "leaks", registry=lab.repo.path)
    again = lab.train("three", *AUTO)
    assert (again["version"], again["already_registered"]) == ("1.1.2", False)
    assert again["reasons"][-1] == "compared with 1.1.1, though it is withdrawn: no release is in good standing"
    lab.sound()


def test_below_one(lab: Lab) -> None:
    lab.train("one", "--version", "0.1.0")
    assert lab.manifest("0.1.0")["bump"] == {"kind": "explicit", "from": None, "reasons": ["asked for"]}
    assert lab.train("two", *AUTO)["version"] == "0.1.1"
    lab.register("three", architecture="Forest")
    other = lab.register("four", architecture="Boosting")
    assert (str(other.version), other.bump) == ("0.3.0", "minor")
    assert other.reasons[-1] == "below 1.0.0 a major change raises the minor part"
    assert lab.train("five", "--bump", "major")["version"] == "1.0.0"


# --- the policy's rules


def test_the_bases_policy_changes_the_rules(lab: Lab) -> None:
    lab.train("one")
    lab.policy(data="major", params="patch")
    assert lab.train("two", *AUTO, depth=4)["version"] == "1.0.1"
    text = lab.repo.read("registry/policy.yaml")
    lab.repo.write("registry/policy.yaml", text.replace('"data": "major"', '"data": "patch"'))  # not committed
    bigger = lab.train("three", *AUTO, data="a,b\n", depth=4)
    assert (bigger["version"], bigger["bump"]) == ("2.0.0", "major")


@pytest.mark.parametrize(("kind", "part"), [("colour", "major"), ("data", "huge")])
def test_a_rule_that_is_none_is_found_with_its_line(lab: Lab, kind: str, part: str) -> None:
    lab.train("one")
    lab.policy(**{kind: part})
    line = lab.repo.read("registry/policy.yaml").splitlines().index(f'versioning: {{"{kind}": "{part}"}}') + 1
    for command, schema in (("validate",), "validate"), (("policy", "check"), "policy-check"):
        result = modelreg(*command, "--json", registry=lab.repo.path)
        (finding,) = result.json(schema)["findings"]
        assert (result.code, finding["file"], finding["line"]) == (1, "registry/policy.yaml", line)
        assert "versioning" in finding["field"]
    before = everything(lab.repo)
    refused = modelreg("register", "churn", artifact(lab.files, "two"), *AUTO, "--json", registry=lab.repo.path)
    assert refused.code == 1
    error = json.loads(refused.err)["error"]
    assert (error["file"], error["line"]) == ("registry/policy.yaml", line)
    assert everything(lab.repo) == before


def test_rules_that_surprise_are_warned_of(lab: Lab) -> None:
    lab.policy(**{"content": "none", "signature-incompatible": "minor", "data": "major"})
    found = done("policy", "check", "--json", registry=lab.repo.path).json("policy-check")["findings"]
    told = [(f["code"], f["severity"], f["field"]) for f in found if f["code"] == "versioning"]
    assert told == [
        ("versioning", "warning", "versioning.content"),
        ("versioning", "warning", "versioning.signature-incompatible"),
    ]


# --- pre-releases


def test_from_release_candidates_to_the_release(lab: Lab) -> None:
    assert lab.train("one", "--pre", "rc")["version"] == "1.0.0-rc.1"
    first = lab.manifest("1.0.0-rc.1")["bump"]
    assert (first["kind"], first["from"]) == ("first", None)
    assert lab.train("one", *AUTO)["version"] == "1.0.0"  # the same content, as a release
    one = lab.train("two", "--bump", "minor", "--pre", "rc")
    assert (one["version"], one["bump"]) == ("1.1.0-rc.1", "minor")
    two = lab.train("three", *AUTO, "--pre", "rc")
    assert (two["version"], two["bump"], two["reasons"][0]) == ("1.1.0-rc.2", "minor", "the same set-up, trained again")
    assert two["reasons"][-1] == "1.1.0-rc.1 leads up to 1.1.0"
    assert lab.manifest("1.1.0-rc.2")["bump"]["from"] == "1.0.0"

    def latest() -> str:
        return str(done("show", "churn@latest", "--json", registry=lab.repo.path).json("show")["version"])

    assert (latest(), str(Registry(lab.repo.path)["churn"].latest().version)) == ("1.0.0", "1.0.0")
    same = lab.train("three", *AUTO, "--pre", "rc")
    assert (same["version"], same["already_registered"]) == ("1.1.0-rc.2", True)
    release = lab.train("three", *AUTO)
    assert (release["version"], release["bump"], release["already_registered"]) == ("1.1.0", "minor", False)
    assert latest() == "1.1.0"
    for options in (AUTO, (*AUTO, "--pre", "rc"), ("--pre", "beta"), ()):
        assert lab.train("three", *options)["version"] == "1.1.0", options
    # More is needed than the candidate leads up to.
    assert lab.train("four", "--pre", "rc")["version"] == "1.1.1-rc.1"
    assert lab.train("five", *AUTO, depth=4)["version"] == "1.2.0"
    lab.sound()
    names = set(lab.repo.git("tag", "--list").split())
    assert names == {f"churn@v{v}" for v in ("1.0.0-rc.1", "1.0.0", "1.1.0-rc.1", "1.1.0-rc.2", "1.1.0", "1.1.1-rc.1", "1.2.0")}  # fmt: skip


def test_only_pre_releases(lab: Lab) -> None:
    assert lab.versions("one", "two", options=["--pre", "beta"]) == ["1.0.0-beta.1", "1.0.0-beta.2"]
    assert done("show", "churn", "--json", registry=lab.repo.path).json("show")["version"] == "1.0.0-beta.2"
    same = lab.train("two", *AUTO, "--pre", "rc")
    assert (same["version"], same["already_registered"]) == ("1.0.0-beta.2", True)
    refused = modelreg("register", "churn", artifact(lab.files, "x"), "--pre", "alpha", registry=lab.repo.path)
    assert refused.code == 1
    assert "1.0.0-alpha.1 would come before 1.0.0-beta.2" in refused.err
    auto = lab.train("three", *AUTO)
    assert (auto["version"], auto["bump"], auto["reasons"]) == ("1.0.0", "first", ["no release yet to compare with"])


def test_a_candidate_beside_another_report_is_no_new_candidate(lab: Lab) -> None:
    workspace = open_workspace(lab.repo.path)

    def attempt(report: str) -> Registration:
        sources = [Source(artifact(lab.files, "one")), Source(artifact(lab.files, report, "report.html"), "report")]
        return register(workspace, Request(ModelName("churn"), sources, bump="auto", pre="rc"))

    assert str(attempt("fine").version) == "1.0.0-rc.1"
    assert (str(attempt("finer").version), attempt("finer").existing) == ("1.0.0-rc.1", True)


# --- the SDK


def test_the_sdk(lab: Lab) -> None:
    registry = Registry(lab.repo.path)
    path = artifact(lab.files, "one")
    registry.register("churn", artifacts=[path], params={"depth": 3}, bump="auto")
    artifact(lab.files, "two")
    made = registry.register("churn", artifacts=[path], params={"depth": 4}, bump="auto", pre="rc")
    assert made.registration is not None
    assert (str(made.version), made.registration.bump) == ("1.1.0-rc.1", "minor")
    assert made.registration.reasons[0] == "parameter depth 3 -> 4"
    from modelreg.errors import InvalidError, UsageError

    with pytest.raises(UsageError, match="is not known"):
        registry.register("churn", artifacts=[path], bump="huge")  # type: ignore[arg-type]
    with pytest.raises(InvalidError, match="no label"):
        registry.register("churn", artifacts=[path], pre="rc.1")
    with pytest.raises(UsageError, match="exclude each other"):
        registry.register("churn", artifacts=[path], version="2.0.0", bump="auto")


# --- races


def test_F03_who_loses_the_race_is_compared_with_who_won(lab: Lab, tmp_path: Path) -> None:
    """The server has a version that this clone has not seen: the number and the reasons are found again on it."""
    lab.train("one")
    server = lab.repo.bare(tmp_path / "server.git")
    rival = Lab(server.clone(tmp_path / "rival"), lab.files)
    assert rival.train("rival", *AUTO, "--push", depth=4)["version"] == "1.1.0"
    mine = lab.train("mine", *AUTO, "--push", depth=5)
    assert (mine["version"], mine["bump"]) == ("1.2.0", "minor")
    assert mine["reasons"][0] == "parameter depth 4 -> 5"  # of the rival's 4, not of the 3 before
    assert lab.manifest("1.2.0")["bump"]["from"] == "1.1.0"
    assert server.rev("main") == lab.repo.head
    lab.repo.git("fetch", "-q", "--tags", "origin")  # the rival's
    lab.sound()


def test_two_processes_at_once_get_two_numbers(lab: Lab) -> None:
    lab.train("one")
    running = []
    for name in ("left", "right"):
        path = artifact(lab.files / name, name)
        command = [sys.executable, "-m", "modelreg", "register", "churn", str(path), *AUTO, "-C", str(lab.repo.path)]
        running.append(subprocess.Popen(command, cwd=lab.files / name, stdout=subprocess.PIPE, text=True))
    said = sorted(process.communicate()[0].splitlines()[0].split()[1] for process in running)
    assert said == ["churn@1.1.0", "churn@1.1.1"]  # less is recorded than of 1.0.0; then the same set-up again
    assert [process.returncode for process in running] == [0, 0]
    lab.sound()
