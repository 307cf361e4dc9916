"""The log of landings says what the history says, wherever the branch has been, and whatever becomes of its file."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from modelreg.adapters import history, landing_log, sealed_file
from modelreg.adapters.door import Door
from modelreg.adapters.landing_log import NAME, LandingLog
from modelreg.adapters.repository import GitRepository
from modelreg.domain.history import Landing, Line, registrations
from modelreg.domain.layout import Layout
from modelreg.domain.plan import CommitId, Plan
from modelreg.errors import UnavailableError
from tests.support import Repo

LAYOUT = Layout()
MODEL = "churn"


def manifest(version: str, model: str = MODEL) -> dict[str, str]:
    return {f"registry/{model}/{version}/manifest.yaml": f"{model} {version}\n"}


@pytest.fixture
def registry(repo: Repo) -> Repo:
    repo.commit("found", {"registry/policy.yaml": "1\n", "registry/registry.yaml": "1\n", "train.py": "1\n"})
    repo.commit("one", manifest("1.0.0") | manifest("1.0.0", "spam"))
    return repo


def line(repo: Repo, ref: str = "main") -> Line:
    """What the log says, which is what the history says."""
    repository = GitRepository.open(repo.path)
    tip = repository.resolve(ref)
    assert tip is not None
    found = LandingLog(repository.git).line(tip, LAYOUT, MODEL)
    landings, *_ = landing_log._walked(repository.git, tip, LAYOUT, MODEL)
    assert (found.landings, found.registered) == (
        landings,
        repository.first_commits(tip, registrations(landings)) if landings else {},
    )
    return found


def land(repo: Repo, files: Mapping[str, str]) -> CommitId:
    """By modelreg, which notes it."""
    repository = GitRepository.open(repo.path)
    plan = {path: text.encode() for path, text in files.items()}
    landed = repository.land(lambda base: Plan("main", base, plan, "m", 1_700_000_600), "main")
    assert landed is not None
    repository.note(LAYOUT, landed)
    return landed.commit


def tip_of_the_log(repo: Repo) -> str | None:
    """Where the log ends, if there is one to be believed."""
    with LandingLog(GitRepository.open(repo.path).git)._file.reading() as db:
        row = None if db is None else db.execute("SELECT tip FROM registry").fetchone()
        return row and str(row[0])


def test_a_log_that_is_open_goes_on_with_what_it_read(registry: Repo) -> None:
    """Also where a manifest is added again as it was: its tag points at where it came first."""
    repository = GitRepository.open(registry.path)
    log = LandingLog(repository.git)
    path = "registry/churn/1.0.0/manifest.yaml"

    def grow(step: int) -> None:
        if step == 2:
            registry.git("rm", "-q", path)
        files = {2: {}, 3: manifest("1.0.0")}.get(step, manifest(f"1.{step}.0"))
        registry.commit(str(step), files)

    for step in range(1, 6):
        grow(step)
        tip = CommitId(registry.head)
        landings = landing_log._walked(repository.git, tip, LAYOUT, MODEL)[0]
        found = log.line(tip, LAYOUT, MODEL)
        assert list(found.landings) == list(landings)
        assert found.registered == repository.first_commits(tip, registrations(landings))


def test_only_what_tags_tell_of(registry: Repo) -> None:
    registry.commit("other", {"registry/churn/1.0.0/evidence/x.yaml": "1\n", "train.py": "2\n"})
    paths = [change.path for landing in line(registry).landings for change in landing.changes]
    assert paths == ["registry/policy.yaml", "registry/churn/1.0.0/manifest.yaml"]


def test_it_goes_on_from_what_it_knows(registry: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    line(registry)
    asked = []
    real = history.landings

    def landings(git: Door, tip: CommitId, prefix: str, since: CommitId | None = None) -> Sequence[Landing]:
        asked.append(since)
        return real(git, tip, prefix, since)

    before = registry.head
    registry.commit("two", manifest("2.0.0"))
    repository = GitRepository.open(registry.path)
    monkeypatch.setattr(history, "landings", landings)
    LandingLog(repository.git).line(CommitId(registry.head), LAYOUT, MODEL)
    assert asked == [before]
    LandingLog(repository.git).line(CommitId(registry.head), LAYOUT, MODEL)
    assert asked == [before]


def test_a_landing_of_modelreg_is_noted(registry: Repo) -> None:
    line(registry)
    commit = land(registry, manifest("2.0.0") | manifest("1.0.0") | {"registry/churn/stages.yaml": "1\n"})
    assert tip_of_the_log(registry) == commit
    assert line(registry).landings[-1].commit == commit
    commit = land(registry, {"registry/policy.yaml": "2\n"})
    assert tip_of_the_log(registry) == commit
    assert [change.status for change in line(registry).landings[-1].changes] == ["M"]


def test_a_landing_on_what_the_log_does_not_know_is_found_later(registry: Repo) -> None:
    line(registry)
    known = tip_of_the_log(registry)
    registry.commit("by hand", manifest("2.0.0"))
    land(registry, manifest("3.0.0"))
    assert tip_of_the_log(registry) == known
    assert len(line(registry).landings) == 4


def test_a_landing_of_one_registry_leaves_the_others_log(registry: Repo) -> None:
    line(registry)
    registry.commit("sub", {"ml/registry/policy.yaml": "1\n"})
    repository, sub = GitRepository.open(registry.path), Layout("ml")
    repository.line(CommitId(registry.head), sub, MODEL)
    repository.line(CommitId(registry.head), LAYOUT, MODEL)
    plan = {"ml/registry/churn/1.0.0/manifest.yaml": b"1\n"}
    landed = repository.land(lambda base: Plan("main", base, plan, "m", 1_700_000_600), "main")
    assert landed is not None
    repository.note(sub, landed)
    assert len(repository.line(landed.commit, sub, MODEL).landings) == 2
    line(registry)


def kept(repo: Repo, account: str) -> GitRepository:
    """A clone whose log has an account of the model up to its tip."""
    repository = GitRepository.open(repo.path)
    repository.line(CommitId(repo.head), LAYOUT, MODEL)
    repository.keep_account(CommitId(repo.head), LAYOUT, MODEL, account)
    return repository


def told(repository: GitRepository, repo: Repo) -> tuple[str, list[str]]:
    """The account, and the files that landed since."""
    found = repository.line(CommitId(repo.head), LAYOUT, MODEL)
    return found.account, [
        change.path.removeprefix("registry/") for landing in found.landings for change in landing.changes
    ]


def test_an_account_stands_for_what_landed_before_it(registry: Repo) -> None:
    repository = kept(registry, "one")
    assert told(repository, registry) == ("one", ["policy.yaml"])
    registry.commit("two", manifest("2.0.0") | manifest("2.0.0", "spam") | {"registry/policy.yaml": "2\n"})
    assert told(repository, registry) == ("one", ["policy.yaml", "churn/2.0.0/manifest.yaml", "policy.yaml"])
    repository = kept(registry, "two")
    assert told(repository, registry) == ("two", ["policy.yaml", "policy.yaml"])


@pytest.mark.parametrize("how", ["changed", "removed", "removed before"])
def test_no_account_of_what_was_changed_or_removed(registry: Repo, how: str) -> None:
    path = next(iter(manifest("1.0.0")))
    if how == "removed before":
        registry.git("rm", "-q", path)
        registry.commit("gone")
    repository = kept(registry, "one")
    if how == "removed":
        registry.git("rm", "-q", path)
    registry.commit("other", {path: "other\n"} if how == "changed" else {"x": "1\n"})
    account, paths = told(repository, registry)
    assert account == ""
    assert paths[:2] == ["policy.yaml", "churn/1.0.0/manifest.yaml"]


def test_an_account_holds_until_the_next_merge(registry: Repo) -> None:
    """Which may bring an older commit that holds a manifest."""
    repository = kept(registry, "one")
    for name in ("topic", "other"):
        registry.git("switch", "-q", "-c", name)
        registry.commit(name, manifest(f"2.0.0-{name}"))
        registry.git("switch", "-q", "main")
        registry.commit(f"beside {name}", {name: "1\n"})
        registry.git("merge", "-q", "--no-edit", name)
        assert told(repository, registry)[0] == ""
        repository = kept(registry, name)
        assert told(repository, registry)[0] == name
        registry.commit(f"after {name}", manifest(f"3.0.0-{name}"))
        account, paths = told(repository, registry)
        assert (account, paths) == (name, ["policy.yaml", f"churn/3.0.0-{name}/manifest.yaml"])
        found = repository.line(CommitId(registry.head), LAYOUT, MODEL)
        assert (found.walked, list(found.registered.values())) == (True, [registry.head])


def test_no_account_of_another_history(registry: Repo) -> None:
    registry.commit("two", manifest("2.0.0"))
    repository = kept(registry, "two")
    registry.git("reset", "-q", "--hard", "HEAD~")
    assert told(repository, registry) == ("", ["policy.yaml", "churn/1.0.0/manifest.yaml"])
    repository.keep_account(CommitId("0" * 40), LAYOUT, MODEL, "elsewhere")
    assert told(repository, registry)[0] == ""


def test_a_branch_that_was_rewritten(registry: Repo) -> None:
    base = registry.head
    registry.commit("two", manifest("2.0.0"))
    line(registry)
    registry.git("reset", "-q", "--hard", base)
    registry.commit("other two", manifest("2.1.0"))
    assert len(line(registry).landings) == 3
    assert len(line(registry, base).landings) == 2  # back again, as after a reset


def test_a_commit_that_is_gone(registry: Repo) -> None:
    base = registry.head
    registry.commit("two", manifest("2.0.0"))
    line(registry)
    registry.git("reset", "-q", "--hard", base)
    registry.git("reflog", "expire", "--expire=now", "--all")
    registry.git("gc", "-q", "--prune=now")
    registry.commit("other two", manifest("2.1.0"))
    assert len(line(registry).landings) == 3


def test_a_merge_before_what_it_knows(registry: Repo) -> None:
    """Tags point at the topic's commit, which is no landing; and still do after landings without merges."""
    registry.git("switch", "-qc", "topic")
    topic = registry.commit("topic", manifest("2.0.0"))
    registry.git("switch", "-q", "main")
    registry.commit("aside", {"train.py": "2\n"})
    line(registry)
    registry.git("merge", "-q", "--no-ff", "--no-edit", "topic")
    path = next(iter(manifest("2.0.0")))
    assert line(registry).registered[path] == topic
    land(registry, manifest("3.0.0"))
    assert line(registry).registered[path] == topic
    registry.commit("aside", {"train.py": "3\n"})
    assert line(registry).registered[path] == topic


def test_F10_a_shallow_clone_has_no_log(registry: Repo, tmp_path: Path) -> None:
    clone = registry.clone(tmp_path / "clone", "--depth=1")
    with pytest.raises(UnavailableError, match="the clone is shallow"):
        line(clone)


def test_a_bare_repository_and_sha256(tmp_path: Path) -> None:
    repo = Repo.init(tmp_path / "repo", object_format="sha256")
    repo.commit("one", manifest("1.0.0"))
    bare = repo.clone(tmp_path / "bare", "--bare")
    line(bare)
    land(bare, manifest("2.0.0"))
    assert tip_of_the_log(bare) == bare.rev("main")
    assert len(line(bare).landings) == 2


# --- its file


def file_of(repo: Repo) -> Path:
    return repo.path / ".git" / "modelreg" / f"{NAME}.sqlite"


def test_F07_a_folder_where_nothing_can_be_written(registry: Repo) -> None:
    (registry.path / ".git" / "modelreg").write_text("in the way\n")
    assert len(line(registry).landings) == 2


def test_F06_a_log_that_another_process_writes_to_is_not_waited_for(registry: Repo) -> None:
    line(registry)
    with (file_of(registry).with_suffix(".held")).open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert len(line(registry).landings) == 2


@pytest.mark.parametrize("size", [0, 1, 100, 4096, 8192])
def test_a_log_that_was_cut_short(registry: Repo, size: int) -> None:
    line(registry)
    os.truncate(file_of(registry), size)
    assert len(line(registry).landings) == 2


def test_a_log_that_is_deleted_while_it_is_asked(registry: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at its seal and every later step."""
    real = sealed_file.SealedFile._connect
    for _ in range(2):
        line(registry)

        def connect(self: sealed_file.SealedFile) -> object:
            file_of(registry).unlink(missing_ok=True)
            return real(self)

        monkeypatch.setattr(sealed_file.SealedFile, "_connect", connect)
        assert len(line(registry).landings) == 2
        land(registry, {"train.py": "5\n"})
        monkeypatch.setattr(sealed_file.SealedFile, "_connect", real)
    assert len(line(registry).landings) == 2


@pytest.mark.parametrize("step", ["_append", "_changes"])
def test_F01_a_writer_that_is_killed_leaves_a_log_that_is_made_anew(registry: Repo, step: str) -> None:
    line(registry)
    registry.commit("two", manifest("2.0.0"))
    program = f"""
import os, signal, sys
from modelreg.adapters import landing_log
from tests.adapters.test_landing_log import land, line
from tests.support import Repo
from pathlib import Path
repo = Repo(Path(sys.argv[1]))
real = landing_log.{step}
def die(*arguments, **options):
    real(*arguments, **options)
    os.kill(os.getpid(), signal.SIGKILL)
if {step == "_changes"}:
    line(repo)
landing_log.{step} = die
land(repo, {{"registry/churn/3.0.0/manifest.yaml": "x"}}) if {step == "_changes"} else line(repo)
"""
    root = Path(__file__).parents[2]
    env = os.environ | {"PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"}
    done = subprocess.run([sys.executable, "-c", program, registry.path], env=env, capture_output=True, check=False)
    assert done.returncode == -9, done.stderr.decode()
    registry.git("reset", "-q", "--hard")
    line(registry)
    land(registry, manifest("4.0.0"))
    line(registry)
