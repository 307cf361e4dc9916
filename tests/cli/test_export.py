"""`modelreg export` by the command line and the SDK: on a small registry, and on this repository's own."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from modelreg import Registry
from modelreg.errors import UsageError
from tests.cli.runner import artifact, done, founded, metrics, modelreg
from tests.integrations.test_ml_bom import validated as valid_bom
from tests.support import Repo
from tests.unit.test_slsa import validated as valid_statement

TOP = Path(__file__).parents[2]
DESCRIPTION = "the \x1b[31msecond\n::error::one ##[error]x"
KINDS = ("ml-bom", "model-card", "provenance")


@pytest.fixture(scope="module")
def top(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """churn 1.0.0 and 1.0.1, which names it as its parent, with a folder and a description; 1.0.0 is withdrawn."""
    folder = tmp_path_factory.mktemp("export")
    repo = founded(folder / "repo")
    done("register", "churn", artifact(folder, "one"), "--metrics", metrics(folder, 0.8), registry=repo.path)
    (folder / "notes").mkdir()
    (folder / "notes" / "a.txt").write_text("a")
    about = ["--description", DESCRIPTION, "--parent", "churn@1.0.0:fine-tuned"]
    second: list[str | Path] = [artifact(folder, "two"), folder / "notes", "--metrics", metrics(folder, 0.9), *about]
    done("register", "churn", *second, registry=repo.path)
    done("withdraw", "churn", "1.0.0", "--reason", "leaks", registry=repo.path)
    return repo.path


def exported(top: Path, kind: str, address: str = "churn@latest") -> str:
    return done("export", kind, address, registry=top).out


def test_the_bill(top: Path) -> None:
    bom = valid_bom(json.loads(exported(top, "ml-bom")))
    model = bom["metadata"]["component"]
    assert (model["name"], model["version"]) == ("churn", "1.0.1")
    (parent,) = model["pedigree"]["ancestors"]
    manifest = Registry(top).get("churn@1.0.0").manifest
    assert (parent["version"], parent["hashes"][0]["content"]) == ("1.0.0", manifest.primary.sha256)


def test_the_statement(top: Path) -> None:
    told = valid_statement(json.loads(exported(top, "provenance")))
    manifest = Registry(top).get("churn@latest").manifest
    assert [each["digest"]["sha256"] for each in told["subject"]] == [a.sha256 for a in manifest.artifacts]
    assert [each["name"] for each in told["subject"]] == ["model.json", manifest.artifacts[1].listing_path]
    names = [each["name"] for each in told["predicate"]["buildDefinition"]["resolvedDependencies"]]
    assert "churn@1.0.0/model.json" in names


def test_the_card(top: Path) -> None:
    text = exported(top, "model-card")
    assert "\x1b" not in text
    parsed: Any = ModelCard(text)
    measured = Registry(top).get("churn@latest").metrics
    assert {result.metric_type: result.metric_value for result in parsed.data.eval_results} == measured
    assert "**Withdrawn" not in text
    assert "**Withdrawn: must not be served any more.** Reason: `leaks`" in exported(top, "model-card", "churn@1.0.0")


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_same_every_time_and_by_the_sdk(top: Path, kind: str) -> None:
    assert exported(top, kind) == exported(top, kind)
    by_sdk, said = Registry(top).get("churn@1.0.1").export(kind), exported(top, kind)
    assert by_sdk == said if kind == "model-card" else json.loads(by_sdk) == json.loads(said)


def test_the_sdk_knows_its_kinds(top: Path) -> None:
    with pytest.raises(UsageError):
        Registry(top).get("churn@1.0.1").export("xml")


@pytest.mark.parametrize("kind", KINDS)
def test_a25_in_a_workflow_nothing_is_a_command(top: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    text = exported(top, kind)
    lines = text.splitlines()
    assert not [line for line in lines if line.lstrip().startswith("::") or "##[" in line]
    if kind == "ml-bom":
        assert json.loads(text)["metadata"]["component"]["description"] == DESCRIPTION


@pytest.mark.parametrize("kind", KINDS)
def test_into_a_file(top: Path, kind: str, tmp_path: Path) -> None:
    target = tmp_path / "new" / "file"
    said = done("export", kind, "churn@latest", "-o", target, registry=top)
    assert (said.out, said.err) == ("", f"wrote {target}\n")
    assert target.read_text() == Registry(top).get("churn@latest").export(kind)
    assert sorted(path.name for path in target.parent.iterdir()) == ["file"]


def test_nothing_is_overwritten_unasked(top: Path, tmp_path: Path) -> None:
    target = tmp_path / "card.md"
    target.write_text("mine")
    said = modelreg("export", "model-card", "churn@latest", "-o", target, registry=top)
    assert (said.code, target.read_text()) == (1, "mine")
    assert "nothing is overwritten" in said.err
    done("export", "model-card", "churn@latest", "-o", target, "--force", registry=top)
    assert target.read_text().startswith("---\n")


@pytest.mark.parametrize("options", [(), ("--force",)])
@pytest.mark.parametrize("kind", ["file", "dangling", "folder", "pipe"])
def test_a16_nothing_is_written_through_a_link_or_into_what_is_no_file(
    top: Path, tmp_path: Path, kind: str, options: tuple[str, ...]
) -> None:
    target, other = tmp_path / "card.md", tmp_path / "other"
    if kind == "file":
        other.write_text("mine")
    if kind in ("file", "dangling"):
        target.symlink_to(other)
    elif kind == "folder":
        target.mkdir()
    else:
        os.mkfifo(target)
    said = modelreg("export", "model-card", "churn@latest", "-o", target, *options, registry=top)
    assert said.code == 1
    assert other.read_text() == "mine" if kind == "file" else not other.exists()
    assert target.is_symlink() == (kind in ("file", "dangling"))


def test_where_nothing_can_be_written(top: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    said = modelreg("export", "provenance", "churn@latest", "-o", tmp_path / "plain" / "x", registry=top)
    assert said.code == 4
    assert "cannot be written" in said.err


@pytest.mark.parametrize(("address", "code"), [("churn@9.0.0", 1), ("nobody", 1), ("churn@", 2)])
def test_what_is_not_there(top: Path, address: str, code: int) -> None:
    said = modelreg("export", "provenance", address, registry=top)
    assert (said.code, said.out) == (code, "")


@pytest.mark.parametrize("file", ["manifest.yaml", "annotations.yaml"])
def test_a_document_that_breaks_its_schema_is_not_exported(top: Path, tmp_path: Path, file: str) -> None:
    repo = Repo(top).copy(tmp_path / "copy")
    path = f"registry/churn/1.0.1/{file}"
    repo.commit("bad", {path: repo.read(path) + "surprise: 1\n"})
    for kind in KINDS:
        said = modelreg("export", kind, "churn@1.0.1", registry=repo.path)
        assert (said.code, said.out) == (1, "")
        assert path in said.err


def test_the_repository_s_own_model(own_clone: Repo) -> None:
    version = Registry(own_clone.path).get("churn_predictor@1.3.0")
    bom = valid_bom(json.loads(version.export("ml-bom")))
    assert bom["metadata"]["component"]["hashes"][0]["content"] == version.manifest.primary.sha256
    told = valid_statement(json.loads(version.export("provenance")))
    assert len(told["subject"]) == len(version.manifest.artifacts)
    card: Any = ModelCard(version.export("model-card"))
    assert {result.metric_type: result.metric_value for result in card.data.eval_results} == version.metrics
    assert "| `approval` | `staging -> production` | `cy@example.org` | `yes` |" in card.text
