"""A git that is the same on every machine, for every test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.keys import Key
from tests.support import Repo, clone_of
from tests.team import Team, join, make_server, team_keys

TOP = Path(__file__).parents[1]

# Times are for benchmarks: a slow machine must not fail a property.
settings.register_profile("modelreg", deadline=None)
settings.load_profile("modelreg")

_DROPPED = ("GIT_", "XDG_", "DVC_", "SSH_", "MODELREG_", "GITHUB_", "GITLAB_", "CI_", "MLFLOW_", "WANDB_")
_GITCONFIG = """\
[user]
	name = Ada Lovelace
	email = ada@example.com
[init]
	defaultBranch = main
[commit]
	gpgSign = false
[tag]
	gpgSign = false
[core]
	autocrlf = false
	fsync = none
[gc]
	auto = 0
[maintenance]
	auto = false
[protocol "file"]
	allow = always
[advice]
	detachedHead = false
"""


def isolated_environment(home: Path, ceiling: Path) -> dict[str, str]:
    """The environment of the test run without anything of the machine's git, dvc or ssh, at home in `home`."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(_DROPPED)}
    for key in ("EMAIL", "CI", "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "PAGER", "EDITOR", "VISUAL"):
        kept.pop(key, None)
    (home / "templates").mkdir(exist_ok=True)
    (home / ".gitconfig").write_text(_GITCONFIG)
    return kept | {
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CEILING_DIRECTORIES": str(ceiling),
        "GIT_TEMPLATE_DIR": str(home / "templates"),
        "DVC_NO_ANALYTICS": "1",
        "DVC_GLOBAL_CONFIG_DIR": str(home / "dvc-global"),
        "DVC_SYSTEM_CONFIG_DIR": str(home / "dvc-system"),
        "DVC_SITE_CACHE_DIR": str(home / "dvc-site"),
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        "COLUMNS": "100",
        "TERM": "dumb",
    }


def _swap(environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)


@pytest.fixture(scope="session", autouse=True)
def _isolated_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """For module- and session-wide fixtures, which are made before any test has its own home."""
    before = dict(os.environ)
    home = tmp_path_factory.mktemp("session-home")
    _swap(isolated_environment(home, tmp_path_factory.getbasetemp()))
    yield
    _swap(before)


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, _isolated_session: None) -> Iterator[Path]:
    """This test's own HOME, with a small .gitconfig; whatever the test does to the environment is undone."""
    before = dict(os.environ)
    folder = tmp_path_factory.mktemp("home")
    _swap(isolated_environment(folder, tmp_path_factory.getbasetemp()))
    yield folder
    _swap(before)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """A repository with one commit (README.md) on main."""
    made = Repo.init(tmp_path / "repo")
    made.commit("first", {"README.md": "hello\n"})
    return made


@pytest.fixture(scope="session")
def own_clone(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """A clone of this repository, which nobody changes: `copy` it."""
    if not (TOP / ".git").exists():
        pytest.skip("not a clone: an unpacked source has no registry to ask")
    return Repo(clone_of(TOP, tmp_path_factory.mktemp("own") / "clone"))


@pytest.fixture(scope="session")
def keys_of_all(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Key]:
    """A key for each of ann, bo, cy and dan."""
    return team_keys(tmp_path_factory.mktemp("team-keys"))


@pytest.fixture(scope="session")
def first_server(tmp_path_factory: pytest.TempPathFactory, keys_of_all: dict[str, Key]) -> Repo:
    """The server that the teams' servers are cloned from; nobody pushes to it."""
    return make_server(tmp_path_factory.mktemp("team-server"), keys_of_all)


@pytest.fixture
def team(first_server: Repo, keys_of_all: dict[str, Key], tmp_path: Path) -> Team:
    """See tests/team.py."""
    return join(first_server, tmp_path / "team", keys_of_all)
