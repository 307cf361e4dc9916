"""Data sets: a file or a folder by its digests, as DVC names it, and what it holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modelreg.adapters.hashing import digest_file
from modelreg.adapters.provenance.place import Place
from modelreg.errors import NotFoundError


def dataset(place: Place, name: str, path: Path, role: str) -> dict[str, Any]:
    """An entry of lineage.data: size in bytes, sha256 and MD5 of the file. Raises NotFoundError."""
    if not path.is_file():
        raise NotFoundError(
            f"there is no data file {path}", file=str(path), hint="is the path right? it counts from the current folder"
        )
    digests = digest_file(path)
    return {
        "name": name,
        "role": role,
        "path": place.inside(path) or path.name,
        "size_bytes": digests.size_bytes,
        "sha256": digests.sha256,
        "md5": digests.md5,
    }
