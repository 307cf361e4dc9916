"""What a command that only asks loads and starts: a registry is asked a thousand times for one that it is written."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelreg.cli.app import COMMANDS, command_line
from tests.cli.runner import artifact, done, metrics, modelreg
from tests.support import Repo, run

QUESTIONS = (("stage", "get", "churn", "development"), ("stage", "list", "churn"), ("list", "churn"), ("list",))
"""What answers them in a pipe loads none of these: schemas, writers, signing, judging, other commands."""
NEVER = {
    *("rich", "pydantic", "jsonschema", "referencing", "dvc", "scipy", "celpy"),
    *(
        f"modelreg.adapters.{name}"
        for name in ("schema", "yaml_writer", "yaml_splice", "landing", "machine", "signing")
    ),
    *(f"modelreg.registry.{name}" for name in ("doctor", "validate", "judging", "stage", "register", "init")),
    *(f"modelreg.domain.{name}" for name in ("gate", "evidence", "signers", "verdict", "diagnosis")),
}
OF_ONE_MODEL = {"secrets", "sqlite3", "modelreg.domain.search", "modelreg.domain.lineage_graph"}
"""Nor do those of one model load these: a few documents answer them, and no index."""
_OWN_PYDANTIC = tuple(map(int, importlib.metadata.version("typer").split(".")[:2])) >= (0, 29)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    folder = tmp_path_factory.mktemp("start-up")
    repo = Repo.init(folder / "repo")
    done("init", registry=repo.path)
    done("register", "churn", artifact(folder, "a model"), "--metrics", metrics(folder, 0.9), registry=repo.path)
    return repo


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_a_question_loads_only_what_it_needs(registry: Repo, question: tuple[str, ...]) -> None:
    wanted = NEVER | (OF_ONE_MODEL if "churn" in question else set())
    banned = wanted - ({"pydantic"} if _OWN_PYDANTIC else set())  # a newer typer than pyproject.toml takes brings it
    code = (
        "import sys\nfrom modelreg.cli.app import run\n"
        f"assert run({[*question, '--registry', str(registry.path)]!r}) == 0\n"
        f"print('loaded:', *sorted({banned!r} & set(sys.modules)))"
    )
    assert run(sys.executable, "-c", code).stdout.splitlines()[-1] == "loaded:"


def test_typer_is_one_that_starts_without_pydantic() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert "typer>=0.26,<0.29" in project["dependencies"]


@pytest.mark.parametrize("question", QUESTIONS[:3], ids=" ".join)
def test_a_question_of_one_model_starts_git_twice(registry: Repo, question: tuple[str, ...], tmp_path: Path) -> None:
    """Where the repository is, and its objects with the branch: no command a document, no look at the configuration."""
    log, real = tmp_path / "log", run("sh", "-c", "command -v git").stdout.strip()
    wrapper = tmp_path / "bin" / "git"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\necho "$1" >> "{log}"\nexec "{real}" "$@"\n')
    wrapper.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{wrapper.parent}{os.pathsep}{os.environ['PATH']}")
        done(*question, registry=registry.path)
    assert log.read_text().split() == ["rev-parse", "cat-file"]


def test_the_command_line_waits_for_no_format_that_it_does_not_ask(registry: Repo, tmp_path: Path) -> None:
    """jsonschema imports what checks IRIs wherever it is installed, which takes longer than any command."""
    for name in ("rfc3987_syntax", "isoduration"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('was imported')\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
        assert run(sys.executable, "-c", "import jsonschema", check=False).returncode == 1
        run(sys.executable, "-m", "modelreg", "validate", "--registry", registry.path)


def test_no_command_takes_an_option_twice() -> None:
    """verify had its own --offline beside the one of all readers."""

    def walked(command: Any, path: str) -> Iterator[tuple[str, str]]:
        for below, found in getattr(command, "commands", {}).items():
            yield from walked(found, f"{path} {below}")
        yield from ((path, option) for parameter in command.params for option in parameter.opts if option[:1] == "-")

    for name in COMMANDS:
        options = list(walked(command_line(name), "modelreg"))
        assert len(options) == len(set(options)), name


def test_verify_offline_asks_no_remote(registry: Repo, tmp_path: Path) -> None:
    repo = registry.copy(tmp_path / "repo")
    shutil.rmtree(repo.path / ".dvc/storage")
    words = ("verify", "--json", "--registry", repo.path)
    assert [finding["code"] for finding in modelreg(*words).json("verify")["findings"]] == ["object-missing"]
    assert done(*words, "--offline").json("verify")["findings"] == []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODELREG_OFFLINE", "1")
        assert done(*words).json("verify")["findings"] == []
