"""The training block: what it records without asking, and that nothing is left where it raises."""

from __future__ import annotations

import logging
import random
import sys
from pathlib import Path
from typing import Any

import pytest

from modelreg import Registry
from modelreg.errors import InvalidError, ModelregError, NotFoundError, UnavailableError, UsageError
from modelreg.training import Training
from tests.cli.runner import done, everything, manifest_of, modelreg
from tests.support import Repo, run

SCRIPT = """\
import sys
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from modelreg import Registry

with Registry(sys.argv[1] if len(sys.argv) > 1 else ".").training("churn_predictor", primary_metric="f1") as run:
    frame = pd.read_csv(run.log_data("data/customers.csv", source="https://ada:pw@example.org/customers"))
    run.seed(7)
    X, y = frame[["age", "calls"]], frame["left"]
    model = make_pipeline(StandardScaler(), RandomForestClassifier(n_estimators=2, random_state=3)).fit(X, y)
    run.log_params({"depth": 3})
    run.log_metrics({"f1": 0.83}, dataset="customers", split="test", n=2, slice="age > 1")
    run.log_model(model, X=X)
print(run.version)
"""
LIGHT = """\
import sys
from modelreg import Registry

with Registry(sys.argv[1] if len(sys.argv) > 1 else ".").training("churn_predictor") as run:
    run.log_artifact(run.log_data("data/customers.csv"))
"""
DATA = "age,calls,left\n1,2,0\n5,1,1\n2,2,0\n7,9,1\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    repo = Repo.init(tmp_path_factory.mktemp("made") / "repo")
    repo.commit(
        "code", {"job/train.py": SCRIPT, "job/light.py": LIGHT, "data/customers.csv": DATA, ".gitignore": "/out\n"}
    )
    done("init", "--remote", str(repo.path.parent / "storage"), registry=repo.path)
    repo.write("out/model.bin", "weights")
    return repo


@pytest.fixture
def here(made: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    repo = made.copy(tmp_path / "copy")
    monkeypatch.chdir(repo.path)
    return repo


def manifest(repo: Repo, version: str = "1.0.0", model: str = "churn_predictor") -> Any:
    return manifest_of(repo, model, version)


def whole(repo: Repo) -> tuple[str, list[str]]:
    """All that must stay as it was: the repository, DVC's cache, and the remote."""
    stored = [*(repo.path / ".dvc").rglob("*"), *(repo.path.parent / "storage").rglob("*")]
    return everything(repo), sorted(map(str, stored))


def training(**options: Any) -> Training:
    return Registry().training("churn_predictor", **options)


def test_a_script_types_no_metadata(here: Repo) -> None:
    said = run(sys.executable, "job/train.py", cwd=here.path)
    assert said.stdout == "<churn_predictor@1.0.0>\n"
    assert said.stderr == ""
    body = manifest(here)
    lineage = body["lineage"]
    assert list(lineage) == ["code", "data", "features", "environment", "pipeline"]
    code = lineage["code"]
    assert (code["commit"], code["dirty"], code["entry_point"]) == (here.rev("HEAD^"), False, "job/train.py")
    (data,) = lineage["data"]
    assert (data["path"], data["rows"], data["columns"]) == ("data/customers.csv", 4, 3)
    assert data["source"] == "https://example.org/customers"
    features = [{"name": "standardscaler", "from": ["age", "calls"], "transformation": "StandardScaler()"}]
    assert lineage["features"] == features
    assert lineage["pipeline"] == {
        "command": "python job/train.py",
        "folder": None,
        "seeds": {"python": 7, "numpy": 7, "randomforestclassifier__random_state": 3},
    }
    environment = lineage["environment"]
    assert {"scikit-learn", "pandas", "skops"} <= set(environment["packages"])
    assert (environment["lock"]["source"], environment["lock"]["path"]) == ("generated", "requirements.txt")
    assert [(a["path"], a["role"]) for a in body["artifacts"]] == [
        ("model.skops", "model"),
        ("input_example.csv", "input-example"),
        ("requirements.txt", "lock"),
    ]
    assert body["params"]["depth"] == 3
    assert body["params"]["n_estimators"] == 2
    assert body["metrics"]["f1"] == {
        "value": 0.83,
        "direction": "higher",
        "dataset": "customers",
        "split": "test",
        "slice": "age > 1",
        "n": 2,
    }
    pulled = Registry(here.path).get("churn_predictor@1.0.0").pull(here.path.parent / "out")
    assert "scikit-learn==" in (pulled.path / "requirements.txt").read_text()


def test_the_same_again_from_another_environment_is_registered_already(here: Repo) -> None:
    for lock in ("a.lock", "b.lock"):
        here.write(f"out/{lock}", f"# {lock}\n")
        with training(lock=f"out/{lock}") as block:
            block.log_artifact("out/model.bin")
    assert str(block.version) == "<churn_predictor@1.0.0>"
    assert manifest(here)["lineage"]["environment"]["lock"]["path"] == "out/a.lock"
    with training() as block:
        block.log_artifact("out/model.bin")
    assert str(block.version) == "<churn_predictor@1.0.0>"


def test_a_dirty_tree_is_recorded_and_said(here: Repo) -> None:
    here.write("job/light.py", LIGHT + "# edited\n")
    said = run(sys.executable, "job/light.py", cwd=here.path)
    assert said.stderr.startswith("modelreg: job/light.py differs from the commit, which is recorded")
    code = manifest(here)["lineage"]["code"]
    assert (code["dirty"], code["dirty_files"]) == (True, ["job/light.py"])
    again = run(sys.executable, "job/light.py", cwd=here.path)
    assert again.stderr == "", "of a version that stands nothing is recorded anew"


def test_outside_git_is_said(here: Repo, tmp_path: Path) -> None:
    """A script in no repository, run in a folder of none, that registers into one."""
    outside = tmp_path / "outside"
    (outside / "data").mkdir(parents=True)
    (outside / "train.py").write_text(LIGHT)
    (outside / "data/customers.csv").write_text(DATA)
    said = run(sys.executable, "train.py", here.path, cwd=outside)
    assert "the code is not recorded" in said.stderr
    assert "is in no git repository" in said.stderr
    lineage = manifest(here)["lineage"]
    assert "code" not in lineage
    assert "pipeline" not in lineage
    assert "path" not in lineage["data"][0]
    assert str(tmp_path) not in here.show("registry/churn_predictor/1.0.0/manifest.yaml")


def test_the_code_is_that_of_the_entry(here: Repo) -> None:
    with training() as block:
        here.write("job/train.py", "# the training changes it\n")
        block.log_artifact("out/model.bin")
    assert manifest(here)["lineage"]["code"]["dirty"] is False


def test_numbers(here: Repo) -> None:
    with training() as block:
        block.seed(5)
        first = random.random()
        block.seed(5)
        assert random.random() == first
        block.log_artifact("out/model.bin")
    assert manifest(here)["lineage"]["pipeline"]["seeds"]["python"] == 5


def test_what_is_declared(here: Repo) -> None:
    features = ["tenure=signed_up, now: whole months", {"name": "age"}]
    with training(features=features, tags={"team": "growth"}, version="2.0.0-rc.1", description="a try") as block:
        block.log_artifact("out/model.bin", role="model")
        block.log_data("data", name="all", role="test")
        block.log_metrics({"f1": 0.5})
        block.log_metrics({"f1": 0.6, "loss": {"value": 0.1, "dataset": "all"}})
    body = manifest(here, "2.0.0-rc.1")
    assert body["lineage"]["features"] == [
        {"name": "tenure", "from": ["signed_up", "now"], "transformation": "whole months"},
        {"name": "age"},
    ]
    assert body["metrics"]["f1"]["value"] == 0.6
    assert (body["lineage"]["data"][0]["name"], body["lineage"]["data"][0]["files"]) == ("all", 1)


def test_where_the_block_raises_nothing_is_left(here: Repo) -> None:
    before = whole(here)
    mine = ZeroDivisionError("mine")
    folders: list[Path] = []

    def train(block: Training) -> None:
        block.log_data("data/customers.csv")
        block.log_artifact("out/model.bin")
        folders.append(Path(block._running.folder.name))
        raise mine

    block = training()
    with pytest.raises(ZeroDivisionError) as caught, block:
        train(block)
    assert caught.value is mine
    assert whole(here) == before
    assert [folder.exists() for folder in folders] == [False]
    with pytest.raises(UsageError, match="nothing is registered"):
        block.version  # noqa: B018


def test_a_model_that_skops_cannot_hold(here: Repo) -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer
    from sklearn.tree import DecisionTreeClassifier

    model = make_pipeline(FunctionTransformer(lambda x: x), DecisionTreeClassifier()).fit([[1], [2]], [0, 1])
    before = whole(here)
    fails(here, "skops cannot hold this Pipeline: nobody finds .*<lambda>", InvalidError, lambda b: b.log_model(model))
    for kind in ("skops", "joblib", "pickle"):
        with pytest.raises(InvalidError, match=f"{kind} cannot hold this Pipeline"):
            Registry().register("churn_predictor", model=model, format=kind)
        assert whole(here) == before


def fails(here: Repo, says: str, kind: type[ModelregError], *steps: Any) -> None:
    before = whole(here)
    block = training()
    with pytest.raises(kind, match=says), block:
        [step(block) for step in steps]
    assert whole(here) == before


def test_what_a_block_refuses(here: Repo) -> None:
    def model(block: Training) -> None:
        block.log_artifact("out/model.bin")

    def data(block: Training) -> None:
        block.log_data("data/customers.csv")

    fails(here, "without a model", UsageError)
    fails(here, "no such data", NotFoundError, model, lambda b: b.log_data("data/gone.csv"))
    fails(here, "no such file or folder", NotFoundError, lambda b: b.log_artifact("out/gone"))
    fails(here, "two data sets are called customers", InvalidError, model, data, data)
    fails(here, "'test', which was not logged; logged are: customers", InvalidError, model, data,
          lambda b: b.log_metrics({"f1": 0.5}, dataset="test"))  # fmt: skip
    fails(here, "finite number", InvalidError, model, lambda b: b.log_metrics({"f1": float("nan")}))
    fails(here, "measured on something else", InvalidError, model, lambda b: b.log_metrics({"f1": 1}, split="test"),
          lambda b: b.log_metrics({"f1": 1}, split="train"))  # fmt: skip
    fails(here, "no plain value, but object", InvalidError, model, lambda b: b.log_params({"x": object()}))
    fails(here, "whole number", InvalidError, model, lambda b: b.seed(-1))
    fails(here, "whole number", InvalidError, model, lambda b: b.seed(True))
    fails(here, "entered once", UsageError, model, lambda b: b.__enter__())


def test_data_that_changed_after_it_was_logged(here: Repo) -> None:
    def change(block: Training) -> None:
        block.log_artifact("out/model.bin")
        block.log_data("data/customers.csv")
        here.write("data/customers.csv", DATA + "1,1,1\n")

    before = whole(here)
    with pytest.raises(InvalidError, match="the data set customers changed after it was recorded"), training() as block:
        change(block)
    here.write("data/customers.csv", DATA)
    assert whole(here) == before


def test_a_block_that_is_over_takes_nothing(here: Repo) -> None:
    with training() as block:
        block.log_artifact("out/model.bin")
    with pytest.raises(UsageError, match="no training block is open"):
        block.seed(1)
    with pytest.raises(UsageError, match="no training block is open"):
        block.log_params({})
    with pytest.raises(UsageError, match="entered once"), block:
        pass


def test_a_registration_that_is_refused_at_the_end(here: Repo) -> None:
    here.git("switch", "-q", "-c", "topic")
    before = everything(here)
    with pytest.raises(UnavailableError, match="HEAD is on topic"), training() as block:
        block.log_artifact("out/model.bin")
    assert everything(here) == before


def test_notes_go_where_the_program_logs(here: Repo, caplog: pytest.LogCaptureFixture) -> None:
    here.write("job/train.py", "# edited\n")
    with caplog.at_level(logging.WARNING, "modelreg"), training() as block:
        block.log_artifact("out/model.bin")
    assert [record.name for record in caplog.records] == ["modelreg"]


def test_the_version_can_be_validated(here: Repo) -> None:
    with training() as block:
        block.log_artifact("out/model.bin")
        block.log_data("data/customers.csv")
    assert modelreg("validate", registry=here.path).code == 0
    assert modelreg("verify", "--content", registry=here.path).code == 0


@pytest.mark.parametrize("model", ["model.pkl", Path("model.pkl"), {"weights": [1.0]}, object(), len, dict])
def test_what_is_no_estimator_is_said_to_be_none(here: Repo, model: Any) -> None:
    """A path, most likely: MLflow and others take one here."""
    before = everything(here)
    for kind in ("skops", "joblib"):
        with pytest.raises(UsageError, match="is no estimator") as said:
            Registry(here.path).register("churn", model=model, format=kind)
        assert "artifacts=[path]" in str(said.value.hint)
    assert everything(here) == before


class Median:
    """Fits and predicts, and comes from no class of scikit-learn's."""

    def fit(self, _rows: Any, y: Any) -> Median:
        self.value = sorted(y)[len(y) // 2]
        return self

    def predict(self, rows: Any) -> Any:
        return [self.value for _ in rows]


def test_an_estimator_of_ones_own_class(here: Repo) -> None:
    pytest.importorskip("sklearn")
    done_ = Registry(here.path).register("churn", model=Median().fit([[1], [2]], [3.0, 4.0]), format="joblib")
    assert done_.manifest.body["architecture"].endswith("Median")
    assert str(done_.version) == "1.0.0"
