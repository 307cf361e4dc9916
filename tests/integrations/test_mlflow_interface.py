"""MLflow's web interface on a git registry, in a real browser: what is clicked is a commit."""

from __future__ import annotations

import json
import re
import struct
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.cli.runner import done
from tests.mlflow_browser import CHROMIUM, Registry, in_a_browser, train
from tests.mlflow_server import TOP, environment, mlflow_server
from tests.support import Repo

PAGE = TOP / "docs" / "mlflow-server.md"
FOLDER = "wine-classifier"
SHOWN = "Wine Classifier"


class Landings:
    """Counts what lands on main."""

    def __init__(self, repo: Repo) -> None:
        self.repo = repo
        self.last = repo.head

    def none(self) -> None:
        assert self.repo.head == self.last

    def one(self, *words: str) -> None:
        """Exactly one commit since the last look, by the server's identity; its subject has these words."""
        since, self.last = self.last, self.repo.head
        (told,) = self.repo.git("log", "--format=%ae %s", f"{since}..").splitlines()
        author, subject = told.split(" ", 1)
        assert author == "ada@example.com"
        assert all(word in subject for word in words), subject
        assert self.repo.git("status", "--porcelain") == ""


def _holder(repo: Repo, stage: str) -> str:
    found = done("stage", "get", FOLDER, stage, "--json", registry=repo.path).json("stage-get")
    return str(found["versions"][0])


def _shown(repo: Repo, version: str) -> Any:
    return json.loads(done("show", f"{FOLDER}@{version}", "--json", registry=repo.path).out)


def _post(url: str, call: str, **fields: Any) -> Any:
    request = urllib.request.Request(
        f"{url}/api/2.0/mlflow/{call}", json.dumps(fields).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")
def test_models_are_seen_and_changed_in_the_browser(tmp_path: Path) -> None:
    """The policy is the one that `init` gives: candidates come into production from staging, one at a time."""
    repo = Repo.init(tmp_path / "registry")
    done("init", registry=repo.path)
    runs, artifacts, models = f"sqlite:///{tmp_path}/runs.db", tmp_path / "artifacts", f"modelreg://{repo.path}"
    with mlflow_server(runs, artifacts, models, **environment(tmp_path)) as url:
        train(url, tmp_path)
        source = _shown(repo, "1.0.0")["source"]
        _post(url, "model-versions/create", name=SHOWN, source=source["uri"], model_id=source["model_id"])
        with in_a_browser(url) as registry:
            _the_first_version(registry, repo)
            _the_second_version(registry, repo)
            _is_a_picture(registry, tmp_path / "page.png")
    assert any((_pulled(repo, "production", tmp_path / "serving")).rglob("MLmodel"))
    assert done("validate", "--json", registry=repo.path).json("validate")["ok"]
    assert done("verify", "--json", registry=repo.path).json("verify")["ok"]


def _the_first_version(registry: Registry, repo: Repo) -> None:
    """A leap over staging is refused, and the page says why; then staging, production, an alias, a description."""
    landings = Landings(repo)
    registry.open_models()
    registry.open_version(SHOWN, 1)
    assert registry.tags() == {"modelreg.version": "1.0.0", "estimator": "logistic", "validated": "no"}
    landings.none()

    registry.stages(shown=True)
    registry.move("None", "Production")
    (shown,) = re.findall(r"<!-- refusal -->\n```text\n(.*?)```", PAGE.read_text(), re.DOTALL)
    first, *_, last = shown.splitlines()
    refusal = " ".join(registry.refusal().split())  # the page takes line ends for spaces
    assert refusal.startswith(first), refusal
    assert refusal.endswith(last), refusal
    landings.none()
    registry.move("None", "Staging")
    landings.one(FOLDER, "1.0.0", "staging")
    registry.move("Staging", "Production")
    landings.one(FOLDER, "1.0.0", "production")
    assert _holder(repo, "production") == "1.0.0"

    registry.stages(shown=False)
    registry.add_alias("champion")
    landings.one(FOLDER, "champion")
    registry.describe("Looked at in the *browser*.")
    landings.one(FOLDER, "1.0.0")
    version = _shown(repo, "1.0.0")
    assert version["aliases"] == ["champion"]
    assert version["annotations"]["description"] == "Looked at in the *browser*."


def _the_second_version(registry: Registry, repo: Repo) -> None:
    """It takes the place of the first, which is archived in the same commit."""
    landings = Landings(repo)
    registry.back_to_models()
    registry.open_version(SHOWN, 2)
    assert registry.tags() == {"modelreg.version": "1.0.1"}
    registry.stages(shown=True)
    registry.move("None", "Staging")
    landings.one(FOLDER, "1.0.1", "staging")
    registry.move("Staging", "Production", archive=True)
    landings.one(FOLDER, "1.0.1", "production")
    standing = done("stage", "list", FOLDER, "--json", registry=repo.path).json("stage-list")
    assert standing["stages"]["production"] == ["1.0.1"]
    assert standing["stages"]["archived"] == ["1.0.0"]
    assert standing["aliases"] == {"champion": "1.0.1"}  # it requires production, so it goes along


def _pulled(repo: Repo, stage: str, to: Path) -> Path:
    done("pull", f"{FOLDER}#{stage}", "--to", to, registry=repo.path)
    return to


def _is_a_picture(registry: Registry, path: Path) -> None:
    """A PNG of the browser's size that shows something: an empty page would be a few kilobytes."""
    registry.picture(path)
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == (1280, 800)
    assert len(data) > 20_000
