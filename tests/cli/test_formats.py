"""Files of other frameworks through the command line and the SDK: registered, shown, loaded, measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelreg.errors import DeniedError, InvalidError, UsageError
from modelreg.sdk import Registry
from tests.cli.runner import done, everything, modelreg
from tests.integrations.material import save_onnx, save_tensors, sharded
from tests.support import Repo

pytest.importorskip("onnxruntime")
pytest.importorskip("safetensors")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """A registry with an ONNX model (its weights beside it), a sharded folder and an adapter of it."""
    folder = tmp_path_factory.mktemp("formats")
    repo = Repo.init(folder / "repo")
    done("init", "--policy", "open", registry=repo.path)
    model = save_onnx(folder / "onnx" / "model.onnx", external="weights.bin")
    example = folder / "example.csv"
    example.write_text("a,b,c\n1,2,3\n4,5,6\n")
    done(
        "register",
        "linear",
        model,
        model.parent / "weights.bin",
        "--example",
        example,
        "--benchmark",
        registry=repo.path,
    )
    done("register", "bert", sharded(folder / "bert", config={"architectures": ["BertModel"]}), registry=repo.path)
    return repo


@pytest.fixture
def repo(first: Repo, tmp_path: Path) -> Repo:
    return first.copy(tmp_path / "copy")


def shown(repo: Repo, address: str) -> Any:
    return done("show", address, "--json", registry=repo.path).json("show")


def test_an_onnx_model_is_described_measured_and_loaded(repo: Repo) -> None:
    body = shown(repo, "linear@latest")
    assert body["framework"] == {"name": "pytorch", "version": "2.9.0"}
    assert body["signature"]["inputs"] == [{"name": "x", "type": "float32", "shape": [-1, 3], "nullable": False}]
    assert [(a["path"], a["role"], a["format"]) for a in body["artifacts"]] == [
        ("model.onnx", "model", "onnx"), ("weights.bin", "other", "onnx"), ("example.csv", "input-example", "csv"),
    ]  # fmt: skip
    assert body["artifacts"][0]["details"]["opset"] == {"ai.onnx": 18}
    assert [(b["name"], b["batch_size"], b["n"]) for b in body["benchmarks"]] == [
        ("predict", 1, 200), ("predict_batch_100", 100, 200),
    ]  # fmt: skip
    (y,) = Registry(repo.path).load("linear@latest").run(None, {"x": np.ones((1, 3), np.float32)})
    assert y.tolist() == [[3.0, 3.0]]
    assert done("validate", "--json", registry=repo.path).json("validate")["findings"] == []


def test_a_sharded_folder_is_described_and_loaded(repo: Repo) -> None:
    body = shown(repo, "bert@latest")
    assert (body["framework"], body["architecture"]) == ({"name": "transformers"}, "BertModel")
    (artifact,) = body["artifacts"]
    assert (artifact["format"], artifact["details"]["parameters_total"]) == ("safetensors", 12)
    assert sorted(Registry(repo.path).load("bert@latest")) == ["a", "b", "c"]


def test_an_adapter_is_told_to_name_its_parent(repo: Repo, tmp_path: Path) -> None:
    folder = tmp_path / "adapter"
    save_tensors(folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(
        json.dumps({"base_model_name_or_path": "example/bert", "peft_type": "LORA"})
    )
    alone = done("register", "adapter", folder, "--dry-run", registry=repo.path)
    assert "an adapter of example/bert, and no parent is named" in alone.err
    told = done("register", "adapter", folder, "--parent", "bert@1.0.0:adapter", registry=repo.path)
    assert "adapter of" not in told.err
    body = shown(repo, "adapter@latest")
    assert body["lineage"]["parents"] == [{"model": "bert", "version": "1.0.0", "relation": "adapter"}]
    assert body["artifacts"][0]["details"]["base_model"] == "example/bert"


@pytest.mark.parametrize(
    ("name", "content"), [("m.onnx", b"\x80\x04N."), ("m.safetensors", b"\x80\x04N."), ("m.skops", b"\x80\x04N.")]
)
def test_A26_what_is_not_what_its_name_says_registers_nothing(
    repo: Repo, tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    before = everything(repo)
    result = modelreg("register", "odd", path, registry=repo.path)
    assert result.code == 1
    assert f"{name}: is not " in result.err
    assert "Traceback" not in result.err
    assert everything(repo) == before
    with pytest.raises(InvalidError, match="is not "):
        Registry(repo.path).register("odd", artifacts=[path])


def test_a_benchmark_needs_rows_and_a_model_that_may_be_loaded(repo: Repo, tmp_path: Path) -> None:
    before = everything(repo)
    model = save_onnx(tmp_path / "other.onnx")
    rowless = modelreg("register", "m", model, "--benchmark", registry=repo.path)
    assert (rowless.code, "--example FILE" in rowless.err) == (2, True)
    example = tmp_path / "rows.csv"
    example.write_text("a,b\n1,2\n")
    unfit = modelreg("register", "m", model, "--example", example, "--benchmark", registry=repo.path)
    assert (unfit.code, "does not predict on the example" in unfit.err) == (1, True)
    pickled = tmp_path / "model.pkl"
    pickled.write_bytes(b"\x80\x04N.")
    unsafe = modelreg("register", "m", pickled, "--example", example, "--benchmark", registry=repo.path)
    assert (unsafe.code, "loading it can run any code" in unsafe.err) == (1, True)
    assert everything(repo) == before


def test_later_measurements_are_evidence(repo: Repo) -> None:
    said = done("evidence", "add", "linear@latest", "--type", "benchmark", "--measure", "--json", registry=repo.path)
    text = repo.read(said.json("evidence")["file"])
    assert "latency_p99_ms" in text
    assert "tool: {name: modelreg" in text
    for address, options, code, message in (
        ("bert@latest", ["--type", "benchmark", "--measure"], 2, "has no input example"),
        ("linear@latest", ["--type", "benchmark"], 2, "needs --measure"),
        (
            "linear@latest",
            ["--type", "compliance", "--measure"],
            2,
            "--measure say nothing of evidence of type compliance",
        ),
        ("linear@latest", ["--type", "benchmark", "--measure", "--file", "x.yaml"], 2, "exclude each other"),
    ):
        result = modelreg("evidence", "add", address, *options, registry=repo.path)
        assert (result.code, message in result.err) == (code, True), result.err


def test_the_sdk_records_what_it_is_given(repo: Repo, tmp_path: Path) -> None:
    registry = Registry(repo.path)
    tensors = {"image": np.zeros((2, 3, 4), np.float32)}
    weights = tmp_path / "weights.gguf"
    weights.write_bytes(b"GGUF")
    from modelreg.integrations.tabular import infer_signature

    signature = infer_signature(tensors, [[0.5]], {"temperature": 0.7})
    version = registry.register("plain", artifacts=[weights], X=tensors, signature=signature)
    body = version.manifest.body
    assert body["signature"] == signature
    assert [(a["path"], a["role"], a["format"]) for a in body["artifacts"]] == [
        ("weights.gguf", "model", "gguf"), ("input_example.json", "input-example", "json"),
    ]  # fmt: skip
    with pytest.raises(DeniedError, match="gguf, which the SDK does not load"):
        version.load()
    odd: list[dict[str, Any]] = [{"y": [1]}, {"importance": "permutation"}, {"predict_params": {}}]
    for more in odd:
        with pytest.raises(UsageError, match="about an estimator"):
            registry.register("plain", artifacts=[weights], **more)


@pytest.mark.filterwarnings("ignore::FutureWarning:sklearn", "ignore::DeprecationWarning:skops")
def test_an_estimator_is_measured_and_its_inputs_shuffled(repo: Repo) -> None:
    pd = pytest.importorskip("pandas")
    from sklearn.tree import DecisionTreeClassifier

    X = pd.DataFrame({"signal": range(40), "noise": [0, 1] * 20})  # noqa: N806
    y = [0] * 20 + [1] * 20
    model = DecisionTreeClassifier(random_state=0).fit(X, y)
    version = Registry(repo.path).register(
        "tree",
        model=model,
        X=X,
        y=y,
        importance="permutation",
        predict_params={"threshold": 0.5},
        benchmark={"batch_sizes": [10], "calls": 5},
    )
    body = version.manifest.body
    assert (
        body["feature_importance"]["method"] == "permutation (10 repeats, seed 0, 40 rows, the estimator's own score)"
    )
    assert list(body["feature_importance"]["values"]) == ["signal", "noise"]
    assert body["feature_importance"]["values"]["noise"] == 0
    assert body["signature"]["parameters"] == [{"name": "threshold", "type": "float64", "default": 0.5}]
    (entry,) = body["benchmarks"]
    assert (entry["name"], entry["n"]) == ("predict_batch_10", 5)


def test_wrong_calls_are_refused(repo: Repo) -> None:
    from sklearn.dummy import DummyClassifier

    registry = Registry(repo.path)
    calls: list[tuple[dict[str, Any], str]] = [
        ({"importance": "shap"}, "not known"),
        ({"predict_params": {"a": 1}}, "needs rows"),
        ({"format": "zip"}, "no format for an estimator"),
    ]
    for more, message in calls:
        with pytest.raises(UsageError, match=message):
            registry.register("m", model=DummyClassifier(), **more)
