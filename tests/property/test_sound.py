"""`validate` with what it remembers finds what it finds without, whatever is done to files, rules and history."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from benchmarks.large import make

from modelreg.adapters import index_tree
from modelreg.adapters.documents import YamlDocuments
from modelreg.domain.document import Document
from modelreg.errors import ModelregError
from modelreg.registry.validate import Validation, validate
from modelreg.wiring import open_index, open_workspace
from tests.support import Repo

VERSIONS = 20


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    repo = Repo(make(tmp_path_factory.mktemp("made") / "repo", VERSIONS))
    repo.git("reset", "-q", "--hard")
    return repo


@pytest.fixture
def repo(made: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    monkeypatch.setattr(index_tree, "_TICK_NS", 20_000_000)  # tests do not wait as long as a user does
    return made.copy(tmp_path / "repo")


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The documents that were parsed."""
    seen: list[str] = []
    real = YamlDocuments.load

    def counted(self: YamlDocuments, data: bytes, file: str) -> Document:
        seen.append(file)
        return real(self, data, file)

    monkeypatch.setattr(YamlDocuments, "load", counted)
    return seen


def judged(repo: Repo, ref: str | None = None, *, index: bool = True) -> Validation:
    workspace = open_workspace(repo.path)
    return validate(workspace, ref=ref, index=open_index(workspace) if index else None)


def rest() -> None:
    """Until a write that follows has another time."""
    time.sleep(0.03)


def test_what_was_sound_is_not_read_again(repo: Repo, parsed: list[str]) -> None:
    first = judged(repo)
    assert not first.findings
    del parsed[:]
    assert judged(repo) == first
    assert not [path for path in parsed if path.count("/") > 1]
    path = max(repo.path.glob("registry/*/*/manifest.yaml"))
    path.write_text(path.read_text().replace("direction: higher", "direction: lower", 1))
    del parsed[:]
    assert any(f.code == "add-only" for f in judged(repo).findings)
    assert {name.split("/")[1] for name in parsed if name.count("/") > 1} == {path.parts[-3]}


def test_a_commit_is_judged_by_what_is_known_of_the_work_tree(repo: Repo, parsed: list[str]) -> None:
    judged(repo)
    del parsed[:]
    assert not judged(repo, "main").findings
    assert not [path for path in parsed if path.count("/") > 1]


def _manifest(repo: Repo, choice: random.Random) -> Path:
    return choice.choice(sorted(repo.path.glob("registry/*/*/manifest.yaml")))


def _touch(repo: Repo, choice: random.Random) -> None:
    os.utime(_manifest(repo, choice))


def _same_size_same_time(repo: Repo, choice: random.Random) -> None:
    path = _manifest(repo, choice)
    status = path.stat()
    path.write_bytes(path.read_bytes().replace(b"Ann", b"Bob"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _spoil(repo: Repo, choice: random.Random) -> None:
    path = choice.choice(sorted(repo.path.glob("registry/*/**/*.*")))
    if path.is_file():
        path.write_text(choice.choice(("a: [", "format: 1\n", "", "- 1\n")))


def _remove(repo: Repo, choice: random.Random) -> None:
    path = choice.choice(sorted(repo.path.glob("registry/*/**/*.*")))
    if path.is_file():
        path.unlink()


def _restore(repo: Repo, _: random.Random) -> None:
    repo.git("checkout", "-q", "-f", "main")
    repo.git("reset", "-q", "--hard")
    repo.git("clean", "-q", "-fdx")


def _mode(repo: Repo, choice: random.Random) -> None:
    _manifest(repo, choice).chmod(0o755)


def _link(repo: Repo, choice: random.Random) -> None:
    """A version's folder is moved away, and a symlink stands for it: the same inodes, and none of the tree's files."""
    folder = _manifest(repo, choice).parent
    if not folder.is_symlink():
        target = repo.path.parent / f"moved-{time.time_ns()}"
        folder.rename(target)
        folder.symlink_to(target)


def _policy(repo: Repo, choice: random.Random) -> None:
    path = repo.path / "registry/policy.yaml"
    old, new = choice.choice((("accuracy - ", "acc * "), ("serial: 1", "serial: 2"), ("archived}", "archve}")))
    path.write_text(path.read_text().replace(old, new))


def _dvc_yaml(repo: Repo, choice: random.Random) -> None:
    path = repo.path / "dvc.yaml"
    path.write_text(path.read_text().replace("1.0.0", choice.choice(("1.1.0", "9.0.0")), 1))


def _rival(repo: Repo, choice: random.Random) -> None:
    path = choice.choice(sorted(repo.path.glob("registry/*/model.yaml")))
    twin = path.parent.with_name(path.parent.name.replace("-", "_")) / "model.yaml"
    twin.parent.mkdir(exist_ok=True)
    twin.write_text(path.read_text())


def _commit(repo: Repo, choice: random.Random) -> None:
    """What was done lands: from then on history is broken, and stays so when it is undone."""
    repo.git("add", "-A")
    repo.git("commit", "-q", "--allow-empty", "-m", "x")


def _rewrite(repo: Repo, choice: random.Random) -> None:
    repo.git("reset", "-q", "--soft", choice.choice(("main~1", "main~3")))


STEPS: tuple[Callable[[Repo, random.Random], None], ...] = (
    _touch, _same_size_same_time, _spoil, _remove, _restore, _restore, _mode, _link, _policy, _dvc_yaml, _rival,
    _commit, _rewrite,
)  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_findings_are_the_same_with_and_without(repo: Repo, seed: int) -> None:
    choice = random.Random(seed)
    judged(repo)
    for _ in range(8):
        rest()
        step = choice.choice(STEPS)
        step(repo, choice)
        rest()
        for ref in (None, "main"):
            try:
                without = judged(repo, ref, index=False)
            except ModelregError as error:  # a registry that cannot be opened cannot be, either way
                with pytest.raises(type(error)):
                    judged(repo, ref)
                continue
            assert judged(repo, ref) == without, step
