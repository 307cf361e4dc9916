"""A registry at a URL: read through a cached clone without a work tree, written at the server."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from modelreg import Registry
from modelreg.adapters import clones, remote
from modelreg.adapters.clones import Clone
from modelreg.adapters.git import gits_words
from modelreg.adapters.remote_registry import RemoteRepository
from modelreg.domain.location import Freshness, Location
from modelreg.errors import (
    ConflictError,
    DeniedError,
    IntegrityError,
    NotARegistryError,
    NotFoundError,
    UnavailableError,
    UsageError,
)
from modelreg.services import open_sandbox
from modelreg.wiring import open_index, open_pushed, open_workspace
from tests.cli.runner import artifact, done, metrics, modelreg
from tests.support import Repo


@dataclass(frozen=True)
class Elsewhere:
    """A server with churn 1.0.0 in staging and 1.0.1, a clone that writes to it, and a cache of our own."""

    server: Repo
    clone: Repo
    cache: Path
    files: Path

    @property
    def url(self) -> str:
        return f"file://{self.server.path}"

    @property
    def kept(self) -> Path:
        (folder,) = (f for f in (self.cache / "registries").iterdir() if f.is_dir())
        return folder

    @property
    def mirror(self) -> Repo:
        return Repo(self.kept / "repository.git")

    def lost(self) -> None:
        """The network is down."""
        self.server.path.rename(self.server.path.with_name("gone.git"))

    def back(self) -> None:
        self.server.path.with_name("gone.git").rename(self.server.path)

    def blobs(self) -> int:
        """How many blobs the cached clone holds."""
        told = self.mirror.git("cat-file", "--batch-check=%(objecttype)", "--batch-all-objects")
        return told.splitlines().count("blob")

    def promote(self, version: str, stage: str) -> None:
        done("stage", "set", "churn", version, stage, "--push", registry=self.clone.path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `there` copies; the storage is absolute, so that consumers without a clone can use it."""
    folder = tmp_path_factory.mktemp("made")
    repo, files = Repo.init(folder / "clone"), folder / "files"
    done("init", "--policy", "open", "--remote", folder / "storage", registry=repo.path)
    for f1 in (0.8, 0.9):
        done(
            "register",
            "churn",
            artifact(files, f"a model of {f1}"),
            "--metrics",
            metrics(files, f1),
            registry=repo.path,
        )
    done("stage", "set", "churn", "1.0.0", "staging", registry=repo.path)
    server = repo.bare(folder / "server.git")
    server.git("config", "uploadpack.allowFilter", "true")
    return folder


@pytest.fixture
def there(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Elsewhere:
    server = Repo(made / "server.git").copy(tmp_path / "server.git")
    clone = Repo(made / "clone").copy(tmp_path / "clone")
    clone.git("remote", "set-url", "origin", str(server.path))
    shutil.copytree(made / "files", tmp_path / "files")
    monkeypatch.setenv("MODELREG_CACHE", str(tmp_path / "cache"))
    return Elsewhere(server, clone, tmp_path / "cache", tmp_path / "files")


QUESTIONS = (
    ("list",),
    ("search", "metrics.f1 > 0.85"),
    ("show", "churn@1.0.0"),
    ("stage", "get", "churn", "staging"),
    ("stage", "list", "churn"),
    ("history", "churn"),
    ("compare", "churn@1.0.0", "churn@1.0.1"),
    ("lineage", "churn@1.0.1"),
    ("evidence", "list", "churn@1.0.0"),
)


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_a_question_is_answered_as_in_a_clone(there: Elsewhere, question: tuple[str, ...]) -> None:
    expected = done(*question, "--json", registry=there.clone.path).out
    assert done(*question, "--json", "--registry", there.url).out == expected
    there.lost()
    assert done(*question, "--json", "--registry", there.url, "--offline").out == expected


def test_few_blobs_are_fetched_and_in_few_goes(
    there: Elsewhere, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No blob comes with the clone; then the documents of a folder come together, and once."""
    goes: list[int] = []
    fetch = remote.fetch_objects

    def counted(git: Any, ids: Any) -> None:
        ids = list(ids)
        goes.append(len(ids))
        fetch(git, ids)

    monkeypatch.setattr(remote, "fetch_objects", counted)
    registry = Registry(there.url)
    registry.get("churn#staging").pull(tmp_path / "out")
    assert len(goes) <= 3
    assert sum(goes) == there.blobs() <= 12
    Registry(there.url).get("churn#staging").pull(tmp_path / "again")
    assert len(goes) <= 3


def test_many_manifests_come_in_one_go(there: Elsewhere, monkeypatch: pytest.MonkeyPatch) -> None:
    goes: list[int] = []
    fetch = remote.fetch_objects

    def counted(git: Any, ids: Any) -> None:
        goes.append(1)
        fetch(git, ids)

    monkeypatch.setattr(remote, "fetch_objects", counted)
    workspace = open_workspace(Location.parse(there.url))
    told = open_index(workspace).history(workspace.tip())
    assert told is not None
    assert [event.kind for event in told] == ["manifest", "manifest", "transition"]
    assert len(goes) <= 3


def test_a_server_without_filters_gives_all(there: Elsewhere) -> None:
    there.server.git("config", "uploadpack.allowFilter", "false")
    assert done("stage", "get", "churn", "staging", "--registry", there.url).out == "1.0.0\n"
    assert there.blobs() > 12


# -- freshness


def test_each_read_sees_what_the_server_has(there: Elsewhere) -> None:
    registry = Registry(there.url)
    assert str(registry.get("churn#staging").version) == "1.0.0"
    there.promote("1.0.1", "staging")
    assert str(registry.get("churn#staging").version) == "1.0.1"
    there.promote("1.0.1", "production")
    assert done("stage", "get", "churn", "production", "--registry", there.url).out == "1.0.1\n"


def test_a_young_fetch_is_not_repeated(there: Elsewhere) -> None:
    patient = Registry(there.url, max_age=3600)
    assert str(patient.get("churn#staging").version) == "1.0.0"
    there.promote("1.0.1", "staging")
    there.lost()
    assert str(patient.get("churn#staging").version) == "1.0.0"
    assert done("stage", "get", "churn", "staging", "--registry", there.url, "--max-age", "60").out == "1.0.0\n"
    there.back()
    long_ago = time.time() - 7200
    os.utime(there.kept / "fetched", (long_ago, long_ago))
    assert str(patient.get("churn#staging").version) == "1.0.1"


def test_A28_an_old_fetch_is_no_answer_when_the_network_is_down(there: Elsewhere) -> None:
    question = ("stage", "get", "churn", "staging", "--registry", there.url)
    done(*question)
    there.lost()
    refused = modelreg(*question)
    assert (refused.code, refused.out) == (4, "")
    assert "--offline answers from the cache" in refused.err
    long_ago = time.time() - 120
    os.utime(there.kept / "fetched", (long_ago, long_ago))
    assert modelreg(*question, "--max-age", "60").code == 4
    assert modelreg(*question, "--max-age", "600").out == "1.0.0\n"


def test_A28_a_fetch_of_the_future_is_not_young(there: Elsewhere) -> None:
    Registry(there.url)
    later = time.time() + 7200
    os.utime(there.kept / "fetched", (later, later))
    there.promote("1.0.1", "production")
    assert str(Registry(there.url, max_age=60).get("churn#production").version) == "1.0.1"


def test_offline_says_so_and_asks_nothing(there: Elsewhere, monkeypatch: pytest.MonkeyPatch) -> None:
    question = ("stage", "get", "churn", "staging", "--registry", there.url)
    done(*question)
    there.promote("1.0.1", "staging")
    answered = done(*question, "--offline")
    assert answered.out == "1.0.0\n"
    assert f"offline: {there.url} as of 20" in answered.err
    monkeypatch.setenv("MODELREG_OFFLINE", "1")
    assert done(*question).out == "1.0.0\n"
    assert str(Registry(there.url).get("churn#staging").version) == "1.0.0"
    never = modelreg("list", "--registry", "file:///nowhere/registry.git")
    assert (never.code, "was never fetched" in never.err) == (4, True)
    refused = modelreg("stage", "set", "churn", "1.0.0", "production", "--registry", there.url)
    assert (refused.code, "offline" in refused.err) == (4, True)


def test_offline_does_not_ask_for_what_is_missing(there: Elsewhere) -> None:
    done("stage", "get", "churn", "staging", "--registry", there.url)
    refused = modelreg("show", "churn@1.0.1", "--registry", there.url, "--offline")
    assert (refused.code, "never fetched" in refused.err) == (4, True)


@pytest.mark.parametrize("age", [-1.0, math.nan])
def test_an_age_is_a_number_of_seconds(there: Elsewhere, age: float) -> None:
    with pytest.raises(UsageError):
        Registry(there.url, max_age=age)
    assert modelreg("list", "--registry", there.url, "--max-age", str(age)).code == 2


def test_the_environment_says_how_old(there: Elsewhere, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELREG_MAX_AGE", "3600")
    registry = Registry(there.url)
    there.promote("1.0.1", "staging")
    assert str(registry.get("churn#staging").version) == "1.0.0"
    assert done("stage", "get", "churn", "staging", "--registry", there.url).out == "1.0.0\n"
    monkeypatch.setenv("MODELREG_MAX_AGE", "soon")
    with pytest.raises(UsageError, match="MODELREG_MAX_AGE"):
        Registry(there.url)


def test_a_model_is_there_offline_once_it_was_pulled(there: Elsewhere, tmp_path: Path, made: Path) -> None:
    done("pull", "churn#staging", "--to", tmp_path / "one", "--registry", there.url)
    storage = made / "storage"
    storage.rename(made / "away")
    there.lost()
    try:
        done("pull", "churn#staging", "--to", tmp_path / "two", "--registry", there.url, "--offline")
    finally:
        (made / "away").rename(storage)
    assert (tmp_path / "two/model.json").read_bytes() == (tmp_path / "one/model.json").read_bytes()


def test_a_model_is_trained_registered_and_loaded_without_a_clone(
    there: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And loaded again when neither git's server nor the storage answers; one fetch of the branch a load."""
    pytest.importorskip("skops")
    from sklearn.linear_model import LogisticRegression

    rows, labels = [[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1]
    job = Registry(there.url)
    made = job.register("churn_predictor", model=LogisticRegression().fit(rows, labels), metrics={"f1": 1.0})
    made.set_stage("production", reason="the first")
    consumer = Registry(there.url)
    fetched: list[str] = []
    fetch = remote.fetch

    def counted(git: Any, branch: str) -> None:
        fetched.append(branch)
        fetch(git, branch)

    monkeypatch.setattr(remote, "fetch", counted)
    assert list(consumer.load("churn_predictor#production").predict(rows)) == labels
    assert fetched == ["main"]
    there.lost()
    with pytest.raises(UnavailableError):
        consumer.load("churn_predictor#production")
    assert list(Registry(there.url, offline=True).load("churn_predictor#production").predict(rows)) == labels
    assert list(Registry(there.url, max_age=math.inf).load("churn_predictor#production").predict(rows)) == labels


# -- what was seen last


def test_A28_a_server_that_went_back_is_refused(there: Elsewhere) -> None:
    question = ("stage", "get", "churn", "staging", "--registry", there.url)
    done(*question)
    seen = there.server.git("rev-parse", "main")
    older = there.server.git("rev-parse", "main~1")
    there.server.git("update-ref", "refs/heads/main", older)
    for _ in range(2):  # it stays so
        refused = modelreg(*question)
        assert (refused.code, refused.out) == (3, "")
        assert f"was at {seen} and went back to {older}" in refused.err
        assert f"modelreg cache forget {there.url}" in refused.err
    assert modelreg("pull", "churn@1.0.0", "--registry", there.url, "--to", there.files / "out").code == 3
    with pytest.raises(IntegrityError):
        Registry(there.url).get("churn@1.0.0")
    with pytest.raises(IntegrityError):
        Registry(there.url)["churn"].latest().set_stage("production")
    done("cache", "forget", there.url)
    assert modelreg(*question).code == 1  # in the older state nothing is in staging


def test_A29_a_history_that_was_rewritten_is_refused(there: Elsewhere) -> None:
    done("list", "--registry", there.url)
    seen = there.server.git("rev-parse", "main")
    tree = there.server.git("rev-parse", "main^{tree}")
    other = there.server.git(
        "-c", "user.name=x", "-c", "user.email=x@y", "commit-tree", "-m", "other", "-p", "main~1", tree
    )
    there.server.git("update-ref", "refs/heads/main", other)
    refused = modelreg("list", "--registry", there.url)
    assert refused.code == 3
    assert f"was at {seen} and was rewritten: it is {other} now" in refused.err
    assert there.mirror.rev("refs/remotes/origin/main") == seen
    there.server.git("update-ref", "-d", "refs/heads/main")
    assert "no branch main any more" in modelreg("list", "--registry", there.url).err
    there.server.git("update-ref", "refs/heads/main", seen)
    done("list", "--registry", there.url)


# -- writing


def test_all_writes_land_at_the_server(there: Elsewhere) -> None:
    where = ("--registry", there.url)
    done("register", "churn", artifact(there.files, "new"), "--metrics", metrics(there.files, 0.95), *where)
    done("stage", "set", "churn", "1.0.2", "production", "-m", "best", *where)
    done("alias", "set", "churn", "champion", "1.0.2", *where)
    done("evidence", "add", "churn@1.0.2", "--type", "evaluation", "--metrics", metrics(there.files, 0.96), *where)
    done("stage", "set", "churn", "1.0.2", "archived", *where)
    done("rollback", "churn", "--cause", "worse", *where)
    done("withdraw", "churn", "1.0.1", "-m", "leaks", *where)
    landed = there.server.git("log", "--format=%s", "-7", "main").splitlines()
    words = [line.split(" ")[0] for line in landed]
    assert words == ["Withdraw", "Roll", "Archive", "Add", "Point", "Promote", "Register"]
    assert done("stage", "get", "churn", "production", *where).out == "1.0.2\n"
    there.clone.git("pull", "-q", "--ff-only", "--tags")
    done("verify", registry=there.clone.path)
    done("verify", *where)
    assert there.mirror.git("for-each-ref", "--format=%(refname)", "refs/heads") == ""


def test_a_proposal_is_pushed_and_seen(there: Elsewhere) -> None:
    where = ("--registry", there.url)
    proposed = done("propose", "churn", "1.0.1", "production", "-m", "good", *where)
    assert "git push" not in proposed.err
    assert there.server.rev("refs/heads/promote/churn/1.0.1/production") is not None
    assert "1.0.1" in done("proposals", *where).out
    there.server.git("update-ref", "-d", "refs/heads/promote/churn/1.0.1/production")
    assert "1.0.1" not in done("proposals", *where).out


def test_F05_a_push_that_is_refused_leaves_nothing(there: Elsewhere) -> None:
    done("list", "--registry", there.url)
    hook = there.server.path / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
    hook.chmod(0o755)
    seen = there.server.git("rev-parse", "main")
    refused = modelreg("stage", "set", "churn", "1.0.0", "production", "--registry", there.url)
    assert (refused.code, "not today" in refused.err) == (1, True)
    assert there.mirror.git("for-each-ref", "--format=%(refname) %(objectname)") == f"refs/remotes/origin/main {seen}"
    hook.unlink()
    done("stage", "set", "churn", "1.0.0", "production", "--registry", there.url)


def test_F03_writers_without_clones_race_and_all_land(there: Elsewhere, tmp_path: Path) -> None:
    """Four processes, two caches: each alias lands once."""
    code = "import sys; from modelreg.__main__ import main; sys.exit(main())"
    running = []
    for n in range(4):
        command = ["alias", "set", "churn", f"name-{n}", "1.0.0", "--registry", there.url]
        env = {
            **os.environ,
            "MODELREG_CACHE": str(tmp_path / f"cache-{n % 2}"),
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        running.append(subprocess.Popen([sys.executable, "-c", code, *command], env=env, stderr=subprocess.PIPE))
    for process in running:
        _, err = process.communicate()
        assert process.returncode == 0, err
    assert len(json.loads(done("stage", "list", "churn", "--json", "--registry", there.url).out)["aliases"]) == 4


# -- the cached clone


def test_credentials_are_nowhere_in_the_cache(there: Elsewhere, monkeypatch: pytest.MonkeyPatch) -> None:
    """They go to git by its environment."""
    clone = Clone.of("https://ann:s3cret-token@example.org/team/registry.git")
    assert clone.url == "https://example.org/team/registry.git"
    assert Clone.of(clone.url).folder == clone.folder
    asked: list[dict[str, str]] = []

    def head_branch(door: Any) -> None:
        asked.append(door.git.environment(network=True))

    monkeypatch.setattr(remote, "head_branch", head_branch)
    made_with: list[bytes] = []
    rmtree = shutil.rmtree

    def look(path: Any, **more: Any) -> None:
        made_with.extend(p.read_bytes() for p in Path(path).rglob("*") if p.is_file())
        rmtree(path, **more)

    monkeypatch.setattr(shutil, "rmtree", look)
    with pytest.raises(NotARegistryError) as caught:
        clone.make()
    assert made_with
    assert not any(b"s3cret" in data for data in made_with)
    assert "s3cret" not in str(caught.value)
    values = {v for k, v in asked[0].items() if k.startswith("GIT_CONFIG_")}
    assert "url.https://ann:s3cret-token@example.org/team/registry.git.insteadOf" in values


SSH = (
    "fatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand so on.\n"
)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("git@h: Permission denied (publickey).\n", "git@h: Permission denied (publickey)."),
        (
            "Warning: Permanently added 'h' to the list\nHost key verification failed.\n",
            "Host key verification failed.",
        ),
        ("ERROR: Repository not found.\n", "ERROR: Repository not found."),
        ("ssh: Could not resolve hostname h: unknown\n", "ssh: Could not resolve hostname h: unknown"),
        ("fatal: '/x' does not appear to be a git repository\n", "fatal: '/x' does not appear to be a git repository"),
        ("", "fatal: Could not read from remote repository."),
    ],
)
def test_why_ssh_refused_is_told(said: str, told: str) -> None:
    assert gits_words(said + SSH) == told


def test_a_url_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELREG_CACHE", str(tmp_path / "cache"))
    url = f"file://{tmp_path}/nowhere.git"
    refused = modelreg("list", "--registry", url)
    assert refused.code == 4
    assert refused.err.startswith(f"error: {url} could not be asked: fatal: '{tmp_path}/nowhere.git' does not appear")


def test_credentials_are_not_repeated_in_messages() -> None:
    said = "fatal: unable to access 'https://ann:s3cret@example.org/x.git/': no route"
    assert gits_words(said) == "fatal: unable to access 'https://example.org/x.git/': no route"
    refused = modelreg("list", "--registry", "http://ann:s3cret@127.0.0.1:9/registry.git")
    assert refused.code == 4
    assert "s3cret" not in refused.err


@pytest.mark.parametrize(
    "url",
    ["ext::sh -c touch% x", "fd::17", "modelreg:///x", "modelreg:x", "git://host/x", "s3://bucket/x", "-upload-pack=x",
     "ssh://-oProxyCommand=x/y", "-x@host:y", "host:-x", "https://host", "file://host/x", "https://host/a b",
     "ssh://host/\n", "https://hos\u0442/x"],
)  # fmt: skip
def test_A23_what_is_no_url_starts_nothing(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MODELREG_CACHE", str(tmp_path / "cache"))
    refused = modelreg("list", f"--registry={url}")
    assert refused.code == 2, refused.err
    assert not list(tmp_path.iterdir())


def test_F01_a_clone_that_was_killed_is_made_again(there: Elsewhere, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import os, signal; from modelreg import Registry; from modelreg.adapters import clones\n"
        "clones.follow = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"Registry({there.url!r})\n"
    )
    killed = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert killed.returncode == -signal.SIGKILL
    left = [p for p in (there.cache / "registries").iterdir() if p.is_dir()]
    assert [p.name[0] for p in left] == ["."]
    assert done("stage", "get", "churn", "staging", "--registry", there.url).out == "1.0.0\n"
    assert there.kept.is_dir()


def test_two_that_clone_at_once_make_one(there: Elsewhere) -> None:
    code = f"from modelreg import Registry; assert str(Registry({there.url!r}).get('churn#staging').version) == '1.0.0'"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    running = [subprocess.Popen([sys.executable, "-c", code], env=env) for _ in range(4)]
    assert [process.wait() for process in running] == [0] * 4
    assert there.kept.is_dir()


def test_one_fetches_at_a_time(there: Elsewhere, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry(there.url)
    monkeypatch.setattr(clones, "WAIT_S", 0.1)
    with Clone.of(there.url).locked(), pytest.raises(ConflictError, match="fetching"):
        registry.get("churn#staging")


def test_a_clone_of_another_url_is_not_believed(there: Elsewhere) -> None:
    done("list", "--registry", there.url)
    there.mirror.git("config", "remote.origin.url", "file:///elsewhere.git")
    assert modelreg("list", "--registry", there.url).code == 3


def test_A21_nothing_of_the_cached_clone_runs(there: Elsewhere, tmp_path: Path) -> None:
    done("list", "--registry", there.url)
    marker = tmp_path / "ran"
    hooks = there.mirror.path / "hooks"
    hooks.mkdir()
    for name in ("reference-transaction", "post-merge", "pre-push"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {marker}\n")
        (hooks / name).chmod(0o755)
    there.mirror.git("config", "core.fsmonitor", f"touch {marker}")
    there.promote("1.0.1", "staging")
    done("stage", "set", "churn", "1.0.1", "production", "--registry", there.url)
    assert not marker.exists()


def test_many_packs_become_one(there: Elsewhere, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry(there.url)
    monkeypatch.setattr(clones, "MOST_PACKS", 2)
    for stage in ("production", "staging", "production"):
        there.promote("1.0.0", stage)
        assert str(registry.get(f"churn#{stage}").version) == "1.0.0"
    assert len(list((there.mirror.path / "objects/pack").glob("*.pack"))) <= 3
    done("verify", "--registry", there.url)


def test_the_branch_that_the_registry_names_is_followed(there: Elsewhere) -> None:
    """Whatever HEAD of the server is."""
    there.server.git("branch", "other", "main~3")
    there.server.git("symbolic-ref", "HEAD", "refs/heads/other")
    assert done("stage", "get", "churn", "staging", "--registry", there.url).out == "1.0.0\n"
    there.promote("1.0.1", "production")
    assert done("stage", "get", "churn", "production", "--registry", there.url).out == "1.0.1\n"


def test_A29_another_branch_holds_what_was_seen_or_is_refused(there: Elsewhere) -> None:
    """Whoever may land can name another protected branch; nobody thereby shows another history."""
    done("list", "--registry", there.url)
    there.clone.git("switch", "-q", "-c", "trunk", "main~2")
    renamed = there.clone.read("registry/registry.yaml").replace("branch: main", "branch: trunk")
    there.clone.commit("trunk", {"registry/registry.yaml": renamed})
    there.clone.git("push", "-q", "origin", "trunk")
    there.clone.git("switch", "-q", "main")
    seen, other = there.server.git("rev-parse", "main"), there.server.git("rev-parse", "trunk")
    there.clone.commit("main gives way", {"registry/registry.yaml": renamed})
    there.clone.git("push", "-q", "origin", "main")
    refused = modelreg("list", "--registry", there.url)
    assert (refused.code, f"trunk, at {other}, does not hold that commit" in refused.err) == (3, True), refused.err
    assert seen in there.server.git("rev-list", "main")
    there.clone.git("push", "-q", "--force", "origin", "main:trunk")
    done("list", "--registry", there.url)
    assert there.mirror.git("config", "modelreg.forwardonly") == "trunk"


def test_two_branches_that_name_each_other_are_no_registry(there: Elsewhere) -> None:
    text = there.clone.read("registry/registry.yaml")
    there.clone.git("switch", "-q", "-c", "other")
    there.clone.git("push", "-q", "origin", "other")
    there.clone.git("switch", "-q", "main")
    there.clone.commit("swap", {"registry/registry.yaml": text.replace("branch: main", "branch: other")})
    there.clone.git("push", "-q", "origin", "main")
    refused = modelreg("list", "--registry", there.url)
    assert (refused.code, "as the protected branch" in refused.err) == (1, True), refused.err


def test_what_is_no_registry_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELREG_CACHE", str(tmp_path / "cache"))
    empty = Repo.init(tmp_path / "empty.git", bare=True)
    said = modelreg("list", "--registry", f"file://{empty.path}")
    assert (said.code, "is empty" in said.err) == (4, True)
    other = Repo.init(tmp_path / "other")
    other.commit("first", {"README.md": "x"})
    said = modelreg("list", "--registry", f"file://{other.path}")
    assert (said.code, "no registry" in said.err) == (4, True)
    said = modelreg("list", "--registry", f"file://{tmp_path}/nowhere.git")
    assert (said.code, "could not be asked" in said.err) == (4, True)


@pytest.mark.parametrize(("root", "object_format"), [("ml/team", "sha1"), ("", "sha256"), ("modèles", "sha1")])
def test_F14_layouts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: str, object_format: str) -> None:
    monkeypatch.setenv("MODELREG_CACHE", str(tmp_path / "cache ü"))
    repo = Repo.init(tmp_path / "a clone", object_format=object_format)
    place = repo.path / root
    place.mkdir(exist_ok=True, parents=True)
    done("init", "--policy", "open", "--embedded", registry=place)
    done("register", "churn", artifact(tmp_path, "one"), registry=place)
    server = repo.bare(tmp_path / "server.git")
    url = f"file://{server.path}"
    done("register", "churn", artifact(tmp_path, "two"), "--registry", url)
    done("stage", "set", "churn", "1.0.1", "staging", "--registry", url)
    done("pull", "churn#staging", "--to", tmp_path / "out", "--registry", url)
    assert (tmp_path / "out/model.json").read_text() == "two"
    done("verify", "--registry", url)


def test_F10_a_bare_repository_is_a_path(there: Elsewhere) -> None:
    assert done("stage", "get", "churn", "staging", registry=there.server.path).out == "1.0.0\n"
    done("stage", "set", "churn", "1.0.1", "production", registry=there.server.path)
    assert done("stage", "get", "churn", "production", "--registry", there.url).out == "1.0.1\n"


def test_withdrawn_versions_are_refused(there: Elsewhere, tmp_path: Path) -> None:
    registry = Registry(there.url)
    version = registry.get("churn@1.0.1")
    done("withdraw", "churn", "1.0.1", "-m", "leaks", "--push", registry=there.clone.path)
    with pytest.raises(DeniedError, match="withdrawn"):
        version.pull(tmp_path / "out")


def test_what_needs_a_folder_says_so(there: Elsewhere) -> None:
    refused = modelreg("init", "--registry", there.url)
    assert (refused.code, "not a URL" in refused.err) == (2, True)
    workspace = open_workspace(Location.parse(there.url))
    with pytest.raises(UnavailableError, match="from a clone"):
        open_sandbox(workspace, workspace.tip())
    with pytest.raises(UsageError, match="not a URL"):
        open_pushed(Location.parse(there.url), [])


# -- the cache


def test_the_cache_is_told_and_forgotten(there: Elsewhere) -> None:
    assert "nothing is cached" in done("cache", "list").err
    done("list", "--registry", there.url)
    (entry,) = done("cache", "list", "--json").json("cache-list")["registries"]
    assert entry["url"] == there.url
    assert entry["head"] == there.server.git("rev-parse", "main")
    assert entry["size_bytes"] > 1000
    assert "file:///" in done("cache", "list").out
    done("cache", "forget", there.url)
    assert not [p for p in (there.cache / "registries").iterdir() if p.is_dir()]
    assert modelreg("cache", "forget", there.url).code == 1
    assert modelreg("cache", "forget", "a/path").code == 2


def test_the_users_cache_folder_is_the_platforms(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if sys.platform == "linux":
        assert clones.cache_folder() == tmp_path / "modelreg"


def test_a_cache_that_cannot_be_written_is_named(there: Elsewhere, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELREG_CACHE", str(there.files / "model.json"))
    refused = modelreg("list", "--registry", there.url)
    assert (refused.code, "MODELREG_CACHE" in refused.err) == (4, True)


def test_one_state_is_read_inside_settled(there: Elsewhere) -> None:
    repository = RemoteRepository.at(there.url, Freshness())
    with repository.settled():
        before = repository.branch_tip("main")
        there.promote("1.0.1", "staging")
        assert repository.branch_tip("main") == before
    assert repository.branch_tip("main") != before


def test_not_found_is_not_found(there: Elsewhere) -> None:
    with pytest.raises(NotFoundError):
        Registry(there.url).get("churn@9.9.9")
    with pytest.raises(UnavailableError):
        open_workspace(Path("/nowhere"))
