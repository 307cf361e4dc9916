"""What is written of a model does not depend on how many versions it has: only their names are looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from modelreg.adapters.repository import GitRepository
from modelreg.adapters.trees import CommitTree
from modelreg.domain.layout import holders
from modelreg.domain.names import ModelName
from modelreg.domain.plan import CommitId
from modelreg.registry.carried import Carried
from modelreg.registry.snapshot import Snapshot
from modelreg.registry.validate import _ListedOnce
from modelreg.sdk import Registry
from modelreg.wiring import init, open_workspace
from tests.support import Repo

NAME = "manifest.yaml"
FOLDER = "registry/churn/"
FILES = {
    **{f"{FOLDER}{version}/{NAME}": "1\n" for version in ("1.0.0", "1.10.0", "1.2.0", "1.2.0-rc.1")},
    f"{FOLDER}1.3.0/withdrawn.yaml": "without the other\n",
    f"{FOLDER}1.4.0/evidence/{NAME}": "one folder too deep\n",
    f"{FOLDER}1.5.0/{NAME}/x": "a folder of that name\n",
    f"{FOLDER}{NAME}": "not in a folder\n",
    f"{FOLDER}model.yaml": "name: churn\n",
    f"registry/churn2/9.0.0/{NAME}": "another model\n",
    f"registry/other/1.0.0/{NAME}": "another one\n",
}


@pytest.mark.parametrize("folder", [FOLDER, "registry/", "registry/none/", "registry/churn/model.yaml/"])
def test_every_tree_finds_the_folders_that_a_listing_shows(repo: Repo, folder: str) -> None:
    commit = repo.commit("registry", FILES)
    (repo.path / FOLDER / "1.6.0").mkdir()
    (repo.path / FOLDER / "1.6.0" / NAME).symlink_to("../1.0.0/manifest.yaml")
    repo.git("add", "-A")
    commit = repo.commit("link", {f"{FOLDER}1.7.0/{NAME}": "1\n"})
    repository = GitRepository.open(repo.path)
    tree = repository.tree(CommitId(commit))
    wanted = list(holders(tree.paths(folder), folder, NAME))
    assert len(wanted) == {FOLDER: 6, "registry/": 1}.get(folder, 0)
    fresh = CommitTree(repository.git, CommitId(commit))
    none = Carried(fresh, fresh, {})
    for one in (fresh, none, _ListedOnce(fresh), repository.work_tree()):
        found = one.holding(folder, NAME)
        assert list(found) == wanted
        assert found == {called: tree.paths(folder)[f"{folder}{called}/{NAME}"] for called in wanted}


def test_what_is_carried_counts(repo: Repo) -> None:
    repo.commit("registry", FILES)
    tree = GitRepository.open(repo.path).tree(CommitId(repo.head))
    entry = tree.paths(FOLDER)[f"{FOLDER}1.0.0/{NAME}"]
    more = {f"{FOLDER}{path}": entry for path in (f"1.1.0/{NAME}", f"1.0.0/{NAME}", "1.8.0/withdrawn.yaml")}
    found = Carried(tree, tree, more).holding(FOLDER, NAME)
    assert list(found) == ["1.0.0", "1.1.0", "1.10.0", "1.2.0-rc.1", "1.2.0"]


def test_nothing_lists_the_files_of_a_model_to_write_to_it(
    repo: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    repo.commit("code", {"train.py": "\n"})
    init(repo.path, policy="open", remote=None, embedded=True)
    registry = Registry(repo.path)
    registry.register("churn", source="s3://bucket/1")

    def files(self: Snapshot, model: str) -> tuple[str, ...]:
        raise AssertionError(f"the files of {model} are listed")

    monkeypatch.setattr(Snapshot, "files", files)
    again = registry.register("churn", source="s3://bucket/2", bump="minor")
    again.set_stage("staging")
    again.set_stage("production")
    assert str(again) == "<churn@1.1.0>"


def test_a_folder_without_a_manifest_is_no_version(repo: Repo) -> None:
    repo.commit("code", {"train.py": "\n"})
    init(repo.path, policy="open", remote=None, embedded=True)
    registry = Registry(repo.path)
    registry.register("churn", source="s3://bucket/1")
    repo.commit("odd", {f"{FOLDER}9.0.0/annotations.yaml": "format: 1\n"})
    workspace = open_workspace(repo.path)
    for listed in (False, True):
        snapshot = workspace.snapshot()
        if listed:
            snapshot.list_all()
        assert [str(version) for version in snapshot.versions(ModelName("churn"))] == ["1.0.0"]
        assert [str(version) for version in snapshot.annotated(ModelName("churn"))] == ["9.0.0"]
    assert str(registry.register("churn", source="s3://bucket/2")) == "<churn@1.0.1>"


def test_the_same_content_is_found_though_no_manifest_is_read_twice(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit("code", {"train.py": "\n"})
    init(repo.path, policy="open", remote=None, embedded=True)
    files = [tmp_path / str(number) / "model.json" for number in range(4)]
    for number, file in enumerate(files):
        file.parent.mkdir()
        file.write_text(f"[{number}]")
    registry = Registry(repo.path)
    made = [registry.register("churn", artifacts=[file]) for file in files[:3]]
    registry.register("churn", artifacts=[files[3]])
    read: list[str] = []
    real = CommitTree.read_many

    def read_many(self: CommitTree, paths: Iterable[str]) -> Mapping[str, bytes]:
        wanted = list(paths)
        read.extend(path for path in wanted if path.endswith(NAME))
        return real(self, wanted)

    monkeypatch.setattr(CommitTree, "read_many", read_many)
    again = Registry(repo.path).register("churn", artifacts=[files[1]])
    assert (again.version, read) == (made[1].version, [f"{FOLDER}1.0.3/{NAME}", f"{FOLDER}1.0.1/{NAME}"])
    made[1].withdraw("wrong data")
    assert str(registry.register("churn", artifacts=[files[1]]).version) == "1.0.4"
    monkeypatch.setattr("modelreg.registry.register._MOST_DIGESTS", 1)
    assert registry.register("churn", artifacts=[files[0]]).version == made[0].version
