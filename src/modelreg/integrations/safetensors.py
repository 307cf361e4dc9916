"""safetensors: what the header says, read without loading a tensor; files, sharded folders, and loading as NumPy.

Format source: https://github.com/huggingface/safetensors, README, "Format": eight bytes little-endian N, N bytes of
JSON, then the tensors' bytes without holes. Reading the header needs no library; loading needs the extra.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelreg.domain.formats import FileFacts, labels
from modelreg.errors import InvalidError, UnavailableError
from modelreg.integrations import json_files

HEADER_MAX_BYTES = 100_000_000
"""As the format's own reader has it (`MAX_HEADER_SIZE`)."""

INDEX = ".safetensors.index.json"

_BITS = dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8)
_BITS |= dict.fromkeys(("U16", "I16", "F16", "BF16"), 16) | dict.fromkeys(("U32", "I32", "F32"), 32)
_BITS |= dict.fromkeys(("U64", "I64", "F64", "C64"), 64) | {"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6}


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor's type by the format's name, and its dimensions."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Header:
    """What one file holds: tensors by name, and its `__metadata__`."""

    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str]


def header(path: Path) -> Header:
    """The header of one file, whole and checked against the file's size. Raises InvalidError, OSError."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        length = int.from_bytes(file.read(8), "little")
        if size < 10 or length > size - 8:
            raise _no(path, f"its header would have {length} bytes, the whole file has {size}")
        if length > HEADER_MAX_BYTES:
            raise _no(path, f"its header has {length} bytes; the format allows {HEADER_MAX_BYTES}")
        data = file.read(length)
    if not data.startswith(b"{"):
        raise _no(path, "its header is not JSON")
    entries = json_files.parse(data, str(path))
    metadata = entries.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise _no(path, "__metadata__ must map text to text")
    _without_holes(path, entries, size - 8 - length)
    return Header({name: Tensor(e["dtype"], tuple(e["shape"])) for name, e in entries.items()}, metadata)


def describe(path: Path) -> FileFacts:
    """Types and number of a file's weights, and its labels. Raises InvalidError, OSError."""
    found = header(path)
    return FileFacts(details=_details(found.tensors.values(), found.metadata))


def describe_folder(folder: Path, files: Iterable[str]) -> FileFacts:
    """As `describe`, of all files of a folder (`files`: paths below it), with every index of shards checked.

    Raises InvalidError for a shard that is missing, outside the folder, or without a tensor that the index names.
    """
    names = sorted(files)
    headers = {name: header(folder / name) for name in names if name.lower().endswith(".safetensors")}
    for name in names:
        if name.endswith(INDEX):
            _check_index(folder, name, headers)
    tensors = [tensor for found in headers.values() for tensor in found.tensors.values()]
    metadata = {key: value for found in headers.values() for key, value in found.metadata.items()}
    return FileFacts(details=_details(tensors, metadata))


def load(path: Path) -> dict[str, Any]:
    """NumPy arrays by name, of a file, or of all shards of a folder (or of the index that stands beside the file).

    Raises InvalidError for what is no safetensors or has several models, UnavailableError without the extra and for
    types that NumPy has not.
    """
    try:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file
    except ImportError as error:
        raise UnavailableError("safetensors is not installed", hint="pip install 'modelreg[safetensors]'") from error
    arrays: dict[str, Any] = {}
    for file, wanted in _files(path):
        described = header(file)
        odd = sorted({tensor.dtype for tensor in described.tensors.values()} & _NOT_NUMPY)
        if odd:
            raise UnavailableError(
                f"{file.name} holds {', '.join(odd)}, which NumPy has not",
                hint="modelreg pull fetches the file; load it with the framework that wrote it",
            )
        try:
            loaded = load_file(file)
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise _no(file, ascii(str(error)[:100])[1:-1]) from error
        arrays |= {name: loaded[name] for name in (loaded if wanted is None else wanted)}
    return arrays


_NOT_NUMPY = frozenset(_BITS) - {
    *("BOOL", "U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64", "F16", "F32", "F64", "C64"),
}


def _files(path: Path) -> list[tuple[Path, list[str] | None]]:
    """The files to load, with the tensors wanted of each (None: all)."""
    folder = path if path.is_dir() else path.parent
    indices = sorted(folder.glob(f"*{INDEX}"))
    if path.is_file():
        indices = [index for index in indices if path.name in _weight_map(index).values()]
    if not indices:
        files = [path] if path.is_file() else sorted(folder.glob("*.safetensors"))
        if len(files) != 1:
            raise _no(path, f"{len(files)} files of weights and no index: not one model")
        return [(files[0], None)]
    if len(indices) != 1:
        raise _no(path, f"{len(indices)} indices of shards: not one model")
    shards = {p.name: header(p) for p in folder.glob("*.safetensors")}
    _check_index(folder, indices[0].name, shards)
    wanted: dict[str, list[str]] = {}
    for tensor, shard in _weight_map(indices[0]).items():
        wanted.setdefault(shard, []).append(tensor)
    return [(folder / shard, names) for shard, names in sorted(wanted.items())]


def _check_index(folder: Path, name: str, headers: Mapping[str, Header]) -> None:
    index = folder / name
    beside = name[: name.rfind("/") + 1]
    for tensor, shard in _weight_map(index).items():
        if not shard.endswith(".safetensors") or "/" in shard or "\\" in shard:
            raise _no(index, f"the shard {shard[:80]!a} is not a file beside the index")
        found = headers.get(beside + shard)
        if found is None:
            raise InvalidError(
                f"names the shard {shard}, which is not there", file=str(index), hint="is the download complete?"
            )
        if tensor not in found.tensors:
            raise _no(index, f"{shard} has no tensor {tensor[:80]!a}")


def _weight_map(index: Path) -> dict[str, str]:
    found = json_files.read(index).get("weight_map")
    if not isinstance(found, dict) or not found or not all(isinstance(shard, str) for shard in found.values()):
        raise _no(index, "weight_map must map tensors to shards")
    return found


def _without_holes(path: Path, entries: Mapping[str, Any], size: int) -> None:
    """Every entry well formed, and the tensors' bytes one after the other, all of them."""
    ranges: list[tuple[int, int]] = []
    for name, entry in entries.items():
        where = f"the tensor {name[:80]!a}"
        if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
            raise _no(path, f"{where} must have dtype, shape and data_offsets")
        dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
        if not isinstance(dtype, str) or dtype not in _BITS:
            raise _no(path, f"{where} is of a type that is not known, {str(dtype)[:40]!a}")
        if not _sizes(shape) or not _sizes(offsets) or len(offsets) != 2:
            raise _no(path, f"{where} must have whole numbers for shape and data_offsets")
        if 8 * (offsets[1] - offsets[0]) != math.prod(shape) * _BITS[dtype]:
            raise _no(path, f"{where} does not have the bytes that its shape and type need")
        ranges.append((offsets[0], offsets[1]))
    end = 0
    for begin, stop in sorted(ranges):
        if begin != end:
            raise _no(path, f"its tensors leave a hole or overlap at byte {min(begin, end)}")
        end = stop
    if end != size:
        raise _no(path, f"its tensors have {end} bytes, the file {size}")


def _sizes(value: Any) -> bool:
    """A list of whole numbers that 64 bits hold, none negative."""
    return isinstance(value, list) and all(type(n) is int and 0 <= n < 2**63 for n in value) and len(value) <= 64


def _details(tensors: Iterable[Tensor], metadata: Mapping[str, str]) -> dict[str, Any]:
    found = list(tensors)
    kinds: dict[str, int] = {}
    for tensor in found:
        kinds[tensor.dtype] = kinds.get(tensor.dtype, 0) + tensor.elements
    details: dict[str, Any] = {"parameters_total": sum(kinds.values()), "tensors": len(found)}
    if kinds:
        details["dtypes"] = dict(sorted(kinds.items()))
    if kept := labels(metadata):
        details["metadata"] = kept
    return details


def _no(path: Path, reason: str) -> InvalidError:
    return InvalidError(
        f"is not safetensors: {reason}", file=str(path), hint="an ending does not make a format; is the file whole?"
    )
