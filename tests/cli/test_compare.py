"""`modelreg compare` by the command line and the SDK, on one small registry."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelreg import Registry
from tests.cli.runner import artifact, done, founded, modelreg
from tests.support import Repo


@pytest.fixture(scope="module")
def top(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """churn 1.0.0 and 1.1.0 on the same data, 1.2.0 on other data; fraud 1.0.0."""
    folder = tmp_path_factory.mktemp("compare")
    repo = founded(folder / "repo")
    for number, (model, f1, digest) in enumerate(
        [("churn", 0.8, "a"), ("churn", 0.9, "a"), ("churn", 0.95, "b"), ("fraud", 0.85, "a")]
    ):
        measured = folder / f"metrics{number}.json"
        entry = {"direction": "higher", "dataset": {"name": "d", "sha256": digest * 64}, "split": "test"}
        measured.write_text(
            json.dumps({"f1": {**entry, "value": f1}, "loss": {**entry, "value": 0.3, "direction": "lower"}})
        )
        params = folder / f"params{number}.json"
        params.write_text(json.dumps({"depth": number, "seed": 7}))
        bump = ["--bump", "minor"] if number in (1, 2) else []
        made = artifact(folder, f"{number}", f"m{number}.json")
        done("register", model, made, "--metrics", measured, "--params", params, *bump, registry=repo.path)
    return repo.path


def test_as_a_table(top: Path) -> None:
    said = done("compare", "churn@1.0.0", "churn@latest", "churn@1.1.0", registry=top)
    assert said.out.startswith("churn@1.0.0 (baseline) against churn@1.2.0, churn@1.1.0\n\nMetrics\n")
    assert "0.95 (not comparable)" in said.out
    assert "0.9 (+0.1, better) *" in said.out
    assert "1.2.0 not comparable in f1, loss: was measured on other data, split or slice" in said.out
    assert "seed" not in said.out
    assert "seed" in done("compare", "churn@1.0.0", "churn@1.1.0", "--all", registry=top).out
    assert done("compare", "churn@1.0.0", "churn@1.0.0", registry=top).out.endswith("\nnothing differs\n")


def test_as_json_and_markdown(top: Path) -> None:
    told = done("compare", "churn@1.0.0", "churn@1.1.0", "--json", registry=top).json("compare")
    assert told["versions"] == ["churn@1.0.0", "churn@1.1.0"]
    f1, loss = told["metrics"]
    assert (f1["name"], f1["values"], f1["better"], f1["comparable"]) == ("f1", [0.8, 0.9], "churn@1.1.0", True)
    assert f1["difference"] == pytest.approx(0.1)
    assert (loss["better"], loss["difference"]) == (None, 0.0)
    assert [row["name"] for row in told["params"]] == ["depth"]
    every = done("compare", "churn@1.0.0", "churn@1.1.0", "--all", "--format", "json", registry=top).json("compare")
    assert [row["name"] for row in every["params"]] == ["depth", "seed"]
    text = done("compare", "churn@1.0.0", "churn@1.1.0", "--format", "markdown", registry=top).out
    assert "| `f1 (higher is better)` | `0.8` | ✅ `0.9 (+0.1, better) *` |" in text


def test_models_of_one_registry(top: Path) -> None:
    said = done("compare", "churn@1.0.0", "fraud@latest", registry=top).out
    assert "fraud@1.0.0 (different models: equal names need not mean the same)" in said
    assert "0.85 (+0.05, better) *" in said


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("churn@1.0.0",), 2, "from two to 20 addresses are compared, not 1"),
        (("churn@1.0.0",) * 21, 2, "not 21"),
        (("churn@1.0.0", "churn@9.0.0"), 1, "churn has no version 9.0.0"),
        (("churn@1.0.0", "nobody@1.0.0"), 1, "there is no model nobody"),
        (("churn@1.0.0", "churn@"), 2, "is not an address"),
        (("churn@1.0.0", "churn@1.1.0", "--format", "xml"), 2, "there is no format 'xml'"),
    ],
)
def test_what_cannot_be_compared(top: Path, arguments: tuple[str, ...], code: int, message: str) -> None:
    said = modelreg("compare", *arguments, registry=top)
    assert (said.code, said.out) == (code, "")
    assert message in said.err


def test_a_manifest_that_breaks_its_schema_is_not_compared(top: Path, tmp_path: Path) -> None:
    repo = Repo(top).copy(tmp_path / "copy")
    path = "registry/churn/1.1.0/manifest.yaml"
    repo.commit("bad", {path: repo.read(path).replace("\nmetrics:", "\nbenchmarks: fast\nmetrics:")})
    said = modelreg("compare", "churn@1.0.0", "churn@1.1.0", registry=repo.path)
    assert (said.code, said.out) == (1, "")
    assert path in said.err


def test_by_the_sdk(top: Path) -> None:
    compared = Registry(top).compare("churn@1.0.0", "churn@1.1.0")
    against = compared.metrics[0].against[1]
    assert against is not None
    assert (compared.metrics[0].name, against.word) == ("f1", "better")
