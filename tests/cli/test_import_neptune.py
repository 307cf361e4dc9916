"""`import neptune`: what people exported before the service ended, from files made after the exporter's schema."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.runner import Result, done, everything, founded, modelreg
from tests.neptune_export import Export, series, single
from tests.support import Repo
from tests.test_docs import TOP, play, sessions


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Export:
    """Two models, one of three versions with stages, files, series over two parts; and a run."""
    export = Export(tmp_path_factory.mktemp("made") / "exports")
    export.write("models", "CHURN-MOD", single("sys/id", "CHURN-MOD"), single("sys/name", "Churn model"))
    export.write("models", "CHURN-OLD", single("sys/id", "CHURN-OLD"))
    for number, stage in ((1, "archived"), (2, "production"), (10, "none")):
        id_ = f"CHURN-MOD-{number}"
        files = [
            export.file("model_versions", id_, "model/weights", f"weights {number}".encode(), ".pkl"),
            export.file("model_versions", id_, "report", b"<p>fine</p>", ".html"),
        ]
        export.version(
            id_,
            stage,
            single("params/depth", 3 + number),
            single("params/lr", 0.1),
            single("params/balanced", value=True),
            single("eval/f1", 0.5 + number / 100),
            single("test/name", "holdout"),
            series("train/loss", 0.9, 0.5, 0.25),
            series("train/notes", "a", "b"),
            series("monitoring/cpu", 10.0, 20.0),
            *files,
            parts=2,
        )
    export.version("CHURN-OLD-1", "staging", single("metrics/auc", 0.7))
    run = export.file("", "CHURN-42", "checkpoints/best", b"best", ".pt")
    export.write("", "CHURN-42", single("sys/id", "CHURN-42"), series("val/f1", 0.1, 0.8), run)
    return export


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    return founded(tmp_path_factory.mktemp("empty") / "repo", "--policy", "open")


@pytest.fixture
def registry(empty: Repo, tmp_path: Path) -> Repo:
    """A registry that lets every move pass."""
    return empty.copy(tmp_path / "registry")


def brought(registry: Repo, export: Export, *options: str) -> tuple[Result, dict[str, Any]]:
    result = modelreg("import", "neptune", "--data", export.data, "--json", *options, registry=registry.path)
    return result, {model["model"]: model for model in result.json("import-neptune")["models"]}


def show(registry: Repo, address: str) -> Any:
    return done("show", address, "--json", registry=registry.path).json("show")


def test_models_and_versions(registry: Repo, made: Export, tmp_path: Path) -> None:
    result, models = brought(registry, made)
    assert result.code == 0, result.err
    assert sorted(models) == ["churn-model", "churn-old"]
    churn = models["churn-model"]
    assert [v["version"] for v in churn["registered"]] == ["1.0.0", "1.1.0", "1.2.0"]
    assert churn["moves"] == ["1.0.0 to archived", "1.1.0 to production"]
    assert "CHURN-MOD-1: 1 of type string_series are left out" in churn["notes"]
    assert models["churn-old"]["registered"] == [{"version": "1.0.0", "files": False}]
    stages = done("stage", "list", "churn-model", "--json", registry=registry.path).json("stage-list")["stages"]
    assert stages == {"development": ["1.2.0"], "staging": [], "production": ["1.1.0"], "archived": ["1.0.0"]}

    manifest = show(registry, "churn-model@1.1.0")
    assert manifest["source"] == {
        "uri": "neptune:acme/churn/CHURN-MOD-2",
        "tool": "neptune",
        "model": "CHURN-MOD",
        "version": "CHURN-MOD-2",
        "by": "ann",
        "created": "2024-05-06T07:08:09Z",
    }
    assert {name: (m["value"], m["source_name"]) for name, m in manifest["metrics"].items()} == {
        "eval_f1": (0.52, "eval/f1"),
        "train_loss": (0.25, "train/loss"),
    }
    params = {"params/balanced": True, "params/depth": 5, "params/lr": 0.1, "test/name": "holdout"}
    assert manifest["params"] == params
    assert [(a["path"], a["role"]) for a in manifest["artifacts"]] == [
        ("model-weights.pkl", "model"),
        ("report.html", "other"),
    ]
    assert manifest["annotations"]["tags"] == {"tags": "blue, weekly"}
    assert manifest["annotations"]["description"] == "what CHURN-MOD-2 is"
    assert manifest["lineage"]["run"] == {"tracker": "neptune", "id": "CHURN-MOD-2"}
    done("pull", "churn-model@1.2.0", "--to", tmp_path / "pulled", registry=registry.path)
    assert (tmp_path / "pulled" / "model-weights.pkl").read_bytes() == b"weights 10"
    done("validate", registry=registry.path)
    done("verify", registry=registry.path)


def test_twice_is_once(registry: Repo, made: Export) -> None:
    brought(registry, made)
    done("stage", "set", "churn-model", "1.1.0", "archived", registry=registry.path)
    before = everything(registry)
    result, models = brought(registry, made)
    assert (result.code, models["churn-model"]["present"], models["churn-model"]["moves"]) == (0, 3, [])
    assert everything(registry) == before


def test_an_import_that_was_cut_off_goes_on(registry: Repo, made: Export) -> None:
    whole = registry.copy(registry.path.parent / "whole")
    brought(whole, made, "--model", "CHURN-MOD")
    landings = whole.git("rev-list", "--reverse", f"{registry.head}..HEAD").split()
    for number in (0, 3):
        cut = whole.copy(registry.path.parent / f"cut{number}")
        cut.git("reset", "-q", "--hard", landings[number])
        for name in cut.git("tag").split():
            cut.git("tag", "-d", name)
        done("announce", registry=cut.path)
        assert brought(cut, made, "--model", "CHURN-MOD")[0].code == 0
        assert len(cut.git("rev-list", f"{registry.head}..HEAD").split()) == len(landings)
        asked = ("stage", "list", "churn-model", "--json")
        assert done(*asked, registry=cut.path).out == done(*asked, registry=whole.path).out


def test_a_dry_run_and_names(registry: Repo, made: Export) -> None:
    before = everything(registry)
    result, models = brought(registry, made, "--dry-run", "--model", "CHURN-MOD", "--as", "CHURN-MOD=churn")
    assert result.code == 0
    assert [v["version"] for v in models["churn"]["registered"]] == ["CHURN-MOD-1", "CHURN-MOD-2", "CHURN-MOD-10"]
    assert everything(registry) == before
    told = modelreg("import", "neptune", "--data", made.data, "--model", "NO-SUCH", registry=registry.path)
    assert (told.code, "known are: CHURN-MOD, CHURN-OLD" in told.err) == (1, True)


def test_runs_become_versions(registry: Repo, made: Export) -> None:
    result, models = brought(registry, made, "--run", "CHURN-42=churn")
    assert result.code == 0, result.err
    assert list(models) == ["churn"]
    manifest = show(registry, "churn@1.0.0")
    assert manifest["metrics"]["val_f1"]["value"] == 0.8
    assert manifest["artifacts"][0]["path"] == "checkpoints-best.pt"
    assert modelreg("import", "neptune", "--data", made.data, "--run", "X=m", registry=registry.path).code == 1


def test_what_the_policy_refuses_is_listed(registry: Repo, made: Export) -> None:
    policy = registry.read("registry/policy.yaml").replace("production", "live").replace("serial: 1", "serial: 2")
    registry.commit("other stages", {"registry/policy.yaml": policy})
    result, models = brought(registry, made, "--model", "CHURN-MOD")
    assert result.code == 1
    assert [entry["what"] for entry in models["churn-model"]["not_imported"]] == ["1.1.0 to production"]
    result, models = brought(registry, made, "--model", "CHURN-MOD", "--stage", "production=live")
    assert (result.code, models["churn-model"]["moves"]) == (0, ["1.1.0 to production"])


@pytest.mark.parametrize("path", ["../../../secret", "/etc/hostname", "link", "models/../../../../secret"])
def test_A16_paths_that_lead_out_of_the_export(registry: Repo, tmp_path: Path, path: str) -> None:
    export = Export(tmp_path / "exports")
    (tmp_path / "secret").write_text("secret")
    export.file("model_versions", "A-B-1", "fine", b"fine")
    (tmp_path / "exports" / "files").rglob("fine").__next__().parents[2].joinpath("link").symlink_to(
        tmp_path / "secret"
    )
    export.version("A-B-1", "none", [{"attribute_path": "m", "attribute_type": "file", "file_value": {"path": path}}])
    _, models = brought(registry, export)
    assert models["a-b"]["registered"] == [{"version": "1.0.0", "files": False}]
    assert "leads out of the export" in models["a-b"]["notes"][0]


def test_files_that_the_exporter_did_not_write(registry: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export = Export(tmp_path / "exports")
    told = modelreg("import", "neptune", "--data", export.data, registry=registry.path)
    assert (told.code, "no such folder" in told.err) == (1, True)
    export.version("A-B-1", "none")
    (path,) = export.data.rglob("*.parquet")
    path.write_bytes(b"PAR1 no")
    before = everything(registry)
    told = modelreg("import", "neptune", "--data", export.data, registry=registry.path)
    assert (told.code, "no Parquet file as neptune-exporter writes it" in told.err) == (1, True)
    assert everything(registry) == before
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    told = modelreg("import", "neptune", "--data", export.data, registry=registry.path)
    assert (told.code, "modelreg[parquet]" in told.err) == (4, True)


def test_odd_metrics_are_left_out_and_said(registry: Repo, tmp_path: Path) -> None:
    export = Export(tmp_path / "exports")
    odd = [series("metrics/loss", 0.1, float("nan")), single("metrics/%", 1.0), single("metrics/a b", 1.0)]
    export.version("A-B-1", "none", *odd, single("metrics/a-b", 2.0), series("hist", "x"))
    _, models = brought(registry, export)
    assert list(show(registry, "a-b@1.0.0")["metrics"]) == ["metrics", "metrics_a_b"]
    assert sum("left out" in note for note in models["a-b"]["notes"]) == 3


def test_the_page(registry: Repo, made: Export) -> None:
    (registry.path.parent / "exports").symlink_to(made.folder)
    play(sessions((TOP / "docs" / "import-neptune.md").read_text())["neptune"], registry.path)
