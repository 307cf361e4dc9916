"""A registry that the command line made, and one thing broken in it: `validate` names the file and the line."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.runner import artifact, done, metrics, modelreg
from tests.support import Repo

CHURN = "registry/churn"
MANIFEST = f"{CHURN}/1.0.0/manifest.yaml"
POINTER = f"{CHURN}/1.0.0/model.json.dvc"
NOTES = f"{CHURN}/1.0.1/annotations.yaml"
STAGES = f"{CHURN}/stages.yaml"
FIRST = f"{CHURN}/transitions/0001.yaml"
DISPLACING = f"{CHURN}/transitions/0004.yaml"
POLICY = "registry/policy.yaml"
REGISTRY = "registry/registry.yaml"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models; churn has 1.0.0 archived, 1.0.1 in production and champion, 1.0.2 staging, 1.0.3 withdrawn."""
    base = tmp_path_factory.mktemp("made")
    repo = Repo.init(base / "repo")
    repo.commit("first", {"README.md": "hello\n"})
    top = repo.path
    done("init", "--embedded", registry=top)
    for index in range(4):
        model, measured = artifact(base, f"model {index}"), metrics(base, 0.8 + index / 100)
        done("register", "churn", model, "--metrics", measured, "-d", f"number {index}", registry=top)
    done("register", "price", artifact(base, "other"), registry=top)
    for version, stage in (
        ("1.0.0", "staging"),
        ("1.0.0", "production"),
        ("1.0.1", "staging"),
        ("1.0.1", "production"),
    ):
        done("stage", "set", "churn", version, stage, registry=top)
    done("alias", "set", "churn", "champion", "1.0.1", registry=top)
    done("stage", "set", "churn", "1.0.2", "staging", registry=top)
    done("stage", "set", "churn", "1.0.3", "staging", registry=top)
    done("withdraw", "churn", "1.0.3", "-m", "leaks", registry=top)
    done("stage", "set", "price", "1.0.0", "staging", registry=top)
    return top


@pytest.fixture
def registry(made: Path, tmp_path: Path) -> Repo:
    shutil.copytree(made, tmp_path / "copy", symlinks=True)
    return Repo(tmp_path / "copy")


Corrupt = Callable[[Repo], None]


def swap(path: str, old: str, new: str) -> Corrupt:
    """Replace the first `old` of a file, which must be there."""

    def change(repo: Repo) -> None:
        text = repo.read(path)
        assert old in text
        repo.write(path, text.replace(old, new, 1))

    return change


def append(path: str, text: str) -> Corrupt:
    return raw(path, lambda data: data + text.encode())


def add(path: str, text: str) -> Corrupt:
    def change(repo: Repo) -> None:
        repo.write(path, text)

    return change


def remove(path: str) -> Corrupt:
    return lambda repo: (repo.path / path).unlink()


def rename(old: str, new: str) -> Corrupt:
    def change(repo: Repo) -> None:
        (repo.path / old).rename(repo.path / new)

    return change


def mode(path: str, bits: int) -> Corrupt:
    return lambda repo: (repo.path / path).chmod(bits)


def raw(path: str, make: Callable[[bytes], bytes]) -> Corrupt:
    def change(repo: Repo) -> None:
        repo.write(path, make((repo.path / path).read_bytes()))

    return change


def link(path: str) -> Corrupt:
    def change(repo: Repo) -> None:
        place = repo.path / path
        place.rename(repo.path / "elsewhere.yaml")
        os.symlink(repo.path / "elsewhere.yaml", place)

    return change


def bomb(data: bytes) -> bytes:
    lines = [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]" for n in range(1, 30)]
    return data + ("a0: &a0 [x, x]\n" + "\n".join(lines) + "\n").encode()


CASES: dict[str, tuple[Corrupt, str]] = {
    "artifact digest": (swap(MANIFEST, 'sha256: "', 'sha256: "00'), MANIFEST),
    "md5 of a manifest": (swap(MANIFEST, 'md5: "', 'md5: "0" #'), MANIFEST),
    "edited metric": (swap(MANIFEST, "value: 0.8,", "value: 0.99,"), MANIFEST),
    "NaN metric": (swap(MANIFEST, "value: 0.8,", "value: .nan,"), MANIFEST),
    "metric as text": (swap(MANIFEST, "value: 0.8,", 'value: "0.8",'), MANIFEST),
    "infinite metric": (swap(MANIFEST, "value: 0.8,", "value: .inf,"), MANIFEST),
    "size": (swap(MANIFEST, "size_bytes: 7", "size_bytes: 8"), POINTER),
    "negative size": (swap(MANIFEST, "size_bytes: 7", "size_bytes: -7"), MANIFEST),
    "wrong version": (swap(MANIFEST, "version: 1.0.0", "version: 1.0.9"), MANIFEST),
    "wrong model": (swap(MANIFEST, "model: churn", "model: price"), MANIFEST),
    "duplicate key": (append(MANIFEST, "model: churn\n"), MANIFEST),
    "unknown key": (append(MANIFEST, "approved: true\n"), MANIFEST),
    "unknown parent": (
        swap(MANIFEST, "lineage:\n", "lineage:\n  parents: [{model: ghost, version: 1.0.0, relation: other}]\n"),
        MANIFEST,
    ),
    "manifest gone": (remove(MANIFEST), MANIFEST),
    "manifest empty": (raw(MANIFEST, lambda _: b""), MANIFEST),
    "manifest a list": (raw(MANIFEST, lambda _: b"- a\n"), MANIFEST),
    "not YAML": (append(MANIFEST, "x: [1, 2\n"), MANIFEST),
    "not UTF-8": (raw(MANIFEST, lambda data: data + b"# \xff\n"), MANIFEST),
    "a NUL": (raw(MANIFEST, lambda data: data + b"#\0\n"), MANIFEST),
    "alias bomb": (raw(MANIFEST, bomb), MANIFEST),
    "a tag": (swap(MANIFEST, "model: churn", "model: !!python/name:os.system churn"), MANIFEST),
    "newer format": (swap(MANIFEST, "format: 1", "format: 2"), MANIFEST),
    "manifest CRLF": (raw(MANIFEST, lambda data: data.replace(b"\n", b"\r\n")), MANIFEST),
    "manifest with BOM": (raw(MANIFEST, lambda data: b"\xef\xbb\xbf" + data), MANIFEST),
    "manifest a symlink": (link(MANIFEST), MANIFEST),
    "manifest executable": (mode(MANIFEST, 0o755), MANIFEST),
    "manifest binds what was moved": (swap(MANIFEST, "value: 0.8,", "value: 0.99,"), FIRST),
    "folder renamed": (rename(f"{CHURN}/1.0.0", f"{CHURN}/1.0.7"), f"{CHURN}/1.0.7/manifest.yaml"),
    "folder no version": (rename(f"{CHURN}/1.0.0", f"{CHURN}/v1.0.0"), f"{CHURN}/v1.0.0"),
    "model renamed": (rename(CHURN, "registry/chum"), "registry/chum/model.yaml"),
    "model.yaml gone": (remove(f"{CHURN}/model.yaml"), f"{CHURN}/model.yaml"),
    "model.yaml task": (swap(f"{CHURN}/model.yaml", "task: other", "task: guessing"), f"{CHURN}/model.yaml"),
    "pointer md5": (raw(POINTER, lambda data: data.replace(b'md5: "', b'md5: "0', 1)), POINTER),
    "pointer size": (swap(POINTER, "size: 7", "size: 9"), POINTER),
    "pointer path": (swap(POINTER, "path: model.json", "path: ../../../README.md"), POINTER),
    "pointer gone": (remove(POINTER), MANIFEST),
    "pointer of nobody": (
        add(f"{CHURN}/1.0.0/x.dvc", "outs: []\n"),
        f"{CHURN}/1.0.0/x.dvc",
    ),
    "pointer a symlink": (link(POINTER), POINTER),
    "transition gone": (remove(FIRST), FIRST),
    "transition number": (swap(DISPLACING, "number: 4", "number: 5"), DISPLACING),
    "transition version": (swap(DISPLACING, "version: 1.0.1", "version: 7.0.0"), DISPLACING),
    "transition digest": (swap(DISPLACING, 'manifest_sha256: "', 'manifest_sha256: "0'), DISPLACING),
    "transition other digest": (
        swap(DISPLACING, "manifest_sha256: ", f'manifest_sha256: "{"0" * 64}" # '),
        DISPLACING,
    ),
    "transition from": (swap(DISPLACING, "from: staging", "from: archived"), DISPLACING),
    "nobody displaced": (swap(DISPLACING, "[{version: 1.0.0, to: archived}]", "[]"), DISPLACING),
    "transition author": (swap(DISPLACING, "by: ada@", "by: eve@"), DISPLACING),
    "transition kind": (swap(DISPLACING, "kind: promote", "kind: bless"), DISPLACING),
    "unknown version in a stage": (swap(STAGES, "staging: [1.0.2]", "staging: [9.9.9]"), STAGES),
    "withdrawn in a stage": (swap(STAGES, "staging: [1.0.2]", "staging: [1.0.2, 1.0.3]"), STAGES),
    "two in production": (swap(STAGES, "production: 1.0.1", "production: [1.0.1, 1.0.2]"), STAGES),
    "twice in the table": (swap(STAGES, "staging: [1.0.2]", "staging: [1.0.2, 1.0.0]"), STAGES),
    "unknown stage": (swap(STAGES, "staging:", "stagging:"), STAGES),
    "champion elsewhere": (swap(STAGES, "champion: 1.0.1", "champion: 1.0.2"), STAGES),
    "moved by hand": (swap(STAGES, "production: 1.0.1", "production: 1.0.2"), STAGES),
    "stages gone": (remove(STAGES), STAGES),
    "annotations key": (append(NOTES, "approved: yes\n"), NOTES),
    "annotations broken": (append(NOTES, "tags: [a\n"), NOTES),
    "tombstone digest": (
        swap(f"{CHURN}/1.0.3/withdrawn.yaml", "manifest_sha256: ", f'manifest_sha256: "{"0" * 64}" # '),
        f"{CHURN}/1.0.3/withdrawn.yaml",
    ),
    "tombstone gone": (remove(f"{CHURN}/1.0.3/withdrawn.yaml"), f"{CHURN}/1.0.3/withdrawn.yaml"),
    "policy source": (swap(POLICY, "from: [development, archived]", "from: [nowhere]"), POLICY),
    "policy gate": (swap(POLICY, "- stage: staging", "- stage: stagging"), POLICY),
    "policy key": (append(POLICY, "gate: []\n"), POLICY),
    "policy initial": (swap(POLICY, "initial: development", "initial: birth"), POLICY),
    "policy gone": (remove(POLICY), POLICY),
    "registry key": (append(REGISTRY, "owner: me\n"), REGISTRY),
    "dvc.yaml gone": (remove("dvc.yaml"), "dvc.yaml"),
    "dvc.yaml other path": (swap("dvc.yaml", "path: registry/churn/", "path: registry/chum/"), "dvc.yaml"),
    "dvc.yaml without the model": (swap("dvc.yaml", "  churn:", "  chum:"), "dvc.yaml"),
    "dvc.yaml broken": (append("dvc.yaml", "x: [\n"), "dvc.yaml"),
}


def test_the_registry_is_sound_before(registry: Repo) -> None:
    assert done("validate", "--json", registry=registry.path).json("validate")["ok"] is True
    assert done("verify", "--content", "--json", registry=registry.path).json("verify")["findings"] == []


@pytest.mark.parametrize("name", CASES)
def test_validate_names_file_and_line(registry: Repo, name: str) -> None:
    corrupt, file = CASES[name]
    corrupt(registry)
    result = modelreg("validate", "--json", registry=registry.path)
    assert result.code == 1, result.err + result.out
    said = result.json("validate")
    assert said["ok"] is False
    errors = [f for f in said["findings"] if f["severity"] == "error"]
    here = [f for f in errors if f["file"] == file]
    assert here, errors
    assert all(f["line"] >= 1 for f in errors), errors
    assert all(f["message"] and f["code"] for f in errors)


COMMITTED = ["edited metric", "pointer gone", "transition author", "manifest executable", "tombstone gone"]


@pytest.mark.parametrize("name", COMMITTED)
def test_a_committed_corruption_breaks_the_record(registry: Repo, name: str) -> None:
    CASES[name][0](registry)
    registry.commit("innocent", all=True)
    found = modelreg("validate", "--json", registry=registry.path)
    assert found.code == 1
    assert "add-only" in {f["code"] for f in found.json("validate")["findings"]}
    verified = modelreg("verify", "--json", registry=registry.path)
    assert verified.code == 3, verified.err
    assert "add-only" in {f["code"] for f in verified.json("verify")["findings"]}


def test_what_was_put_back_validates_but_does_not_verify(registry: Repo) -> None:
    CASES["edited metric"][0](registry)
    registry.commit("edit", all=True)
    registry.git("checkout", "HEAD~1", "--", MANIFEST)
    registry.commit("put back", all=True)
    done("validate", registry=registry.path)
    assert modelreg("verify", registry=registry.path).code == 3


def test_an_object_that_is_missing_or_altered_is_found(registry: Repo) -> None:
    md5 = registry.read(POINTER).split('md5: "')[1].split('"')[0]
    path = f".dvc/remote/files/md5/{md5[:2]}/{md5[2:]}"
    shutil.rmtree(registry.path / ".dvc/cache")
    original = registry.read(path)
    registry.commit("altered", {path: "m0del 0"}, at=int(time.time()))
    altered = modelreg("verify", "--content", "--json", registry=registry.path)
    assert (altered.code, {f["code"] for f in altered.json("verify")["findings"]}) == (3, {"content"})
    registry.commit("back", {path: original}, at=int(time.time()))
    done("verify", "--content", registry=registry.path)
    registry.git("rm", "-q", path)
    registry.commit("tidy", at=int(time.time()))
    result = modelreg("verify", "--json", registry=registry.path)
    found = {(f["file"], f["code"]) for f in result.json("verify")["findings"]}
    assert (result.code, found) == (3, {(POINTER, "object-missing")})
