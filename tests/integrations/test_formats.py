"""Files and folders of any framework: what is recorded without being asked, and what a folder is called."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from modelreg.domain.formats import format_of, label, labels
from modelreg.errors import DeniedError, InvalidError
from modelreg.integrations import formats
from modelreg.integrations.formats import describe_all
from tests.integrations.material import save_onnx, save_tensors, sharded

pytest.importorskip("onnx")
pytest.importorskip("safetensors")

BERT = {"architectures": ["BertForSequenceClassification"], "transformers_version": "4.57.1"}
ADAPTER = {"peft_type": "LORA", "base_model_name_or_path": "example/base-7b", "peft_version": "0.18.0"}


@pytest.mark.parametrize(
    ("name", "folder", "kind"),
    [
        ("model.onnx", False, "onnx"), ("M.ONNX", False, "onnx"), ("a.tar.gz", False, "binary"), ("model", False, "binary"),
        ("model", True, "folder"), ("model.keras", True, "keras"), (".csv", False, "binary"), ("w.gguf", False, "gguf"),
    ],
)  # fmt: skip
def test_formats_by_ending(name: str, folder: bool, kind: str) -> None:
    assert format_of(name, folder=folder) == kind


def test_a_stranger_s_labels_are_bounded() -> None:
    assert label("a b") == "a b"
    assert [label(text) for text in ("", "x" * 501, "\x1b[31m", "a\nb", "\u202e", "\ud800", 5, None)] == [None] * 8
    assert labels({"k": "v", "": "v", "x" * 101: "v", "e": "", "n": 1}) == {"k": "v"}
    assert len(labels({f"k{n}": "v" for n in range(99)})) == 50


def _bert(folder: Path) -> Path:
    return sharded(folder, config=BERT, tokenizer={})


def test_a_transformers_folder(tmp_path: Path) -> None:
    found = describe_all([(_bert(tmp_path / "bert"), None)])
    assert found.fields == {
        "framework": {"name": "transformers", "version": "4.57.1"},
        "architecture": "BertForSequenceClassification",
    }
    (facts,) = found.artifacts
    assert (facts.format, facts.details["parameters_total"], facts.details["tensors"]) == ("safetensors", 12, 3)
    assert found.notes == ()


def test_A26_a_folder_with_what_could_run_is_called_a_folder(tmp_path: Path) -> None:
    """A policy that allows safetensors must not be told so of a folder that holds a pickle, or code, too."""
    for name in ("pytorch_model.bin", "modeling_own.py", "model.PKL", "sub/x.so", "noending"):
        folder = _bert(tmp_path / name.replace("/", "-"))
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(pickle.dumps([]))
        found = describe_all([(folder, None)])
        assert found.artifacts[0].format is None
        assert found.notes == (f"called a folder, not safetensors: it holds '{name}' too",)
        assert found.fields["architecture"] == "BertForSequenceClassification"


def test_A26_no_spelling_of_an_ending_keeps_a_file_from_being_checked(tmp_path: Path) -> None:
    folder = _bert(tmp_path / "bert")
    (folder / "EVIL.SafeTensors").write_bytes(pickle.dumps([]))
    with pytest.raises(InvalidError, match="is not safetensors"):
        describe_all([(folder, None)])
    folder = save_onnx(tmp_path / "onnx" / "model.onnx").parent
    (folder / "EVIL.ONNX").write_bytes(pickle.dumps([]))
    assert describe_all([(folder, None)]).artifacts[0].format is None


def test_an_adapter_says_whose_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "adapter"
    save_tensors(folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps(ADAPTER))
    found = describe_all([(folder, None)])
    assert found.fields == {"framework": {"name": "peft", "version": "0.18.0"}, "architecture": "peft.LORA"}
    assert found.artifacts[0].details["base_model"] == "example/base-7b"
    (note,) = found.notes
    assert "an adapter of example/base-7b, and no parent is named" in note
    assert "--parent MODEL@VERSION" in note
    assert describe_all([(folder, None)], parents=True).notes == ()
    flat = [(folder / "adapter_model.safetensors", None), (folder / "adapter_config.json", None)]
    assert describe_all(flat).fields == found.fields
    assert describe_all(flat).artifacts[0].details["base_model"] == "example/base-7b"


@pytest.mark.parametrize(
    ("config", "fields"),
    [
        ({}, {}),
        ({"architectures": []}, {}),
        ({"architectures": "X", "transformers_version": 5}, {}),
        ({"architectures": ["\x1b[31m"]}, {}),
        ({"architectures": ["A"]}, {"framework": {"name": "transformers"}, "architecture": "A"}),
        ({"transformers_version": "5.0"}, {"framework": {"name": "transformers", "version": "5.0"}}),
    ],
)
def test_configurations_say_what_they_say(tmp_path: Path, config: object, fields: object) -> None:
    path = save_tensors(tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert describe_all([(path, None), (tmp_path / "config.json", None)]).fields == fields


def test_a_broken_configuration_is_refused(tmp_path: Path) -> None:
    folder = _bert(tmp_path / "bert")
    (folder / "config.json").write_text('{"architectures": ["A"], "architectures": ["B"]}')
    with pytest.raises(InvalidError, match="'architectures' is there twice"):
        describe_all([(folder, None)])


def test_an_onnx_folder(tmp_path: Path) -> None:
    folder = save_onnx(tmp_path / "exported" / "model.onnx", external="model.onnx_data").parent
    found = describe_all([(folder, None)])
    assert (found.artifacts[0].format, found.notes) == ("onnx", ())
    assert found.fields["framework"]["name"] == "pytorch"
    assert formats.load(folder, "onnx").get_inputs()[0].name == "x"
    (folder / "other_data").write_bytes(b"x")
    assert describe_all([(folder, None)]).artifacts[0].format is None
    save_onnx(folder / "second.onnx")
    assert describe_all([(folder, None)]).artifacts[0].details == {}
    with pytest.raises(InvalidError, match="holds 2 ONNX models"):
        formats.load(folder, "onnx")


def test_weights_beside_a_model_must_be_registered_too(tmp_path: Path) -> None:
    path = save_onnx(tmp_path / "m.onnx", external="m.bin")
    with pytest.raises(InvalidError, match="not registered with it"):
        describe_all([(path, None)])
    found = describe_all([(path, None), (tmp_path / "m.bin", None)])
    assert found.artifacts[0].details["parameters_total"] == 6
    assert (found.artifacts[1].details, found.artifacts[1].format) == ({}, "onnx")
    model = save_onnx(tmp_path / "n.onnx", external="n.pkl")
    assert describe_all([(model, None), (tmp_path / "n.pkl", None)]).artifacts[1].format is None


def test_without_onnx_nothing_is_said_but_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelreg.integrations.onnx.installed", lambda: False)
    for path in (save_onnx(tmp_path / "m.onnx"), save_onnx(tmp_path / "f" / "m.onnx").parent):
        found = describe_all([(path, None)])
        assert found.fields == {}
        assert "modelreg[onnx]" in found.notes[0]


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: folder / "missing.onnx",
        lambda folder: folder / "missing.safetensors",
        lambda folder: folder,
        lambda folder: _linked(folder),  # noqa: PLW0108 - defined below
        lambda folder: _written(folder / "model.pkl"),
        lambda folder: _written(folder / "model.pt"),
        lambda folder: _written(folder / "weights"),
    ],
)
def test_the_rest_is_left_to_whoever_stores_it(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    found = describe_all([(make(tmp_path), None)])
    assert (found.fields, found.artifacts[0].details, found.notes) == ({}, {}, ())
    assert describe_all([]).artifacts == ()


def _linked(folder: Path) -> Path:
    (folder / "l.safetensors").symlink_to(_written(folder / "target"))
    return folder / "l.safetensors"


def _written(path: Path) -> Path:
    path.write_bytes(pickle.dumps([]))
    return path


def test_other_formats_are_not_loaded(tmp_path: Path) -> None:
    with pytest.raises(DeniedError, match="is pytorch, which is not loaded here"):
        formats.load(_written(tmp_path / "m.pt"), "pytorch")
