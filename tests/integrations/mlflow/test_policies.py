"""The policy holds whoever asks, several threads are one writer, and what is wrong with an address is said."""

from __future__ import annotations

import pickle
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from mlflow.entities.model_registry import ModelVersionTag
from mlflow.exceptions import MlflowException

from modelreg.integrations.mlflow.store import ModelregStore
from tests.cli.runner import done
from tests.servers import webhook
from tests.support import Repo

pytestmark = pytest.mark.filterwarnings("ignore")


def changed_policy(repo: Repo, text: str) -> None:
    repo.commit("policy", {"registry/policy.yaml": text}, at=int(time.time()))


STRICT = """\
format: 1
serial: 2
initial: new
stages:
  new: {from: [staging]}
  staging: {from: [new]}
  canary: {from: [staging, new]}
  production: {from: [staging], exclusive: true, displaced_to: archived}
  archived: {from: [new, staging, canary, production]}
aliases:
  champion: {requires: production}
gates:
  - stage: production
    require:
      metrics: {accuracy: {min: 0.9}}
      artifacts: {formats: [skops], at_least: recorded}
"""


@pytest.fixture
def strict(ours: ModelregStore, repo: Repo) -> ModelregStore:
    changed_policy(repo, STRICT)
    ours.create_registered_model("Churn")
    ours.create_model_version("Churn", "a/b")
    ours.create_model_version("Churn", "a/b")
    return ours


def test_a_gate_refuses_and_says_every_reason(strict: ModelregStore, repo: Repo) -> None:
    strict.transition_model_version_stage("Churn", 1, "Staging", False)
    before = repo.head
    for archive in (False, True):
        with pytest.raises(MlflowException) as refused:
            strict.transition_model_version_stage("Churn", 1, "Production", archive)
        assert refused.value.error_code == "PERMISSION_DENIED"
        assert refused.value.get_http_status_code() == 403
        message = refused.value.message
        assert "churn@1.0.0 may not enter production" in message
        assert "- metrics.accuracy: expected >= 0.9, found missing" in message
        assert "- artifacts.formats: expected skops, found none" in message
        assert "modelreg stage set churn 1.0.0 production --dry-run shows every check" in message
    assert repo.head == before
    with pytest.raises(MlflowException, match="may not enter production: ") as refused:
        strict.transition_model_version_stage("Churn", 2, "Production", False)
    assert refused.value.error_code == "PERMISSION_DENIED"


def test_an_alias_may_want_a_stage(strict: ModelregStore) -> None:
    with pytest.raises(MlflowException, match="alias champion requires stage production") as refused:
        strict.set_registered_model_alias("Churn", "champion", 1)
    assert refused.value.error_code == "PERMISSION_DENIED"


def test_stages_of_the_policy_go_by_their_own_names(strict: ModelregStore, repo: Repo) -> None:
    assert strict.get_model_version("Churn", 1).current_stage == "None"
    assert strict.transition_model_version_stage("Churn", 1, "Canary", False).current_stage == "canary"
    assert strict.transition_model_version_stage("Churn", 2, "canary", True).current_stage == "canary"
    assert [version.version for version in strict.get_latest_versions("Churn", ["CANARY"])] == [2]
    assert {version.current_stage for version in strict.get_latest_versions("Churn")} == {"canary", "Archived"}
    changed_policy(
        repo,
        STRICT.replace("  archived: {from: [new, staging, canary, production]}\n", "")
        .replace("displaced_to: archived", "displaced_to: new")
        .replace("serial: 2", "serial: 3"),
    )
    with pytest.raises(MlflowException, match="has no stage archived: its stages are new, staging, canary, production"):
        strict.transition_model_version_stage("Churn", 2, "Archived", False)


def test_an_exclusive_stage_displaces_its_holder(ours: ModelregStore, repo: Repo) -> None:
    changed_policy(repo, STRICT[: STRICT.index("gates:")])
    ours.create_registered_model("Churn")
    for number in (1, 2):
        ours.create_model_version("Churn", "a/b")
        ours.transition_model_version_stage("Churn", number, "Staging", False)
        ours.transition_model_version_stage("Churn", number, "Production", number == 2)
    assert ours.get_model_version("Churn", 1).current_stage == "Archived"
    assert done("verify", registry=repo.path).code == 0


def test_what_the_git_identity_may_not_is_refused(ours: ModelregStore, repo: Repo) -> None:
    changed_policy(
        repo, f"{STRICT}access:\n  - {{role: trainer, may: [register], models: ['*']}}\nroles: {{trainer: [bo@x.y]}}\n"
    )
    with pytest.raises(MlflowException, match=r"lets ada@example\.com register churn") as refused:
        ours.create_registered_model("churn")
    assert refused.value.error_code == "PERMISSION_DENIED"


def test_threads_write_one_after_the_other(ours: ModelregStore, repo: Repo) -> None:
    ours.create_registered_model("churn")
    pickled = pickle.loads(pickle.dumps(ours))

    def work(number: int) -> int:
        store = ours if number % 4 else pickled
        version = store.create_model_version("churn", f"source/{number}")
        store.set_model_version_tag("churn", version.version, ModelVersionTag("number", str(number)))
        store.search_model_versions("name = 'churn'")
        return int(version.version)

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(work, range(16)))
    assert sorted(numbers) == list(range(1, 17))
    found = {version.version: version for version in ours.search_model_versions()}
    for number, version in enumerate(numbers):
        assert (found[version].source, found[version].tags) == (f"source/{number}", {"number": str(number)})
    assert done("verify", registry=repo.path).code == 0


def test_what_others_land_is_seen_at_once(ours: ModelregStore, repo: Repo) -> None:
    done("register", "fraud", repo.write("../model.csv", "a\n1\n"), registry=repo.path)
    assert [model.name for model in ours.search_registered_models()] == ["fraud"]
    done("stage", "set", "fraud", "1.0.0", "production", registry=repo.path)
    assert ours.get_model_version("fraud", 1).current_stage == "Production"
    repo.git("reset", "-q", "--hard", "HEAD~1")
    assert ours.get_model_version("fraud", 1).current_stage == "None"
    ours.rename_registered_model("fraud", "Fraud!")
    assert "display_name: Fraud!" in repo.read("registry/fraud/model.yaml")


def test_a_commit_cannot_say_that_it_landed_at_another_time(ours: ModelregStore, repo: Repo) -> None:
    ours.create_registered_model("churn")
    at = int(time.time())
    text = repo.read("registry/churn/model.yaml") + "description: edited by hand\n"
    for said, milliseconds in (
        ("2030-01-01T00:00:00.999Z", 0),
        (time.strftime("%Y-%m-%dT%H:%M:%S.321Z", time.gmtime(at)), 321),
    ):
        text = text.replace("edited", "edited again")
        repo.commit(f"edit\n\nModelreg-Time: {said}", {"registry/churn/model.yaml": text}, at=at)
        assert ours.get_registered_model("churn").last_updated_timestamp == at * 1000 + milliseconds


def test_push_brings_every_write_to_the_remote(repo: Repo, tmp_path: Path) -> None:
    server = repo.bare(tmp_path / "server.git")
    store = ModelregStore(f"modelreg://{repo.path}?push=true")
    store.create_registered_model("churn")
    assert server.rev("main") == repo.head
    ModelregStore(f"modelreg://{repo.path}?push=false").create_registered_model("fraud")
    assert server.rev("main") == repo.rev("HEAD~1")


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("modelreg://host/path", "no address of a registry"),
        ("modelreg:///tmp?branch=main", "no address of a registry"),
        ("modelreg:///tmp?push=maybe", "no address of a registry"),
        ("modelreg:///nowhere/at/all", ""),
    ],
)
def test_an_address_that_is_none(uri: str, said: str) -> None:
    with pytest.raises(MlflowException, match=said) as refused:
        ModelregStore(uri)
    assert refused.value.error_code in ("INVALID_PARAMETER_VALUE", "INVALID_STATE")


def test_a_path_may_hold_anything(empty_registry: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty_registry.copy(tmp_path / "a b%20é")
    monkeypatch.chdir(tmp_path)
    for uri in (f"modelreg://{tmp_path}/a%20b%2520%C3%A9", "modelreg:a%20b%2520%C3%A9"):
        assert ModelregStore(uri).search_registered_models() == []


def test_who_is_to_be_told_hears_of_what_mlflow_code_landed(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = repo.read("registry/policy.yaml").replace("serial: 1", "serial: 2")
    rules = "notifications:\n  - {name: moves, on: [promoted], stages: [production], to: [chat]}\n"
    repo.commit("rules", {"registry/policy.yaml": policy + rules})
    with webhook() as (chat, got):
        monkeypatch.setenv("MODELREG_NOTIFY_CHAT", f"json://{chat}?rto=60&cto=60")
        ours = ModelregStore(f"modelreg://{repo.path}")
        ours.create_registered_model("churn")
        ours.create_model_version("churn", "s3://bucket/model")
        ours.transition_model_version_stage("churn", "1", "Production", archive_existing_versions=False)
    assert [post["title"] for post in got] == ["modelreg: churn 1.0.0 promoted from development to production"]
