"""This repository is a registry, and it is sound; its models can be pulled and used from a fresh clone; the promotion of
churn_predictor 1.3.0 is judged again, as it was and with a piece of it missing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from modelreg.domain.address import Address
from modelreg.domain.finding import failed
from modelreg.domain.gate_report import GateReport
from modelreg.domain.names import parse_alias, parse_model, parse_stage
from modelreg.domain.plan import CommitId
from modelreg.registry.gate import gate
from modelreg.registry.history import history
from modelreg.registry.judging import Circumstances
from modelreg.registry.policy import check
from modelreg.registry.validate import validate
from modelreg.registry.verify import verify
from modelreg.wiring import open_workspace
from tests.support import Repo

TOP = Path(__file__).parents[1]
MODEL = "registry/churn_predictor/"
RECORD = f"{MODEL}transitions/0008.yaml"
EVIDENCE = f"{MODEL}1.3.0/evidence/"


@pytest.fixture(scope="module")
def clone(own_clone: Repo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return own_clone.copy(tmp_path_factory.mktemp("own") / "clone").path


@pytest.fixture
def mine(own_clone: Repo, tmp_path: Path) -> Repo:
    """A clone of the test's own."""
    return own_clone.copy(tmp_path / "mine")


def landing(repo: Repo, path: str) -> str:
    """The commit that brought a file."""
    return repo.git("log", "--first-parent", "--diff-filter=A", "-1", "--format=%H", "--", path)


def landed_at(repo: Repo, commit: str) -> int:
    return int(repo.git("show", "-s", "--format=%ct", commit))


def made_again(repo: Repo, commit: str, change: Callable[[Repo], object]) -> str:
    """The commit with other files, at the same time; its id. It is checked out afterwards."""
    repo.git("checkout", "-q", "--detach", commit)
    change(repo)
    repo.git("add", "-A")
    repo.git("commit", "-q", "--amend", "--no-edit", env={"GIT_COMMITTER_DATE": f"{landed_at(repo, commit)} +0000"})
    return repo.head


def judged(repo: Repo, head: str) -> GateReport:
    """What the gate says of a commit on its parent, as a pull request, at the time of the commit."""
    base = repo.git("rev-parse", f"{head}^")
    return gate(
        open_workspace(repo.path),
        CommitId(base),
        CommitId(head),
        Circumstances(landed_at(repo, head), via="pull-request"),
    )


def not_met(report: GateReport) -> list[tuple[str, str]]:
    return [(v.check, v.reason) for change in report.changes for v in change.verdicts if not v.passed]


def approvals(repo: Repo) -> list[Path]:
    """The approvals on record, bo's first."""
    found = sorted((repo.path / EVIDENCE).glob("approval-*.yaml"))
    return sorted(found, key=lambda path: "bo@example.org" not in path.read_text())


def test_it_is_valid_and_verifies(clone: Path) -> None:
    workspace = open_workspace(clone)
    assert validate(workspace).findings == ()
    found = verify(workspace, content=True)
    assert found.versions >= 7
    assert [finding for finding in found.findings if finding.severity == "error"] == []


def test_strict_calls_missing_only_what_a_clone_cannot_hold(clone: Path) -> None:
    errors = [f for f in verify(open_workspace(clone), strict=True).findings if failed([f])]
    assert {finding.code for finding in errors} == {"not-judged"}
    told = {finding.message.split(": ", 2)[1] for finding in errors}
    assert told >= {"artifacts.at_least", "via"}
    assert "approvals" not in told, "they are signed, and on record"


def test_the_policy_can_be_met_and_uses_every_check(clone: Path) -> None:
    from modelreg.domain.checks import CHECKS

    workspace = open_workspace(clone)
    found = check(workspace).findings
    assert [(finding.severity, finding.code) for finding in found] == [("warning", "weak")], "see the comment on change"
    policy = workspace.snapshot().policy(check=True)
    asked = {name for asking in policy.gates for name in asking.require}
    assert asked == CHECKS.keys() - {"transition", "access"}, "`from` of the stages and `access` say those"
    assert policy.access
    assert policy.limits
    assert policy.rollback_when


def test_production_and_how_it_came_there(clone: Path) -> None:
    workspace = open_workspace(clone)
    events = history(workspace, parse_model("churn_predictor"))
    promoted = [event for event in events if (event.kind, event.to) == ("promote", "production")]
    maintainers = "maintainers@users.noreply.r-seed-6f263e63.example"
    assert [(e.version, e.from_, list(e.displaced), e.by) for e in promoted][:3] == [
        ("1.0.0", "staging", [], maintainers),
        ("1.1.0", "staging", ["1.0.0"], maintainers),
        ("1.3.0", "staging", ["1.1.0"], "ann@example.org"),
    ]
    stages = workspace.snapshot().stages(parse_model("churn_predictor"))
    assert stages.aliases[parse_alias("champion")] == stages.answer(parse_stage("production"))


def test_the_gate_allows_the_promotion_that_landed(mine: Repo) -> None:
    report = judged(mine, landing(mine, RECORD))
    assert report.allowed, not_met(report)
    (promoted,) = [change for change in report.changes if change.kind == "promote"]
    assert (promoted.model, promoted.version, promoted.to) == ("churn_predictor", "1.3.0", "production")
    checks = {verdict.check.split(".")[0] for verdict in promoted.verdicts}
    assert checks >= {"soak", "ab_test", "compliance", "approvals", "champion", "metrics", "rules", "signature", "via"}
    assert all(verdict.judged for verdict in promoted.verdicts)


@pytest.mark.parametrize(("which", "left"), [(0, "cy"), (1, "bo")])
def test_it_refuses_with_one_approval_removed(mine: Repo, which: int, left: str) -> None:
    def without_one(repo: Repo) -> None:
        gone = approvals(repo)[which]
        gone.unlink()
        gone.with_name(f"{gone.name}.sig").unlink()

    report = judged(mine, made_again(mine, landing(mine, RECORD), without_one))
    assert not_met(report) == [("approvals", "1 more is needed: modelreg approve churn_predictor 1.3.0 production")]
    (verdict,) = [v for change in report.changes for v in change.verdicts if v.check == "approvals"]
    assert verdict.actual == f"1: {left}@example.org"


def test_it_refuses_with_an_approval_that_was_touched(mine: Repo) -> None:
    def touched(repo: Repo) -> None:
        signature = approvals(repo)[0].with_suffix(".yaml.sig")
        signature.write_bytes(flipped(signature.read_bytes()))

    report = judged(mine, made_again(mine, landing(mine, RECORD), touched))
    reasons = dict(not_met(report))
    assert "not signed by a key of theirs" in reasons["approvals"]


def flipped(signature: bytes) -> bytes:
    """A signature of the same form over something else: one character of its last full line is another."""
    lines = signature.splitlines(keepends=True)
    line = lines[-3]
    lines[-3] = line[:10] + (b"A" if line[10:11] != b"A" else b"B") + line[11:]
    return b"".join(lines)


def test_verify_finds_a_promotion_whose_verification_was_never_signed_rightly(mine: Repo) -> None:
    (path,) = (mine.path / EVIDENCE).glob("verification-*.yaml.sig")
    name = path.relative_to(mine.path).as_posix()
    promoted, signed = landing(mine, RECORD), landing(mine, name)
    after = mine.git("rev-list", "--reverse", f"{signed}..{promoted}").split()
    made_again(mine, signed, lambda repo: repo.write(name, flipped((repo.path / name).read_bytes())))
    for commit in after:
        dates = {"GIT_COMMITTER_DATE": f"{landed_at(mine, commit)} +0000"}
        mine.git("cherry-pick", "--allow-empty", commit, env=dates)
    mine.git("checkout", "-q", "-B", "main")
    found = [f for f in verify(open_workspace(mine.path)).findings if failed([f])]
    assert any(f.file == RECORD and f.code == "refused" and "artifacts.at_least" in f.message for f in found), found


def test_verify_finds_a_signature_that_is_touched_afterwards(mine: Repo) -> None:
    name = approvals(mine)[0].with_suffix(".yaml.sig").relative_to(mine.path).as_posix()
    mine.commit("touched", {name: flipped((mine.path / name).read_bytes())}, at=landed_at(mine, "HEAD") + 1)
    found = [f for f in verify(open_workspace(mine.path)).findings if failed([f])]
    assert {(f.file, f.code) for f in found} >= {(name, "add-only")}


_UNARGUED = {"compliance.privacy-review", "compliance.fairness-review", "approvals"}


@pytest.mark.parametrize(
    ("name", "reasons"),
    [
        ("promotion", {"soak"} | _UNARGUED),
        ("churn_predictor-1.2.0", {"ab_test.right_predictions.significance", "artifacts.at_least"} | _UNARGUED),
        ("diabetes_progression-1.2.0", {"soak", "champion.rmse", "artifacts.at_least"} | _UNARGUED),
    ],
)
def test_the_reports_in_the_docs_are_refusals(name: str, reasons: set[str]) -> None:
    text = (TOP / "docs" / "reports" / f"refused-{name}.md").read_text()
    assert text.startswith("### modelreg: \N{CROSS MARK} refused (")
    assert set(re.findall(r"^\| \N{CROSS MARK} \| `([^`]+)`", text, re.MULTILINE)) == reasons


@pytest.mark.parametrize("model", ["churn_predictor", "diabetes_progression"])
def test_production_predicts_on_its_own_example(clone: Path, model: str, tmp_path: Path) -> None:
    import pandas as pd

    from modelreg import Registry

    version = Registry(clone)[model].stage("production")
    pulled = version.pull(tmp_path / "pulled")
    rows = pd.read_csv(pulled.path / "input_example.csv")
    assert len(version.load().predict(rows)) == len(rows)
    assert Address.parse(f"{model}#production").stage == "production"


def test_a_version_in_production_is_made_again(mine: Repo) -> None:
    """From its own commit, with today's packages: bit for bit where the processor is alike, else within 1e-9."""
    from tests.cli.runner import modelreg

    command = "python examples/churn/train.py forest"
    words = ("--yes", "--env", "current", "--command", command, "--json")
    said = modelreg("reproduce", "churn_predictor@1.1.0", *words, registry=mine.path)
    assert said.code == 0, said.err
    done = said.json("reproduce")
    assert done["ok"]
    assert done["kind"] in ("bitwise", "predictions")
