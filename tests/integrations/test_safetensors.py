"""safetensors: what the header says, hostile headers, shards, loading."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelreg.errors import InvalidError, UnavailableError
from modelreg.integrations import safetensors
from tests.integrations.material import raw_safetensors, save_tensors, sharded

pytest.importorskip("safetensors")


def entry(dtype: str = "F32", shape: Any = (1,), offsets: Any = (0, 4)) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def test_the_header_says_types_shapes_and_labels(tmp_path: Path) -> None:
    path = save_tensors(tmp_path / "m.safetensors", {"format": "pt", "odd": "\x1b[31m", "long": "x" * 501})
    found = safetensors.header(path)
    assert found.tensors["w"] == safetensors.Tensor("F32", (2, 3))
    assert safetensors.describe(path).details == {
        "parameters_total": 8,
        "tensors": 2,
        "dtypes": {"F16": 2, "F32": 6},
        "metadata": {"format": "pt"},
    }


@pytest.mark.parametrize(
    ("header", "data", "length", "message"),
    [
        ("", b"", None, "header"),
        ("{}", b"", 10**15, "the whole file has 10"),
        ("{}", b"", 2**64 - 1, "the whole file has 10"),
        ("{}", b"", 3, "the whole file has 10"),
        ("[]", b"", None, "its header is not JSON"),
        (" {}", b"", None, "its header is not JSON"),
        ("{]", b"", None, "is not JSON that can be read"),
        (b'{"\xff": 1}', b"", None, "is not JSON that can be read"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, b"", None, "is not JSON that can be read: too deep"),
        ('{"a":' + "9" * 5000 + "}", b"", None, "is not JSON that can be read"),
        ('{"a":%s,"a":%s}' % ((json.dumps(entry()),) * 2), b"1234", None, "'a' is there twice"),
        ('{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', b"1234", None, "'dtype' is there twice"),
        (json.dumps({"a": 1}), b"", None, "must have dtype, shape and data_offsets"),
        (json.dumps({"a": entry() | {"x": 1}}), b"1234", None, "must have dtype, shape and data_offsets"),
        (json.dumps({"a": entry("F31")}), b"1234", None, "not known, 'F31'"),
        (json.dumps({"a": entry(dtype=[])}), b"1234", None, "not known"),  # type: ignore[arg-type]
        (json.dumps({"a": entry(shape=[-1])}), b"1234", None, "whole numbers"),
        (json.dumps({"a": entry(shape=[True])}), b"1234", None, "whole numbers"),
        (json.dumps({"a": entry(shape=[1.0])}), b"1234", None, "whole numbers"),
        (json.dumps({"a": entry(shape=[2**63])}), b"1234", None, "whole numbers"),
        (json.dumps({"a": entry(shape=[1] * 65)}), b"1234", None, "whole numbers"),
        (json.dumps({"a": entry(offsets=[0])}), b"1234", None, "whole numbers"),
        (json.dumps({"a": entry(offsets=[4, 0])}), b"1234", None, "does not have the bytes"),
        (json.dumps({"a": entry(shape=[2])}), b"1234", None, "does not have the bytes"),
        (json.dumps({"a": entry()}), b"123", None, "its tensors have 4 bytes, the file 3"),
        (json.dumps({"a": entry()}), b"12345", None, "its tensors have 4 bytes, the file 5"),
        (json.dumps({"a": entry(offsets=[4, 8])}), b"12345678", None, "hole or overlap at byte 0"),
        (json.dumps({"a": entry(), "b": entry()}), b"1234", None, "hole or overlap at byte 0"),
        (json.dumps({"a": entry(), "b": entry(offsets=[2, 6])}), b"123456", None, "hole or overlap at byte 2"),
        (json.dumps({"__metadata__": {"a": 1}}), b"", None, "__metadata__ must map text to text"),
        (json.dumps({"__metadata__": []}), b"", None, "__metadata__ must map text to text"),
    ],
    ids=range(31),
)  # fmt: skip
def test_A26_a_hostile_header_is_refused(
    tmp_path: Path, header: str | bytes, data: bytes, length: int | None, message: str
) -> None:
    path = raw_safetensors(tmp_path / "m.safetensors", header, data, length)
    with pytest.raises(InvalidError, match=message) as error:
        safetensors.describe(path)
    assert error.value.file == str(path)
    assert str(error.value).isprintable()


def test_A18_a_header_of_more_than_100_MB_is_not_read(tmp_path: Path) -> None:
    """A sparse file: it has the bytes that its header claims, and costs none."""
    path = raw_safetensors(tmp_path / "m.safetensors", "{", length=safetensors.HEADER_MAX_BYTES + 1)
    with path.open("r+b") as file:
        file.truncate(2 * safetensors.HEADER_MAX_BYTES)
    with pytest.raises(InvalidError, match="the format allows 100000000"):
        safetensors.describe(path)


def test_A26_a_pickle_by_another_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    for protocol in range(6):
        path.write_bytes(pickle.dumps({"weights": list(range(1000))}, protocol=protocol))
        with pytest.raises(InvalidError, match="is not safetensors"):
            safetensors.describe(path)


@given(st.binary(max_size=60), st.integers(0, 70))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes, length: int) -> None:
    path = tmp_path_factory.mktemp("any") / "m.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + data)
    try:
        safetensors.describe(path)
    except InvalidError as error:
        assert str(error).isprintable()  # noqa: PT017


def test_empty_and_scalar_tensors_are_sound(tmp_path: Path) -> None:
    header = {
        "none": entry(shape=[0, 5], offsets=[0, 0]),
        "one": entry("F64", [], [0, 8]),
        "half": entry("F4", [4], [8, 10]),
    }
    path = raw_safetensors(tmp_path / "m.safetensors", json.dumps(header) + "   ", b"x" * 10)
    assert safetensors.describe(path).details["dtypes"] == {"F32": 0, "F4": 4, "F64": 1}


def files(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


def test_shards_are_one_model(tmp_path: Path) -> None:
    folder = sharded(tmp_path / "bert")
    found = safetensors.describe_folder(folder, files(folder))
    assert found.details == {"parameters_total": 12, "tensors": 3, "dtypes": {"F32": 12}, "metadata": {"format": "pt"}}
    loaded = safetensors.load(folder)
    assert {name: array.tolist()[0] for name, array in loaded.items()} == {"a": [1, 1], "b": [1, 1], "c": [2, 2]}
    assert sorted(safetensors.load(folder / "model-00002-of-00002.safetensors")) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("shard", "message"),
    [
        ("../x.safetensors", "not a file beside the index"),
        ("/etc/passwd", "not a file beside the index"),
        ("sub/model-00001-of-00002.safetensors", "not a file beside the index"),
        ("..\\x.safetensors", "not a file beside the index"),
        ("model.bin", "not a file beside the index"),
        ("model-00003-of-00003.safetensors", "which is not there"),
        ("model-00002-of-00002.safetensors", "has no tensor 'a'"),
    ],
)
def test_A16_a_shard_is_in_the_folder_or_refused(tmp_path: Path, shard: str, message: str) -> None:
    save_tensors(tmp_path / "x.safetensors", a=np.zeros(1))
    folder = sharded(tmp_path / "bert", {"a": shard})
    with pytest.raises(InvalidError, match=message):
        safetensors.describe_folder(folder, files(folder))
    with pytest.raises(InvalidError, match=message):
        safetensors.load(folder)


@pytest.mark.parametrize(
    "body", ["[]", "{}", '{"weight_map": []}', '{"weight_map": {}}', '{"weight_map": {"a": 1}}', "x"]
)
def test_an_index_that_is_none_is_refused(tmp_path: Path, body: str) -> None:
    folder = sharded(tmp_path / "bert")
    (folder / "model.safetensors.index.json").write_text(body)
    with pytest.raises(InvalidError):
        safetensors.describe_folder(folder, files(folder))


def test_what_is_loaded_is_one_model(tmp_path: Path) -> None:
    alone = save_tensors(tmp_path / "one" / "m.safetensors")
    assert safetensors.load(alone)["w"].shape == (2, 3)
    assert safetensors.load(alone.parent)["b"].dtype == np.float16
    save_tensors(tmp_path / "one" / "n.safetensors")
    with pytest.raises(InvalidError, match="2 files of weights and no index"):
        safetensors.load(alone.parent)
    assert sorted(safetensors.load(alone)) == ["b", "w"]
    folder = sharded(tmp_path / "bert")
    (folder / "other.safetensors.index.json").write_bytes((folder / "model.safetensors.index.json").read_bytes())
    with pytest.raises(InvalidError, match="2 indices"):
        safetensors.load(folder)
    with pytest.raises(InvalidError, match="0 files"):
        safetensors.load(tmp_path)


def test_types_that_numpy_has_not_are_named(tmp_path: Path) -> None:
    path = raw_safetensors(tmp_path / "m.safetensors", json.dumps({"a": entry("BF16", [2])}), b"1234")
    assert safetensors.describe(path).details["dtypes"] == {"BF16": 2}
    with pytest.raises(UnavailableError, match="BF16, which NumPy has not"):
        safetensors.load(path)


def test_without_the_extra_loading_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_tensors(tmp_path / "m.safetensors")
    monkeypatch.setitem(__import__("sys").modules, "safetensors", None)
    assert safetensors.describe(path).details["tensors"] == 2
    with pytest.raises(UnavailableError) as error:
        safetensors.load(path)
    assert "modelreg[safetensors]" in (error.value.hint or "")
