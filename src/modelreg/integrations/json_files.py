"""JSON of strangers (RFC 8259), strictly: a mapping, no key twice, no NaN, bounded in size and depth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modelreg.errors import InvalidError

CONFIG_MAX_BYTES = 16 * 2**20
"""More than any configuration or index of shards has (a million tensors are 60 MB of names: none is known)."""


def read(path: Path, max_bytes: int = CONFIG_MAX_BYTES) -> dict[str, Any]:
    """The mapping in a file. Raises InvalidError, OSError."""
    with path.open("rb") as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise InvalidError(f"has more than {max_bytes} bytes", file=str(path))
    return parse(data, str(path))


def parse(data: bytes, file: str) -> dict[str, Any]:
    """The mapping in `data`; `file` is for errors. Raises InvalidError."""
    try:
        found = json.loads(data.decode(), object_pairs_hook=_once, parse_constant=_refused)
    except (ValueError, RecursionError) as error:  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        reason = "too deep" if isinstance(error, RecursionError) else str(error)[:100]
        raise InvalidError(f"is not JSON that can be read: {ascii(reason)[1:-1]}", file=file) from None
    if not isinstance(found, dict):
        raise InvalidError("must be a JSON object", file=file)
    return found


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise ValueError(f"the key {twice[:60]!a} is there twice")
    return found


def _refused(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")
