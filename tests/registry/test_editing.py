"""What may change about a model: descriptions, tags, its end; and versions whose files are elsewhere."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from modelreg import Registry
from modelreg.domain.address import Address
from modelreg.domain.names import ModelName, Stage
from modelreg.domain.version import Bump, Version
from modelreg.errors import DeniedError, GateDeniedError, InvalidError, NotFoundError, UnavailableError, UsageError
from modelreg.registry.editing import annotate, create_model, edit_model, retire
from modelreg.registry.pull import pull
from modelreg.registry.register import register
from modelreg.registry.request import Request, Source
from modelreg.registry.sequence import sequence
from modelreg.registry.stage import set_stage
from modelreg.registry.workspace import Workspace
from modelreg.wiring import open_workspace
from tests.cli.runner import done, everything, founded, modelreg
from tests.support import Repo

CHURN = ModelName("churn")
ELSEWHERE = {"source": {"uri": "s3://bucket/model", "tool": "mlflow", "model": "Churn", "version": "7"}}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    return founded(tmp_path_factory.mktemp("made") / "repo", "--policy", "open")


@pytest.fixture
def repo(made: Repo, tmp_path: Path) -> Repo:
    return made.copy(tmp_path / "repo")


@pytest.fixture
def workspace(repo: Repo) -> Workspace:
    return open_workspace(repo.path)


def sound(repo: Repo) -> None:
    """`validate` and `verify` have nothing to say."""
    done("validate", registry=repo.path)
    done("verify", registry=repo.path)


def elsewhere(workspace: Workspace, **more: object) -> Version:
    return register(workspace, Request(CHURN, (), facts=ELSEWHERE, **more)).version  # type: ignore[arg-type]


def test_a_model_without_versions(workspace: Workspace, repo: Repo) -> None:
    made = create_model(workspace, CHURN, {"display_name": "Churn (EU)", "description": "who leaves"})
    assert made.commit == repo.head
    assert made.files == ("registry/churn/model.yaml", "registry/churn/stages.yaml")
    assert workspace.snapshot().model(CHURN).value["display_name"] == "Churn (EU)"
    sound(repo)
    before = everything(repo)
    with pytest.raises(DeniedError, match="exists already"):
        create_model(workspace, CHURN, {})
    with pytest.raises(InvalidError):
        create_model(workspace, ModelName("other"), {"owners": "not a list"})
    assert everything(repo) == before
    create_model(workspace, ModelName("a_b"), {})
    with pytest.raises(InvalidError, match="only by - and _"):
        create_model(workspace, ModelName("a-b"), {})


@pytest.mark.parametrize(("there", "new"), [("a-b_c-d", "a_b-c_d"), ("a-b-c-d-e-f-g-h-i", "a-b-c-d-e-f-g-h_i"), ("a--b", "a__b")])  # fmt: skip
def test_a_name_that_could_be_taken_for_another(workspace: Workspace, there: str, new: str) -> None:
    create_model(workspace, ModelName(there), {})
    with pytest.raises(InvalidError, match=f"{new} differs from the model {there} only by - and _"):
        create_model(workspace, ModelName(new), {})
    create_model(workspace, ModelName(there + "1"), {})


def test_a_dry_run_changes_nothing(workspace: Workspace, repo: Repo) -> None:
    before = everything(repo)
    told = create_model(workspace, CHURN, {}, dry_run=True)
    assert (told.commit, len(told.files)) == (None, 2)
    assert everything(repo) == before


def test_descriptions_and_tags_change(workspace: Workspace, repo: Repo) -> None:
    create_model(workspace, CHURN, {})
    version = elsewhere(workspace)
    path = repo.path / "registry/churn/model.yaml"
    repo.commit(
        "by hand",
        {"registry/churn/model.yaml": path.read_text() + "owners: [ann@example.org]  # asks first\n"},
        at=int(time.time()),
    )
    edit_model(workspace, CHURN, lambda body: {**body, "tags": {"team": "risk"}}, title="Tag churn")
    assert repo.git("log", "-1", "--format=%s") == "Tag churn"
    assert "# asks first\n" in path.read_text()
    first = annotate(workspace, CHURN, version, lambda body: {**body, "description": "trained in May"})
    assert first.commit == repo.head
    again = annotate(workspace, CHURN, version, lambda body: {**body, "description": "trained in May"})
    assert again.commit is None
    annotate(workspace, CHURN, version, lambda body: {k: v for k, v in body.items() if k != "description"})
    assert "May" not in (repo.path / f"registry/churn/{version}/annotations.yaml").read_text()
    assert repo.git("status", "--porcelain") == ""
    sound(repo)


def test_what_may_not_be_changed(workspace: Workspace, repo: Repo) -> None:
    create_model(workspace, CHURN, {})
    before = everything(repo)
    with pytest.raises(InvalidError, match="folder"):
        edit_model(workspace, CHURN, lambda body: {**body, "name": "other"})
    with pytest.raises(InvalidError, match="tags"):
        edit_model(workspace, CHURN, lambda body: {**body, "tags": {"": "x"}})
    with pytest.raises(NotFoundError):
        edit_model(workspace, ModelName("nobody"), lambda body: body)
    with pytest.raises(NotFoundError):
        annotate(workspace, CHURN, Version.parse("9.0.0"), lambda body: body)
    assert everything(repo) == before


def test_tags_that_gates_may_hang_on_are_the_pull_requests(workspace: Workspace, repo: Repo) -> None:
    create_model(workspace, CHURN, {})
    policy = repo.read("registry/policy.yaml").replace("serial: 1", "serial: 2")
    policy += "change: {approvals: 1, role: boss}\nroles: {boss: [ann@example.org]}\n"
    repo.commit("policy", {"registry/policy.yaml": policy})
    edit_model(workspace, CHURN, lambda body: {**body, "description": "words only"})
    before = everything(repo)
    with pytest.raises(DeniedError, match="gates hang on the tags"):
        edit_model(workspace, CHURN, lambda body: {**body, "tags": {"team": "risk"}})
    assert everything(repo) == before


def test_who_may_not_does_not(workspace: Workspace, repo: Repo) -> None:
    create_model(workspace, CHURN, {})
    version = elsewhere(workspace)
    policy = repo.read("registry/policy.yaml").replace("serial: 1", "serial: 2")
    policy += "roles: {boss: [ann@example.org]}\naccess: [{role: boss, may: [annotate], models: ['*']}]\n"
    repo.commit("policy", {"registry/policy.yaml": policy})
    before = everything(repo)
    acts: list[Callable[[], object]] = [
        lambda: create_model(workspace, ModelName("new"), {}),
        lambda: edit_model(workspace, CHURN, lambda body: {**body, "description": "x"}),
        lambda: annotate(workspace, CHURN, version, lambda body: {**body, "description": "x"}),
        lambda: retire(workspace, CHURN, reason="x"),
    ]
    for act in acts:
        with pytest.raises(DeniedError, match="access"):
            act()
    assert everything(repo) == before


def test_a_version_whose_files_are_elsewhere(workspace: Workspace, repo: Repo) -> None:
    version = elsewhere(workspace, metrics={"accuracy": 0.9}, labels={"run": "a" * 1000})
    body = workspace.snapshot().manifest(CHURN, version).body
    assert (body["artifacts"], body["source"]) == ([], ELSEWHERE["source"])
    assert not (repo.path / "dvc.yaml").exists()
    sound(repo)
    with pytest.raises(UnavailableError, match="only the address"):
        pull(workspace, Address(CHURN, version=version), repo.path / "x")
    assert elsewhere(workspace) > version  # nothing says that it would be the same
    done("show", f"churn@{version}", registry=repo.path)
    done("compare", f"churn@{version}", "churn@latest", registry=repo.path)
    for kind in ("ml-bom", "provenance", "model-card"):
        assert modelreg("export", kind, f"churn@{version}", registry=repo.path).code == 0
    with pytest.raises(UsageError):
        register(workspace, Request(CHURN, (), facts={"source": {"tool": "mlflow"}}))


@pytest.mark.parametrize("level", ["recorded", "present", "verified"])
def test_no_gate_takes_an_address_for_an_artifact(workspace: Workspace, repo: Repo, level: str) -> None:
    version = elsewhere(workspace)
    policy = (
        repo.read("registry/policy.yaml")
        .replace("serial: 1", "serial: 2")
        .replace("gates: []", f"gates: [{{stage: staging, require: {{artifacts: {{at_least: {level}}}}}}}]")
    )
    repo.commit("policy", {"registry/policy.yaml": policy})
    with pytest.raises(GateDeniedError, match="artifacts"):
        set_stage(workspace, CHURN, version, Stage("staging"))


def test_formats_of_nothing_are_not_allowed_formats(workspace: Workspace, repo: Repo) -> None:
    version = elsewhere(workspace)
    policy = (
        repo.read("registry/policy.yaml")
        .replace("serial: 1", "serial: 2")
        .replace("gates: []", "gates: [{stage: staging, require: {artifacts: {formats: [skops]}}}]")
    )
    repo.commit("policy", {"registry/policy.yaml": policy})
    with pytest.raises(GateDeniedError, match="no artifact here"):
        set_stage(workspace, CHURN, version, Stage("staging"))


BUMPS: tuple[Bump | None, ...] = (None, "auto", "minor")


def test_the_same_content_again_where_it_is_asked_for(workspace: Workspace, repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "model.csv").write_text("a\n1\n")
    request = Request(CHURN, [Source(tmp_path / "model.csv")])
    first = register(workspace, request).version
    assert register(workspace, request).existing
    for bump in BUMPS:
        made = register(workspace, Request(CHURN, request.sources, bump=bump, again=True))
        assert not made.existing
        assert made.version > first
        first = made.version
    sound(repo)


@pytest.mark.parametrize("change", ["tool", "model", "version", "created", "nothing"])
def test_what_was_brought_from_one_place_is_brought_once(workspace: Workspace, repo: Repo, change: str) -> None:
    place = ELSEWHERE["source"] | {"created": "2026-11-24T12:30:00Z"}
    first = register(workspace, Request(CHURN, (), facts={"source": place}, again=True)).version
    other = {"created": "2026-11-24T12:30:01Z"}.get(change, "other")
    then = place if change == "nothing" else place | {change: other}
    second = register(workspace, Request(CHURN, (), facts={"source": then}, again=True))
    assert second.existing is (change == "nothing")
    assert (second.version == first) is second.existing


def test_the_order_of_landing(workspace: Workspace, repo: Repo, tmp_path: Path) -> None:
    wished = ["1.0.0", "3.0.0", "2.0.0", "2.0.1-rc.1"]
    for text in wished:
        register(workspace, Request(CHURN, (), facts=ELSEWHERE, version=Version.parse(text)))
    other = register(workspace, Request(ModelName("other"), (), facts=ELSEWHERE)).version
    done("withdraw", "churn", "3.0.0", "--reason", "bad", registry=repo.path)
    assert [str(version) for version in sequence(workspace, CHURN)] == wished
    assert sequence(workspace, ModelName("other")) == (other,)
    assert sequence(workspace, ModelName("nobody")) == ()
    shallow = tmp_path / "shallow"
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{repo.path}", shallow], check=True)
    with pytest.raises(UnavailableError, match="shallow"):
        sequence(open_workspace(shallow), CHURN)


def test_a_model_is_retired_in_one_commit(workspace: Workspace, repo: Repo) -> None:
    versions = [elsewhere(workspace) for _ in range(3)]
    set_stage(workspace, CHURN, versions[1], Stage("production"))
    done("withdraw", "churn", str(versions[0]), "--reason", "bad", registry=repo.path)
    before = repo.head
    told = retire(workspace, CHURN, reason="its successor serves")
    assert repo.git("rev-list", "--count", f"{before}..HEAD") == "1"
    assert told.commit == repo.head
    assert workspace.snapshot().withdrawn(CHURN) == frozenset(versions)
    assert workspace.snapshot().model(CHURN).value["retired"]["reason"] == "its successor serves"
    assert retire(workspace, CHURN, reason="again").commit is None
    assert "churn#production!#2" in repo.git("tag").split()
    sound(repo)
    done("announce", registry=repo.path)
    with pytest.raises(DeniedError, match="retired"):
        elsewhere(workspace)
    with pytest.raises(NotFoundError):
        Registry(repo.path).get("churn#production")
