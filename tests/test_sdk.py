"""The SDK and the command line are two doors to one room: the same files, the same commit, the same no."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from modelreg import ModelregError, RegisteredModel, Registry, wiring
from modelreg.adapters.documents import YamlDocuments
from modelreg.errors import (
    ConflictError,
    DeniedError,
    GateDeniedError,
    InvalidError,
    NotFoundError,
    UnavailableError,
    UsageError,
)
from modelreg.registry.proposals import proposals_mapping
from modelreg.registry.stage import StageChange
from modelreg.registry.verify import Verification
from tests.cli.runner import artifact, done, everything, metrics, modelreg
from tests.keys import Key, make_key
from tests.support import Repo

ADA, BO = "ada@example.com", "bo@example.org"
EVALUATION = {"metrics": {"f1": {"value": 0.85, "direction": "higher"}}}


def change_policy(repo: Repo, change: Callable[[dict[str, Any]], None]) -> None:
    body = YamlDocuments().load(repo.read("registry/policy.yaml").encode(), "policy.yaml").value
    change(body)
    body["serial"] += 1
    repo.commit("policy", {"registry/policy.yaml": YamlDocuments().dump(body)}, at=int(time.time()))


def _rules(body: dict[str, Any]) -> None:
    body["rollback_when"] = [{"stage": "production", "name": "live-f1", "expr": "live.metrics.f1 < 0.7"}]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Key]:
    folder = tmp_path_factory.mktemp("keys")
    return {name: make_key(folder, name) for name in ("ada", "bo")}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, keys: dict[str, Key]) -> Repo:
    """What `repo` copies."""
    folder = tmp_path_factory.mktemp("made")
    repo = Repo.init(folder / "repo")
    repo.commit("first", {"README.md": "hello\n"})
    done("init", "--embedded", registry=repo.path)
    for number in range(4):
        told = ("--metrics", metrics(folder, 0.8), "--tag", "team=risk", "--primary-metric", "f1")
        done("register", "churn", artifact(folder, f"model {number}"), *told, registry=repo.path)
    for number in range(2):
        for stage in ("staging", "production"):
            done("stage", "set", "churn", f"1.0.{number}", stage, registry=repo.path)
    done("stage", "set", "churn", "1.0.2", "staging", registry=repo.path)
    done("alias", "set", "churn", "champion", "1.0.1", registry=repo.path)
    signers = keys["ada"].line(ADA) + keys["bo"].line(BO)
    repo.commit("signers", {"registry/allowed_signers": signers}, at=int(time.time()))
    change_policy(repo, _rules)
    return repo


@pytest.fixture
def repo(made: Repo, tmp_path: Path) -> Repo:
    """churn 1.0.1 is in production and champion, 1.0.0 was before it, 1.0.2 is in staging, 1.0.3 nowhere yet."""
    return made.copy(tmp_path / "repo")


@pytest.fixture
def churn(repo: Repo) -> RegisteredModel:
    return Registry(repo.path)["churn"]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, made: Repo) -> None:
    """It stands still, so that what is done twice has one commit id."""
    at = int(time.time()) + 1
    monkeypatch.setattr(wiring, "now", lambda: at)


Act = Callable[[RegisteredModel, Path], object]
"""What is done with the model; the path is ada's key."""

WRITES: dict[str, tuple[Act, list[str]]] = {
    "set_stage": (
        lambda churn, key: churn["1.0.3"].set_stage("staging", reason="next", key=key),
        ["stage", "set", "churn", "1.0.3", "staging", "-m", "next", "--key", "KEY"],
    ),
    "set_alias": (
        lambda churn, _: churn["1.0.2"].set_alias("shadow", reason="beside it"),
        ["alias", "set", "churn", "shadow", "1.0.2", "-m", "beside it"],
    ),
    "remove_alias": (
        lambda churn, _: churn.remove_alias("champion", reason="no more"),
        ["alias", "remove", "churn", "champion", "-m", "no more"],
    ),
    "promote": (
        lambda churn, key: churn.promote("production", reason="nightly", key=key),
        ["promote", "churn", "--to", "production", "--auto", "-m", "nightly", "--key", "KEY"],
    ),
    "rollback": (
        lambda churn, key: churn.rollback(cause="live f1 fell", reason="for now", key=str(key)),
        ["rollback", "churn", "--cause", "live f1 fell", "-m", "for now", "--key", "KEY"],
    ),
    "rollback proposed": (
        lambda churn, _: churn.rollback("production", cause="live f1 fell", to="1.0.0", propose=True),
        ["rollback", "churn", "--cause", "live f1 fell", "--to", "1.0.0", "--propose"],
    ),
    "monitor": (
        lambda churn, key: churn.monitor({"f1": 0.6}, of="1.0.1", key=key),
        ["monitor", "churn", "--metrics", "LIVE", "--of", "1.0.1", "--key", "KEY"],
    ),
    "propose": (
        lambda churn, key: churn["1.0.2"].propose("production", reason="look at it", key=key),
        ["propose", "churn", "1.0.2", "production", "-m", "look at it", "--key", "KEY"],
    ),
    "annotate a model": (
        lambda churn, _: churn.annotate(description="who leaves", tags={"eu": "yes"}, display_name="Churn (EU)"),
        ["annotate", "churn", "--description", "who leaves", "--tag", "eu=yes", "--display-name", "Churn (EU)"],
    ),
    "annotate a version": (
        lambda churn, _: churn["1.0.1"].annotate(description="of May", tags={"team": "growth"}, untag=["eu"]),
        ["annotate", "churn@1.0.1", "--description", "of May", "--tag", "team=growth", "--untag", "eu"],
    ),
    "add_evidence": (
        lambda churn, key: churn["1.0.2"].add_evidence("evaluation", EVALUATION, key=key),
        ["evidence", "add", "churn@1.0.2", "--type", "evaluation", "--file", "EVALUATION", "--key", "KEY"],
    ),
    "withdraw": (
        lambda churn, _: churn["1.0.3"].withdraw("leaks"),
        ["withdraw", "churn", "1.0.3", "-m", "leaks"],
    ),
    "retire": (
        lambda churn, _: churn.retire("nobody asks it"),
        ["retire", "churn", "-m", "nobody asks it"],
    ),
}


def _typed(arguments: Iterable[str], key: Path, folder: Path) -> list[str | Path]:
    """A command's words, with the files that stand for what Python is given."""
    files = {"LIVE": folder / "live.json", "EVALUATION": folder / "evaluation.json"}
    files["LIVE"].write_text(json.dumps({"f1": 0.6}))
    files["EVALUATION"].write_text(json.dumps(EVALUATION))
    return [{**files, "KEY": key}.get(word, word) for word in arguments]


def commits(repo: Repo) -> int:
    return int(repo.git("rev-list", "--count", "--all"))


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("name", WRITES)
def test_it_lands_the_commit_that_the_command_lands(
    name: str, made: Repo, repo: Repo, tmp_path: Path, keys: dict[str, Key]
) -> None:
    act, arguments = WRITES[name]
    by_command = made.copy(tmp_path / "by-command")
    act(Registry(repo.path)["churn"], keys["ada"].path)
    done(*_typed(arguments, keys["ada"].path, tmp_path), registry=by_command.path)
    assert everything(repo) == everything(by_command)
    assert commits(repo) == commits(made) + 1
    done("validate", registry=repo.path)


DENIALS: dict[str, tuple[Act, list[str], type[ModelregError]]] = {
    "a stage beyond the next": (
        lambda churn, _: churn["1.0.3"].set_stage("production"),
        ["stage", "set", "churn", "1.0.3", "production"],
        GateDeniedError,
    ),
    "a key of somebody else": (
        lambda churn, key: churn["1.0.3"].set_stage("staging", key=key.with_name("bo")),
        ["stage", "set", "churn", "1.0.3", "staging", "--key", "BO"],
        DeniedError,
    ),
    "an alias that wants a stage": (
        lambda churn, _: churn["1.0.2"].set_alias("champion"),
        ["alias", "set", "churn", "champion", "1.0.2"],
        DeniedError,
    ),
    "an alias that there is not": (
        lambda churn, _: churn.remove_alias("shadow"),
        ["alias", "remove", "churn", "shadow"],
        NotFoundError,
    ),
    "a promotion to no stage": (
        lambda churn, _: churn.promote("nowhere"),
        ["promote", "churn", "--to", "nowhere", "--auto"],
        NotFoundError,
    ),
    "a rollback without cause": (
        lambda churn, _: churn.rollback(cause=" "),
        ["rollback", "churn", "--cause", " "],
        InvalidError,
    ),
    "nobody to bring back": (
        lambda churn, _: churn.rollback("staging", cause="x", to="1.0.3"),
        ["rollback", "churn", "--stage", "staging", "--cause", "x", "--to", "1.0.3"],
        GateDeniedError,
    ),
    "live metrics of another": (
        lambda churn, _: churn.monitor({"f1": 0.6}, of="1.0.0"),
        ["monitor", "churn", "--metrics", "LIVE", "--of", "1.0.0"],
        ConflictError,
    ),
    "nothing watched": (
        lambda churn, _: churn.monitor({"f1": 0.6}, stage="staging"),
        ["monitor", "churn", "--metrics", "LIVE", "--stage", "staging"],
        NotFoundError,
    ),
    "a proposal that can never land": (
        lambda churn, _: churn["1.0.3"].propose("production"),
        ["propose", "churn", "1.0.3", "production"],
        GateDeniedError,
    ),
    "a model told nothing": (lambda churn, _: churn.annotate(), ["annotate", "churn"], UsageError),
    "a version told nothing": (lambda churn, _: churn["1.0.1"].annotate(), ["annotate", "churn@1.0.1"], UsageError),
    "a tag without name": (
        lambda churn, _: churn["1.0.1"].annotate(tags={"k" * 251: "x"}),
        ["annotate", "churn@1.0.1", "--tag", f"{'k' * 251}=x"],
        InvalidError,
    ),
    "an end without reason": (lambda churn, _: churn.retire(""), ["retire", "churn"], InvalidError),
    "evidence of no type": (
        lambda churn, _: churn["1.0.1"].add_evidence("rumour", {}),
        ["evidence", "add", "churn@1.0.1", "--type", "rumour", "--file", "EVALUATION"],
        UsageError,
    ),
    "a test of no stage": (
        lambda churn, _: churn["1.0.1"].test_policy("nowhere"),
        ["policy", "test", "churn@1.0.1", "nowhere"],
        NotFoundError,
    ),
    "a check of no ref": (
        lambda churn, _: churn.registry.validate(ref="nowhere"),
        ["validate", "--ref", "nowhere"],
        NotFoundError,
    ),
    "a pull request of no ref": (
        lambda churn, _: churn.registry.gate("main", "nowhere"),
        ["gate", "--base", "main", "--head", "nowhere"],
        NotFoundError,
    ),
    "reviews that are not there": (
        lambda churn, _: churn.registry.gate("main", "main", reviews="/none/reviews.json"),
        ["gate", "--base", "main", "--head", "main", "--reviews", "/none/reviews.json"],
        UnavailableError,
    ),
}


@pytest.mark.parametrize("name", DENIALS)
def test_what_the_command_refuses_is_refused_in_its_words(
    name: str, repo: Repo, churn: RegisteredModel, tmp_path: Path, keys: dict[str, Key]
) -> None:
    act, arguments, kind = DENIALS[name]
    before = everything(repo)
    with pytest.raises(kind) as raised:
        act(churn, keys["ada"].path)
    words = [keys["bo"].path if word == "BO" else word for word in _typed(arguments, keys["ada"].path, tmp_path)]
    told = modelreg(*words, registry=repo.path)
    assert type(raised.value) is kind
    assert (told.code, raised.value.message in told.err) == (raised.value.exit_code, True), told.err
    assert everything(repo) == before


def test_who_may_not_annotate_may_not_retire(repo: Repo, churn: RegisteredModel) -> None:
    def only_the_boss(body: dict[str, Any]) -> None:
        body |= {"roles": {"boss": [BO]}, "access": [{"role": "boss", "may": ["annotate"], "models": ["*"]}]}

    change_policy(repo, only_the_boss)
    before = everything(repo)
    acts: list[Callable[[], object]] = [
        lambda: churn.retire("nobody asks it"),
        lambda: churn.annotate(description="x"),
        lambda: churn.latest().annotate(untag=["x"]),
    ]
    for act in acts:
        with pytest.raises(DeniedError, match="access"):
            act()
    assert everything(repo) == before


def test_what_a_change_tells(churn: RegisteredModel, repo: Repo) -> None:
    moved = churn["1.0.3"].set_alias("shadow")
    assert (moved.commit, moved.transition and moved.transition.aliases) == (
        repo.head,
        {"shadow": churn["1.0.3"].version},
    )
    assert churn["1.0.3"].set_alias("shadow").commit is None
    promoted = churn.promote("production")
    assert (str(promoted.version), [str(item.version) for item in promoted.considered]) == ("1.0.2", ["1.0.3", "1.0.2"])
    back = churn.rollback(cause="it fell")
    assert isinstance(back, StageChange)
    assert back.transition is not None
    assert (str(back.transition.version), str(churn.stage("production").version)) == ("1.0.1", "1.0.1")
    assert churn.promote("production").version is None
    assert churn.monitor({"f1": 0.9}).breach is None
    assert churn.annotate(untag=["none"]).commit is None
    assert churn.retire("nobody asks it").commit == repo.head
    assert churn.retire("again").commit is None


def test_descriptions_and_tags(churn: RegisteredModel, repo: Repo) -> None:
    version = churn["1.0.1"]
    assert (churn.description, churn.tags, version.description, version.tags) == (None, {}, None, {"team": "risk"})
    churn.annotate(description="who leaves", tags={"eu": "yes"})
    version.annotate(description="of May", tags={"team": "growth", "eu": "no"})
    assert (churn.description, churn.tags) == ("who leaves", {"eu": "yes"})
    assert (version.description, version.tags) == ("of May", {"team": "growth", "eu": "no"})
    body = YamlDocuments().load(repo.read("registry/churn/model.yaml").encode(), "model.yaml").value
    assert {"format": 1, **churn.describe()} == body
    churn.annotate(description="", untag=["eu"])
    version.annotate(description="", untag=["eu", "team"])
    assert (churn.description, churn.tags, version.description, version.tags) == (None, {}, None, {"team": "risk"})


def asked(repo: Repo, schema: str, *arguments: str) -> Any:
    """What a command answers, whatever its exit code."""
    return modelreg(*arguments, registry=repo.path).json(schema)


def test_who_stands_where_and_what_happened(churn: RegisteredModel, repo: Repo) -> None:
    churn["1.0.3"].set_alias("shadow")
    listed = asked(repo, "stage-list", "stage", "list", "churn", "--json")
    assert (churn.stages(), churn.aliases()) == (listed["stages"], listed["aliases"])
    assert churn.stages()["production"] == ["1.0.1"]
    Registry(repo.path).register("other", artifacts=[artifact(repo.path.parent, "other")])
    for events, words in ((churn.history(), ["churn"]), (churn.registry.history(), [])):
        assert [event.to_mapping() for event in events] == asked(repo, "history", "history", *words, "--json")["events"]
    assert churn.history()[-1].alias == "shadow"
    assert churn.registry.history()[-1].model == "other"


def test_a_registry_is_validated_and_verified(churn: RegisteredModel, repo: Repo) -> None:
    registry = churn.registry
    assert registry.validate().ok
    assert registry.validate(changed_since="HEAD").files < registry.validate().files
    for verification, words in (
        (registry.verify(), []),
        (churn.verify(content=True), ["churn", "--content"]),
        (churn["1.0.1"].verify(offline=True, strict=True), ["churn@1.0.1", "--offline", "--strict"]),
    ):
        told = asked(repo, "verify", "verify", *words, "--json")
        found = [finding.to_mapping() for finding in verification.findings]
        assert {"ok": verification.ok, "versions": verification.versions, "findings": found} == told
    repo.commit("by hand", {"registry/churn/1.0.1/manifest.yaml": "format: 1\n"}, at=int(time.time()))
    broken = registry.validate()
    found = [finding.to_mapping() for finding in broken.findings]
    assert {"ok": False, "files": broken.files, "findings": found} == asked(repo, "validate", "validate", "--json")
    assert not broken.ok
    assert registry.validate(ref="HEAD^").ok
    assert not registry.verify(offline=True).ok


def test_how_much_is_verified_is_asked_of_each(churn: RegisteredModel, repo: Repo) -> None:
    def reviewed(body: dict[str, Any]) -> None:
        body["gates"].append({"stage": "staging", "require": {"approvals": {"count": 1, "from": ["forge"]}}})
        body["people"] = {BO: {"github": "bo"}}

    change_policy(repo, reviewed)
    repo.git("merge", "-q", "--no-ff", "-m", "reviewed on the forge", churn["1.0.3"].propose("staging").branch)
    version = churn["1.0.3"]
    everywhere: tuple[Callable[..., Verification], ...] = (churn.registry.verify, churn.verify, version.verify)

    def codes(**options: bool) -> set[frozenset[str]]:
        """The errors that each of them finds."""
        found = [verify(**options).findings for verify in everywhere]
        return {frozenset(f.code for f in findings if f.severity == "error") for findings in found}

    assert codes() == {frozenset()}
    assert codes(strict=True) == {frozenset({"not-judged"})}
    shutil.rmtree(repo.path / ".dvc/cache")
    md5 = version.manifest.primary.md5
    path = f".dvc/remote/files/md5/{md5[:2]}/{md5[2:]}"
    repo.commit("altered", {path: "m0del 3"}, at=int(time.time()))
    assert (codes(), codes(content=True)) == ({frozenset()}, {frozenset({"content"})})
    repo.git("rm", "-q", path)
    repo.commit("tidy", at=int(time.time()))
    assert (codes(), codes(offline=True)) == ({frozenset({"object-missing"})}, {frozenset()})


def test_a_clone_without_its_history_cannot_tell(repo: Repo, tmp_path: Path) -> None:
    churn = Registry(repo.clone(tmp_path / "shallow", "--depth=1").path)["churn"]
    for ask in (churn.history, churn.registry.history, churn.verify, churn.registry.verify, churn.latest().verify):
        with pytest.raises(UnavailableError, match="shallow"):
            ask()


@pytest.mark.usefixtures("clock")
def test_a_proposal_is_judged(churn: RegisteredModel, repo: Repo, tmp_path: Path) -> None:
    def reviewed(body: dict[str, Any]) -> None:
        approvals = {"count": 1, "role": "reviewer", "from": ["signature", "forge"]}
        body["gates"].append({"stage": "production", "require": {"approvals": approvals}})
        body |= {"roles": {"reviewer": [BO]}, "people": {BO: {"github": "bo"}}}

    change_policy(repo, reviewed)
    registry, version = churn.registry, churn["1.0.2"]
    assert registry.proposals() == churn.proposals() == ()
    proposed = version.propose("production", reason="better")
    assert (proposed.branch, proposed.title) == ("promote/churn/1.0.2/production", "Promote churn 1.0.2 to production")
    assert "better" in proposed.body
    assert not version.propose("production").made
    told = asked(repo, "proposals", "proposals", "--json")["proposals"]
    assert proposals_mapping(registry.proposals(), wiring.now()) == told
    assert churn.proposals() == registry.proposals()
    base = ("main", proposed.branch)
    refused = registry.gate(*base)
    assert not refused.allowed
    assert refused.to_mapping() == asked(repo, "gate", "gate", "--base", base[0], "--head", base[1], "--format", "json")
    reviews = tmp_path / "reviews.json"
    at = {"commit": str(proposed.commit), "submitted_at": "2026-11-01T00:00:00Z"}
    reviews.write_text(json.dumps([{"account": "bo", "state": "APPROVED", **at}]))
    assert registry.gate(*base, reviews=reviews).allowed
    nowhere: Any = None  # what os.environ.get says of a variable that is not set
    for refs in ((base[0], nowhere), (nowhere, base[1]), ("", base[1])):
        with pytest.raises(NotFoundError):
            registry.gate(*refs)
    tested = version.test_policy("production")
    assert not tested.met
    assert tested.to_mapping() == asked(repo, "policy-test", "policy", "test", "churn@1.0.2", "production", "--json")
    other = registry.register("other", artifacts=[artifact(tmp_path, "other")])
    assert not version.propose("production").made
    assert version.propose("production", refresh=True).made
    other.propose("archived")
    assert [proposal.name.model for proposal in registry.proposals()] == ["churn", "other"]
    assert [proposal.name.model for proposal in churn.proposals()] == ["churn"]


def test_evidence_and_approvals_are_listed(churn: RegisteredModel, repo: Repo, keys: dict[str, Key]) -> None:
    version = churn["1.0.2"]
    assert (version.evidence(), version.approvals()) == ((), ())
    stated = version.add_evidence("evaluation", EVALUATION)
    assert (stated.commit, stated.signer) == (repo.head, None)
    assert version.add_evidence("evaluation", EVALUATION).existing
    repo.git("config", "user.email", BO)
    done("approve", "churn", "1.0.2", "production", "--key", keys["bo"].path, registry=repo.path)
    found = asked(repo, "evidence-list", "evidence", "list", "churn@1.0.2", "--json")["evidence"]
    assert [item.path for item in version.evidence()] == [entry["file"] for entry in found]
    (standing,) = version.approvals()
    assert (standing.item.signer, standing.branch) == (BO, "main")
    (told,) = asked(repo, "approvals", "approval", "list", "churn@1.0.2", "--json")["approvals"]
    assert (standing.counts, standing.item.path) == (told["counts"], told["file"])


def test_a_change_is_pushed_with_it_or_does_not_happen(churn: RegisteredModel, repo: Repo, tmp_path: Path) -> None:
    server = repo.bare(tmp_path / "server.git")
    churn.annotate(description="here only")
    assert server.rev("main") != repo.head
    acts: list[Callable[[], object]] = [
        lambda: churn.annotate(description="who leaves", push=True),
        lambda: churn["1.0.2"].set_alias("shadow", push=True),
        lambda: churn.remove_alias("shadow", push=True),
        lambda: churn["1.0.2"].annotate(description="x", push=True),
        lambda: churn["1.0.2"].add_evidence("evaluation", EVALUATION, push=True),
        lambda: churn.promote("production", push=True),
        lambda: churn.rollback(cause="it fell", push=True),
        lambda: churn["1.0.2"].set_stage("staging", push=True),
        lambda: churn.monitor({"f1": 0.1}, push=True),
    ]
    for act in acts:
        act()
        assert server.rev("main") == repo.head
    branch = churn["1.0.3"].propose("staging", push=True).branch
    assert server.rev(branch) == repo.rev(branch)
    churn.retire("nobody asks it", push=True)
    assert server.rev("main") == repo.head
    server.path.rename(tmp_path / "gone.git")
    before = everything(repo)
    with pytest.raises(UnavailableError):
        churn.annotate(description="y", push=True)
    assert everything(repo) == before


def test_one_text_where_several_may_be_is_one(repo: Repo, tmp_path: Path) -> None:
    """And not its letters: of `artifacts="model.json"` there is no file `m`."""
    registry, file = Registry(repo.path), artifact(tmp_path, "alone")
    made = registry.register("churn", artifacts=str(file), data=file, parents="churn@1.0.0", alias="only")
    assert [item.path for item in made.manifest.artifacts if item.role == "model"] == [file.name]
    assert made.aliases == ("only",)
    assert [row.version for row in registry.search("model = churn", order_by="version desc", limit=1)] == [made.version]
    made.annotate(tags={"team": "risk", "t": "1"})
    made.annotate(untag="team")
    assert made.tags == {"t": "1"}
